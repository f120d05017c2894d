// What an admin may do to an account.
import { userReinstated, userSuspended } from '../../events/users.ts';
import { conflict } from '../../problem.ts';
import { command, noBody } from '../command.ts';
import { user } from './user.ts';

export const suspendUser = command({
  route: 'POST /admin/users/:id/suspend',
  summary: 'Suspend an account, at once',
  description: 'Its logins stay, and can be used again once it is reinstated.',
  body: noBody,
  access: 'admin',
  aggregate: user,
  decide: ({ status }, { id, user }) => {
    if (id === user.id) return conflict('own-account', 'You cannot suspend yourself.');
    return status === 'suspended' ? [] : userSuspended({ suspended_by: user.id });
  },
  answer: 'getUser',
});

export const reinstateUser = command({
  route: 'POST /admin/users/:id/reinstate',
  summary: 'Reinstate a suspended account',
  body: noBody,
  access: 'admin',
  aggregate: user,
  decide: ({ status }, { user }) => (status === 'active' ? [] : userReinstated({ reinstated_by: user.id })),
  answer: 'getUser',
});

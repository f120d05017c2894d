// Registering: the address is claimed, the person is there, and they are logged in. A claim that is not followed by a
// person is free after a minute; a person who was not logged in can log in.

import { randomUUIDv7 } from 'node:crypto';
import { z } from 'zod';
import { userRegistered } from '../../events/users.ts';
import { hashPassword, newPassword } from '../../passwords.ts';
import { emailAddress, locale, name, timezone } from '../../vocabulary.ts';
import { command, stampOf } from '../command.ts';
import { emailTaken, reserveEmail } from './emailClaim.ts';
import { enter, entered, login } from './login.ts';
import { user } from './user.ts';

export const register = command({
  route: 'POST /auth/register',
  summary: 'Register, and log in',
  body: z.strictObject({
    email: emailAddress,
    password: newPassword,
    display_name: name,
    timezone: timezone.prefault('UTC'),
    locale: locale.prefault('en'),
  }),
  example: { email: 'ada@example.com', password: 'correct horse battery staple', display_name: 'Ada', timezone: 'Europe/London' },
  access: 'public',
  aggregate: login,
  creates: true,
  response: { schema: entered, status: 201, location: '/users/me' },
  prepare: async (input, services) => {
    const { password, ...person } = input.body;
    const password_hash = await hashPassword(password);
    const user_id = randomUUIDv7();
    const stamp = stampOf(input, user_id);
    const role = services.settings.adminEmails.includes(person.email.toLowerCase()) ? 'admin' : 'user';
    await reserveEmail(services, stamp, person.email, -1);
    // Where the stream is there already, somebody has taken the claim over: this took longer than a claim holds.
    const { revision } = await services.transact(user, user_id, stamp, (_, revision) =>
      revision >= 0 ? emailTaken() : userRegistered({ ...person, role, password_hash }),
    );
    return enter(input, services, { user_id, user_revision: revision, actor: 'user' });
  },
});

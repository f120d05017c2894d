// Who is calling: the access token says so, and the log says whether it still holds.
import type { FastifyRequest } from 'fastify';
import type { Caller, CommandServices } from '../commands/command.ts';
import { login } from '../commands/users/login.ts';
import { inGoodStanding, unauthorized } from '../commands/users/standing.ts';
import { user } from '../commands/users/user.ts';

const bearerOf = ({ authorization = '' }: FastifyRequest['headers']) => /^Bearer +(\S+)$/i.exec(authorization)?.[1];

/** Whether the caller runs this Daybook, and is nobody in it. */
export const createOperatorCheck =
  ({ tokens }: CommandServices) =>
  async ({ headers }: FastifyRequest): Promise<boolean> => {
    const token = bearerOf(headers);
    return token !== undefined && tokens.isOperators(token);
  };

/** @throws Problem 401 for whatever is wrong with the token or its login, 403 for a suspended account */
export const createAuthenticator =
  ({ tokens, folds }: CommandServices) =>
  async ({ headers }: FastifyRequest): Promise<Caller> => {
    const token = bearerOf(headers);
    const claims = token === undefined ? undefined : await tokens.verify(token);
    if (!claims) throw unauthorized();
    const [found, person] = await Promise.all([
      folds.current(login, `${login.category}-${claims.login_id}`),
      folds.current(user, `${user.category}-${claims.sub}`),
    ]);
    const standing = inGoodStanding(found.state, person.state);
    if (standing.login.user_id !== claims.sub) throw unauthorized();
    return { id: claims.sub, role: standing.person.role, actor: standing.login.actor, login_id: claims.login_id };
  };

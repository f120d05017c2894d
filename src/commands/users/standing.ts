// Whether a login may act for its person, now. Both streams are looked at for every request, so what ends a login or stops
// a person is in force at once.
import { Problem } from '../../problem.ts';
import type { Login } from './login.ts';
import type { User } from './user.ts';

/** @throws Problem 401 where the login has ended or its person is gone, 403 where the person is suspended */
export function inGoodStanding(login: Login | undefined, person: User | undefined): { login: Login; person: User } {
  if (!login || !person || !isAlive(login, person)) throw unauthorized();
  if (person.status === 'suspended') throw accountSuspended();
  return { login, person };
}

/** A change of password ends the logins before it, but for the one it was made with. Revisions say what was before, no clock does. */
export const isAlive = (
  { id, isEnded, user_revision }: Pick<Login, 'id' | 'isEnded' | 'user_revision'>,
  { password_since }: User,
): boolean => !isEnded && (user_revision >= password_since.revision || password_since.kept_login_id === id);

/** The same for whatever is wrong with a token: which check it failed is nobody's business. */
export const unauthorized = () => new Problem(401, 'unauthorized', 'This needs a valid token.');

export const accountSuspended = () => new Problem(403, 'account-suspended', 'This account is suspended.');

// Somebody to decide about: Ada, who has an address, a password, and a login that the commands of these tests come from.
import { createHash } from 'node:crypto';
import { emailClaim, emailKey } from '../../../src/commands/users/emailClaim.ts';
import { login } from '../../../src/commands/users/login.ts';
import { user } from '../../../src/commands/users/user.ts';
import type { NewEvent } from '../../../src/events/event.ts';
import { emailReserved, loggedIn, userRegistered } from '../../../src/events/users.ts';
import { hashPassword } from '../../../src/passwords.ts';
import { deriveSecrets } from '../../../src/secrets.ts';
import { type Given, given, ME, OTHER_ID } from '../../support/given.ts';

export const PASSWORD = 'correct horse battery staple';
export const password_hash = await hashPassword(PASSWORD);
export const profile = { email: 'Ada@example.com', display_name: 'Ada', timezone: 'Europe/London', locale: 'en-GB' };
export const registered = userRegistered({ ...profile, role: 'user', password_hash });

/** The id part of the stream of an address. */
export const keyOf = (address: string): string => emailKey(deriveSecrets('a master key of the tests, 32 bytes and more'), address);
export const claimed = (user_id: string, user_revision = -1): NewEvent[] => [emailReserved({ user_id, user_revision })];

/** A refresh token of Ada's login, one for each letter. */
export const token = (letter: string): string => `${OTHER_ID}.${letter.repeat(43)}`;
/** What is kept of it. */
export const kept = (letter: string, expires_at = '2026-04-01T00:00:00.000Z') => ({
  refresh_token_hash: createHash('sha256').update(token(letter)).digest('hex'),
  expires_at,
});
export const loggedInWith = (letter: string, more: Partial<Parameters<typeof loggedIn>[0]> = {}): NewEvent =>
  loggedIn({ ...kept(letter), actor: 'user', user_agent: null, user_revision: 0, ...more });

/** Ada, what happened to her then, and what happened to her login. */
export const ada = (events: readonly NewEvent[] = [], logins: readonly NewEvent[] = [loggedInWith('A')]): Given =>
  given(user, [registered, ...events], ME)
    .and(emailClaim, claimed(ME), keyOf('ada@example.com'))
    .and(login, logins, OTHER_ID);

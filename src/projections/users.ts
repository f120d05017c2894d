// People and their logins as rows, and what happened to them as sentences.
import { loginRows, userRows } from '../tables/users.ts';
import { adjust, insert, projection, remove, update } from './projection.ts';
import { silent, teller } from './sentence.ts';

export const users = projection('users', 2, {
  UserRegistered: ({ id, data: { password_hash, ...person } }) =>
    insert(userRows, { id, ...person, preferences: {}, status: 'active', last_login_at: null, deleted_at: null }),
  UserProfileChanged: ({ id, data }) => update(userRows, id, data),
  UserPreferencesChanged: ({ id, data }) => update(userRows, id, data),
  UserEmailChanged: ({ id, data }) => update(userRows, id, data),
  PasswordChanged: ({ id, data }) => [update(userRows, id, {}), remove(loginRows, { user_id: id }, { id: data.kept_login_id })],
  UserSuspended: ({ id }) => update(userRows, id, { status: 'suspended' }),
  UserReinstated: ({ id }) => update(userRows, id, { status: 'active' }),
  // Nothing personal stays; what is theirs goes next (see departures).
  UserDeleted: ({ id, meta }) =>
    update(userRows, id, {
      status: 'deleted',
      deleted_at: meta.at,
      email: null,
      display_name: 'Deleted user',
      timezone: 'UTC',
      locale: 'en',
      preferences: {},
      last_login_at: null,
    }),

  LoggedIn: ({ id, data: { actor, user_agent, expires_at }, meta }) => [
    insert(loginRows, { id, actor, user_agent, last_used_at: meta.at, expires_at }),
    adjust(userRows, meta.user_id, { last_login_at: meta.at }),
  ],
  TokensRefreshed: ({ id, data: { expires_at }, meta }) => update(loginRows, id, { last_used_at: meta.at, expires_at }),
  RefreshTokenReused: ({ id }) => remove(loginRows, { id }),
  LoggedOut: ({ id }) => remove(loginRows, { id }),
  LoginRevoked: ({ id }) => remove(loginRows, { id }),
  LoginExpired: ({ id }) => remove(loginRows, { id }),
});

const NOT_YET_ANYBODY = 'nobody has come or gone by it';

export const userSentences = teller('user', {
  UserRegistered: ({ data }) => ({ summary: 'Registered', details: { email: data.email, display_name: data.display_name } }),
  RegistrationAbandoned: silent(NOT_YET_ANYBODY),
  UserProfileChanged: ({ data }) => ({ summary: 'Changed the profile', details: { ...data } }),
  UserPreferencesChanged: () => 'Changed the preferences',
  PasswordChanged: () => 'Changed the password, which ended all other logins',
  UserEmailChanged: ({ data }) => ({ summary: `Changed the address to ${data.email}`, details: { ...data } }),
  UserSuspended: ({ data }) => ({ summary: 'The account was suspended by an admin', details: { ...data } }),
  UserReinstated: ({ data }) => ({ summary: 'The account was reinstated by an admin', details: { ...data } }),
  UserDeleted: () => 'Deleted the account',
  EmailReserved: silent(NOT_YET_ANYBODY),
  EmailReleased: silent('the change of address or the departure before it is what happened'),
});

export const keySentences = teller('idempotency_key', {
  IdempotencyKeyUsed: silent('what the key did is what happened'),
});

export const loginSentences = teller(
  'user',
  {
    LoggedIn: ({ id, data: { actor, user_agent } }) => ({
      summary: actor === 'assistant' ? 'Logged the assistant in' : 'Logged in',
      details: { login_id: id, actor, user_agent },
    }),
    TokensRefreshed: silent('a program does it every few minutes'),
    RefreshTokenReused: ({ id }) => ({ summary: 'A login was ended, since a copy of its token was used', details: { login_id: id } }),
    LoggedOut: ({ id }) => ({ summary: 'Logged out', details: { login_id: id } }),
    LoginRevoked: ({ id }) => ({ summary: 'Ended a login', details: { login_id: id } }),
    LoginExpired: silent('it could not be used any more for long'),
    LoginFailed: silent('anybody can try, and it need not be about anyone'),
  },
  ({ meta }) => meta.user_id,
);

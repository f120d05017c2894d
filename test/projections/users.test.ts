import { describe, expect, test } from 'vitest';
import type { NewEvent } from '../../src/events/event.ts';
import {
  emailReleased,
  emailReserved,
  loggedIn,
  loggedOut,
  loginExpired,
  loginFailed,
  loginRevoked,
  passwordChanged,
  refreshTokenReused,
  registrationAbandoned,
  tokensRefreshed,
  userDeleted,
  userEmailChanged,
  userPreferencesChanged,
  userProfileChanged,
  userRegistered,
  userReinstated,
  userSuspended,
} from '../../src/events/users.ts';
import { loginSentences, userSentences, users } from '../../src/projections/users.ts';
import { loginRows, userRows } from '../../src/tables/users.ts';
import { AT, OWNER, recorded } from '../support/recorded.ts';

const LOGIN = '0192f0c1-0000-7000-8000-000000000001';
const ADMIN = '0192f0c1-0000-7000-8000-00000000bbbb';
const user = `user-${OWNER}`;
const login = `login-${LOGIN}`;
const EXPIRES = '2026-04-03T05:06:07.890Z';

const registered = userRegistered({
  email: 'ada@example.com',
  display_name: 'Ada',
  timezone: 'Europe/London',
  locale: 'en-GB',
  role: 'admin',
  password_hash: 'a hash',
});
const entered = loggedIn({ refresh_token_hash: 'a hash', expires_at: EXPIRES, actor: 'assistant', user_agent: 'curl/8', user_revision: 0 });
const refreshed = tokensRefreshed({ refresh_token_hash: 'a hash', expires_at: EXPIRES });
const changedPassword = passwordChanged({ password_hash: 'a hash', kept_login_id: LOGIN });

describe('rows', () => {
  test('somebody who registers is a row, without a password', () => {
    expect(users.project(recorded(user, registered))).toEqual([
      {
        kind: 'insert',
        table: userRows,
        row: {
          id: OWNER,
          user_id: OWNER,
          email: 'ada@example.com',
          display_name: 'Ada',
          timezone: 'Europe/London',
          locale: 'en-GB',
          preferences: {},
          role: 'admin',
          status: 'active',
          last_login_at: null,
          deleted_at: null,
          created_at: AT,
          updated_at: AT,
          version: 0,
        },
      },
    ]);
  });

  test.each([
    [userProfileChanged({ locale: 'fr' }), { locale: 'fr' }],
    [userPreferencesChanged({ preferences: { theme: 'dark' } }), { preferences: { theme: 'dark' } }],
    [userEmailChanged({ email: 'countess@example.com' }), { email: 'countess@example.com' }],
    [userSuspended({ suspended_by: ADMIN }), { status: 'suspended' }],
    [userReinstated({ reinstated_by: ADMIN }), { status: 'active' }],
  ])('$0.type changes it', (event, set) => {
    expect(users.project(recorded(user, event, 3))).toEqual([
      { kind: 'update', table: userRows, id: OWNER, set: { ...set, updated_at: AT, version: 3 }, add: {}, isOwn: true },
    ]);
  });

  test('a changed password shows as a version only, and ends all logins but the one that changed it', () => {
    expect(users.project(recorded(user, changedPassword, 3))).toEqual([
      { kind: 'update', table: userRows, id: OWNER, set: { updated_at: AT, version: 3 }, add: {}, isOwn: true },
      { kind: 'remove', table: loginRows, where: { user_id: OWNER }, except: { id: LOGIN } },
    ]);
  });

  test('of who leaves, nothing personal stays', () => {
    expect(users.project(recorded(user, userDeleted({}), 3))).toEqual([
      {
        kind: 'update',
        table: userRows,
        id: OWNER,
        set: {
          email: null,
          display_name: 'Deleted user',
          timezone: 'UTC',
          locale: 'en',
          preferences: {},
          status: 'deleted',
          last_login_at: null,
          deleted_at: AT,
          updated_at: AT,
          version: 3,
        },
        add: {},
        isOwn: true,
      },
    ]);
  });

  test('a login is a row, and when its person came last', () => {
    expect(users.project(recorded(login, entered))).toEqual([
      {
        kind: 'insert',
        table: loginRows,
        row: {
          id: LOGIN,
          user_id: OWNER,
          actor: 'assistant',
          user_agent: 'curl/8',
          last_used_at: AT,
          expires_at: EXPIRES,
          created_at: AT,
          updated_at: AT,
          version: 0,
        },
      },
      { kind: 'update', table: userRows, id: OWNER, set: { last_login_at: AT }, add: {}, isOwn: false },
    ]);
  });

  test('new tokens move its end', () => {
    expect(users.project(recorded(login, refreshed, 2))).toEqual([
      {
        kind: 'update',
        table: loginRows,
        id: LOGIN,
        set: { last_used_at: AT, expires_at: EXPIRES, updated_at: AT, version: 2 },
        add: {},
        isOwn: true,
      },
    ]);
  });

  test.each([loggedOut({}), loginRevoked({}), loginExpired({}), refreshTokenReused({})])('$type removes it', (event) => {
    expect(users.project(recorded(login, event, 2))).toEqual([{ kind: 'remove', table: loginRows, where: { id: LOGIN }, except: {} }]);
  });

  test.each([
    emailReserved({ user_id: OWNER, user_revision: -1 }),
    emailReleased({ user_id: OWNER }),
    registrationAbandoned({}),
    loginFailed({}),
  ])('$type is in no table', (event) => {
    expect(users.project(recorded('any-stream', event))).toEqual([]);
  });
});

describe('sentences', () => {
  const told = (stream: string, event: NewEvent) => {
    const read = recorded(stream, event);
    return userSentences.tell(read) ?? loginSentences.tell(read);
  };
  const aboutThem = (summary: string, details: object = {}) => ({ summary, details, entity_type: 'user', entity_id: OWNER });

  test.each([
    [user, registered, aboutThem('Registered', { email: 'ada@example.com', display_name: 'Ada' })],
    [user, userProfileChanged({ locale: 'fr' }), aboutThem('Changed the profile', { locale: 'fr' })],
    [user, userPreferencesChanged({ preferences: { secret: 'yes' } }), aboutThem('Changed the preferences')],
    [user, changedPassword, aboutThem('Changed the password, which ended all other logins')],
    [user, userEmailChanged({ email: 'c@example.com' }), aboutThem('Changed the address to c@example.com', { email: 'c@example.com' })],
    [user, userSuspended({ suspended_by: ADMIN }), aboutThem('The account was suspended by an admin', { suspended_by: ADMIN })],
    [user, userReinstated({ reinstated_by: ADMIN }), aboutThem('The account was reinstated by an admin', { reinstated_by: ADMIN })],
    [user, userDeleted({}), aboutThem('Deleted the account')],
    [login, entered, aboutThem('Logged the assistant in', { login_id: LOGIN, actor: 'assistant', user_agent: 'curl/8' })],
    [login, loggedOut({}), aboutThem('Logged out', { login_id: LOGIN })],
    [login, loginRevoked({}), aboutThem('Ended a login', { login_id: LOGIN })],
    [login, refreshTokenReused({}), aboutThem('A login was ended, since a copy of its token was used', { login_id: LOGIN })],
  ])('of %s $1.type', (stream, event, sentence) => {
    expect(told(stream, event)).toEqual(sentence);
  });

  test.each([
    registrationAbandoned({}),
    emailReserved({ user_id: OWNER, user_revision: -1 }),
    emailReleased({ user_id: OWNER }),
    refreshed,
    loginExpired({}),
    loginFailed({}),
  ])('$type is nothing that happened to anybody', (event) => {
    expect(told('any-stream', event)).toEqual({ silent: expect.any(String) });
  });
});

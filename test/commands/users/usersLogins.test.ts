import { describe, expect, test } from 'vitest';
import { emailClaim } from '../../../src/commands/users/emailClaim.ts';
import { expireLogin, logIn, login, logOut, refreshTokens, revokeLogin } from '../../../src/commands/users/login.ts';
import { user } from '../../../src/commands/users/user.ts';
import type { NewEvent } from '../../../src/events/event.ts';
import {
  loggedOut,
  loginExpired,
  loginRevoked,
  passwordChanged,
  refreshTokenReused,
  tokensRefreshed,
  userDeleted,
  userEmailChanged,
  userPreferencesChanged,
  userRegistered,
  userSuspended,
} from '../../../src/events/users.ts';
import { hashPassword } from '../../../src/passwords.ts';
import { given, givenNothing, ME, NOW, OTHER_ID, STRANGER, THIRD_ID } from '../../support/given.ts';
import { ada, claimed, kept, keyOf, loggedInWith, PASSWORD, profile, token } from './ada.ts';

const nextToken = { refresh_token_hash: expect.stringMatching(/^[0-9a-f]{64}$/), expires_at: '2026-04-03T05:06:07.890Z' };
const suspended = userSuspended({ suspended_by: STRANGER });

describe('logging in', () => {
  const body = { email: ' ADA@example.com', password: PASSWORD };
  const entered = (more: object = {}) => [
    { type: 'LoggedIn', data: { ...nextToken, actor: 'user', user_agent: null, user_revision: 0, ...more } },
  ];

  test('takes the address in whatever case, and the password', () => ada().when(logIn, body).thenAppends(entered()));
  test('says what with, and on whose behalf', () =>
    ada()
      .when(logIn, { ...body, actor: 'assistant' }, { userAgent: 'x'.repeat(600) })
      .thenAppends(entered({ actor: 'assistant', user_agent: 'x'.repeat(500) })));
  test('notes where the person was when the password was checked', () =>
    ada([userPreferencesChanged({ preferences: {} }), userPreferencesChanged({ preferences: { a: 1 } })])
      .when(logIn, body)
      .thenAppends(entered({ user_revision: 2 })));
  test('takes the same password in another encoding', async () => {
    const password_hash = await hashPassword('cafe\u0301 au lait');
    await given(user, [userRegistered({ ...profile, role: 'user', password_hash })], ME)
      .and(emailClaim, claimed(ME), keyOf('ada@example.com'))
      .when(logIn, { ...body, password: 'caf\u00e9 au lait' })
      .thenAppends(entered());
  });
  test('refuses a wrong password', () =>
    ada()
      .when(logIn, { ...body, password: 'wrong' })
      .thenRefuses(401, 'wrong-credentials'));
  test('refuses an unknown address alike', () => givenNothing().when(logIn, body).thenRefuses(401, 'wrong-credentials'));
  test('refuses who is gone alike', () =>
    ada([userDeleted({})])
      .when(logIn, body)
      .thenRefuses(401, 'wrong-credentials'));
  test('refuses an address that was left', () =>
    ada([userEmailChanged({ email: 'countess@example.com' })])
      .when(logIn, body)
      .thenRefuses(401, 'wrong-credentials'));
  test('tells who is suspended, once the password was right', async () => {
    await ada([suspended]).when(logIn, body).thenRefuses(403, 'account-suspended');
    await ada([suspended])
      .when(logIn, { ...body, password: 'wrong' })
      .thenRefuses(401, 'wrong-credentials');
  });
  test('refuses somebody who is nobody', () =>
    ada()
      .when(logIn, { ...body, actor: 'system' })
      .thenRefuses(400, 'validation-failed', '/actor'));
});

describe('refreshing', () => {
  const with_ = (letter: string) => ({ refresh_token: token(letter) });
  const refreshed = [{ type: 'TokensRefreshed', data: nextToken }];
  const rotated = [loggedInWith('A'), tokensRefreshed(kept('B')), tokensRefreshed(kept('C'))];

  test('takes the first token', () => ada().when(refreshTokens, with_('A')).thenAppends(refreshed));
  test('takes the latest token', () => ada([], rotated).when(refreshTokens, with_('C')).thenAppends(refreshed));
  test.each(['A', 'B'])('ends the login where a used token comes back (%s)', async (letter) => {
    await ada([], rotated).when(refreshTokens, with_(letter)).thenRefuses(401, 'unauthorized');
    await ada([], [...rotated, refreshTokenReused({})])
      .when(refreshTokens, with_('C'))
      .thenRefuses(401, 'unauthorized');
  });
  test('takes no token that was made up, and ends nothing for it', () =>
    ada().when(refreshTokens, with_('X')).thenRefuses(401, 'unauthorized'));
  test('takes no token of a login that never was', () => givenNothing().when(refreshTokens, with_('A')).thenRefuses(401, 'unauthorized'));
  test.each(['', 'A', `${OTHER_ID}.`, `${OTHER_ID}.short`])('takes nothing that is no token (%s)', (refresh_token) =>
    ada().when(refreshTokens, { refresh_token }).thenRefuses(401, 'unauthorized'),
  );
  test('takes no token that has expired', () =>
    ada([], [loggedInWith('A', { expires_at: NOW })])
      .when(refreshTokens, with_('A'))
      .thenRefuses(401, 'unauthorized'));
  test.each([loggedOut({}), loginRevoked({}), refreshTokenReused({})])('takes no token after $type', (end) =>
    ada([], [loggedInWith('A'), end])
      .when(refreshTokens, with_('A'))
      .thenRefuses(401, 'unauthorized'),
  );
  test('takes no token from before the password was changed', () =>
    ada([passwordChanged({ password_hash: 'another', kept_login_id: THIRD_ID })])
      .when(refreshTokens, with_('A'))
      .thenRefuses(401, 'unauthorized'));
  test('takes one from after it, and one of the login that changed it', async () => {
    const changed = (kept_login_id: string) => [passwordChanged({ password_hash: 'another', kept_login_id })];
    await ada(changed(THIRD_ID), [loggedInWith('A', { user_revision: 1 })])
      .when(refreshTokens, with_('A'))
      .thenAppends(refreshed);
    await ada(changed(OTHER_ID)).when(refreshTokens, with_('A')).thenAppends(refreshed);
  });
  test('takes no token of the suspended and the departed', async () => {
    await ada([suspended]).when(refreshTokens, with_('A')).thenRefuses(403, 'account-suspended');
    await ada([userDeleted({})])
      .when(refreshTokens, with_('A'))
      .thenRefuses(401, 'unauthorized');
  });
});

describe('an expired login', () => {
  const expiring = (expires_at: string, ...more: NewEvent[]) => given(login, [loggedInWith('A', { expires_at }), ...more]);
  test('is put away', () =>
    expiring(NOW)
      .when(expireLogin)
      .thenAppends([loginExpired({})]));
  test('is not where it can still be used', () =>
    expiring('2026-03-01T00:00:00.000Z', tokensRefreshed({ refresh_token_hash: 'another', expires_at: '2026-03-04T05:06:07.891Z' }))
      .when(expireLogin)
      .thenAppends([]));
  test('is put away once, and not where it has ended otherwise', async () => {
    await expiring(NOW, loginExpired({})).when(expireLogin).thenAppends([]);
    await expiring(NOW, loggedOut({})).when(expireLogin).thenAppends([]);
  });
});

describe('ending a login', () => {
  test('by logging out', () =>
    ada()
      .when(logOut, {})
      .thenAppends([loggedOut({})]));
  test('once', () =>
    ada([], [loggedInWith('A'), loggedOut({})])
      .when(logOut, {})
      .thenAppends([]));
  test('from another one', () =>
    ada()
      .and(login, [loggedInWith('A')])
      .when(revokeLogin)
      .thenAppends([loginRevoked({})]));
  test('that a change of password has ended finds nothing', () =>
    ada([passwordChanged({ password_hash: 'another', kept_login_id: THIRD_ID })])
      .and(login, [loggedInWith('A')])
      .when(revokeLogin)
      .thenRefuses(404, 'not-found'));
  test('that has ended finds nothing', () =>
    ada()
      .and(login, [loggedInWith('A'), loggedOut({})])
      .when(revokeLogin)
      .thenRefuses(404, 'not-found'));
  test('of somebody else finds nothing', () =>
    ada()
      .and(login, [loggedInWith('A')], undefined, STRANGER)
      .when(revokeLogin)
      .thenRefuses(404, 'not-found'));
});

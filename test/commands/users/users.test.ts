import { describe, expect, test } from 'vitest';
import { emailClaim } from '../../../src/commands/users/emailClaim.ts';
import { changePassword } from '../../../src/commands/users/password.ts';
import { changeMe, deleteMe } from '../../../src/commands/users/profile.ts';
import { register } from '../../../src/commands/users/registration.ts';
import { reinstateUser, suspendUser } from '../../../src/commands/users/suspension.ts';
import { user } from '../../../src/commands/users/user.ts';
import {
  emailReleased,
  emailReserved,
  userDeleted,
  userEmailChanged,
  userPreferencesChanged,
  userProfileChanged,
  userReinstated,
  userSuspended,
} from '../../../src/events/users.ts';
import { given, givenNothing, ME, OTHER_ID, STRANGER } from '../../support/given.ts';
import { ada, claimed, keyOf, PASSWORD, registered } from './ada.ts';

const HASH = /^\$argon2id\$v=19\$m=19456,p=1,t=2\$/;

describe('registering', () => {
  const body = { email: 'ada@example.com', password: PASSWORD, display_name: ' Ada ' };
  const appended = (more: object = {}) => [
    { type: 'EmailReserved', data: { user_id: expect.any(String), user_revision: -1 } },
    {
      type: 'UserRegistered',
      data: {
        email: 'ada@example.com',
        display_name: 'Ada',
        timezone: 'UTC',
        locale: 'en',
        role: 'user',
        password_hash: expect.stringMatching(HASH),
        ...more,
      },
    },
    {
      type: 'LoggedIn',
      data: {
        refresh_token_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
        expires_at: '2026-04-03T05:06:07.890Z',
        actor: 'user',
        user_agent: null,
        user_revision: 0,
      },
    },
  ];

  test('claims the address, makes the person, logs them in', () => givenNothing().when(register, body).thenAppends(appended()));
  test('keeps zone and language in their own spelling', () =>
    givenNothing()
      .when(register, { ...body, timezone: 'europe/vienna', locale: 'de-at' })
      .thenAppends(appended({ timezone: 'Europe/Vienna', locale: 'de-AT' })));
  test('refuses an address that somebody has, in whatever case', () =>
    ada()
      .when(register, { ...body, email: 'ADA@Example.com' })
      .thenRefuses(409, 'email-taken', '/email'));
  test('takes an address that was given up', () =>
    given(emailClaim, [...claimed(STRANGER), emailReleased({ user_id: STRANGER })], keyOf('ada@example.com'))
      .when(register, body)
      .thenAppends(appended()));
  test.each([
    ['a short password', { password: '1234567' }, '/password'],
    ['a password that is short but for its encoding', { password: '\u{1F511}'.repeat(7) }, '/password'],
    ['a password that is longer than any', { password: 'x'.repeat(1_025) }, '/password'],
    ['no password', { password: undefined }, '/password'],
    ['an address that is none', { email: 'ada' }, '/email'],
    ['a name that is blank', { display_name: ' ' }, '/display_name'],
    ['a zone that is none', { timezone: 'Mars/Olympus' }, '/timezone'],
    ['a language that is none', { locale: '-' }, '/locale'],
    ['a role of one’s own choice', { role: 'admin' }, '/role'],
  ])('refuses %s', (_, wrong, pointer) =>
    givenNothing()
      .when(register, { ...body, ...wrong })
      .thenRefuses(400, 'validation-failed', pointer),
  );
});

describe('changing a profile', () => {
  test('appends what differs', () =>
    ada()
      .when(changeMe, { display_name: 'Lady Lovelace', timezone: 'Europe/London' })
      .thenAppends([userProfileChanged({ display_name: 'Lady Lovelace' })]));
  test('to what it is appends nothing', () =>
    ada([userPreferencesChanged({ preferences: { theme: { name: 'dark' } } })])
      .when(changeMe, { display_name: 'Ada', locale: 'en-gb', preferences: { theme: { name: 'dark' } } })
      .thenAppends([]));
  test('replaces the preferences as a whole', () =>
    ada([userPreferencesChanged({ preferences: { theme: 'dark' } })])
      .when(changeMe, { preferences: { sound: 'off' } })
      .thenAppends([userPreferencesChanged({ preferences: { sound: 'off' } })]));
  test('needs something to change', () => ada().when(changeMe, {}).thenRefuses(400, 'validation-failed', ''));
  test('refuses preferences beyond all measure', () =>
    ada()
      .when(changeMe, { preferences: { essay: 'x'.repeat(65_536) } })
      .thenRefuses(400, 'validation-failed', '/preferences'));
  test('of who is gone is no longer possible', () =>
    ada([userDeleted({})])
      .when(changeMe, { display_name: 'Ghost' })
      .thenRefuses(404, 'not-found'));
});

describe('changing an address', () => {
  const body = { email: 'countess@example.com', current_password: PASSWORD };

  test('claims the new one for this place in the stream, and gives up the old one after', () =>
    ada([userProfileChanged({ display_name: 'Countess' })])
      .when(changeMe, { ...body, display_name: 'Lady Lovelace' })
      .thenAppends([
        emailReserved({ user_id: ME, user_revision: 1 }),
        userProfileChanged({ display_name: 'Lady Lovelace' }),
        userEmailChanged({ email: 'countess@example.com' }),
        emailReleased({ user_id: ME }),
      ]));
  test('to the same in another case keeps the claim', () =>
    ada()
      .when(changeMe, { ...body, email: 'ada@EXAMPLE.com' })
      .thenAppends([userEmailChanged({ email: 'ada@EXAMPLE.com' })]));
  test('to what it is appends nothing', () =>
    ada()
      .when(changeMe, { ...body, email: 'Ada@example.com' })
      .thenAppends([]));
  test('to somebody else’s is refused', () =>
    ada()
      .and(user, [registered, userEmailChanged({ email: body.email })], STRANGER, STRANGER)
      .and(emailClaim, claimed(STRANGER), keyOf(body.email), STRANGER)
      .when(changeMe, body)
      .thenRefuses(409, 'email-taken', '/email'));
  test('to the one of somebody who is gone is possible, had they no time to give it up', () =>
    ada()
      .and(user, [registered, userEmailChanged({ email: body.email }), userDeleted({})], STRANGER, STRANGER)
      .and(emailClaim, claimed(STRANGER), keyOf(body.email), STRANGER)
      .when(changeMe, body)
      .thenAppends([
        emailReserved({ user_id: ME, user_revision: 0 }),
        userEmailChanged({ email: body.email }),
        emailReleased({ user_id: ME }),
      ]));
  test('takes the password', async () => {
    await ada().when(changeMe, { email: body.email }).thenRefuses(400, 'validation-failed', '/current_password');
    await ada().when(changeMe, { current_password: PASSWORD }).thenRefuses(400, 'validation-failed', '/current_password');
    await ada()
      .when(changeMe, { ...body, current_password: 'wrong' })
      .thenRefuses(403, 'wrong-password', '/current_password');
  });
});

describe('changing a password', () => {
  const body = { current_password: PASSWORD, new_password: 'an even better battery staple' };

  test('keeps the login that it is made with', () =>
    ada()
      .when(changePassword, body)
      .thenAppends([{ type: 'PasswordChanged', data: { password_hash: expect.stringMatching(HASH), kept_login_id: OTHER_ID } }]));
  test('takes the present one', () =>
    ada()
      .when(changePassword, { ...body, current_password: 'wrong' })
      .thenRefuses(403, 'wrong-password', '/current_password'));
  test('refuses a short one', () =>
    ada()
      .when(changePassword, { ...body, new_password: 'short' })
      .thenRefuses(400, 'validation-failed', '/new_password'));
});

describe('leaving', () => {
  test('gives the address up after', () =>
    ada()
      .when(deleteMe, { current_password: PASSWORD })
      .thenAppends([userDeleted({}), emailReleased({ user_id: ME })]));
  test('takes the password', async () => {
    await ada().when(deleteMe, {}).thenRefuses(400, 'validation-failed', '/current_password');
    await ada().when(deleteMe, { current_password: 'wrong' }).thenRefuses(403, 'wrong-password', '/current_password');
  });
});

describe('suspending', () => {
  const asAdmin = { user: { id: STRANGER, role: 'admin', actor: 'user', login_id: OTHER_ID } } as const;
  const suspended = userSuspended({ suspended_by: STRANGER });

  test('says who did it', () => given(user, [registered]).when(suspendUser, {}, asAdmin).thenAppends([suspended]));
  test('who is suspended already appends nothing', () =>
    given(user, [registered, suspended]).when(suspendUser, {}, asAdmin).thenAppends([]));
  test('oneself is refused', () =>
    given(user, [registered], STRANGER, STRANGER)
      .when(suspendUser, {}, { ...asAdmin, params: { id: STRANGER } })
      .thenRefuses(409, 'own-account'));
  test('who is gone is refused', () =>
    given(user, [registered, userDeleted({})])
      .when(suspendUser, {}, asAdmin)
      .thenRefuses(404, 'not-found'));
  test('nobody is refused', () => givenNothing().when(suspendUser, {}, asAdmin).thenRefuses(404, 'not-found'));
  test('is undone by who reinstates', () =>
    given(user, [registered, suspended])
      .when(reinstateUser, {}, asAdmin)
      .thenAppends([userReinstated({ reinstated_by: STRANGER })]));
  test('is undone once', () =>
    given(user, [registered, suspended, userReinstated({ reinstated_by: STRANGER })])
      .when(reinstateUser, {}, asAdmin)
      .thenAppends([]));
});

// Requests about people and their logins.
import fc from 'fast-check';
import { type Fields, object, type Pick, pick, rank, request, text, type Value, type Weighted } from './said.ts';

const mailbox: fc.Arbitrary<Value> = fc.constantFrom('ada', 'ADA', 'bob', 'cleo', 'dora', 'nobody').map((name) => ({ mailbox: name }));
const password: fc.Arbitrary<Value> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ password: 'right' as const }) },
  fc.constant({ password: 'wrong' as const }),
);
const newPassword = fc.constantFrom('the first password', 'the second password');
const refreshToken: fc.Arbitrary<Value> = fc.record({
  refreshTokenOf: pick('login'),
  state: fc.oneof({ weight: 4, arbitrary: fc.constant('latest' as const) }, fc.constantFrom('used' as const, 'forged' as const)),
});
const profile: Fields = {
  display_name: text,
  timezone: fc.constantFrom('UTC', 'Europe/Vienna'),
  locale: fc.constantFrom('en', 'de-AT'),
  preferences: object,
};
export const registering = (email: fc.Arbitrary<Value>) =>
  request('POST /auth/register', {
    needs: { email, password: newPassword, display_name: text },
    may: { timezone: profile.timezone ?? text, locale: profile.locale ?? text },
    key: false,
  });
const register = registering(mailbox);
const changeOfAddress = request('PATCH /users/me', { needs: { email: mailbox, current_password: password }, may: profile });

/** Logins end in many ways, and none that has ended can be ended. */
const past: fc.Arbitrary<Pick> = fc.record({
  pick: fc.constant('login' as const),
  of: fc.constantFrom('own' as const, 'past' as const),
  rank,
});

export const userKinds: readonly Weighted[] = [
  [0.5, register],
  [
    2,
    request('POST /auth/login', { needs: { email: mailbox, password }, may: { actor: fc.constantFrom('user', 'assistant') }, key: false }),
  ],
  [2, request('POST /auth/refresh', { needs: { refresh_token: refreshToken }, key: false })],
  [0.3, request('POST /auth/logout')],
  [2, request('DELETE /auth/logins/:id').chain((said) => past.map((id) => ({ ...said, ids: { id } })))],
  [1, request('POST /auth/password', { needs: { current_password: password, new_password: newPassword } })],
  [3, request('PATCH /users/me', { may: profile })],
  [1, changeOfAddress],
  [0.2, request('DELETE /users/me', { needs: { current_password: password } })],
  [0.5, request('POST /admin/users/:id/suspend')],
  [2, request('POST /admin/users/:id/reinstate')],
];

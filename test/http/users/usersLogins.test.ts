// Logins and tokens as clients see them, word for word. The clock is the test's, so times are literal.
import { SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { startDaybook, type TestDaybook } from '../../support/daybook.ts';
import { client, NOT_FOUND, named, problem, said, T0, T1 } from '../../support/person.ts';
import { entered, IN_30_DAYS, invalid, loggedIn, newAddress, PASSWORD, registered, unauthorized, withoutTokens } from './entering.ts';

let daybook: TestDaybook;
let anybody: ReturnType<typeof client>;

beforeAll(async () => {
  vi.setSystemTime(T0);
  daybook = await startDaybook();
  anybody = client(daybook.app);
});
afterAll(() => daybook.close());
beforeEach(() => {
  vi.setSystemTime(T0);
});

const wrong = problem(401, 'wrong-credentials', 'Wrong credentials', 'There is no account with this address and this password.');
const NEW_PASSWORD = 'an even better battery staple';

describe('logging in', () => {
  test('answers with the person and tokens', async () => {
    const ada = await registered(daybook);
    vi.setSystemTime(T1);
    const answer = await anybody.post('/auth/login', { email: ada.email.toUpperCase(), password: PASSWORD });
    expect({ status: answer.status, body: named(withoutTokens(answer)) }).toEqual({
      status: 200,
      body: {
        user: {
          id: 'id 1',
          email: ada.email,
          display_name: 'Ada',
          timezone: 'UTC',
          locale: 'en',
          preferences: {},
          role: 'user',
          status: 'active',
          last_login_at: T1,
          deleted_at: null,
          created_at: T0,
          updated_at: T0,
          version: 0,
        },
        access_token: 'an access token',
        refresh_token: 'a refresh token',
        token_type: 'Bearer',
        expires_in: 900,
      },
    });
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store' });
    expect(answer.body).toMatchObject({ user: (await entered(daybook, answer).get('/users/me')).body });
  });

  test('says the same of a wrong password and an unknown address', async () => {
    const { email } = await registered(daybook);
    expect(said(await anybody.post('/auth/login', { email, password: 'wrong' }))).toEqual(wrong);
    expect(said(await anybody.post('/auth/login', { email: newAddress(), password: PASSWORD }))).toEqual(wrong);
    expect(said(await anybody.post('/auth/login', { email: 'no address', password: PASSWORD }))).toEqual(wrong);
  });

  test('has an address wait after ten wrong passwords', async () => {
    const { email } = await registered(daybook);
    for (let attempt = 0; attempt < 10; attempt += 1) await anybody.post('/auth/login', { email, password: 'wrong' });
    vi.setSystemTime(T1);
    const answer = await anybody.post('/auth/login', { email, password: PASSWORD });
    expect(said(answer)).toEqual(
      problem(429, 'too-many-failed-logins', 'Too many failed logins', 'Too many wrong passwords; try again later.'),
    );
    expect(answer.headers['retry-after']).toBe(String(14 * 60));
  });

  test('counts no wrong password for ever', async () => {
    const { email } = await registered(daybook);
    const setMaxAge = vi.spyOn(daybook.log, 'setMaxAge');
    for (let attempt = 0; attempt < 3; attempt += 1) await anybody.post('/auth/login', { email, password: 'wrong' });
    expect(setMaxAge.mock.calls).toEqual([[expect.stringMatching(/^loginFailures-/), 30 * 60]]);
    setMaxAge.mockRestore();
  });

  test.each([
    ['/email', { email: undefined }, 'is required'],
    ['/password', { password: '' }, 'must not be empty'],
    ['/actor', { actor: 'system' }, 'must be one of user, assistant'],
    ['/remember', { remember: true }, 'This field is not known here.'],
  ])('with a bad %s is refused, and nothing is in the log', async (pointer, bad, detail) => {
    const before = await daybook.log.head();
    expect(said(await anybody.post('/auth/login', { email: newAddress(), password: PASSWORD, ...bad }))).toEqual(
      invalid('body', pointer, detail),
    );
    expect(await daybook.log.head()).toBe(before);
  });

  test('for the assistant has every event say that it was the assistant', async () => {
    const ada = await registered(daybook);
    const assistant = await loggedIn(daybook, ada.email, { actor: 'assistant' });
    await assistant.post('/tasks', { title: 'Call Charles' });
    const { access_token } = entered(daybook, await anybody.post('/auth/refresh', { refresh_token: assistant.refresh_token }));
    await client(daybook.app, access_token).post('/tasks', { title: 'Call Mary' });
    const made = await ada.get('/activities?activity_type=TaskCreated');
    expect(made.body).toMatchObject({ items: [{ actor: 'assistant' }, { actor: 'assistant' }] });
  });
});

describe('refreshing', () => {
  test('exchanges both tokens', async () => {
    const ada = await registered(daybook);
    vi.setSystemTime(T1);
    const answer = await anybody.post('/auth/refresh', { refresh_token: ada.refresh_token });
    expect({ status: answer.status, body: withoutTokens(answer) }).toEqual({
      status: 200,
      body: { access_token: 'an access token', refresh_token: 'a refresh token', token_type: 'Bearer', expires_in: 900 },
    });
    const next = entered(daybook, answer);
    expect(next.refresh_token).not.toBe(ada.refresh_token);
    expect((await next.get('/auth/logins')).body).toMatchObject({
      items: [{ id: ada.login_id, last_used_at: T1, expires_at: IN_30_DAYS.replace(':00:', ':01:'), version: 1 }],
    });
  });

  test('with a used token ends the login, for whoever has the newest, too', async () => {
    const ada = await registered(daybook);
    const next = entered(daybook, await anybody.post('/auth/refresh', { refresh_token: ada.refresh_token }));
    expect(said(await anybody.post('/auth/refresh', { refresh_token: ada.refresh_token }))).toEqual(unauthorized);
    expect(said(await anybody.post('/auth/refresh', { refresh_token: next.refresh_token }))).toEqual(unauthorized);
    expect(said(await next.get('/users/me'))).toEqual(unauthorized);
    const back = await loggedIn(daybook, ada.email);
    expect((await back.get('/activities')).body).toMatchObject({
      items: expect.arrayContaining([expect.objectContaining({ summary: 'A login was ended, since a copy of its token was used' })]),
    });
  });

  test('twice at once with one token lets one through and ends the login', async () => {
    const { refresh_token } = await registered(daybook);
    const answers = await Promise.all([1, 2].map(() => anybody.post('/auth/refresh', { refresh_token })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401]);
    const winner = answers.find(({ status }) => status === 200);
    if (winner) expect(said(await entered(daybook, winner).get('/users/me'))).toEqual(unauthorized);
  });

  test('is possible for 30 days, from its last use', async () => {
    const ada = await registered(daybook);
    vi.setSystemTime('2100-04-03T04:59:59.999Z');
    const next = entered(daybook, await anybody.post('/auth/refresh', { refresh_token: ada.refresh_token }));
    vi.setSystemTime('2100-05-03T04:59:59.999Z');
    expect(said(await anybody.post('/auth/refresh', { refresh_token: next.refresh_token }))).toEqual(unauthorized);
  });

  test('takes no access token, and nothing made up', async () => {
    const ada = await registered(daybook);
    for (const refresh_token of ['', 'x', ada.access_token.slice(0, 200), `${ada.login_id}.${'x'.repeat(43)}`]) {
      expect(said(await anybody.post('/auth/refresh', { refresh_token }))).toEqual(unauthorized);
    }
    expect(said(await anybody.post('/auth/refresh', {}))).toEqual(invalid('body', '/refresh_token', 'is required'));
    expect((await ada.get('/users/me')).status).toBe(200);
  });
});

describe('logins', () => {
  test('are listed, the calling one told from the others', async () => {
    const ada = await registered(daybook);
    vi.setSystemTime(T1);
    const phone = await loggedIn(daybook, ada.email, { actor: 'assistant' }, { 'user-agent': 'Phone/1.0' });
    const first = {
      id: 'first',
      actor: 'user',
      user_agent: 'lightMyRequest',
      last_used_at: T0,
      expires_at: IN_30_DAYS,
      created_at: T0,
      updated_at: T0,
      version: 0,
      is_current: true,
    };
    const second = {
      ...first,
      id: 'second',
      actor: 'assistant',
      user_agent: 'Phone/1.0',
      last_used_at: T1,
      expires_at: IN_30_DAYS.replace(':00:', ':01:'),
      created_at: T1,
      updated_at: T1,
      is_current: false,
    };
    const list = await ada.get('/auth/logins');
    expect(named(list.body, { first: ada.login_id, second: phone.login_id })).toEqual({ items: [second, first], next_cursor: null });
    expect((await phone.get('/auth/logins')).body).toMatchObject({ items: [{ is_current: true }, { is_current: false }] });
  });

  test('end by logging out', async () => {
    const ada = await registered(daybook);
    const other = await loggedIn(daybook, ada.email);
    expect(said(await ada.post('/auth/logout'))).toEqual({ status: 204, body: undefined });
    expect(said(await ada.get('/users/me'))).toEqual(unauthorized);
    expect(said(await ada.post('/auth/logout'))).toEqual(unauthorized);
    expect(said(await anybody.post('/auth/refresh', { refresh_token: ada.refresh_token }))).toEqual(unauthorized);
    expect((await other.get('/auth/logins')).body).toMatchObject({ items: [{ id: other.login_id }] });
  });

  test('are ended from another one, by their own person only', async () => {
    const ada = await registered(daybook);
    const lost = await loggedIn(daybook, ada.email);
    const eve = await registered(daybook);
    const notFound = { status: 404, body: NOT_FOUND };
    expect(said(await eve.delete(`/auth/logins/${lost.login_id}`))).toEqual(notFound);
    expect(said(await ada.delete('/auth/logins/0192f0c1-0000-7000-8000-00000000dead'))).toEqual(notFound);
    expect(said(await ada.delete('/auth/logins/mine'))).toEqual(invalid('path', '/id', 'must be a UUID'));
    expect(said(await ada.delete(`/auth/logins/${lost.login_id}`))).toEqual({ status: 204, body: undefined });
    expect(said(await lost.get('/users/me'))).toEqual(unauthorized);
    expect(said(await ada.delete(`/auth/logins/${lost.login_id}`))).toEqual(notFound);
    expect((await ada.get('/auth/logins')).body).toMatchObject({ items: [{ id: ada.login_id }] });
  });

  test('end with a change of the password, but for the one that made it', async () => {
    const ada = await registered(daybook);
    const other = await loggedIn(daybook, ada.email);
    const change = { current_password: PASSWORD, new_password: NEW_PASSWORD };
    expect(said(await ada.post('/auth/password', { ...change, new_password: 'short' }))).toEqual(
      invalid('body', '/new_password', 'must have at least 8 characters'),
    );
    expect(said(await ada.post('/auth/password', { ...change, current_password: 'wrong' }))).toMatchObject({ status: 403 });
    expect(said(await ada.post('/auth/password', change))).toEqual({ status: 204, body: undefined });
    expect(said(await other.get('/users/me'))).toEqual(unauthorized);
    expect(said(await anybody.post('/auth/refresh', { refresh_token: other.refresh_token }))).toEqual(unauthorized);
    expect((await ada.get('/auth/logins')).body).toMatchObject({ items: [{ id: ada.login_id }], next_cursor: null });
    expect((await anybody.post('/auth/refresh', { refresh_token: ada.refresh_token })).status).toBe(200);
    expect(said(await anybody.post('/auth/login', { email: ada.email, password: PASSWORD }))).toEqual(wrong);
    expect((await anybody.post('/auth/login', { email: ada.email, password: NEW_PASSWORD })).status).toBe(200);
  });
});

describe('a token', () => {
  const key = new TextEncoder().encode('a secret of the tests, 32 bytes and more');
  const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const seconds = (time: string) => Math.floor(Date.parse(time) / 1_000);
  const nobody = '0192f0c1-0000-7000-8000-00000000dead';

  /** One like Daybook's own, but for what is said. */
  async function like(
    subject: { id: string; login_id: string },
    { header = {}, claims = {}, by = key }: { header?: object; claims?: object; by?: Uint8Array } = {},
  ): Promise<string> {
    const all = {
      sub: subject.id,
      login_id: subject.login_id,
      actor: 'user',
      iss: 'daybook',
      aud: 'daybook-api',
      iat: seconds(T0),
      exp: seconds(T1),
    };
    return new SignJWT({ ...all, ...claims }).setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', ...header }).sign(by);
  }

  test('like Daybook’s own is taken', async () => {
    const ada = await registered(daybook);
    expect((await client(daybook.app, await like(ada)).get('/users/me')).status).toBe(200);
  });

  test('that is not is refused, without a hint why, and nothing is in the log', async () => {
    const ada = await registered(daybook);
    const eve = await registered(daybook);
    const own = await like(ada);
    const [header = '', claims = '', signature = ''] = own.split('.');
    const forged = {
      'no algorithm': `${encoded({ alg: 'none', typ: 'at+jwt' })}.${claims}.`,
      'no algorithm, a signature': `${encoded({ alg: 'none', typ: 'at+jwt' })}.${claims}.${signature}`,
      'no signature': `${header}.${claims}.`,
      'other claims': `${header}.${encoded({ ...z.looseObject({}).parse(JSON.parse(Buffer.from(claims, 'base64url').toString())), sub: eve.id })}.${signature}`,
      'another key': await like(ada, { by: new TextEncoder().encode('another secret of 32 bytes or more') }),
      'another algorithm': await like(ada, { header: { alg: 'HS512' }, by: Buffer.concat([key, key]) }),
      'another kind': await like(ada, { header: { typ: 'JWT' } }),
      'another audience': await like(ada, { claims: { aud: 'another-api' } }),
      'another issuer': await like(ada, { claims: { iss: 'somebody' } }),
      'another person’s login': await like({ id: ada.id, login_id: eve.login_id }),
      'another login’s person': await like({ id: eve.id, login_id: ada.login_id }),
      nobody: await like({ id: nobody, login_id: ada.login_id }),
      'no such login': await like({ id: ada.id, login_id: nobody }),
      'no person': await like(ada, { claims: { sub: undefined } }),
      'an actor of one’s own': await like(ada, { claims: { actor: 'system' } }),
      'no end': await like(ada, { claims: { exp: undefined } }),
      'an end that is past': await like(ada, { claims: { exp: seconds(T0) - 1 } }),
      'a beginning that is to come': await like(ada, { claims: { nbf: seconds(T1) } }),
      'a refresh token': ada.refresh_token,
      garbage: 'garbage',
    };
    const before = await daybook.log.head();
    for (const [what, token] of Object.entries(forged)) {
      const bearer = client(daybook.app, token);
      expect({ what, ...said(await bearer.get('/users/me')) }).toEqual({ what, ...unauthorized });
      expect({ what, ...said(await bearer.post('/tasks', { title: 'Forged' })) }).toEqual({ what, ...unauthorized });
    }
    for (const authorization of ['', 'Bearer', 'Bearer ', `Basic ${own}`, own, `Bearer ${own} ${own}`]) {
      const answer = await anybody.get('/users/me', { authorization });
      expect({ authorization, ...said(answer) }).toEqual({ authorization, ...unauthorized });
      expect(answer.headers['www-authenticate']).toBe('Bearer');
    }
    expect(said(await anybody.get('/users/me'))).toEqual(unauthorized);
    expect(await daybook.log.head()).toBe(before);
  });

  test('expires, and its login goes on', async () => {
    const ada = await registered(daybook);
    vi.setSystemTime('2100-03-04T05:14:59.000Z');
    expect((await ada.get('/users/me')).status).toBe(200);
    vi.setSystemTime('2100-03-04T05:15:00.000Z');
    expect(said(await ada.get('/users/me'))).toEqual(unauthorized);
    expect((await anybody.post('/auth/refresh', { refresh_token: ada.refresh_token })).status).toBe(200);
  });

  test.each([
    ['GET', '/users/me'],
    ['PATCH', '/users/me'],
    ['DELETE', '/users/me'],
    ['GET', '/users/me/history'],
    ['POST', '/auth/logout'],
    ['POST', '/auth/password'],
    ['GET', '/auth/logins'],
    ['DELETE', `/auth/logins/${nobody}`],
    ['GET', '/admin/users'],
    ['GET', `/admin/users/${nobody}`],
    ['POST', `/admin/users/${nobody}/suspend`],
    ['POST', `/admin/users/${nobody}/reinstate`],
  ] as const)('is needed to %s %s', async (method, path) => {
    const verbs = { GET: anybody.get, PATCH: anybody.patch, DELETE: anybody.delete, POST: anybody.post };
    expect(said(await verbs[method](path))).toEqual(unauthorized);
  });
});

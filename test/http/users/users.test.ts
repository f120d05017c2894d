// People as clients see them, word for word. The clock is the test's, so times are literal.
import { sql } from 'slonik';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { tables } from '../../../src/tables/index.ts';
import { startDaybook, type TestDaybook } from '../../support/daybook.ts';
import { client, named, problem, said, T0, T1 } from '../../support/person.ts';
import {
  badField,
  type Entered,
  entered,
  invalid,
  leave,
  loggedIn,
  newAddress,
  PASSWORD,
  registered,
  unauthorized,
  withoutTokens,
} from './entering.ts';

let daybook: TestDaybook;
let anybody: ReturnType<typeof client>;
let root: Entered;

beforeAll(async () => {
  vi.setSystemTime(T0);
  daybook = await startDaybook({ ADMIN_EMAILS: 'Root@example.com' });
  anybody = client(daybook.app);
  root = await registered(daybook, 'root@EXAMPLE.com');
});
afterAll(() => daybook.close());
beforeEach(() => {
  vi.setSystemTime(T0);
});

const person = {
  id: 'id 1',
  email: 'ada@example.com',
  display_name: 'Ada',
  timezone: 'UTC',
  locale: 'en',
  preferences: {},
  role: 'user',
  status: 'active',
  last_login_at: T0,
  deleted_at: null,
  created_at: T0,
  updated_at: T0,
  version: 0,
};
const taken = problem(
  409,
  'email-taken',
  'Email taken',
  'There is already an account with this address.',
  badField('body', '/email', 'There is already an account with this address.'),
);
const wrongPassword = problem(
  403,
  'wrong-password',
  'Wrong password',
  'This is not your password.',
  badField('body', '/current_password', 'This is not your password.'),
);

describe('registering', () => {
  test('makes a person and logs them in', async () => {
    const email = newAddress();
    const answer = await anybody.post('/auth/register', {
      email,
      password: PASSWORD,
      display_name: 'Ada',
      timezone: 'europe/london',
      locale: 'en-gb',
    });
    expect(answer.status).toBe(201);
    expect(answer.headers).toMatchObject({ location: '/api/v1/users/me', 'cache-control': 'no-store' });
    expect(named(withoutTokens(answer))).toEqual({
      user: { ...person, email, timezone: 'Europe/London', locale: 'en-GB' },
      access_token: 'an access token',
      refresh_token: 'a refresh token',
      token_type: 'Bearer',
      expires_in: 900,
    });
    // At once, on this node: nobody has to know where in the log they are.
    const me = await entered(daybook, answer).get('/users/me');
    expect(me.status).toBe(200);
    expect(answer.body).toMatchObject({ user: me.body });
  });

  test('of an address that is taken is refused, in whatever case', async () => {
    const { email } = await registered(daybook);
    const again = await anybody.post('/auth/register', { email: email.toUpperCase(), password: PASSWORD, display_name: 'Eve' });
    expect(said(again)).toEqual(taken);
  });

  test('forty times at once makes one', async () => {
    const body = { email: newAddress(), password: PASSWORD, display_name: 'Ada' };
    const answers = await Promise.all(Array.from({ length: 40 }, () => anybody.post('/auth/register', body)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    const refused = answers.filter(({ status }) => status !== 201);
    expect(refused.map(said)).toEqual(refused.map(() => taken));
    const found = await root.get(`/admin/users?email=${body.email}`);
    expect(found.body).toMatchObject({ items: [{ email: body.email }], next_cursor: null });
  });

  test.each([
    ['/email', { email: 7 }, 'must be text'],
    ['/email', { email: 'nobody' }, 'must be an email address such as ann@example.com'],
    ['/password', { password: 'seven77' }, 'must have at least 8 characters'],
    ['/display_name', { display_name: undefined }, 'is required'],
    ['/display_name', { display_name: 'x'.repeat(201) }, 'must have at most 200 characters'],
    ['/timezone', { timezone: '+02:00' }, 'must be an IANA time zone, such as Europe/Vienna'],
    ['/locale', { locale: 'x_y' }, 'must be a BCP 47 language tag, such as en or de-AT'],
    ['/admin', { admin: true }, 'This field is not known here.'],
  ])('with a bad %s is refused, and nothing is in the log', async (pointer, bad, detail) => {
    const before = await daybook.log.head();
    const answer = await anybody.post('/auth/register', { email: newAddress(), password: PASSWORD, display_name: 'Ada', ...bad });
    expect(said(answer)).toEqual(invalid('body', pointer, detail));
    expect(await daybook.log.head()).toBe(before);
  });
});

describe('oneself', () => {
  test('is read and changed', async () => {
    const ada = await registered(daybook);
    vi.setSystemTime(T1);
    const changed = await ada.patch('/users/me', { display_name: 'Lady Lovelace', preferences: { theme: { name: 'dark' } } });
    const now = {
      ...person,
      email: ada.email,
      display_name: 'Lady Lovelace',
      preferences: { theme: { name: 'dark' } },
      updated_at: T1,
      version: 2,
    };
    expect({ status: changed.status, body: named(changed.body) }).toEqual({ status: 200, body: now });
    expect(changed.headers.etag).toMatch(/^"2-/);
    expect((await ada.get('/users/me')).body).toEqual(changed.body);
    const again = await ada.patch('/users/me', { display_name: 'Lady Lovelace' });
    expect(said(again)).toEqual(said(changed));
    expect(again.headers.etag).toBe(changed.headers.etag);
  });

  test('is changed once for one key, and only where it has not changed since', async () => {
    const ada = await registered(daybook);
    const first = await ada.patch('/users/me', { preferences: { n: 1 } }, { 'idempotency-key': 'one', 'if-match': '"0-x"' });
    expect(first.body).toMatchObject({ preferences: { n: 1 }, version: 1 });
    await ada.patch('/users/me', { preferences: { n: 2 } });
    const repeated = await ada.patch('/users/me', { preferences: { n: 1 } }, { 'idempotency-key': 'one' });
    expect(repeated.body).toMatchObject({ preferences: { n: 2 }, version: 2 });
    expect(said(await ada.patch('/users/me', { preferences: {} }, { 'if-match': '"1"' }))).toEqual(
      problem(412, 'stale-revision', 'Stale revision', 'This has changed since; it is now at revision 2.'),
    );
  });

  test('takes another address with the password, and the old one is free', async () => {
    const ada = await registered(daybook);
    const email = newAddress();
    expect(said(await ada.patch('/users/me', { email }))).toEqual(
      invalid('body', '/current_password', 'goes with email: give both or neither'),
    );
    expect(said(await ada.patch('/users/me', { email, current_password: 'wrong' }))).toEqual(wrongPassword);
    expect(said(await ada.patch('/users/me', { email: 'root@example.com', current_password: PASSWORD }))).toEqual(taken);
    const changed = await ada.patch('/users/me', { email, current_password: PASSWORD });
    expect(changed.body).toMatchObject({ email, version: 1 });
    expect((await loggedIn(daybook, email)).id).toBe(ada.id);
    expect((await anybody.post('/auth/login', { email: ada.email, password: PASSWORD })).status).toBe(401);
    expect((await registered(daybook, ada.email)).id).not.toBe(ada.id);
  });

  test.each([
    ['', {}, 'must name at least one field to change'],
    ['/display_name', { display_name: '' }, 'must not be empty'],
    ['/preferences', { preferences: [] }, 'must be an object'],
    ['/role', { locale: 'fr', role: 'admin' }, 'This field is not known here.'],
    ['/status', { locale: 'fr', status: 'deleted' }, 'This field is not known here.'],
  ])('is not changed by a bad %s', async (pointer, body, detail) => {
    expect(said(await root.patch('/users/me', body))).toEqual(invalid('body', pointer, detail));
  });

  test('has a history, which tells no secret', async () => {
    const ada = await registered(daybook);
    await ada.patch('/users/me', { locale: 'fr' });
    await ada.post('/auth/password', { current_password: PASSWORD, new_password: 'an even better battery staple' });
    const history = await ada.get('/users/me/history');
    const common = { at: T0, actor: 'user', correlation_id: 'the-request', caused_by: null, position: 'a position' };
    expect(named(history.body)).toEqual({
      items: [
        {
          ...common,
          type: 'UserRegistered',
          summary: 'Registered',
          revision: 0,
          changes: [
            { field: 'email', from: null, to: ada.email },
            { field: 'display_name', from: null, to: 'Ada' },
            { field: 'timezone', from: null, to: 'UTC' },
            { field: 'locale', from: null, to: 'en' },
            { field: 'role', from: null, to: 'user' },
            { field: 'preferences', from: null, to: {} },
            { field: 'status', from: null, to: 'active' },
          ],
        },
        {
          ...common,
          type: 'UserProfileChanged',
          summary: 'Changed the profile',
          revision: 1,
          changes: [{ field: 'locale', from: 'en', to: 'fr' }],
        },
        { ...common, type: 'PasswordChanged', summary: 'Changed the password, which ended all other logins', revision: 2, changes: [] },
      ],
      next_cursor: null,
    });
    const activities = await ada.get('/activities?sort=log_position');
    expect(named(activities.body, { ada: ada.id, login: ada.login_id })).toMatchObject({
      items: expect.arrayContaining([
        expect.objectContaining({
          activity_type: 'LoggedIn',
          entity_type: 'user',
          entity_id: 'ada',
          summary: 'Logged in',
          details: { login_id: 'login', actor: 'user', user_agent: 'lightMyRequest' },
        }),
      ]),
    });
  });
});

describe('leaving', () => {
  test('takes the password', async () => {
    const ada = await registered(daybook);
    expect(said(await leave(daybook, ada))).toEqual(invalid('body', '', 'is required'));
    expect(said(await leave(daybook, ada, {}))).toEqual(invalid('body', '/current_password', 'is required'));
    expect(said(await leave(daybook, ada, { current_password: 'wrong' }))).toEqual(wrongPassword);
    expect((await ada.get('/users/me')).status).toBe(200);
  });

  test('leaves nothing, and the address to whoever comes', async () => {
    const ada = await registered(daybook);
    const other = await loggedIn(daybook, ada.email);
    await ada.patch('/users/me', { display_name: 'Lady Lovelace', locale: 'fr', timezone: 'Europe/Paris', preferences: { theme: 'dark' } });
    await ada.post('/tasks', { title: 'To be forgotten' });
    vi.setSystemTime(T1);
    expect(said(await leave(daybook, ada, { current_password: PASSWORD }))).toEqual({ status: 204, body: undefined });
    for (const gone of [ada, other]) {
      expect(said(await gone.get('/users/me'))).toEqual(unauthorized);
      expect(said(await anybody.post('/auth/refresh', { refresh_token: gone.refresh_token }))).toEqual(unauthorized);
    }
    expect((await anybody.post('/auth/login', { email: ada.email, password: PASSWORD })).status).toBe(401);
    const { preferences, ...shown } = person;
    const seen = await root.get(`/admin/users/${ada.id}`, { 'daybook-position': String(await daybook.log.head()) });
    expect({ status: seen.status, body: named(seen.body) }).toEqual({
      status: 200,
      body: {
        ...shown,
        email: null,
        display_name: 'Deleted user',
        status: 'deleted',
        last_login_at: null,
        deleted_at: T1,
        updated_at: T1,
        version: 3,
      },
    });
    for (const { schema, name, row } of tables.filter(({ qualified, row }) => 'user_id' in row.shape && qualified !== 'users.users')) {
      const table = sql.identifier([schema, name]);
      expect([name, await daybook.database.any(sql.type(row)`SELECT * FROM ${table} WHERE user_id = ${ada.id}`)]).toEqual([name, []]);
    }
    expect((await registered(daybook, ada.email)).id).not.toBe(ada.id);
  });
});

describe('admins', () => {
  const forbidden = problem(403, 'forbidden', 'Forbidden', 'Only an admin may do this.');
  const suspended = problem(403, 'account-suspended', 'Account suspended', 'This account is suspended.');
  const nothing = problem(404, 'not-found', 'Not found', 'There is nothing here.');

  test('are who registers one of their addresses', async () => {
    expect((await root.get('/users/me')).body).toMatchObject({ email: 'root@EXAMPLE.com', role: 'admin' });
    const ada = await registered(daybook);
    expect(said(await ada.get('/admin/users'))).toEqual(forbidden);
    expect(said(await ada.get(`/admin/users/${root.id}`))).toEqual(forbidden);
    expect(said(await ada.post(`/admin/users/${root.id}/suspend`))).toEqual(forbidden);
    expect(said(await ada.post(`/admin/users/${ada.id}/reinstate`))).toEqual(forbidden);
  });

  test('suspend and reinstate, in force at once', async () => {
    const ada = await registered(daybook);
    vi.setSystemTime(T1);
    const { preferences, ...shown } = person;
    const now = { ...shown, email: ada.email, status: 'suspended', updated_at: T1, version: 1 };
    const answer = await root.post(`/admin/users/${ada.id}/suspend`);
    expect({ status: answer.status, body: named(answer.body) }).toEqual({ status: 200, body: now });
    expect(said(await root.post(`/admin/users/${ada.id}/suspend`))).toEqual(said(answer));

    expect(said(await ada.get('/users/me'))).toEqual(suspended);
    expect(said(await ada.post('/tasks', { title: 'Hidden' }))).toEqual(suspended);
    expect(said(await anybody.post('/auth/login', { email: ada.email, password: PASSWORD }))).toEqual(suspended);
    expect(said(await anybody.post('/auth/refresh', { refresh_token: ada.refresh_token }))).toEqual(suspended);
    const list = await root.get('/admin/users?status=suspended');
    expect(named(list.body)).toEqual({ items: [now], next_cursor: null });

    const back = await root.post(`/admin/users/${ada.id}/reinstate`);
    expect(named(back.body)).toEqual({ ...now, status: 'active', version: 2 });
    expect(said(await root.post(`/admin/users/${ada.id}/reinstate`))).toEqual(said(back));
    expect((await ada.get('/users/me')).status).toBe(200);
    expect((await ada.get('/users/me/history')).body).toMatchObject({
      items: [{}, { summary: 'The account was suspended by an admin' }, { summary: 'The account was reinstated by an admin' }],
    });
  });

  test('cannot suspend themselves, or who never was', async () => {
    expect(said(await root.post(`/admin/users/${root.id}/suspend`))).toEqual(
      problem(409, 'own-account', 'Own account', 'You cannot suspend yourself.'),
    );
    const nobody = '0192f0c1-0000-7000-8000-00000000dead';
    for (const what of ['suspend', 'reinstate']) expect(said(await root.post(`/admin/users/${nobody}/${what}`))).toEqual(nothing);
    expect(said(await root.get(`/admin/users/${nobody}`))).toEqual(nothing);
    expect(said(await root.get('/admin/users/nobody'))).toEqual(invalid('path', '/id', 'must be a UUID'));
  });

  test('page through everybody', async () => {
    for (let n = 0; n < 3; n += 1) await registered(daybook);
    await daybook.settled();
    const ids: string[] = [];
    const page = z.object({ items: z.array(z.looseObject({ id: z.string() })), next_cursor: z.string().nullable() });
    for (let cursor: string | null = ''; cursor !== null; ) {
      const answer = page.parse((await root.get(`/admin/users?limit=2${cursor && `&cursor=${cursor}`}`)).body);
      ids.push(...answer.items.map(({ id }) => id));
      cursor = answer.next_cursor;
    }
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toHaveLength(await daybook.database.oneFirst(sql.type(z.object({ count: z.number() }))`SELECT count(*) FROM users.users`));
  });
});

test('no table has a hash of a password or a token', async () => {
  const ada = await registered(daybook);
  await ada.post('/auth/password', { current_password: PASSWORD, new_password: 'an even better battery staple' });
  await anybody.post('/auth/refresh', { refresh_token: ada.refresh_token });
  await ada.get('/users/me');
  for (const { schema, name } of tables) {
    const rows = await daybook.database.any(
      sql.type(z.object({ row: z.unknown() }))`SELECT to_jsonb(t) AS row FROM ${sql.identifier([schema, name])} t`,
    );
    expect(JSON.stringify(rows)).not.toMatch(/argon2|hash"|refresh_token"/);
  }
});

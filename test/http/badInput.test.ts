// What is wrong is refused, on every route there is: by the registries of commands and queries and by their own schemas, so
// that a new route is tried as well. A refusal is problem+json that names each bad field, and leaves nothing in the log.
import { SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Command } from '../../src/commands/command.ts';
import { commands } from '../../src/commands/index.ts';
import { collections } from '../../src/http/history.ts';
import { writeCursor } from '../../src/queries/cursor.ts';
import { queries } from '../../src/queries/index.ts';
import { createTokens } from '../../src/tokens.ts';
import {
  belongings,
  type Call,
  COLLECTIONS,
  call,
  expectRefusal,
  fieldsOf,
  fill,
  methodAndPath,
  NEVER_WAS,
  namesIn,
  of,
  QUERIES,
  WITH,
  wrongValues,
} from '../support/badInput.ts';
import { secrets, startDaybook, type TestDaybook } from '../support/daybook.ts';
import { NOT_FOUND, type Person, register, said } from '../support/person.ts';

const ADMIN = 'root@example.com';

let daybook: TestDaybook;
let ann: Person;
let bob: Person;
let admin: Person;
/** One of each collection, Ann's and Bob's. */
let anns: Readonly<Record<string, string>>;
let bobs: Readonly<Record<string, string>>;

beforeAll(async () => {
  daybook = await startDaybook({ ADMIN_EMAILS: ADMIN });
  [ann, bob, admin] = await Promise.all([register(daybook.app, 'Ann'), register(daybook.app, 'Bob'), register(daybook.app, 'Root', ADMIN)]);
  [anns, bobs] = await Promise.all([belongings(ann), belongings(bob)]);
});
afterAll(() => daybook.close());

let before: bigint | null;
beforeEach(async () => {
  before = await daybook.log.head();
});
afterEach(async () => {
  expect(await daybook.log.head()).toBe(before);
});

const unauthorized = {
  status: 401,
  body: {
    type: 'urn:daybook:problem:unauthorized',
    title: 'Unauthorized',
    status: 401,
    detail: 'This needs a valid token.',
    request_id: 'the-request',
  },
};

const takesBody = ({ body }: Command) => !(body instanceof z.ZodDefault);
const baseOf = (command: Command) => z.record(z.string(), z.unknown()).parse(command.example ?? {});
const tokenFor = ({ access = 'owner' }: { access?: Command['access'] }) =>
  ({ public: undefined, admin: admin.token, owner: bob.token })[access];

describe.each([...commands.values()].map((command) => ({ route: command.route, command })))('$route', ({ route, command }) => {
  const [method, path] = methodAndPath(route);
  const fields = fieldsOf(command.body);
  const refuse = async (body: unknown, status: number, where?: string) =>
    expectRefusal(await call(daybook.app, route, fill(path, bobs), { token: tokenFor(command), body }), status, where);

  if (takesBody(command) && command.access !== 'public') {
    test('has an example that it accepts', () => {
      expect(command.body.safeParse(command.example)).toMatchObject({ success: true });
    });
  }

  test('refuses a body without what it needs', async () => {
    for (const { name, isRequired } of fields) {
      const { [name]: _, ...rest } = baseOf(command);
      if (isRequired) await refuse(rest, 400, `body/${name}`);
    }
    if (fields.some(({ isRequired }) => isRequired)) await refuse(undefined, 400, 'body');
    if (method === 'PATCH') await refuse({}, 400, 'body');
  });

  test('refuses fields of the wrong type, too long, too deep, and with what no database keeps', async () => {
    for (const { name, variants } of fields) {
      for (const value of wrongValues(variants)) await refuse({ ...baseOf(command), [name]: value }, 400, `body/${name}`);
    }
  });

  test('refuses what it does not know, and what is no object', async () => {
    await refuse({ ...baseOf(command), nobody_knows_this: 1 }, 400, 'body/nobody_knows_this');
    if (method === 'PATCH') {
      const { body } = await call(daybook.app, route, fill(path, bobs), { token: tokenFor(command), body: { nobody_knows_this: 1 } });
      expect(body).toMatchObject({ errors: [{ in: 'body', pointer: '/nobody_knows_this', detail: 'This field is not known here.' }] });
    }
    for (const body of [[], 'text', 42, true, null]) await refuse(body, 400, 'body');
  });

  test('refuses what is no JSON, too large or of another kind', async () => {
    const token = tokenFor(command);
    const send = (more: Call) => call(daybook.app, route, fill(path, bobs), { token, ...more });
    expectRefusal(await send({ text: '{"title": "Buy' }), 400, 'body');
    expectRefusal(await send({ text: Buffer.from('{"title": "Café"}', 'latin1') }), 400, 'body');
    expectRefusal(await send({ text: '{"__proto__": {"admin": true}}' }), 400);
    expectRefusal(await send({ body: { title: 'a'.repeat(2 * 1024 * 1024) } }), 413);
    expectRefusal(await send({ text: '<title/>', headers: { 'content-type': 'application/xml' } }), 415);
    expectRefusal(await send({ text: '{}', headers: { 'content-type': 'text/plain' } }), 415);
  });

  test('refuses headers that say nothing', async () => {
    const token = tokenFor(command);
    for (const [name, value] of [
      ['idempotency-key', 'two words'],
      ['idempotency-key', 'a'.repeat(256)],
      ['if-match', 'no tag'],
    ] as const) {
      const answer = await call(daybook.app, route, fill(path, bobs), { token, body: command.example, headers: { [name]: value } });
      expectRefusal(answer, 400, `header/${name}`);
    }
  });

  test('refuses ids in its path that are none', async () => {
    for (const name of namesIn(path)) {
      for (const id of ['not-an-id', '%00', NEVER_WAS.slice(1), 'a'.repeat(101)]) {
        const answer = await call(daybook.app, route, fill(path, bobs, { [name]: id }), {
          token: tokenFor(command),
          body: command.example,
        });
        expectRefusal(answer, 400, `path/${name}`);
      }
    }
  });

  if (command.access !== 'public' && namesIn(path).length > 0) {
    test('finds nothing where the path is someone else’s, as where it never was', async () => {
      for (const name of namesIn(path)) {
        const nothing = await call(daybook.app, route, fill(path, bobs, { [name]: NEVER_WAS }), {
          token: tokenFor(command),
          body: command.example,
        });
        // Taking off what was never on is no fault.
        if (name === 'id') expect(said(nothing)).toEqual({ status: 404, body: NOT_FOUND });
        if (command.access === 'admin') continue;
        const id = name === 'id' ? idIn(path, anns) : of(anns, COLLECTIONS[name]);
        const strange = await call(daybook.app, route, fill(path, bobs, { [name]: id }), { token: bob.token, body: command.example });
        expect(said(strange)).toEqual(said(nothing));
      }
    });
  }

  const references = fields.filter(
    ({ name, variants }) => name !== 'id' && variants.some(({ format, items }) => format === 'uuid' || items?.format === 'uuid'),
  );
  if (references.length > 0) {
    test('refuses to refer to what is someone else’s, as to what never was', async () => {
      for (const { name, variants } of references) {
        const isList = variants.some(({ type }) => type === 'array');
        for (const id of [of(anns, COLLECTIONS[name]), NEVER_WAS]) {
          const body = { ...baseOf(command), ...WITH[name]?.(bobs), [name]: isList ? [id] : id };
          await refuse(body, 422, isList ? `body/${name}/0` : `body/${name}`);
        }
      }
    });
  }
});

const idIn = (path: string, owned: Readonly<Record<string, string>>) => of(owned, /^\/(.+?)\/:id/.exec(path)?.[1]);

const reads = [
  ...queries.map(({ route, access, querystring }) => ({ route, access, querystring })),
  ...[...collections.keys()].map((entity) => ({
    route: `GET ${entity}/history`,
    access: 'owner' as const,
    querystring: z.object({ limit: z.number(), cursor: z.string() }),
  })),
];

describe.each(reads)('$route', ({ route, access, querystring }) => {
  const [, path] = methodAndPath(route);
  const needed = fieldsOf(querystring).flatMap(({ name, isRequired }) => (isRequired && name in QUERIES ? [name] : []));
  const ask = (query: string, said?: Record<string, string>) => {
    const missing = needed.filter((name) => !query.includes(`${name}=`)).map((name) => `${name}=${QUERIES[name]}`);
    const whole = [query.slice(1), ...missing].filter((part) => part !== '').join('&');
    return call(daybook.app, route, `${fill(path, bobs, said)}?${whole}`, { token: tokenFor({ access }) });
  };
  const names = fieldsOf(querystring).map(({ name }) => name);
  const sorts = names.includes('sort') ? sortsOf(querystring) : [];

  test('refuses parameters that it does not know, that are wrong, and that no database takes', async () => {
    expectRefusal(await ask('?nobody_knows_this=1'), 400, 'query/nobody_knows_this');
    for (const name of names) expectRefusal(await ask(`?${name}=%00`), 400, `query/${name}`);
    if (!names.includes('limit')) return;
    for (const limit of ['0', '201', '-1', '1.5', 'many', '', '1&limit=2']) expectRefusal(await ask(`?limit=${limit}`), 400, 'query/limit');
    if (names.includes('sort')) expectRefusal(await ask('?sort=nothing'), 400, 'query/sort');
  });

  if (needed.length > 0) {
    test('refuses a question that does not say what it needs to', async () => {
      const answer = await call(daybook.app, route, fill(path, bobs), { token: tokenFor({ access }) });
      for (const name of needed) expectRefusal(answer, 400, `query/${name}`);
    });
  }

  if (names.includes('cursor')) {
    test('refuses cursors that are none, or of another order', async () => {
      const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
      for (const cursor of ['x', '!', encoded([]), encoded({}), encoded(['created_at', 1, 2]), 'a'.repeat(2_001)]) {
        expectRefusal(await ask(`?cursor=${cursor}`), 400, 'query/cursor');
      }
      for (const sort of sorts) {
        const other = sort.startsWith('-') ? sort.slice(1) : `-${sort}`;
        expectRefusal(await ask(`?sort=${sort}&cursor=${writeCursor(other, { key: 'a', id: NEVER_WAS })}`), 400, 'query/cursor');
        // Of this order, but with a key that nobody was given: text may be any, the rest may not.
        for (const key of ['made up', '\0', '\ud800', '1e999']) {
          const answer = await ask(`?sort=${sort}&cursor=${writeCursor(sort, { key, id: NEVER_WAS })}`);
          if (answer.status !== 200) expectRefusal(answer, 400, 'query/cursor');
        }
      }
    });
  }

  test('refuses positions that nobody was given', async () => {
    const at = (position: string) =>
      call(daybook.app, route, fill(path, bobs), { token: tokenFor({ access }), headers: { 'daybook-position': position } });
    if (path.endsWith('/history')) return;
    for (const position of ['soon', '-1', '999999999999999999', '9'.repeat(30)])
      expectRefusal(await at(position), 400, 'header/daybook-position');
  });

  if (path.includes(':')) {
    test('finds nothing where the path is someone else’s or never was, and refuses what is no id', async () => {
      for (const name of namesIn(path).filter((name) => name !== 'type')) {
        for (const id of ['not-an-id', '%00', 'a'.repeat(101)]) expectRefusal(await ask('', { [name]: id }), 400, `path/${name}`);
        expect(said(await ask('', { [name]: NEVER_WAS }))).toEqual({ status: 404, body: NOT_FOUND });
        const strange = name === 'id' ? idIn(path, anns) : of(anns, COLLECTIONS[name]);
        if (access === 'owner') expect(said(await ask('', { [name]: strange }))).toEqual({ status: 404, body: NOT_FOUND });
      }
    });
  }
});

function sortsOf(querystring: z.ZodObject): string[] {
  const { properties } = z
    .object({ properties: z.object({ sort: z.object({ enum: z.array(z.string()) }) }) })
    .parse(z.toJSONSchema(querystring, { io: 'input', unrepresentable: 'any' }));
  return properties.sort.enum;
}

const OPERATIONS = ['rebuild', 'verify', 'pause', 'resume'];

test('what is not known is refused of who operates Daybook, too', async () => {
  const ask = (route: string, query: string, more: Call = {}) =>
    call(daybook.app, route, fill(methodAndPath(route)[1], {}, { name: 'read_model' }) + query, { token: admin.token, ...more });
  for (const route of ['GET /system/projections', 'GET /system/projections/:name/parked-events']) {
    expectRefusal(await ask(route, '?nobody_knows_this=1'), 400, 'query/nobody_knows_this');
  }
  for (const after of ['-2', '1.5', 'many', '1&after=2']) {
    expectRefusal(await ask('GET /system/projections/:name/parked-events', `?after=${after}`), 400, 'query/after');
  }
  for (const word of OPERATIONS) {
    const route = `POST /system/projections/:name/${word}`;
    expectRefusal(await ask(route, '?nobody_knows_this=1'), 400, 'query/nobody_knows_this');
    expectRefusal(await ask(route, '', { body: { nobody_knows_this: 1 } }), 400, 'body/nobody_knows_this');
    expectRefusal(await ask(route, '', { text: 'BEGIN:VCALENDAR', headers: { 'content-type': 'text/calendar' } }), 415);
  }
  expect(said(await ask('GET /system/projections', ''))).toMatchObject({
    status: 200,
    body: { items: [{ status: 'running', build: { is_building: false }, verification: { verified_at: null } }] },
  });
});

describe('without a token that holds', () => {
  const guarded = [
    ...[...commands.values()].filter(({ access }) => access !== 'public').map(({ route, access, example }) => ({ route, access, example })),
    ...reads.map(({ route, access }) => ({ route, access, example: undefined })),
    { route: 'GET /system/projections', access: 'owner', example: undefined },
    { route: 'GET /system/projections/:name/parked-events', access: 'admin', example: undefined },
    ...OPERATIONS.map((word) => ({
      route: `POST /system/projections/:name/${word}`,
      access: 'admin',
      example: undefined,
    })),
  ];

  test.each(guarded)('$route is refused', async ({ route, access, example }) => {
    const claims = { sub: bob.id, login_id: of(bobs, 'auth/logins'), actor: 'user' } as const;
    const signed = (secret: string, type: string, expires: string, audience = 'daybook-api') =>
      new SignJWT({ login_id: claims.login_id, actor: claims.actor })
        .setProtectedHeader({ alg: 'HS256', typ: type })
        .setSubject(claims.sub)
        .setIssuer('daybook')
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime(expires)
        .sign(new TextEncoder().encode(secret));
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt' })).toString('base64url');
    const tokens = {
      none: undefined,
      nonsense: 'nonsense',
      expired: await createTokens(secrets.jwtSecret, -1).issue(claims),
      'of a login that never was': await createTokens(secrets.jwtSecret, 15).issue({ ...claims, login_id: NEVER_WAS }),
      'of someone else’s login': await createTokens(secrets.jwtSecret, 15).issue({ ...claims, sub: ann.id }),
      'signed by another': await signed('another secret, also of 32 bytes or more', 'at+jwt', '15m'),
      'of another kind': await signed(secrets.jwtSecret, 'JWT', '15m'),
      'for another audience': await signed(secrets.jwtSecret, 'at+jwt', '15m', 'somebody-else'),
      unsigned: `${none}.${bob.token.split('.')[1]}.`,
      'signed for other claims': bob.token.replace(/\.[^.]+\./, `.${ann.token.split('.')[1]}.`),
    };
    const path = fill(methodAndPath(route)[1], bobs, { name: 'read_model' });
    for (const [name, token] of Object.entries(tokens)) {
      const answer = await call(daybook.app, route, path, { token, body: example });
      expect({ name, ...said(answer) }).toEqual({ name, ...unauthorized });
      expect(answer.headers).toMatchObject({
        'www-authenticate': 'Bearer',
        'content-type': expect.stringMatching(/^application\/problem\+json/),
      });
    }
    if (access === 'admin') expectRefusal(await call(daybook.app, route, path, { token: bob.token, body: example }), 403);
  });
});

describe('what is no route', () => {
  test('because the method is another says which are not', async () => {
    const paths = Map.groupBy([...commands.values(), ...reads], ({ route }) => fill(methodAndPath(route)[1], bobs));
    for (const [path, routes] of paths) {
      const allowed = new Set(routes.map(({ route }) => methodAndPath(route)[0]));
      for (const method of (['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const).filter((each) => !allowed.has(each))) {
        const answer = await call(daybook.app, `${method} /`, `${path}?limit=1`, { token: bob.token });
        const methods = [...allowed, ...(allowed.has('GET') ? ['HEAD'] : [])].sort().join(', ');
        expectRefusal(answer, 405);
        expect(answer, `${method} ${path}`).toMatchObject({ headers: { allow: methods } });
      }
    }
  });
  test.each(['/nothing', '/tasks//complete', '/../secrets', `/tasks/${NEVER_WAS}/nothing`])('%s is not found', async (path) => {
    expect(said(await call(daybook.app, 'GET /', path, { token: bob.token }))).toEqual({ status: 404, body: NOT_FOUND });
  });
  test.each(['/tasks/%', '/tasks/%E0%A4%A', '/%c0%ae'])('%s is no address', async (path) => {
    expectRefusal(await call(daybook.app, 'GET /', path, { token: bob.token }), 400);
  });
});

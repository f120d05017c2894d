// Everything that can be asked, and everything that can happen. Ann does what there is to do and Cleo what leaves nothing, until
// each command has done something and each type of event is in the log. Then each route is asked by Ann, who finds something, and
// by Bob, who is new and finds nothing of it. By the lists of routes, commands and events: a new one has to be done here as well.
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { commands } from '../../src/commands/index.ts';
import { emailKey } from '../../src/commands/users/emailClaim.ts';
import { encode } from '../../src/events/codec.ts';
import { eventDefinitions } from '../../src/events/index.ts';
import { emailReserved } from '../../src/events/users.ts';
import { PREFIX } from '../../src/http/routes.ts';
import { queries } from '../../src/queries/index.ts';
import { deriveSecrets } from '../../src/secrets.ts';
import { belongings, call, fill, methodAndPath } from '../support/badInput.ts';
import { secrets, startDaybook, type TestDaybook } from '../support/daybook.ts';
import { startMailServer, type TestMailServer } from '../support/mailServer.ts';
import { type Answer, client, idOf, NOT_FOUND, named, type Person, problem, register, said, T0, T1, T2, T3 } from '../support/person.ts';
import { routesOf } from '../support/routes.ts';
import { type Entered, loggedIn, PASSWORD, registered } from './users/entering.ts';

const ADMIN = 'root@example.com';
const NOBODY = 'nobody@example.com';

let server: TestMailServer;
let daybook: TestDaybook;
let ann: Person;
let admin: Person;
/** One of each collection. */
let anns: Things;
/** What Ann and Bob are answered to the same questions about Ann's things, by route. */
let hers: Readonly<Record<string, Answer>>;
let his: Readonly<Record<string, Answer>>;

beforeAll(async () => {
  vi.setSystemTime(T0);
  server = await startMailServer({
    recipient: (address) => {
      if (address === NOBODY) throw Object.assign(new Error('No such person'), { responseCode: 550 });
    },
  });
  daybook = await startDaybook({ SMTP_URL: server.url, ROLES: 'api,projector,scheduler', ADMIN_EMAILS: ADMIN });
  admin = await register(daybook.app, 'Root', ADMIN);
  ann = await register(daybook.app, 'Ann', 'ann@example.com');
  anns = await belongings(ann);
  await doAll();
  const cleo = await registered(daybook, 'cleo@example.com');
  await undoAll(cleo, await belongings(cleo));
  await abandonRegistration();
  await tickAt(T2);
  const bob = await register(daybook.app, 'Bob', 'bob@example.com');
  const upToDate = { lag_events: 0 };
  await vi.waitFor(
    async () => expect((await bob.get('/system/projections')).body).toMatchObject({ items: [upToDate], policies: [upToDate, upToDate] }),
    { timeout: 20_000 },
  );
  hers = await answersTo(ann);
  his = await answersTo(bob);
}, 120_000);
afterAll(async () => {
  await daybook.close();
  await server.close();
});

const COMMANDS = new Map([...commands.values()].map((command) => [command.route, command]));
const identified = z.object({ id: z.string() });
type Who = { readonly token: string };
type Things = Readonly<Record<string, string>>;

/** Does it to these things, with the body that is the command's example where none is said. What is answered is what is then there. */
async function does({ token }: Who, things: Things, route: string, body?: object, headers: Record<string, string> = {}): Promise<Answer> {
  // Nothing is done at the same time as anything else, so that each list has one order.
  vi.setSystemTime(Date.now() + 100);
  const path = fill(methodAndPath(route)[1], things);
  const answer = await call(daybook.app, route, path, { token, body: body ?? COMMANDS.get(route)?.example, headers });
  expect({ route, ...said(answer) }).toEqual({ route, status: expect.toBeOneOf([200, 201, 204]), body: answer.body });
  const shows = queries.find(({ name }) => name === COMMANDS.get(route)?.answer)?.route;
  // A draft that is to be sent may have been by now.
  if (shows !== undefined && !route.endsWith('/send')) {
    const shown = answer.headers.location?.replace(PREFIX, '') ?? fill(methodAndPath(shows)[1], things);
    expect({ route, body: (await call(daybook.app, shows, shown, { token })).body }).toEqual({ route, body: answer.body });
  }
  return answer;
}

/** What stays. */
async function doAll(): Promise<void> {
  const did = (route: string, body?: object, headers?: Record<string, string>) => does(ann, anns, route, body, headers);
  const made = async (route: string, body?: object) => identified.parse((await did(route, body)).body).id;

  for (const route of [
    ...['POST /sessions/:id/archive', 'POST /sessions/:id/resume', 'PATCH /messages/:id', 'POST /llm-requests/:id/succeed'],
    ...['POST /tasks/:id/start', 'POST /tasks/:id/block', 'POST /tasks/:id/complete', 'POST /tasks/:id/reopen', 'POST /tasks/:id/move'],
    ...['PATCH /tasks/:id', 'PUT /tasks/:id/labels/:label_id', 'PATCH /task-labels/:id'],
    ...['PATCH /task-lists/:id', 'POST /task-lists/:id/archive', 'POST /task-lists/:id/restore'],
    ...['PATCH /calendar/events/:id', 'POST /calendar/events/:id/invitations/:invitation_id/answer', 'POST /calendar/import'],
    ...['PATCH /documents/:id', 'POST /documents/:id/archive', 'POST /documents/:id/restore'],
    ...['PUT /documents/:id/tags/:tag_id', 'PATCH /document-tags/:id', 'PATCH /relationships/:id', 'PATCH /users/me'],
    ...['PATCH /email-drafts/:id', 'POST /email-drafts/:id/schedule', 'POST /email-drafts/:id/unschedule'],
  ]) {
    await did(route);
  }
  await did('PATCH /sessions/:id', { title: 'Plans', context: { place: 'Vienna' } });
  await did('PATCH /calendar/events/:id', { title: 'Choir practice' });
  await did('PATCH /emails/:id', { is_read: true, is_starred: true, folder: 'archive', labels: ['Music'], importance: 'high' });
  await did('PATCH /emails/:id', { is_read: false, is_starred: false });
  await did('POST /tasks', { id: idOf(1), title: 'Water the plants', remind_at: T1 }, { 'idempotency-key': 'plants' });
  await did('POST /calendar/events', { title: 'Tea', starts_at: T2, ends_at: T3, reminder_minutes: [1] });
  for (const end of ['fail', 'cancel']) {
    await does(ann, { 'llm-requests': await made('POST /llm-requests') }, `POST /llm-requests/:id/${end}`);
  }
  const party = identified.parse((await does(admin, {}, 'POST /calendar/events')).body).id;
  await does(admin, { 'calendar/events': party }, 'POST /calendar/events/:id/invitations', { email: 'ann@example.com' });
  const toNobody = await made('POST /email-drafts', { to_addresses: [{ address: NOBODY }] });
  await sends(anns, 'sent');
  await sends({ 'email-drafts': toNobody }, 'failed');
}

/** Ann sends the draft, and waits until nothing of that is under way any more. */
async function sends(things: Things, status: 'sent' | 'failed'): Promise<void> {
  await does(ann, things, 'POST /email-drafts/:id/send');
  const ended = async () => expect((await ann.get(fill('/email-drafts/:id', things))).body).toMatchObject({ status });
  await vi.waitFor(ended, { timeout: 20_000 });
  const logged = async () =>
    expect((await ann.get('/integration-logs?integration=smtp')).body).toMatchObject({ items: { length: status === 'sent' ? 2 : 3 } });
  await vi.waitFor(logged, { timeout: 20_000 });
}

/** What ends or takes away, to the last. */
async function undoAll(cleo: Entered & { readonly email: string }, things: Things): Promise<void> {
  const who = { token: cleo.access_token };
  await does(who, things, 'PUT /tasks/:id/labels/:label_id');
  await does(who, things, 'PUT /documents/:id/tags/:tag_id');
  for (const route of [
    ...['DELETE /tasks/:id/labels/:label_id', 'DELETE /task-labels/:id', 'DELETE /task-lists/:id'],
    ...['DELETE /documents/:id/tags/:tag_id', 'DELETE /document-tags/:id', 'DELETE /documents/:id'],
    ...['DELETE /calendar/events/:id/invitations/:invitation_id', 'POST /calendar/events/:id/cancel', 'DELETE /calendar/events/:id'],
    ...['DELETE /relationships/:id', 'POST /tasks/:id/cancel', 'DELETE /tasks/:id', 'DELETE /emails/:id', 'DELETE /email-drafts/:id'],
    ...['DELETE /messages/:id', 'POST /sessions/:id/end', 'DELETE /sessions/:id'],
  ]) {
    await does(who, things, route);
  }

  const login = await loggedIn(daybook, cleo.email);
  const { refresh_token } = login;
  await does({ token: '' }, {}, 'POST /auth/refresh', { refresh_token });
  expect((await client(daybook.app).post('/auth/refresh', { refresh_token })).status).toBe(401);
  expect((await client(daybook.app).post('/auth/login', { email: cleo.email, password: 'wrong' })).status).toBe(401);
  await does({ token: (await loggedIn(daybook, cleo.email)).access_token }, {}, 'POST /auth/logout');
  await does(who, { 'auth/logins': (await loggedIn(daybook, cleo.email)).login_id }, 'DELETE /auth/logins/:id');
  await does(admin, { 'admin/users': cleo.id }, 'POST /admin/users/:id/suspend');
  await does(admin, { 'admin/users': cleo.id }, 'POST /admin/users/:id/reinstate');
  await does(who, {}, 'PATCH /users/me', { email: 'cleopatra@example.com', current_password: PASSWORD });
  await does(who, {}, 'POST /auth/password');
  await does(who, {}, 'DELETE /users/me', { current_password: 'an even better battery staple' });
}

/** An address is taken over from a process that died before there was anybody to have it. */
async function abandonRegistration(): Promise<void> {
  const [address, user_id] = ['dora@example.com', idOf(2)];
  const stamp = { user_id, actor: 'user' as const, at: T0, $correlationId: 'c', $causationId: 'c' };
  const claim = encode(emailReserved({ user_id, user_revision: -1 }), stamp);
  await daybook.log.append(`userEmail-${emailKey(deriveSecrets(secrets.masterKey), address)}`, -1, [claim]);
  vi.setSystemTime(T2);
  await registered(daybook, address);
}

/** What Daybook does by itself. */
async function tickAt(now: string): Promise<void> {
  vi.setSystemTime(now);
  await daybook.settled();
  await daybook.scheduler?.tick();
  await daybook.settled();
}

/** Of these, only an admin may ask. */
const FOR_ADMINS = [
  ...queries.filter(({ access }) => access === 'admin').map(({ route }) => route),
  'GET /system/projections/:name/parked-events',
];
const IN_NOVEMBER = 'from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z';
/** What a question has to say. */
const SAYING: Readonly<Record<string, string>> = {
  'GET /calendar/events': IN_NOVEMBER,
  'GET /calendar/free-busy': IN_NOVEMBER,
  'GET /llm-requests/usage': 'from=2100-03-01&to=2100-03-31',
  'GET /search': 'q=milk',
  // Few enough to be on one page: a cursor has ids in it, which differ from run to run.
  'GET /activities': 'entity_type=task_list',
};

/** Asks everything there is to ask about Ann's things, or has an admin ask it for Ann. */
async function answersTo(who: Who): Promise<Record<string, Answer>> {
  const answers: Record<string, Answer> = {};
  for (const route of (await routesOf(daybook.app)).filter((route) => /^GET (?!\/health\/|\/metrics)/.test(route))) {
    const path = fill(methodAndPath(route)[1], anns, { name: 'read_model' });
    const { token } = who === ann && FOR_ADMINS.includes(route) ? admin : who;
    answers[route] = await call(daybook.app, route, `${path}?${SAYING[route] ?? ''}`, { token });
  }
  return answers;
}

test('who has something is answered with what is in everything.json, word for word', async () => {
  expect(Object.entries(hers).filter(([, { status }]) => status !== 200)).toEqual([]);
  const bodies = Object.entries(hers).map(([route, { body }]) => [route, unmeasured(route, body)]);
  const { 'admin/users': me = '', 'entities/:type': _, 'entity types': __, ...ids } = anns;
  const whole = named(Object.fromEntries(bodies), { ...ids, Ann: me });
  await expect(`${printed(whole)}\n`).toMatchFileSnapshot('everything.json');
});

test('who is new is answered with nothing of that', () => {
  const page = (...items: object[]) => ({ items, next_cursor: null });
  const [created_at, login] = [
    T2,
    { actor: 'user', user_agent: 'lightMyRequest', last_used_at: T2, expires_at: '2100-04-03T05:02:00.000Z' },
  ];
  const profile = {
    email: 'bob@example.com',
    display_name: 'Bob',
    timezone: 'UTC',
    locale: 'en',
    role: 'user',
    preferences: {},
    status: 'active',
  };
  const row = { id: 'id 1', created_at, updated_at: T2, version: 0 };
  const changes = Object.entries(profile).map(([field, to]) => ({ field, from: null, to }));
  const own: Readonly<Record<string, unknown>> = {
    'GET /users/me': { ...row, ...profile, last_login_at: T2, deleted_at: null },
    'GET /users/me/history': page({
      ...{ type: 'UserRegistered', summary: 'Registered', at: T2, actor: 'user', correlation_id: 'the-request', caused_by: null },
      ...{ revision: 0, position: 'a position', changes },
    }),
    'GET /auth/logins': page({ ...row, ...login, is_current: true }),
    'GET /llm-requests/usage': {
      ...{ timezone: 'UTC', from: '2100-03-01', to: '2100-03-31', items: [] },
      total: { requests: 0, prompt_tokens: 0, completion_tokens: 0, cost_usd: 0 },
    },
    'GET /calendar/free-busy': { from: '2026-11-01T00:00:00.000Z', to: '2026-12-01T00:00:00.000Z', periods: [] },
    'GET /calendar/export': 'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Daybook//Daybook//EN\r\nCALSCALE:GREGORIAN\r\nEND:VCALENDAR\r\n',
    'GET /search': { items: [], mode: 'text' },
  };
  for (const [route, answer] of Object.entries(his)) {
    // How far Daybook has got is about nobody, and no secret.
    if (route === 'GET /system/projections') continue;
    const expected = FOR_ADMINS.includes(route)
      ? forbidden
      : /:(?:id|thread_id)/.test(route)
        ? nothing
        : { status: 200, body: own[route] ?? page() };
    expect({ route, status: answer.status, body: named(answer.body) }).toEqual({ route, ...expected });
    expect(said(hers[route] ?? answer), route).not.toEqual(said(answer));
  }
});

const forbidden = problem(403, 'forbidden', 'Forbidden', 'Only an admin may do this.');
const nothing = { status: 404, body: NOT_FOUND };

/** JSON, with a line for what fits into one. */
function printed(value: unknown, indent = '\n'): string {
  const line = JSON.stringify(value);
  if (line.length < 120 || typeof value !== 'object' || value === null) return line;
  const deeper = `${indent}  `;
  const members = Object.entries(value).map(([key, member]) => `${Array.isArray(value) ? '' : `"${key}": `}${printed(member, deeper)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return `${open}${deeper}${members.join(`,${deeper}`)}${indent}${close}`;
}

/** Without what is another number in each run: how long something took, how far the log had got. */
function unmeasured(route: string, body: unknown): unknown {
  const measures = ['duration_ms', 'rate', 'head', ...(route.endsWith('/projections') ? ['position'] : [])];
  const without = (key: string, member: unknown) => (measures.includes(key) && typeof member === 'number' ? 'a number' : member);
  return JSON.parse(JSON.stringify(body), without);
}

test('every command has done something', async () => {
  const { body } = await daybook.app.inject('/metrics');
  const done = new Set([...body.matchAll(/^daybook_commands_total\{command="(\w+)",outcome="done"\}/gm)].map(([, name]) => name));
  expect([...commands.keys()].filter((name) => !done.has(name))).toEqual([]);
});

test('every type of event has happened', async () => {
  // By then, a login that nobody used again has expired.
  await tickAt('2100-06-01T00:00:00.000Z');
  const happened = new Set((await Array.fromAsync(daybook.log.readAll(null))).map(({ type }) => type));
  expect([...eventDefinitions.keys()].filter((type) => !happened.has(type))).toEqual([]);
});

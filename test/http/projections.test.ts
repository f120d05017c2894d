// What who runs Daybook can ask of the read model, and what a Prometheus is told.
import { sql } from 'slonik';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runningDaybook } from '../../src/cli/running.ts';
import { parkedLines } from '../../src/cli/status.ts';
import { readConfig } from '../../src/config.ts';
import type { EventLog } from '../../src/eventstore/log.ts';
import { modelVersion } from '../../src/projections/applier.ts';
import { parkedEvents } from '../../src/projections/control.ts';
import { projections } from '../../src/projections/index.ts';
import { abandon, begin } from '../../src/projections/next.ts';
import type { Verification } from '../../src/projections/verify.ts';
import { createTokens } from '../../src/tokens.ts';
import { secrets, startDaybook, startNode, type TestDaybook } from '../support/daybook.ts';
import { client, type Person, register } from '../support/person.ts';

let daybook: TestDaybook;
let ann: Person;
let admin: Person;

beforeAll(async () => {
  daybook = await startDaybook({ ADMIN_EMAILS: 'admin@example.com' }, { readWaitMs: 300 });
  ann = await register(daybook.app);
  admin = await register(daybook.app, 'Admin', 'admin@example.com');
});
afterAll(() => daybook.close());

const path = '/system/projections';
const model = `${path}/read_model`;
const ready = async () => (await daybook.app.inject('/health/ready')).json();

test('it is paused, also for a process that starts then and for one that is built meanwhile, until it is resumed', async () => {
  expect(await admin.post(`${model}/pause`)).toMatchObject({ status: 200, body: { items: [{ name: 'read_model', status: 'paused' }] } });
  await expect.poll(() => daybook.projector?.status().state, { timeout: 20_000 }).toBe('paused');
  expect(await ready()).toMatchObject({ status: 'degraded', projector: 'paused' });

  const done = await ann.post('/tasks', { title: 'Unseen' });
  expect(done.status).toBe(202);
  const other = await startNode(daybook, { ROLES: 'api,projector' });
  await expect.poll(() => other.projector?.status().state, { timeout: 20_000 }).toBe('paused');
  await other.stop();

  await admin.post(`${model}/rebuild`);
  await expect.poll(() => daybook.builder?.status().isBuilding, { timeout: 20_000 }).toBe(false);
  await expect.poll(() => daybook.projector?.status().state, { timeout: 20_000 }).toBe('paused');
  // It was built from all that there is, and stays there.
  expect((await ann.get('/tasks')).body).toMatchObject({ items: [{ title: 'Unseen' }] });
  await ann.post('/tasks', { title: 'Unseen, too' });
  expect((await ann.get(path)).body).toMatchObject({ items: [{ status: 'paused', lag_events: 1 }] });
  // Who holds it wants it to be behind, however far.
  const strict = await startNode(daybook, { ROLES: 'api' }, { readWaitMs: 300, maxLagSeconds: 0 });
  const elsewhere = client(strict.app, ann.token);
  expect([(await elsewhere.get('/tasks')).status, (await elsewhere.post('/tasks', { title: 'Unseen' })).status]).toEqual([200, 202]);
  await strict.stop();

  const resumed = await admin.post(`${model}/resume`);
  expect(resumed).toMatchObject({ status: 200, body: { items: [{ status: expect.stringMatching(/^(starting|running)$/) }] } });
  await daybook.settled();
  expect((await ann.get(path)).body).toMatchObject({ items: [{ status: 'running', lag_events: 0, parked_events: 0 }] });
  expect(await ready()).toMatchObject({ status: 'ready', projector: 'ok' });
});

test('a build for a new version that fails is tried again until one is well, and until then something is wrong', async () => {
  let isBroken = true;
  const log: EventLog = {
    ...daybook.log,
    async *readAll(after) {
      if (isBroken && after === null) throw new Error('a fault of the disk');
      yield* daybook.log.readAll(after);
    },
  };
  const interim = { version: modelVersion(projections), reason: 'it is of another version' };
  const node = await startNode({ ...daybook, log }, { ROLES: 'api,projector' }, { readWaitMs: 300, interim });
  const well = async () => (await node.app.inject('/health/ready')).json();
  await expect.poll(well).toMatchObject({ status: 'degraded', projector: 'degraded' });
  expect(node.builder?.status()).toMatchObject({ isOverdue: true, lastError: 'a fault of the disk' });
  isBroken = false;
  await expect.poll(well, { timeout: 20_000 }).toMatchObject({ status: 'ready', projector: 'ok' });
  expect(node.builder?.status()).toMatchObject({ isOverdue: false, lastError: undefined });
  await node.stop();

  // A newer version's process that was quicker is not undone.
  isBroken = true;
  const late = await startNode({ ...daybook, log }, { ROLES: 'api,projector' }, { readWaitMs: 300, interim });
  await expect.poll(() => late.builder?.status().isOverdue).toBe(true);
  await daybook.database.query(sql.unsafe`UPDATE daybook.checkpoints SET model_version = 'newer'`);
  isBroken = false;
  await expect.poll(() => late.builder?.status(), { timeout: 20_000 }).toMatchObject({ isBuilding: false, isOverdue: false });
  expect(await daybook.database.oneFirst(sql.unsafe`SELECT model_version FROM daybook.checkpoints`)).toBe('newer');
  await late.stop();
  await daybook.database.query(sql.unsafe`UPDATE daybook.checkpoints SET model_version = ${modelVersion(projections)}`);
  await daybook.settled();
});

test('what could not be projected is shown to admins, with why, and is no secret of how much it is', async () => {
  const metadata = {
    user_id: ann.id,
    actor: 'user',
    at: '2026-01-02T03:04:05.678Z',
    $correlationId: 'c',
    $causationId: 'c',
    schema_version: 1,
  };
  const odd = (type: string) => ({ event_id: crypto.randomUUID(), type, data: { title: 42 }, metadata });
  await daybook.log.append('task-odd', -1, [odd('TaskCreated'), odd('TaskDeleted')]);
  await daybook.settled();
  const whole = { stream: 'task-odd', event_id: expect.any(String), parked_at: expect.any(String), position: expect.any(Number) };
  const items = [
    { ...whole, revision: 0, event_type: 'TaskCreated', error: expect.stringContaining('title') },
    { ...whole, revision: 1, event_type: 'TaskDeleted', error: 'an event before it in its stream is parked' },
  ];
  expect(await admin.get(`${model}/parked-events`)).toMatchObject({ status: 200, body: { items, next_after: null } });
  const [first] = await parkedEvents(daybook.database, -1, 1);
  expect(await admin.get(`${model}/parked-events?after=${first?.position}`)).toMatchObject({ body: { items: items.slice(1) } });
  expect((await admin.get(`${model}/parked-events?after=soon`)).status).toBe(400);
  // What is wrong with an event takes many lines; the command line has one for each.
  const printed = parkedLines(await parkedEvents(daybook.database, -1, null));
  expect(printed).toEqual([
    '2 events are parked:',
    expect.stringMatching(/^ {2}TaskCreated .*title/),
    expect.stringMatching(/^ {2}TaskDeleted /),
  ]);
  expect(printed.join('')).not.toContain('\n');
  expect((await admin.get(path)).body).toMatchObject({ items: [{ status: 'degraded', parked_events: 2, last_error: expect.any(String) }] });
  expect((await ann.get(path)).body).toMatchObject({ items: [{ status: 'degraded', parked_events: 2, last_error: null }] });
});

test('who has the secrets may do all of it and nothing else; nobody else may, and there is no other projection', async () => {
  const operator = client(daybook.app, await createTokens(secrets.jwtSecret, 15).issueForOperator());
  expect((await operator.get(path)).status).toBe(200);
  expect((await operator.post(`${model}/resume`)).status).toBe(200);
  expect((await operator.get('/tasks')).status).toBe(401);
  expect((await operator.get('/admin/users')).status).toBe(401);
  const forged = client(daybook.app, await createTokens('another secret, also of 32 bytes or more', 15).issueForOperator());
  expect((await forged.post(`${model}/resume`)).status).toBe(401);
  expect((await ann.post(`${model}/pause`)).status).toBe(403);
  expect((await admin.post(`${path}/another/pause`)).status).toBe(404);
  const api = await startNode(daybook, { ROLES: 'api' });
  expect((await client(api.app, admin.token).post(`${model}/rebuild`)).status).toBe(409);
  await api.stop();
});

test('the tables are compared with what the log gives when VERIFY_SCHEDULE says so, which metrics tell of', async () => {
  const node = await startNode(daybook, { ROLES: 'api,projector', VERIFY_SCHEDULE: '* * * * * *' });
  const metrics = async () => (await node.app.inject('/metrics')).body;
  await expect.poll(() => node.builder?.verification().found, { timeout: 20_000 }).toBeDefined();
  const body = await metrics();
  expect((await daybook.app.inject('/metrics')).body).not.toMatch(/^daybook_verification_(differing|timestamp)\w* /m);
  expect(body).toMatch(/^daybook_verification_failures_total 0$/m);
  expect(body).toMatch(/^daybook_verification_differing_tables 0$/m);
  const [, seconds] = /^daybook_verification_timestamp_seconds ([\d.]+)$/m.exec(body) ?? [];
  expect(Math.abs(Number(seconds) - Date.now() / 1_000)).toBeLessThan(60);
  // As of several processes all but one find it.
  const build = await begin(daybook.log, daybook.database, projections, true);
  await expect.poll(() => node.builder?.verification().lastError, { timeout: 20_000 }).toContain('a read model is being built already');
  expect(await metrics()).toMatch(/^daybook_verification_failures_total 0$/m);
  await abandon(daybook.database, build);
  await daybook.database.query(sql.unsafe`ALTER TABLE daybook.read_model RENAME TO away`);
  await expect.poll(metrics, { timeout: 20_000 }).toMatch(/^daybook_verification_failures_total [1-9]/m);
  await daybook.database.query(sql.unsafe`ALTER TABLE daybook.away RENAME TO read_model`);
  await node.stop();
});

test('the tables are compared with what the log gives where an admin asks for it, or the command line', async () => {
  expect((await ann.post(`${model}/verify`)).status).toBe(403);
  const { port } = new URL(await daybook.app.listen({ host: '127.0.0.1', port: 0 }));
  const running = runningDaybook(readConfig({ HOST: '127.0.0.1', PORT: port, JWT_SECRET: secrets.jwtSecret }));
  const of = (found: readonly Verification[], name: string) => found.find(({ table }) => table === name);
  expect(of(await running.verify(), 'users.users')).toMatchObject({ rows: 2, differing: [] });

  await daybook.database.query(sql.unsafe`UPDATE users.users SET locale = 'xx' WHERE id = ${ann.id}`);
  expect(of(await running.verify(), 'users.users')).toMatchObject({ rows: 2, differing: [ann.id] });
  const found = { is_verifying: false, verified_at: expect.any(String), differing_tables: 1, last_error: null };
  expect((await admin.get(path)).body).toMatchObject({ items: [{ verification: { ...found, tables: expect.any(Array) } }] });
  expect((await ann.get(path)).body).toMatchObject({ items: [{ verification: { ...found, tables: null } }] });

  await daybook.database.query(sql.unsafe`DELETE FROM daybook.read_model`);
  await expect(running.verify()).rejects.toThrow('the last build did not finish');
});

test('metrics say how things go, and nothing of anybody', async () => {
  await ann.post('/tasks', { title: 'A secret' });
  await ann.post('/tasks', { title: '' });
  const answer = await daybook.app.inject('/metrics');
  expect(answer.statusCode).toBe(200);
  expect(answer.headers['content-type']).toContain('text/plain');
  for (const line of [
    /^daybook_http_request_duration_seconds_count\{method="POST",route="\/api\/v1\/tasks",status="201"\} \d+$/m,
    /^daybook_commands_total\{command="createTask",outcome="done"\} \d+$/m,
    /^daybook_commands_total\{command="createTask",outcome="refused"\} 1$/m,
    /^daybook_projector_position\{projector="read_model"\} \d+$/m,
    /^daybook_projector_lag_events\{projector="read_model"\} 0$/m,
    /^daybook_projector_parked_events\{projector="read_model"\} 2$/m,
    /^daybook_projector_flush_seconds_count\{projector="read_model"\} \d+$/m,
    /^process_resident_memory_bytes \d+/m,
  ])
    expect(answer.body).toMatch(line);
  for (const personal of [ann.id, 'secret', 'example.com', 'task-odd']) expect(answer.body).not.toContain(personal);
});

test('metrics are for this machine, or for who has the token', async () => {
  const status = async (app: TestDaybook['app'], headers: Record<string, string>, remoteAddress = '127.0.0.1') =>
    (await app.inject({ url: '/metrics', headers, remoteAddress })).statusCode;
  expect(await status(daybook.app, {}, '192.0.2.7')).toBe(403);
  expect(await status(daybook.app, { 'x-forwarded-for': '127.0.0.1' })).toBe(403);
  const node = await startNode(daybook, { ROLES: 'api', METRICS_TOKEN: 'a token for the scraper' });
  expect(await status(node.app, {})).toBe(403);
  expect(await status(node.app, { authorization: 'Bearer a token for the scrapes' })).toBe(403);
  expect(await status(node.app, { authorization: 'Bearer a token for the scraper' }, '192.0.2.7')).toBe(200);
  await node.stop();
});

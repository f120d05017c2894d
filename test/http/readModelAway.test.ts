// What is answered while the read model is behind, away or not there, and what a refusal says of where it was decided.
import { setTimeout as delay } from 'node:timers/promises';
import { ConnectionError, type DatabasePool, sql } from 'slonik';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Daybook } from '../../src/daybook.ts';
import { startDaybook, startNode, type TestDaybook } from '../support/daybook.ts';
import { client, idOf, NOT_FOUND, type Person, register } from '../support/person.ts';

let daybook: TestDaybook;
let ann: Person;
let bob: Person;
/** A node whose database does not answer. */
let cutOff: Daybook;

beforeAll(async () => {
  daybook = await startDaybook({}, { readWaitMs: 500, maxLagSeconds: 5 });
  [ann, bob] = [await register(daybook.app), await register(daybook.app, 'Bob')];
  const away = async () => {
    throw new ConnectionError('the database is away');
  };
  const database: DatabasePool = { ...daybook.database, any: away, maybeOne: away, one: away, query: away };
  cutOff = await startNode({ ...daybook, database }, { ROLES: 'api' }, { readWaitMs: 500 });
});
afterAll(async () => {
  await cutOff.stop();
  await daybook.close();
});

const unavailable = (detail: string) => ({
  status: 503,
  headers: { 'retry-after': '1' },
  body: { type: 'urn:daybook:problem:unavailable', title: 'Unavailable', status: 503, detail, request_id: 'the-request' },
});

test('a command whose answer cannot be read is done, and says so', async () => {
  const elsewhere = client(cutOff.app, ann.token);
  const done = await elsewhere.post('/tasks', { id: idOf(1), title: 'Buy milk' });
  expect(done).toMatchObject({
    status: 202,
    headers: { location: `/api/v1/tasks/${idOf(1)}`, etag: '"0"', 'daybook-position': expect.stringMatching(/^\d+$/) },
    body: undefined,
  });
  expect(await elsewhere.get(`/tasks/${idOf(1)}`)).toMatchObject(unavailable('The read model does not answer.'));
  const position = done.headers['daybook-position'] ?? '';
  expect(await ann.get(`/tasks/${idOf(1)}`, { 'daybook-position': position })).toMatchObject({ status: 200, body: { title: 'Buy milk' } });
});

test('a process that has only just started does not take itself for being behind', async () => {
  await ann.post('/tasks', { title: 'Long ago' });
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  // Its projector takes a while to learn where it is.
  const one: DatabasePool['one'] = async (query) => {
    await new Promise((resolve) => setTimeout(resolve, 300));
    return daybook.database.one(query);
  };
  const database: DatabasePool = { ...daybook.database, one };
  const started = await startNode({ ...daybook, database }, { ROLES: 'api,projector' }, { maxLagSeconds: 1 });
  try {
    expect(await client(started.app, ann.token).get('/tasks')).toMatchObject({
      status: 200,
      body: { items: expect.arrayContaining([expect.objectContaining({ title: 'Long ago' })]) },
    });
  } finally {
    await started.stop();
  }
});

test('a read model that is yet to be built is one that is away', async () => {
  await daybook.database.query(sql.unsafe`ALTER SCHEMA tasks RENAME TO elsewhere`);
  try {
    expect(await ann.get('/tasks')).toMatchObject(unavailable('The read model does not answer.'));
  } finally {
    await daybook.database.query(sql.unsafe`ALTER SCHEMA elsewhere RENAME TO tasks`);
  }
});

test('a refusal says where in the log it was decided, but nothing of what is someone else’s', async () => {
  const label = await ann.post('/task-labels', { name: 'Home' });
  const refused = await ann.post('/task-labels', { name: 'home' });
  expect(refused.status).toBe(409);
  expect(refused.headers['daybook-position']).toBe(label.headers['daybook-position']);

  await ann.post('/tasks', { id: idOf(2), title: 'Mine' });
  const gone = await ann.delete(`/tasks/${idOf(2)}`);
  const late = await ann.post(`/tasks/${idOf(2)}/complete`);
  expect([late.status, late.headers['daybook-position']]).toEqual([404, gone.headers['daybook-position']]);

  await ann.post('/task-lists', { id: idOf(3), name: 'Ann’s' });
  await ann.post('/tasks', { id: idOf(4), title: 'Ann’s' });
  for (const answer of [
    await bob.post(`/tasks/${idOf(4)}/complete`),
    await bob.post('/tasks', { title: 'Bob’s', list_id: idOf(3) }),
    await bob.post('/tasks', { id: idOf(4), title: 'Bob’s' }),
  ]) {
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.headers).not.toHaveProperty('daybook-position');
  }
  expect((await bob.post(`/tasks/${idOf(4)}/complete`)).body).toEqual(NOT_FOUND);
});

test('HEAD is GET without the body, with If-None-Match, too', async () => {
  await ann.post('/tasks', { id: idOf(5), title: 'Asked for' });
  const { headers } = await ann.get(`/tasks/${idOf(5)}`);
  const head = (tag: string) =>
    daybook.app.inject({
      method: 'HEAD',
      url: `/api/v1/tasks/${idOf(5)}`,
      headers: { authorization: `Bearer ${ann.token}`, 'if-none-match': tag },
    });
  expect(await head('"other"')).toMatchObject({ statusCode: 200, headers: { etag: headers.etag }, body: '' });
  expect(await head(headers.etag ?? '')).toMatchObject({ statusCode: 304 });
});

test('while the read model is behind, commands are done, and questions wait, say so, or are refused', async () => {
  await daybook.projector?.stop();
  const done = await ann.post('/sessions', { id: idOf(6), title: 'Unseen' });
  expect(done).toMatchObject({ status: 202, headers: { location: `/api/v1/sessions/${idOf(6)}`, etag: '"0"' }, body: undefined });
  const position = done.headers['daybook-position'] ?? '';
  expect(await ann.get(`/sessions/${idOf(6)}`, { 'daybook-position': position })).toMatchObject(
    unavailable('The read model has not got to this position yet.'),
  );
  const behind = await ann.get('/sessions');
  expect(behind).toMatchObject({ status: 200, body: { items: [], next_cursor: null } });
  expect(behind.headers['daybook-lag']).toMatch(new RegExp(`^position=\\d+, wanted=${position}$`));
  const notYet = unavailable('The read model does not have this yet.');
  expect(await ann.get(`/sessions/${idOf(6)}`)).toMatchObject(notYet);
  expect(await ann.get(`/integration-logs/${idOf(6)}/history`)).toMatchObject(notYet);
  expect(await ann.get('/sessions', { 'daybook-position': `${BigInt(position) + 1_000_000n}` })).toMatchObject({
    status: 400,
    body: { errors: [{ in: 'header', pointer: '/daybook-position', detail: 'is beyond the end of the log' }] },
  });
});

test('who has registered is there, also where the read model does not have them yet', async () => {
  const cleo = await register(daybook.app, 'Cleo');
  const other = await startNode(daybook, { ROLES: 'api' }, { readWaitMs: 300 });
  for (const each of [cleo, client(other.app, cleo.token)]) {
    expect(await each.get('/users/me')).toMatchObject(unavailable('The read model does not have this yet.'));
  }
  // That is nobody's write whom it could hide something from.
  expect(await client(other.app, cleo.token).get(`/sessions/${idOf(6)}`)).toMatchObject({ status: 404, body: NOT_FOUND });
  await other.stop();
});

test('who is refused for what the read model does not have yet waits for that, too', async () => {
  const other = await startNode(daybook, { ROLES: 'api' }, { readWaitMs: 300 });
  const elsewhere = client(other.app, ann.token);
  expect((await elsewhere.get('/sessions')).headers).not.toHaveProperty('daybook-lag');
  const refused = await elsewhere.post('/sessions', { id: idOf(6), title: 'Another' });
  expect(refused).toMatchObject({ status: 409, body: { type: 'urn:daybook:problem:id-in-use' } });
  const position = refused.headers['daybook-position'] ?? '';
  expect((await elsewhere.get('/sessions')).headers['daybook-lag']).toMatch(new RegExp(`wanted=${position}$`));
  await other.stop();
});

test('further behind than it may be, it answers nothing but who asks for the way out', async () => {
  await vi.waitFor(
    async () => {
      const refused = unavailable(expect.stringMatching(/^The read model is \d+ seconds behind\.$/));
      expect(await ann.get('/sessions')).toMatchObject(refused);
      expect(await ann.post('/tasks', { title: 'Lost in time' })).toMatchObject(refused);
    },
    { timeout: 20_000, interval: 500 },
  );
  // What is over is not held against anybody, however long ago it was asked about.
  const other = await startNode(daybook, { ROLES: 'api' }, { maxLagSeconds: 5 });
  const elsewhere = client(other.app, ann.token);
  expect((await elsewhere.get('/sessions')).status).toBe(503);
  const projecting = await startNode(daybook, { ROLES: 'projector' });
  expect(await projecting.projector?.reached((await daybook.log.head()) ?? 0n, 20_000)).toBe(true);
  await delay(1_100);
  expect((await elsewhere.get('/sessions')).status).toBe(200);
  for (const node of [projecting, other]) await node.stop();

  const ready = await daybook.app.inject('/health/ready');
  expect(ready.statusCode).toBe(503);
  expect((await ann.get('/system/projections')).body).toMatchObject({ items: [{ status: 'stopped' }] });
  expect((await ann.post('/auth/logout')).status).toBe(204);
});

// Integration logs as a client sees them, word for word: the clock and the ids are the test's.
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { startDaybook, type TestDaybook } from '../support/daybook.ts';
import { NOT_FOUND, type Person, pageOf, register, T0, T1 } from '../support/person.ts';

let daybook: TestDaybook;
let ann: Person;

beforeAll(async () => {
  vi.setSystemTime(T0);
  daybook = await startDaybook();
});
afterAll(() => daybook.close());
beforeEach(async () => {
  vi.setSystemTime(T0);
  ann = await register(daybook.app);
});

const call = {
  integration: 'google-calendar',
  operation: 'events.list',
  direction: 'outbound',
  status: 'failed',
  http_status: 401,
  request: {
    url: 'https://ada:hunter2@example.com/events?access_token=abc',
    headers: { Authorization: 'Bearer abc', accept: 'application/json' },
    body: { refresh_token: 'r', page: 2 },
  },
  response: { error: { message: 'no' }, set_cookie: ['a=1'] },
  error: 'Bearer abcdefghijkl123456 is no good',
  duration_ms: 210,
  correlation_id: 'sync-7',
  occurred_at: '2100-02-28T23:30:00.000Z',
};
const kept = (id: string, more: object = {}) => ({
  id,
  ...call,
  request: {
    url: 'https://[masked]@example.com/events?access_token=[masked]',
    headers: { Authorization: '[masked]', accept: 'application/json' },
    body: { refresh_token: '[masked]', page: 2 },
  },
  response: { error: { message: 'no' }, set_cookie: ['[masked]'] },
  error: 'Bearer [masked] is no good',
  created_at: T0,
  updated_at: T0,
  version: 0,
  ...more,
});
const least = { integration: 'smtp', operation: 'send', status: 'succeeded', occurred_at: T0 };
const log = async (body: object, key?: string) => {
  const answer = await ann.post('/integration-logs', body, key === undefined ? {} : { 'idempotency-key': key });
  return { ...answer, id: z.object({ id: z.string() }).safeParse(answer.body).data?.id ?? '' };
};

test('a call is logged without its secrets, and found where the answer says', async () => {
  const { id, ...answer } = await log({ ...call, occurred_at: '2100-03-01T00:30:00+01:00' });
  expect(answer).toMatchObject({ status: 201, headers: { location: `/api/v1/integration-logs/${id}` }, body: kept(id) });
  expect(await ann.get(`/integration-logs/${id}`)).toMatchObject({ status: 200, body: kept(id) });
  expect(await ann.get('/integration-logs')).toMatchObject({ status: 200, body: { items: [kept(id)], next_cursor: null } });
  const events = await Array.fromAsync(daybook.log.readStream(`integration-${ann.id}-google-calendar-210002`, 0));
  expect(events.map(({ type }) => type)).toEqual(['IntegrationCallLogged']);
  expect(JSON.stringify(events, (_, value: unknown) => String(value))).not.toMatch(/hunter2|Bearer abc/);
});

test('what is left out has its least', async () => {
  const { id, body } = await log(least);
  const none = { http_status: null, request: null, response: null, error: null, duration_ms: null, correlation_id: null };
  expect(body).toEqual({ id, ...least, direction: 'outbound', ...none, created_at: T0, updated_at: T0, version: 0 });
});

test('said twice with a key, it is logged once, whatever secret is masked', async () => {
  const first = await log(call, 'key-1');
  await log({ ...call, operation: 'events.get' });
  vi.setSystemTime(T1);
  expect(await log(call, 'key-1')).toMatchObject({ status: 201, body: kept(first.id) });
  expect(pageOf((await ann.get('/integration-logs')).body).items).toHaveLength(2);
  const minimal = await ann.post('/integration-logs', call, { 'idempotency-key': 'key-1', prefer: 'return=minimal' });
  expect(minimal).toMatchObject({ status: 201, headers: { etag: '"0"', location: `/api/v1/integration-logs/${first.id}` } });
});

test('a key is of one body, also where that is about another service, month or secret', async () => {
  await log(call, 'key-1');
  for (const other of [{ integration: 'smtp' }, { occurred_at: T0 }, { duration_ms: 211 }, { request: { password: 'other' } }]) {
    expect((await log({ ...call, ...other }, 'key-1')).status).toBe(422);
  }
  expect(pageOf((await ann.get('/integration-logs')).body).items).toHaveLength(1);
});

test('many at once with one key make one', async () => {
  const bodies = [call, { ...call, integration: 'smtp' }];
  const answers = await Promise.all(Array.from({ length: 12 }, (_, index) => log(bodies[index % 2] ?? call, 'key-1')));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201, 422]));
  expect(pageOf((await ann.get('/integration-logs')).body).items).toHaveLength(1);
});

test('they are listed by what they were, the latest first', async () => {
  const { id: old } = await log({ ...least, occurred_at: '2099-12-31T23:59:59Z', status: 'retried', direction: 'inbound' });
  const { id: late } = await log({ ...least, occurred_at: T1, operation: 'verify', correlation_id: 'c' });
  const { id: other } = await log({ ...least, integration: 'imap', status: 'skipped' });
  const listed = async (query: string) => pageOf((await ann.get(`/integration-logs?${query}`)).body).items.map(({ id }) => id);
  expect(await listed('')).toEqual([late, other, old]);
  expect(await listed('sort=occurred_at')).toEqual([old, other, late]);
  expect(await listed('integration=smtp')).toEqual([late, old]);
  expect(await listed('operation=verify')).toEqual([late]);
  expect(await listed('status=retried,skipped')).toEqual([other, old]);
  expect(await listed('direction=inbound')).toEqual([old]);
  expect(await listed('correlation_id=c')).toEqual([late]);
  expect(await listed(`since=${T0}&until=${T1}`)).toEqual([other]);
});

test('each has its history and its sentence', async () => {
  await log(least);
  const { id } = await log({ ...least, status: 'failed', http_status: 500, duration_ms: 7 });
  const sentence = 'Called smtp (send), which failed';
  const changes = Object.entries({ ...least, direction: 'outbound', status: 'failed', http_status: 500, duration_ms: 7 });
  const history = await ann.get(`/integration-logs/${id}/history`);
  expect(history).toMatchObject({ status: 200, body: { next_cursor: null } });
  expect(pageOf(history.body).items).toEqual([
    {
      type: 'IntegrationCallLogged',
      summary: sentence,
      at: T0,
      ...{ actor: 'user', correlation_id: 'the-request', caused_by: null },
      revision: 1,
      position: expect.any(Number),
      changes: expect.arrayContaining(changes.map(([field, to]) => ({ field, from: null, to }))),
    },
  ]);
  expect(pageOf((await ann.get('/activities?limit=1')).body).items).toMatchObject([
    {
      activity_type: 'IntegrationCallLogged',
      entity_type: 'integration_log',
      entity_id: id,
      summary: sentence,
      details: { integration: 'smtp', operation: 'send', direction: 'outbound', status: 'failed', http_status: 500, duration_ms: 7 },
    },
  ]);
});

test('nobody else sees anything of them', async () => {
  const { id } = await log(call);
  const bob = await register(daybook.app, 'Bob');
  for (const path of [`/integration-logs/${id}`, `/integration-logs/${id}/history`]) {
    expect(await bob.get(path)).toMatchObject({ status: 404, body: NOT_FOUND });
  }
  expect(await bob.get('/integration-logs')).toMatchObject({ status: 200, body: { items: [], next_cursor: null } });
  expect(await bob.get('/activities?entity_type=integration_log')).toMatchObject({ body: { items: [] } });
});

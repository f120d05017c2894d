// Requests to language models as a client sees them, word for word: the clock and the ids are the test's.
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { startDaybook, type TestDaybook } from '../support/daybook.ts';
import { idOf, NOT_FOUND, type Person, pageOf, register, said, T0, T1, T2 } from '../support/person.ts';

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

let last = 5_000;
const next = () => {
  last += 1;
  return idOf(last);
};
const pending = (id: string, more: object = {}) => ({
  id,
  session_id: null,
  message_id: null,
  provider: 'openai',
  model: 'gpt-5-mini',
  purpose: null,
  status: 'pending',
  prompt_tokens: null,
  completion_tokens: null,
  cost_usd: null,
  latency_ms: null,
  error: null,
  request: null,
  response: null,
  started_at: T0,
  completed_at: null,
  created_at: T0,
  updated_at: T0,
  version: 0,
  ...more,
});
const ask = (id: string, more: object = {}) => ann.post('/llm-requests', { id, provider: 'openai', model: 'gpt-5-mini', ...more });

test('a request is noted without its secrets, for a message and so for its session', async () => {
  const [id, session, message] = [next(), next(), next()];
  await ann.post('/sessions', { id: session });
  await ann.post(`/sessions/${session}/messages`, { id: message, role: 'user', content: 'Hello' });
  const request = { headers: { authorization: 'Bearer x' }, messages: [{ role: 'user', content: 'Hello' }], max_tokens: 9 };
  const answer = await ask(id, { message_id: message, purpose: 'answer', request });
  const kept = { ...request, headers: { authorization: '[masked]' } };
  const expected = pending(id, { session_id: session, message_id: message, purpose: 'answer', request: kept });
  expect(answer).toMatchObject({ status: 201, headers: { location: `/api/v1/llm-requests/${id}`, etag: expect.stringMatching(/^"0-/) } });
  expect(answer.body).toEqual(expected);
  expect(said(await ann.get(`/llm-requests/${id}`))).toEqual({ status: 200, body: expected });
  expect(said(await ann.get(`/llm-requests?session_id=${session}`))).toEqual({
    status: 200,
    body: { items: [expected], next_cursor: null },
  });

  await ann.delete(`/messages/${message}`);
  expect((await ann.get(`/llm-requests/${id}`)).body).toEqual({ ...expected, message_id: null });
  await ann.delete(`/sessions/${session}`);
  expect((await ann.get(`/llm-requests/${id}`)).body).toEqual({ ...expected, session_id: null, message_id: null });
});

test('a message that is not of the session is refused', async () => {
  const [session, other, message] = [next(), next(), next()];
  await ann.post('/sessions', { id: session });
  await ann.post('/sessions', { id: other });
  await ann.post(`/sessions/${session}/messages`, { id: message, role: 'user', content: 'Hello' });
  const answer = await ask(next(), { session_id: other, message_id: message });
  expect(answer).toMatchObject({ status: 422, body: { errors: [{ pointer: '/message_id' }] } });
});

const spent = { prompt_tokens: 31, completion_tokens: 212, cost_usd: 0.000432, latency_ms: 1840 };
const ends = [
  [
    'succeed',
    'succeeded',
    { ...spent, response: { content: 'Bruegel', token: 't' } },
    { ...spent, response: { content: 'Bruegel', token: '[masked]' } },
  ],
  ['fail', 'failed', { error: 'password=abc', latency_ms: 30_000 }, { error: 'password=[masked]', latency_ms: 30_000 }],
  ['cancel', 'cancelled', { completion_tokens: 12 }, { completion_tokens: 12 }],
] as const;

test.each(ends)('it can %s, once and for good', async (verb, status, body, kept) => {
  const id = next();
  await ask(id);
  vi.setSystemTime(T1);
  const expected = pending(id, { ...kept, status, completed_at: T1, updated_at: T1, version: 1 });
  expect(said(await ann.post(`/llm-requests/${id}/${verb}`, body))).toEqual({ status: 200, body: expected });
  vi.setSystemTime(T2);
  expect(said(await ann.post(`/llm-requests/${id}/${verb}`, { ...body, latency_ms: 1 }))).toEqual({ status: 200, body: expected });
  for (const [other, , otherBody] of ends.filter(([name]) => name !== verb)) {
    expect(await ann.post(`/llm-requests/${id}/${other}`, otherBody)).toMatchObject({
      status: 409,
      body: { type: 'urn:daybook:problem:llm-request-ended' },
    });
  }
  expect(said(await ann.get(`/llm-requests/${id}`))).toEqual({ status: 200, body: expected });
});

test('it cannot end before it was started, nor cost a fraction that no column keeps', async () => {
  const id = next();
  await ask(id, { started_at: T1 });
  const early = await ann.post(`/llm-requests/${id}/cancel`, { completed_at: T0 });
  expect(early).toMatchObject({ status: 422, body: { errors: [{ pointer: '/completed_at' }] } });
  expect(await ann.post(`/llm-requests/${id}/succeed`, { cost_usd: 0.0000001, completed_at: T2 })).toMatchObject({ status: 400 });
  const most = await ann.post(`/llm-requests/${id}/succeed`, { cost_usd: 999_999.999999, completed_at: T2 });
  expect(most).toMatchObject({ status: 200, body: { cost_usd: 999_999.999999, started_at: T1, completed_at: T2 } });
});

test('they are listed by what they were, the latest first', async () => {
  const [a, b, c] = [next(), next(), next()];
  await ask(a, { started_at: T2, purpose: 'title' });
  await ask(b, { provider: 'anthropic', model: 'claude' });
  await ask(c, { started_at: T1 });
  await ann.post(`/llm-requests/${c}/cancel`, { completed_at: T1 });
  const listed = async (query: string) => pageOf((await ann.get(`/llm-requests?${query}`)).body).items.map(({ id }) => id);
  expect(await listed('')).toEqual([a, c, b]);
  expect(await listed('sort=started_at')).toEqual([b, c, a]);
  expect(await listed('provider=anthropic')).toEqual([b]);
  expect(await listed('model=gpt-5-mini')).toEqual([a, c]);
  expect(await listed('purpose=title')).toEqual([a]);
  expect(await listed('status=pending')).toEqual([a, b]);
  expect(await listed(`since=${T1}&until=${T2}`)).toEqual([c]);
});

test('usage is counted by day and model, exactly, in the time zone asked for or one’s own', async () => {
  await ann.patch('/users/me', { timezone: 'America/New_York' });
  const use = async (started_at: string, cost_usd: number | null, more: object = {}) => {
    const id = next();
    await ask(id, { started_at, ...more });
    await ann.post(`/llm-requests/${id}/succeed`, { prompt_tokens: 1, completion_tokens: 2, cost_usd });
  };
  await use('2100-03-01T04:30:00Z', 0.1);
  await use('2100-03-01T05:30:00Z', 0.2);
  await use('2100-03-01T06:30:00Z', 0.1, { purpose: 'title' });
  await use('2100-03-02T06:30:00Z', null, { provider: 'anthropic', model: 'claude' });
  await ask(next(), { started_at: '2100-03-02T06:30:00Z' });
  await use('2100-01-01T06:30:00Z', 7);
  const gpt = { provider: 'openai', model: 'gpt-5-mini' };
  const claude = { provider: 'anthropic', model: 'claude' };
  const one = { requests: 1, prompt_tokens: 1, completion_tokens: 2 };
  const none = { requests: 1, prompt_tokens: 0, completion_tokens: 0, cost_usd: 0 };
  expect(said(await ann.get('/llm-requests/usage'))).toEqual({
    status: 200,
    body: {
      timezone: 'America/New_York',
      from: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
      to: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
      items: [],
      total: { ...none, requests: 0 },
    },
  });
  expect(said(await ann.get('/llm-requests/usage?from=2100-02-01&to=2100-03-02'))).toEqual({
    status: 200,
    body: {
      timezone: 'America/New_York',
      from: '2100-02-01',
      to: '2100-03-02',
      items: [
        { day: '2100-02-28', ...gpt, ...one, cost_usd: 0.1 },
        { day: '2100-03-01', ...gpt, requests: 2, prompt_tokens: 2, completion_tokens: 4, cost_usd: 0.3 },
        { day: '2100-03-02', ...claude, ...one, cost_usd: 0 },
        { day: '2100-03-02', ...gpt, ...none },
      ],
      total: { requests: 5, prompt_tokens: 4, completion_tokens: 8, cost_usd: 0.4 },
    },
  });
  const utc = await ann.get(
    '/llm-requests/usage?from=2100-03-01&to=2100-03-01&timezone=UTC&provider=openai&purpose=title&model=gpt-5-mini',
  );
  expect(utc).toMatchObject({ status: 200, body: { timezone: 'UTC', items: [{ day: '2100-03-01', ...gpt, ...one, cost_usd: 0.1 }] } });
  expect(await ann.get('/llm-requests/usage?from=0000-01-01')).toMatchObject({ status: 400, body: { errors: [{ pointer: '/from' }] } });
  expect(await ann.get('/llm-requests/usage?to=9999-12-31')).toMatchObject({ status: 200 });
  expect(await ann.get('/llm-requests/usage?to=0001-01-05')).toMatchObject({ status: 200, body: { from: '0001-01-01', to: '0001-01-05' } });
});

test('each has its history and its sentences', async () => {
  const id = next();
  await ask(id);
  await ann.post(`/llm-requests/${id}/succeed`, { cost_usd: 0.5 });
  const history = pageOf((await ann.get(`/llm-requests/${id}/history`)).body).items;
  expect(history).toMatchObject([
    { type: 'LlmRequestStarted', summary: 'Asked the model “gpt-5-mini”', revision: 0 },
    { type: 'LlmRequestSucceeded', summary: 'The model “gpt-5-mini” answered', revision: 1 },
  ]);
  expect(history[1]?.changes).toEqual([
    { field: 'cost_usd', from: null, to: 0.5 },
    { field: 'completed_at', from: null, to: T0 },
    { field: 'status', from: 'pending', to: 'succeeded' },
  ]);
  expect(pageOf((await ann.get(`/activities?entity_type=llm_request&entity_id=${id}`)).body).items).toHaveLength(2);
});

test('nobody else sees anything of them', async () => {
  const id = next();
  await ask(id);
  const bob = await register(daybook.app, 'Bob');
  for (const path of [`/llm-requests/${id}`, `/llm-requests/${id}/history`]) {
    expect(said(await bob.get(path))).toEqual({ status: 404, body: NOT_FOUND });
  }
  expect(said(await bob.post(`/llm-requests/${id}/cancel`, {}))).toEqual({ status: 404, body: NOT_FOUND });
  expect(said(await bob.get('/llm-requests'))).toEqual({ status: 200, body: { items: [], next_cursor: null } });
  expect(await bob.get('/llm-requests/usage?from=2100-01-01&to=2100-12-31')).toMatchObject({ body: { items: [], total: { requests: 0 } } });
});

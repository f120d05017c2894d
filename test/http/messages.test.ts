// Messages as a client sees them, word for word: the clock and the ids are the test's.
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { startDaybook, type TestDaybook } from '../support/daybook.ts';
import { idOf, NOT_FOUND, named, type Person, pageOf, register, T0, T1, T2, T3 } from '../support/person.ts';

let daybook: TestDaybook;
let ann: Person;

beforeAll(async () => {
  vi.setSystemTime(T0);
  daybook = await startDaybook();
  ann = await register(daybook.app);
});
afterAll(() => daybook.close());
beforeEach(() => {
  vi.setSystemTime(T0);
});

const said = (id: string, session_id: string) => ({
  id,
  session_id,
  parent_message_id: null,
  role: 'user',
  content: 'Hello',
  content_type: 'text/plain',
  token_count: null,
  metadata: {},
  edited_at: null,
  created_at: T0,
  updated_at: T0,
  version: 0,
});
const say = (session: string, id: string, more: object = {}) =>
  ann.post(`/sessions/${session}/messages`, { id, role: 'user', content: 'Hello', ...more });

test('a message is found where the answer says, and counts in its session', async () => {
  const [session, id] = [idOf(101), idOf(102)];
  const { body: before } = await ann.post('/sessions', { id: session });
  vi.setSystemTime(T1);
  const answer = await say(session, id);
  const expected = { ...said(id, session), created_at: T1, updated_at: T1 };
  expect(answer).toMatchObject({
    status: 201,
    headers: { location: `/api/v1/messages/${id}`, etag: expect.stringMatching(/^"0-[\w-]{16}"$/) },
  });
  expect(answer.body).toEqual(expected);
  const found = await ann.get(`/messages/${id}`);
  expect({ status: found.status, body: found.body }).toEqual({ status: 200, body: expected });
  expect((await ann.get(`/sessions/${session}`)).body).toEqual({ ...Object(before), message_count: 1, last_message_at: T1 });
});

test('an answer names what it answers, which may go', async () => {
  const [session, question, answer] = [idOf(201), idOf(202), idOf(203)];
  await ann.post('/sessions', { id: session });
  await say(session, question);
  const whole = {
    role: 'assistant',
    content: '**Hi** 👋',
    content_type: 'text/markdown; charset=utf-8',
    token_count: 7,
    metadata: { model: 'small', stop: ['a', null, 1.5] },
  };
  const sent = await say(session, answer, { ...whole, parent_message_id: question });
  const expected = { ...said(answer, session), ...whole, parent_message_id: question };
  expect({ status: sent.status, body: sent.body }).toEqual({ status: 201, body: expected });

  expect(await ann.delete(`/messages/${question}`)).toMatchObject({ status: 204, body: undefined });
  expect((await ann.get(`/messages/${question}`)).body).toEqual(NOT_FOUND);
  expect((await ann.get(`/messages/${answer}`)).body).toEqual({ ...expected, parent_message_id: null });
  expect((await ann.get(`/sessions/${session}`)).body).toMatchObject({ message_count: 1, last_message_at: T0 });
});

test('a message is edited, once', async () => {
  const [session, id] = [idOf(301), idOf(302)];
  await ann.post('/sessions', { id: session });
  await say(session, id);
  const edit = async (at: string) => {
    vi.setSystemTime(at);
    const { status, body } = await ann.patch(`/messages/${id}`, { content: 'Hello there', metadata: { tone: 'warm' } });
    return { status, body };
  };
  const edited = {
    ...said(id, session),
    content: 'Hello there',
    metadata: { tone: 'warm' },
    edited_at: T1,
    updated_at: T1,
    version: 1,
  };
  expect(await edit(T1)).toEqual({ status: 200, body: edited });
  expect(await edit(T2)).toEqual({ status: 200, body: edited });
});

test.each([
  ['archive', 401, 'session-archived', 'Session archived', 'The session is archived; resume it first.'],
  ['end', 411, 'session-ended', 'Session ended', 'The session is ended; resume it first.'],
])('after %s, a session takes no message until it is resumed', async (command, number, code, title, detail) => {
  const session = idOf(number);
  await ann.post('/sessions', { id: session });
  await ann.post(`/sessions/${session}/${command}`);
  const { status, body } = await say(session, idOf(number + 1));
  expect({ status, body }).toEqual({
    status: 409,
    body: { type: `urn:daybook:problem:${code}`, title, status: 409, detail, request_id: 'the-request' },
  });
  await ann.post(`/sessions/${session}/resume`);
  expect((await say(session, idOf(number + 1))).status).toBe(201);
});

test('what a message answers must be said in its session', async () => {
  const [session, other, elsewhere] = [idOf(501), idOf(502), idOf(503)];
  await ann.post('/sessions', { id: session });
  await ann.post('/sessions', { id: other });
  await say(other, elsewhere);
  const refusal = (detail: string) => ({
    status: 422,
    body: {
      type: 'urn:daybook:problem:reference-not-found',
      title: 'Reference not found',
      status: 422,
      detail,
      request_id: 'the-request',
      errors: [{ in: 'body', pointer: '/parent_message_id', detail }],
    },
  });
  const missing = await say(session, idOf(504), { parent_message_id: idOf(599) });
  expect({ status: missing.status, body: missing.body }).toEqual(refusal('This does not exist.'));
  const strange = await say(session, idOf(504), { parent_message_id: elsewhere });
  expect({ status: strange.status, body: strange.body }).toEqual(refusal('This is no message of this session.'));
});

test('messages go with their session', async () => {
  const [session, id] = [idOf(601), idOf(602)];
  await ann.post('/sessions', { id: session });
  await say(session, id);
  await ann.delete(`/sessions/${session}`);
  for (const { status, body } of [
    await ann.get(`/messages/${id}`),
    await ann.patch(`/messages/${id}`, { content: 'Still here?' }),
    await ann.delete(`/messages/${id}`),
    await ann.get(`/sessions/${session}/messages`),
    await say(session, idOf(603)),
  ]) {
    expect({ status, body }).toEqual({ status: 404, body: NOT_FOUND });
  }
});

test('someone else’s messages are as if they never were', async () => {
  const [session, id] = [idOf(701), idOf(702)];
  await ann.post('/sessions', { id: session });
  await say(session, id);
  const bob = await register(daybook.app, 'Bob');
  for (const { status, body } of [
    await bob.get(`/messages/${id}`),
    await bob.get(`/messages/${id}/history`),
    await bob.patch(`/messages/${id}`, { content: 'Mine' }),
    await bob.delete(`/messages/${id}`),
    await bob.get(`/sessions/${session}/messages`),
    await bob.post(`/sessions/${session}/messages`, { role: 'user', content: 'Mine' }),
  ]) {
    expect({ status, body }).toEqual({ status: 404, body: NOT_FOUND });
  }
});

test('messages are listed in the order they were sent, a page at a time, by who said them', async () => {
  const [session, quiet] = [idOf(801), idOf(809)];
  await ann.post('/sessions', { id: session });
  await ann.post('/sessions', { id: quiet });
  const ids = [idOf(802), idOf(803), idOf(804)];
  const [first, second, third] = [T1, T2, T3].map((at, index) => {
    const role = index === 1 ? 'assistant' : 'user';
    return { ...said(ids[index] ?? '', session), role, created_at: at, updated_at: at, parent_message_id: index === 1 ? ids[0] : null };
  });
  for (const message of [first, second, third]) {
    vi.setSystemTime(message?.created_at ?? T0);
    await say(session, message?.id ?? '', { role: message?.role, parent_message_id: message?.parent_message_id });
  }
  const list = async (query = '') => (await ann.get(`/sessions/${session}/messages${query}`)).body;
  expect(await list()).toEqual({ items: [first, second, third], next_cursor: null });
  expect(await list('?sort=-created_at')).toEqual({ items: [third, second, first], next_cursor: null });
  expect(await list('?role=assistant,tool')).toEqual({ items: [second], next_cursor: null });
  expect(await list(`?parent_message_id=${ids[0]}`)).toEqual({ items: [second], next_cursor: null });
  expect(await list(`?since=${T2}&until=${T3}`)).toEqual({ items: [second], next_cursor: null });
  const page = await list('?limit=2');
  expect(page).toEqual({ items: [first, second], next_cursor: expect.any(String) });
  expect(await list(`?limit=2&cursor=${pageOf(page).next_cursor}`)).toEqual({ items: [third], next_cursor: null });
  expect((await ann.get(`/sessions/${quiet}/messages`)).body).toEqual({ items: [], next_cursor: null });
});

test('what was said, edited and taken back is told', async () => {
  const [session, id] = [idOf(901), idOf(902)];
  await ann.post('/sessions', { id: session });
  vi.setSystemTime(T1);
  await say(session, id, { content: `Buy milk.\n\n${'Then go home. '.repeat(20)}` });
  vi.setSystemTime(T2);
  await ann.patch(`/messages/${id}`, { content: 'Buy oat milk.' });
  const { body: history } = await ann.get(`/messages/${id}/history`);
  vi.setSystemTime(T3);
  await ann.delete(`/messages/${id}`);

  const cut = 'Said “Buy milk. Then go home. Then go home. Then go home. Then go home. Then go home.…”';
  expect(named(history, { message: id, session })).toEqual({
    items: [
      {
        type: 'MessageSent',
        summary: cut,
        at: T1,
        ...{ actor: 'user', correlation_id: 'the-request', caused_by: null },
        revision: 0,
        position: 'a position',
        changes: [
          { field: 'session_id', from: null, to: 'session' },
          { field: 'role', from: null, to: 'user' },
          { field: 'content', from: null, to: `Buy milk.\n\n${'Then go home. '.repeat(20)}` },
          { field: 'content_type', from: null, to: 'text/plain' },
          { field: 'metadata', from: null, to: {} },
        ],
      },
      {
        type: 'MessageEdited',
        summary: 'Edited the message “Buy oat milk.”',
        at: T2,
        ...{ actor: 'user', correlation_id: 'the-request', caused_by: null },
        revision: 1,
        position: 'a position',
        changes: [
          { field: 'content', from: `Buy milk.\n\n${'Then go home. '.repeat(20)}`, to: 'Buy oat milk.' },
          { field: 'edited_at', from: null, to: T2 },
        ],
      },
    ],
    next_cursor: null,
  });

  const { body: activities } = await ann.get(`/activities?entity_type=message&entity_id=${id}`);
  const activity = (number: number, at: string, version: number) => ({
    id: `id ${number}`,
    actor: 'user',
    entity_type: 'message',
    entity_id: 'message',
    occurred_at: at,
    created_at: at,
    updated_at: at,
    log_position: 'a position',
    version,
  });
  expect(named(activities, { message: id, session })).toEqual({
    items: [
      {
        ...activity(1, T3, 2),
        activity_type: 'MessageDeleted',
        summary: 'Deleted the message “Buy oat milk.”',
        details: { session_id: 'session' },
      },
      {
        ...activity(2, T2, 1),
        activity_type: 'MessageEdited',
        summary: 'Edited the message “Buy oat milk.”',
        details: { session_id: 'session' },
      },
      { ...activity(3, T1, 0), activity_type: 'MessageSent', summary: cut, details: { session_id: 'session', role: 'user' } },
    ],
    next_cursor: null,
  });
});

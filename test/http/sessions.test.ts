// Sessions as a client sees them, word for word: the clock and the ids are the test's.
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { startDaybook, type TestDaybook } from '../support/daybook.ts';
import { idOf, NOT_FOUND, named, type Person, pageOf, problem, register, said, T0, T1, T2, T3 } from '../support/person.ts';

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

const started = (id: string) => ({
  id,
  title: 'Plans',
  channel: 'web',
  status: 'active',
  context: { place: 'Vienna' },
  message_count: 0,
  last_message_at: null,
  ended_at: null,
  created_at: T0,
  updated_at: T0,
  version: 0,
});
const start = (id: string, by: Person = ann) => by.post('/sessions', { id, title: 'Plans', channel: 'web', context: { place: 'Vienna' } });

test('a session starts with nothing said', async () => {
  const { status, headers, body } = await ann.post('/sessions', {});
  expect({ status, location: named(headers.location), body: named(body) }).toEqual({
    status: 201,
    location: '/api/v1/sessions/id 1',
    body: { ...started('id 1'), title: null, channel: 'api', context: {} },
  });
});

test('a session that starts is found where the answer says, and unchanged while it is', async () => {
  const id = idOf(101);
  const answer = await start(id);
  expect(answer).toMatchObject({
    status: 201,
    headers: { location: `/api/v1/sessions/${id}`, etag: expect.stringMatching(/^"0-[\w-]{16}"$/) },
  });
  expect(answer.body).toEqual(started(id));

  const found = await ann.get(`/sessions/${id}`);
  expect(found).toMatchObject({ status: 200, headers: { etag: answer.headers.etag } });
  expect(found.body).toEqual(started(id));
  for (const tag of [`"7-other", ${answer.headers.etag}`, `W/${answer.headers.etag}`, '*', ' * ']) {
    expect(await ann.get(`/sessions/${id}`, { 'if-none-match': tag })).toMatchObject({ status: 304, body: undefined });
  }
  expect(await ann.get(`/sessions/${id}`, { 'if-none-match': '"0"' })).toMatchObject({ status: 200, body: { id } });
});

test('a session starts once, however often it is asked for', async () => {
  const id = idOf(201);
  await start(id);
  vi.setSystemTime(T1);
  const again = await start(id);
  expect({ status: again.status, body: again.body }).toEqual({ status: 201, body: started(id) });
  const other = await ann.post('/sessions', { id, title: 'Other plans' });
  expect({ status: other.status, body: other.body }).toEqual({
    status: 409,
    body: {
      type: 'urn:daybook:problem:id-in-use',
      title: 'Id in use',
      status: 409,
      detail: 'There is already something with this id.',
      request_id: 'the-request',
      errors: [{ in: 'body', pointer: '/id', detail: 'There is already something with this id.' }],
    },
  });
});

test('title and context change together, and what is so already changes nothing', async () => {
  const id = idOf(301);
  await start(id);
  vi.setSystemTime(T1);
  const after = { ...started(id), title: null, context: { mood: 'calm', place: null }, updated_at: T1, version: 2 };
  const changed = await ann.patch(`/sessions/${id}`, { title: null, context: { place: null, mood: 'calm' } });
  expect({ status: changed.status, body: changed.body }).toEqual({ status: 200, body: after });

  vi.setSystemTime(T2);
  const again = await ann.patch(`/sessions/${id}`, { title: null, context: { mood: 'calm', place: null } });
  expect({ status: again.status, body: again.body }).toEqual({ status: 200, body: after });
});

test('a session is archived, resumed, ended and resumed', async () => {
  const id = idOf(401);
  await start(id);
  const step = async (command: string, at: string) => {
    vi.setSystemTime(at);
    const { status, body } = await ann.post(`/sessions/${id}/${command}`);
    return { status, body };
  };
  const archived = { ...started(id), status: 'archived', updated_at: T1, version: 1 };
  expect(await step('archive', T1)).toEqual({ status: 200, body: archived });
  expect(await step('archive', T2)).toEqual({ status: 200, body: archived });
  expect(await step('end', T2)).toEqual({
    status: 200,
    body: { ...started(id), status: 'ended', ended_at: T2, updated_at: T2, version: 2 },
  });
  expect(await step('archive', T3)).toEqual({
    status: 409,
    body: {
      type: 'urn:daybook:problem:session-ended',
      title: 'Session ended',
      status: 409,
      detail: 'The session has ended; resume it first.',
      request_id: 'the-request',
    },
  });
  expect(await step('resume', T3)).toEqual({ status: 200, body: { ...started(id), updated_at: T3, version: 3 } });
});

test('a change of what has changed since is refused to who minds', async () => {
  const id = idOf(501);
  const { headers } = await start(id);
  const mine = await ann.patch(`/sessions/${id}`, { title: 'Travel' }, { 'if-match': headers.etag ?? '' });
  expect(mine.status).toBe(200);
  const { status, body } = await ann.patch(`/sessions/${id}`, { title: 'Work' }, { 'if-match': headers.etag ?? '' });
  for (const tag of ['"no-tag-of-ours"', 'W/""', '"7", "x-1"']) {
    expect((await ann.patch(`/sessions/${id}`, { title: 'Work' }, { 'if-match': tag })).status).toBe(412);
  }
  for (const tag of [`"other", ${mine.headers.etag}`, `W/${mine.headers.etag}`, '*']) {
    expect((await ann.patch(`/sessions/${id}`, { title: 'Travel' }, { 'if-match': tag })).status).toBe(200);
  }
  expect({ status, body }).toEqual({
    status: 412,
    body: {
      type: 'urn:daybook:problem:stale-revision',
      title: 'Stale revision',
      status: 412,
      detail: 'This has changed since; it is now at revision 1.',
      request_id: 'the-request',
    },
  });
});

test('who wants little gets little', async () => {
  const id = idOf(601);
  const prefer = { prefer: 'return=minimal' };
  const created = await ann.post('/sessions', { id }, prefer);
  expect(created).toMatchObject({
    status: 201,
    headers: { location: `/api/v1/sessions/${id}`, etag: '"0"', 'preference-applied': 'return=minimal' },
    body: undefined,
  });
  expect(await ann.post(`/sessions/${id}/archive`, undefined, prefer)).toMatchObject({
    status: 204,
    headers: { etag: '"1"' },
    body: undefined,
  });
  const position = { 'daybook-position': created.headers['daybook-position'] ?? '' };
  expect(await ann.get(`/sessions/${id}`, position)).toMatchObject({ status: 200, body: { id, status: 'archived' } });
});

test.each([
  ...['RETURN=Minimal', 'return="minimal"', 'return = minimal', 'respond-async,return=minimal', 'wait=9, return=minimal; lang=en'],
])('who prefers %s wants little', async (prefer) => {
  expect(await ann.post('/sessions', {}, { prefer })).toMatchObject({ status: 201, body: undefined });
});

test.each(['return=representation', 'no-return=minimal', 'return=minimally', 'wait="return=minimal"', 'respond-async; return=minimal'])(
  'who prefers %s wants what there is',
  async (prefer) => {
    expect(await ann.post('/sessions', {}, { prefer })).toMatchObject({ status: 201, body: { status: 'active' } });
  },
);

test.each(['return=representation', 'return=minimal'])(
  'what is said again of what is gone meanwhile finds nothing (%s)',
  async (prefer) => {
    const keyed = (key: string) => ({ 'idempotency-key': `${key}-${prefer}`, prefer });
    const { headers } = await ann.post('/sessions', {}, keyed('start'));
    const path = headers.location?.replace('/api/v1', '') ?? '';
    const title = { title: 'Travel' };
    expect((await ann.patch(path, title, keyed('rename'))).status).toBeLessThan(300);
    expect((await ann.delete(path)).status).toBe(204);
    expect(said(await ann.post('/sessions', {}, keyed('start')))).toEqual({ status: 404, body: NOT_FOUND });
    expect(said(await ann.patch(path, title, keyed('rename')))).toEqual({ status: 404, body: NOT_FOUND });
  },
);

test.each(['"0"', '*'])('nothing is made for who asks that it be there (If-Match: %s)', async (tag) => {
  const head = await daybook.log.head();
  expect(said(await ann.post('/sessions', { title: 'Travel' }, { 'if-match': tag }))).toEqual(
    problem(412, 'nothing-to-match', 'Nothing to match', 'If-Match is about what is there, and this makes something.'),
  );
  expect(await daybook.log.head()).toBe(head);
});

test('a session that is deleted is gone', async () => {
  const id = idOf(701);
  await start(id);
  expect(await ann.delete(`/sessions/${id}`)).toMatchObject({ status: 204, body: undefined });
  for (const { status, body } of [
    await ann.get(`/sessions/${id}`),
    await ann.patch(`/sessions/${id}`, { title: 'Travel' }),
    await ann.post(`/sessions/${id}/resume`),
    await ann.delete(`/sessions/${id}`),
  ]) {
    expect({ status, body }).toEqual({ status: 404, body: NOT_FOUND });
  }
});

test('someone else’s session is as if it never was', async () => {
  const id = idOf(801);
  await start(id);
  const bob = await register(daybook.app, 'Bob');
  for (const { status, body } of [
    await bob.get(`/sessions/${id}`),
    await bob.get(`/sessions/${id}/history`),
    await bob.patch(`/sessions/${id}`, { title: 'Mine' }),
    await bob.delete(`/sessions/${id}`),
  ]) {
    expect({ status, body }).toEqual({ status: 404, body: NOT_FOUND });
  }
  expect((await bob.get('/sessions')).body).toEqual({ items: [], next_cursor: null });
  expect((await ann.get(`/sessions/${id}`)).body).toEqual(started(id));
});

test('sessions are listed by what happened last, a page at a time, by status and channel', async () => {
  const eve = await register(daybook.app, 'Eve');
  const ids = [idOf(901), idOf(902), idOf(903)];
  for (const [index, id] of ids.entries()) {
    vi.setSystemTime([T0, T1, T2][index] ?? T0);
    await eve.post('/sessions', { id, title: `Session ${index}`, channel: index === 1 ? 'voice' : 'web' });
  }
  vi.setSystemTime(T3);
  await eve.post(`/sessions/${ids[0]}/messages`, { role: 'user', content: 'Hello' });
  await eve.post(`/sessions/${ids[1]}/end`);

  const bare = { context: {}, message_count: 0, last_message_at: null, ended_at: null, status: 'active', version: 0 };
  const said = {
    ...bare,
    id: ids[0],
    title: 'Session 0',
    channel: 'web',
    message_count: 1,
    last_message_at: T3,
    created_at: T0,
    updated_at: T0,
  };
  const ended = {
    ...bare,
    id: ids[1],
    title: 'Session 1',
    channel: 'voice',
    status: 'ended',
    ended_at: T3,
    created_at: T1,
    updated_at: T3,
    version: 1,
  };
  const quiet = { ...bare, id: ids[2], title: 'Session 2', channel: 'web', created_at: T2, updated_at: T2 };

  const list = async (query = '') => (await eve.get(`/sessions${query}`)).body;
  expect(await list()).toEqual({ items: [said, quiet, ended], next_cursor: null });
  expect(await list('?sort=created_at')).toEqual({ items: [said, ended, quiet], next_cursor: null });
  expect(await list('?sort=-updated_at')).toEqual({ items: [ended, quiet, said], next_cursor: null });
  expect(await list('?status=active')).toEqual({ items: [said, quiet], next_cursor: null });
  expect(await list('?status=ended,archived')).toEqual({ items: [ended], next_cursor: null });
  expect(await list('?channel=voice,cli')).toEqual({ items: [ended], next_cursor: null });

  const first = await list('?limit=2');
  expect(first).toEqual({ items: [said, quiet], next_cursor: expect.any(String) });
  const { next_cursor } = pageOf(first);
  expect(await list(`?limit=2&cursor=${next_cursor}`)).toEqual({ items: [ended], next_cursor: null });
});

test('the history of a session says what happened to it', async () => {
  const id = idOf(1001);
  await start(id);
  vi.setSystemTime(T1);
  await ann.patch(`/sessions/${id}`, { title: 'Travel', context: {} });
  vi.setSystemTime(T2);
  await ann.post(`/sessions/${id}/messages`, { role: 'user', content: 'Hello' });
  await ann.post(`/sessions/${id}/end`);

  const { status, body } = await ann.get(`/sessions/${id}/history`);
  expect(status).toBe(200);
  const event = { actor: 'user', correlation_id: 'the-request', caused_by: null, position: 'a position' };
  expect(named(body, { session: id })).toEqual({
    items: [
      {
        ...event,
        type: 'SessionStarted',
        summary: 'Started the session “Plans”',
        at: T0,
        revision: 0,
        changes: [
          { field: 'title', from: null, to: 'Plans' },
          { field: 'channel', from: null, to: 'web' },
          { field: 'context', from: null, to: { place: 'Vienna' } },
          { field: 'status', from: null, to: 'active' },
          { field: 'message_count', from: null, to: 0 },
        ],
      },
      {
        ...event,
        type: 'SessionRenamed',
        summary: 'Renamed the session to “Travel”',
        at: T1,
        revision: 1,
        changes: [{ field: 'title', from: 'Plans', to: 'Travel' }],
      },
      {
        ...event,
        type: 'SessionContextChanged',
        summary: 'Session context changed',
        at: T1,
        revision: 2,
        changes: [{ field: 'context', from: { place: 'Vienna' }, to: {} }],
      },
      {
        ...event,
        type: 'SessionEnded',
        summary: 'Ended the session “Travel”',
        at: T2,
        revision: 3,
        changes: [
          { field: 'status', from: 'active', to: 'ended' },
          { field: 'ended_at', from: null, to: T2 },
        ],
      },
    ],
    next_cursor: null,
  });
});

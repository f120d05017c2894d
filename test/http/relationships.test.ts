// Relationships as a client sees them, word for word, between things of every kind: the clock and the ids are the test's.
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { entityType } from '../../src/vocabulary.ts';
import { startDaybook, type TestDaybook } from '../support/daybook.ts';
import { type Answer, client, idOf, NOT_FOUND, named, type Person, pageOf, register, said, T0, T1, T2, T3 } from '../support/person.ts';

let daybook: TestDaybook;
let ann: Person;
let bob: Person;

beforeAll(async () => {
  vi.setSystemTime(T0);
  daybook = await startDaybook();
  [ann, bob] = await Promise.all([register(daybook.app), register(daybook.app, 'Bob')]);
});
afterAll(() => daybook.close());
beforeEach(() => {
  vi.setSystemTime(T0);
});

const idIn = ({ body }: Answer) => z.object({ id: z.string() }).parse(body).id;
const task = async (number: number, title = `Task ${number}`) => idIn(await ann.post('/tasks', { id: idOf(number), title }));
const blocks = (source: number, target: number, more: object = {}, person = ann) =>
  person.post('/relationships', {
    source_type: 'task',
    source_id: idOf(source),
    target_type: 'task',
    target_id: idOf(target),
    relation_type: 'blocks',
    ...more,
  });
const row = (id: string, source: number, target: number, at = T0) => ({
  id,
  source_type: 'task',
  source_id: idOf(source),
  target_type: 'task',
  target_id: idOf(target),
  relation_type: 'blocks',
  strength: 1,
  author: 'user',
  metadata: {},
  created_at: at,
  updated_at: at,
  version: 0,
});
const page = (...items: object[]) => ({ status: 200, body: { items, next_cursor: null } });

test('a relationship is found where the answer says, and is the same however often it is said', async () => {
  await Promise.all([task(101), task(102)]);
  const answer = await blocks(101, 102, { strength: 0.75, metadata: { why: 'paint first' } });
  const id = idIn(answer);
  const expected = { ...row(id, 101, 102), strength: 0.75, metadata: { why: 'paint first' } };
  expect(answer).toMatchObject({
    status: 201,
    headers: { location: `/api/v1/relationships/${id}`, etag: expect.stringMatching(/^"0-[\w-]{16}"$/) },
  });
  expect(answer.body).toEqual(expected);
  vi.setSystemTime(T1);
  expect(said(await blocks(101, 102))).toEqual({ status: 201, body: expected });
  expect(said(await ann.get(`/relationships/${id}`))).toEqual({ status: 200, body: expected });
  const stronger = { ...expected, strength: 1, updated_at: T1, version: 1 };
  expect(said(await blocks(101, 102, { strength: 1 }))).toEqual({ status: 201, body: stronger });
  const all = await Promise.all(Array.from({ length: 10 }, () => blocks(101, 102, { strength: 0.5 })));
  expect(all.map(said)).toEqual(all.map(() => ({ status: 201, body: { ...stronger, strength: 0.5, version: 2 } })));
});

test('a relationship changes, once, and not what it is', async () => {
  await Promise.all([task(111), task(112)]);
  const id = idIn(await blocks(111, 112));
  vi.setSystemTime(T1);
  const changed = { ...row(id, 111, 112), strength: 0, metadata: { a: [1, null] }, updated_at: T1, version: 1 };
  const change = { strength: 0, metadata: { a: [1, null] } };
  expect(said(await ann.patch(`/relationships/${id}`, change))).toEqual({ status: 200, body: changed });
  vi.setSystemTime(T2);
  expect(said(await ann.patch(`/relationships/${id}`, change))).toEqual({ status: 200, body: changed });
});

test('a relationship that was removed is gone, and can be established again', async () => {
  await Promise.all([task(121), task(122)]);
  const id = idIn(await blocks(121, 122, { strength: 0.5, metadata: { a: 1 } }));
  expect(said(await ann.delete(`/relationships/${id}`))).toEqual({ status: 204, body: undefined });
  for (const gone of [
    await ann.get(`/relationships/${id}`),
    await ann.patch(`/relationships/${id}`, { strength: 1 }),
    await ann.delete(`/relationships/${id}`),
  ]) {
    expect(said(gone)).toEqual({ status: 404, body: NOT_FOUND });
  }
  vi.setSystemTime(T1);
  expect(said(await blocks(121, 122))).toEqual({ status: 201, body: { ...row(id, 121, 122, T1), version: 2 } });
});

test('what the assistant relates says so', async () => {
  await Promise.all([task(131), task(132)]);
  const email = z.object({ email: z.string() }).parse((await ann.get('/users/me')).body).email;
  const login = await ann.post('/auth/login', { email, password: 'correct horse battery staple', actor: 'assistant' });
  const assistant = client(daybook.app, z.object({ access_token: z.string() }).parse(login.body).access_token);
  const answer = await assistant.post('/relationships', {
    source_type: 'task',
    source_id: idOf(131),
    target_type: 'task',
    target_id: idOf(132),
    relation_type: 'blocks',
  });
  expect(said(answer)).toEqual({ status: 201, body: { ...row(idIn(answer), 131, 132), author: 'assistant' } });
  expect(said(await ann.get('/relationships?author=assistant'))).toEqual({
    status: 200,
    body: { items: [answer.body], next_cursor: null },
  });
});

test('relationships are listed by what they are between, a page at a time, and from either end', async () => {
  const [a, b, c] = [201, 202, 203];
  await Promise.all([task(a), task(b), task(c)]);
  const list = idIn(await ann.post('/task-lists', { id: idOf(204), name: 'House' }));
  const made: object[] = [];
  const keep = async (at: string, answer: () => Promise<Answer>) => {
    vi.setSystemTime(at);
    const { body } = await answer();
    made.push(z.looseObject({}).parse(body));
  };
  await keep(T1, () => blocks(a, b));
  await keep(T2, () => blocks(c, a, { relation_type: 'follows' }));
  await keep(T3, () => blocks(a, 0, { target_type: 'task_list', target_id: list, relation_type: 'belongs_to' }));
  const [first = {}, second = {}, third = {}] = made;

  const ask = async (query: string) => said(await ann.get(query));
  expect(await ask(`/relationships?source_id=${idOf(a)}`)).toEqual(page(first, third));
  expect(await ask(`/relationships?source_id=${idOf(a)}&target_id=${idOf(b)}`)).toEqual(page(first));
  expect(await ask(`/relationships?target_id=${idOf(a)}&source_type=task,task_list`)).toEqual(page(second));
  expect(await ask('/relationships?target_type=task_list')).toEqual(page(third));
  expect(await ask('/relationships?source_type=session')).toEqual(page());
  expect(await ask('/relationships?relation_type=follows,belongs_to&sort=-created_at')).toEqual(page(third, second));

  const around = `/entities/task/${idOf(a)}/relationships`;
  expect(await ask(around)).toEqual(page(first, second, third));
  expect(await ask(`${around}?direction=outgoing`)).toEqual(page(first, third));
  expect(await ask(`${around}?direction=incoming`)).toEqual(page(second));
  expect(await ask(`${around}?relation_type=blocks`)).toEqual(page(first));
  const { next_cursor } = pageOf((await ann.get(`${around}?limit=2`)).body);
  expect(await ask(`${around}?limit=2&cursor=${next_cursor}`)).toEqual(page(third));
  // Of this id there is a task, and no session.
  expect(await ask(`/entities/session/${idOf(a)}/relationships`)).toEqual({ status: 404, body: NOT_FOUND });
  expect((await ask(`/entities/chair/${idOf(a)}/relationships`)).status).toBe(400);
});

describe('a graph', () => {
  const node = (number: number, depth: number) => ({ type: 'task', id: idOf(number), title: `Task ${number}`, depth });
  const graph = async (query = '', from = 301) => {
    const { body } = await ann.get(`/entities/task/${idOf(from)}/graph${query}`);
    const { nodes, edges, is_truncated } = z
      .object({ nodes: z.unknown(), edges: z.array(z.object({ id: z.string() })), is_truncated: z.boolean() })
      .parse(body);
    return { nodes, edges: edges.map(({ id }) => edgeOf.get(id)), is_truncated };
  };
  const edgeOf = new Map<string, string>();
  const edges = (...names: string[]) => expect.toSatisfy((found: string[]) => found.toSorted().join() === names.toSorted().join());

  beforeAll(async () => {
    // 301 → 302 → 303 → 301 is a cycle; 304 hangs on 303, and 305 on 304; 306 is alone.
    for (const number of [301, 302, 303, 304, 305, 306]) await task(number);
    for (const [source, target, strength] of [
      [301, 302, 0.5],
      [302, 303, 1],
      [303, 301, 1],
      [303, 304, 1],
      [305, 304, 1],
    ] as const) {
      edgeOf.set(idIn(await blocks(source, target, { strength })), `${source}-${target}`);
    }
  });

  test('begins with what it is of, and has what lies around it', async () => {
    const { body } = await ann.get(`/entities/task/${idOf(305)}/graph`);
    expect(body).toEqual({
      nodes: [node(305, 0), node(304, 1)],
      edges: [
        {
          id: [...edgeOf].find(([, name]) => name === '305-304')?.[0],
          source_type: 'task',
          source_id: idOf(305),
          target_type: 'task',
          target_id: idOf(304),
          relation_type: 'blocks',
          strength: 1,
          author: 'user',
        },
      ],
      is_truncated: false,
    });
    expect((await ann.get(`/entities/task/${idOf(306)}/graph?depth=5`)).body).toEqual({
      nodes: [node(306, 0)],
      edges: [],
      is_truncated: false,
    });
  });
  test('goes as far as it is asked to, through cycles, to each thing by the shortest way', async () => {
    expect(await graph()).toEqual({
      nodes: [node(301, 0), node(303, 1), node(302, 1)],
      edges: edges('301-302', '302-303', '303-301'),
      is_truncated: false,
    });
    expect(await graph('?depth=2')).toEqual({
      nodes: [node(301, 0), node(303, 1), node(302, 1), node(304, 2)],
      edges: edges('301-302', '302-303', '303-301', '303-304'),
      is_truncated: false,
    });
    expect(await graph('?depth=5')).toEqual({
      nodes: [node(301, 0), node(303, 1), node(302, 1), node(304, 2), node(305, 3)],
      edges: edges('301-302', '302-303', '303-301', '303-304', '305-304'),
      is_truncated: false,
    });
  });
  test('stops where it has as much as it is asked for, and says so', async () => {
    expect(await graph('?depth=5&limit=2')).toEqual({ nodes: [node(301, 0), node(303, 1)], edges: edges('303-301'), is_truncated: true });
    expect(await graph('?depth=5&limit=1')).toEqual({ nodes: [node(301, 0)], edges: edges(), is_truncated: true });
    expect(await graph('?depth=5&limit=5')).toMatchObject({ is_truncated: false });
  });
  test('is not of what is not there', async () => {
    expect(said(await ann.get(`/entities/session/${idOf(301)}/graph`))).toEqual({ status: 404, body: NOT_FOUND });
    for (const query of ['depth=0', 'depth=6', 'limit=0', 'limit=201'])
      expect((await ann.get(`/entities/task/${idOf(301)}/graph?${query}`)).status).toBe(400);
  });
});

/** One of each kind, its title, and the request that is the end of it; of the two that are part of something, that of their parent. */
async function oneOf(
  type: z.output<typeof entityType>,
  person: Person,
  number: number,
): Promise<{ id: string; title: string | null; end?: string }> {
  const id = idOf(number);
  const made = async (path: string, body: object) => idIn(await person.post(path, body));
  switch (type) {
    case 'user':
      return { id: person.id, title: 'Ann' };
    case 'session':
      return { id: await made('/sessions', { id, title: 'Plans' }), title: 'Plans', end: `/sessions/${id}` };
    case 'message': {
      const session = await made('/sessions', { id: idOf(number + 1) });
      const content = `Once  upon\na time ${'there was a king. '.repeat(30)}`;
      await made(`/sessions/${session}/messages`, { id, role: 'user', content });
      const title = `Once upon a time ${'there was a king. '.repeat(30)}`.slice(0, 100);
      return { id, title, end: `/sessions/${session}` };
    }
    case 'email': {
      const letter = { id, direction: 'inbound', from_address: 'bob@example.com', subject: 'Dinner', body_text: 'On Friday?' };
      return { id: await made('/emails', letter), title: 'Dinner', end: `/emails/${id}` };
    }
    case 'draft':
      return { id: await made('/email-drafts', { id }), title: null };
    case 'event': {
      const choir = { id, title: 'Choir', starts_at: '2100-03-05T19:00:00Z', ends_at: '2100-03-05T21:00:00Z' };
      return { id: await made('/calendar/events', choir), title: 'Choir', end: `/calendar/events/${id}` };
    }
    case 'document':
      return {
        id: await made('/documents', { id, title: 'Packing list', content: 'Passport' }),
        title: 'Packing list',
        end: `/documents/${id}`,
      };
    case 'task': {
      const parent = await made('/tasks', { id: idOf(number + 1), title: 'Move' });
      await made('/tasks', { id, title: 'Pack', parent_task_id: parent });
      return { id, title: 'Pack', end: `/tasks/${parent}` };
    }
    case 'task_list':
      return { id: await made('/task-lists', { id, name: 'Errands' }), title: 'Errands', end: `/task-lists/${id}` };
  }
}

describe.each(entityType.options.map((type, index) => ({ type, number: 1_000 + index * 10 })))('a $type', ({ type, number }) => {
  test('is related in both directions, is named in a graph, and takes its relationships with it', async () => {
    const { id, title, end } = await oneOf(type, ann, number);
    const other = await task(number + 5, 'Other');
    const relate = (source: object, target: object) => ann.post('/relationships', { ...source, ...target, relation_type: 'about' });
    const there = await relate({ source_type: type, source_id: id }, { target_type: 'task', target_id: other });
    vi.setSystemTime(T1);
    const back = await relate({ source_type: 'task', source_id: other }, { target_type: type, target_id: id });
    const whole = { relation_type: 'about', strength: 1, author: 'user', metadata: {}, version: 0 };
    expect(said(there)).toEqual({
      status: 201,
      body: {
        ...whole,
        id: idIn(there),
        source_type: type,
        source_id: id,
        target_type: 'task',
        target_id: other,
        created_at: T0,
        updated_at: T0,
      },
    });
    const [forth, fro] = [there.body, back.body].map((body) => z.looseObject({}).parse(body));
    expect(said(await ann.get(`/entities/${type}/${id}/relationships?relation_type=about`))).toMatchObject({
      body: { items: expect.arrayContaining([forth, fro]) },
    });
    const { nodes } = z.object({ nodes: z.array(z.unknown()) }).parse((await ann.get(`/entities/task/${other}/graph`)).body);
    expect(nodes).toEqual([
      { type: 'task', id: other, title: 'Other', depth: 0 },
      { type, id, title, depth: 1 },
    ]);

    expect(said(await bob.get(`/entities/${type}/${id}/graph`))).toEqual({ status: 404, body: NOT_FOUND });
    const stolen = await bob.post('/relationships', {
      source_type: 'user',
      source_id: bob.id,
      target_type: type,
      target_id: id,
      relation_type: 'knows',
    });
    const detail = 'This does not exist.';
    expect(said(stolen)).toEqual({
      status: 422,
      body: {
        type: 'urn:daybook:problem:reference-not-found',
        title: 'Reference not found',
        status: 422,
        detail,
        request_id: 'the-request',
        errors: [{ in: 'body', pointer: '/target_id', detail }],
      },
    });

    // Only oneself cannot be deleted and looked for afterwards. A draft is discarded, and stays as that.
    if (end === undefined) return;
    expect((await ann.delete(end)).status).toBe(204);
    expect(said(await ann.get(`/entities/task/${other}/relationships`))).toEqual(page());
    for (const gone of [forth, fro]) {
      for (const answer of [
        await ann.get(`/relationships/${gone?.id}`),
        await ann.patch(`/relationships/${gone?.id}`, { strength: 0.5 }),
        await ann.delete(`/relationships/${gone?.id}`),
      ]) {
        expect(said(answer)).toEqual({ status: 404, body: NOT_FOUND });
      }
    }
    expect((await relate({ source_type: 'task', source_id: other }, { target_type: type, target_id: id })).status).toBe(422);
  });
});

test('a relationship is gone with an email, and does not come back when that is recorded again', async () => {
  const letter = { direction: 'inbound', message_id_header: 'again@example.org', from_address: 'ada@example.org' };
  await task(381);
  const email = idIn(await ann.post('/emails', letter));
  const mentions = () => blocks(381, 0, { target_type: 'email', target_id: email, strength: 0.5 });
  const id = idIn(await mentions());
  await ann.delete(`/emails/${email}`);
  expect((await mentions()).status).toBe(422);
  expect((await ann.post('/emails', letter)).status).toBe(201);
  for (const answer of [
    await ann.get(`/relationships/${id}`),
    await ann.patch(`/relationships/${id}`, { strength: 1 }),
    await ann.delete(`/relationships/${id}`),
  ]) {
    expect(said(answer)).toEqual({ status: 404, body: NOT_FOUND });
  }
  expect(said(await mentions())).toMatchObject({ status: 201, body: { id, strength: 0.5, version: 1 } });
  expect(said(await mentions())).toMatchObject({ status: 201, body: { id, version: 1 } });
});

test('someone else’s relationships are as if they never were', async () => {
  await Promise.all([task(401), task(402)]);
  const id = idIn(await blocks(401, 402));
  for (const answer of [
    await bob.get(`/relationships/${id}`),
    await bob.get(`/relationships/${id}/history`),
    await bob.patch(`/relationships/${id}`, { strength: 0.5 }),
    await bob.delete(`/relationships/${id}`),
    await bob.get(`/entities/task/${idOf(401)}/relationships`),
    await bob.get(`/entities/task/${idOf(401)}/graph`),
  ]) {
    expect(said(answer)).toEqual({ status: 404, body: NOT_FOUND });
  }
  expect(said(await bob.get('/relationships'))).toEqual(page());
  expect((await blocks(401, 402, {}, bob)).status).toBe(422);
});

test('what was related, changed and removed is told', async () => {
  await Promise.all([task(501), task(502)]);
  const id = idIn(await blocks(501, 502));
  vi.setSystemTime(T1);
  await ann.patch(`/relationships/${id}`, { strength: 0.5 });
  vi.setSystemTime(T2);
  await ann.delete(`/relationships/${id}`);
  vi.setSystemTime(T3);
  await blocks(501, 502, { metadata: { again: true } });
  const ends = { source_type: 'task', source_id: 'one', target_type: 'task', target_id: 'other', relation_type: 'blocks' };
  const names = { relationship: id, one: idOf(501), other: idOf(502) };
  const whole = [...Object.entries(ends), ['strength', 1], ['author', 'user']];
  const fields = whole.map(([field, to]) => ({ field, from: null, to }));
  const metadata = (to: object) => ({ field: 'metadata', from: null, to });
  const told = (revision: number, type: string, at: string, verb: string, changes: unknown) => ({
    type,
    summary: `${verb} the relationship “task blocks task”`,
    at,
    ...{ actor: 'user', correlation_id: 'the-request', caused_by: null },
    revision,
    position: 'a position',
    changes,
  });
  const both = (given: object) =>
    expect.toSatisfy((found: object[]) => {
      expect(found).toHaveLength(8);
      expect(found).toEqual(expect.arrayContaining([...fields, metadata(given)]));
      return true;
    });
  expect(named((await ann.get(`/relationships/${id}/history`)).body, names)).toEqual({
    items: [
      told(0, 'RelationshipEstablished', T0, 'Established', both({})),
      told(1, 'RelationshipChanged', T1, 'Changed', [{ field: 'strength', from: 1, to: 0.5 }]),
      told(2, 'RelationshipRemoved', T2, 'Removed', []),
      told(3, 'RelationshipEstablished', T3, 'Established', both({ again: true })),
    ],
    next_cursor: null,
  });

  const { body } = await ann.get(`/activities?entity_type=relationship&entity_id=${id}`);
  const activity = (number: number, at: string, version: number, verb: string, details: object) => ({
    id: `id ${number}`,
    actor: 'user',
    activity_type: `Relationship${verb}`,
    entity_type: 'relationship',
    entity_id: 'relationship',
    summary: `${verb} the relationship “task blocks task”`,
    details,
    occurred_at: at,
    log_position: 'a position',
    created_at: at,
    updated_at: at,
    version,
  });
  expect(named(body, names)).toEqual({
    items: [
      activity(1, T3, 3, 'Established', { ...ends, strength: 1, author: 'user' }),
      activity(2, T2, 2, 'Removed', {}),
      activity(3, T1, 1, 'Changed', { strength: 0.5 }),
      activity(4, T0, 0, 'Established', { ...ends, strength: 1, author: 'user' }),
    ],
    next_cursor: null,
  });
});

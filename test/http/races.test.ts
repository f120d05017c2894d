// What happens when two things are decided at once, of tasks, sessions and messages, and what holds for every command.
import { sql } from 'slonik';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Daybook } from '../../src/daybook.ts';
import { startDaybook, startNode, type TestDaybook } from '../support/daybook.ts';
import { type Answer, client, idOf, NOT_FOUND, type Person, pageOf, register, said } from '../support/person.ts';
import { beforeNextAppend as forceRace, typesIn } from '../support/race.ts';

let daybook: TestDaybook;
let otherNode: Daybook;
let ann: Person;
/** Ann again, through another node: it has its own memory of what streams fold to, and its own queue. */
let elsewhere: ReturnType<typeof client>;

beforeAll(async () => {
  daybook = await startDaybook();
  otherNode = await startNode(daybook, { ROLES: 'api' });
  ann = await register(daybook.app);
  elsewhere = client(otherNode.app, ann.token);
});
afterAll(async () => {
  await otherNode.stop();
  await daybook.close();
});

const beforeNextAppend = (race: () => Promise<Answer>) => forceRace(daybook.log, race);

const gone = { status: 404, body: NOT_FOUND };
const typesOf = (stream: string) => typesIn(daybook.log, stream);
const count = z.object({ count: z.number() });
const head = () => daybook.log.head();

let next = 0;
const newId = () => {
  next += 1;
  return idOf(next);
};
async function newTask(more: object = {}): Promise<string> {
  const id = newId();
  expect((await ann.post('/tasks', { id, title: 'Buy milk', ...more })).status).toBe(201);
  return id;
}
async function newLabel(name: string): Promise<string> {
  const id = newId();
  expect((await ann.post('/task-labels', { id, name })).status).toBe(201);
  return id;
}
async function newSession(): Promise<string> {
  const id = newId();
  expect((await ann.post('/sessions', { id })).status).toBe(201);
  return id;
}

describe('a message to a session that is deleted meanwhile', () => {
  test('is nowhere, though it is in the log', async () => {
    const session = await newSession();
    const id = newId();
    beforeNextAppend(() => elsewhere.delete(`/sessions/${session}`));
    expect(said(await ann.post(`/sessions/${session}/messages`, { id, role: 'user', content: 'Hello' }))).toEqual(gone);
    expect(await typesOf(`message-${id}`)).toEqual(['MessageSent']);
    for (const answer of [
      await ann.get(`/messages/${id}`),
      await ann.get(`/sessions/${session}`),
      await ann.patch(`/messages/${id}`, { content: 'Still here?' }),
      await ann.delete(`/messages/${id}`),
      await ann.post(`/sessions/${session}/messages`, { role: 'user', content: 'Hello' }),
    ]) {
      expect(said(answer)).toEqual(gone);
    }
    const source = await ann.post('/tasks', { title: 'Answer', source_type: 'message', source_id: id });
    expect(source).toMatchObject({ status: 422, body: { errors: [{ pointer: '/source_id' }] } });
  });

  test('is gone with it where it was first', async () => {
    const session = await newSession();
    const id = newId();
    beforeNextAppend(() => elsewhere.post(`/sessions/${session}/messages`, { id, role: 'user', content: 'Hello' }));
    expect((await ann.delete(`/sessions/${session}`)).status).toBe(204);
    expect(said(await ann.get(`/messages/${id}`))).toEqual(gone);
    expect(said(await elsewhere.patch(`/messages/${id}`, { content: 'Still here?' }))).toEqual(gone);
  });

  test('is edited in vain', async () => {
    const session = await newSession();
    const id = newId();
    await ann.post(`/sessions/${session}/messages`, { id, role: 'user', content: 'Hello' });
    beforeNextAppend(() => elsewhere.delete(`/sessions/${session}`));
    expect(said(await ann.patch(`/messages/${id}`, { content: 'Hello there' }))).toEqual(gone);
    expect(said(await ann.get(`/messages/${id}`))).toEqual(gone);
  });
});

test('a message whose session ends meanwhile was said just in time', async () => {
  const session = await newSession();
  beforeNextAppend(() => elsewhere.post(`/sessions/${session}/end`));
  expect((await ann.post(`/sessions/${session}/messages`, { role: 'user', content: 'Hello' })).status).toBe(201);
  expect((await ann.get(`/sessions/${session}`)).body).toMatchObject({ status: 'ended', message_count: 1 });
});

test('an answer to a message that is deleted meanwhile answers nothing', async () => {
  const session = await newSession();
  const question = newId();
  await ann.post(`/sessions/${session}/messages`, { id: question, role: 'user', content: 'Who are you?' });
  beforeNextAppend(() => elsewhere.delete(`/messages/${question}`));
  const answer = await ann.post(`/sessions/${session}/messages`, { role: 'assistant', content: 'I', parent_message_id: question });
  expect(answer).toMatchObject({ status: 201, body: { parent_message_id: null } });
  expect((await ann.get(`/sessions/${session}`)).body).toMatchObject({ message_count: 1 });
});

describe('a task in a list that is deleted meanwhile', () => {
  const newList = async () => {
    const id = newId();
    await ann.post('/task-lists', { id, name: 'Errands' });
    return id;
  };

  test('is created in none', async () => {
    const list = await newList();
    const id = newId();
    beforeNextAppend(() => elsewhere.delete(`/task-lists/${list}`));
    expect(await ann.post('/tasks', { id, title: 'Buy milk', list_id: list })).toMatchObject({ status: 201, body: { list_id: null } });
    // Its own stream says where it was to be; to be moved again it is as good as any.
    const other = await newList();
    expect(await ann.post(`/tasks/${id}/move`, { list_id: other })).toMatchObject({ status: 200, body: { list_id: other } });
  });

  test('is moved to none', async () => {
    const list = await newList();
    const id = await newTask();
    beforeNextAppend(() => elsewhere.delete(`/task-lists/${list}`));
    expect(await ann.post(`/tasks/${id}/move`, { list_id: list })).toMatchObject({ status: 200, body: { list_id: null } });
    expect(await ann.post(`/tasks/${id}/move`, { position: 5 })).toMatchObject({ status: 200, body: { list_id: null, position: 5 } });
  });

  test('is taken out of it where it was first', async () => {
    const list = await newList();
    const id = newId();
    beforeNextAppend(() => elsewhere.post('/tasks', { id, title: 'Buy milk', list_id: list }));
    expect((await ann.delete(`/task-lists/${list}`)).status).toBe(204);
    expect((await ann.get(`/tasks/${id}`)).body).toMatchObject({ list_id: null });
  });
});

describe('a subtask of a task that is deleted meanwhile', () => {
  test('is nowhere, and neither are its labels', async () => {
    const parent = await newTask();
    const label = await newLabel('Of the subtask');
    const id = newId();
    beforeNextAppend(() => elsewhere.delete(`/tasks/${parent}`));
    expect(said(await ann.post('/tasks', { id, title: 'Find a shop', parent_task_id: parent, label_ids: [label] }))).toEqual(gone);
    expect(await typesOf(`task-${id}`)).toEqual(['TaskCreated', 'TaskLabelled']);
    for (const answer of [
      await ann.get(`/tasks/${id}`),
      await ann.post(`/tasks/${id}/complete`),
      await ann.put(`/tasks/${id}/labels/${label}`),
      await ann.post(`/tasks/${id}/move`, { parent_task_id: null }),
    ]) {
      expect(said(answer)).toEqual(gone);
    }
    const tags = sql.type(count)`SELECT count(*)::int AS count FROM tasks.task_tags WHERE task_id = ${id}`;
    expect(await daybook.database.one(tags)).toEqual({ count: 0 });
  });

  test('goes with it where it is moved there', async () => {
    const parent = await newTask();
    const id = await newTask();
    const below = await newTask({ parent_task_id: id });
    beforeNextAppend(() => elsewhere.delete(`/tasks/${parent}`));
    expect(said(await ann.post(`/tasks/${id}/move`, { parent_task_id: parent }))).toEqual(gone);
    expect(said(await ann.get(`/tasks/${below}`))).toEqual(gone);
    expect(said(await ann.post(`/tasks/${below}/complete`))).toEqual(gone);
  });
});

test('a label that is deleted while it is put on is on nothing', async () => {
  const id = await newTask();
  const label = await newLabel('Short-lived');
  beforeNextAppend(() => elsewhere.delete(`/task-labels/${label}`));
  expect(await ann.put(`/tasks/${id}/labels/${label}`)).toMatchObject({ status: 200, body: { labels: [] } });
  expect(said(await ann.put(`/tasks/${id}/labels/${label}`))).toEqual(gone);
});

test('two tasks that are moved under each other stay, until one of them is moved or deleted', async () => {
  const [first, second] = [await newTask(), await newTask()];
  beforeNextAppend(() => elsewhere.post(`/tasks/${second}/move`, { parent_task_id: first }));
  expect(await ann.post(`/tasks/${first}/move`, { parent_task_id: second })).toMatchObject({
    status: 200,
    body: { parent_task_id: second },
  });
  expect((await ann.get(`/tasks/${second}`)).body).toMatchObject({ parent_task_id: first });
  expect((await ann.post(`/tasks/${first}/start`)).status).toBe(200);
  expect(await ann.post(`/tasks/${first}/move`, { parent_task_id: null })).toMatchObject({ status: 200, body: { parent_task_id: null } });
  expect((await ann.delete(`/tasks/${first}`)).status).toBe(204);
  expect(said(await ann.get(`/tasks/${second}`))).toEqual(gone);
});

describe('names of labels', () => {
  test('are had by who is first', async () => {
    const [first, second] = [await newLabel('one'), await newLabel('two')];
    beforeNextAppend(() => elsewhere.patch(`/task-labels/${second}`, { name: 'Prize' }));
    expect(await ann.patch(`/task-labels/${first}`, { name: 'prize' })).toMatchObject({
      status: 409,
      body: { type: 'urn:daybook:problem:name-taken' },
    });
    expect((await ann.get(`/task-labels/${first}`)).body).toMatchObject({ name: 'one' });
    expect((await ann.get(`/task-labels/${second}`)).body).toMatchObject({ name: 'Prize' });
  });

  test('are free as soon as they are given up, whoever remembers otherwise', async () => {
    const [first, second] = [await newLabel('left'), await newLabel('taker')];
    // This node believes that the first has the name.
    expect((await ann.patch(`/task-labels/${second}`, { name: 'Left' })).status).toBe(409);
    expect((await elsewhere.patch(`/task-labels/${first}`, { name: 'elsewhere' })).status).toBe(200);
    expect(await ann.patch(`/task-labels/${second}`, { name: 'Left' })).toMatchObject({ status: 200, body: { name: 'Left' } });
  });

  test('can be swapped by three renames at once', async () => {
    const [first, second] = [await newLabel('hot'), await newLabel('cold')];
    const renames = [
      [first, 'lukewarm'],
      [second, 'hot'],
      [first, 'cold'],
    ] as const;
    // One node decides them in turn; the projector may find them together, and then writes only where they end.
    const answers = await Promise.all(renames.map(([id, name]) => ann.patch(`/task-labels/${id}`, { name }, { prefer: 'return=minimal' })));
    expect(answers.map(({ status }) => status)).toEqual([204, 204, 204]);
    expect((await ann.get(`/task-labels/${first}`)).body).toMatchObject({ name: 'cold' });
    expect((await ann.get(`/task-labels/${second}`)).body).toMatchObject({ name: 'hot' });
  });

  test('that cross are one each in the end, from two nodes at once', async () => {
    const labels = await Promise.all(['red', 'green', 'blue'].map(newLabel));
    const names = ['amber', 'red', 'green', 'blue'];
    const renames = names.flatMap((name) => labels.map((id) => [id, name] as const));
    const answers = await Promise.all(
      renames.map(([id, name], index) => (index % 2 ? ann : elsewhere).patch(`/task-labels/${id}`, { name })),
    );
    expect(new Set(answers.map(({ status }) => status)).isSubsetOf(new Set([200, 409]))).toBe(true);
    const items = pageOf((await ann.get('/task-labels?limit=200')).body).items.filter(({ id }) => labels.some((label) => label === id));
    const had = new Set(items.map(({ name }) => name));
    expect(had.size).toBe(3);
    expect(had.isSubsetOf(new Set<unknown>(names))).toBe(true);
    expect(daybook.projector?.status().state).toBe('running');
  });
});

test('two lists that become the default at once leave one', async () => {
  const [first, second] = [newId(), newId()];
  await ann.post('/task-lists', { id: first, name: 'First' });
  await ann.post('/task-lists', { id: second, name: 'Second' });
  beforeNextAppend(() => elsewhere.patch(`/task-lists/${second}`, { is_default: true }));
  expect(await ann.patch(`/task-lists/${first}`, { is_default: true })).toMatchObject({ status: 200, body: { is_default: true } });
  const lists = pageOf((await ann.get('/task-lists?limit=200')).body).items;
  expect(lists.filter(({ is_default }) => is_default).map(({ id }) => id)).toEqual([first]);
});

describe('forty equal requests with one key', () => {
  test.each([
    ['create one task', 'TaskCreated', async () => ['/tasks', { title: 'Buy milk' }, { title: 'Other' }]],
    ['create one label', 'TaskLabelCreated', async () => ['/task-labels', { name: 'Of forty' }, { name: 'Other' }]],
    [
      'say one thing',
      'MessageSent',
      async () => [`/sessions/${await newSession()}/messages`, { role: 'user', content: 'Hello' }, { role: 'user', content: 'Other' }],
    ],
  ] satisfies [string, string, () => Promise<[path: string, body: object, other: object]>][])(
    '%s, and are answered alike',
    async (name, type, request) => {
      const [path, body, other] = await request();
      const before = await head();
      const headers = { 'idempotency-key': `forty-${name.replaceAll(' ', '-')}` };
      const answers = await Promise.all(Array.from({ length: 40 }, (_, index) => (index % 2 ? ann : elsewhere).post(path, body, headers)));
      const alike = ({ status, body, headers: { etag, location } }: Answer) => ({ status, body, etag, location });
      const [first] = answers.map(alike);
      expect(first?.status).toBe(201);
      for (const answer of answers) expect(alike(answer)).toEqual(first);
      const appended: string[] = [];
      for await (const event of daybook.log.readAll(before)) appended.push(event.type);
      expect(appended).toEqual([type]);

      const after = await head();
      const detail = 'This key was used with another body.';
      expect(said(await ann.post(path, other, headers))).toEqual({
        status: 422,
        body: {
          type: 'urn:daybook:problem:idempotency-key-reused',
          title: 'Idempotency key reused',
          status: 422,
          detail,
          request_id: 'the-request',
          errors: [{ in: 'header', pointer: '/idempotency-key', detail }],
        },
      });
      expect(await head()).toBe(after);
    },
  );

  test('change one thing once', async () => {
    const id = await newTask();
    const headers = { 'idempotency-key': 'forty-starts' };
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => (index % 2 ? ann : elsewhere).post(`/tasks/${id}/start`, undefined, headers)),
    );
    for (const answer of answers) expect(said(answer)).toEqual({ status: 200, body: answers[0]?.body });
    expect(await typesOf(`task-${id}`)).toEqual(['TaskCreated', 'TaskStarted']);
  });

  test('belong to one person', async () => {
    const bob = await register(daybook.app, 'Bob');
    const headers = { 'idempotency-key': 'the-same' };
    const [mine, bobs] = [await ann.post('/tasks', { title: 'Mine' }, headers), await bob.post('/tasks', { title: 'Bob’s' }, headers)];
    expect([mine.status, bobs.status]).toEqual([201, 201]);
    expect(mine.headers.location).not.toBe(bobs.headers.location);
  });
});

describe('two writers on one stream', () => {
  test('both succeed where neither minds', async () => {
    const id = await newTask();
    beforeNextAppend(() => elsewhere.patch(`/tasks/${id}`, { priority: 'high' }));
    expect(await ann.patch(`/tasks/${id}`, { title: 'Buy oat milk' })).toMatchObject({
      status: 200,
      body: { title: 'Buy oat milk', priority: 'high', version: 2 },
    });
  });

  test('are one who succeeds and one who is told, where both mind', async () => {
    const id = await newTask();
    const ifMatch = { 'if-match': (await ann.get(`/tasks/${id}`)).headers.etag ?? '' };
    beforeNextAppend(() => elsewhere.patch(`/tasks/${id}`, { priority: 'high' }, ifMatch));
    expect(await ann.patch(`/tasks/${id}`, { title: 'Buy oat milk' }, ifMatch)).toMatchObject({
      status: 412,
      body: { type: 'urn:daybook:problem:stale-revision' },
    });
    expect((await ann.get(`/tasks/${id}`)).body).toMatchObject({ title: 'Buy milk', priority: 'high', version: 1 });
  });

  test('who do the same do it once', async () => {
    const id = await newTask();
    beforeNextAppend(() => elsewhere.post(`/tasks/${id}/complete`));
    expect(await ann.post(`/tasks/${id}/complete`)).toMatchObject({ status: 200, body: { status: 'done', version: 1 } });
    expect(await typesOf(`task-${id}`)).toEqual(['TaskCreated', 'TaskCompleted']);
  });

  test('of whom one deletes are one who succeeds and one who finds nothing', async () => {
    const id = await newTask();
    beforeNextAppend(() => elsewhere.delete(`/tasks/${id}`));
    expect(said(await ann.patch(`/tasks/${id}`, { title: 'Buy oat milk' }))).toEqual(gone);
    expect(await typesOf(`task-${id}`)).toEqual(['TaskCreated', 'TaskDeleted']);
  });

  test('with one id of their own choice are one who has it and one who is told', async () => {
    const id = newId();
    beforeNextAppend(() => elsewhere.post('/tasks', { id, title: 'Theirs' }));
    expect(await ann.post('/tasks', { id, title: 'Mine' })).toMatchObject({ status: 409, body: { type: 'urn:daybook:problem:id-in-use' } });
    expect((await ann.get(`/tasks/${id}`)).body).toMatchObject({ title: 'Theirs' });
  });
});

// Tasks as a client sees them, word for word: the clock and the ids are the test's.
import { sql } from 'slonik';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { startDaybook, type TestDaybook } from '../support/daybook.ts';
import { idOf, NOT_FOUND, type Person, pageOf, register, said, T0, T1, T2, T3 } from '../support/person.ts';

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

const at = (time: string) => {
  vi.setSystemTime(time);
  return ann;
};
const AT_THE_END = Date.parse(T0);

const milk = (id: string) => ({
  id,
  list_id: null,
  parent_task_id: null,
  title: 'Buy milk',
  description: null,
  status: 'todo',
  priority: 'none',
  start_at: null,
  due_at: null,
  remind_at: null,
  reminded_at: null,
  estimate_minutes: null,
  recurrence_rule: null,
  position: AT_THE_END,
  completed_at: null,
  source_type: null,
  source_id: null,
  labels: [],
  created_at: T0,
  updated_at: T0,
  version: 0,
});

describe('tasks', () => {
  test('are created with all that is said of them', async () => {
    const [id, list, parent, urgent, home, session, message] = [301, 302, 303, 304, 305, 306, 307].map(idOf);
    await ann.post('/task-lists', { id: list, name: 'Errands' });
    await ann.post('/tasks', { id: parent, title: 'Shop' });
    await ann.post('/task-labels', { id: urgent, name: 'urgent', color: '#ff0000' });
    await ann.post('/task-labels', { id: home, name: 'Home' });
    await ann.post('/sessions', { id: session });
    await ann.post(`/sessions/${session}/messages`, { id: message, role: 'user', content: 'We are out of milk' });
    const details = {
      title: 'Buy milk',
      description: 'Oat, if there is any',
      priority: 'high',
      start_at: '2100-03-05T08:00:00.000Z',
      due_at: '2100-03-05T18:00:00.000Z',
      remind_at: '2100-03-05T17:00:00.000Z',
      estimate_minutes: 10,
      recurrence_rule: 'FREQ=WEEKLY;BYDAY=MO',
      position: -1.5,
      list_id: list,
      parent_task_id: parent,
      source_type: 'message',
      source_id: message,
    };
    const created = await ann.post('/tasks', { ...details, id, due_at: '2100-03-05T19:00:00+01:00', label_ids: [urgent, home] });
    expect(created).toMatchObject({ headers: { location: `/api/v1/tasks/${id}`, etag: expect.stringMatching(/^"2-/) } });
    const labels = [
      { id: home, name: 'Home', color: null },
      { id: urgent, name: 'urgent', color: '#ff0000' },
    ];
    const expected = { ...milk(id ?? ''), ...details, labels, version: 2 };
    expect(said(created)).toEqual({ status: 201, body: expected });
    expect(said(await ann.get(`/tasks/${id}`))).toEqual({ status: 200, body: expected });

    await ann.delete(`/sessions/${session}`);
    await ann.delete(`/task-lists/${list}`);
    await ann.delete(`/task-labels/${urgent}`);
    // Where it came from is remembered; where it was filed and how it was labelled are not.
    expect((await ann.get(`/tasks/${id}`)).body).toEqual({ ...expected, list_id: null, labels: labels.slice(0, 1) });
  });

  test('are changed, begun, put on hold, done and taken up again', async () => {
    const id = idOf(401);
    expect(said(await ann.post('/tasks', { id, title: 'Buy milk' }))).toEqual({ status: 201, body: milk(id) });
    const changed = { ...milk(id), title: 'Buy oat milk', updated_at: T1, version: 1 };
    expect(said(await at(T1).patch(`/tasks/${id}`, { title: 'Buy oat milk', priority: 'none' }))).toEqual({ status: 200, body: changed });
    expect(said(await at(T2).patch(`/tasks/${id}`, { title: 'Buy oat milk' }))).toEqual({ status: 200, body: changed });

    const step = async (command: string) => said(await at(T2).post(`/tasks/${id}/${command}`));
    const then = (status: string, version: number, completed_at: string | null = null) => ({
      status: 200,
      body: { ...changed, status, completed_at, updated_at: T2, version },
    });
    expect(await step('start')).toEqual(then('in_progress', 2));
    expect(await step('block')).toEqual(then('blocked', 3));
    expect(await step('complete')).toEqual(then('done', 4, T2));
    expect(await step('complete')).toEqual(then('done', 4, T2));
    expect(await step('start')).toEqual({
      status: 409,
      body: {
        type: 'urn:daybook:problem:task-done',
        title: 'Task done',
        status: 409,
        detail: 'The task is done; reopen it first.',
        request_id: 'the-request',
      },
    });
    expect(await step('reopen')).toEqual(then('todo', 5));
    expect(await step('cancel')).toEqual(then('cancelled', 6));
  });

  test('are moved, never under themselves', async () => {
    const [id, below, list] = [idOf(501), idOf(502), idOf(503)];
    await ann.post('/task-lists', { id: list, name: 'Errands' });
    await ann.post('/tasks', { id, title: 'Buy milk' });
    await ann.post('/tasks', { id: below, title: 'Find a shop', parent_task_id: id });
    expect(said(await at(T1).post(`/tasks/${id}/move`, { list_id: list, position: 3 }))).toEqual({
      status: 200,
      body: { ...milk(id), list_id: list, position: 3, updated_at: T1, version: 1 },
    });
    const detail = 'A task cannot be moved under itself.';
    expect(said(await ann.post(`/tasks/${id}/move`, { parent_task_id: below }))).toEqual({
      status: 422,
      body: {
        type: 'urn:daybook:problem:task-under-itself',
        title: 'Task under itself',
        status: 422,
        detail,
        request_id: 'the-request',
        errors: [{ in: 'body', pointer: '/parent_task_id', detail }],
      },
    });
  });

  test('get labels and lose them', async () => {
    const [id, label] = [idOf(601), idOf(602)];
    await ann.post('/tasks', { id, title: 'Buy milk' });
    await ann.post('/task-labels', { id: label, name: 'Urgent' });
    const labelled = { ...milk(id), labels: [{ id: label, name: 'Urgent', color: null }], updated_at: T1, version: 1 };
    expect(said(await at(T1).put(`/tasks/${id}/labels/${label}`))).toEqual({ status: 200, body: labelled });
    expect(said(await at(T2).put(`/tasks/${id}/labels/${label}`))).toEqual({ status: 200, body: labelled });
    expect(said(await ann.put(`/tasks/${id}/labels/${idOf(699)}`))).toEqual({ status: 404, body: NOT_FOUND });
    expect(said(await at(T3).delete(`/tasks/${id}/labels/${label}`))).toEqual({ status: 204, body: undefined });
    expect(said(await ann.get(`/tasks/${id}`))).toEqual({ status: 200, body: { ...milk(id), updated_at: T3, version: 2 } });
  });

  test('go with the one above them, and are as if they never were for others', async () => {
    const [id, below] = [idOf(701), idOf(702)];
    await ann.post('/tasks', { id, title: 'Buy milk' });
    await ann.post('/tasks', { id: below, title: 'Find a shop', parent_task_id: id });
    const bob = await register(daybook.app, 'Bob');
    for (const answer of [
      await bob.get(`/tasks/${id}`),
      await bob.get(`/tasks/${id}/history`),
      await bob.patch(`/tasks/${id}`, { title: 'Mine' }),
      await bob.delete(`/tasks/${id}`),
    ]) {
      expect(said(answer)).toEqual({ status: 404, body: NOT_FOUND });
    }
    expect(said(await ann.delete(`/tasks/${id}`))).toEqual({ status: 204, body: undefined });
    for (const answer of [await ann.get(`/tasks/${below}`), await ann.post(`/tasks/${below}/complete`)]) {
      expect(said(answer)).toEqual({ status: 404, body: NOT_FOUND });
    }
  });

  test('are listed as one likes', async () => {
    const [list, label, parent] = [idOf(801), idOf(802), idOf(803)];
    await ann.post('/task-lists', { id: list, name: 'Errands' });
    await ann.post('/task-labels', { id: label, name: 'Urgent' });
    await at(T0).post('/tasks', { id: parent, title: 'parent', position: 3 });
    await at(T1).post('/tasks', { title: 'filed', list_id: list, position: 1, due_at: '2100-05-01T00:00:00Z', priority: 'low' });
    await at(T2).post('/tasks', { title: 'labelled', label_ids: [label], position: 2, due_at: '2100-06-01T00:00:00Z', priority: 'urgent' });
    await at(T3).post('/tasks', { title: 'below', parent_task_id: parent, position: 0 });
    await ann.post(`/tasks/${parent}/start`);

    const titles = async (query: string) => pageOf((await ann.get(`/tasks${query}`)).body).items.map(({ title }) => title);
    expect(await titles('')).toEqual(['below', 'filed', 'labelled', 'parent']);
    expect(await titles('?sort=-position')).toEqual(['parent', 'labelled', 'filed', 'below']);
    expect(await titles('?sort=created_at')).toEqual(['parent', 'filed', 'labelled', 'below']);
    // What was never due comes after all that is.
    expect((await titles('?sort=due_at')).slice(0, 2)).toEqual(['filed', 'labelled']);
    expect((await titles('?sort=-priority')).slice(0, 2)).toEqual(['labelled', 'filed']);
    expect(await titles('?status=in_progress,done')).toEqual(['parent']);
    expect(await titles('?priority=urgent')).toEqual(['labelled']);
    expect(await titles(`?list_id=${list}`)).toEqual(['filed']);
    expect(await titles(`?parent_task_id=${parent}`)).toEqual(['below']);
    expect(await titles(`?label_id=${label}`)).toEqual(['labelled']);
    expect(await titles('?due_after=2100-05-01T00:00:00Z')).toEqual(['labelled']);
    expect(await titles('?due_before=2100-06-01T00:00:00Z')).toEqual(['filed']);

    for (const sort of ['position', '-position', 'due_at', '-due_at', 'priority', '-priority', 'created_at', '-updated_at']) {
      const whole = await titles(`?sort=${sort}`);
      const pages: unknown[] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const page = pageOf((await ann.get(`/tasks?sort=${sort}&limit=1${cursor && `&cursor=${cursor}`}`)).body);
        pages.push(...page.items.map(({ title }) => title));
        cursor = page.next_cursor;
      }
      expect(pages).toEqual(whole);
    }
  });

  test('are listed by their ids where nothing else says which is first', async () => {
    const list = idOf(910);
    await at(T0).post('/task-lists', { id: list, name: 'Errands' });
    const ids = Array.from({ length: 7 }, (_, index) => idOf(909 - index));
    for (const id of ids) await at(T0).post('/tasks', { id, title: id, list_id: list, due_at: T3 });
    // Which has them in this order already, whether or not that is asked for.
    await daybook.database.query(sql.unsafe`DROP INDEX tasks.tasks_by_due`);
    for (const [sort, expected] of [
      ['due_at', ids.toReversed()],
      ['-due_at', ids],
    ] as const) {
      const found: unknown[] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const page = pageOf((await ann.get(`/tasks?list_id=${list}&sort=${sort}&limit=3${cursor && `&cursor=${cursor}`}`)).body);
        found.push(...page.items.map(({ id }) => id));
        cursor = page.next_cursor;
      }
      expect(found).toEqual(expected);
    }
  });
});

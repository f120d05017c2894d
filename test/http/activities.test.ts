// What happened, as a client sees it, word for word: the clock and the ids are the test's.
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { startDaybook, type TestDaybook } from '../support/daybook.ts';
import { idOf, named, type Person, register, T0, T1, T2, T3 } from '../support/person.ts';

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

describe('what happened', () => {
  test('to a task is told, and by whom', async () => {
    const [id, label] = [idOf(901), idOf(902)];
    await at(T0).post('/task-labels', { id: label, name: 'Urgent' });
    await at(T1).post('/tasks', { id, title: 'Buy milk', label_ids: [label] });
    await at(T2).patch(`/tasks/${id}`, { description: 'Oat', due_at: T3 });
    await at(T3).post(`/tasks/${id}/complete`);

    const event = { actor: 'user', correlation_id: 'the-request', caused_by: null, position: 'a position' };
    expect(named((await ann.get(`/tasks/${id}/history`)).body, { label })).toEqual({
      items: [
        {
          ...event,
          type: 'TaskCreated',
          summary: 'Created the task “Buy milk”',
          at: T1,
          revision: 0,
          changes: [
            { field: 'title', from: null, to: 'Buy milk' },
            { field: 'priority', from: null, to: 'none' },
            { field: 'position', from: null, to: Date.parse(T1) },
            { field: 'status', from: null, to: 'todo' },
          ],
        },
        {
          ...event,
          type: 'TaskLabelled',
          summary: 'Labelled the task “Buy milk”',
          at: T1,
          revision: 1,
          changes: [{ field: 'label_id', from: null, to: 'label' }],
        },
        {
          ...event,
          type: 'TaskChanged',
          summary: 'Changed the task “Buy milk”',
          at: T2,
          revision: 2,
          changes: [
            { field: 'description', from: null, to: 'Oat' },
            { field: 'due_at', from: null, to: T3 },
          ],
        },
        {
          ...event,
          type: 'TaskCompleted',
          summary: 'Completed the task “Buy milk”',
          at: T3,
          revision: 3,
          changes: [
            { field: 'status', from: 'todo', to: 'done' },
            { field: 'completed_at', from: null, to: T3 },
          ],
        },
      ],
      next_cursor: null,
    });
  });

  test('is listed, the latest first, by what it happened to and when', async () => {
    const [list, label, id] = [idOf(911), idOf(912), idOf(913)];
    await at(T0).post('/task-lists', { id: list, name: 'Errands' });
    await at(T1).post('/task-labels', { id: label, name: 'Urgent' });
    await at(T2).post('/tasks', { id, title: 'Buy milk' });
    await at(T3).post(`/tasks/${id}/move`, { list_id: list });

    const activity = (number: number, time: string, version: number) => ({
      id: `id ${number}`,
      actor: 'user',
      occurred_at: time,
      created_at: time,
      updated_at: time,
      log_position: 'a position',
      version,
    });
    const moved = {
      ...activity(1, T3, 1),
      activity_type: 'TaskMoved',
      entity_type: 'task',
      entity_id: 'task',
      summary: 'Moved the task “Buy milk”',
      details: { list_id: 'list', parent_task_id: null, position: Date.parse(T2) },
    };
    const created = {
      ...activity(2, T2, 0),
      activity_type: 'TaskCreated',
      entity_type: 'task',
      entity_id: 'task',
      summary: 'Created the task “Buy milk”',
      details: {},
    };
    const labelCreated = {
      ...activity(3, T1, 0),
      activity_type: 'TaskLabelCreated',
      entity_type: 'task_label',
      entity_id: 'label',
      summary: 'Created the label “Urgent”',
      details: {},
    };
    const listCreated = {
      ...activity(4, T0, 0),
      activity_type: 'TaskListCreated',
      entity_type: 'task_list',
      entity_id: 'list',
      summary: 'Created the list “Errands”',
      details: {},
    };
    const told = async (query: string) => named((await ann.get(`/activities${query}`)).body, { list, label, task: id });
    const since = `since=${T1}`;
    expect(await told(`?${since}`)).toEqual({ items: [moved, created, labelCreated], next_cursor: null });
    expect(await told('?entity_type=task')).toEqual({ items: [moved, created], next_cursor: null });
    expect(await told(`?entity_type=task_list&entity_id=${list}`)).toEqual({ items: [{ ...listCreated, id: 'id 1' }], next_cursor: null });
    expect(await told('?activity_type=TaskMoved&actor=user')).toEqual({ items: [moved], next_cursor: null });
    expect(await told('?entity_type=label')).toMatchObject({ status: 400, errors: [{ in: 'query', pointer: '/entity_type' }] });
    expect(await told(`?until=${T1}&entity_type=task_list`)).toEqual({ items: [{ ...listCreated, id: 'id 1' }], next_cursor: null });
  });
});

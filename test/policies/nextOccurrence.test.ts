// A recurring task that is done has one successor, at the right time, whatever happens to it and around it.
import { v7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import type { Task } from '../../src/commands/tasks/task.ts';
import type { Daybook } from '../../src/daybook.ts';
import { nextTimes } from '../../src/policies/nextOccurrence.ts';
import { readCheckpoint } from '../../src/policies/policy.ts';
import { toldAgain } from '../support/again.ts';
import { startDaybook, startNode, type TestDaybook } from '../support/daybook.ts';
import { type Answer, idOf, NOT_FOUND, named, type Person, register } from '../support/person.ts';

const VIENNA = 'Europe/Vienna';

describe('its times', () => {
  const nothing: Task = {
    ...{ title: 'Water the plants', description: null, status: 'done', priority: 'none', estimate_minutes: null, reminded_at: null },
    ...{
      start_at: null,
      due_at: null,
      remind_at: null,
      recurrence_rule: null,
      list_id: null,
      parent_task_id: null,
      position: 0,
      labels: [],
    },
  };
  /** Due on Monday the 2nd of March 2026, at six in the evening in Vienna, and done in good time, unless said otherwise. */
  const next = (recurrence_rule: string, times: Partial<Task> = {}, completedAt = '2026-03-02T10:00:00.000Z') =>
    nextTimes({ ...nothing, due_at: '2026-03-02T17:00:00.000Z', ...times, recurrence_rule }, completedAt, VIENNA);

  test.each([
    ['FREQ=DAILY', '2026-03-03T17:00:00.000Z'],
    ['FREQ=WEEKLY;INTERVAL=2', '2026-03-16T17:00:00.000Z'],
    ['FREQ=WEEKLY;BYDAY=MO,WE', '2026-03-04T17:00:00.000Z'],
    ['FREQ=MONTHLY;BYDAY=-1FR', '2026-03-27T17:00:00.000Z'],
    ['FREQ=YEARLY', '2027-03-02T17:00:00.000Z'],
    ['FREQ=DAILY;UNTIL=20260303', '2026-03-03T17:00:00.000Z'],
    ['FREQ=DAILY;UNTIL=20260303T170000Z', '2026-03-03T17:00:00.000Z'],
    // The clock is put forward on the 29th: six in the evening is an hour earlier in UTC.
    ['FREQ=MONTHLY', '2026-04-02T16:00:00.000Z'],
  ])('%s: %s', (rule, due_at) => {
    expect(next(rule)).toEqual({ start_at: null, due_at, remind_at: null, recurrence_rule: rule });
  });

  test('a day that a month does not have is none', () => {
    const due_at = '2026-01-31T17:00:00.000Z';
    expect(next('FREQ=MONTHLY', { due_at }, due_at)?.due_at).toBe('2026-03-31T16:00:00.000Z');
  });

  test('move on together, at the same hours', () => {
    const times = { start_at: '2026-03-26T08:00:00.000Z', remind_at: '2026-03-27T23:30:00.000Z', due_at: '2026-03-28T17:00:00.000Z' };
    expect(next('FREQ=WEEKLY', times, '2026-03-28T12:00:00.000Z')).toEqual({
      ...{ start_at: '2026-04-02T07:00:00.000Z', remind_at: '2026-04-03T22:30:00.000Z', due_at: '2026-04-04T16:00:00.000Z' },
      recurrence_rule: 'FREQ=WEEKLY',
    });
  });

  test('a start in the hour that is skipped is not after the end', () => {
    // A week later there is no half past two.
    const times = { start_at: '2026-03-22T01:30:00.000Z', due_at: '2026-03-22T02:10:00.000Z' };
    const { start_at, due_at } = next('FREQ=WEEKLY', times, '2026-03-22T02:00:00.000Z') ?? {};
    expect({ start_at, due_at }).toEqual({ start_at: '2026-03-29T01:10:00.000Z', due_at: '2026-03-29T01:10:00.000Z' });
  });

  test('go by when it starts or reminds where it is never due, and by when it was done where it has no time', () => {
    const at = '2026-03-02T17:00:00.000Z';
    const then = '2026-03-03T17:00:00.000Z';
    expect(next('FREQ=DAILY', { due_at: null, start_at: at })).toMatchObject({ start_at: then, due_at: null, remind_at: null });
    expect(next('FREQ=DAILY', { due_at: null, remind_at: at })).toMatchObject({ start_at: null, due_at: null, remind_at: then });
    expect(next('FREQ=DAILY', { due_at: null })).toMatchObject({ start_at: null, due_at: '2026-03-03T10:00:00.000Z', remind_at: null });
  });

  test('those that have passed are not made up for, and count', () => {
    const late = '2026-03-05T18:00:00.000Z';
    expect(next('FREQ=DAILY', {}, late)?.due_at).toBe('2026-03-06T17:00:00.000Z');
    expect(next('FREQ=DAILY;COUNT=6', {}, late)).toMatchObject({
      due_at: '2026-03-06T17:00:00.000Z',
      recurrence_rule: 'FREQ=DAILY;COUNT=2',
    });
    expect(next('FREQ=DAILY;COUNT=4', {}, late)).toBeUndefined();
  });

  test('are none where they come to be after the last time there is', () => {
    expect(next('FREQ=DAILY', { start_at: '2026-03-02T08:00:00.000Z', remind_at: '9999-12-31T23:00:00.000Z' })).toMatchObject({
      ...{ start_at: '2026-03-03T08:00:00.000Z', due_at: '2026-03-03T17:00:00.000Z', remind_at: null },
    });
  });

  test('come to an end', () => {
    expect(next('COUNT=2;FREQ=DAILY')).toMatchObject({ due_at: '2026-03-03T17:00:00.000Z', recurrence_rule: 'COUNT=1;FREQ=DAILY' });
    expect(next('COUNT=1;FREQ=DAILY')).toBeUndefined();
    expect(next('FREQ=DAILY;UNTIL=20260302')).toBeUndefined();
    expect(next('FREQ=DAILY;UNTIL=20260303T165959Z')).toBeUndefined();
    const due_at = '9998-12-30T00:00:00.000Z';
    expect(next('FREQ=YEARLY', { due_at }, due_at)).toBeUndefined();
  });
});

describe('its successor', () => {
  let daybook: TestDaybook;
  let otherNode: Daybook;
  let ann: Person;
  let bob: Person;

  beforeAll(async () => {
    vi.setSystemTime('2100-03-01T10:00:00.000Z');
    daybook = await startDaybook({ ROLES: 'api,projector,scheduler' });
    otherNode = await startNode(daybook, { ROLES: 'api,scheduler' });
    ann = await register(daybook.app, 'Ann');
    bob = await register(daybook.app, 'Bob');
    await ann.patch('/users/me', { timezone: VIENNA });
  });
  afterAll(async () => {
    await otherNode.stop();
    await daybook.close();
  });
  beforeEach(() => void vi.setSystemTime('2100-03-01T10:00:00.000Z'));

  const identified = z.looseObject({ id: z.string() });
  const idIn = ({ body }: Answer) => identified.parse(body).id;

  /** Once the policy has seen all that has happened, and the tables what it did. */
  async function settled(): Promise<void> {
    const { position } = z.object({ position: z.bigint() }).parse({ position: await daybook.log.head() });
    const done = idIn(await bob.post('/tasks', { title: 'A mark in the log' }));
    await bob.post(`/tasks/${done}/complete`);
    await expect
      .poll(async () => ((await readCheckpoint(daybook.log, 'nextOccurrence'))?.position ?? 0n) > position, { timeout: 20_000 })
      .toBe(true);
    await daybook.settled();
  }
  const tasksOf = async (title: string) =>
    z
      .object({ items: z.array(identified) })
      .parse((await ann.get('/tasks?limit=200')).body)
      .items.filter((task) => task.title === title);
  /** @returns those that were not there before */
  async function completed(id: string, title: string) {
    expect((await ann.post(`/tasks/${id}/complete`)).status).toBe(200);
    await settled();
    return (await tasksOf(title)).filter((task) => task.id !== id);
  }

  test('is like it, but for its times', async () => {
    const list_id = idIn(await ann.post('/task-lists', { name: 'House' }));
    const label = idIn(await ann.post('/task-labels', { name: 'green', color: '#00aa00' }));
    const source_id = idIn(
      await ann.post(`/sessions/${idIn(await ann.post('/sessions', {}))}/messages`, { role: 'user', content: 'Plants!' }),
    );
    const parent_task_id = idIn(await ann.post('/tasks', { title: 'Garden' }));
    const id = idIn(
      await ann.post('/tasks', {
        ...{
          title: 'Water the plants',
          description: 'All of them.',
          priority: 'high',
          estimate_minutes: 20,
          position: 4,
          list_id,
          parent_task_id,
        },
        ...{ start_at: '2100-03-01T09:00:00Z', remind_at: '2100-03-01T16:00:00Z', due_at: '2100-03-01T17:00:00Z' },
        ...{ recurrence_rule: 'FREQ=WEEKLY;COUNT=3', label_ids: [label], source_type: 'message', source_id },
      }),
    );
    const [next, ...others] = await completed(id, 'Water the plants');
    expect(others).toEqual([]);
    expect(named(next, { list: list_id, label, parent: parent_task_id })).toEqual({
      ...{ id: 'id 1', list_id: 'list', parent_task_id: 'parent', position: 4 },
      ...{ title: 'Water the plants', description: 'All of them.', priority: 'high', estimate_minutes: 20 },
      ...{ start_at: '2100-03-08T09:00:00.000Z', remind_at: '2100-03-08T16:00:00.000Z', due_at: '2100-03-08T17:00:00.000Z' },
      ...{ status: 'todo', completed_at: null, reminded_at: null, recurrence_rule: 'FREQ=WEEKLY;COUNT=2' },
      ...{ source_type: null, source_id: null, labels: [{ id: 'label', name: 'green', color: '#00aa00' }] },
      ...{ created_at: '2100-03-01T10:00:00.000Z', updated_at: '2100-03-01T10:00:00.000Z', version: 1 },
    });
    const { body } = await ann.get(`/tasks/${next?.id}/history`);
    const why = {
      ...{ actor: 'system', correlation_id: 'the-request' },
      caused_by: { policy: 'nextOccurrence', event: { type: 'TaskCompleted', entity_id: id, revision: 2 } },
    };
    expect(body).toMatchObject({
      items: [
        { type: 'TaskCreated', ...why },
        { type: 'TaskLabelled', ...why },
      ],
    });
    expect(await bob.get(`/tasks/${next?.id}`)).toMatchObject({ status: 404, body: NOT_FOUND });
  });

  test('is one, also where the task is reopened, changed and done again', async () => {
    const id = idIn(await ann.post('/tasks', { title: 'Sweep', due_at: '2100-03-01T17:00:00Z', recurrence_rule: 'FREQ=DAILY' }));
    expect(await completed(id, 'Sweep')).toHaveLength(1);
    await ann.post(`/tasks/${id}/reopen`);
    await ann.patch(`/tasks/${id}`, { description: 'Also below the table.' });
    expect(await completed(id, 'Sweep')).toHaveLength(1);
  });

  test('goes on from one to the next, to the end', async () => {
    let id = idIn(
      await ann.post('/tasks', { title: 'Take the pill', due_at: '2100-03-01T17:00:00Z', recurrence_rule: 'FREQ=DAILY;COUNT=3' }),
    );
    const ids = [id];
    for (const due_at of ['2100-03-02T17:00:00.000Z', '2100-03-03T17:00:00.000Z']) {
      const [next] = (await completed(id, 'Take the pill')).filter((task) => !ids.includes(task.id));
      expect(next).toMatchObject({ due_at, status: 'todo' });
      id = next?.id ?? '';
      ids.push(id);
    }
    expect(await completed(id, 'Take the pill')).toHaveLength(2);
  });

  test('is in no list that was put away, and has no label that is gone', async () => {
    const list_id = idIn(await ann.post('/task-lists', { name: 'Old' }));
    const label = idIn(await ann.post('/task-labels', { name: 'gone' }));
    const id = idIn(await ann.post('/tasks', { title: 'Dust', list_id, label_ids: [label], recurrence_rule: 'FREQ=DAILY' }));
    await ann.post(`/task-lists/${list_id}/archive`);
    await ann.delete(`/task-labels/${label}`);
    expect(await completed(id, 'Dust')).toMatchObject([{ list_id: null, labels: [], due_at: '2100-03-02T10:00:00.000Z' }]);
  });

  test('there is none of what recurs no more, or was deleted or reopened before anybody looked', async () => {
    const once = idIn(await ann.post('/tasks', { title: 'Once' }));
    expect(await completed(once, 'Once')).toEqual([]);
    // Appended in one go, so that the policy sees the first when the second is there.
    const at = '2100-03-01T10:00:00.000Z';
    for (const then of ['TaskReopened', 'TaskDeleted']) {
      const id = idIn(await ann.post('/tasks', { title: then, recurrence_rule: 'FREQ=DAILY' }));
      const metadata = { user_id: ann.id, actor: 'user', at, $correlationId: idOf(1), $causationId: idOf(1), schema_version: 1 };
      await daybook.log.append(`task-${id}`, 0, [
        { event_id: v7(), type: 'TaskCompleted', data: { completed_at: at }, metadata },
        { event_id: v7(), type: then, data: {}, metadata },
      ]);
      await settled();
      expect((await tasksOf(then)).filter((task) => task.id !== id)).toEqual([]);
    }
  });

  test('there is none of what is part of something that was deleted before anybody looked, and that is no failure', async () => {
    const parent_task_id = idIn(await ann.post('/tasks', { title: 'Above' }));
    const id = idIn(await ann.post('/tasks', { title: 'Below', parent_task_id, recurrence_rule: 'FREQ=DAILY' }));
    await ann.delete(`/tasks/${parent_task_id}`);
    // As if it had been done just before.
    const at = '2100-03-01T10:00:00.000Z';
    const metadata = { user_id: ann.id, actor: 'user', at, $correlationId: idOf(1), $causationId: idOf(1), schema_version: 1 };
    await daybook.log.append(`task-${id}`, 0, [{ event_id: v7(), type: 'TaskCompleted', data: { completed_at: at }, metadata }]);
    await settled();
    expect(await tasksOf('Below')).toEqual([]);
    for (const { scheduler } of [daybook, otherNode]) {
      expect(scheduler?.status()).toContainEqual({ name: 'nextOccurrence', state: 'running', lastError: undefined });
    }
  });

  test('is not made again where all is told again', async () => {
    expect(await toldAgain(daybook, 'nextOccurrence', 'TaskCompleted', {})).toEqual([]);
  });

  test('where it fails to be made, readiness says so, in the processes whose task it is', async () => {
    const api = await startNode(daybook, { ROLES: 'api' });
    const ready = async ({ app }: Daybook) => {
      const { statusCode, body } = await app.inject('/health/ready');
      return { status: statusCode, body: JSON.parse(body) };
    };
    const well = { status: 200, body: { status: 'ready', event_log: 'ok', read_model: 'ok', projector: 'ok', policies: 'ok' } };
    for (const node of [daybook, otherNode, api]) expect(await ready(node)).toEqual(well);

    const id = idIn(await ann.post('/tasks', { title: 'To be broken' }));
    const metadata = { user_id: ann.id, actor: 'user', at: 'then', $correlationId: idOf(1), $causationId: idOf(1), schema_version: 1 };
    await daybook.log.append(`task-${id}`, 0, [{ event_id: v7(), type: 'TaskCompleted', data: {}, metadata }]);
    const degraded = { status: 200, body: { ...well.body, status: 'degraded', policies: 'degraded' } };
    await expect.poll(() => ready(otherNode), { timeout: 20_000 }).toEqual(degraded);
    expect(await ready(api)).toEqual(well);
    await api.stop();
  });
});

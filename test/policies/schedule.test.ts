// What is due is done once: by whichever of two processes is first, on tables that are behind, and never by a rebuild.
import { sql } from 'slonik';
import { v7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import type { Daybook } from '../../src/daybook.ts';
import { type Duty, duty } from '../../src/policies/schedule.ts';
import { projections } from '../../src/projections/index.ts';
import { rebuild } from '../../src/projections/rebuild.ts';
import { startDaybook, startNode, type TestDaybook } from '../support/daybook.ts';
import { type Answer, NOT_FOUND, type Person, pageOf, register, T0, T1, T2, T3 } from '../support/person.ts';

let daybook: TestDaybook;
let otherNode: Daybook;
let ann: Person;
let bob: Person;

beforeAll(async () => {
  vi.setSystemTime(T0);
  daybook = await startDaybook({ ROLES: 'api,projector,scheduler' });
  otherNode = await startNode(daybook, { ROLES: 'api,scheduler' });
  ann = await register(daybook.app, 'Ann');
  bob = await register(daybook.app, 'Bob');
});
afterAll(async () => {
  await otherNode.stop();
  await daybook.close();
});
beforeEach(() => void vi.setSystemTime(T0));

const counted = z.object({ count: z.number() });
const identified = z.looseObject({ id: z.string() });
const idIn = ({ body }: Answer) => identified.parse(body).id;
const create = async (title: string, remind_at: string | null) => idIn(await ann.post('/tasks', { title, remind_at }));

/** Both processes look for what is due at the same moment, on tables that have all that is in the log. */
async function tickAt(now: string): Promise<void> {
  vi.setSystemTime(now);
  await daybook.settled();
  await Promise.all([daybook.scheduler?.tick(), otherNode.scheduler?.tick()]);
  await daybook.settled();
}

async function timesReminded(task: string): Promise<number> {
  const events = await Array.fromAsync(daybook.log.readStream(`task-${task}`, 0));
  return events.filter(({ type }) => type === 'TaskReminded').length;
}

describe('reminders of tasks', () => {
  test('come once, when it is time, and are told', async () => {
    const id = await create('Water the plants', T1);
    await tickAt(T0);
    expect(await timesReminded(id)).toBe(0);
    await tickAt(T2);
    await tickAt(T3);
    expect(await timesReminded(id)).toBe(1);
    expect((await ann.get(`/tasks/${id}`)).body).toMatchObject({ remind_at: T1, reminded_at: T2, updated_at: T2, version: 1 });
    const { body } = await ann.get(`/activities?entity_type=task&entity_id=${id}&limit=1`);
    expect(body).toMatchObject({
      items: [{ actor: 'system', activity_type: 'TaskReminded', summary: 'Reminded of the task “Water the plants”', occurred_at: T2 }],
    });
    expect(pageOf((await ann.get(`/tasks/${id}/history`)).body).items[1]).toEqual({
      ...{ type: 'TaskReminded', summary: 'Reminded of the task “Water the plants”', at: T2, actor: 'system', revision: 1 },
      ...{ correlation_id: expect.any(String), caused_by: { policy: 'taskReminders', event: null }, position: expect.any(Number) },
      changes: [{ field: 'reminded_at', from: null, to: T2 }],
    });
    expect(await bob.get(`/tasks/${id}`)).toMatchObject({ status: 404, body: NOT_FOUND });
  });

  test('come again where their time was changed', async () => {
    const id = await create('Call the plumber', T1);
    await tickAt(T1);
    expect((await ann.patch(`/tasks/${id}`, { remind_at: T3 })).body).toMatchObject({ remind_at: T3, reminded_at: null });
    await tickAt(T2);
    expect(await timesReminded(id)).toBe(1);
    await tickAt(T3);
    expect(await timesReminded(id)).toBe(2);
    expect((await ann.get(`/tasks/${id}`)).body).toMatchObject({ remind_at: T3, reminded_at: T3 });
  });

  test('do not come for what is done, or gone with what it was part of', async () => {
    const done = await create('Sweep', T1);
    await ann.post(`/tasks/${done}/complete`);
    const whole = await create('Move', null);
    const part = idIn(await ann.post('/tasks', { title: 'Pack', parent_task_id: whole, remind_at: T1 }));
    await ann.delete(`/tasks/${whole}`);
    await tickAt(T2);
    expect(await timesReminded(done)).toBe(0);
    expect(await timesReminded(part)).toBe(0);
  });

  test('of one that cannot be read do not keep the others from coming', async () => {
    const bad = await create('From the future', T1);
    const good = await create('From here', T1);
    await daybook.log.append(`task-${bad}`, 0, [{ event_id: v7(), type: 'TaskTeleported', data: {}, metadata: {} }]);
    await tickAt(T2);
    expect(await timesReminded(bad)).toBe(0);
    expect(await timesReminded(good)).toBe(1);
  });

  test('come once on tables that do not know of them yet', async () => {
    const id = await create('Stretch', T1);
    vi.setSystemTime(T2);
    await daybook.settled();
    // Each sees the same tables, from before the reminder.
    const duties = [daybook, otherNode, daybook, otherNode].map(({ scheduler }) => scheduler?.tick());
    await Promise.all(duties);
    expect(await timesReminded(id)).toBe(1);
  });
});

test('more than fits on a page is done page by page, and what fails is passed over', async () => {
  const ids = Array.from({ length: 450 }, (_, number) => `item ${String(number).padStart(3, '0')}`);
  const done: string[] = [];
  const logged: string[] = [];
  const counting: Duty = duty(
    'counting',
    async (_database, _now, after: { id: string; user_id: string } | undefined, limit) =>
      ids
        .filter((id) => after === undefined || id > after.id)
        .slice(0, limit)
        .map((id) => ({ id, user_id: ann.id })),
    async ({ id }) => {
      if (id === 'item 199') throw new Error('not this one');
      done.push(id);
    },
  );
  const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: (line: string) => logged.push(line) };
  await counting.fulfil({ ...daybook, logger: quiet }, T0, new AbortController().signal);
  expect(done).toEqual(ids.filter((id) => id !== 'item 199'));
  expect(logged).toEqual(['counting failed for item 199 and is tried again at the next tick: not this one']);
});

test('logins that expired a week ago are put away, and not before', async () => {
  // After thirty days they cannot be used.
  const left = async () => Number(await daybook.database.oneFirst(sql.type(counted)`SELECT count(*) FROM daybook.logins`));
  await tickAt('2100-04-10T04:59:59.999Z');
  expect(await left()).toBe(2);
  await tickAt('2100-04-10T05:00:00.000Z');
  expect(await left()).toBe(0);
  const events = await Array.fromAsync(daybook.log.readAll(null));
  const types = events.filter(({ stream }) => stream.startsWith('login-')).map(({ type }) => type);
  expect(types).toEqual(['LoggedIn', 'LoggedIn', 'LoginExpired', 'LoginExpired']);
});

test('nothing is done again by a rebuild', async () => {
  const before = await daybook.log.head();
  await daybook.projector?.stop();
  await rebuild(daybook.log, daybook.database, projections, () => {});
  vi.setSystemTime('2100-04-10T05:00:00.000Z');
  await Promise.all([daybook.scheduler?.tick(), otherNode.scheduler?.tick()]);
  expect(await daybook.log.head()).toBe(before);
});

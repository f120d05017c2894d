// Each time that something takes place is reminded of once: by whichever of two processes is first, on tables that are behind,
// after Daybook was away, and never by a rebuild.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import type { Daybook } from '../../src/daybook.ts';
import { projections } from '../../src/projections/index.ts';
import { rebuild } from '../../src/projections/rebuild.ts';
import { startDaybook, startNode, type TestDaybook } from '../support/daybook.ts';
import { type Person, register } from '../support/person.ts';

/** When all is said and asked: only ticks move the clock, which would end a token. */
const THEN = '2100-03-01T00:00:00.000Z';

let daybook: TestDaybook;
let otherNode: Daybook;
let ann: Person;
let bob: Person;

beforeAll(async () => {
  vi.setSystemTime(THEN);
  daybook = await startDaybook({ ROLES: 'api,projector,scheduler', REFRESH_TOKEN_EXPIRE_DAYS: '3650' });
  otherNode = await startNode(daybook, { ROLES: 'api,scheduler' });
  [ann, bob] = await Promise.all([register(daybook.app, 'Ann'), register(daybook.app, 'Bob')]);
});
afterAll(async () => {
  await otherNode.stop();
  await daybook.close();
});

const tick = () => Promise.all([daybook, otherNode].map(({ scheduler }) => scheduler?.tick()));
/** Both processes look for what is due at the same moment, on tables that have all that is in the log. */
async function tickAt(...times: string[]): Promise<void> {
  for (const now of times) {
    vi.setSystemTime(now);
    await daybook.settled();
    await tick();
  }
  await daybook.settled();
  vi.setSystemTime(THEN);
}

const identified = z.looseObject({ id: z.string() });
async function schedule(event: object): Promise<string> {
  const { status, body } = await ann.post('/calendar/events', { timezone: 'UTC', ...event });
  expect(status).toBe(201);
  return identified.parse(body).id;
}

const told = z.object({
  items: z.array(
    z.object({ activity_type: z.string(), actor: z.string(), summary: z.string(), details: z.unknown(), occurred_at: z.string() }),
  ),
});
/** What the timeline says of reminders: when, and of what. */
async function reminders(id: string, by = ann) {
  const { body } = await by.get(`/activities?entity_type=event&entity_id=${id}&limit=200`);
  return told
    .parse(body)
    .items.filter(({ activity_type }) => activity_type === 'CalendarEventReminded')
    .map(({ actor, summary, details, occurred_at }) => ({ at: occurred_at, actor, summary, ...Object(details) }))
    .toReversed();
}
const reminder = (title: string, at: string, recurrence_id: string | null, starts_at: string, minutes: number) => ({
  ...{ at, recurrence_id, starts_at, minutes },
  actor: 'system',
  summary: `Reminded of the event “${title}”`,
});

describe('reminders of calendar events', () => {
  test('come once each before the beginning, and leave the event as it is', async () => {
    const starts_at = '2100-03-02T09:00:00.000Z';
    const ends_at = '2100-03-02T10:00:00.000Z';
    const id = await schedule({ title: 'Dentist', starts_at, ends_at, reminder_minutes: [60, 10] });
    const before = await ann.get(`/calendar/events/${id}`);
    await tickAt('2100-03-02T07:59:59.999Z');
    expect(await reminders(id)).toEqual([]);
    await tickAt('2100-03-02T08:00:00.000Z', '2100-03-02T08:01:00.000Z', '2100-03-02T08:50:30.000Z', '2100-03-02T08:59:00.000Z');
    expect(await reminders(id)).toEqual([
      reminder('Dentist', '2100-03-02T08:00:00.000Z', null, starts_at, 60),
      reminder('Dentist', '2100-03-02T08:50:30.000Z', null, starts_at, 10),
    ]);
    const after = await ann.get(`/calendar/events/${id}`);
    expect([after.body, after.headers.etag]).toEqual([before.body, before.headers.etag]);
    expect(await reminders(id, bob)).toEqual([]);
  });

  test('come before each time of what recurs, as it is that time, by the clock on the wall', async () => {
    const id = await schedule({
      title: 'Choir',
      starts_at: '2100-03-16T18:00:00.000Z',
      ends_at: '2100-03-16T20:00:00.000Z',
      timezone: 'Europe/Vienna',
      recurrence_rule: 'FREQ=WEEKLY',
      reminder_minutes: [60],
      recurrence_exceptions: [
        { recurrence_id: '2100-03-23T18:00:00.000Z', changes: null },
        {
          recurrence_id: '2100-03-30T17:00:00.000Z',
          changes: {
            title: 'Concert',
            starts_at: '2100-03-30T18:00:00.000Z',
            ends_at: '2100-03-30T20:00:00.000Z',
            reminder_minutes: [120],
          },
        },
      ],
    });
    // Clocks are put forward on the 28th.
    const day = (date: string, times: string[]) => times.map((time) => `2100-${date}T${time}:00.000Z`);
    await tickAt(
      ...day('03-16', ['16:59', '17:00', '17:30']),
      ...day('03-23', ['16:00', '17:00', '18:30']),
      ...day('03-30', ['15:59', '16:00', '17:00']),
      ...day('04-06', ['15:59', '16:00', '17:00']),
    );
    expect(await reminders(id)).toEqual([
      reminder('Choir', '2100-03-16T17:00:00.000Z', '2100-03-16T18:00:00.000Z', '2100-03-16T18:00:00.000Z', 60),
      reminder('Concert', '2100-03-30T16:00:00.000Z', '2100-03-30T17:00:00.000Z', '2100-03-30T18:00:00.000Z', 120),
      reminder('Choir', '2100-04-06T16:00:00.000Z', '2100-04-06T17:00:00.000Z', '2100-04-06T17:00:00.000Z', 60),
    ]);
  });

  test('of whole days count from when the day begins in its zone', async () => {
    const day = { starts_at: '2100-05-11', ends_at: '2100-05-12', all_day: true, timezone: 'Europe/Vienna' };
    const id = await schedule({ title: 'Birthday', ...day, reminder_minutes: [15 * 60] });
    await tickAt('2100-05-10T06:59:00.000Z', '2100-05-10T07:00:00.000Z', '2100-05-10T07:01:00.000Z');
    expect(await reminders(id)).toEqual([reminder('Birthday', '2100-05-10T07:00:00.000Z', null, '2100-05-10T22:00:00.000Z', 900)]);
  });

  test('come again where it is moved, and not where it is cancelled or deleted', async () => {
    const hour = { starts_at: '2100-06-01T09:00:00.000Z', ends_at: '2100-06-01T10:00:00.000Z', reminder_minutes: [30] };
    const [moved, cancelled, deleted] = [
      await schedule({ title: 'Moved', ...hour }),
      await schedule({ title: 'Cancelled', ...hour }),
      await schedule({ title: 'Deleted', ...hour }),
    ];
    await ann.post(`/calendar/events/${cancelled}/cancel`);
    await ann.delete(`/calendar/events/${deleted}`);
    await tickAt('2100-06-01T08:30:00.000Z');
    const ends_at = '2100-06-02T10:00:00.000Z';
    await ann.patch(`/calendar/events/${moved}`, { starts_at: '2100-06-02T09:00:00.000Z', ends_at });
    await tickAt('2100-06-01T08:45:00.000Z', '2100-06-02T08:45:00.000Z');
    expect(await reminders(moved)).toEqual([
      reminder('Moved', '2100-06-01T08:30:00.000Z', null, '2100-06-01T09:00:00.000Z', 30),
      reminder('Moved', '2100-06-02T08:45:00.000Z', null, '2100-06-02T09:00:00.000Z', 30),
    ]);
    expect([...(await reminders(cancelled)), ...(await reminders(deleted))]).toEqual([]);
  });
});

describe('after Daybook was away', () => {
  const daily = { starts_at: '2100-07-01T09:00:00.000Z', ends_at: '2100-07-01T09:15:00.000Z', recurrence_rule: 'FREQ=DAILY' };

  test('what has begun an hour ago is not told, and one reminder is enough for what is to come', async () => {
    const id = await schedule({ title: 'Stand-up', ...daily, reminder_minutes: [30, 10, 0] });
    await tickAt('2100-07-20T10:00:00.001Z');
    expect(await reminders(id)).toEqual([]);
    await tickAt('2100-07-21T10:00:00.000Z', '2100-07-21T10:00:00.000Z');
    const start = '2100-07-21T09:00:00.000Z';
    expect(await reminders(id)).toEqual([reminder('Stand-up', '2100-07-21T10:00:00.000Z', start, start, 0)]);
    await ann.delete(`/calendar/events/${id}`);
  });

  test('what comes often is told of its next time only, and then as it comes', async () => {
    const id = await schedule({ title: 'Pills', ...daily, reminder_minutes: [3 * 1_440] });
    const at = (now: string, day: number) => {
      const start = `2100-07-${day}T09:00:00.000Z`;
      return reminder('Pills', now, start, start, 3 * 1_440);
    };
    // Those of the 22nd and 23rd have come, and that of the 21st is the next.
    const [noon, nine, later] = ['2100-07-20T12:00:00.000Z', '2100-07-21T09:00:00.000Z', '2100-07-21T10:00:01.000Z'];
    await tickAt(noon, noon, nine, nine);
    expect(await reminders(id)).toEqual([at(noon, 21), at(nine, 24)]);
    await tickAt(later, later);
    expect(await reminders(id)).toEqual([at(noon, 21), at(nine, 24), at(later, 22)]);
    await ann.delete(`/calendar/events/${id}`);
  });
});

test('on tables that do not know of it yet, once all the same', async () => {
  const [starts_at, ends_at] = ['2100-08-01T09:00:00.000Z', '2100-08-01T10:00:00.000Z'];
  const id = await schedule({ title: 'Exam', starts_at, ends_at, reminder_minutes: [60] });
  await daybook.settled();
  vi.setSystemTime(starts_at);
  // Each sees the same tables, from before the reminder.
  await Promise.all([tick(), tick()]);
  await daybook.settled();
  vi.setSystemTime(THEN);
  expect((await reminders(id)).length).toBe(1);
});

test('nothing is said again by a rebuild', async () => {
  const before = await daybook.log.head();
  await daybook.projector?.stop();
  await rebuild(daybook.log, daybook.database, projections, () => {});
  vi.setSystemTime('2100-08-01T09:01:00.000Z');
  await tick();
  expect(await daybook.log.head()).toBe(before);
});

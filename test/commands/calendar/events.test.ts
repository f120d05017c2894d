// Decisions about calendar events and their occurrences.
import { describe, test } from 'vitest';
import {
  calendarEvent,
  cancelCalendarEvent,
  changeCalendarEvent,
  deleteCalendarEvent,
  scheduleCalendarEvent,
} from '../../../src/commands/calendar/event.ts';
import { user } from '../../../src/commands/users/user.ts';
import {
  calendarEventCancelled,
  calendarEventChanged,
  calendarEventDeleted,
  calendarEventRescheduled,
  calendarEventScheduled,
} from '../../../src/events/calendar.ts';
import type { NewEvent } from '../../../src/events/event.ts';
import { userRegistered } from '../../../src/events/users.ts';
import { given, givenNothing, ID, ME } from '../../support/given.ts';

const details = {
  title: 'Choir',
  description: null,
  location: null,
  status: 'confirmed' as const,
  visibility: 'public' as const,
  transparency: 'opaque' as const,
  organizer_email: null,
  conference_url: null,
  reminder_minutes: [],
};
/** Tuesdays at seven in Vienna, where the clock goes forward on 29 March. */
const when = {
  starts_at: '2026-03-17T18:00:00.000Z',
  ends_at: '2026-03-17T20:00:00.000Z',
  all_day: false,
  timezone: 'Europe/Vienna',
  recurrence_rule: 'FREQ=WEEKLY',
  recurrence_exceptions: [],
};
const SECOND = '2026-03-24T18:00:00.000Z';
const THIRD = '2026-03-31T17:00:00.000Z';

const scheduled = calendarEventScheduled({ ...details, ...when, ical_uid: ID });
const days = { ...when, starts_at: '2026-03-27T23:00:00.000Z', ends_at: '2026-03-29T22:00:00.000Z', all_day: true };
const weekends = calendarEventScheduled({ ...details, ...days, ical_uid: ID });
const cancelled = calendarEventCancelled({});
const givenEvent = (...events: NewEvent[]) => given(calendarEvent, [scheduled, ...events]);
const rescheduled = (change: Partial<Parameters<typeof calendarEventRescheduled>[0]>) => calendarEventRescheduled({ ...when, ...change });

const said = { id: ID, title: 'Choir', starts_at: when.starts_at, ends_at: when.ends_at, timezone: 'Europe/Vienna' };

describe('scheduling an event', () => {
  test('needs a title, times and a zone', () =>
    givenNothing()
      .when(scheduleCalendarEvent, said)
      .thenAppends([calendarEventScheduled({ ...details, ...when, recurrence_rule: null, ical_uid: ID })]));
  test('takes one’s own zone, where none is said', () =>
    given(
      user,
      [
        userRegistered({
          email: 'me@example.com',
          password_hash: 'x',
          display_name: 'Me',
          timezone: 'Asia/Tokyo',
          locale: 'en',
          role: 'user',
        }),
      ],
      ME,
    )
      .when(scheduleCalendarEvent, { ...said, timezone: undefined, starts_at: '2026-12-25', ends_at: '2026-12-26', all_day: true })
      .thenAppends([
        calendarEventScheduled({
          ...details,
          ...when,
          timezone: 'Asia/Tokyo',
          starts_at: '2026-12-24T15:00:00.000Z',
          ends_at: '2026-12-25T15:00:00.000Z',
          all_day: true,
          recurrence_rule: null,
          ical_uid: ID,
        }),
      ]));
  test('keeps exceptions in order, with what differs from the rule', () =>
    givenNothing()
      .when(scheduleCalendarEvent, {
        ...said,
        recurrence_rule: 'freq=weekly',
        recurrence_exceptions: [
          { recurrence_id: THIRD, changes: { starts_at: THIRD, ends_at: '2026-03-31T18:00:00Z' } },
          { recurrence_id: SECOND, changes: null },
          { recurrence_id: when.starts_at, changes: { starts_at: when.starts_at } },
        ],
      })
      .thenAppends([
        calendarEventScheduled({
          ...details,
          ...when,
          ical_uid: ID,
          recurrence_exceptions: [
            { recurrence_id: SECOND, changes: null },
            { recurrence_id: THIRD, changes: { starts_at: THIRD, ends_at: '2026-03-31T18:00:00.000Z' } },
          ],
        }),
      ]));

  test.each([
    ['that ends before it starts', { ends_at: '2026-03-17T17:00:00Z' }, 'ends-before-start', '/ends_at'],
    ['of no days', { all_day: true, starts_at: '2026-03-17', ends_at: '2026-03-17' }, 'ends-before-start', '/ends_at'],
    ['of days that begin in the evening', { all_day: true }, 'not-a-day', '/starts_at'],
    ['before all time', { all_day: true, starts_at: '0001-01-01', timezone: 'Asia/Tokyo' }, 'out-of-time', '/starts_at'],
    ['with a day for a time', { starts_at: '2026-03-17' }, 'time-missing', '/starts_at'],
    [
      'of whole days by the hour',
      { all_day: true, starts_at: '2026-03-17', ends_at: '2026-03-18', recurrence_rule: 'FREQ=HOURLY' },
      'hourly-whole-days',
      '/recurrence_rule',
    ],
    [
      'that takes years again and again',
      { ends_at: '2028-03-17T17:00:00Z', recurrence_rule: 'FREQ=DAILY' },
      'too-long-to-recur',
      '/ends_at',
    ],
    [
      'once, with an exception',
      { recurrence_exceptions: [{ recurrence_id: when.starts_at, changes: null }] },
      'no-such-occurrence',
      '/recurrence_exceptions/0/recurrence_id',
    ],
    [
      'with an exception to no occurrence',
      {
        recurrence_rule: 'FREQ=WEEKLY',
        recurrence_exceptions: [
          { recurrence_id: SECOND, changes: null },
          { recurrence_id: '2026-03-25T18:00:00Z', changes: null },
        ],
      },
      'no-such-occurrence',
      '/recurrence_exceptions/1/recurrence_id',
    ],
    [
      'with two exceptions for one occurrence',
      {
        recurrence_rule: 'FREQ=WEEKLY',
        recurrence_exceptions: [
          { recurrence_id: SECOND, changes: null },
          { recurrence_id: SECOND, changes: {} },
        ],
      },
      'occurrence-named-twice',
      '/recurrence_exceptions/1/recurrence_id',
    ],
  ])('%s is refused', (_, body, code, pointer) =>
    givenNothing()
      .when(scheduleCalendarEvent, { ...said, ...body })
      .thenRefuses(422, code, pointer),
  );

  test.each([
    ['an unknown zone', { timezone: 'Europe/Atlantis' }, '/timezone'],
    ['a rule that is none', { recurrence_rule: 'FREQ=NEVER' }, '/recurrence_rule'],
    ['a rule of seconds', { recurrence_rule: 'FREQ=SECONDLY' }, '/recurrence_rule'],
    ['too early a reminder', { reminder_minutes: [5, 600_000] }, '/reminder_minutes/1'],
    ['a reminder afterwards', { reminder_minutes: [-5] }, '/reminder_minutes/0'],
    ['half a second', { starts_at: '2026-03-17T18:00:00.5Z' }, '/starts_at'],
    ['a script for an address', { conference_url: 'javascript:alert(1)' }, '/conference_url'],
  ])('with %s is refused', (_, body, pointer) =>
    givenNothing()
      .when(scheduleCalendarEvent, { ...said, ...body })
      .thenRefuses(400, 'validation-failed', pointer),
  );
});

describe('changing an event', () => {
  test('says what differs', () =>
    givenEvent()
      .when(changeCalendarEvent, { title: 'Choir', location: 'Church', reminder_minutes: [5, 10, 5] })
      .thenAppends([calendarEventChanged({ location: 'Church', reminder_minutes: [10, 5] })]));
  test('and moving it are two things', () =>
    givenEvent()
      .when(changeCalendarEvent, { title: 'Rehearsal', ends_at: '2026-03-17T21:00:00Z' })
      .thenAppends([calendarEventChanged({ title: 'Rehearsal' }), rescheduled({ ends_at: '2026-03-17T21:00:00.000Z' })]));
  test('to what it is appends nothing', () =>
    givenEvent()
      .when(changeCalendarEvent, { title: 'Choir', ...when })
      .thenAppends([]));
  test('to end before it starts is refused', () =>
    givenEvent().when(changeCalendarEvent, { starts_at: '2026-03-17T21:00:00Z' }).thenRefuses(422, 'ends-before-start', '/ends_at'));
  test('to another zone leaves it when it is', () =>
    givenEvent()
      .when(changeCalendarEvent, { timezone: 'Asia/Tokyo' })
      .thenAppends([rescheduled({ timezone: 'Asia/Tokyo' })]));
  test('of whole days to another zone leaves the days', () =>
    given(calendarEvent, [weekends])
      .when(changeCalendarEvent, { timezone: 'Asia/Tokyo' })
      .thenAppends([
        calendarEventRescheduled({
          ...days,
          timezone: 'Asia/Tokyo',
          starts_at: '2026-03-27T15:00:00.000Z',
          ends_at: '2026-03-29T15:00:00.000Z',
        }),
      ]));
  test('of whole days to another zone leaves the days of its exceptions, too', () => {
    const exception = (recurrence_id: string, starts_at: string, ends_at: string) => [{ recurrence_id, changes: { starts_at, ends_at } }];
    const vienna = exception('2026-04-03T22:00:00.000Z', '2026-04-04T22:00:00.000Z', '2026-04-05T22:00:00.000Z');
    return given(calendarEvent, [weekends, calendarEventRescheduled({ ...days, recurrence_exceptions: vienna })])
      .when(changeCalendarEvent, { timezone: 'UTC' })
      .thenAppends([
        calendarEventRescheduled({
          ...days,
          timezone: 'UTC',
          starts_at: '2026-03-28T00:00:00.000Z',
          ends_at: '2026-03-30T00:00:00.000Z',
          recurrence_exceptions: exception('2026-04-04T00:00:00.000Z', '2026-04-05T00:00:00.000Z', '2026-04-06T00:00:00.000Z'),
        }),
      ]);
  });
  test('that is cancelled is refused, but to say that it takes place', async () => {
    await givenEvent(cancelled).when(changeCalendarEvent, { title: 'Rehearsal' }).thenRefuses(409, 'event-cancelled');
    await givenEvent(cancelled)
      .when(changeCalendarEvent, { title: 'Rehearsal', status: 'tentative' })
      .thenAppends([calendarEventChanged({ title: 'Rehearsal', status: 'tentative' })]);
  });
});

describe('the exceptions of a series', () => {
  const none = { recurrence_id: SECOND, changes: null };
  const other = { recurrence_id: THIRD, changes: { title: 'Rehearsal' } };
  const withBoth = givenEvent(rescheduled({ recurrence_exceptions: [none, other] }));

  test('go along with it by the clock, across the clock’s being put forward', () =>
    withBoth.when(changeCalendarEvent, { starts_at: '2026-03-18T17:30:00Z', ends_at: '2026-03-18T19:00:00Z' }).thenAppends([
      rescheduled({
        starts_at: '2026-03-18T17:30:00.000Z',
        ends_at: '2026-03-18T19:00:00.000Z',
        recurrence_exceptions: [
          { recurrence_id: '2026-03-25T17:30:00.000Z', changes: null },
          { recurrence_id: '2026-04-01T16:30:00.000Z', changes: { title: 'Rehearsal' } },
        ],
      }),
    ]));
  test('fall away where the rule has no such occurrence any more', () =>
    withBoth
      .when(changeCalendarEvent, { recurrence_rule: 'FREQ=WEEKLY;INTERVAL=2' })
      .thenAppends([rescheduled({ recurrence_rule: 'FREQ=WEEKLY;INTERVAL=2', recurrence_exceptions: [other] })]));
  test('fall away with the rule', () =>
    withBoth
      .when(changeCalendarEvent, { recurrence_rule: null })
      .thenAppends([rescheduled({ recurrence_rule: null, recurrence_exceptions: [] })]));
  test('can be said as a whole', () =>
    withBoth.when(changeCalendarEvent, { recurrence_exceptions: [none] }).thenAppends([rescheduled({ recurrence_exceptions: [none] })]));
});

describe('one occurrence', () => {
  const none = { recurrence_id: SECOND, changes: null };
  const off = calendarEventCancelled({ recurrence_id: SECOND, recurrence_exceptions: [none] });
  const titled = { recurrence_id: SECOND, changes: { title: 'Rehearsal' } };
  const retitled = calendarEventChanged({ recurrence_id: SECOND, recurrence_exceptions: [titled] });
  const changes = { starts_at: '2026-03-25T18:00:00.000Z', ends_at: '2026-03-25T20:00:00.000Z' };

  test('is changed and moved', () =>
    givenEvent()
      .when(changeCalendarEvent, { recurrence_id: SECOND, title: 'Rehearsal', ...changes })
      .thenAppends([
        retitled,
        rescheduled({
          recurrence_id: SECOND,
          recurrence_exceptions: [{ recurrence_id: SECOND, changes: { title: 'Rehearsal', ...changes } }],
        }),
      ]));
  test('changed to what it is stays so', () =>
    givenEvent(retitled).when(changeCalendarEvent, { recurrence_id: SECOND, title: 'Rehearsal' }).thenAppends([]));
  test('changed to what the series is, is none of its own any more', () =>
    givenEvent(retitled)
      .when(changeCalendarEvent, { recurrence_id: SECOND, title: 'Choir' })
      .thenAppends([calendarEventChanged({ recurrence_id: SECOND, recurrence_exceptions: [] })]));
  test('is cancelled once', async () => {
    await givenEvent().when(cancelCalendarEvent, { recurrence_id: '2026-03-24T19:00:00+01:00' }).thenAppends([off]);
    await givenEvent(off).when(cancelCalendarEvent, { recurrence_id: SECOND }).thenAppends([]);
  });
  test('that is cancelled takes place after all', async () => {
    await givenEvent(off)
      .when(changeCalendarEvent, { recurrence_id: SECOND, title: 'Rehearsal' })
      .thenRefuses(409, 'occurrence-cancelled', '/recurrence_id');
    await givenEvent(off)
      .when(changeCalendarEvent, { recurrence_id: SECOND, status: 'confirmed' })
      .thenAppends([calendarEventChanged({ recurrence_id: SECOND, recurrence_exceptions: [] })]);
  });
  test('of whole days is named by its day', () =>
    given(calendarEvent, [weekends])
      .when(cancelCalendarEvent, { recurrence_id: '2026-04-04' })
      .thenAppends([
        calendarEventCancelled({
          recurrence_id: '2026-04-03T22:00:00.000Z',
          recurrence_exceptions: [{ recurrence_id: '2026-04-03T22:00:00.000Z', changes: null }],
        }),
      ]));
  test.each([changeCalendarEvent, cancelCalendarEvent])('that is none is refused ($route)', (command) =>
    givenEvent()
      .when(command, { recurrence_id: '2026-03-25T18:00:00Z', ...(command === changeCalendarEvent && { title: 'Rehearsal' }) })
      .thenRefuses(422, 'no-such-occurrence', '/recurrence_id'),
  );
  test('has no rule of its own', () =>
    givenEvent()
      .when(changeCalendarEvent, { recurrence_id: SECOND, recurrence_rule: null })
      .thenRefuses(422, 'not-of-an-occurrence', '/recurrence_rule'));
  test('is the 501st to differ, and refused', () => {
    const recurrence_exceptions = Array.from({ length: 500 }, (_, week) => ({
      recurrence_id: Temporal.ZonedDateTime.from('2026-03-31T19:00[Europe/Vienna]')
        .add({ weeks: week })
        .toInstant()
        .toString({ fractionalSecondDigits: 3 }),
      changes: null,
    }));
    return givenEvent(rescheduled({ recurrence_exceptions }))
      .when(cancelCalendarEvent, { recurrence_id: SECOND })
      .thenRefuses(409, 'too-many-exceptions');
  });
});

test('cancelling appends once', async () => {
  await givenEvent().when(cancelCalendarEvent).thenAppends([cancelled]);
  await givenEvent(cancelled).when(cancelCalendarEvent).thenAppends([]);
});

test.each([changeCalendarEvent, cancelCalendarEvent, deleteCalendarEvent])('an event that is deleted is no more ($route)', (command) =>
  givenEvent(calendarEventDeleted({}))
    .when(command, command === changeCalendarEvent ? { title: 'Rehearsal' } : undefined)
    .thenRefuses(404, 'not-found'),
);
test('deleting appends', () =>
  givenEvent()
    .when(deleteCalendarEvent)
    .thenAppends([calendarEventDeleted({})]));

import { expect, test } from 'vitest';
import {
  calendarEventCancelled,
  calendarEventChanged,
  calendarEventDeleted,
  calendarEventReminded,
  calendarEventRescheduled,
  calendarEventScheduled,
} from '../../src/events/calendar.ts';
import { calendar, calendarEventSentences, calendarReminderSentences } from '../../src/projections/calendar.ts';
import { calendarEventRows } from '../../src/tables/calendar.ts';
import { AT, OWNER, recorded } from '../support/recorded.ts';

const ID = '0192f0c1-0000-7000-8000-000000000001';
const stream = `calendarEvent-${ID}`;
const when = {
  starts_at: '2026-03-17T18:00:00.000Z',
  ends_at: '2026-03-17T20:00:00.000Z',
  all_day: false,
  timezone: 'Europe/Vienna',
  recurrence_rule: 'FREQ=WEEKLY',
  recurrence_exceptions: [{ recurrence_id: '2026-03-24T18:00:00.000Z', changes: null }],
};
const { recurrence_exceptions } = when;
const recurrence_id = '2026-03-24T18:00:00.000Z';
const data = {
  title: 'Choir',
  description: null,
  location: null,
  status: 'confirmed' as const,
  visibility: 'public' as const,
  transparency: 'opaque' as const,
  organizer_email: null,
  conference_url: null,
  reminder_minutes: [60],
  ical_uid: ID,
  ...when,
};

test('an event that is scheduled is a row', () => {
  expect(calendar.project(recorded(stream, calendarEventScheduled(data)))).toEqual([
    { kind: 'insert', table: calendarEventRows, row: { id: ID, user_id: OWNER, ...data, created_at: AT, updated_at: AT, version: 0 } },
  ]);
});

test.each([
  [calendarEventChanged({ title: 'Rehearsal' }), { title: 'Rehearsal' }, 'Changed the event “Choir”', { title: 'Rehearsal' }],
  [
    calendarEventChanged({ recurrence_id, recurrence_exceptions }),
    { recurrence_exceptions },
    'Changed an occurrence of the event “Choir”',
    { recurrence_id },
  ],
  [calendarEventCancelled({}), { status: 'cancelled' }, 'Cancelled the event “Choir”', {}],
  [
    calendarEventCancelled({ recurrence_id, recurrence_exceptions }),
    { recurrence_exceptions },
    'Cancelled an occurrence of the event “Choir”',
    { recurrence_id },
  ],
])('$0.type changes it', (event, set, summary, details) => {
  const read = recorded(stream, event, 3, { title: 'Choir' });
  expect(calendar.project(read)).toEqual([
    { kind: 'update', table: calendarEventRows, id: ID, set: { ...set, updated_at: AT, version: 3 }, add: {}, isOwn: true },
  ]);
  expect(calendarEventSentences.tell(read)).toEqual({ entity_type: 'event', entity_id: ID, summary, details });
});

test.each([{}, { recurrence_id }])('rescheduling it says when it takes place %o', (which) => {
  const read = recorded(stream, calendarEventRescheduled({ ...when, ...which }), 3);
  expect(calendar.project(read)).toEqual([
    { kind: 'update', table: calendarEventRows, id: ID, set: { ...when, updated_at: AT, version: 3 }, add: {}, isOwn: true },
  ]);
});

test('an event that is deleted is no row', () => {
  expect(calendar.project(recorded(stream, calendarEventDeleted({}), 1))).toContainEqual({
    kind: 'remove',
    table: calendarEventRows,
    where: { id: ID },
    except: {},
  });
});

test('a reminder is told of the event, and changes nothing of it', () => {
  const time = { recurrence_id, starts_at: '2026-03-24T19:00:00.000Z', minutes: 60 };
  const read = recorded('calendarReminder-an id', calendarEventReminded({ event_id: ID, title: 'Concert', ...time }), 0, {
    title: 'Concert',
  });
  expect(calendar.project(read)).toEqual([]);
  expect(calendarReminderSentences.tell(read)).toEqual({
    entity_type: 'event',
    entity_id: ID,
    summary: 'Reminded of the event “Concert”',
    details: time,
  });
});

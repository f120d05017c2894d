// Decisions about what to remind of. It is six minutes past five in the morning, in London.
import { describe, test } from 'vitest';
import { calendarEvent } from '../../../src/commands/calendar/event.ts';
import { calendarReminder, reminderIdOf, remindOfCalendarEvent } from '../../../src/commands/calendar/reminder.ts';
import { user } from '../../../src/commands/users/user.ts';
import {
  calendarEventCancelled,
  calendarEventDeleted,
  calendarEventReminded,
  calendarEventRescheduled,
  calendarEventScheduled,
} from '../../../src/events/calendar.ts';
import type { NewEvent } from '../../../src/events/event.ts';
import { userDeleted, userRegistered } from '../../../src/events/users.ts';
import { given, ID, ME, STRANGER } from '../../support/given.ts';

const registered = userRegistered({
  email: 'me@example.com',
  password_hash: 'a hash',
  display_name: 'Me',
  timezone: 'UTC',
  locale: 'en',
  role: 'user',
});
const when = {
  starts_at: '2026-03-01T06:00:00.000Z',
  ends_at: '2026-03-01T07:00:00.000Z',
  all_day: false,
  timezone: 'Europe/London',
  recurrence_rule: 'FREQ=DAILY',
  recurrence_exceptions: [
    { recurrence_id: '2026-03-05T06:00:00.000Z', changes: null },
    {
      recurrence_id: '2026-03-06T06:00:00.000Z',
      changes: { title: 'Sprint', starts_at: '2026-03-04T05:30:00.000Z', ends_at: '2026-03-04T06:00:00.000Z' },
    },
    { recurrence_id: '2026-03-07T06:00:00.000Z', changes: { reminder_minutes: [5_000, 3 * 1_440 + 54] } },
  ],
};
const scheduled = calendarEventScheduled({
  title: 'Run',
  description: null,
  location: null,
  status: 'confirmed',
  visibility: 'public',
  transparency: 'opaque',
  organizer_email: null,
  ical_uid: ID,
  conference_url: null,
  reminder_minutes: [1_440, 60, 10],
  ...when,
});
const givenRun = (...events: NewEvent[]) => given(calendarEvent, [scheduled, ...events]).and(user, [registered], ME);
const at = (starts_at: string, recurrence_id: string | null = starts_at) => ({ starts_at, recurrence_id });
const TODAY = at('2026-03-04T06:00:00.000Z');
const said = (time: typeof TODAY, minutes: number, title = 'Run') => calendarEventReminded({ event_id: ID, title, ...time, minutes });

describe('reminding of a calendar event', () => {
  test('says the last reminder that has come', () =>
    givenRun()
      .when(remindOfCalendarEvent, TODAY)
      .thenAppends([said(TODAY, 60)]));
  test('takes what is different this time', async () => {
    const moved = at('2026-03-04T05:30:00.000Z', '2026-03-06T06:00:00.000Z');
    await givenRun()
      .when(remindOfCalendarEvent, moved)
      .thenAppends([said(moved, 60, 'Sprint')]);
    const early = at('2026-03-07T06:00:00.000Z');
    await givenRun()
      .when(remindOfCalendarEvent, early)
      .thenAppends([said(early, 3 * 1_440 + 54)]);
  });
  test.for([
    ['has said this', 60],
    ['has said a later one', 10],
  ] as const)('appends nothing where it %s', ([, minutes]) =>
    givenRun()
      .and(calendarReminder, [said(TODAY, minutes)], reminderIdOf(ID, TODAY))
      .when(remindOfCalendarEvent, TODAY)
      .thenAppends([]),
  );
  test('goes on where it has said an earlier one', () =>
    givenRun()
      .and(calendarReminder, [said(TODAY, 1_440)], reminderIdOf(ID, TODAY))
      .when(remindOfCalendarEvent, TODAY)
      .thenAppends([said(TODAY, 60)]));
  test.for([
    ['has not come', '2026-03-08T06:00:00.000Z'],
    ['is of what began more than an hour ago', '2026-03-03T06:00:00.000Z'],
    ['is of what does not take place this time', '2026-03-05T06:00:00.000Z'],
    ['is of a time that the rule does not have', '2026-03-04T05:40:00.000Z'],
    ['is of what takes place at another time', '2026-03-06T06:00:00.000Z'],
  ] as const)('appends nothing where it %s', ([, time]) => givenRun().when(remindOfCalendarEvent, at(time)).thenAppends([]));
  test('appends nothing where the event is cancelled, or takes place at another time by now', async () => {
    await givenRun(calendarEventCancelled({})).when(remindOfCalendarEvent, TODAY).thenAppends([]);
    const later = calendarEventRescheduled({ ...when, starts_at: '2026-03-04T07:00:00.000Z', ends_at: '2026-03-04T08:00:00.000Z' });
    await givenRun(later).when(remindOfCalendarEvent, TODAY).thenAppends([]);
  });
  test('finds nothing where the event or the person is gone, or it is somebody else’s', async () => {
    await givenRun(calendarEventDeleted({})).when(remindOfCalendarEvent, TODAY).thenRefuses(404, 'not-found');
    await given(calendarEvent, [scheduled])
      .and(user, [registered, userDeleted({})], ME)
      .when(remindOfCalendarEvent, TODAY)
      .thenRefuses(404, 'not-found');
    await given(calendarEvent, [scheduled], ID, STRANGER)
      .and(user, [registered], ME)
      .when(remindOfCalendarEvent, TODAY)
      .thenRefuses(404, 'not-found');
  });
});

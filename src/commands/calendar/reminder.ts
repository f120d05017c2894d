// Reminders of calendar events: of each time that an event takes place, its `reminder_minutes` before it begins. What was
// reminded of is in a stream of its own for each of these times: so the event's stream stays short and its ETag what it was,
// however long it recurs, and what is moved is reminded of again.
import { v5 } from 'uuid';
import { z } from 'zod';
import { calendarEventReminded } from '../../events/calendar.ts';
import { type Occurrence, occurrencesBetween } from '../../occurrences.ts';
import { instant } from '../../vocabulary.ts';
import { aggregate, reference } from '../aggregate.ts';
import { command } from '../command.ts';
import { user } from '../users/user.ts';
import { calendarEvent } from './event.ts';

/** The namespace of the ids of reminders. */
const REMINDER_IDS = '7c0a1c1e-52b7-4f0e-8a37-0f6d5d3c9b24';
/** Who was not reminded before is reminded until an hour after the beginning. */
export const LATEST_MS = 3_600_000;

/** What is said of an event as a whole, and may be different this time. */
type Said = { readonly title: string; readonly reminder_minutes: readonly number[] };
type Series = Parameters<typeof occurrencesBetween>[0];
type Time = Pick<Occurrence, 'recurrence_id' | 'starts_at'>;
/** `due_at`: when it came. */
export type Reminder = { readonly title: string; readonly minutes: number; readonly due_at: string };

const different = z.object({ title: z.string(), reminder_minutes: z.array(z.int()) }).exactPartial();

/** The last of its reminders that has come for a time that an event takes place, where that has not begun too long ago. Pure. */
export function reminderOf(event: Said, occurrence: Pick<Occurrence, 'starts_at' | 'changes'>, now: string): Reminder | undefined {
  const { title, reminder_minutes } = { ...event, ...different.parse(occurrence.changes) };
  const start = Date.parse(occurrence.starts_at);
  const untilStart = start - Date.parse(now);
  const come = reminder_minutes.filter((minutes) => untilStart <= minutes * 60_000);
  if (come.length === 0 || untilStart < -LATEST_MS) return undefined;
  const minutes = Math.min(...come);
  return { title, minutes, due_at: new Date(start - minutes * 60_000).toISOString() };
}

/** The earliest that any time of an event can be reminded of, in minutes before it begins. */
export const longestLead = ({ reminder_minutes, recurrence_exceptions }: Said & Pick<Series, 'recurrence_exceptions'>): number =>
  Math.max(
    0,
    ...reminder_minutes,
    ...recurrence_exceptions.flatMap(({ changes }) => different.parse(changes ?? {}).reminder_minutes ?? []),
  );

type Reminded = z.output<typeof calendarEventReminded.schema>;

/** One time that an event takes place, and the last reminder of it. */
export const calendarReminder = aggregate<Reminded>({
  category: 'calendarReminder',
  created: { CalendarEventReminded: ({ data }) => data },
  evolve: {},
  title: ({ title }) => title,
});

export const reminderIdOf = (event: string, { recurrence_id, starts_at }: Time) =>
  v5(JSON.stringify([event, recurrence_id, starts_at]), REMINDER_IDS);

export const remindOfCalendarEvent = command({
  route: 'POST /calendar/events/:id/remind',
  summary: 'Remind of one time that a calendar event takes place',
  internal: true,
  body: z.strictObject({ recurrence_id: instant.nullable(), starts_at: instant }),
  aggregate: calendarReminder,
  identify: ({ params, body }) => reminderIdOf(params.id, body),
  needs: async ({ params, user: { id } }, load) => {
    // The streams of who has left are there still.
    await load(reference(user, id));
    return (await load(reference(calendarEvent, params.id))).state;
  },
  create: ({ params, body: { recurrence_id, starts_at }, at, needs: event }, reminded) => {
    if (event.status === 'cancelled') return [];
    const justAfter = new Date(Date.parse(starts_at) + 1).toISOString();
    const occurrence = occurrencesBetween(event, starts_at, justAfter, starts_at).find((each) => each.recurrence_id === recurrence_id);
    const reminder = occurrence && reminderOf(event, occurrence, at);
    if (!reminder || (reminded && reminded.minutes <= reminder.minutes)) return [];
    const { title, minutes } = reminder;
    return calendarEventReminded({ event_id: params.id, title, recurrence_id, starts_at, minutes });
  },
});

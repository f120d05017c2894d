// Reminds of calendar events, of each time that they take place. That they have is no column of theirs, but activities tell
// of it: what was said is not asked about again at every tick.
import { sql } from 'slonik';
import { z } from 'zod';
import { breathing } from '../breath.ts';
import { LATEST_MS, longestLead, reminderOf, remindOfCalendarEvent } from '../commands/calendar/reminder.ts';
import { occurrencesBetween } from '../occurrences.ts';
import { calendarEventRows, whenItTakesPlace } from '../tables/calendar.ts';
import { duty, ifStillThere } from './schedule.ts';

/** What was missed for longer is made up for only of the next time that an event takes place: what recurs often is not all told at once. */
const MISSED_MS = 3_600_000;

const row = calendarEventRows.row.pick({
  id: true,
  user_id: true,
  title: true,
  ...whenItTakesPlace,
  reminder_minutes: true,
});
const columns = Object.keys(row.shape).map((name) => sql.identifier(['t', name]));
const said = z.object({ recurrence_id: z.string().nullable(), starts_at: z.string(), minutes: z.int() });
const item = row.extend({ reminded: z.array(said) });

const later = (time: string, milliseconds: number) => new Date(Date.parse(time) + milliseconds).toISOString();
const breathe = breathing();

export const calendarReminders = duty<z.output<typeof item>>(
  'calendarReminders',
  (database, now, after, limit) => {
    const soonest = later(now, -LATEST_MS);
    return database.any(sql.type(item)`
      SELECT ${sql.join(columns, sql.fragment`, `)}, (
        SELECT coalesce(jsonb_agg(a.details), '[]') FROM activities.activities a
        WHERE a.user_id = t.user_id AND a.entity_type = 'event' AND a.entity_id = t.id
          AND a.activity_type = 'CalendarEventReminded' AND a.details->>'starts_at' >= ${soonest}
      ) AS reminded
      FROM calendar.calendar_events t
      WHERE status <> 'cancelled' AND (${after?.id ?? null}::uuid IS NULL OR id > ${after?.id ?? null}::uuid) AND (
        (recurrence_rule IS NULL AND cardinality(reminder_minutes) > 0 AND starts_at >= ${soonest}
          AND starts_at <= ${now}::timestamptz + make_interval(mins => (SELECT max(minutes) FROM unnest(reminder_minutes) minutes)))
        OR (recurrence_rule IS NOT NULL AND (cardinality(reminder_minutes) > 0 OR recurrence_exceptions <> '[]')))
      ORDER BY id LIMIT ${limit}`);
  },
  async ({ id, reminded, ...event }, { send }, now) => {
    const soonest = later(now, -LATEST_MS);
    const latest = later(now, longestLead(event) * 60_000 + 1);
    let isNext = true;
    for (const occurrence of occurrencesBetween(event, soonest, latest, soonest)) {
      await breathe();
      const { recurrence_id, starts_at } = occurrence;
      const reminder = reminderOf(event, occurrence, now);
      const isWanted = reminder && (isNext || reminder.due_at >= later(now, -MISSED_MS));
      isNext = false;
      const isThis = (each: z.output<typeof said>) => each.recurrence_id === recurrence_id && each.starts_at === starts_at;
      if (!isWanted || reminded.some((each) => isThis(each) && each.minutes <= reminder.minutes)) continue;
      await ifStillThere(send(remindOfCalendarEvent, { params: { id }, body: { recurrence_id, starts_at } }));
    }
  },
);

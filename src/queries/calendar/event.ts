// Questions about calendar events.
import { sql } from 'slonik';
import { z } from 'zod';
import { calendarEventRows } from '../../tables/calendar.ts';
import { calendarEventStatus, instant } from '../../vocabulary.ts';
import { anyOf, columnsOf, made, one } from '../query.ts';
import { calendarEventView, cursorOf, LONGEST_RANGE_DAYS, occurrencesIn, occurrenceView, placeOf, refuseRange } from './occurrences.ts';

export const getCalendarEvent = one({
  name: 'getCalendarEvent',
  route: 'GET /calendar/events/:id',
  summary: 'A calendar event',
  response: calendarEventView,
  sql: ({ params, from }) =>
    sql.fragment`SELECT ${columnsOf(calendarEventRows)} FROM ${from(calendarEventRows)} t WHERE t.id = ${params.id ?? null}`,
});

export const listCalendarEvents = made({
  name: 'listCalendarEvents',
  route: 'GET /calendar/events',
  summary: 'What takes place from one time until before another, the earliest first',
  description: `Each occurrence of what recurs is an item of its own: \`recurrence_id\` is when the rule has it (name it to change or cancel this one),
and everything else is as it is this time. What is under way at the beginning belongs to the range, and what begins at its end does
not. A range is ${LONGEST_RANGE_DAYS} days at the most.`,
  response: z.object({ items: z.array(occurrenceView), next_cursor: z.string().nullable() }),
  filters: {
    from: instant,
    to: instant,
    status: anyOf(calendarEventStatus),
    limit: z.coerce.number().int().min(1).max(200).default(50),
    cursor: z.string().max(2_000).optional(),
  },
  read: async (any, { status, limit, cursor, ...range }, scope) => {
    refuseRange(range);
    const after = cursor === undefined ? undefined : placeOf(cursor);
    const found = await occurrencesIn(any, scope, range, { after, limit: limit + 1, status });
    const items = found.slice(0, limit);
    const last = items.at(-1);
    return { items, next_cursor: last && found.length > limit ? cursorOf(last) : null };
  },
});

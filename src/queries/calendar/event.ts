// Questions about calendar events.
import { sql } from 'slonik';
import { calendarEventRows } from '../../tables/calendar.ts';
import { columnsOf, one } from '../query.ts';

const calendarEventView = calendarEventRows.row.omit({ user_id: true });

export const getCalendarEvent = one({
  name: 'getCalendarEvent',
  route: 'GET /calendar/events/:id',
  summary: 'A calendar event',
  response: calendarEventView,
  sql: ({ params, from }) =>
    sql.fragment`SELECT ${columnsOf(calendarEventRows)} FROM ${from(calendarEventRows)} t WHERE t.id = ${params.id ?? null}`,
});

// The calendar as iCalendar, for other programs.
import { sql } from 'slonik';
import { z } from 'zod';
import { writeCalendar } from '../../icalendar/write.ts';
import { calendarEventRows, calendarInvitationRows } from '../../tables/calendar.ts';
import { columnsOf, type Scope, written } from '../query.ts';

const invitation = calendarInvitationRows.row.pick({ email: true, display_name: true, role: true, response: true, comment: true });
const row = calendarEventRows.row.omit({ user_id: true }).extend({ invitations: z.array(invitation) });

const events = ({ from }: Scope) => sql.fragment`
  SELECT ${columnsOf(calendarEventRows)}, (
    SELECT coalesce(jsonb_agg(to_jsonb(i) ORDER BY i.created_at, i.id), '[]') FROM ${from(calendarInvitationRows)} i WHERE i.event_id = t.id
  ) AS invitations
  FROM ${from(calendarEventRows)} t`;

const write = (rows: readonly z.output<typeof row>[], filename: string) => ({
  text: writeCalendar(rows),
  filename,
});

export const exportCalendar = written({
  name: 'exportCalendar',
  route: 'GET /calendar/export',
  summary: 'Your calendar as an iCalendar file',
  description: 'All your events with their invitations, as `text/calendar` (RFC 5545). Imported again, it is the same calendar.',
  row,
  mediaType: 'text/calendar',
  isOfOne: false,
  sql: (scope) => sql.fragment`${events(scope)} ORDER BY t.starts_at, t.id`,
  write: (rows) => write(rows, 'daybook.ics'),
});

export const exportCalendarEvent = written({
  name: 'exportCalendarEvent',
  route: 'GET /calendar/events/:id/export',
  summary: 'A calendar event as an iCalendar file',
  row,
  mediaType: 'text/calendar',
  isOfOne: true,
  sql: (scope) => sql.fragment`${events(scope)} WHERE t.id = ${scope.params.id ?? null}`,
  write: (rows) => write(rows, 'event.ics'),
});

// Questions about invitations: of who invites, and of who is invited and has an account. The latter sees what is addressed to
// them and what they are asked to, and nothing else: not who else is invited, not what the organizer is reminded of.
import { type FragmentSqlToken, sql } from 'slonik';
import { z } from 'zod';
import { calendarEventRows, calendarInvitationRows } from '../../tables/calendar.ts';
import { userRows } from '../../tables/users.ts';
import { invitationResponse, storedInstant } from '../../vocabulary.ts';
import { anyOf, columnsOf, inList, list, one, type Scope } from '../query.ts';

/** Without whose address it is: that somebody has an account is theirs to say, not for whoever invites an address to find out. */
const invitationView = calendarInvitationRows.row.omit({ user_id: true, invitee_user_id: true });
const invitationColumns = columnsOf(calendarInvitationRows, ['invitee_user_id']);

/** The caller's own, and what is addressed to them. */
const visible = ({ from, addressed }: Scope) =>
  sql.fragment`(SELECT * FROM ${from(calendarInvitationRows)} own UNION SELECT * FROM ${addressed(calendarInvitationRows, 'invitee_user_id')} others)`;

export const getCalendarInvitation = one({
  name: 'getCalendarInvitation',
  route: 'GET /calendar/events/:id/invitations/:invitation_id',
  summary: 'An invitation, yours or to you',
  response: invitationView,
  sql: (scope) => sql.fragment`
    SELECT ${invitationColumns} FROM ${visible(scope)} t
    WHERE t.event_id = ${scope.params.id ?? null} AND t.id = ${scope.params.invitation_id ?? null}`,
});

export const listCalendarInvitations = list({
  name: 'listCalendarInvitations',
  route: 'GET /calendar/events/:id/invitations',
  summary: 'Who is invited to a calendar event',
  description: 'Who is invited themselves finds their own invitation.',
  item: invitationView,
  filters: { response: anyOf(invitationResponse) },
  sort: { table: calendarInvitationRows, by: { created_at: 'created_at' }, default: 'created_at' },
  within: (scope) => sql.fragment`
    SELECT FROM ${scope.from(calendarEventRows)} t WHERE t.id = ${scope.params.id ?? null}
    UNION ALL SELECT FROM ${visible(scope)} t WHERE t.event_id = ${scope.params.id ?? null}`,
  columns: () => invitationColumns,
  from: (scope) => sql.fragment`${visible(scope)} t`,
  where: ({ response }, { params }) => [sql.fragment`t.event_id = ${params.id ?? null}`, inList('response', response)],
});

const { shape } = calendarEventRows.row;
/** What somebody who is invited is told of the event. */
const invitedTo = z.object({
  title: shape.title,
  description: shape.description,
  location: shape.location,
  starts_at: storedInstant,
  ends_at: storedInstant,
  all_day: shape.all_day,
  timezone: shape.timezone,
  recurrence_rule: shape.recurrence_rule,
  /** With what of this is different. */
  recurrence_exceptions: shape.recurrence_exceptions,
  status: shape.status,
  organizer_email: shape.organizer_email,
  conference_url: shape.conference_url,
  /** What whose event it is is called here. */
  organizer_name: z.string(),
});
const told = Object.keys(invitedTo.shape);

/** A time within JSON, as columns are answered. */
const instant = (column: string) =>
  sql.fragment`to_char(e.${sql.identifier([column])} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** What is not told as the column has it. */
const expressions: Readonly<Record<string, FragmentSqlToken>> = {
  starts_at: instant('starts_at'),
  ends_at: instant('ends_at'),
  organizer_name: sql.fragment`u.display_name`,
  recurrence_exceptions: sql.fragment`(
    SELECT coalesce(jsonb_agg(jsonb_build_object(
      'recurrence_id', x.exception->'recurrence_id',
      'changes', CASE jsonb_typeof(x.exception->'changes') WHEN 'object' THEN (
        SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(x.exception->'changes') WHERE key = ANY(${sql.array(told, 'text')})
      ) END) ORDER BY x.ordinality), '[]')
    FROM jsonb_array_elements(e.recurrence_exceptions) WITH ORDINALITY x(exception, ordinality))`,
};

export const listInvitationsToMe = list({
  name: 'listInvitationsToMe',
  route: 'GET /calendar/invitations',
  summary: 'What you are invited to',
  item: invitationView.extend({ event: invitedTo }),
  filters: { response: anyOf(invitationResponse) },
  sort: { table: calendarInvitationRows, by: { created_at: 'created_at' }, default: '-created_at' },
  columns: () =>
    sql.fragment`${invitationColumns}, jsonb_build_object(${sql.join(
      told.flatMap((name) => [sql.fragment`${name}::text`, expressions[name] ?? sql.fragment`e.${sql.identifier([name])}`]),
      sql.fragment`, `,
    )}) AS event`,
  from: ({ addressed }) => sql.fragment`${addressed(calendarInvitationRows, 'invitee_user_id')} t
    JOIN ${addressed(calendarInvitationRows, 'invitee_user_id', { of: calendarEventRows, by: 'event_id' })} e ON e.id = t.event_id
    JOIN ${addressed(calendarInvitationRows, 'invitee_user_id', { of: userRows, by: 'user_id' })} u ON u.id = t.user_id`,
  where: ({ response }) => [inList('response', response)],
});

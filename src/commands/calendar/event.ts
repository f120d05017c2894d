// Calendar events: what takes place, when, and when again.
import { z } from 'zod';
import {
  calendarEventCancelled,
  calendarEventChanged,
  calendarEventDeleted,
  calendarEventRescheduled,
  calendarEventScheduled,
} from '../../events/calendar.ts';
import { conflict, unprocessable } from '../../problem.ts';
import { calendarEventStatus, emailAddress, text, title, transparency, uuidV7, visibility } from '../../vocabulary.ts';
import { aggregate, reference } from '../aggregate.ts';
import { command, noBody } from '../command.ts';
import { changed, namesSomething, patchOf } from '../patch.ts';
import { user } from '../users/user.ts';
import { invitationsEvolve } from './invitations.ts';
import { cancelledOccurrence, changedOccurrence, exceptions, rescheduled } from './series.ts';
import { type CalendarEvent, moment, times } from './when.ts';

const MOST_REMINDERS = 20;
/** A year. */
const EARLIEST_REMINDER_MINUTES = 366 * 24 * 60;

export const calendarEvent = aggregate<CalendarEvent>({
  category: 'calendarEvent',
  created: { CalendarEventScheduled: ({ data, meta }) => ({ ...data, owner_id: meta.user_id, invitations: [] }) },
  evolve: {
    CalendarEventChanged: (event, { data: { recurrence_id, recurrence_exceptions, ...data } }) =>
      recurrence_exceptions ? { ...event, recurrence_exceptions } : { ...event, ...data },
    CalendarEventRescheduled: (event, { data: { recurrence_id, ...when } }) => ({ ...event, ...when }),
    CalendarEventCancelled: (event, { data: { recurrence_exceptions } }) =>
      recurrence_exceptions ? { ...event, recurrence_exceptions } : { ...event, status: 'cancelled' },
    CalendarEventDeleted: () => undefined,
    ...invitationsEvolve,
  },
  find: ({ invitations }, id) => invitations.find(({ invitation_id }) => invitation_id === id),
  title: ({ title }) => title,
});

/** What may differ from one occurrence to the next. */
const ownDetails = {
  title,
  description: text(65_536).nullable(),
  location: text(1_000).nullable(),
  /** To cancel is a command of its own. */
  status: calendarEventStatus.exclude(['cancelled']),
  visibility,
  transparency,
  conference_url: z
    .url({ protocol: /^(https?|tel|sips?|xmpp)$/ })
    .max(2_000)
    .nullable(),
  /** How long before its beginning to remind of it, the earliest first. */
  reminder_minutes: z
    .array(z.int().min(0).max(EARLIEST_REMINDER_MINUTES))
    .max(MOST_REMINDERS)
    .transform((minutes) => [...new Set(minutes)].sort((a, b) => b - a)),
};
const details = { ...ownDetails, organizer_email: emailAddress.nullable() };
const recurrenceExceptions = exceptions(ownDetails);

const OF_THE_WHOLE = ['all_day', 'timezone', 'recurrence_rule', 'recurrence_exceptions', 'organizer_email'] as const;

export const newCalendarEvent = z.strictObject({
  id: uuidV7.optional(),
  title: details.title,
  description: details.description.default(null),
  location: details.location.default(null),
  ...times,
  all_day: times.all_day.default(false),
  timezone: times.timezone.optional(),
  recurrence_rule: times.recurrence_rule.default(null),
  recurrence_exceptions: recurrenceExceptions.default([]),
  status: calendarEventStatus.default('confirmed'),
  visibility: details.visibility.default('public'),
  transparency: details.transparency.default('opaque'),
  organizer_email: details.organizer_email.default(null),
  conference_url: details.conference_url.default(null),
  reminder_minutes: details.reminder_minutes.default([]),
});

/** What is imported has the UID of its file. Nothing else is given one: an import would not find it by that. */
export const importedEvent = newCalendarEvent.extend({ ical_uid: text(255).min(1) });

/** @param ical_uid that of the file it is from; what is made here has its id. @throws Problem 422 */
export function scheduled({ id: _, ...body }: z.output<typeof newCalendarEvent>, timezone: string, ical_uid: string) {
  const first = { ...body, timezone, recurrence_exceptions: [] };
  return calendarEventScheduled({ ...first, ...rescheduled(first, { recurrence_exceptions: body.recurrence_exceptions }), ical_uid });
}

export const scheduleCalendarEvent = command({
  route: 'POST /calendar/events',
  summary: 'Put something into the calendar',
  description: `\`starts_at\` and \`ends_at\` are points in time, the end excluded. What is \`all_day\` begins and ends with a day of its
\`timezone\` (yours, if you say nothing), and takes dates as well: Christmas 2026 is from \`2026-12-25\` to \`2026-12-27\`. A \`recurrence_rule\`
(RFC 5545) goes by the clock on the wall in that zone, and \`starts_at\` is its first occurrence, also where the rule alone would not have it.
\`recurrence_exceptions\` are the occurrences that are otherwise, each named by when the rule has it (\`recurrence_id\`), with what is
different in \`changes\`, or null where it does not take place.`,
  body: newCalendarEvent,
  example: {
    title: 'Choir',
    location: 'Town hall',
    starts_at: '2026-11-24T19:00:00+01:00',
    ends_at: '2026-11-24T21:00:00+01:00',
    timezone: 'Europe/Vienna',
    recurrence_rule: 'FREQ=WEEKLY;BYDAY=TU',
    reminder_minutes: [60],
  },
  aggregate: calendarEvent,
  needs: async ({ body, user: { id } }, load) => ({
    timezone: body.timezone ?? (await load(reference(user, id))).state.timezone,
  }),
  create: ({ id, body, needs: { timezone } }) => scheduled(body, timezone, id),
  answer: 'getCalendarEvent',
});

export const changeCalendarEvent = command({
  route: 'PATCH /calendar/events/:id',
  summary: 'Change a calendar event, or one occurrence of it',
  description: `With \`recurrence_id\` (when the rule has it) it is about that occurrence alone, and without about all of them. A new time,
zone or rule of the whole takes the exceptions along, and drops those that the rule no longer has an occurrence for. What is cancelled
takes no changes but to a \`status\`, which makes it take place after all.`,
  body: patchOf({
    recurrence_id: moment,
    ...details,
    ...times,
    recurrence_exceptions: recurrenceExceptions,
  }).refine(({ recurrence_id, ...changes }) => Object.keys(changes).length > 0, namesSomething),
  example: { starts_at: '2026-11-24T19:30:00+01:00', ends_at: '2026-11-24T21:30:00+01:00' },
  aggregate: calendarEvent,
  decide: (event, { body: { recurrence_id, ...patch } }) => {
    if (event.status === 'cancelled' && (recurrence_id !== undefined || patch.status === undefined)) {
      return conflict('event-cancelled', 'The event is cancelled; give it another status first.');
    }
    const { starts_at, ends_at, all_day, timezone, recurrence_rule, recurrence_exceptions, ...saying } = patch;
    if (recurrence_id !== undefined) {
      const { organizer_email, ...own } = saying;
      const strange = OF_THE_WHOLE.find((field) => patch[field] !== undefined);
      if (strange) return unprocessable('not-of-an-occurrence', 'This is the same for all occurrences.', `/${strange}`);
      return changedOccurrence(event, recurrence_id, {
        ...own,
        ...(starts_at !== undefined && { starts_at }),
        ...(ends_at !== undefined && { ends_at }),
      });
    }
    const differs = changed(event, saying);
    const when = rescheduled(event, patch);
    return [...(differs ? [calendarEventChanged(differs)] : []), ...(changed(event, when) ? [calendarEventRescheduled(when)] : [])];
  },
  answer: 'getCalendarEvent',
});

export const cancelCalendarEvent = command({
  route: 'POST /calendar/events/:id/cancel',
  summary: 'Cancel a calendar event, or one occurrence of it',
  description: 'It stays to be seen, as cancelled; an occurrence (`recurrence_id`: when the rule has it) does not take place.',
  body: z.strictObject({ recurrence_id: moment.optional() }).prefault({}),
  example: {},
  aggregate: calendarEvent,
  decide: (event, { body: { recurrence_id } }) => {
    if (event.status === 'cancelled') return [];
    return recurrence_id === undefined ? calendarEventCancelled({}) : cancelledOccurrence(event, recurrence_id);
  },
  answer: 'getCalendarEvent',
});

export const deleteCalendarEvent = command({
  route: 'DELETE /calendar/events/:id',
  summary: 'Delete a calendar event with all its occurrences and invitations',
  body: noBody,
  aggregate: calendarEvent,
  decide: () => calendarEventDeleted({}),
});

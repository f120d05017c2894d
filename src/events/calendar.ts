// What can happen to calendar events.
import { z } from 'zod';
import {
  calendarEventStatus,
  instant,
  invitationResponse,
  invitationRole,
  text,
  title,
  transparency,
  uuid,
  visibility,
} from '../vocabulary.ts';
import { event } from './event.ts';

// Rules, zones and addresses were validated where they came in. What is a valid one changes with the libraries that say so.
/** What an event says of itself, the same whenever it takes place. */
const details = {
  title,
  description: text(65_536).nullable(),
  location: text(1_000).nullable(),
  status: calendarEventStatus,
  visibility,
  transparency,
  organizer_email: text(254).nullable(),
  conference_url: text(2_000).nullable(),
  reminder_minutes: z.array(z.int()),
};

const { organizer_email, ...ownDetails } = details;
/** What is different about one occurrence: some of this. Its times are both there or neither. */
const changes = z.object({ ...ownDetails, starts_at: instant, ends_at: instant }).exactPartial();

/** When it takes place: the first time, and by which rule again. The whole of it is in each event that changes any of it. */
const when = {
  starts_at: instant,
  ends_at: instant,
  all_day: z.boolean(),
  timezone: text(64),
  recurrence_rule: text(1_000).nullable(),
  /** The occurrences that are not as the rule says, each by when the rule has it, in that order; null: it does not take place. */
  recurrence_exceptions: z.array(z.object({ recurrence_id: instant, changes: changes.nullable() })),
};

/** An event about one occurrence of a series names it, and has the exceptions of the series as they then are. */
const occurrence = z.object({ recurrence_id: instant, recurrence_exceptions: when.recurrence_exceptions }).exactPartial().shape;

export const calendarEventScheduled = event('CalendarEventScheduled', { ...details, ...when, ical_uid: text(255) });
export const calendarEventChanged = event('CalendarEventChanged', { ...z.object(details).exactPartial().shape, ...occurrence });
export const calendarEventRescheduled = event('CalendarEventRescheduled', { ...when, recurrence_id: occurrence.recurrence_id });
export const calendarEventCancelled = event('CalendarEventCancelled', occurrence);
export const calendarEventDeleted = event('CalendarEventDeleted', {});

/** In a stream of its own for each time that the event takes place: `recurrence_id` and `starts_at` are of that, `title` as well. */
export const calendarEventReminded = event('CalendarEventReminded', {
  event_id: uuid,
  title,
  recurrence_id: instant.nullable(),
  starts_at: instant,
  minutes: z.int(),
});

/** Who is asked to come. Of what is about an invitation, each event says whose it is, for a reader. */
const invitee = { invitation_id: uuid, email: text(254), display_name: text(200).nullable() };

/** `invitee_user_id`: whose address it was then, where it was somebody's with an account. */
export const inviteeInvited = event('InviteeInvited', { ...invitee, invitee_user_id: uuid.nullable(), role: invitationRole });
/** `answered_by`: whether the invitee said it here, or the organizer wrote down what they said elsewhere. */
export const invitationAnswered = event('InvitationAnswered', {
  ...invitee,
  response: invitationResponse,
  comment: text(2_000).nullable(),
  responded_at: instant,
  answered_by: z.enum(['organizer', 'invitee']),
});
export const inviteeRemoved = event('InviteeRemoved', invitee);

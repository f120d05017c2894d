// Calendar events and who is invited to them.
import { z } from 'zod';
import { calendarEventStatus, invitationResponse, invitationRole, storedInstant, transparency, uuid, visibility } from '../vocabulary.ts';
import { common, storedObject, table } from './table.ts';

export const calendarEventRows = table('calendar.calendar_events', {
  ...common,
  title: z.string(),
  description: z.string().nullable(),
  location: z.string().nullable(),
  starts_at: storedInstant,
  ends_at: storedInstant,
  all_day: z.boolean(),
  timezone: z.string(),
  recurrence_rule: z.string().nullable(),
  /** One per occurrence that is not as the rule says: what is different about it, or null where it does not take place. */
  recurrence_exceptions: z.array(z.object({ recurrence_id: storedInstant, changes: storedObject.nullable() })),
  status: calendarEventStatus,
  visibility,
  transparency,
  organizer_email: z.string().nullable(),
  ical_uid: z.string(),
  conference_url: z.string().nullable(),
  reminder_minutes: z.array(z.int()),
});

/** Of a calendar event, what says when it takes place. */
export const whenItTakesPlace = {
  starts_at: true,
  ends_at: true,
  all_day: true,
  timezone: true,
  recurrence_rule: true,
  recurrence_exceptions: true,
} as const;

export const calendarInvitationRows = table(
  'calendar.calendar_invitations',
  {
    ...common,
    event_id: uuid,
    invitee_user_id: uuid.nullable(),
    email: z.string(),
    display_name: z.string().nullable(),
    role: invitationRole,
    response: invitationResponse,
    comment: z.string().nullable(),
    responded_at: storedInstant.nullable(),
  },
  // That somebody has an account is theirs to say.
  { untold: ['invitee_user_id'] },
);

// Calendar events as rows, and what happened to them as sentences.
import { calendarEventRows, calendarInvitationRows } from '../tables/calendar.ts';
import { adjustWhere, insert, projection, remove, update } from './projection.ts';
import { quoted, teller } from './sentence.ts';

export const calendar = projection('calendar', 1, {
  CalendarEventScheduled: ({ id, data }) => insert(calendarEventRows, { id, ...data }),
  CalendarEventChanged: ({ id, data: { recurrence_id, ...data } }) => update(calendarEventRows, id, data),
  CalendarEventRescheduled: ({ id, data: { recurrence_id, ...when } }) => update(calendarEventRows, id, when),
  CalendarEventCancelled: ({ id, data: { recurrence_id, ...data } }) =>
    update(calendarEventRows, id, recurrence_id === undefined ? { status: 'cancelled' } : data),
  CalendarEventDeleted: ({ id }) => remove(calendarEventRows, { id }),

  // What happens to an invitation, happens to the event: that is what the revision of its stream says.
  InviteeInvited: ({ id, data: { invitation_id, ...invitee } }) => [
    insert(calendarInvitationRows, {
      id: invitation_id,
      event_id: id,
      ...invitee,
      response: 'needs_action',
      comment: null,
      responded_at: null,
    }),
    update(calendarEventRows, id, {}),
  ],
  InvitationAnswered: ({ id, data: { invitation_id, response, comment, responded_at } }) => [
    update(calendarInvitationRows, invitation_id, { response, comment, responded_at }),
    update(calendarEventRows, id, {}),
  ],
  InviteeRemoved: ({ id, data: { invitation_id } }) => [
    remove(calendarInvitationRows, { id: invitation_id }),
    update(calendarEventRows, id, {}),
  ],
  // The row of who has gone stays, so no foreign key sees it.
  UserDeleted: ({ id }) => adjustWhere(calendarInvitationRows, { invitee_user_id: id }, {}, { invitee_user_id: null }),
});

export const calendarEventSentences = teller('event', {
  CalendarEventScheduled: ({ data }) => `Scheduled the event${quoted(data.title)}`,
  CalendarEventChanged: ({ data: { recurrence_exceptions, description, ...details }, meta }) => ({
    summary: `Changed ${whichOf(details)}${quoted(meta.title)}`,
    details,
  }),
  CalendarEventRescheduled: ({ data: { recurrence_exceptions, ...details }, meta }) => ({
    summary: `Rescheduled ${whichOf(details)}${quoted(meta.title)}`,
    details,
  }),
  CalendarEventCancelled: ({ data: { recurrence_exceptions, ...details }, meta }) => ({
    summary: `Cancelled ${whichOf(details)}${quoted(meta.title)}`,
    details,
  }),
  CalendarEventDeleted: ({ meta }) => `Deleted the event${quoted(meta.title)}`,
  InviteeInvited: ({ data: { invitation_id, email, role }, meta }) => ({
    summary: `Invited ${email} to the event${quoted(meta.title)}`,
    details: { invitation_id, email, role },
  }),
  InvitationAnswered: ({ data: { invitation_id, email, response, comment, answered_by }, meta }) => ({
    summary: `${answered_by === 'organizer' ? 'Noted that ' : ''}${email} ${answers[response]} the event${quoted(meta.title)}`,
    details: { invitation_id, email, response, comment, answered_by },
  }),
  InviteeRemoved: ({ data: { invitation_id, email }, meta }) => ({
    summary: `Took back the invitation of ${email} to the event${quoted(meta.title)}`,
    details: { invitation_id, email },
  }),
});

/** A reminder is about the event, and changes nothing of it. */
export const calendarReminderSentences = teller(
  'event',
  {
    CalendarEventReminded: ({ data: { title, recurrence_id, starts_at, minutes } }) => ({
      summary: `Reminded of the event${quoted(title)}`,
      details: { recurrence_id, starts_at, minutes },
    }),
  },
  ({ id, data }) => ('event_id' in data ? data.event_id : id),
);

const answers = {
  accepted: 'comes to',
  declined: 'does not come to',
  tentative: 'may come to',
  needs_action: 'has not decided about',
} as const;

const whichOf = ({ recurrence_id }: { recurrence_id?: string | undefined }) =>
  recurrence_id === undefined ? 'the event' : 'an occurrence of the event';

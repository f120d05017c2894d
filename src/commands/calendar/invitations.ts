// The invitations of a calendar event, as its stream folds to them.
import { v5 } from 'uuid';
import type { EventHandlers } from '../../events/index.ts';
import { conflict } from '../../problem.ts';
import type { CalendarEvent } from './when.ts';

const INVITATIONS = '5b2f6a0c-0a0e-4a55-9d55-6d9a3c8b7f10';

export const MOST_INVITEES = 500;
export const tooManyInvitees = () => conflict('too-many-invitees', `An event can have ${MOST_INVITEES} invitees.`);

/** An event has one invitation for an address, whatever its case: both of them are what it is. */
export const invitationIdOf = (event: string, email: string): string => v5(`${event} ${email.toLowerCase()}`, INVITATIONS);

export const invitationsEvolve: EventHandlers<[event: CalendarEvent], CalendarEvent> = {
  InviteeInvited: (event, { data, revision }) => ({
    ...event,
    invitations: [...event.invitations, { ...data, response: 'needs_action', comment: null, answered_by: null, revision }],
  }),
  InvitationAnswered: (event, { data: { invitation_id, response, comment, answered_by }, revision }) => ({
    ...event,
    invitations: event.invitations.map((each) =>
      each.invitation_id === invitation_id ? { ...each, response, comment, answered_by, revision } : each,
    ),
  }),
  InviteeRemoved: (event, { data }) => ({
    ...event,
    invitations: event.invitations.filter(({ invitation_id }) => invitation_id !== data.invitation_id),
  }),
};

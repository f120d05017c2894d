// Invitations to a calendar event: who is asked to come, and what they say. They are in the event's own stream.
import { z } from 'zod';
import { invitationAnswered, inviteeInvited, inviteeRemoved } from '../../events/calendar.ts';
import { conflict, notFound } from '../../problem.ts';
import { emailAddress, invitationResponse, invitationRole, name, text } from '../../vocabulary.ts';
import { type CommandServices, command, noBody } from '../command.ts';
import { holderOf } from '../users/emailClaim.ts';
import { user } from '../users/user.ts';
import { calendarEvent } from './event.ts';
import { invitationIdOf, MOST_INVITEES, tooManyInvitees } from './invitations.ts';
import type { CalendarEvent, Invitation } from './when.ts';

export const inviteToCalendarEvent = command({
  route: 'POST /calendar/events/:id/invitations',
  summary: 'Invite somebody to a calendar event',
  description: `Nothing is sent. Who has an account with this address now finds the invitation under \`/calendar/invitations\` and can answer it; of
others, you write down the answer. An invitation is to all occurrences.`,
  body: z.strictObject({
    email: emailAddress,
    display_name: name.nullable().default(null),
    role: invitationRole.default('required'),
  }),
  example: { email: 'bob@example.com', display_name: 'Bob', role: 'optional' },
  aggregate: calendarEvent,
  part: 'invitation_id',
  identify: ({ params, body }) => invitationIdOf(params.id, body.email),
  creates: false,
  answer: 'getCalendarInvitation',
  prepare: async ({ id, body }, services) => {
    const invitee_user_id = await holderOf(services, body.email);
    return {
      decide: (event) => {
        if (!event) return notFound();
        const invitation_id = invitationIdOf(id, body.email);
        const known = invitationOf(event, invitation_id);
        if (known) {
          const isSame = known.display_name === body.display_name && known.role === body.role;
          return isSame ? [] : conflict('already-invited', 'There is an invitation for this address already.', '/email');
        }
        if (event.status === 'cancelled') return cancelled();
        if (event.invitations.length >= MOST_INVITEES) {
          return tooManyInvitees();
        }
        return inviteeInvited({ invitation_id, invitee_user_id, ...body });
      },
    };
  },
});

export const answerCalendarInvitation = command({
  route: 'POST /calendar/events/:id/invitations/:invitation_id/answer',
  summary: 'Answer an invitation, or write down the answer to yours',
  description: 'For who is invited and has an account, and for whose event it is. A later answer takes the place of an earlier one.',
  body: z.strictObject({
    response: invitationResponse.exclude(['needs_action']),
    comment: text(2_000).nullable().default(null),
  }),
  example: { response: 'accepted', comment: 'I bring cake.' },
  aggregate: calendarEvent,
  part: 'invitation_id',
  // What is left of a person who has gone takes no answers.
  admits: async (event, { user, params }, services) =>
    invitationOf(event, params.invitation_id)?.invitee_user_id === user.id && (await isThere(services, event.owner_id)),
  decide: (event, { params, body, at, user: caller }) => {
    const invitation = invitationOf(event, params.invitation_id);
    if (!invitation) return notFound();
    if (event.status === 'cancelled') return cancelled();
    if (invitation.response === body.response && invitation.comment === body.comment) return [];
    const answered_by = event.owner_id === caller.id ? 'organizer' : 'invitee';
    return invitationAnswered({ ...inviteeOf(invitation), ...body, responded_at: at, answered_by });
  },
  answer: 'getCalendarInvitation',
});

export const removeCalendarInvitation = command({
  route: 'DELETE /calendar/events/:id/invitations/:invitation_id',
  summary: 'Take back an invitation',
  body: noBody,
  aggregate: calendarEvent,
  part: 'invitation_id',
  decide: (event, { params }) => {
    const invitation = invitationOf(event, params.invitation_id);
    return invitation ? inviteeRemoved(inviteeOf(invitation)) : notFound();
  },
});

const invitationOf = ({ invitations }: CalendarEvent, id: string) => invitations.find(({ invitation_id }) => invitation_id === id);
const inviteeOf = ({ invitation_id, email, display_name }: Invitation) => ({ invitation_id, email, display_name });

const isThere = async ({ folds }: CommandServices, id: string) => (await folds.fresh(user, `${user.category}-${id}`)).state !== undefined;

const cancelled = () => conflict('event-cancelled', 'The event is cancelled.');

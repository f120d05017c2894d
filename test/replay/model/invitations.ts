// What requests about invitations to calendar events do. They are part of their event, and in its stream.
import { z } from 'zod';
import { becomes } from './calendar.ts';
import type { Caller, Command, Context, Happening, Model, Routes } from './core.ts';
import { type CalendarEventRow, type CalendarInvitationRow, change, own } from './rows.ts';
import { holderOf } from './users.ts';

const newInvitation = z.object({
  email: z.string().trim(),
  display_name: z.string().trim().nullable().default(null),
  role: z.string().default('required'),
});
const answer = z.object({ response: z.enum(['accepted', 'declined', 'tentative']), comment: z.string().nullable().default(null) });

export const invitationRoutes: Routes = {
  'POST /calendar/events/:id/invitations': ({ model, caller, params, body, newId }) => {
    const invitee = newInvitation.parse(body);
    const { rows, said } = model;
    const event = own(rows.calendar_events, params.id, caller.id);
    const name = nameOf(params.id, invitee.email);
    said.invitations.set(newId(undefined), name);
    return {
      stream: `calendarEvent-${params.id}`,
      entity: () => event,
      answers: 'part',
      answer: () => rows.calendar_invitations.get(name),
      content: [params, invitee],
      decide: () => {
        if (!event) return 404;
        const known = rows.calendar_invitations.get(name);
        if (known) return known.display_name === invitee.display_name && known.role === invitee.role ? [] : 409;
        if (event.status === 'cancelled') return 409;
        return invited(model, event, { ...invitee, invitee_user_id: holderOf(rows, invitee.email)?.id ?? null });
      },
    };
  },
  'POST /calendar/events/:id/invitations/:invitation_id/answer': (request) => {
    const { model, caller, at } = request;
    const { response, comment } = answer.parse(request.body);
    return onInvitation(request, visible(request), { response, comment }, (event, invitation) => {
      if (event.status === 'cancelled') return 409;
      if (invitation.response === response && invitation.comment === comment) return [];
      return answered(model, event, invitation.email, caller, { response, comment, responded_at: at });
    });
  },
  'DELETE /calendar/events/:id/invitations/:invitation_id': (request) => {
    const { calendar_invitations } = request.model.rows;
    const { said } = request.model;
    const found = visible(request);
    const mine = found?.user_id === request.caller.id ? found : undefined;
    const remove = (event: CalendarEventRow, { email }: CalendarInvitationRow) => {
      const name = nameOf(event.id, email);
      said.ownAnswers.delete(name);
      return both(event, 'InviteeRemoved', () => calendar_invitations.delete(name));
    };
    return onInvitation(request, mine, {}, remove, 'nothing');
  },
};

/** An event has one invitation for an address, whatever its case. */
export const nameOf = (event: string | undefined, email: string) => `${event} ${email.toLowerCase()}`;

type Invitee = Pick<CalendarInvitationRow, 'email' | 'display_name' | 'role' | 'invitee_user_id'>;
type Answer = Pick<CalendarInvitationRow, 'response' | 'comment' | 'responded_at'>;

export const invited = ({ rows }: Model, event: CalendarEventRow, invitee: Invitee): Happening[] =>
  both(event, 'InviteeInvited', ({ at, version }) => {
    const blank = { response: 'needs_action', comment: null, responded_at: null } as const;
    const stamps = { user_id: event.user_id, created_at: at, updated_at: at, version };
    rows.calendar_invitations.set(nameOf(event.id, invitee.email), { ...stamps, event_id: event.id, ...invitee, ...blank });
  });

export const answered = ({ rows, said }: Model, event: CalendarEventRow, email: string, { id }: Caller, answer: Answer): Happening[] =>
  both(event, 'InvitationAnswered', (stamp) => {
    const name = nameOf(event.id, email);
    if (id === event.user_id) said.ownAnswers.delete(name);
    else said.ownAnswers.add(name);
    change(rows.calendar_invitations.get(name), stamp, answer);
  });

/** What happens to an invitation happens to its event. */
function both(event: CalendarEventRow, type: string, apply: Happening['apply']): Happening[] {
  const happening = becomes(event, type, {});
  return [
    {
      ...happening,
      apply: (stamp) => {
        apply(stamp);
        happening.apply(stamp);
      },
    },
  ];
}

/** Whose event it is sees the invitation, and who is invited. */
function visible({ model, params, caller }: Context): CalendarInvitationRow | undefined {
  const invitation = model.rows.calendar_invitations.get(model.said.invitations.get(params.invitation_id ?? '') ?? '');
  return invitation && [invitation.user_id, invitation.invitee_user_id].includes(caller.id) ? invitation : undefined;
}

function onInvitation(
  { model, params }: Context,
  found: CalendarInvitationRow | undefined,
  said: unknown,
  decide: (event: CalendarEventRow, invitation: CalendarInvitationRow) => ReturnType<Command['decide']>,
  answers: 'entity' | 'nothing' = 'entity',
): Command {
  const invitation = found?.event_id === params.id ? found : undefined;
  const event = model.rows.calendar_events.get(params.id ?? '');
  return {
    stream: `calendarEvent-${params.id}`,
    entity: () => invitation,
    answers,
    content: [params, said],
    decide: () => (event && invitation ? decide(event, invitation) : 404),
  };
}

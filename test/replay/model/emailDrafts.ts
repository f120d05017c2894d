// What requests about drafts of emails do, where there is a mail server and nobody who sends.
import { z } from 'zod';
import { type Context, changes, commandOn, type Happening, type Refusal, type Routes } from './core.ts';
import { change, type EmailDraftRow, own, stamped } from './rows.ts';

const recipients = z.array(z.object({ name: z.string().trim().nullable().default(null), address: z.string().trim() }));
const content = {
  to_addresses: recipients,
  cc_addresses: recipients,
  bcc_addresses: recipients,
  subject: z.string().nullable(),
  body_text: z.string().nullable(),
  body_html: z.string().nullable(),
};
const newDraft = z.object({
  id: z.uuidv7().optional(),
  in_reply_to_email_id: z.string().nullable().default(null),
  to_addresses: recipients.default([]),
  cc_addresses: recipients.default([]),
  bcc_addresses: recipients.default([]),
  subject: content.subject.default(null),
  body_text: content.body_text.default(null),
  body_html: content.body_html.default(null),
});
const draftPatch = z.object(content).exactPartial();

export const emailDraftRoutes: Routes = {
  'POST /email-drafts': ({ model: { rows, streams }, caller, body, newId }) => {
    const { id: chosenId, ...draft } = newDraft.parse(body);
    const id = newId(chosenId);
    const row = {
      ...draft,
      status: 'draft' as const,
      send_at: null,
      sent_email_id: null,
      author: caller.actor,
    };
    return {
      creates: true,
      chosenId,
      stream: `emailDraft-${id}`,
      isInUse: streams.has(`emailDraft-${id}`),
      entity: () => own(rows.email_drafts, id, caller.id),
      content: [chosenId ?? null, draft],
      decide: () => {
        if (draft.in_reply_to_email_id !== null && !own(rows.emails, draft.in_reply_to_email_id, caller.id)) return 422;
        return [
          {
            type: 'EmailDraftCreated',
            about: ['draft', id],
            apply: (stamp) => rows.email_drafts.set(id, { ...stamped(id, caller.id, stamp), ...row }),
          },
        ];
      },
    };
  },
  'PATCH /email-drafts/:id': (request) => {
    const patch = draftPatch.parse(request.body);
    return onDraft(request, patch, (draft) => {
      const set: Partial<EmailDraftRow> = changes<Partial<EmailDraftRow>>(draft, patch);
      if (Object.keys(set).length === 0) return [];
      return draft.status === 'draft' ? [becomes(draft, 'EmailDraftChanged', set)] : 409;
    });
  },
  'POST /email-drafts/:id/schedule': (request) => {
    const { send_at } = z.object({ send_at: z.string() }).parse(request.body);
    return onDraft(request, { send_at }, (draft) => {
      if (draft.status === 'scheduled' && draft.send_at === send_at) return [];
      if (draft.status === 'discarded') return 409;
      if (send_at <= request.at) return 422;
      return hasRecipients(draft) ? [becomes(draft, 'EmailDraftScheduled', { status: 'scheduled', send_at })] : 409;
    });
  },
  'POST /email-drafts/:id/unschedule': (request) =>
    onDraft(request, {}, (draft) => {
      if (draft.status === 'discarded') return 409;
      return draft.status === 'draft' ? [] : [becomes(draft, 'EmailDraftUnscheduled', { status: 'draft', send_at: null })];
    }),
  'POST /email-drafts/:id/send': (request) => {
    const said = z.object({ again: z.boolean().default(false) }).parse(request.body);
    return onDraft(request, said, (draft) => {
      if (draft.status === 'scheduled' && draft.send_at !== null && draft.send_at <= request.at) return [];
      if (draft.status === 'discarded' || !hasRecipients(draft)) return 409;
      return [becomes(draft, 'EmailDraftScheduled', { status: 'scheduled', send_at: request.at })];
    });
  },
  'DELETE /email-drafts/:id': (request) =>
    onDraft(
      request,
      {},
      (draft) => (draft.status === 'discarded' ? [] : [becomes(draft, 'EmailDraftDiscarded', { status: 'discarded' })]),
      'nothing',
    ),
};

const hasRecipients = ({ to_addresses, cc_addresses, bcc_addresses }: EmailDraftRow) =>
  to_addresses.length + cc_addresses.length + bcc_addresses.length > 0;

const onDraft = (
  request: Context,
  said: unknown,
  decide: (draft: EmailDraftRow) => Refusal | readonly Happening[],
  answers: 'entity' | 'nothing' = 'entity',
) => {
  const { id = '' } = request.params;
  return commandOn(request, `emailDraft-${id}`, own(request.model.rows.email_drafts, id, request.caller.id), said, decide, answers);
};

const becomes = (draft: EmailDraftRow, type: string, set: Partial<EmailDraftRow>): Happening => ({
  type,
  about: ['draft', draft.id],
  apply: (stamp) => change(draft, stamp, set),
});

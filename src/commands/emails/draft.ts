// Drafts: letters being written, and what becomes of them. A command only ever says that a draft is to be sent; sending it
// is a policy, whose decisions are the last ones here.
import { z } from 'zod';
import {
  emailDraftChanged,
  emailDraftCreated,
  emailDraftDiscarded,
  emailDraftScheduled,
  emailDraftSendFailed,
  emailDraftSendStarted,
  emailDraftSent,
  emailDraftUnscheduled,
} from '../../events/emails.ts';
import type { AnyEvent } from '../../events/index.ts';
import { conflict, unprocessable } from '../../problem.ts';
import {
  type draftStatus,
  emailAddress,
  headerText,
  instant,
  longText,
  type mailbox,
  type sendFailure,
  uuid,
  uuidV7,
} from '../../vocabulary.ts';
import { aggregate, reference } from '../aggregate.ts';
import { command, type Decision, noBody } from '../command.ts';
import { changed, patchOf } from '../patch.ts';
import { emailSends, overdrawn, type Sending, sendsOf } from './allowance.ts';
import { email } from './email.ts';

const MAX_RECIPIENTS = 100;
const MAX_BYTES = 256 * 1024;

type Mailbox = z.output<typeof mailbox>;

export type Draft = {
  readonly in_reply_to_email_id: string | null;
  readonly to_addresses: readonly Mailbox[];
  readonly cc_addresses: readonly Mailbox[];
  readonly bcc_addresses: readonly Mailbox[];
  readonly subject: string | null;
  readonly body_text: string | null;
  readonly body_html: string | null;
  readonly status: z.output<typeof draftStatus>;
  readonly send_at: string | null;
  /** Of the first try to send it, and so of every other. */
  readonly message_id_header: string | null;
  /** How often sending was begun. */
  readonly tries: number;
  readonly started_at: string | null;
  /** What last said that it is to be sent: the event, when that was, and the request that it came with. */
  readonly scheduled_by: {
    readonly event_id: string;
    readonly revision: number;
    readonly at: string;
    readonly correlation_id: string;
  } | null;
};

export const emailDraft = aggregate<Draft>({
  category: 'emailDraft',
  created: {
    EmailDraftCreated: ({ data: { author, ...draft } }) => ({
      ...draft,
      status: 'draft',
      send_at: null,
      message_id_header: null,
      tries: 0,
      started_at: null,
      scheduled_by: null,
    }),
  },
  evolve: {
    EmailDraftChanged: (draft, { data }) => ({ ...draft, ...data }),
    EmailDraftScheduled: (draft, { data, ...event }) => ({ ...draft, ...data, status: 'scheduled', scheduled_by: causeOf(event) }),
    EmailDraftUnscheduled: (draft) => ({ ...draft, status: 'draft', send_at: null }),
    EmailDraftSendStarted: (draft, { data, meta }) => ({
      ...draft,
      ...data,
      status: 'sending',
      tries: draft.tries + 1,
      started_at: meta.at,
    }),
    EmailDraftSent: (draft) => ({ ...draft, status: 'sent' }),
    EmailDraftSendFailed: (draft, { data: { outcome } }) => ({ ...draft, status: outcome === 'unknown' ? 'unknown' : 'failed' }),
    EmailDraftDiscarded: (draft) => ({ ...draft, status: 'discarded' }),
  },
  title: ({ subject }) => subject ?? undefined,
});

const causeOf = ({ event_id, revision, meta }: Pick<AnyEvent, 'event_id' | 'revision' | 'meta'>) => ({
  event_id,
  revision,
  at: meta.at,
  correlation_id: meta.$correlationId,
});

const recipients = z
  .array(z.strictObject({ name: headerText(200).trim().min(1).nullable().default(null), address: emailAddress }))
  .max(MAX_RECIPIENTS);
const body = longText.refine((text) => Buffer.byteLength(text) <= MAX_BYTES, 'must be at most 256 KiB in UTF-8').nullable();
const fields = {
  in_reply_to_email_id: uuid.nullable(),
  to_addresses: recipients,
  cc_addresses: recipients,
  bcc_addresses: recipients,
  // A line of a letter has at most 998 bytes (RFC 5322 section 2.1.1); a longer subject is folded.
  subject: headerText(998).nullable(),
  body_text: body,
  body_html: body,
};

export const createEmailDraft = command({
  route: 'POST /email-drafts',
  summary: 'Begin to write an email',
  description: 'It is by whom the token is of, the person or their assistant, and is sent from the person’s address.',
  body: z.strictObject({
    id: uuidV7.optional(),
    in_reply_to_email_id: fields.in_reply_to_email_id.default(null),
    to_addresses: recipients.default([]),
    cc_addresses: recipients.default([]),
    bcc_addresses: recipients.default([]),
    subject: fields.subject.default(null),
    body_text: body.default(null),
    body_html: body.default(null),
  }),
  example: {
    to_addresses: [{ name: 'Bob', address: 'bob@example.com' }],
    subject: 'Dinner on Friday',
    body_text: 'Shall we say seven?',
  },
  aggregate: emailDraft,
  needs: async ({ body }, load) => load(reference(email, body.in_reply_to_email_id, '/in_reply_to_email_id')),
  create: ({ body: { id, ...draft }, user }) => emailDraftCreated({ ...draft, author: user.actor === 'assistant' ? 'assistant' : 'user' }),
  answer: 'getEmailDraft',
});

export const changeEmailDraft = command({
  route: 'PATCH /email-drafts/:id',
  summary: 'Go on writing an email',
  description: 'What is scheduled is what will be sent: to change it, take it off the schedule first.',
  body: patchOf(fields),
  example: { subject: 'Dinner on Saturday', cc_addresses: [{ address: 'cleo@example.com' }] },
  aggregate: emailDraft,
  needs: async ({ body }, load) => load(reference(email, body.in_reply_to_email_id, '/in_reply_to_email_id')),
  decide: (draft, { body }) => {
    const differs = changed(draft, body);
    if (!differs) return [];
    return draft.status === 'draft' || draft.status === 'failed' ? emailDraftChanged(differs) : notNow(draft);
  },
  answer: 'getEmailDraft',
});

export const scheduleEmailDraft = command({
  route: 'POST /email-drafts/:id/schedule',
  summary: 'Have an email sent at a time',
  body: z.strictObject({ send_at: instant }),
  example: { send_at: '2100-03-05T08:00:00Z' },
  aggregate: emailDraft,
  creates: false,
  prepare: async ({ body: { send_at }, at }, { settings }) => ({
    decide: (draft) => {
      if (!draft || (draft.status === 'scheduled' && draft.send_at === send_at)) return [];
      if (!['draft', 'scheduled', 'failed'].includes(draft.status)) return notNow(draft);
      if (send_at <= at) return unprocessable('time-has-passed', 'This is in the past; /send sends at once.', '/send_at');
      return unsendable(draft, settings.sendsPerDay) ?? emailDraftScheduled({ send_at });
    },
  }),
  answer: 'getEmailDraft',
});

export const unscheduleEmailDraft = command({
  route: 'POST /email-drafts/:id/unschedule',
  summary: 'Take an email off the schedule',
  body: noBody,
  aggregate: emailDraft,
  decide: (draft) => {
    if (draft.status === 'draft' || draft.status === 'failed') return [];
    return draft.status === 'scheduled' ? emailDraftUnscheduled({}) : notNow(draft);
  },
  answer: 'getEmailDraft',
});

export const sendEmailDraft = command({
  route: 'POST /email-drafts/:id/send',
  summary: 'Send an email',
  description:
    'It is sent soon after this answer, once: `status` says how that went. Where it is `unknown` whether it was sent, because the end of ' +
    'a try was not seen, it is sent again only when you say `again`; some may then have it twice, under one Message-ID.',
  body: z.strictObject({ again: z.boolean().default(false) }).prefault({}),
  refuses: [429],
  example: { again: false },
  aggregate: emailDraft,
  creates: false,
  prepare: async ({ id, user, body: { again }, at }, { settings: { sendsPerDay }, folds }) => ({
    decide: async (draft) => {
      if (!draft || draft.status === 'sending' || draft.status === 'sent') return [];
      // What another process was told to send at once may have a time that is to come by this clock.
      if (isDue(draft, at) || isDue(draft, draft.scheduled_by?.at ?? at)) return [];
      if (draft.status === 'discarded' || (draft.status === 'unknown' && !again)) return notNow(draft);
      const { state: sends } = await folds.fresh(emailSends, `${emailSends.category}-${sendsOf(user.id, at)}`);
      return (
        unsendable(draft, sendsPerDay) ?? overdrawn(sends, nextTry(id, draft), sendsPerDay, at) ?? emailDraftScheduled({ send_at: at })
      );
    },
  }),
  answer: 'getEmailDraft',
});

export const discardEmailDraft = command({
  route: 'DELETE /email-drafts/:id',
  summary: 'Discard an email that was not sent',
  description: 'It stays to be looked at, with the status `discarded`; a list shows it only where that is asked for.',
  body: noBody,
  aggregate: emailDraft,
  decide: (draft) => {
    if (draft.status === 'discarded') return [];
    return draft.status === 'sending' || draft.status === 'sent' ? notNow(draft) : emailDraftDiscarded({});
  },
});

const reasons: Readonly<Record<Draft['status'], string>> = {
  draft: 'This is being written.',
  scheduled: 'This is scheduled; take it off the schedule first.',
  sending: 'This is being sent.',
  sent: 'This was sent.',
  failed: 'This could not be sent.',
  unknown: 'It is not known whether this was sent. Send it again (`again`) or discard it.',
  discarded: 'This was discarded.',
};

const notNow = ({ status }: Draft) => conflict(`draft-${status}`, reasons[status]);

function unsendable(draft: Draft, sendsPerDay: number) {
  if (sendsPerDay === 0)
    return conflict('smtp-not-set-up', 'This Daybook cannot send email yet: set SMTP_URL to the mail server to send through.');
  return recipientsOf(draft) === 0 ? conflict('no-recipients', 'There is nobody to send this to.') : undefined;
}

export const recipientsOf = ({ to_addresses, cc_addresses, bcc_addresses }: Draft): number =>
  to_addresses.length + cc_addresses.length + bcc_addresses.length;

export const nextTry = (id: string, draft: Draft): Sending => ({
  draft_id: id,
  try_number: draft.tries + 1,
  recipients: recipientsOf(draft),
});

/** Due, and not taken yet. */
export const isDue = ({ status, send_at }: Draft, at: string): boolean => status === 'scheduled' && send_at !== null && send_at <= at;

/** Takes a draft that is due: who appends this sends it, and nobody else. @param messageId for the first try */
export const startSending = (draft: Draft, at: string, messageId: string): Decision =>
  isDue(draft, at) ? emailDraftSendStarted({ message_id_header: draft.message_id_header ?? messageId }) : [];

/** The mail server has taken it. That holds whatever was believed of the try in the meantime. */
export const haveSent = (draft: Draft, sent_email_id: string, refused_addresses: readonly string[]): Decision =>
  draft.status === 'sent' ? [] : emailDraftSent({ sent_email_id, refused_addresses: [...refused_addresses] });

/** A try ended otherwise. It says nothing about a later try. */
export const haveFailed = (draft: Draft, ofTry: number, outcome: z.output<typeof sendFailure>, error: string): Decision => {
  const isOpen = draft.status === 'sending' || (draft.status === 'unknown' && outcome === 'not_sent');
  return isOpen && draft.tries === ofTry ? emailDraftSendFailed({ outcome, error }) : [];
};

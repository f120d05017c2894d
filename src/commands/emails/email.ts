// Emails: letters that came or went, as they were, and how the person has filed and marked them.
import { z } from 'zod';
import {
  emailDeleted,
  emailImportanceChanged,
  emailLabelsChanged,
  emailMarkedRead,
  emailMarkedUnread,
  emailMoved,
  emailReceived,
  emailSent,
  emailStarred,
  emailUnstarred,
} from '../../events/emails.ts';
import { type Problem, unprocessable } from '../../problem.ts';
import {
  emailDirection,
  emailFolder,
  emailImportance,
  emailLabel,
  instant,
  longText,
  type mailbox,
  mediaType,
  sha256,
  text,
  uuidV7,
} from '../../vocabulary.ts';
import { aggregate } from '../aggregate.ts';
import { command, noBody } from '../command.ts';
import { changed, patchOf } from '../patch.ts';
import { emailIdOf, messageId, references, threadIdOf } from './identity.ts';
import { MAX_ADDRESS, MAX_ADDRESSES, MAX_SUBJECT, rfc5322Message } from './rfc5322.ts';
import { snippetOf } from './snippet.ts';

const MAX_BODY_BYTES = 256 * 1024;
/** What leaves room for the metadata in an append of 1 MiB. */
const MAX_EVENT_BYTES = 1000 * 1024;

type Mailbox = z.output<typeof mailbox>;

export type Email = {
  readonly direction: z.output<typeof emailDirection>;
  readonly message_id_header: string | null;
  readonly thread_id: string;
  readonly in_reply_to: string | null;
  readonly references: readonly string[];
  readonly from_address: string;
  readonly from_name: string | null;
  readonly to_addresses: readonly Mailbox[];
  readonly cc_addresses: readonly Mailbox[];
  readonly subject: string | null;
  readonly folder: z.output<typeof emailFolder>;
  readonly is_read: boolean;
  readonly is_starred: boolean;
  readonly importance: z.output<typeof emailImportance>;
  readonly labels: readonly string[];
};

export const email = aggregate<Email>({
  category: 'email',
  created: {
    EmailReceived: ({ data: { body_text, body_html, snippet, attachments, ...email } }) => ({ ...email, direction: 'inbound' }),
    EmailSent: ({ data: { body_text, body_html, snippet, attachments, ...email } }) => ({ ...email, direction: 'outbound' }),
  },
  evolve: {
    EmailMarkedRead: (email) => ({ ...email, is_read: true }),
    EmailMarkedUnread: (email) => ({ ...email, is_read: false }),
    EmailStarred: (email) => ({ ...email, is_starred: true }),
    EmailUnstarred: (email) => ({ ...email, is_starred: false }),
    EmailMoved: (email, { data }) => ({ ...email, ...data }),
    EmailLabelsChanged: (email, { data }) => ({ ...email, ...data }),
    EmailImportanceChanged: (email, { data }) => ({ ...email, ...data }),
    EmailDeleted: () => undefined,
  },
  title: ({ subject }) => subject || undefined,
});

// Not every address that letters come from is a valid one, and some letters name none.
const address = text(MAX_ADDRESS).trim();
const addresses = z.array(z.strictObject({ name: text(MAX_ADDRESS).nullable().default(null), address: address.min(1) })).max(MAX_ADDRESSES);
const body = longText.refine((text) => Buffer.byteLength(text) <= MAX_BODY_BYTES, 'must be at most 256 KiB in UTF-8');
const marks = {
  folder: emailFolder,
  is_read: z.boolean(),
  is_starred: z.boolean(),
  importance: emailImportance,
  labels: z
    .array(emailLabel)
    .max(50)
    .transform((labels) => [...new Set(labels)]),
};
const part = {
  filename: text(255).min(1).nullable().default(null),
  content_type: mediaType.default('application/octet-stream'),
  content_id: text(998).min(1).nullable().default(null),
  is_inline: z.boolean().default(false),
};

/** @param letter the data of its EmailReceived or EmailSent */
export const tooLarge = (letter: object): Problem | undefined =>
  Buffer.byteLength(JSON.stringify(letter)) > MAX_EVENT_BYTES
    ? unprocessable('email-too-large', 'Without its attachments, this email is larger than 1000 KiB.', '')
    : undefined;

export const recordEmail = command({
  route: 'POST /emails',
  summary: 'Record an email that came, or that was sent elsewhere',
  description:
    'The same Message-ID again, in the same direction, is the same email: it is recorded once, and answered as it is now. One that came and does not say when, came when it was sent, or else when it is recorded. Emails are of one thread where their References, or else In-Reply-To, lead to the same first one.',
  body: z
    .strictObject({
      id: uuidV7.optional(),
      direction: emailDirection,
      message_id_header: messageId.nullable().default(null),
      in_reply_to: messageId.nullable().default(null),
      references: references.default([]),
      from_address: address,
      from_name: text(MAX_ADDRESS).nullable().default(null),
      to_addresses: addresses.default([]),
      cc_addresses: addresses.default([]),
      bcc_addresses: addresses.default([]),
      subject: text(MAX_SUBJECT).nullable().default(null),
      body_text: body.nullable().default(null),
      body_html: body.nullable().default(null),
      folder: marks.folder.optional(),
      is_read: marks.is_read.optional(),
      is_starred: marks.is_starred.default(false),
      importance: marks.importance.default('normal'),
      labels: marks.labels.default([]),
      sent_at: instant.nullable().default(null),
      received_at: instant.nullable().default(null),
      attachments: z
        .array(z.strictObject({ ...part, content: z.base64() }))
        .max(100)
        .default([]),
      stored_attachments: z.array(z.strictObject({ ...part, size_bytes: z.int(), sha256 })).default([]),
      raw_sha256: sha256.optional(),
    })
    .refine(({ id, message_id_header }) => id === undefined || message_id_header === null, {
      path: ['id'],
      message: 'is for an email without a Message-ID: one that has it is known by that',
    }),
  bodies: { 'message/rfc822': rfc5322Message },
  readOnly: ['stored_attachments', 'raw_sha256'],
  example: {
    direction: 'inbound',
    message_id_header: '<20261124.42@example.org>',
    from_address: 'ada@example.org',
    from_name: 'Ada',
    to_addresses: [{ name: null, address: 'me@example.com' }],
    subject: 'The concert',
    body_text: 'Shall we meet at eight?',
    sent_at: '2026-11-24T07:08:03+01:00',
  },
  aggregate: email,
  identify: ({ user, body: { direction, message_id_header, raw_sha256 } }) => {
    const said = message_id_header ?? raw_sha256;
    return said === undefined ? undefined : emailIdOf(user.id, direction, said);
  },
  creates: true,
  prepare: async ({ id: emailId, body, user, at }, { blobs }) => {
    const { id, direction, raw_sha256, attachments, stored_attachments, ...email } = body;
    const stored = [];
    for (const { content, ...part } of attachments)
      stored.push({ ...part, ...(await blobs.put(user.id, [Buffer.from(content, 'base64')])) });
    const letter = {
      ...email,
      thread_id: threadIdOf(user.id, email, emailId),
      snippet: snippetOf(email.body_text, email.body_html),
      folder: email.folder ?? (direction === 'inbound' ? ('inbox' as const) : ('sent' as const)),
      is_read: email.is_read ?? direction === 'outbound',
      received_at: email.received_at ?? (direction === 'inbound' ? cameAt(email.sent_at, at) : null),
      attachments: [...stored, ...stored_attachments],
    };
    return {
      decide: (recorded) => {
        if (recorded) return [];
        return tooLarge(letter) ?? (direction === 'inbound' ? emailReceived(letter) : emailSent(letter));
      },
    };
  },
  answer: 'getEmail',
});

/** Of a letter that does not say when it came: when it was sent, unless that is missing or ahead of its being here. */
const cameAt = (sent_at: string | null, at: string): string => (sent_at !== null && sent_at <= at ? sent_at : at);

export const changeEmail = command({
  route: 'PATCH /emails/:id',
  summary: 'Mark an email as read or unread, star it, move it, label it or say how important it is',
  description: '`labels` are all it is to have. What an email says cannot be changed.',
  body: patchOf(marks),
  example: { is_read: true, folder: 'archive', labels: ['Music'] },
  aggregate: email,
  decide: (email, { body }) => {
    const { is_read, is_starred, folder, labels, importance } = changed(email, body) ?? {};
    return [
      is_read !== undefined && (is_read ? emailMarkedRead({}) : emailMarkedUnread({})),
      is_starred !== undefined && (is_starred ? emailStarred({}) : emailUnstarred({})),
      folder !== undefined && emailMoved({ folder }),
      labels !== undefined && emailLabelsChanged({ labels }),
      importance !== undefined && emailImportanceChanged({ importance }),
    ].filter((event) => event !== false);
  },
  answer: 'getEmail',
});

export const deleteEmail = command({
  route: 'DELETE /emails/:id',
  summary: 'Delete an email with its attachments',
  description: 'To be able to find it again, move it to the trash. Recorded again, it is there again.',
  body: noBody,
  aggregate: email,
  decide: () => emailDeleted({}),
});

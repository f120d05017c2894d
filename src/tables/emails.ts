// Letters received and sent, what was attached to them, and drafts.
import { z } from 'zod';
import {
  draftAuthor,
  draftStatus,
  emailDirection,
  emailFolder,
  emailImportance,
  mailbox,
  sha256,
  storedInstant,
  uuid,
} from '../vocabulary.ts';
import { common, count, table } from './table.ts';

const recipients = { to_addresses: z.array(mailbox), cc_addresses: z.array(mailbox), bcc_addresses: z.array(mailbox) };
const content = { subject: z.string().nullable(), body_text: z.string().nullable(), body_html: z.string().nullable() };

export const emailRows = table('emails.emails', {
  ...common,
  message_id_header: z.string().nullable(),
  thread_id: uuid,
  in_reply_to: z.string().nullable(),
  direction: emailDirection,
  from_address: z.string(),
  from_name: z.string().nullable(),
  ...recipients,
  ...content,
  snippet: z.string(),
  folder: emailFolder,
  is_read: z.boolean(),
  is_starred: z.boolean(),
  importance: emailImportance,
  labels: z.array(z.string()),
  has_attachments: z.boolean(),
  sent_at: storedInstant.nullable(),
  received_at: storedInstant.nullable(),
});

export const emailAttachmentRows = table(
  'emails.email_attachments',
  {
    ...common,
    email_id: uuid,
    filename: z.string().nullable(),
    content_type: z.string(),
    size_bytes: count,
    content_id: z.string().nullable(),
    is_inline: z.boolean(),
    sha256,
    blob_key: z.string(),
  },
  { untold: ['blob_key'] },
);

export const emailDraftRows = table('emails.email_drafts', {
  ...common,
  in_reply_to_email_id: uuid.nullable(),
  ...recipients,
  ...content,
  status: draftStatus,
  send_at: storedInstant.nullable(),
  sent_email_id: uuid.nullable(),
  author: draftAuthor,
});

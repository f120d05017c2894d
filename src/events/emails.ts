// What can happen to letters and to their drafts. What a letter says never changes; where it is and how it is marked does.
import { z } from 'zod';
import { draftAuthor, emailFolder, emailImportance, instant, longText, mailbox, sendFailure, sha256, text, uuid } from '../vocabulary.ts';
import { event } from './event.ts';

const recipients = { to_addresses: z.array(mailbox), cc_addresses: z.array(mailbox), bcc_addresses: z.array(mailbox) };

// Limits are those of where it came in: a letter from outside may say whatever it likes.
const attachment = z.object({
  filename: z.string().nullable(),
  content_type: z.string(),
  size_bytes: z.int().nonnegative(),
  content_id: z.string().nullable(),
  is_inline: z.boolean(),
  /** Of its bytes, by which the blob store has them. */
  sha256,
});
const letter = {
  message_id_header: z.string().nullable(),
  thread_id: uuid,
  in_reply_to: z.string().nullable(),
  /** What it continues, the oldest first (RFC 5322 section 3.6.4): an answer goes on from there. */
  references: z.array(z.string()),
  from_address: z.string(),
  from_name: z.string().nullable(),
  ...recipients,
  subject: z.string().nullable(),
  body_text: z.string().nullable(),
  body_html: z.string().nullable(),
  snippet: z.string(),
  folder: emailFolder,
  is_read: z.boolean(),
  is_starred: z.boolean(),
  importance: emailImportance,
  labels: z.array(z.string()),
  sent_at: instant.nullable(),
  received_at: instant.nullable(),
  attachments: z.array(attachment),
};
export const emailReceived = event('EmailReceived', letter);
export const emailSent = event('EmailSent', letter);
export const emailMarkedRead = event('EmailMarkedRead', {});
export const emailMarkedUnread = event('EmailMarkedUnread', {});
export const emailStarred = event('EmailStarred', {});
export const emailUnstarred = event('EmailUnstarred', {});
export const emailMoved = event('EmailMoved', { folder: emailFolder });
export const emailLabelsChanged = event('EmailLabelsChanged', { labels: z.array(z.string()) });
export const emailImportanceChanged = event('EmailImportanceChanged', { importance: emailImportance });
export const emailDeleted = event('EmailDeleted', {});

const draft = {
  in_reply_to_email_id: uuid.nullable(),
  ...recipients,
  subject: text(998).nullable(),
  body_text: longText.nullable(),
  body_html: longText.nullable(),
};
export const emailDraftCreated = event('EmailDraftCreated', { ...draft, author: draftAuthor });
export const emailDraftChanged = event('EmailDraftChanged', z.object(draft).exactPartial().shape);
/** To send at once is to schedule for now. */
export const emailDraftScheduled = event('EmailDraftScheduled', { send_at: instant });
export const emailDraftUnscheduled = event('EmailDraftUnscheduled', {});
/** A try to send a draft, counted against what its person may send in a day. */
export const emailSendCounted = event('EmailSendCounted', {
  draft_id: uuid,
  try_number: z.int().positive(),
  recipients: z.int().positive(),
});
/** Appended before a word is said to the mail server. The Message-ID is the same in every try. */
export const emailDraftSendStarted = event('EmailDraftSendStarted', { message_id_header: text(998) });
/** `refused_addresses`: those of the recipients whom the mail server did not take while it took others. */
export const emailDraftSent = event('EmailDraftSent', { sent_email_id: uuid, refused_addresses: z.array(z.string()) });
/** `not_sent`: nobody got it. `unknown`: somebody may have, for the end of the try was not seen. */
export const emailDraftSendFailed = event('EmailDraftSendFailed', { outcome: sendFailure, error: text(2_000) });
export const emailDraftDiscarded = event('EmailDraftDiscarded', {});

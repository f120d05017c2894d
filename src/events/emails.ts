// What can happen to letters and to their drafts.
import { z } from 'zod';
import { draftAuthor, instant, longText, mailbox, sendFailure, text, uuid } from '../vocabulary.ts';
import { event } from './event.ts';

const recipients = { to_addresses: z.array(mailbox), cc_addresses: z.array(mailbox), bcc_addresses: z.array(mailbox) };

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
/** Appended before a word is said to the mail server. The Message-ID is the same in every try. */
export const emailDraftSendStarted = event('EmailDraftSendStarted', { message_id_header: text(998) });
/** `refused_addresses`: those of the recipients whom the mail server did not take while it took others. */
export const emailDraftSent = event('EmailDraftSent', { sent_email_id: uuid, refused_addresses: z.array(z.string()) });
/** `not_sent`: nobody got it. `unknown`: somebody may have, for the end of the try was not seen. */
export const emailDraftSendFailed = event('EmailDraftSendFailed', { outcome: sendFailure, error: text(2_000) });
export const emailDraftDiscarded = event('EmailDraftDiscarded', {});

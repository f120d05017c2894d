// Drafts as rows, and what happened to them as sentences.
import { emailDraftRows } from '../../tables/emails.ts';
import { insert, projection, update } from '../projection.ts';
import { quoted, silent, teller } from '../sentence.ts';

export const emailDrafts = projection('emailDrafts', 1, {
  EmailDraftCreated: ({ id, data }) => insert(emailDraftRows, { id, ...data, status: 'draft', send_at: null, sent_email_id: null }),
  EmailDraftChanged: ({ id, data }) => update(emailDraftRows, id, data),
  EmailDraftScheduled: ({ id, data }) => update(emailDraftRows, id, { status: 'scheduled', send_at: data.send_at }),
  EmailDraftUnscheduled: ({ id }) => update(emailDraftRows, id, { status: 'draft', send_at: null }),
  EmailDraftSendStarted: ({ id }) => update(emailDraftRows, id, { status: 'sending' }),
  EmailDraftSent: ({ id, data }) => update(emailDraftRows, id, { status: 'sent', sent_email_id: data.sent_email_id }),
  EmailDraftSendFailed: ({ id, data }) => update(emailDraftRows, id, { status: data.outcome === 'unknown' ? 'unknown' : 'failed' }),
  EmailDraftDiscarded: ({ id }) => update(emailDraftRows, id, { status: 'discarded' }),
});

export const emailDraftSentences = teller('draft', {
  EmailDraftCreated: ({ data }) => `Began to write the email${quoted(data.subject ?? undefined)}`,
  EmailDraftChanged: ({ data: { body_text, body_html, ...details }, meta }) => ({
    summary: `Changed the draft${quoted(meta.title)}`,
    details,
  }),
  EmailDraftScheduled: ({ data, meta }) => ({
    summary: data.send_at === meta.at ? `Had the email${quoted(meta.title)} sent` : `Scheduled the email${quoted(meta.title)}`,
    details: { ...data },
  }),
  EmailDraftUnscheduled: ({ meta }) => `Took the email${quoted(meta.title)} off the schedule`,
  EmailSendCounted: silent('what is sent is what happens'),
  EmailDraftSendStarted: ({ data, meta }) => ({ summary: `Began to send the email${quoted(meta.title)}`, details: { ...data } }),
  EmailDraftSent: ({ data, meta }) => ({
    summary: `Sent the email${quoted(meta.title)}${data.refused_addresses.length > 0 ? `, but not to ${data.refused_addresses.join(', ')}` : ''}`,
    details: { ...data },
  }),
  EmailDraftSendFailed: ({ data, meta }) => ({
    summary:
      data.outcome === 'unknown' ? `Lost track of sending the email${quoted(meta.title)}` : `Could not send the email${quoted(meta.title)}`,
    details: { ...data },
  }),
  EmailDraftDiscarded: ({ meta }) => `Discarded the draft${quoted(meta.title)}`,
});

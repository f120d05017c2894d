// Questions about letters, their threads and what is attached to them. A list tells how each begins; the whole text is with
// the one email.
import { sql } from 'slonik';
import { z } from 'zod';
import { emailAttachmentRows, emailRows } from '../../tables/emails.ts';
import { emailDirection, emailFolder, emailImportance, emailLabel, instant, text, uuid } from '../../vocabulary.ts';
import { anyOf, columnsOf, file, inList, list, one } from '../query.ts';

const emailView = emailRows.row.omit({ user_id: true });
const beginnings = { ...emailRows, row: emailRows.row.omit({ body_text: true, body_html: true }) };
const beginningView = beginnings.row.omit({ user_id: true });
// Where the bytes are is Daybook's own business.
const attachments = { ...emailAttachmentRows, row: emailAttachmentRows.row.omit({ blob_key: true }) };
const attachmentView = attachments.row.omit({ user_id: true });

export const getEmail = one({
  name: 'getEmail',
  route: 'GET /emails/:id',
  summary: 'An email, with all that it says',
  response: emailView,
  sql: ({ params, from }) => sql.fragment`SELECT ${columnsOf(emailRows)} FROM ${from(emailRows)} t WHERE t.id = ${params.id ?? null}`,
});

export const listEmails = list({
  name: 'listEmails',
  route: 'GET /emails',
  summary: 'Emails, the latest first',
  description: '`date` is when an email came, or else when it was sent, or else when it was recorded. `labels` finds what has any of them.',
  item: beginningView,
  filters: {
    folder: anyOf(emailFolder),
    direction: emailDirection.optional(),
    is_read: z.stringbool().optional(),
    is_starred: z.stringbool().optional(),
    importance: anyOf(emailImportance),
    labels: anyOf(emailLabel),
    has_attachments: z.stringbool().optional(),
    thread_id: uuid.optional(),
    message_id_header: text(1_000).optional(),
    from: text(998).optional(),
    since: instant.optional(),
    until: instant.optional(),
  },
  sort: { table: emailRows, by: { date: 'dated_at' }, default: '-date' },
  columns: () => columnsOf(beginnings),
  from: ({ from }) => sql.fragment`${from(emailRows)} t`,
  where: ({
    folder,
    direction,
    is_read,
    is_starred,
    importance,
    labels,
    has_attachments,
    thread_id,
    message_id_header,
    from,
    since,
    until,
  }) => [
    inList('folder', folder),
    direction && sql.fragment`t.direction = ${direction}`,
    is_read !== undefined && (is_read ? sql.fragment`t.is_read` : sql.fragment`NOT t.is_read`),
    is_starred !== undefined && (is_starred ? sql.fragment`t.is_starred` : sql.fragment`NOT t.is_starred`),
    inList('importance', importance),
    labels && sql.fragment`t.labels && ${sql.array(labels, 'text')}`,
    has_attachments !== undefined && sql.fragment`t.has_attachments = ${has_attachments}`,
    thread_id && sql.fragment`t.thread_id = ${thread_id}`,
    message_id_header && sql.fragment`t.message_id_header = ${message_id_header}`,
    from && sql.fragment`lower(t.from_address) = lower(${from})`,
    since && sql.fragment`t.dated_at >= ${since}`,
    until && sql.fragment`t.dated_at < ${until}`,
  ],
});

export const listThread = list({
  name: 'listThread',
  route: 'GET /emails/threads/:thread_id',
  summary: 'The emails of a thread, the oldest first',
  item: beginningView,
  filters: {},
  sort: { table: emailRows, by: { date: 'dated_at' }, default: 'date' },
  within: ({ params, from }) => sql.fragment`SELECT FROM ${from(emailRows)} t WHERE t.thread_id = ${params.thread_id ?? null}`,
  columns: () => columnsOf(beginnings),
  from: ({ from }) => sql.fragment`${from(emailRows)} t`,
  where: (_, { params }) => [sql.fragment`t.thread_id = ${params.thread_id ?? null}`],
});

export const listEmailAttachments = list({
  name: 'listEmailAttachments',
  route: 'GET /emails/:id/attachments',
  summary: 'What is attached to an email',
  item: attachmentView,
  filters: {},
  sort: { table: emailAttachmentRows, by: { created_at: 'created_at' }, default: 'created_at' },
  within: ({ params, from }) => sql.fragment`SELECT FROM ${from(emailRows)} t WHERE t.id = ${params.id ?? null}`,
  columns: () => columnsOf(attachments),
  from: ({ from }) => sql.fragment`${from(emailAttachmentRows)} t`,
  where: (_, { params }) => [sql.fragment`t.email_id = ${params.id ?? null}`],
});

export const getEmailAttachment = file({
  name: 'getEmailAttachment',
  route: 'GET /emails/:id/attachments/:attachment_id',
  summary: 'The bytes of an attachment',
  sql: ({ params, from }) => sql.fragment`
    SELECT t.sha256, NULL AS text, t.content_type, t.filename FROM ${from(emailAttachmentRows)} t
    WHERE t.id = ${params.attachment_id ?? null} AND t.email_id = ${params.id ?? null}`,
});

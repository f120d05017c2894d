// Questions about drafts.
import { sql } from 'slonik';
import { emailDraftRows } from '../../tables/emails.ts';
import { draftAuthor, draftStatus, uuid } from '../../vocabulary.ts';
import { anyOf, columnsOf, inList, list, one } from '../query.ts';

const draftView = emailDraftRows.row.omit({ user_id: true });

export const getEmailDraft = one({
  name: 'getEmailDraft',
  route: 'GET /email-drafts/:id',
  summary: 'A draft of an email',
  response: draftView,
  sql: ({ params, from }) =>
    sql.fragment`SELECT ${columnsOf(emailDraftRows)} FROM ${from(emailDraftRows)} t WHERE t.id = ${params.id ?? null}`,
});

export const listEmailDrafts = list({
  name: 'listEmailDrafts',
  route: 'GET /email-drafts',
  summary: 'Drafts of emails',
  description: 'Without a `status`, all but those that were discarded.',
  item: draftView,
  filters: { status: anyOf(draftStatus), author: anyOf(draftAuthor), in_reply_to_email_id: uuid.optional() },
  sort: { table: emailDraftRows, by: { updated_at: 'updated_at', created_at: 'created_at' }, default: '-updated_at' },
  columns: () => columnsOf(emailDraftRows),
  from: ({ from }) => sql.fragment`${from(emailDraftRows)} t`,
  where: ({ status, author, in_reply_to_email_id }) => [
    status ? inList('status', status) : sql.fragment`t.status <> 'discarded'`,
    inList('author', author),
    in_reply_to_email_id && sql.fragment`t.in_reply_to_email_id = ${in_reply_to_email_id}`,
  ],
});

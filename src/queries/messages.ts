// Questions about what was said.
import { sql } from 'slonik';
import { messageRows } from '../tables/messages.ts';
import { sessionRows } from '../tables/sessions.ts';
import { instant, messageRole, uuid } from '../vocabulary.ts';
import { anyOf, columnsOf, inList, list, one } from './query.ts';

const messageView = messageRows.row.omit({ user_id: true });

export const getMessage = one({
  name: 'getMessage',
  route: 'GET /messages/:id',
  summary: 'A message',
  response: messageView,
  sql: ({ params, from }) => sql.fragment`SELECT ${columnsOf(messageRows)} FROM ${from(messageRows)} t WHERE t.id = ${params.id ?? null}`,
});

export const listMessages = list({
  name: 'listMessages',
  route: 'GET /sessions/:id/messages',
  summary: 'The messages of a session, in the order they were sent',
  item: messageView,
  filters: { role: anyOf(messageRole), parent_message_id: uuid.optional(), since: instant.optional(), until: instant.optional() },
  sort: { table: messageRows, by: { created_at: 'created_at' }, default: 'created_at' },
  within: ({ params, from }) => sql.fragment`SELECT FROM ${from(sessionRows)} t WHERE t.id = ${params.id ?? null}`,
  columns: () => columnsOf(messageRows),
  from: ({ from }) => sql.fragment`${from(messageRows)} t`,
  where: ({ role, parent_message_id, since, until }, { params }) => [
    sql.fragment`t.session_id = ${params.id ?? null}`,
    inList('role', role),
    parent_message_id && sql.fragment`t.parent_message_id = ${parent_message_id}`,
    since && sql.fragment`t.created_at >= ${since}`,
    until && sql.fragment`t.created_at < ${until}`,
  ],
});

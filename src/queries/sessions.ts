// Questions about sessions.
import { sql } from 'slonik';
import { sessionRows } from '../tables/sessions.ts';
import { sessionChannel, sessionStatus } from '../vocabulary.ts';
import { anyOf, columnsOf, inList, list, one } from './query.ts';

const sessionView = sessionRows.row.omit({ user_id: true });

export const getSession = one({
  name: 'getSession',
  route: 'GET /sessions/:id',
  summary: 'A session',
  response: sessionView,
  sql: ({ params, from }) => sql.fragment`SELECT ${columnsOf(sessionRows)} FROM ${from(sessionRows)} t WHERE t.id = ${params.id ?? null}`,
});

export const listSessions = list({
  name: 'listSessions',
  route: 'GET /sessions',
  summary: 'Sessions, those with the latest message first',
  item: sessionView,
  filters: { status: anyOf(sessionStatus), channel: anyOf(sessionChannel) },
  sort: {
    table: sessionRows,
    by: { active_at: 'active_at', created_at: 'created_at', updated_at: 'updated_at' },
    default: '-active_at',
  },
  columns: () => columnsOf(sessionRows),
  from: ({ from }) => sql.fragment`${from(sessionRows)} t`,
  where: ({ status, channel }) => [inList('status', status), inList('channel', channel)],
});

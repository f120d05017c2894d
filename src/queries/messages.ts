// Questions about what was said, and about what language models were asked and what that cost.
import { type FragmentSqlToken, sql } from 'slonik';
import { z } from 'zod';
import { llmRequestRows, messageRows } from '../tables/messages.ts';
import { sessionRows } from '../tables/sessions.ts';
import { userRows } from '../tables/users.ts';
import { instant, llmRequestStatus, messageRole, text, timezone, uuid } from '../vocabulary.ts';
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

const llmRequestView = llmRequestRows.row.omit({ user_id: true });

export const getLlmRequest = one({
  name: 'getLlmRequest',
  route: 'GET /llm-requests/:id',
  summary: 'A request to a language model',
  response: llmRequestView,
  sql: ({ params, from }) =>
    sql.fragment`SELECT ${columnsOf(llmRequestRows)} FROM ${from(llmRequestRows)} t WHERE t.id = ${params.id ?? null}`,
});

const asked = { provider: text(200).optional(), model: text(200).optional(), purpose: text(200).optional() };
type Asked = z.output<z.ZodObject<typeof asked>>;
const isAsked = ({ provider, model, purpose }: Asked) => [
  provider !== undefined && sql.fragment`t.provider = ${provider}`,
  model !== undefined && sql.fragment`t.model = ${model}`,
  purpose !== undefined && sql.fragment`t.purpose = ${purpose}`,
];

export const listLlmRequests = list({
  name: 'listLlmRequests',
  route: 'GET /llm-requests',
  summary: 'Requests to language models, the latest first',
  item: llmRequestView,
  filters: {
    ...asked,
    status: anyOf(llmRequestStatus),
    session_id: uuid.optional(),
    message_id: uuid.optional(),
    since: instant.optional(),
    until: instant.optional(),
  },
  sort: { table: llmRequestRows, by: { started_at: 'started_at' }, default: '-started_at' },
  columns: () => columnsOf(llmRequestRows),
  from: ({ from }) => sql.fragment`${from(llmRequestRows)} t`,
  where: ({ status, session_id, message_id, since, until, ...filters }) => [
    ...isAsked(filters),
    inList('status', status),
    session_id && sql.fragment`t.session_id = ${session_id}`,
    message_id && sql.fragment`t.message_id = ${message_id}`,
    since && sql.fragment`t.started_at >= ${since}`,
    until && sql.fragment`t.started_at < ${until}`,
  ],
});

const used = z.object({
  requests: z.int(),
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  cost_usd: z.number(),
});
/** From the first year on, which is where Postgres begins. */
const day = z.iso.date().refine((date) => date >= '0001', 'must be a day of this era');
const usage = z.object({
  timezone: z.string(),
  from: z.iso.date(),
  to: z.iso.date(),
  items: z.array(z.object({ day: z.iso.date(), provider: z.string(), model: z.string(), ...used.shape })),
  total: used,
});

/** What is not known counts as nothing. Postgres adds, with decimals as they are; a sum has few enough digits for a number. */
const sums = sql.fragment`
  count(*) AS requests, coalesce(sum(prompt_tokens), 0)::int8 AS prompt_tokens,
  coalesce(sum(completion_tokens), 0)::int8 AS completion_tokens, coalesce(sum(cost_usd), 0) AS cost_usd`;

export const getLlmUsage = one({
  name: 'getLlmUsage',
  route: 'GET /llm-requests/usage',
  summary: 'Tokens and cost by day and model',
  description:
    'From one day to another, both included; without them, the 30 days up to today. A day is one of the given time zone or, without, of yours. A request is of the day on which it was started, and one that is pending has no cost yet.',
  response: usage,
  filters: { ...asked, from: day.optional(), to: day.optional(), timezone: timezone.optional() },
  sql: ({ from, userId }, { from: first, to: last, timezone, ...filters }) => {
    const conditions = isAsked(filters).filter((condition): condition is FragmentSqlToken => condition !== false);
    return sql.fragment`
      WITH zone AS (SELECT coalesce(${timezone ?? null}, u.timezone) AS name FROM ${from(userRows)} u WHERE u.id = ${userId}),
      last AS (SELECT name, coalesce(${last ?? null}::date, (now() AT TIME ZONE name)::date) AS day FROM zone),
      days AS (SELECT name, coalesce(${first ?? null}::date, greatest(day - 29, date '0001-01-01')) AS first, day AS last FROM last),
      asked AS (
        SELECT (t.started_at AT TIME ZONE days.name)::date AS day, t.* FROM days, ${from(llmRequestRows)} t
        WHERE ${sql.join(
          [
            sql.fragment`t.started_at >= days.first::timestamp AT TIME ZONE days.name`,
            sql.fragment`t.started_at < (days.last + 1)::timestamp AT TIME ZONE days.name`,
            ...conditions,
          ],
          sql.fragment` AND `,
        )}),
      by_day AS (SELECT day, provider, model, ${sums} FROM asked GROUP BY day, provider, model)
      SELECT days.name AS timezone, days.first AS "from", days.last AS "to",
        (SELECT coalesce(jsonb_agg(to_jsonb(by_day) ORDER BY day, provider, model), '[]') FROM by_day) AS items,
        (SELECT to_jsonb(total) FROM (SELECT ${sums} FROM asked) total) AS total
      FROM days`;
  },
});

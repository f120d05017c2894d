// Finding what is one's own, by the words in it.
import { type FragmentSqlToken, sql } from 'slonik';
import { z } from 'zod';
import { searchableRows } from '../tables/relationships.ts';
import { invalid } from '../validation.ts';
import { instant, searchedType, storedInstant, text, uuid } from '../vocabulary.ts';
import { anyOf, made, type Scope } from './query.ts';

const found = z.object({
  entity_type: searchedType,
  entity_id: uuid,
  title: z.string().nullable(),
  snippet: z.string(),
  score: z.number(),
  occurred_at: storedInstant,
});
const explanation = z.object({ text: z.number().nullable() });
const item = found.extend({ explanation: explanation.optional() });

const filters = {
  q: text(500).refine((question) => question.trim() !== '', 'must say what to find'),
  types: anyOf(searchedType),
  mode: z.enum(['text']).default('text'),
  from: instant.optional(),
  to: instant.optional(),
  limit: z.coerce.number().int().min(1).max(100).default(20),
  explain: z.enum(['true', 'false']).default('false'),
};
type Filters = z.output<z.ZodObject<typeof filters>>;

export const search = made({
  name: 'search',
  route: 'GET /search',
  summary: 'Find what is yours',
  description: `The best \`limit\` of your messages, emails, documents, tasks and calendar events, the best first; there is no next page: a
narrower question finds what is not among them. \`q\` is as in a web search: all words have to be there, whatever their ending,
\`"two words"\` beside each other, \`or\` between alternatives, \`-word\` for what must not be there; the last word may be only begun.
\`from\` and \`to\` (exclusive) are about \`occurred_at\`: when a message was sent, an email came or went, a document changed last, a
task was made, an event begins. \`snippet\` is HTML: what matched is in \`<mark>\`, everything else is escaped. With \`explain=true\`, each
item says what its score is made of.`,
  filters,
  response: z.object({ items: z.array(item) }),
  read: async (any, filters, scope) => {
    const { from, to } = filters;
    if (from !== undefined && to !== undefined && to <= from) {
      throw invalid([{ in: 'query', pointer: '/to', detail: 'must be after from' }]);
    }
    const rows = await any(sql.type(found)`
      WITH hits AS MATERIALIZED (${byWords(scope, filters)} LIMIT ${filters.limit})
      SELECT t.type AS entity_type, t.id AS entity_id, t.title, ${snippetOf(filters.q)} AS snippet, hits.score, t.occurred_at
      FROM hits JOIN ${scope.from(searchableRows)} t USING (type, id)
      ORDER BY hits.score DESC, t.occurred_at DESC, t.id`);
    return {
      items: rows.map(({ snippet, ...row }) => ({
        ...row,
        snippet: marked(snippet),
        ...(filters.explain === 'true' && { explanation: { text: row.score } }),
      })),
    };
  },
});

// Words as they are, the last one only begun, or without their endings: the columns have both.
const question = (q: string): FragmentSqlToken => {
  // A word that must not be there is meant as it is.
  const begun = /[\p{L}\p{N}]$/u.test(q.trimEnd()) ? '\\1\\2:*' : '\\1\\2';
  return sql.fragment`(websearch_to_tsquery('english', ${q}::text) ||
    regexp_replace(websearch_to_tsquery('simple', ${q}::text)::text, '(^|[^!])(''[^'']+'')$', ${begun}::text)::tsquery)`;
};

/** The text in which a snippet is looked for; beyond, it is long. */
const SNIPPET_FROM = 50_000;
/** Two characters that stand for nothing (Unicode's private use) come between, and are marks in the end. */
const BEGIN = '\u{e000}';
const END = '\u{e001}';

function snippetOf(q: string): FragmentSqlToken {
  const options = `StartSel="${BEGIN}", StopSel="${END}", MaxFragments=2, MaxWords=30, MinWords=12, FragmentDelimiter=" … "`;
  const body = sql.fragment`translate(left(coalesce(nullif(t.body, ''), t.title, ''), ${SNIPPET_FROM}), ${BEGIN + END}::text, '')`;
  const headline = (config: FragmentSqlToken) => sql.fragment`ts_headline(${config}, ${body}, ${question(q)}, ${options}::text)`;
  // A word that is only begun may not be the beginning of one without its ending.
  return sql.fragment`(SELECT CASE WHEN strpos(stemmed, ${BEGIN}::text) > 0 THEN stemmed ELSE ${headline(sql.fragment`'simple'`)} END
    FROM (SELECT ${headline(sql.fragment`'english'`)} AS stemmed) headline)`;
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const marked = (snippet: string): string =>
  snippet
    .replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? '')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .replaceAll(BEGIN, '<mark>')
    .replaceAll(END, '</mark>');

const byWords = ({ from }: Scope, { q, types, from: since, to }: Filters): FragmentSqlToken => sql.fragment`
  SELECT t.type, t.id, ts_rank(t.search, ${question(q)}, 1) AS score FROM ${from(searchableRows)} t
  WHERE ${sql.join(
    [
      sql.fragment`t.search @@ ${question(q)}`,
      ...(types ? [sql.fragment`t.type = ANY(${sql.array([...types], 'text')})`] : []),
      ...(since ? [sql.fragment`t.occurred_at >= ${since}`] : []),
      ...(to ? [sql.fragment`t.occurred_at < ${to}`] : []),
    ],
    sql.fragment` AND `,
  )}
  ORDER BY score DESC, t.occurred_at DESC, t.id`;

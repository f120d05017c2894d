// Finding what is one's own: by the words in it, by what it means, or by both.
import { type FragmentSqlToken, sql } from 'slonik';
import { z } from 'zod';
import { EmbeddingFailed } from '../../embeddings/model.ts';
import { unavailable } from '../../problem.ts';
import { entityEmbeddingRows, searchableRows } from '../../tables/relationships.ts';
import { invalid } from '../../validation.ts';
import { instant, searchedType, searchMode, storedInstant, text, uuid } from '../../vocabulary.ts';
import { type Any, anyOf, made, type Scope } from '../query.ts';
import { byMeaning } from './meaning.ts';
import { byWords, excerpt, isMarked, marked, questionOf, unmarked } from './words.ts';

/** How reciprocal rank fusion counts a rank: weight / (FLATNESS + rank). Found by measuring: docs/decisions/0022. */
const FLATNESS = 10;
const WEIGHTS = { text: 2, vector: 1 } as const;
/** How many of each kind are ranked against each other. */
const RANKED = 200;

const part = z.object({ rank: z.int(), score: z.number() });
const explanation = z.object({
  text: part.extend({ ts_rank: z.number() }).nullable(),
  vector: part.extend({ similarity: z.number() }).nullable(),
});
const item = z.object({
  entity_type: searchedType,
  entity_id: uuid,
  title: z.string().nullable(),
  snippet: z.string(),
  score: z.number(),
  occurred_at: storedInstant,
  explanation: explanation.optional(),
});
const hit = item.omit({ snippet: true, explanation: true }).extend({
  chunk_id: uuid.nullable(),
  length: z.int(),
  words_rank: z.int().nullable(),
  words_score: z.number().nullable(),
  ts_rank: z.number().nullable(),
  meaning_rank: z.int().nullable(),
  meaning_score: z.number().nullable(),
  similarity: z.number().nullable(),
});
type Hit = z.output<typeof hit>;
const shown = item.pick({ entity_type: true, entity_id: true }).extend({ excerpt: z.string(), passage: z.string().nullable() });
type Shown = z.output<typeof shown>;

/** The text in which an excerpt is looked for; beyond, it is long. */
const TEXT = sql.fragment`left(coalesce(nullif(t.body, ''), t.title, ''), 50000)`;
/** How many characters are looked through in one statement: while one runs, the embedded Postgres answers nobody else. */
const TURN = 50_000;
/** Of a passage, as much as one sees at a glance. */
const PASSAGE = 240;

const filters = {
  q: text(500)
    .refine((question) => question.trim() !== '', 'must say what to find')
    .meta({ examples: ['when does the boiler get its service'] }),
  types: anyOf(searchedType).meta({ examples: ['message,email'] }),
  mode: searchMode.default('hybrid'),
  from: instant.optional(),
  to: instant.optional(),
  limit: z.coerce.number().int().min(1).max(100).default(20),
  explain: z.enum(['true', 'false']).default('false'),
};
const example = {
  items: [
    {
      entity_type: 'event',
      entity_id: '019a7f0e-6c1b-7d53-9a58-0c7f3e0b6a11',
      title: 'Boiler service',
      snippet: 'Pryce, between eight and noon. Clear the cupboard.',
      score: 0.09090909090909091,
      occurred_at: '2026-11-24T09:00:00.000Z',
      explanation: {
        text: null,
        vector: { rank: 1, score: 0.09090909090909091, similarity: 0.52 },
      },
    },
  ],
  mode: 'hybrid',
};
type Filters = z.output<z.ZodObject<typeof filters>>;

export const search = made({
  name: 'search',
  route: 'GET /search',
  summary: 'Find what is yours',
  description: `The best \`limit\` of your messages, emails, documents, tasks and calendar events, the best first; there is no next page: a
narrower question finds what is not among them.

- \`mode=text\`: \`q\` is as in a web search: all words have to be there, whatever their ending, \`"two words"\` beside each other, \`or\`
  between alternatives, \`-word\` for what must not be there; the last word may be only begun.
- \`mode=vector\`: what means something like \`q\`, whatever its words. What was written a moment ago may not be found yet, and a
  position that the request names is not waited for.
- \`mode=hybrid\`: what is high in one of both orders, or in both.

The answer's \`mode\` says how it was searched: where \`hybrid\` was asked for and the model that understands texts is away, or has not
seen any yet, it is \`text\`; where \`vector\` was, and it is away, the answer is 503.

\`from\` and \`to\` (exclusive) are about \`occurred_at\`: when a message was sent, an email came or went, a document changed last, a
task was made, an event begins. \`snippet\` is HTML: words that matched are in \`<mark>\`, everything else is escaped; where none did, it is
the passage that means something like \`q\`. With \`explain=true\`, each item says which parts its score is the sum of.`,
  filters,
  response: z.object({ items: z.array(item), mode: searchMode }).meta({ examples: [example] }),
  // Vectors come later than rows, so that waiting for those would promise too much.
  waits: ({ mode }) => mode !== 'vector',
  read: async (any, filters, scope) => {
    const { q, from, to, limit } = filters;
    if (from !== undefined && to !== undefined && to <= from) {
      throw invalid([{ in: 'query', pointer: '/to', detail: 'must be after from' }]);
    }
    const { mode, question } = await prepared(filters, scope);
    const hits = await any(sql.type(hit)`
      WITH words AS MATERIALIZED (${mode === 'vector' ? NO_WORDS : byWords(scope, questionOf(q), amongTexts(filters), RANKED)}),
      meaning AS MATERIALIZED (${question ? byMeaning(scope, question, amongChunks(scope, filters), RANKED) : NO_MEANING}),
      ranked AS (
        SELECT type, id, chunk_id, words.rank AS words_rank, ts_rank, meaning.rank AS meaning_rank, similarity,
          ${mode === 'hybrid' ? fused(WEIGHTS.text, 'words') : sql.fragment`ts_rank`} AS words_score,
          ${mode === 'hybrid' ? fused(WEIGHTS.vector, 'meaning') : sql.fragment`similarity`} AS meaning_score
        FROM words FULL JOIN meaning USING (type, id)),
      hits AS MATERIALIZED (
        SELECT *, coalesce(words_score, 0) + coalesce(meaning_score, 0) AS score FROM ranked
        ORDER BY score DESC, coalesce(words_rank, meaning_rank), id LIMIT ${limit})
      SELECT t.type AS entity_type, t.id AS entity_id, t.title, t.occurred_at, hits.score,
        words_rank, words_score, ts_rank, meaning_rank, meaning_score, similarity,
        CASE WHEN words_rank IS NULL THEN chunk_id END AS chunk_id, length(${TEXT}) AS length
      FROM hits JOIN ${scope.from(searchableRows)} t USING (type, id)
      ORDER BY hits.score DESC, coalesce(words_rank, meaning_rank), t.id`);
    const shown: Shown[] = [];
    for (const turn of turnsOf(hits)) shown.push(...(await shownOf(any, scope, q, turn)));
    return { items: hits.flatMap((hit) => itemOf(hit, shown.find(isOf(hit)), filters)), mode };
  },
});

/** The question as a vector, where the mode is about meaning; and the mode that is left where it cannot be had. */
async function prepared({ q, mode }: Filters, { embed }: Scope) {
  if (mode === 'text') return { mode, question: undefined };
  try {
    const question = await embed(q);
    return { mode: question || mode === 'vector' ? mode : 'text', question };
  } catch (error) {
    if (!(error instanceof EmbeddingFailed)) throw error;
    if (mode === 'vector') {
      throw error.isRefusal
        ? invalid([{ in: 'query', pointer: '/q', detail: 'is not taken by the model' }])
        : unavailable('The model that understands texts is away.');
    }
    return { mode: 'text' as const, question: undefined };
  }
}

const NO_WORDS = sql.fragment`SELECT NULL AS type, NULL::uuid AS id, NULL::real AS ts_rank, NULL::int AS rank WHERE false`;
const NO_MEANING = sql.fragment`SELECT NULL AS type, NULL::uuid AS id, NULL::uuid AS chunk_id, NULL::float AS similarity, NULL::int AS rank WHERE false`;

/** Reciprocal rank fusion: a rank's part of the score. */
const fused = (weight: number, order: string) => sql.fragment`${weight}::float / (${FLATNESS} + ${sql.identifier([order, 'rank'])})`;

const ofTypes = ({ types }: Filters, column: FragmentSqlToken) =>
  types ? sql.fragment`${column} = ANY(${sql.array([...types], 'text')})` : sql.fragment`true`;
const within = ({ from, to }: Filters) => [
  ...(from ? [sql.fragment`t.occurred_at >= ${from}`] : []),
  ...(to ? [sql.fragment`t.occurred_at < ${to}`] : []),
];

const amongTexts = (filters: Filters): FragmentSqlToken =>
  sql.fragment`${sql.join([ofTypes(filters, sql.fragment`t.type`), ...within(filters)], sql.fragment` AND `)}`;

const amongChunks = (scope: Scope, filters: Filters): FragmentSqlToken => {
  const times = within(filters);
  const dated = sql.fragment`(e.entity_type, e.entity_id) IN (
    SELECT t.type, t.id FROM ${scope.from(searchableRows)} t WHERE ${amongTexts(filters)})`;
  return times.length > 0 ? dated : ofTypes(filters, sql.fragment`e.entity_type`);
};

/** The hits in their order, as many together as may be looked through at once. */
function turnsOf(hits: readonly Hit[]): Hit[][] {
  const turns: Hit[][] = [];
  // Before the first turn there is not even room for an empty text.
  let left = -1;
  for (const hit of hits) {
    if (hit.length > left) {
      turns.push([]);
      left = TURN;
    }
    left -= hit.length;
    turns.at(-1)?.push(hit);
  }
  return turns;
}

/** What there is to see of these. */
const shownOf = (any: Any, { from }: Scope, q: string, hits: readonly Hit[]) =>
  any(sql.type(shown)`
    SELECT t.type AS entity_type, t.id AS entity_id, left(${unmarked(sql.fragment`e.content`)}, ${PASSAGE + 1}) AS passage,
      CASE WHEN e.id IS NULL THEN ${excerpt(TEXT, questionOf(q))} ELSE ${excerpt(sql.fragment`e.content`, questionOf(q, 'any'))} END AS excerpt
    FROM unnest(${columnOf(hits, 'entity_type', 'text')}, ${columnOf(hits, 'entity_id', 'uuid')}, ${columnOf(hits, 'chunk_id', 'uuid')})
      AS hit (type, id, chunk_id)
    JOIN ${from(searchableRows)} t USING (type, id)
    LEFT JOIN ${from(entityEmbeddingRows)} e ON e.id = hit.chunk_id`);

const columnOf = (hits: readonly Hit[], name: 'entity_type' | 'entity_id' | 'chunk_id', type: 'text' | 'uuid') =>
  sql.array(
    hits.map((hit) => hit[name]),
    type,
  );

const isOf =
  (hit: Hit) =>
  ({ entity_type, entity_id }: Shown): boolean =>
    entity_type === hit.entity_type && entity_id === hit.entity_id;

/** @returns nothing where it was deleted since it was found */
function itemOf(hit: Hit, shown: Shown | undefined, { explain }: Filters) {
  if (!shown) return [];
  const { entity_type, entity_id, title, score, occurred_at } = hit;
  const snippet = shown.passage === null || isMarked(shown.excerpt) ? shown.excerpt : atAGlance(shown.passage);
  return [
    {
      entity_type,
      entity_id,
      title,
      snippet: marked(snippet),
      score,
      occurred_at,
      ...(explain === 'true' && { explanation: explained(hit) }),
    },
  ];
}

const atAGlance = (passage: string) => ([...passage].length > PASSAGE ? passage.replace(/(?<=\s)\S*$/, '…') : passage);

const explained = ({ words_rank, words_score, ts_rank, meaning_rank, meaning_score, similarity }: Hit) => ({
  text: words_rank === null ? null : { rank: words_rank, score: words_score, ts_rank },
  vector: meaning_rank === null ? null : { rank: meaning_rank, score: meaning_score, similarity },
});

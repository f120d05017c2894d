// Questions about what has to do with what.
import { type FragmentSqlToken, sql } from 'slonik';
import { z } from 'zod';
import { entityRows, relationshipRows } from '../tables/relationships.ts';
import { entityType, relationshipAuthor, relationType, uuid } from '../vocabulary.ts';
import { anyOf, columnsOf, inList, list, one, type Scope } from './query.ts';

const relationshipView = relationshipRows.row.omit({ user_id: true });

const MAX_DEPTH = 5;
const MAX_NODES = 200;
const MAX_EDGES = 2_000;

export const getRelationship = one({
  name: 'getRelationship',
  route: 'GET /relationships/:id',
  summary: 'A relationship',
  response: relationshipView,
  sql: ({ params, from }) =>
    sql.fragment`SELECT ${columnsOf(relationshipRows)} FROM ${from(relationshipRows)} t WHERE t.id = ${params.id ?? null}`,
});

const listed = {
  item: relationshipView,
  sort: { table: relationshipRows, by: { created_at: 'created_at' }, default: 'created_at' },
  columns: () => columnsOf(relationshipRows),
  from: ({ from }: Scope) => sql.fragment`${from(relationshipRows)} t`,
};

export const listRelationships = list({
  ...listed,
  name: 'listRelationships',
  route: 'GET /relationships',
  summary: 'Relationships',
  filters: {
    source_type: anyOf(entityType),
    source_id: uuid.optional(),
    target_type: anyOf(entityType),
    target_id: uuid.optional(),
    relation_type: anyOf(relationType),
    author: anyOf(relationshipAuthor),
  },
  where: ({ source_type, source_id, target_type, target_id, relation_type, author }) => [
    inList('source_type', source_type),
    source_id && sql.fragment`t.source_id = ${source_id}`,
    inList('target_type', target_type),
    target_id && sql.fragment`t.target_id = ${target_id}`,
    inList('relation_type', relation_type),
    inList('author', author),
  ],
});

const theEntity = ({ params, from }: Scope): FragmentSqlToken =>
  sql.fragment`SELECT e.type, e.id FROM ${from(entityRows)} e WHERE e.type = ${params.type ?? null} AND e.id = ${params.id ?? null}`;

const direction = z.enum(['outgoing', 'incoming']);

export const listEntityRelationships = list({
  ...listed,
  name: 'listEntityRelationships',
  route: 'GET /entities/:type/:id/relationships',
  summary: 'What a thing has to do with others, in both directions',
  filters: { direction: direction.optional(), relation_type: anyOf(relationType) },
  within: theEntity,
  where: ({ direction, relation_type }, { params: { type = null, id = null } }) => {
    const isSource = sql.fragment`t.source_type = ${type} AND t.source_id = ${id}`;
    const isTarget = sql.fragment`t.target_type = ${type} AND t.target_id = ${id}`;
    const isEither = sql.fragment`((${isSource}) OR (${isTarget}))`;
    return [direction ? { outgoing: isSource, incoming: isTarget }[direction] : isEither, inList('relation_type', relation_type)];
  },
});

const node = z.object({
  ...entityRows.row.pick({ type: true, id: true, title: true }).shape,
  /** How many relationships lead there from where the graph begins. */
  depth: z.int().nonnegative(),
});
const edge = relationshipRows.row.omit({ user_id: true, metadata: true, created_at: true, updated_at: true, version: true });

// The walk has a row for each depth: what is found there for the first time, and all that was found so far, which is never
// walked to again. So a cycle ends, and the limit is one of nodes, not of the ways that lead to them. The strongest come first.
export const getEntityGraph = one({
  name: 'getEntityGraph',
  route: 'GET /entities/:type/:id/graph',
  summary: 'What a thing has to do with, and what that has to do with, and so on',
  description: `Relationships are followed in both directions. Where there are more things than \`limit\`, those that are nearest and most strongly related are in it, and \`is_truncated\` is true; so it is where they have more than ${MAX_EDGES} relationships.`,
  filters: {
    depth: z.coerce.number().int().min(1).max(MAX_DEPTH).default(1),
    limit: z.coerce.number().int().min(1).max(MAX_NODES).default(100),
  },
  response: z.object({ nodes: z.array(node), edges: z.array(edge), is_truncated: z.boolean() }),
  sql: (scope, { depth, limit }) => {
    const related = scope.from(relationshipRows);
    return sql.fragment`
    WITH RECURSIVE walk AS (
      SELECT 0 AS depth, ARRAY[e.type] AS types, ARRAY[e.id] AS ids, ARRAY[e.type || e.id] AS seen FROM (${theEntity(scope)}) e
      UNION ALL
      SELECT walk.depth + 1, next.types, next.ids, walk.seen || next.keys
      FROM walk CROSS JOIN LATERAL (
        SELECT array_agg(type ORDER BY place) AS types, array_agg(id ORDER BY place) AS ids, array_agg(type || id ORDER BY place) AS keys
        FROM (
          SELECT type, id, row_number() OVER (ORDER BY max(strength) DESC, type, id) AS place
          FROM unnest(walk.types, walk.ids) here (here_type, here_id) CROSS JOIN LATERAL (
            SELECT t.target_type AS type, t.target_id AS id, t.strength FROM ${related} t
            WHERE t.source_type = here_type AND t.source_id = here_id
            UNION ALL
            SELECT t.source_type, t.source_id, t.strength FROM ${related} t
            WHERE t.target_type = here_type AND t.target_id = here_id
          ) other
          WHERE type || id <> ALL (walk.seen)
          GROUP BY type, id
          -- One more than fits, to know that there is more.
          ORDER BY place LIMIT ${limit} + 1 - cardinality(walk.seen)
        ) found
      ) next
      WHERE walk.depth < ${depth} AND next.ids IS NOT NULL
    ),
    found AS (
      SELECT type, id, depth, row_number() OVER (ORDER BY depth, place) AS place
      FROM walk CROSS JOIN LATERAL unnest(types, ids) WITH ORDINALITY AS here (type, id, place)
    ),
    nodes AS (SELECT * FROM found WHERE place <= ${limit}),
    edges AS (
      SELECT t.* FROM nodes source
      JOIN ${related} t ON t.source_type = source.type AND t.source_id = source.id
      JOIN nodes target ON target.type = t.target_type AND target.id = t.target_id
      ORDER BY t.strength DESC, t.id LIMIT ${MAX_EDGES + 1}
    )
    SELECT
      (SELECT jsonb_agg(jsonb_build_object('type', type, 'id', id, 'title', title, 'depth', depth) ORDER BY place)
       FROM nodes JOIN ${scope.from(entityRows)} e USING (type, id)) AS nodes,
      (SELECT coalesce(jsonb_agg(jsonb_build_object(${sql.join(
        Object.keys(edge.shape).flatMap((name) => [sql.fragment`${name}::text`, sql.identifier([name])]),
        sql.fragment`, `,
      )}) ORDER BY strength DESC, id), '[]') FROM (SELECT * FROM edges ORDER BY strength DESC, id LIMIT ${MAX_EDGES}) e) AS edges,
      (SELECT count(*) > ${limit} FROM found) OR (SELECT count(*) > ${MAX_EDGES} FROM edges) AS is_truncated
    FROM walk WHERE walk.depth = 0`;
  },
});

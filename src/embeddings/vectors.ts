// What there is of vectors: those that were computed (embeddings.vectors), and from them the rows that are searched
// (relationships.entity_embeddings), one for each chunk of a text.
import { createHash } from 'node:crypto';
import { type CommonQueryMethods, type DatabasePool, sql } from 'slonik';
import { v5 } from 'uuid';
import { z } from 'zod';
import type { Vector } from './model.ts';
import { holdPlace, type Place, PlaceMoved } from './place.ts';
import { type Changed, holdOn, type SearchedType } from './texts.ts';

export type Chunk = { readonly content: string; readonly sha256: string };
export const chunkOf = (content: string): Chunk => ({ content, sha256: createHash('sha256').update(content).digest('hex') });

/** As many rows as nobody has to wait for long who wants the embedded Postgres, too. */
const ROWS_AT_ONCE = 32;

/** The hashes of an entity's rows, in their order; empty for one whose vector is to be computed anew. */
export async function storedChunks(
  database: CommonQueryMethods,
  model: string,
  type: SearchedType,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows = await database.any(sql.type(storedRow)`
    SELECT entity_id, array_agg(CASE WHEN v.embedding IS NULL THEN '' ELSE content_sha256 END ORDER BY chunk_index) AS hashes
    FROM relationships.entity_embeddings LEFT JOIN embeddings.vectors v USING (user_id, model, content_sha256)
    WHERE entity_type = ${type} AND entity_id = ANY(${sql.array([...ids], 'uuid')}) AND model = ${model} GROUP BY entity_id`);
  return new Map(rows.map(({ entity_id, hashes }) => [entity_id, hashes]));
}

/** Which of these have a vector already. */
export async function knownOf(database: CommonQueryMethods, model: string, userId: string, hashes: readonly string[]) {
  const rows = await database.any(sql.type(hashRow)`
    SELECT content_sha256 FROM embeddings.vectors
    WHERE user_id = ${userId} AND model = ${model} AND content_sha256 = ANY(${sql.array([...hashes], 'text')})`);
  return new Set(rows.map(({ content_sha256 }) => content_sha256));
}

/** Keeps vectors, unless their person has left meanwhile. */
export async function keep(
  database: DatabasePool,
  model: string,
  userId: string,
  vectors: readonly { readonly sha256: string; readonly vector: Vector }[],
): Promise<void> {
  const hashes = sql.array(
    vectors.map(({ sha256 }) => sha256),
    'text',
  );
  const values = sql.array(
    vectors.map(({ vector }) => JSON.stringify(vector)),
    'text',
  );
  await database.query(sql.unsafe`
    INSERT INTO embeddings.vectors (user_id, model, content_sha256, embedding)
    SELECT u.id, ${model}, v.hash, v.value::vector FROM unnest(${hashes}, ${values}) v (hash, value)
    JOIN users.users u ON u.id = ${userId} AND u.status <> 'deleted'
    ON CONFLICT DO NOTHING`);
}

/** The rows of an entity: one for each of its text's chunks that has a vector. What is there and the same stays. @throws PlaceMoved */
export async function storeRows(
  database: DatabasePool,
  { name: model, dimensions }: { readonly name: string; readonly dimensions: number },
  place: Place,
  { type, id, version, at }: Changed,
  userId: string,
  chunks: readonly Chunk[],
  stored: readonly string[],
): Promise<void> {
  const hashes = sql.array(
    chunks.map(({ sha256 }) => sha256),
    'text',
  );
  const changed = chunks.map((chunk, index) => ({ ...chunk, index })).filter(({ sha256, index }) => stored[index] !== sha256);
  for (let from = 0; from === 0 || from < changed.length; from += ROWS_AT_ONCE) {
    const some = changed.slice(from, from + ROWS_AT_ONCE).map(({ content, sha256, index }) => ({
      ...{ id: v5(`${model} ${index}`, id), user_id: userId, entity_type: type, entity_id: id, chunk_index: index, content },
      ...{ content_sha256: sha256, model, dimensions, created_at: at, updated_at: at, version },
    }));
    await database.transaction(async (transaction) => {
      await holdPlace(transaction, model, place);
      if (!(await holdOn(transaction, { type, id }))) return;
      await transaction.query(sql.unsafe`
        DELETE FROM relationships.entity_embeddings
        WHERE entity_type = ${type} AND entity_id = ${id} AND model = ${model}
          AND (chunk_index >= ${chunks.length} OR content_sha256 <> ALL(${hashes}))`);
      await transaction.query(sql.unsafe`
        INSERT INTO relationships.entity_embeddings (id, user_id, entity_type, entity_id, chunk_index, content, content_sha256, model,
          dimensions, embedding, created_at, updated_at, version)
        SELECT r.id, r.user_id, r.entity_type, r.entity_id, r.chunk_index, r.content, r.content_sha256, r.model,
          r.dimensions, v.embedding, r.created_at, r.updated_at, r.version
        FROM jsonb_populate_recordset(NULL::relationships.entity_embeddings, ${JSON.stringify(some)}) r
        JOIN embeddings.vectors v USING (user_id, model, content_sha256)
        ON CONFLICT (id) DO UPDATE SET content = excluded.content, content_sha256 = excluded.content_sha256,
          dimensions = excluded.dimensions, embedding = excluded.embedding, updated_at = excluded.updated_at, version = excluded.version`);
    }, 0);
  }
}

/** Of what is gone nothing is left, also where it went while it was being embedded. */
export async function forgetEntities(database: DatabasePool, type: SearchedType, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await database.query(sql.unsafe`
    DELETE FROM relationships.entity_embeddings WHERE entity_type = ${type} AND entity_id = ANY(${sql.array([...ids], 'uuid')})`);
  await database.query(sql.unsafe`
    DELETE FROM embeddings.set_aside WHERE entity_type = ${type} AND entity_id = ANY(${sql.array([...ids], 'uuid')})`);
}

/** Of everybody whom the read model knows to have left. */
export async function forgetDeleted(database: DatabasePool): Promise<void> {
  await database.query(sql.unsafe`
    DELETE FROM embeddings.vectors WHERE user_id = ANY(ARRAY(SELECT id FROM users.users WHERE status = 'deleted'))`);
}

/**
 * Drops a person's vectors of texts that are nowhere any more. Only for an embedder that has caught up, or it would drop what it
 * is about to need. @throws PlaceMoved
 */
export const sweep = (database: DatabasePool, model: string, place: Place, userId: string): Promise<void> =>
  database.transaction(async (transaction) => {
    await holdPlace(transaction, model, place);
    await transaction.query(sql.unsafe`
      DELETE FROM embeddings.vectors v WHERE v.user_id = ${userId} AND v.model = ${model} AND NOT EXISTS (
        SELECT FROM relationships.entity_embeddings e
        WHERE e.user_id = v.user_id AND e.model = v.model AND e.content_sha256 = v.content_sha256)`);
  }, 0);

export const peopleWithVectors = (database: DatabasePool): Promise<readonly string[]> =>
  database.anyFirst(sql.type(userRow)`SELECT DISTINCT user_id FROM embeddings.vectors`);

/**
 * How long a model's vectors are: known from its first ones, and true of all that follow.
 * @param learned of vectors that it gave just now
 * @throws PlaceMoved where the model was replaced
 */
export async function dimensionsOf(database: DatabasePool, model: string, learned?: number): Promise<number | undefined> {
  if (learned !== undefined)
    await database.query(sql.unsafe`UPDATE embeddings.models SET dimensions = ${learned} WHERE name = ${model} AND dimensions IS NULL`);
  const row = await database.maybeOne(sql.type(dimensionsRow)`SELECT dimensions FROM embeddings.models WHERE name = ${model}`);
  if (!row) throw new PlaceMoved();
  return row.dimensions ?? undefined;
}

const storedRow = z.object({ entity_id: z.string(), hashes: z.array(z.string()) });
const hashRow = z.object({ content_sha256: z.string() });
const userRow = z.object({ user_id: z.string() });
const dimensionsRow = z.object({ dimensions: z.int().nullable() });

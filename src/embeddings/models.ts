// Which models there are: the one that the settings want, and those whose vectors lie there until it has replaced them.
import { type CommonQueryMethods, type DatabasePool, type FragmentSqlToken, sql } from 'slonik';
import { z } from 'zod';
import type { EmbeddingModel } from './model.ts';
import { PLACE_PREFIX } from './place.ts';

const storedModel = z.object({
  name: z.string(),
  dimensions: z.int().nullable(),
  complete_at: z.string().nullable(),
  paused_at: z.string().nullable(),
});
type StoredModel = z.output<typeof storedModel>;

/** The one that was wanted last comes first. */
export const storedModels = (database: CommonQueryMethods): Promise<readonly StoredModel[]> =>
  database.any(sql.type(storedModel)`SELECT name, dimensions, complete_at, paused_at FROM embeddings.models ORDER BY wanted_at DESC, name`);

/** From now on, and until somebody wants another, it is to replace all others. It is paused where they are. */
export async function want(database: DatabasePool, name: string): Promise<void> {
  await database.query(sql.unsafe`
    INSERT INTO embeddings.models AS m (name, wanted_at, paused_at)
    VALUES (${name}, clock_timestamp(), (SELECT max(paused_at) FROM embeddings.models))
    ON CONFLICT (name) DO UPDATE SET wanted_at = excluded.wanted_at
    WHERE m.wanted_at < (SELECT max(wanted_at) FROM embeddings.models)`);
}

/** The model that questions are to be asked with, and how long its vectors are: of those that this process has, the first that has embedded all there is. */
export async function servingModel(
  database: CommonQueryMethods,
  find: (name: string) => EmbeddingModel | undefined,
): Promise<{ readonly model: EmbeddingModel; readonly dimensions: number } | undefined> {
  const stored = await storedModels(database);
  const inOrder = [...stored.filter(({ complete_at }) => complete_at !== null), ...stored];
  for (const { name, dimensions } of inOrder) {
    const model = dimensions === null ? undefined : find(name);
    if (model && dimensions !== null) return { model, dimensions };
  }
  return undefined;
}

/**
 * Told of one that has embedded all there is, which may be nothing; one that refuses everything there is has not.
 * @returns true where it was not before
 */
export async function completed(database: DatabasePool, name: string): Promise<boolean> {
  const { rowCount } = await database.query(sql.unsafe`
    UPDATE embeddings.models SET complete_at = clock_timestamp() WHERE name = ${name} AND complete_at IS NULL
      AND (dimensions IS NOT NULL OR NOT EXISTS (SELECT FROM embeddings.set_aside WHERE model = ${name}))`);
  return rowCount > 0;
}

const PIECE = 500;

/**
 * Drops what there is of models that a complete one has replaced, and of those that were dropped before as far as that got.
 * First that they are wanted at all, so that whoever still embeds with one of them stops.
 */
export async function dropReplaced(database: DatabasePool, name: string): Promise<void> {
  await database.query(sql.unsafe`
    DELETE FROM embeddings.models old USING embeddings.models new
    WHERE new.name = ${name} AND new.complete_at IS NOT NULL AND old.wanted_at < new.wanted_at`);
  const kept = (await storedModels(database)).map((model) => model.name);
  const models = sql.array(kept, 'text');
  await database.query(sql.unsafe`
    DELETE FROM daybook.checkpoints WHERE starts_with(name, ${PLACE_PREFIX}) AND substr(name, ${PLACE_PREFIX.length + 1}) <> ALL(${models})`);
  await database.query(sql.unsafe`DELETE FROM embeddings.set_aside WHERE model <> ALL(${models})`);
  for (const table of [sql.fragment`relationships.entity_embeddings`, sql.fragment`embeddings.vectors`]) {
    await deleteInPieces(database, table, sql.fragment`model <> ALL(${models})`);
  }
}

/** Others ask in between. */
export async function deleteInPieces(database: DatabasePool, table: FragmentSqlToken, condition: FragmentSqlToken): Promise<void> {
  for (let rowCount = PIECE; rowCount === PIECE; ) {
    ({ rowCount } = await database.query(sql.unsafe`
      DELETE FROM ${table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM ${table} WHERE ${condition} LIMIT ${PIECE}))`));
  }
}

// What a person who runs Daybook does with the embedders of all processes: hold them where they are, let them go on, have
// everything embedded anew.
import { type DatabasePool, sql } from 'slonik';
import { conflict } from '../problem.ts';
import { deleteInPieces, storedModels } from './models.ts';
import { reset } from './place.ts';
import { versionOf } from './schema.ts';

/** All models together: one that comes to be wanted meanwhile is held as well. */
export const EMBEDDINGS = 'embeddings';

/**
 * It is kept with the models, so it is so for the embedders of all processes, after a start, and for a read model that takes this
 * one's place. @throws Problem 409 where there was never an embedder
 */
export async function setPaused(database: DatabasePool, isPaused: boolean): Promise<void> {
  await haveModels(database);
  await database.query(sql.unsafe`UPDATE embeddings.models SET paused_at = CASE WHEN ${isPaused} THEN coalesce(paused_at, now()) END`);
}

/**
 * Has every vector computed once more, as for an endpoint whose model is another under the same name. Until a text has its new one,
 * it is found by the one it had. @throws Problem 409 where there was never an embedder
 */
export async function embedAnew(database: DatabasePool): Promise<void> {
  const models = await haveModels(database);
  await deleteInPieces(database, sql.fragment`embeddings.vectors`, sql.fragment`true`);
  for (const { name } of models) await reset(database, name);
}

async function haveModels(database: DatabasePool) {
  const models = (await versionOf(database)) === null ? [] : await storedModels(database);
  if (models.length === 0) throw conflict('no-embedder', 'Nothing was ever embedded here.');
  return models;
}

// Where an embedder is: how far in the log a model's vectors have come, as the read model has it that they are part of. One that
// is made anew begins at the log's first event.
import { randomUUIDv7 } from 'node:crypto';
import { type CommonQueryMethods, type DatabasePool, sql } from 'slonik';
import { z } from 'zod';
import { READ_MODEL } from '../projections/applier.ts';

/** Of what is embedded, and how it is cut. With another version everything is looked at again. */
const VERSION = 1;

export const PLACE_PREFIX = 'embeddings: ';
const nameOf = (model: string) => `${PLACE_PREFIX}${model}`;

const row = z.object({ position: z.number().nullable(), event_id: z.string().nullable(), model_version: z.string(), build_id: z.string() });
export type Place = Omit<z.output<typeof row>, 'position'> & { readonly position: bigint | null };

/** Another embedder has moved on, the read model is new, or the model's vectors are no longer wanted. */
export class PlaceMoved extends Error {
  constructor() {
    super('another embedder has moved on, the read model is new, or the model was replaced');
  }
}

/** @returns undefined where there is no read model or no such model, or where the vectors are made by a newer version's process */
export async function readPlace(database: DatabasePool, model: string): Promise<Place | undefined> {
  await database.query(sql.unsafe`
    INSERT INTO daybook.checkpoints (name, position, event_id, log_id, model_version, build_id, paused_at, updated_at)
    SELECT ${nameOf(model)}, NULL, NULL, log_id, ${String(VERSION)}, build_id, NULL, now() FROM daybook.checkpoints
    WHERE name = ${READ_MODEL} AND EXISTS (SELECT FROM embeddings.models WHERE name = ${model})
    ON CONFLICT (name) DO NOTHING`);
  const found = await placeOf(database, model);
  if (found === undefined || Number(found.model_version) > VERSION) return undefined;
  if (Number(found.model_version) === VERSION) return found;
  await reset(database, model);
  return readPlace(database, model);
}

export async function placeOf(database: CommonQueryMethods, model: string): Promise<Place | undefined> {
  const found = await database.maybeOne(sql.type(row)`
    SELECT position, event_id, model_version, build_id FROM daybook.checkpoints WHERE name = ${nameOf(model)}`);
  return found ? { ...found, position: found.position === null ? null : BigInt(found.position) } : undefined;
}

/** From the log's first event again. Whoever works with it notices by its `build_id`, as of a read model that was exchanged. */
export async function reset(database: DatabasePool, model: string): Promise<void> {
  await database.query(sql.unsafe`
    UPDATE daybook.checkpoints SET position = NULL, event_id = NULL, model_version = ${String(VERSION)}, build_id = ${randomUUIDv7()}, updated_at = now()
    WHERE name = ${nameOf(model)}`);
}

/** The first thing in a transaction that writes for a model; nobody moves the place until it ends. @throws PlaceMoved */
export async function holdPlace(transaction: CommonQueryMethods, model: string, place: Place): Promise<void> {
  const held = await transaction.any(sql.type(row)`
    SELECT position, event_id, model_version, build_id FROM daybook.checkpoints
    WHERE name = ${nameOf(model)} AND position IS NOT DISTINCT FROM ${place.position} AND build_id = ${place.build_id} FOR UPDATE`);
  if (held.length === 0) throw new PlaceMoved();
}

/** @throws PlaceMoved */
export async function movePlace(
  database: DatabasePool,
  model: string,
  from: Place,
  to: { readonly position: bigint; readonly event_id: string },
): Promise<Place> {
  const { rowCount } = await database.query(sql.unsafe`
    UPDATE daybook.checkpoints SET position = ${to.position}, event_id = ${to.event_id}, updated_at = now()
    WHERE name = ${nameOf(model)} AND position IS NOT DISTINCT FROM ${from.position} AND build_id = ${from.build_id}`);
  if (rowCount === 0) throw new PlaceMoved();
  return { ...from, ...to };
}

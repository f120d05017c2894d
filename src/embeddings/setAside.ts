// What a model will not take, kept apart so that the rest goes on without it: to be tried again, ever more rarely.
import { type DatabasePool, sql } from 'slonik';
import { z } from 'zod';
import { searchedType, storedInstant } from '../vocabulary.ts';
import type { Changed } from './texts.ts';

const FIRST_RETRY_MS = 60_000;
const LAST_RETRY_MS = 24 * 60 * 60_000;

export async function setAside(database: DatabasePool, model: string, { type, id, version, at }: Changed, error: string): Promise<void> {
  const wait = (failures: number | ReturnType<typeof sql.fragment>) =>
    sql.fragment`now() + least(${FIRST_RETRY_MS} * power(2, least(${failures}, 30)), ${LAST_RETRY_MS}) * interval '1 ms'`;
  await database.query(sql.unsafe`
    INSERT INTO embeddings.set_aside AS s (model, entity_type, entity_id, version, at, failures, not_before, error)
    VALUES (${model}, ${type}, ${id}, ${version}, ${at}, 1, ${wait(0)}, ${error})
    ON CONFLICT (model, entity_type, entity_id) DO UPDATE SET version = excluded.version, at = excluded.at, error = excluded.error,
      failures = s.failures + 1, not_before = ${wait(sql.fragment`s.failures`)}`);
}

export async function takeBack(database: DatabasePool, model: string, { type, id }: Changed): Promise<void> {
  await database.query(sql.unsafe`DELETE FROM embeddings.set_aside WHERE model = ${model} AND entity_type = ${type} AND entity_id = ${id}`);
}

export const countAside = (database: DatabasePool, model: string): Promise<number> =>
  database.oneFirst(sql.type(countRow)`SELECT count(*) AS count FROM embeddings.set_aside WHERE model = ${model}`);

/** Those whose time has come, a few; and how long it is until the next one's, null where there is none. */
export async function dueAgain(database: DatabasePool, model: string): Promise<{ due: readonly Changed[]; nextMs: number | null }> {
  const due = await database.any(sql.type(asideRow)`
    SELECT entity_type AS type, entity_id AS id, version, at FROM embeddings.set_aside
    WHERE model = ${model} AND not_before <= now() ORDER BY not_before LIMIT 20`);
  const nextMs = await database.oneFirst(sql.type(waitRow)`
    SELECT (extract(epoch FROM min(not_before) - now()) * 1000)::double precision AS wait FROM embeddings.set_aside
    WHERE model = ${model}`);
  return { due, nextMs };
}

const countRow = z.object({ count: z.number() });
const asideRow = z.object({ type: searchedType, id: z.string(), version: z.number(), at: storedInstant });
const waitRow = z.object({ wait: z.number().nullable() });

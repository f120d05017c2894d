// The schema `embeddings` (sql/embeddings.sql), made by whoever needs it first.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type CommonQueryMethods, type DatabasePool, sql } from 'slonik';
import { z } from 'zod';
import { runScript } from '../postgres/readModel.ts';

const text = readFileSync(new URL('../../sql/embeddings.sql', import.meta.url), 'utf8');
const version = createHash('sha256').update(text).digest('hex');
/** One at a time makes it, of any number of processes. */
const LOCK = 7_355_608_001;

/** Makes it where there is none, and anew where it is of another version. */
export async function makeSchema(database: DatabasePool): Promise<void> {
  if ((await versionOf(database)) === version) return;
  await database.transaction(async (transaction) => {
    await transaction.query(sql.unsafe`SELECT pg_advisory_xact_lock(${LOCK})`);
    if ((await versionOf(transaction)) === version) return;
    await transaction.query(sql.unsafe`DROP SCHEMA IF EXISTS embeddings CASCADE`);
    await runScript(transaction, text);
    await transaction.query(sql.unsafe`COMMENT ON SCHEMA embeddings IS ${sql.literalValue(version)}`);
  });
}

export async function versionOf(database: CommonQueryMethods): Promise<string | null> {
  const row = await database.maybeOne(sql.type(commentRow)`
    SELECT obj_description(oid, 'pg_namespace') AS version FROM pg_namespace WHERE nspname = 'embeddings'`);
  return row?.version ?? null;
}

const commentRow = z.object({ version: z.string().nullable() });

// Makes the read model from the log. A read model that is missing, of another version or of another log is never
// migrated: it is built anew.
import { type DatabasePool, sql } from 'slonik';
import { z } from 'zod';
import { identifyLog } from '../eventstore/identity.ts';
import type { EventLog } from '../eventstore/log.ts';
import { applyInitSql, dropReadModel } from '../postgres/readModel.ts';
import type { Projection } from './projection.ts';
import { CheckpointMoved, createApplier, inBatches, isOfThisLog, modelVersion, READ_MODEL, readCheckpoint } from './projector.ts';

/** Told after every batch. Positions say how far; `events` counts what was read. */
export type RebuildProgress = (progress: { readonly events: number; readonly position: bigint; readonly head: bigint }) => void;

/** Why the read model has to be built; undefined where the one that is there can be continued. */
export async function reasonToRebuild(
  log: EventLog,
  database: DatabasePool,
  projections: readonly Projection[],
): Promise<string | undefined> {
  const { exists } = await database.one(sql.type(existsRow)`SELECT to_regclass('daybook.read_model') IS NOT NULL AS exists`);
  if (!exists) return 'there is none yet';
  const found = await database.maybeOne(sql.type(readModelRow)`SELECT version, log_id FROM daybook.read_model`);
  if (!found) return 'the last build did not finish';
  if (found.version !== modelVersion(projections)) return 'it is of another version';
  if (found.log_id !== (await identifyLog(log))) return 'it is of another log';
  if (!(await isOfThisLog(log, await readCheckpoint(database)))) return 'the log is older than it, as if restored from a backup';
  return undefined;
}

/**
 * Drops the read model and builds it from the first event to the last that is in the log now. Until it is complete
 * there is no row in `daybook.read_model`, so one that was interrupted is started again.
 */
export async function rebuild(
  log: EventLog,
  database: DatabasePool,
  projections: readonly Projection[],
  onProgress: RebuildProgress,
): Promise<void> {
  const log_id = await identifyLog(log);
  const head = (await log.head()) ?? 0n;
  const version = modelVersion(projections);
  await database.transaction(async (transaction) => {
    // Two that begin at once would both find nothing to drop, and one of them something in its way.
    await transaction.query(sql.unsafe`SELECT pg_advisory_xact_lock(hashtext('daybook rebuild'))`);
    await dropReadModel(transaction);
    await applyInitSql(transaction);
    await transaction.query(sql.unsafe`
      INSERT INTO daybook.checkpoints (name, position, event_id, log_id, model_version, updated_at)
      VALUES (${READ_MODEL}, NULL, NULL, ${log_id}, ${version}, now())`);
  });
  let events = 0;
  for (;;) {
    const apply = await createApplier(database, projections);
    try {
      for await (const batch of inBatches(log.readAll(apply.position()))) {
        await apply.batch(batch);
        events += batch.length;
        const position = batch.at(-1)?.position ?? 0n;
        onProgress({ events, position, head });
        // What is appended from here on is the projector's.
        if (position >= head) break;
      }
    } catch (error) {
      // Another process builds it as well, or projects already. Whoever writes a batch, each event is in the tables once.
      if (error instanceof CheckpointMoved) continue;
      throw error;
    }
    if (await finish(database, apply.position())) return;
  }
}

/** Marks it as complete, unless another process has begun a new one since it got to this position. Answers whether a complete one is there. */
async function finish(database: DatabasePool, position: bigint | null): Promise<boolean> {
  await database.query(sql.unsafe`
    INSERT INTO daybook.read_model (version, log_id, created_at)
    SELECT model_version, log_id, now() FROM daybook.checkpoints WHERE name = ${READ_MODEL} AND coalesce(position, -1) >= ${position ?? -1n}
    ON CONFLICT DO NOTHING`);
  return database.exists(sql.unsafe`SELECT FROM daybook.read_model`);
}

const existsRow = z.object({ exists: z.boolean() });
const readModelRow = z.object({ version: z.string(), log_id: z.string() });

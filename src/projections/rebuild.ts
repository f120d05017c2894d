// Makes the read model from the log. One that is missing, of another version or of another log is never migrated: it is built
// anew, beside the one that is there, and takes its place once it has caught up. Until then queries are answered from the old
// one, and a projector keeps that in step; a build that fails or is killed leaves it as it was.
import { setTimeout as delay } from 'node:timers/promises';
import { type DatabasePool, sql } from 'slonik';
import { z } from 'zod';
import { identifyLog } from '../eventstore/identity.ts';
import { type EventLog, type LoggedEvent, LogUnavailable } from '../eventstore/log.ts';
import { daybookTable, exchange, isOfThisShape, isThere, makeLaterIndexes } from '../postgres/readModel.ts';
import { isAway } from '../postgres/sqlState.ts';
import { type Applier, createApplier, isOfThisLog, modelVersion, READ_MODEL, readCheckpoint } from './applier.ts';
import { inBatches, LONG, SHORT } from './batches.ts';
import { abandon, alone, begin, buildAt, dropOld, isElsewhere, isWaitedFor, LEFT_BEHIND_SECONDS, lockedLive, missingIn } from './next.ts';
import type { Projection } from './projection.ts';

/** Told after every batch. Positions say how far; `events` counts what was read. */
export type RebuildProgress = (progress: { readonly events: number; readonly position: bigint; readonly head: bigint }) => void;

/** Why the read model has to be built; undefined where the one that is there can be continued. */
export async function reasonToRebuild(
  log: EventLog,
  database: DatabasePool,
  projections: readonly Projection[],
): Promise<string | undefined> {
  const found = await readModel(database);
  if (found === 'none') return 'there is none yet';
  if (found === 'unfinished') return 'the last build did not finish';
  if (found.version !== modelVersion(projections)) return 'it is of another version';
  if (found.log_id !== (await identifyLog(log))) return 'it is of another log';
  if (!(await isOfThisLog(log, await readCheckpoint(database, 'live')))) return 'the log is older than it, as if restored from a backup';
  return undefined;
}

/**
 * The version of the live read model, where it is another than this process's and can serve it all the same until its own is
 * built: it is whole, of this log and of the same shape. Begins the build, for only beside it that can be seen.
 */
export async function interimVersion(
  log: EventLog,
  database: DatabasePool,
  projections: readonly Projection[],
): Promise<string | undefined> {
  const found = await readModel(database);
  if (typeof found === 'string' || found.log_id !== (await identifyLog(log))) return undefined;
  await begin(log, database, projections);
  const serves = (await isOfThisShape(database, 'next')) && (await isOfThisLog(log, await readCheckpoint(database, 'live')));
  return serves ? found.version : undefined;
}

async function readModel(database: DatabasePool) {
  if (!(await database.oneFirst(sql.type(existsRow)`SELECT to_regclass('daybook.read_model') IS NOT NULL AS exists`))) return 'none';
  return (await database.maybeOne(sql.type(readModelRow)`SELECT version, log_id FROM daybook.read_model`)) ?? 'unfinished';
}

/** How often in a row an outage of a store is waited out, and from how long on. */
const MOST_FAILURES = 6;
const FIRST_BACKOFF_MS = 50;

/**
 * Builds a read model from the first event on and puts it in the place of the live one as soon as it has all that the live one
 * has. Two that build at once work on the same one. What was built so far is gone when this throws.
 * @throws the signal's reason when it aborts
 */
export async function rebuild(
  log: EventLog,
  database: DatabasePool,
  projections: readonly Projection[],
  onProgress: RebuildProgress,
  signal?: AbortSignal,
): Promise<void> {
  const build_id = await begin(log, database, projections);
  try {
    let events = 0;
    await followed(log, database, projections, build_id, signal, (batch, head) => {
      events += batch.length;
      onProgress({ events, position: batch.at(-1)?.position ?? 0n, head });
    });
  } catch (error) {
    await abandon(database, build_id).catch(() => {});
    throw error;
  }
  // Who still reads the old one is waited for. What cannot be dropped now is when the next build begins.
  await dropOld(database).catch(() => {});
}

/** Brings the next read model to where the live one is, again and again, until they have changed places. */
async function followed(
  log: EventLog,
  database: DatabasePool,
  projections: readonly Projection[],
  build_id: string,
  signal: AbortSignal | undefined,
  onBatch: (batch: readonly LoggedEvent[], head: bigint) => void,
): Promise<void> {
  let isIndexed = false;
  for (let failures = 0; ; ) {
    try {
      signal?.throwIfAborted();
      const apply = await createApplier(database, projections, { place: 'next' });
      const head = (await log.head()) ?? 0n;
      await applyAll(apply, inBatches(log.readAll(apply.position()), (await isWaitedFor(database)) ? SHORT : LONG), (batch) => {
        signal?.throwIfAborted();
        failures = 0;
        onBatch(batch, head);
      });
      if (!isIndexed) {
        await index(database, signal);
        isIndexed = true;
        // What came meanwhile is read now, for the exchange takes a batch of it at the most.
        continue;
      }
      // Of a build that ended since this one began.
      if (await isThere(database, 'old')) await dropOld(database);
      if (await changedPlaces(log, database, apply)) return;
    } catch (error) {
      if (signal?.aborted) throw error;
      if (isElsewhere(error)) {
        // Another process builds it as well, and this goes on beside it, or has ended it.
        const [next, current] = [await buildAt(database, 'next'), await buildAt(database, 'live')];
        if (next === undefined && current !== undefined && current >= build_id) return;
        if (next === undefined) throw new Error('another process has dropped what was built', { cause: error });
      } else {
        failures += 1;
        if (failures === MOST_FAILURES || !(error instanceof LogUnavailable || isAway(error))) throw error;
      }
      await delay(FIRST_BACKOFF_MS * 2 ** failures, undefined, signal && { signal });
    }
  }
}

/** Prepares each batch while the one before is written. */
async function applyAll(
  apply: Applier,
  batches: AsyncIterable<readonly LoggedEvent[]>,
  onBatch: (batch: readonly LoggedEvent[]) => void,
): Promise<void> {
  let writing: Promise<void> = Promise.resolve();
  try {
    for await (const batch of batches) {
      const prepared = await apply.prepare(batch);
      await writing;
      writing = apply.write(prepared).then(() => onBatch(batch));
      // Awaited above or below; until then a failure is no unhandled one.
      writing.catch(() => {});
    }
    await writing;
  } finally {
    await writing.catch(() => {});
  }
}

/** Makes the indexes that were left for later, and says all along that somebody is building. */
async function index(database: DatabasePool, signal: AbortSignal | undefined): Promise<void> {
  const isBuilding = setInterval(
    () => {
      database.query(sql.unsafe`UPDATE ${daybookTable('next', 'checkpoints')} SET updated_at = now()`).catch(() => {});
    },
    (1_000 * LEFT_BEHIND_SECONDS) / 4,
  );
  try {
    await makeLaterIndexes(database, 'next', signal);
  } finally {
    clearInterval(isBuilding);
  }
}

/**
 * Puts the next read model in the place of the live one, if not more than a batch is missing in it of what the live one has, and
 * if nothing is left of what the live one replaced.
 * Nobody moves the live one meanwhile, so that whoever has seen a row in it sees that in the new one, too; and whoever was about
 * to move it finds no checkpoint there any more.
 */
async function changedPlaces(log: EventLog, database: DatabasePool, apply: Applier): Promise<boolean> {
  return database.transaction(async (transaction) => {
    await alone(transaction);
    if (await isThere(transaction, 'old')) return false;
    const live = await lockedLive(transaction);
    const missing = live && live.log_id === apply.checkpoint().log_id ? await missingIn(log, apply.position(), live) : [];
    if (missing === undefined) return false;
    await apply.last(transaction, missing);
    await transaction.query(sql.unsafe`
      INSERT INTO ${daybookTable('next', 'read_model')} (version, log_id, created_at)
      SELECT model_version, log_id, now() FROM ${daybookTable('next', 'checkpoints')} WHERE name = ${READ_MODEL}`);
    if (live?.paused_at != null)
      await transaction.query(sql.unsafe`UPDATE ${daybookTable('next', 'checkpoints')} SET paused_at = ${live.paused_at}`);
    if (live) await transaction.query(sql.unsafe`DELETE FROM daybook.checkpoints`);
    await exchange(transaction);
    return true;
  }, 0);
}

const existsRow = z.object({ exists: z.boolean() });
const readModelRow = z.object({ version: z.string(), log_id: z.string() });

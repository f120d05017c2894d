// Makes the read model from the log. One that is missing, of another version or of another log is never migrated: it is built
// anew, beside the one that is there, and takes its place once it has caught up. Until then queries are answered from the old
// one, and a projector keeps that in step; a build that fails or is killed leaves it as it was.
import { randomUUIDv7 } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type CommonQueryMethods, type DatabasePool, NotFoundError, sql } from 'slonik';
import { z } from 'zod';
import { identifyLog } from '../eventstore/identity.ts';
import { type EventLog, type LoggedEvent, LogUnavailable } from '../eventstore/log.ts';
import {
  daybookTable,
  dropReadModel,
  dropSchema,
  exchange,
  isEmbedded,
  isOfThisShape,
  isThere,
  makeLaterIndexes,
  makeNext,
  schemasAt,
} from '../postgres/readModel.ts';
import { isAway, sqlStateOf } from '../postgres/sqlState.ts';
import {
  type Applier,
  CheckpointMoved,
  createApplier,
  isAboutTheEvents,
  isOfThisLog,
  modelVersion,
  READ_MODEL,
  readCheckpoint,
} from './applier.ts';
import { inBatches, LONG, SHORT } from './batches.ts';
import type { ForeignKeys } from './changes.ts';
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
/** Whoever builds moves the checkpoint far more often than that. */
export const LEFT_BEHIND_SECONDS = 60;

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

/** The embedded Postgres answers nobody while a batch is written or an index made. */
const isWaitedFor = async (database: CommonQueryMethods) => (await isEmbedded(database)) && (await isThere(database, 'live'));

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

const isElsewhere = (error: unknown) =>
  error instanceof CheckpointMoved || error instanceof NotFoundError || /^(42P01|3F000)$/.test(sqlStateOf(error) ?? '');

/**
 * Makes an empty read model beside the live one, unless one of the same kind is being built there already. Answers with its id;
 * a later one's is greater.
 * @throws Error where there is one to join and it is not to be joined
 */
async function begin(log: EventLog, database: DatabasePool, projections: readonly Projection[], joins = true): Promise<string> {
  const log_id = await identifyLog(log);
  await dropOld(database);
  return database.transaction(async (transaction) => {
    await alone(transaction);
    const isGoing = await isMoving(transaction);
    if (isGoing && !joins) throw new Error('a read model is being built already; when that is done, try again');
    const going = isGoing ? await readCheckpoint(transaction, 'next') : undefined;
    if (going?.model_version === modelVersion(projections) && going.log_id === log_id && (await isOfThisLog(log, going)))
      return going.build_id;
    await dropReadModel(transaction, 'next');
    await makeNext(transaction, joins && (await isWaitedFor(transaction)));
    const build_id = randomUUIDv7();
    await transaction.query(sql.unsafe`
      INSERT INTO ${daybookTable('next', 'checkpoints')} (name, position, event_id, log_id, model_version, build_id, paused_at, updated_at)
      VALUES (${READ_MODEL}, NULL, NULL, ${log_id}, ${modelVersion(projections)}, ${build_id}, NULL, now())`);
    return build_id;
  });
}

/**
 * Builds a read model as far as the live one is, for `work` to look at with `atSamePosition`, and drops it then. One of another
 * process's rebuild is not for that; a rebuild that begins meanwhile takes this one's place, and `work` then finds none.
 */
export async function buildBeside<T>(
  log: EventLog,
  database: DatabasePool,
  projections: readonly Projection[],
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const reason = await reasonToRebuild(log, database, projections);
  if (reason !== undefined) throw new Error(`the read model is to be built: ${reason}`);
  const build_id = await begin(log, database, projections, false);
  try {
    await followLive(log, database, projections, signal);
    return await work();
  } finally {
    await abandon(database, build_id).catch(() => {});
  }
}

/** Brings the next read model to where the live one is now, and no further. */
async function followLive(
  log: EventLog,
  database: DatabasePool,
  projections: readonly Projection[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const apply = await createApplier(database, projections, { place: 'next' });
  const until = (await readCheckpoint(database, 'live')).position ?? -1n;
  for await (const batch of inBatches(log.readAll(apply.position()))) {
    signal?.throwIfAborted();
    const wanted = batch.filter(({ position }) => position <= until);
    if (wanted.length > 0) await apply.batch(wanted);
    if (wanted.length < batch.length) return;
  }
}

const MOST_TRIES = 100;

/**
 * Does `work` at a moment when both read models are at the same position; nobody moves either until it is done.
 * @param keys of the next one
 */
export async function atSamePosition<T>(
  log: EventLog,
  database: DatabasePool,
  projections: readonly Projection[],
  keys: ForeignKeys,
  work: (transaction: CommonQueryMethods) => Promise<T>,
): Promise<T> {
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const apply = await createApplier(database, projections, { place: 'next', keys });
    const moment = database.transaction(async (transaction) => {
      await alone(transaction);
      const live = await lockedLive(transaction);
      const missing = live && (await missingIn(log, apply.position(), live));
      if (!live || !missing) return undefined;
      if (missing.length === 0 && (apply.position() ?? -1n) !== BigInt(live.position ?? -1)) return undefined;
      await apply.last(transaction, missing);
      return { result: await work(transaction) };
    }, 0);
    // What is to be parked is so in a transaction of its own, below.
    const done = await moment.catch((error) => {
      if (!isAboutTheEvents(error)) throw error;
    });
    if (done) return done.result;
    await followLive(log, database, projections, undefined);
  }
  throw new Error('the read model moves too fast to be compared');
}

/** Two that begin or change places at once would find something in their way. */
const alone = (transaction: CommonQueryMethods) => transaction.query(sql.unsafe`SELECT pg_advisory_xact_lock(hashtext('daybook rebuild'))`);

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

/** What the live one has beyond this position; undefined where that is more than a batch, and nothing where it is not of this log. */
async function missingIn(log: EventLog, after: bigint | null, live: LiveCheckpoint): Promise<readonly LoggedEvent[] | undefined> {
  const until = live.position === null ? null : BigInt(live.position);
  if (until === null || (after !== null && after >= until)) return [];
  const missing: LoggedEvent[] = [];
  for await (const event of log.readAll(after)) {
    if (event.position > until) break;
    if (missing.length === SHORT.events) return undefined;
    missing.push(event);
  }
  return missing.at(-1)?.event_id === live.event_id ? missing : [];
}

/** Of a read model that another version may have made: it need not have been possible to pause it. */
async function lockedLive(transaction: CommonQueryMethods): Promise<LiveCheckpoint | undefined> {
  if (!(await isThere(transaction, 'live'))) return undefined;
  const row = await transaction.maybeOne(sql.type(liveRow)`
    SELECT position, event_id, log_id, to_jsonb(c)->>'paused_at' AS paused_at FROM daybook.checkpoints c WHERE name = ${READ_MODEL} FOR UPDATE`);
  return row ?? undefined;
}

const DROP_ATTEMPTS = 20;

/**
 * Schema by schema: what is large takes its time, and others ask in between. A foreign key between two schemas goes with either,
 * so two that drop at once would wait for each other. Who still reads gets the way before Postgres takes the two for a deadlock
 * (after a second, by default) and perhaps ends the reader.
 */
async function dropOld(database: DatabasePool): Promise<void> {
  for (const schema of schemasAt('old')) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await database.transaction(async (transaction) => {
          await alone(transaction);
          await transaction.query(sql.unsafe`SET LOCAL lock_timeout = '300ms'`);
          await dropSchema(transaction, schema);
        }, 0);
        break;
      } catch (error) {
        // lock_not_available, deadlock_detected
        if (attempt === DROP_ATTEMPTS || !['55P03', '40P01'].includes(sqlStateOf(error) ?? '')) throw error;
        await delay(FIRST_BACKOFF_MS);
      }
    }
  }
}

/** Drops the next read model, if it is still this one. */
const abandon = (database: DatabasePool, build_id: string): Promise<void> =>
  database.transaction(async (transaction) => {
    await alone(transaction);
    if ((await buildAt(transaction, 'next')) === build_id) await dropReadModel(transaction, 'next');
  });

/** Drops what a build left that was killed. One that moves is another process's. */
export async function clearLeftovers(database: DatabasePool): Promise<void> {
  if (await isThere(database, 'old')) await dropOld(database);
  if (!(await isThere(database, 'next'))) return;
  await database.transaction(async (transaction) => {
    await alone(transaction);
    if (!(await isMoving(transaction))) await dropReadModel(transaction, 'next');
  });
}

/** Whether somebody builds. One of another version may have another checkpoint. */
async function isMoving(transaction: CommonQueryMethods): Promise<boolean> {
  if (!(await isThere(transaction, 'next'))) return false;
  return transaction.exists(sql.unsafe`
    SELECT FROM ${daybookTable('next', 'checkpoints')} c
    WHERE (to_jsonb(c)->>'updated_at')::timestamptz > now() - make_interval(secs => ${LEFT_BEHIND_SECONDS})`);
}

async function buildAt(database: CommonQueryMethods, place: 'live' | 'next'): Promise<string | undefined> {
  if (!(await isThere(database, place))) return undefined;
  try {
    const row = await database.maybeOne(sql.type(buildRow)`
      SELECT to_jsonb(c)->>'build_id' AS build_id FROM ${daybookTable(place, 'checkpoints')} c WHERE name = ${READ_MODEL}`);
    return row?.build_id ?? undefined;
  } catch (error) {
    // Gone since the line before.
    if (isElsewhere(error)) return undefined;
    throw error;
  }
}

const existsRow = z.object({ exists: z.boolean() });
const readModelRow = z.object({ version: z.string(), log_id: z.string() });
const buildRow = z.object({ build_id: z.string().nullable() });
const liveRow = z.object({
  position: z.number().nullable(),
  event_id: z.string().nullable(),
  log_id: z.string(),
  paused_at: z.string().nullable(),
});
type LiveCheckpoint = z.output<typeof liveRow>;

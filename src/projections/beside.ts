// A read model that is built beside the live one to be looked at, and what it takes for both to be at one position.
import type { CommonQueryMethods, DatabasePool } from 'slonik';
import type { EventLog } from '../eventstore/log.ts';
import { type Applier, createApplier, isAboutTheEvents, readCheckpoint } from './applier.ts';
import { inBatches } from './batches.ts';
import type { ForeignKeys } from './foreignKeys.ts';
import { abandon, alone, begin, buildAt, lockedLive, missingIn } from './next.ts';
import type { Projection } from './projection.ts';
import { reasonToRebuild } from './rebuild.ts';

/**
 * Builds a read model as far as the live one is, for `work` to look at with `atSamePosition`, and drops it then. One of another
 * process's rebuild is not for that; a rebuild that begins meanwhile takes this one's place, and that is then what this throws.
 */
export async function buildBeside<T>(
  log: EventLog,
  database: DatabasePool,
  projections: readonly Projection[],
  signal: AbortSignal | undefined,
  work: (build_id: string) => Promise<T>,
): Promise<T> {
  const reason = await reasonToRebuild(log, database, projections);
  if (reason !== undefined) throw new Error(`the read model is to be built: ${reason}`);
  const build_id = await begin(log, database, projections, true);
  try {
    await followLive(log, database, await openNext(database, projections, build_id), signal);
    return await work(build_id);
  } catch (error) {
    // Whatever it was that failed for want of it.
    if ((await buildAt(database, 'next').catch(() => build_id)) !== build_id) throw new Replaced({ cause: error });
    throw error;
  } finally {
    await abandon(database, build_id).catch(() => {});
  }
}

class Replaced extends Error {
  constructor(options?: ErrorOptions) {
    super('a rebuild has taken the place of what was built to be compared; when that is done, try again', options);
  }
}

/** @throws Replaced where it is another build's by now */
async function openNext(
  database: DatabasePool,
  projections: readonly Projection[],
  build_id: string,
  keys?: ForeignKeys,
): Promise<Applier> {
  const apply = await createApplier(database, projections, { place: 'next', ...(keys && { keys }) });
  if (apply.checkpoint().build_id !== build_id) throw new Replaced();
  return apply;
}

/** Brings the next read model to where the live one is now, and no further. */
async function followLive(log: EventLog, database: DatabasePool, apply: Applier, signal: AbortSignal | undefined): Promise<void> {
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
 * @param build_id of the next one
 * @param keys of it
 */
export async function atSamePosition<T>(
  log: EventLog,
  database: DatabasePool,
  projections: readonly Projection[],
  build_id: string,
  keys: ForeignKeys,
  work: (transaction: CommonQueryMethods) => Promise<T>,
): Promise<T> {
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const apply = await openNext(database, projections, build_id, keys);
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
    await followLive(log, database, await openNext(database, projections, build_id, keys), undefined);
  }
  throw new Error('the read model moves too fast to be compared');
}

// A read model that is built beside the live one to be looked at, and what it takes for both to be at one position.
import type { CommonQueryMethods, DatabasePool } from 'slonik';
import type { EventLog } from '../eventstore/log.ts';
import { createApplier, isAboutTheEvents, readCheckpoint } from './applier.ts';
import { inBatches } from './batches.ts';
import type { ForeignKeys } from './changes.ts';
import { abandon, alone, begin, lockedLive, missingIn } from './next.ts';
import type { Projection } from './projection.ts';
import { reasonToRebuild } from './rebuild.ts';

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

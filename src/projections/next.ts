// The next read model while it is beside the live one: who begins it, who joins, and what becomes of it if it takes no place.
import { randomUUIDv7 } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type CommonQueryMethods, type DatabasePool, NotFoundError, sql } from 'slonik';
import { z } from 'zod';
import { identifyLog } from '../eventstore/identity.ts';
import type { EventLog, LoggedEvent } from '../eventstore/log.ts';
import { daybookTable, dropReadModel, dropSchema, isEmbedded, isThere, makeNext, schemasAt } from '../postgres/readModel.ts';
import { sqlStateOf } from '../postgres/sqlState.ts';
import { CheckpointMoved, isOfThisLog, modelVersion, READ_MODEL, readCheckpoint } from './applier.ts';
import { SHORT } from './batches.ts';
import type { Projection } from './projection.ts';

/** Whoever builds moves the checkpoint far more often than that. */
export const LEFT_BEHIND_SECONDS = 60;

/**
 * Makes an empty read model beside the live one, unless one of the same kind is being built there already. Answers with its id;
 * a later one's is greater.
 * @param isToCompare whether it is only to be compared with the live one: then it joins none, and who builds one that is to take
 * the live one's place does not join it, but drops it
 * @throws BeingBuilt where there is one already and this is only to compare
 */
export async function begin(
  log: EventLog,
  database: DatabasePool,
  projections: readonly Projection[],
  isToCompare = false,
): Promise<string> {
  const log_id = await identifyLog(log);
  await dropOld(database);
  return database.transaction(async (transaction) => {
    await alone(transaction);
    const isGoing = await isMoving(transaction);
    if (isGoing && isToCompare) throw new BeingBuilt('a read model is being built already; when that is done, try again');
    const going = isGoing && !(await isBeingCompared(transaction)) ? await readCheckpoint(transaction, 'next') : undefined;
    if (going?.model_version === modelVersion(projections) && going.log_id === log_id && (await isOfThisLog(log, going)))
      return going.build_id;
    // Who still writes to it comes by this first, and so does not wait for this one with what this one waits for.
    if (isGoing) await transaction.query(sql.unsafe`LOCK TABLE ${daybookTable('next', 'checkpoints')}`);
    await dropReadModel(transaction, 'next');
    await makeNext(transaction, !isToCompare && (await isWaitedFor(transaction)));
    const build_id = randomUUIDv7();
    await transaction.query(sql.unsafe`
      INSERT INTO ${daybookTable('next', 'checkpoints')} (name, position, event_id, log_id, model_version, build_id, is_to_compare, updated_at)
      VALUES (${READ_MODEL}, NULL, NULL, ${log_id}, ${modelVersion(projections)}, ${build_id}, ${isToCompare}, now())`);
    return build_id;
  });
}

/** Beside the live read model there is room for one. */
export class BeingBuilt extends Error {}

/** Two that begin or change places at once would find something in their way. */
export const alone = (transaction: CommonQueryMethods) =>
  transaction.query(sql.unsafe`SELECT pg_advisory_xact_lock(hashtext('daybook rebuild'))`);

/** The embedded Postgres answers nobody while a batch is written or an index made. */
export const isWaitedFor = async (database: CommonQueryMethods) => (await isEmbedded(database)) && (await isThere(database, 'live'));

const DROP_ATTEMPTS = 20;
const DROP_BACKOFF_MS = 50;

/**
 * Schema by schema: what is large takes its time, and others ask in between. A foreign key between two schemas goes with either,
 * so two that drop at once would wait for each other. Who still reads gets the way before Postgres takes the two for a deadlock
 * (after a second, by default) and perhaps ends the reader.
 */
export async function dropOld(database: DatabasePool): Promise<void> {
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
        await delay(DROP_BACKOFF_MS);
      }
    }
  }
}

/** Drops the next read model, if it is still this one. */
export const abandon = (database: DatabasePool, build_id: string): Promise<void> =>
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

const isBeingCompared = (transaction: CommonQueryMethods): Promise<boolean> =>
  transaction.exists(sql.unsafe`
    SELECT FROM ${daybookTable('next', 'checkpoints')} c WHERE (to_jsonb(c)->>'is_to_compare')::boolean`);

export async function buildAt(database: CommonQueryMethods, place: 'live' | 'next'): Promise<string | undefined> {
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

export const isElsewhere = (error: unknown) =>
  error instanceof CheckpointMoved || error instanceof NotFoundError || /^(42P01|3F000)$/.test(sqlStateOf(error) ?? '');

/** What the live one has beyond this position; undefined where that is more than a batch, and nothing where it is not of this log. */
export async function missingIn(log: EventLog, after: bigint | null, live: LiveCheckpoint): Promise<readonly LoggedEvent[] | undefined> {
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
export async function lockedLive(transaction: CommonQueryMethods): Promise<LiveCheckpoint | undefined> {
  if (!(await isThere(transaction, 'live'))) return undefined;
  const row = await transaction.maybeOne(sql.type(liveRow)`
    SELECT position, event_id, log_id, to_jsonb(c)->>'paused_at' AS paused_at FROM daybook.checkpoints c WHERE name = ${READ_MODEL} FOR UPDATE`);
  return row ?? undefined;
}

const buildRow = z.object({ build_id: z.string().nullable() });
const liveRow = z.object({
  position: z.number().nullable(),
  event_id: z.string().nullable(),
  log_id: z.string(),
  paused_at: z.string().nullable(),
});
type LiveCheckpoint = z.output<typeof liveRow>;

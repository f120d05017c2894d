// What a person who runs Daybook asks of the read model: where it is, what it could not take, to hold it, to let it go on.
import { type DatabasePool, sql } from 'slonik';
import { z } from 'zod';
import type { EventLog } from '../eventstore/log.ts';
import { READ_MODEL } from './applier.ts';

const MOST_LAG_COUNTED = 10_000;

/** What is not in the read model yet: how many events (counted up to 10,000), and how long the oldest of them has waited. */
export async function lagOf(log: EventLog, position: bigint | null): Promise<{ lag_events: number; lag_seconds: number }> {
  let lag_events = 0;
  let lag_seconds = 0;
  for await (const { appended_ms } of log.readAll(position)) {
    if (lag_events === 0) lag_seconds = Math.max(0, (Date.now() - appended_ms) / 1_000);
    lag_events += 1;
    if (lag_events === MOST_LAG_COUNTED) break;
  }
  return { lag_events, lag_seconds };
}

/**
 * Holds the read model where it is, or lets it go on. That is kept with the checkpoint, so it is so for the projectors of all
 * processes, after a start, and for a read model that takes this one's place.
 */
export async function setPaused(database: DatabasePool, isPaused: boolean): Promise<void> {
  await database.query(sql.unsafe`
    UPDATE daybook.checkpoints SET paused_at = CASE WHEN ${isPaused} THEN coalesce(paused_at, now()) END WHERE name = ${READ_MODEL}`);
}

export async function pausedSince(database: DatabasePool): Promise<string | null> {
  const row = await database.maybeOne(sql.type(pausedRow)`SELECT paused_at FROM daybook.checkpoints WHERE name = ${READ_MODEL}`);
  return row?.paused_at ?? null;
}

/** An event that could not be projected, or one after such a one in its stream, and why. */
export const parkedEvent = z.object({
  position: z.number(),
  stream: z.string(),
  revision: z.number(),
  event_type: z.string(),
  event_id: z.string(),
  error: z.string(),
  parked_at: z.string(),
});

/** In the log's order, after a position. */
export const parkedEvents = (database: DatabasePool, after: number, limit: number): Promise<readonly z.output<typeof parkedEvent>[]> =>
  database.any(sql.type(parkedEvent)`
    SELECT position, stream, revision, event_type, event_id, error, parked_at FROM daybook.parked_events
    WHERE position > ${after} ORDER BY position LIMIT ${limit}`);

export const countParked = (database: DatabasePool): Promise<number> =>
  database.oneFirst(sql.type(countRow)`SELECT count(*) AS count FROM daybook.parked_events`);

const pausedRow = z.object({ paused_at: z.string().nullable() });
const countRow = z.object({ count: z.number() });

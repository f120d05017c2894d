// What a person who runs Daybook asks of the read model: where it is, what it could not take, to hold it, to let it go on.
import { type DatabasePool, sql } from 'slonik';
import { z } from 'zod';
import { isThere } from '../postgres/readModel.ts';
import { conflict } from '../problem.ts';
import { READ_MODEL } from './applier.ts';

/** How it is, as the API tells and the command line reads. */
export const readModelState = z.object({
  name: z.string(),
  position: z.int().nullable(),
  head: z.int().nullable(),
  lag_events: z.int().meta({ description: 'Counted up to 10,000' }),
  lag_seconds: z.number().meta({ description: 'How long the oldest of them has waited' }),
  status: z.string().meta({ description: 'Of the projector in this process; `elsewhere` where it has none' }),
  rate: z.number().nullable().meta({ description: 'Events per second that this process has projected, over the last minute' }),
  parked_events: z.int().nullable().meta({ description: 'How many events could not be projected' }),
  last_error: z.string().nullable().meta({ description: 'Why it is not running, for admins' }),
  build: z
    .object({
      is_building: z.boolean(),
      events: z.int(),
      position: z.int().nullable(),
      head: z.int().nullable(),
      last_error: z.string().nullable(),
    })
    .nullable()
    .meta({ description: 'The one that is being built beside it, or was last, by this process' }),
  verification: z
    .object({
      is_verifying: z.boolean(),
      verified_at: z.string().nullable(),
      differing_tables: z.int().nullable(),
      tables: z
        .array(z.object({ table: z.string(), rows: z.int(), hash: z.string(), differing: z.array(z.string()) }))
        .nullable()
        .meta({ description: 'With the keys of at most ten rows that are not what the log gives, for admins' }),
      last_error: z.string().nullable(),
    })
    .nullable()
    .meta({ description: 'The last comparison of the tables with what the log gives, by this process' }),
});
export type ReadModelState = z.output<typeof readModelState>;

/**
 * Holds the read model where it is, or lets it go on. That is kept with the checkpoint, so it is so for the projectors of all
 * processes, after a start, and for a read model that takes this one's place. @throws Problem 409 where there is none yet
 */
export async function setPaused(database: DatabasePool, isPaused: boolean): Promise<void> {
  if (!(await isThere(database, 'live'))) throw conflict('no-read-model', 'There is no read model yet.');
  await database.query(sql.unsafe`
    UPDATE daybook.checkpoints SET paused_at = CASE WHEN ${isPaused} THEN coalesce(paused_at, now()) END WHERE name = ${READ_MODEL}`);
}

export async function pausedSince(database: DatabasePool): Promise<string | null> {
  const row = await database.maybeOne(sql.type(pausedRow)`SELECT paused_at FROM daybook.checkpoints WHERE name = ${READ_MODEL}`);
  return row?.paused_at ?? null;
}

/** An event that could not be projected, or one after such a one in its stream, and why. */
const parkedEvent = z.object({
  position: z.number(),
  stream: z.string(),
  revision: z.number(),
  event_type: z.string(),
  event_id: z.string(),
  error: z.string(),
  parked_at: z.string(),
});

export type ParkedEvent = z.output<typeof parkedEvent>;
export const parkedPage = z.object({ items: z.array(parkedEvent), next_after: z.int().nullable() });

/** In the log's order, after a position. @param limit null: all there are */
export const parkedEvents = (database: DatabasePool, after: number, limit: number | null): Promise<readonly ParkedEvent[]> =>
  database.any(sql.type(parkedEvent)`
    SELECT position, stream, revision, event_type, event_id, error, parked_at FROM daybook.parked_events
    WHERE position > ${after} ORDER BY position LIMIT ${limit}`);

export const countParked = (database: DatabasePool): Promise<number> =>
  database.oneFirst(sql.type(countRow)`SELECT count(*) AS count FROM daybook.parked_events`);

const pausedRow = z.object({ paused_at: z.string().nullable() });
const countRow = z.object({ count: z.number() });

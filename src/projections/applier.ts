// Writes a batch of events: its rows and the checkpoint in one transaction, and only where the checkpoint is still where it was
// left. What cannot be projected is parked.
import { createHash } from 'node:crypto';
import { type CommonQueryMethods, type DatabasePool, type FragmentSqlToken, sql } from 'slonik';
import { z } from 'zod';
import { breathing } from '../breath.ts';
import { decode, UnreadableEvent } from '../events/codec.ts';
import { eventDefinitions } from '../events/index.ts';
import type { EventLog, LoggedEvent } from '../eventstore/log.ts';
import type { Place } from '../postgres/places.ts';
import { daybookTable, initSql } from '../postgres/readModel.ts';
import { sqlStateOf } from '../postgres/sqlState.ts';
import { SHORT } from './batches.ts';
import { merge, merging, type Step } from './changes.ts';
import { type ForeignKeys, readForeignKeys } from './foreignKeys.ts';
import type { Change, Projection } from './projection.ts';
import { areIndependent, type Statement, statementsOf, writeAtOnce, write as writeStatements } from './statements.ts';

export const READ_MODEL = 'read_model';

/** While one batch is prepared, the one before waits at each of its statements for this thread. */
const SHORT_BREATH_MS = 1;

const FOREIGN_KEY_VIOLATION = '23503';

export type Checkpoint = {
  readonly position: bigint | null;
  readonly event_id: string | null;
  readonly log_id: string;
  readonly model_version: string;
  readonly build_id: string;
  readonly paused_at: string | null;
};

/** Another projector has moved the checkpoint, or the read model was built anew or paused: this one has to look where it stands. */
export class CheckpointMoved extends Error {
  constructor() {
    super('another projector has moved on, or the read model is new or paused');
  }
}

/** The read model is of another version than this process. */
export class Outdated extends Error {}

/** Brings events into the tables, from the checkpoint on. `batch` takes them in the log's order, each once. */
export type Applier = {
  readonly position: () => bigint | null;
  readonly checkpoint: () => Checkpoint;
  /** How many streams have an event that could not be projected. */
  readonly parked: () => number;
  readonly batch: (events: readonly LoggedEvent[]) => Promise<Applied>;
  /** The first half of it, which asks no database: the next batch can be prepared while one is written. */
  readonly prepare: (events: readonly LoggedEvent[]) => Promise<Prepared>;
  readonly write: (prepared: Prepared) => Promise<Applied>;
  /**
   * The same within a transaction of the caller's, for events of which nothing is to be parked; this applier is of no use any
   * more then. @throws where something is
   */
  readonly last: (transaction: CommonQueryMethods, events: readonly LoggedEvent[]) => Promise<void>;
};

/** What a batch of events comes to, or why it comes to nothing. */
export type Prepared = { readonly events: readonly LoggedEvent[] } & (Written | { readonly error: unknown });
type Written = { readonly independent: readonly Step[] } | { readonly statements: Iterable<Statement>; readonly isTrusting: boolean };

/** How many rows were not written since what they belong to is gone, and a line for each event that was parked. */
export type Applied = { readonly dropped: number; readonly parked: readonly string[] };

/**
 * @param keys of the read model there, where the caller has read them
 * @param trustsFrom so many events on, a batch is written without a look at what its rows belong or point to, until some of that
 * was gone: that happens where streams race, which is seldom, and asking is a twentieth of the work
 * @throws Outdated where the read model is of another version: rows of two versions' projections would be of neither
 */
export async function createApplier(
  database: DatabasePool,
  projections: readonly Projection[],
  {
    place = 'live',
    interim,
    keys: known,
    trustsFrom = SHORT.events + 1,
  }: {
    readonly place?: Place;
    readonly interim?: string | undefined;
    readonly keys?: ForeignKeys;
    readonly trustsFrom?: number | undefined;
  } = {},
): Promise<Applier> {
  const keys = known ?? (await readForeignKeys(database, place));
  let checkpoint = await readCheckpoint(database, place);
  if (![modelVersion(projections), interim].includes(checkpoint.model_version))
    throw new Outdated('the read model is of another version than this process; start again to rebuild it');
  const parkedRows = await database.any(sql.type(streamRow)`SELECT DISTINCT stream FROM ${daybookTable(place, 'parked_events')}`);
  const parkedStreams = new Set(parkedRows.map(({ stream }) => stream));
  let trusts = true;
  const refuseParked = (events: readonly LoggedEvent[]) => {
    if (events.some(({ stream }) => parkedStreams.has(stream))) throw new Unprojectable('an event before it in its stream is parked');
  };

  async function writeIn(transaction: CommonQueryMethods, events: readonly LoggedEvent[], statements: Iterable<Statement>) {
    const result = await writeStatements(transaction, statements);
    if (result.strays > 0 && events.length > 1) throw new Unprojectable('what became of a tree depends on the order of its events');
    return result;
  }

  async function write(events: readonly LoggedEvent[], what: Written, parked: readonly Parked[] = []): Promise<Applied> {
    const last = events.at(-1);
    if (!last) return { dropped: 0, parked: [] };
    const move = moveCheckpoint(place, checkpoint, last);
    const written =
      'independent' in what
        ? await writeAtOnce(database, what.independent, keys, move)
        : await database.transaction(async (transaction) => {
            // First, so that of two only one gets as far as rows.
            await moveOnly(transaction, move);
            const result = await writeIn(transaction, events, what.statements);
            for (const { event, error } of parked) await park(transaction, place, event, error);
            return result;
          }, 0);
    if (!written) throw new CheckpointMoved();
    const { dropped } = written;
    checkpoint = { ...checkpoint, position: last.position, event_id: last.event_id };
    for (const { event } of parked) parkedStreams.add(event.stream);
    return { dropped, parked: parked.map(({ event, error }) => `Parked ${event.type} at ${event.stream}@${event.revision}: ${error}`) };
  }

  async function prepare(events: readonly LoggedEvent[]): Promise<Prepared> {
    const breath = breathing(SHORT_BREATH_MS);
    try {
      const merged = merging(keys);
      for (const event of events) {
        for (const change of changesOf(event, projections)) merged.add(change);
        await breath();
      }
      const steps = merged.steps();
      const isTrusting = trusts && events.length >= trustsFrom;
      if (!isTrusting && areIndependent(steps, keys)) return { events, independent: steps };
      const statements: Statement[] = [];
      for (const statement of statementsOf(steps, keys, isTrusting)) {
        statements.push(statement);
        await breath();
      }
      return { events, statements, isTrusting };
    } catch (error) {
      return { events, error };
    }
  }

  async function writePrepared(prepared: Prepared): Promise<Applied> {
    const { events } = prepared;
    try {
      refuseParked(events);
      if ('error' in prepared) throw prepared.error;
      return await write(events, prepared);
    } catch (error) {
      if ('isTrusting' in prepared && prepared.isTrusting && sqlStateOf(error) === FOREIGN_KEY_VIOLATION) {
        trusts = false;
        return batch(events);
      }
      if (!isAboutTheEvents(error)) throw error;
      if (events.length === 1) {
        const parked = events.map((event) => ({ event, error: error instanceof Error ? error.message : String(error) }));
        return write(events, { statements: [], isTrusting: false }, parked);
      }
    }
    // Something in the batch cannot be projected: find out what, and let the rest go on.
    const applied: Applied[] = [];
    const size = events.length > SHORT.events ? SHORT.events : 1;
    for (let at = 0; at < events.length; at += size) applied.push(await batch(events.slice(at, at + size)));
    return { dropped: applied.reduce((sum, { dropped }) => sum + dropped, 0), parked: applied.flatMap(({ parked }) => parked) };
  }

  const batch = async (events: readonly LoggedEvent[]) => writePrepared(await prepare(events));

  return {
    position: () => checkpoint.position,
    checkpoint: () => checkpoint,
    parked: () => parkedStreams.size,
    batch,
    prepare,
    write: writePrepared,
    last: async (transaction, events) => {
      refuseParked(events);
      await moveOnly(transaction, moveCheckpoint(place, checkpoint, events.at(-1)));
      const changes = events.flatMap((event) => changesOf(event, projections));
      await writeIn(transaction, events, statementsOf(merge(changes, keys), keys));
    },
  };
}

type Parked = { readonly event: LoggedEvent; readonly error: string };

class Unprojectable extends Error {}

function changesOf(logged: LoggedEvent, projections: readonly Projection[]): readonly Change[] {
  const event = decode(logged);
  if (!event) return [];
  try {
    return projections.flatMap(({ project }) => project(event));
  } catch (error) {
    // A projection is pure, so what it throws is about this event, and will be again.
    throw new Unprojectable(`${event.type} cannot be projected: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

/** Whether it is the events' fault, not that of a store that is away: bad data (SQLSTATE class 22) or a broken constraint (23). */
export const isAboutTheEvents = (error: unknown): boolean =>
  error instanceof UnreadableEvent || error instanceof Unprojectable || /^2[23]/.test(sqlStateOf(error) ?? '');

/**
 * Changes with sql/init.sql, with the version of any projection, and with what events there are: of two processes that do not know
 * the same ones, the one that does not know an event would pass it over in the tables of both.
 */
export function modelVersion(projections: readonly Projection[]): string {
  const versions = projections.map(({ name, version }) => `${name}@${version}`);
  const events = [...eventDefinitions.values()].map(({ type, schemaVersion }) => `${type}@${schemaVersion}`).toSorted();
  return createHash('sha256')
    .update([initSql, ...versions, ...events].join('\n'))
    .digest('hex');
}

/** Whether the checkpointed event is where the checkpoint says. It is not in a log that was restored from an older backup. */
export async function isOfThisLog(log: EventLog, { position, event_id }: Pick<Checkpoint, 'position' | 'event_id'>): Promise<boolean> {
  return position === null || (await log.eventAt(position))?.event_id === event_id;
}

/** @throws NotFoundError where there is none */
export async function readCheckpoint(database: CommonQueryMethods, place: Place): Promise<Checkpoint> {
  const { position, ...rest } = await database.one(sql.type(checkpointRow)`
    SELECT position, event_id, log_id, model_version, build_id, paused_at
    FROM ${daybookTable(place, 'checkpoints')} WHERE name = ${READ_MODEL}`);
  return { ...rest, position: position === null ? null : BigInt(position) };
}

/** @param to where nothing has happened since, undefined: then it stays, and nobody else moves it before this transaction ends */
const moveCheckpoint = (place: Place, from: Checkpoint, to: LoggedEvent | undefined) => sql.fragment`
  UPDATE ${daybookTable(place, 'checkpoints')}
  SET position = ${to?.position ?? from.position}, event_id = ${to?.event_id ?? from.event_id}, updated_at = now()
  WHERE name = ${READ_MODEL} AND position IS NOT DISTINCT FROM ${from.position} AND log_id = ${from.log_id}
    AND model_version = ${from.model_version} AND build_id = ${from.build_id} AND paused_at IS NULL`;

async function moveOnly(transaction: CommonQueryMethods, move: FragmentSqlToken): Promise<void> {
  if ((await transaction.query(sql.unsafe`${move}`)).rowCount === 0) throw new CheckpointMoved();
}

async function park(
  transaction: CommonQueryMethods,
  place: Place,
  { position, stream, revision, type, event_id }: LoggedEvent,
  error: string,
): Promise<void> {
  await transaction.query(sql.unsafe`
    INSERT INTO ${daybookTable(place, 'parked_events')} (position, stream, revision, event_type, event_id, error, parked_at)
    VALUES (${position}, ${stream}, ${revision}, ${type}, ${event_id}, ${error}, now())`);
}

const checkpointRow = z.object({
  position: z.number().nullable(),
  event_id: z.string().nullable(),
  log_id: z.string(),
  model_version: z.string(),
  build_id: z.string(),
  paused_at: z.string().nullable(),
});
const streamRow = z.object({ stream: z.string() });

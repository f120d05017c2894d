// Keeps one model's vectors in step with what is written in the read model: follows the log from where they are, waits until the
// read model has what happened, and embeds what is written there then. Nothing waits for it, and nothing is lost when it fails:
// it stays where it is and tries again. Of any number of processes one works, and if that is gone, soon another does.
import { setTimeout as delay } from 'node:timers/promises';
import { type DatabasePool, sql } from 'slonik';
import { v7 } from 'uuid';
import { z } from 'zod';
import type { EventLog, LoggedEvent } from '../eventstore/log.ts';
import type { Logger } from '../logger.ts';
import { isOfThisLog } from '../projections/applier.ts';
import { inBatches, SHORT } from '../projections/batches.ts';
import type { Progress } from '../projections/progress.ts';
import { createRate } from '../projections/rate.ts';
import { uuid } from '../vocabulary.ts';
import { embedAll } from './embed.ts';
import { EmbeddingFailed, type EmbeddingModel } from './model.ts';
import { completed, dropReplaced, storedModels } from './models.ts';
import { movePlace, type Place, PlaceMoved, placeOf, readPlace, reset } from './place.ts';
import { makeSchema } from './schema.ts';
import { countAside, dueAgain } from './setAside.ts';
import { type Changed, concernsEmbedders, streamPrefixes, subjectOf } from './texts.ts';
import { peopleWithVectors, sweep } from './vectors.ts';

export type Follower = {
  readonly model: string;
  readonly status: () => FollowerStatus;
  /** Events per second, over the last minute or since the start. */
  readonly rate: () => number;
  readonly start: () => void;
  /** What is under way is finished. */
  readonly stop: () => Promise<void>;
};

export type FollowerStatus = {
  /**
   * `elsewhere`: another process does it. `paused`: it is held, in all processes. `waiting`: for the model or for a store. `degraded`: the model refuses some texts.
   * `outdated`: the model was replaced by another, or its vectors are those of a newer version.
   */
  readonly state: 'starting' | 'running' | 'degraded' | 'elsewhere' | 'paused' | 'waiting' | 'outdated' | 'stopped';
  readonly lastError: string | undefined;
};

export type Following = {
  readonly log: EventLog;
  readonly database: DatabasePool;
  readonly progress: Progress;
  readonly logger: Logger;
  /** Told how many chunks a model has computed. */
  readonly onComputed: (model: string, chunks: number) => void;
};

/** How long one that works is waited for that says nothing. */
const HELD_SECONDS = 15;
const HOLD_ON_EVERY_MS = 3_000;
const LOOK_AGAIN_MS = 1_000;
const MAX_BACKOFF_MS = 5_000;
const FIRST_MODEL_BACKOFF_MS = 250;
const MAX_MODEL_BACKOFF_MS = 5 * 60_000;
const QUIET_MS = 500;
/** A text alone takes as many statements as many do, and those who wait for an answer wait for them; for a vector, nobody does. */
const GATHER_MS = 200;
const SWEEP_EVERY_MS = 10 * 60_000;
/** How many events that tell of no text may be read again after a start. */
const UNSAVED = 500;

export function follow(model: EmbeddingModel, { log, database, progress, logger, onComputed }: Following): Follower {
  const { name } = model;
  const me = v7();
  const stopping = new AbortController();
  let running: Promise<void> = Promise.resolve();
  const rate = createRate();
  let status: FollowerStatus = { state: 'starting', lastError: undefined };
  let modelBackoffMs = FIRST_MODEL_BACKOFF_MS;
  const nap = (ms: number) => delay(ms, undefined, { signal: stopping.signal }).catch(() => {});

  async function run(): Promise<void> {
    for (let backoffMs = 50; !stopping.signal.aborted; ) {
      try {
        await makeSchema(database);
        const outcome = await attempt(() => {
          backoffMs = 50;
        });
        if (outcome !== undefined) {
          if (outcome !== status.state && outcome === 'outdated') logger.info(`Nothing is embedded with ${name} any more.`);
          if (outcome !== status.state && outcome === 'paused') logger.info(`Embedding with ${name} is paused.`);
          status = { state: outcome, lastError: undefined };
          await nap(LOOK_AGAIN_MS);
        }
      } catch (error) {
        if (stopping.signal.aborted) break;
        if (error instanceof PlaceMoved) {
          await nap(50);
          continue;
        }
        const message = error instanceof Error ? error.message : String(error);
        if (status.lastError !== message) logger.warn(`Embedding with ${name} goes on from where it was: ${message}`);
        status = { state: 'waiting', lastError: message };
        if (error instanceof EmbeddingFailed) {
          await nap(Math.max(modelBackoffMs, error.retryAfterMs ?? 0));
          modelBackoffMs = Math.min(modelBackoffMs * 2, MAX_MODEL_BACKOFF_MS);
        } else {
          await nap(backoffMs);
          backoffMs = Math.min(backoffMs * 2, MAX_BACKOFF_MS);
        }
      }
    }
    await database.query(sql.unsafe`UPDATE embeddings.models SET held_by = NULL, held_until = NULL WHERE held_by = ${me}`).catch(() => {});
    status = { ...status, state: 'stopped' };
  }

  /** Works until the signal aborts or something fails. @returns why there is nothing to do here, where that is so */
  async function attempt(onProgress: () => void): Promise<'elsewhere' | 'outdated' | 'paused' | undefined> {
    const place = await readPlace(database, name);
    if (place === undefined) return 'outdated';
    if ((await storedModels(database)).some((model) => model.name === name && model.paused_at !== null)) return 'paused';
    if (!(await hold())) return 'elsewhere';
    if (!(await isOfThisLog(log, place))) {
      await reset(database, name);
      return undefined;
    }
    const ending = new AbortController();
    const signal = AbortSignal.any([stopping.signal, ending.signal]);
    // Also where nothing happens: the read model may be another one since, which has nothing yet.
    const isStillHere = async () => (await hold()) && (await placeOf(database, name))?.build_id === place.build_id;
    const holding = setInterval(() => {
      isStillHere().then(
        (isSo) => isSo || ending.abort(),
        () => ending.abort(),
      );
    }, HOLD_ON_EVERY_MS);
    try {
      await work(place, signal, onProgress);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      clearInterval(holding);
      ending.abort();
    }
    return undefined;
  }

  async function hold(): Promise<boolean> {
    const { rowCount } = await database.query(sql.unsafe`
      UPDATE embeddings.models SET held_by = ${me}, held_until = now() + make_interval(secs => ${HELD_SECONDS})
      WHERE name = ${name} AND paused_at IS NULL AND (held_by IS NULL OR held_by = ${me} OR held_until < now())`);
    return rowCount > 0;
  }

  async function work(begin: Place, signal: AbortSignal, onProgress: () => void): Promise<void> {
    let place = begin;
    let asideCount = await countAside(database, name);
    let retryAt = 0;
    let sweepAt = 0;
    let isCaughtUp = false;
    let quietSince = performance.now();
    /** Whose vectors may be of texts that are nowhere any more: as far as is known here, everybody's. */
    const toSweep = new Set(await peopleWithVectors(database));
    const embedding = {
      ...{ database, model, signal },
      onComputed: (chunks: number) => {
        modelBackoffMs = FIRST_MODEL_BACKOFF_MS;
        onComputed(name, chunks);
      },
    };
    const isWell = () => {
      status =
        asideCount > 0
          ? { state: 'degraded', lastError: `${asideCount} texts are refused by ${name}` }
          : { state: 'running', lastError: undefined };
    };

    async function embed(changed: readonly Changed[], correlationId: string) {
      const refused = await embedAll(embedding, place, changed, correlationId);
      if (refused > 0) retryAt = 0;
      if (refused > 0 || asideCount > 0) asideCount = await countAside(database, name);
      isWell();
    }

    async function take(batch: readonly LoggedEvent[]): Promise<void> {
      const last = batch.at(-1);
      if (!last) return;
      while (!(await progress.reached(last.position, LOOK_AGAIN_MS))) signal.throwIfAborted();
      const { changed, people, correlationId } = whatIn(batch);
      await embed(changed, correlationId);
      for (const person of people) toSweep.add(person);
      place = await movePlace(database, name, place, last);
      quietSince = performance.now();
      isCaughtUp = false;
      rate.note(batch.length);
      onProgress();
    }

    /** While nothing happens. */
    async function tend(): Promise<void> {
      if (performance.now() - quietSince < QUIET_MS) return;
      if (!isCaughtUp) {
        const { isAny, unrelated, end } = await waitingFor(log, place.position);
        // It arrives yet.
        if (isAny) return;
        if (unrelated > UNSAVED && end) place = await movePlace(database, name, place, end);
        isCaughtUp = true;
        if (await completed(database, name)) logger.info(`Everything is embedded with ${name}.`);
        await dropReplaced(database, name);
      }
      if (performance.now() >= retryAt) {
        const { due, nextMs } = await dueAgain(database, name);
        if (due.length > 0) await embed(due, v7());
        else retryAt = performance.now() + (nextMs ?? Number.POSITIVE_INFINITY);
      }
      const [person] = toSweep;
      if (person !== undefined && performance.now() >= sweepAt) {
        toSweep.delete(person);
        await sweep(database, name, place, person);
        if (toSweep.size === 0) sweepAt = performance.now() + SWEEP_EVERY_MS;
      }
    }

    const batches = inBatches(log.subscribeToAll(place.position, signal, streamPrefixes));
    const nextBatch = () => {
      const next = batches.next();
      // Where it is not waited for any more, it has nothing to tell.
      next.catch(() => {});
      return next;
    };
    isWell();
    let next = nextBatch();
    let tick = pause(QUIET_MS, signal);
    for (;;) {
      const arrived = await Promise.race([next, tick]);
      signal.throwIfAborted();
      if (arrived === undefined) {
        await tend();
        tick = pause(QUIET_MS, signal);
      } else if (arrived.done) {
        return;
      } else {
        await take(arrived.value);
        if (arrived.value.length < SHORT.events) await pause(GATHER_MS, signal);
        next = nextBatch();
      }
    }
  }

  return {
    model: name,
    status: () => status,
    rate: rate.perSecond,
    start: () => {
      running = run();
    },
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

/** Ends early where the signal aborts. */
const pause = (ms: number, signal: AbortSignal): Promise<undefined> => delay(ms, undefined, { signal }).catch(() => undefined);

const metadata = z.object({ user_id: uuid, $correlationId: z.string() });

/** Each thing once, however often it has changed. */
function whatIn(batch: readonly LoggedEvent[]) {
  const changed = new Map<string, Changed>();
  const people = new Set<string>();
  let correlationId = '';
  for (const { stream, revision, appended_ms, metadata: meta } of batch) {
    const subject = subjectOf(stream);
    if (!subject) continue;
    changed.set(stream, { ...subject, version: revision, at: new Date(appended_ms).toISOString() });
    const { data } = metadata.safeParse(meta);
    if (data) people.add(data.user_id);
    correlationId = data?.$correlationId ?? correlationId;
  }
  return { changed: [...changed.values()], people, correlationId };
}

/** Whether there is anything for an embedder in the log after a position; and where not, how much else, and the last of it. */
async function waitingFor(log: EventLog, after: bigint | null) {
  let unrelated = 0;
  let end: LoggedEvent | undefined;
  for await (const event of log.readAll(after)) {
    if (concernsEmbedders(event)) return { isAny: true, unrelated, end };
    unrelated += 1;
    end = event;
  }
  return { isAny: false, unrelated, end };
}

// Reads the log's one order once and keeps every table in step with it. The rows of a batch and the checkpoint are
// written in one transaction, and the checkpoint moves only from where this projector left it: whatever crashes, and
// however many projectors there are, every event is in the tables exactly once.
import { setTimeout as delay } from 'node:timers/promises';
import type { DatabasePool } from 'slonik';
import type { EventLog } from '../eventstore/log.ts';
import type { Logger } from '../logger.ts';
import { type Applied, CheckpointMoved, createApplier, isOfThisLog, Outdated, readCheckpoint } from './applier.ts';
import { inBatches, SHORT } from './batches.ts';
import { createWaitingList, type Progress } from './progress.ts';
import type { Projection } from './projection.ts';
import { createRate } from './rate.ts';

export type Projector = Progress & {
  readonly status: () => ProjectorStatus;
  /** Events per second, over the last minute or since the start. */
  readonly rate: () => number;
  /** Runs until `stop`; an outage of either store is waited out. */
  readonly start: () => void;
  /** Looks at once how things are in the database: the read model was exchanged, or paused, or goes on. */
  readonly look: () => void;
  readonly stop: () => Promise<void>;
};

export type ProjectorStatus = {
  /** `outdated`: the read model is that of a newer version's process, which projects. `waiting`: for a store that is away. */
  readonly state: 'starting' | 'running' | 'degraded' | 'paused' | 'outdated' | 'waiting' | 'stopped';
  readonly lastError: string | undefined;
  readonly events: number;
  readonly parkedEvents: number;
  readonly droppedRows: number;
};

const LOOK_AGAIN_MS = 100;
/** A batch of one event costs nearly as much as one of ten, so what nobody waits for is gathered this long after the last one. */
const GATHER_MS = 20;

/**
 * @param interim a version beside this process's own whose read model it may write to as well, until it has built its own
 * @param onBatch told of every batch: how many events, and in how many seconds they were written
 */
export function createProjector(
  log: EventLog,
  database: DatabasePool,
  projections: readonly Projection[],
  logger: Logger,
  { interim, onBatch }: { readonly interim?: string | undefined; readonly onBatch?: (events: number, seconds: number) => void } = {},
): Projector {
  const waiting = createWaitingList();
  const stopping = new AbortController();
  let running: Promise<void> = Promise.resolve();
  let attempt = new AbortController();
  let status: ProjectorStatus = { state: 'starting', lastError: undefined, events: 0, parkedEvents: 0, droppedRows: 0 };

  const rate = createRate();

  /** Waits, but not when there is something to see or to stop for. */
  const nap = (ms: number) => delay(ms, undefined, { signal: AbortSignal.any([stopping.signal, attempt.signal]) }).catch(() => {});

  async function project(signal: AbortSignal, onProgress: () => void): Promise<void> {
    const apply = await createApplier(database, projections, { place: 'live', interim });
    const checkpoint = apply.checkpoint();
    if (!(await isOfThisLog(log, checkpoint)))
      throw new Error('the read model is of another log or a later state of it; start again to rebuild it');
    waiting.advance(checkpoint.position);
    const goesOn = (events: number, { dropped, parked }: Applied) => {
      for (const line of parked) logger.error(line);
      const isDegraded = apply.parked() > 0;
      status = {
        state: isDegraded ? 'degraded' : 'running',
        lastError: isDegraded ? (parked.at(-1) ?? status.lastError) : undefined,
        events: status.events + events,
        parkedEvents: status.parkedEvents + parked.length,
        droppedRows: status.droppedRows + dropped,
      };
    };
    // Both stores have answered. It may be long until something happens, and this is ready for it.
    goesOn(0, { dropped: 0, parked: [] });
    for await (const batch of inBatches(log.subscribeToAll(checkpoint.position, signal))) {
      const began = performance.now();
      const applied = await apply.batch(batch);
      rate.note(batch.length);
      onBatch?.(batch.length, (performance.now() - began) / 1_000);
      onProgress();
      goesOn(batch.length, applied);
      waiting.advance(apply.position());
      if (batch.length < SHORT.events) await waiting.untilWanted(GATHER_MS);
    }
  }

  async function run() {
    let backoffMs = 50;
    while (!stopping.signal.aborted) {
      // Ends this attempt's subscription, too, when the attempt fails for another reason.
      attempt = new AbortController();
      const { signal } = attempt;
      try {
        const checkpoint = await readCheckpoint(database, 'live');
        if (checkpoint.paused_at !== null) {
          if (status.state !== 'paused') logger.info(`The projector is paused since ${checkpoint.paused_at}.`);
          status = { ...status, state: 'paused' };
          waiting.advance(checkpoint.position);
          await nap(LOOK_AGAIN_MS);
          continue;
        }
        await project(AbortSignal.any([stopping.signal, signal]), () => {
          backoffMs = 50;
        });
      } catch (error) {
        if (stopping.signal.aborted) break;
        if (signal.aborted) continue;
        const message = error instanceof Error ? error.message : String(error);
        if (error instanceof Outdated) {
          if (status.state !== 'outdated') logger.warn(`This process no longer projects: ${message}`);
          status = { ...status, state: 'outdated', lastError: message };
          // Who writes through this process still waits for what another one projects.
          const { position } = await readCheckpoint(database, 'live').catch(() => ({ position: undefined }));
          if (position !== undefined) waiting.advance(position);
          await nap(LOOK_AGAIN_MS);
        } else if (error instanceof CheckpointMoved) {
          logger.info(`The projector looks where the checkpoint is: ${message}`);
          await nap(50);
        } else {
          status = { ...status, state: 'waiting', lastError: message };
          logger.warn(`The projector starts again from its checkpoint: ${message}`);
          await nap(backoffMs);
          backoffMs = Math.min(backoffMs * 2, 2_000);
        }
      } finally {
        attempt.abort();
      }
    }
    status = { ...status, state: 'stopped' };
  }

  return {
    ...waiting,
    status: () => status,
    rate: rate.perSecond,
    start: () => {
      running = run();
    },
    look: () => attempt.abort(),
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

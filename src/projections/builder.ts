// Builds the read model beside the one that serves, while everything else goes on: as a start finds it necessary, or as an
// admin asks.
import type { DatabasePool } from 'slonik';
import type { EventLog } from '../eventstore/log.ts';
import type { Logger } from '../logger.ts';
import { readCheckpoint } from './applier.ts';
import { BeingBuilt, clearLeftovers, LEFT_BEHIND_SECONDS } from './next.ts';
import type { Projection } from './projection.ts';
import { rebuild } from './rebuild.ts';
import { type Verification, verifyProjections } from './verify.ts';

export type Builder = {
  /** Begins a build and does not wait for it; one that is going on already is that one. */
  readonly start: (reason: string) => void;
  /** The same while the tables of that other version serve: where it fails it is tried again, less and less often, as long as they do. */
  readonly replace: (version: string, reason: string) => void;
  readonly status: () => BuildStatus;
  /** Compares the tables with what the log gives. Never rejects: what went wrong is logged, and the next time tries again. */
  readonly verify: () => Promise<void>;
  readonly verification: () => VerificationStatus;
  /** Ends what is going on; the read model that serves stays. */
  readonly stop: () => Promise<void>;
};

export type BuildStatus = {
  readonly isBuilding: boolean;
  /** Of the build that is going on, or else of the last one here: how many events it has read, and how far it is. */
  readonly events: number;
  readonly position: bigint | null;
  readonly head: bigint | null;
  /** Of the last one, unless that was well or another has begun since. */
  readonly lastError: string | undefined;
  /** Whether what serves is another version's since a build has failed. */
  readonly isOverdue: boolean;
};

export type VerificationStatus = {
  readonly isVerifying: boolean;
  /** What the last one here found, and when it did. */
  readonly found: { readonly at: string; readonly tables: readonly Verification[] } | undefined;
  /** Of the last one, unless that came to its end or another has begun since. */
  readonly lastError: string | undefined;
};

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 300_000;

/**
 * @param onExchange told that what serves is another one now
 * @param onVerified told how many tables are not what the log gives, or undefined where they could not be compared
 */
export function createBuilder(
  log: EventLog,
  database: DatabasePool,
  projections: readonly Projection[],
  logger: Logger,
  onExchange: () => void,
  onVerified: (differing: number | undefined) => void,
): Builder {
  const stopping = new AbortController();
  let building: Promise<void> | undefined;
  let verifying: Promise<void> | undefined;
  let status: BuildStatus = { isBuilding: false, events: 0, position: null, head: null, lastError: undefined, isOverdue: false };
  /** Of the tables that serve until a build is well. */
  let interim: string | undefined;
  let retryMs = FIRST_RETRY_MS;
  let retry: NodeJS.Timeout | undefined;

  function start(reason: string): void {
    if (stopping.signal.aborted || building) return;
    clearTimeout(retry);
    building = build(reason);
  }

  function settled(): void {
    interim = undefined;
    status = { ...status, isOverdue: false };
    onExchange();
  }

  async function build(reason: string): Promise<void> {
    const began = performance.now();
    logger.info(`Building the read model beside the one that serves: ${reason}.`);
    status = { ...status, isBuilding: true, events: 0, position: null, head: null, lastError: undefined };
    try {
      await rebuild(
        log,
        database,
        projections,
        (progress) => {
          status = { ...status, ...progress };
        },
        stopping.signal,
      );
      logger.info(`The read model is built: ${status.events} events in ${((performance.now() - began) / 1_000).toFixed(1)} s.`);
      settled();
    } catch (error) {
      if (stopping.signal.aborted) return;
      status = { ...status, lastError: error instanceof Error ? error.message : String(error), isOverdue: interim !== undefined };
      logger.error(`The read model could not be built, and the one that was there stays: ${status.lastError}`);
      if (interim === undefined) return;
      retry = setTimeout(() => void tryAgain(reason), retryMs).unref();
      retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
    } finally {
      status = { ...status, isBuilding: false };
      building = undefined;
    }
  }

  /** Unless another process has been quicker, of this version or of a newer one. */
  async function tryAgain(reason: string): Promise<void> {
    const serving = await readCheckpoint(database, 'live').then(
      ({ model_version }) => model_version,
      // The build will say what is wrong.
      () => interim,
    );
    if (serving === interim) start(reason);
    else settled();
  }

  let verification: VerificationStatus = { isVerifying: false, found: undefined, lastError: undefined };
  async function verify(): Promise<void> {
    verification = { ...verification, isVerifying: true, lastError: undefined };
    try {
      const found = await verifyProjections(log, database, projections, stopping.signal);
      const wrong = found.filter(({ differing }) => differing.length > 0);
      for (const { table, differing } of wrong) logger.error(`${table} is not what the event log gives: ${differing.join(', ')}`);
      if (wrong.length === 0) logger.info('Every table is what the event log gives.');
      onVerified(wrong.length);
      verification = { ...verification, found: { at: new Date().toISOString(), tables: found } };
    } catch (error) {
      if (stopping.signal.aborted) return;
      const lastError = error instanceof Error ? error.message : String(error);
      logger.warn(`The tables could not be verified: ${lastError}`);
      verification = { ...verification, lastError };
      // Of processes that verify at the same hour, one does.
      if (!(error instanceof BeingBuilt)) onVerified(undefined);
    } finally {
      verification = { ...verification, isVerifying: false };
      verifying = undefined;
    }
  }

  const clear = () => {
    if (!building && !verifying) clearLeftovers(database).catch((error) => logger.warn(`What a build left could not be dropped: ${error}`));
  };
  clear();
  // What was left just before this start may be taken for somebody's who still builds.
  const again = setTimeout(clear, 2 * LEFT_BEHIND_SECONDS * 1_000).unref();

  return {
    start,
    replace: (version, reason) => {
      interim = version;
      start(reason);
    },
    status: () => status,
    verify: () => {
      verifying ??= verify();
      return verifying;
    },
    verification: () => verification,
    stop: async () => {
      clearTimeout(again);
      clearTimeout(retry);
      stopping.abort();
      await Promise.all([building, verifying]);
    },
  };
}

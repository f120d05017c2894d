// Reads that include what the reader has written. A position is waited for; what a person's last command through this node
// wrote, or was refused for, is waited for unasked. A read model that is far behind is no longer asked: what it has is not what
// there is. One that somebody holds is: they know, and want it so.
import { LRUCache } from 'lru-cache';
import type { DatabasePool } from 'slonik';
import { lagOf } from '../eventstore/lag.ts';
import type { EventLog } from '../eventstore/log.ts';
import { unavailable } from '../problem.ts';
import { pausedSince } from '../projections/control.ts';
import type { Progress } from '../projections/progress.ts';
import { badHeader } from './headers.ts';
import { isOutage } from './problems.ts';

const WAIT_MS = 2_000;
const LAG_KNOWN_FOR_MS = 1_000;
const REMEMBERED_PEOPLE = 100_000;

export type ReadModelOptions = { readonly readWaitMs?: number; readonly maxLagSeconds: number };

type Behind = { readonly seconds: number; readonly isTooFar: boolean };

export type ReadModel = {
  /** How far it is behind, as known within the last second or, where nobody has asked for longer, then; too far only as of the last second. */
  readonly lag: () => Promise<Behind>;
  /** @throws Problem 503 for one that is further behind than it may be */
  readonly keepsUp: () => Promise<void>;
  /** Remembers what a command, done or refused, has told a person of, for their later reads. */
  readonly told: (userId: string, position: bigint) => void;
  /** True once the read model includes the position, false when it does not get there in time. */
  readonly includes: (position: bigint) => Promise<boolean>;
  /** Waits for a position that a reader named. @throws Problem 400 for one beyond the log's end, 503 when it takes too long */
  readonly upTo: (position: bigint) => Promise<void>;
  /** Waits for what the person was last told of here; answers with how it is behind after the limit, as the header `Daybook-Lag` says it. */
  readonly upToTold: (userId: string) => Promise<string | undefined>;
};

export function createReadModel(
  log: EventLog,
  database: DatabasePool,
  progress: Progress,
  { readWaitMs = WAIT_MS, maxLagSeconds }: ReadModelOptions,
): ReadModel {
  const lastTold = new LRUCache<string, { position: bigint }>({ max: REMEMBERED_PEOPLE });
  const includes = (position: bigint) => progress.reached(position, readWaitMs);

  async function ask(): Promise<Behind> {
    const seconds = await lagSeconds(log, progress);
    return { seconds, isTooFar: seconds > maxLagSeconds && !(await isHeld(database)) };
  }

  let known: Behind | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | undefined;
  async function lag() {
    if (performance.now() - askedAt > LAG_KNOWN_FOR_MS) {
      asking ??= ask()
        .then((behind) => {
          known = behind;
        })
        // A store that is away says so to whoever needs it.
        .catch(() => {})
        .finally(() => {
          askedAt = performance.now();
          asking = undefined;
        });
      // Nobody waits for it but the first, and who would be refused for what may be over.
      if (known === undefined || known.isTooFar) await asking;
    }
    return known ?? { seconds: 0, isTooFar: false };
  }

  return {
    lag,
    keepsUp: async () => {
      const { seconds, isTooFar } = await lag();
      if (isTooFar) throw unavailable(`The read model is ${Math.round(seconds)} seconds behind.`);
    },
    includes,
    told: (userId, position) => {
      const last = lastTold.get(userId);
      if (!last || last.position < position) lastTold.set(userId, { position });
    },
    upTo: async (position) => {
      if (await progress.reached(position, 0)) return;
      const head = await log.head();
      if (head === null || position > head) throw badHeader('daybook-position', 'is beyond the end of the log');
      if (!(await includes(position))) throw unavailable('The read model has not got to this position yet.');
    },
    upToTold: async (userId) => {
      const last = lastTold.get(userId);
      if (!last || (await includes(last.position))) return undefined;
      return `position=${(await progress.position()) ?? 0n}, wanted=${last.position}`;
    },
  };
}

/** Whether somebody has paused it; not where a database that is away does not say so. */
const isHeld = (database: DatabasePool): Promise<boolean> =>
  pausedSince(database).then(
    (since) => since !== null,
    (error) => {
      if (!isOutage(error)) throw error;
      return false;
    },
  );

/** How long the oldest event that is not in the read model yet has waited; 0 where there is none. */
async function lagSeconds(log: EventLog, progress: Progress): Promise<number> {
  const position = await progress.position();
  // A projector that has only just started does not know where it is, which is no sign of being behind.
  if (position === undefined) return 0;
  return (await lagOf(log, position, { most: 1 })).lag_seconds;
}

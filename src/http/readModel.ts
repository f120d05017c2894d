// Reads that include what the reader has written. A position is waited for; a person's last write through this node is
// waited for unasked.
import { LRUCache } from 'lru-cache';
import type { EventLog } from '../eventstore/log.ts';
import { unavailable } from '../problem.ts';
import type { Progress } from '../projections/progress.ts';
import { badHeader } from './headers.ts';

const WAIT_MS = 2_000;
const REMEMBERED_WRITERS = 100_000;

export type ReadModel = {
  /** Remembers a person's write, for their later reads. */
  readonly written: (userId: string, position: bigint) => void;
  /** True once the read model includes the position, false when it does not get there in time. */
  readonly includes: (position: bigint) => Promise<boolean>;
  /** Waits for a position that a reader named. @throws Problem 400 for one beyond the log's end, 503 when it takes too long */
  readonly upTo: (position: bigint) => Promise<void>;
  /** Waits for the person's last write here; answers with how it is behind after the limit, as the header `Daybook-Lag` says it. */
  readonly upToWritesOf: (userId: string) => Promise<string | undefined>;
};

export function createReadModel(log: EventLog, progress: Progress): ReadModel {
  const lastWrites = new LRUCache<string, { position: bigint }>({ max: REMEMBERED_WRITERS });
  const includes = (position: bigint) => progress.reached(position, WAIT_MS);
  return {
    includes,
    written: (userId, position) => {
      const last = lastWrites.get(userId);
      if (!last || last.position < position) lastWrites.set(userId, { position });
    },
    upTo: async (position) => {
      if (await progress.reached(position, 0)) return;
      const head = await log.head();
      if (head === null || position > head) throw badHeader('daybook-position', 'is beyond the end of the log');
      if (!(await includes(position))) throw unavailable('The read model has not got to this position yet.');
    },
    upToWritesOf: async (userId) => {
      const last = lastWrites.get(userId);
      if (!last || (await includes(last.position))) return undefined;
      return `position=${(await progress.position()) ?? 0n}, wanted=${last.position}`;
    },
  };
}

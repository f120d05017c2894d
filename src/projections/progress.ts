// How far the read model has come, as those who wait for it see it: from within the projector's own process or, on a
// node without a projector, by asking the database.
import { type DatabasePool, sql } from 'slonik';
import { z } from 'zod';
import { singleFlight } from '../singleFlight.ts';

export type Progress = {
  /** The position of the last event whose rows can be read; null before the first, undefined where that is not known yet. */
  readonly position: () => Promise<bigint | null | undefined>;
  /** True as soon as the read model has got to a position, false when it has not within the time. */
  readonly reached: (position: bigint, timeoutMs: number) => Promise<boolean>;
};

export type WaitingList = Progress & {
  /** Goes back, too, where the read model was built anew. */
  readonly advance: (position: bigint | null) => void;
  /** Resolves after the time, or as soon as somebody waits. */
  readonly untilWanted: (timeoutMs: number) => Promise<void>;
};

/** Progress that is told of every step. */
export function createWaitingList(): WaitingList {
  let current: bigint | null | undefined;
  const waiting = new Set<{ position: bigint; settle: (reached: boolean) => void }>();
  const has = (position: bigint) => current != null && current >= position;
  let want = () => {};
  return {
    position: async () => current,
    advance: (position) => {
      current = position;
      for (const waiter of waiting) if (has(waiter.position)) waiter.settle(true);
    },
    reached: async (position, timeoutMs) => {
      if (has(position)) return true;
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const waiter = { position, settle: resolve };
      waiting.add(waiter);
      want();
      const timer = setTimeout(() => resolve(false), timeoutMs);
      const reached = await promise;
      clearTimeout(timer);
      waiting.delete(waiter);
      return reached;
    },
    untilWanted: async (timeoutMs) => {
      if (waiting.size > 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      want = resolve;
      const timer = setTimeout(resolve, timeoutMs);
      await promise;
      clearTimeout(timer);
    },
  };
}

const POLL_INTERVAL_MS = 10;

/** Progress of a projector in another process. */
export function followProgress(database: DatabasePool, projector: string): Progress {
  const ask = async () => {
    const row = await database.maybeOne(sql.type(checkpointRow)`SELECT position FROM daybook.checkpoints WHERE name = ${projector}`);
    return row?.position == null ? null : BigInt(row.position);
  };
  // Many wait at once; one question at a time answers all of them.
  const position = singleFlight(ask);
  return {
    position,
    reached: async (wanted, timeoutMs) => {
      for (const end = Date.now() + timeoutMs; ; ) {
        const current = await position();
        if (current !== null && current >= wanted) return true;
        if (Date.now() >= end) return false;
        await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
      }
    },
  };
}

const checkpointRow = z.object({ position: z.number().nullable() });

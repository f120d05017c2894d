// When this hour came, send that command. A tick asks the tables what is due and sends a command for each. The tables may be
// behind, and another process may tick at the same moment: the command decides on the stream as it is, and appends at its
// exact revision, so what is done already is not done again. A tick remembers nothing: what one has not got to, or has failed
// at, is due at the next.
import { randomUUIDv7 } from 'node:crypto';
import type { DatabasePool } from 'slonik';
import { Problem } from '../problem.ts';
import { type Effects, effectsFor, type PolicyServices } from './policy.ts';

export type Duty = {
  readonly name: string;
  /** Does what is due at this time, until the signal aborts. @throws where it cannot be known what is due */
  readonly fulfil: (services: PolicyServices, now: string, signal: AbortSignal) => Promise<void>;
};

const PAGE = 200;

/**
 * @param due some of what is due, at most `limit`, in the order of a key; `after` is the last of those before
 * @param act sends the command. To throw stops this one item only, which is logged, and due again at the next tick.
 */
export const duty = <Item extends { readonly id: string; readonly user_id: string }>(
  name: string,
  due: (database: DatabasePool, now: string, after: Item | undefined, limit: number) => Promise<readonly Item[]>,
  act: (item: Item, effects: Effects, now: string) => Promise<unknown>,
): Duty => ({
  name,
  fulfil: async (services, now, signal) => {
    const tick = randomUUIDv7();
    let after: Item | undefined;
    do {
      const items = await due(services.database, now, after, PAGE);
      for (const item of items) {
        if (signal.aborted) return;
        try {
          const reason = { policy: name, userId: item.user_id, correlationId: tick, causationId: tick, event: null };
          await act(item, effectsFor(services, reason), now);
        } catch (error) {
          services.logger.error(`${name} failed for ${item.id} and is tried again at the next tick: ${messageOf(error)}`);
        }
      }
      after = items.length === PAGE ? items.at(-1) : undefined;
    } while (after);
  },
});

/** What is gone by now, or part of what is, nobody is to hear of. */
export const ifStillThere = (sent: Promise<unknown>): Promise<unknown> =>
  sent.catch((error: unknown) => {
    if (error instanceof Problem && error.status === 404) return undefined;
    throw error;
  });

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

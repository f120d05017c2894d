// Work that takes a core or much memory for a while: a few at once, the others wait, and when too many wait the next is told
// to come later.
import { unavailable } from './problem.ts';

const MAX_WAITING = 200;

/** @param crowded what is said when too many wait: a Problem 503 */
export function takingTurns(atOnce: number, crowded: string): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running < atOnce) running += 1;
    else {
      if (waiting.length >= MAX_WAITING) throw unavailable(crowded);
      // Who ends passes the turn on, so that nobody can step in between.
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}

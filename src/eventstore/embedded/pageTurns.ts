// Whoever sends events takes turns with others who do, a page each, and with everything else in the event loop: turns are given
// for a few milliseconds, and each lasts no longer.
import type { Call } from './grpc.ts';

const turnMilliseconds = 5;
const waiting: (() => void)[] = [];
let isGiving = false;

/** Resolves when it is one's turn. */
export const turn = (): Promise<void> =>
  new Promise((resolve) => {
    waiting.push(resolve);
    if (!isGiving) setImmediate(giveTurns);
    isGiving = true;
  });
function giveTurns(): void {
  giveTurn(waiting.length, performance.now() + turnMilliseconds);
}
function giveTurn(left: number, until: number): void {
  if (left > 0 && performance.now() < until) {
    waiting.shift()?.();
    // After what this one does with its turn: ticks come once there are no more microtasks.
    queueMicrotask(() => process.nextTick(giveTurn, left - 1, until));
  } else {
    isGiving = waiting.length > 0;
    if (isGiving) setImmediate(giveTurns);
  }
}

/** Says, from now on, when the call has had its turn: the rest of a page is then left for the next. */
export function turnOf(call: Pick<Call, 'isOverShare'>): () => boolean {
  const until = performance.now() + turnMilliseconds;
  return () => call.isOverShare() || performance.now() > until;
}

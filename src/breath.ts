// Work that takes long between two turns of the event loop keeps everybody else waiting; here it takes a breath.
import { setImmediate as turn } from 'node:timers/promises';

const LONGEST_MS = 20;

/** What long work awaits at every step: others get their turn where the last one was too long ago. */
export function breathing(longestMs = LONGEST_MS): () => Promise<void> | undefined {
  let last = performance.now();
  return () => {
    if (performance.now() - last <= longestMs) return undefined;
    return turn().then(() => {
      last = performance.now();
    });
  };
}

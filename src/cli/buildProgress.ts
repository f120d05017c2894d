// How far a build of the read model is, for the person who waits for it.

export type BuildProgress = { readonly events: number; readonly position: number | bigint | null; readonly head: number | bigint | null };
/** Undefined: nothing can be said of it yet. */
export type Measured = {
  readonly part: number;
  readonly eventsPerSecond: number | undefined;
  readonly secondsLeft: number | undefined;
};

/** By positions in the log, between 0 and 1. */
export const partBuilt = ({ position, head }: BuildProgress): number => (head ? Math.min(Number(position ?? 0) / Number(head), 1) : 0);

/** Measures from the first event on: how long it took to get there says nothing about the rest. */
export function measureBuild(now = () => performance.now()): (progress: BuildProgress) => Measured {
  let first: { readonly at: number; readonly events: number; readonly part: number } | undefined;
  return (progress) => {
    const [at, { events }, part] = [now(), progress, partBuilt(progress)];
    if (events > 0) first ??= { at, events, part };
    const seconds = first === undefined ? 0 : (at - first.at) / 1_000;
    if (first === undefined || seconds === 0) return { part, eventsPerSecond: undefined, secondsLeft: undefined };
    return {
      part,
      eventsPerSecond: Math.round((events - first.events) / seconds),
      secondsLeft: part === first.part ? undefined : Math.round((seconds / (part - first.part)) * (1 - part)),
    };
  };
}

export const LINE_EVERY_MS = 2_000;

/** `42% · 1260 events · 630/s · 3 s left`; undefined where the last line was said just now. */
export function buildLines(now = () => performance.now()): (progress: BuildProgress) => string | undefined {
  const measure = measureBuild(now);
  let saidAt = now();
  return (progress) => {
    const { part, eventsPerSecond = '?', secondsLeft = '?' } = measure(progress);
    if (now() - saidAt < LINE_EVERY_MS) return undefined;
    saidAt = now();
    return `${Math.floor(part * 100)}% · ${progress.events} events · ${eventsPerSecond}/s · ${secondsLeft} s left`;
  };
}

// How far a build of the read model is, for the person who waits for it.

export type BuildProgress = { readonly events: number; readonly position: number | bigint | null; readonly head: number | bigint | null };
export type Measured = {
  readonly part: number;
  readonly eventsPerSecond: number;
  readonly secondsLeft: number | undefined;
};

/** By positions in the log, between 0 and 1. */
export const partBuilt = ({ position, head }: BuildProgress): number => (head ? Math.min(Number(position ?? 0) / Number(head), 1) : 0);

/** Measures from the first event on: how long it took to get there says nothing about the rest. */
export function measureBuild(now = () => performance.now()): (progress: BuildProgress) => Measured {
  let began: number | undefined;
  return (progress) => {
    const { events } = progress;
    if (events > 0) began ??= now();
    const seconds = began === undefined ? 0 : (now() - began) / 1_000;
    const part = partBuilt(progress);
    return {
      part,
      eventsPerSecond: seconds === 0 ? 0 : Math.round(events / seconds),
      secondsLeft: seconds === 0 || part === 0 ? undefined : Math.round((seconds / part) * (1 - part)),
    };
  };
}

export const LINE_EVERY_MS = 2_000;

/** `42% · 1260 events · 630/s · 3 s left`; undefined where the last line was said just now. */
export function buildLines(now = () => performance.now()): (progress: BuildProgress) => string | undefined {
  const measure = measureBuild(now);
  let saidAt = now();
  return (progress) => {
    const { part, eventsPerSecond, secondsLeft = '?' } = measure(progress);
    if (now() - saidAt < LINE_EVERY_MS) return undefined;
    saidAt = now();
    return `${Math.floor(part * 100)}% · ${progress.events} events · ${eventsPerSecond}/s · ${secondsLeft} s left`;
  };
}

// How much was done lately: events per second, over the last minute or since the start.

const RATE_MS = 60_000;

export function createRate() {
  const createdAt = performance.now();
  let done: { readonly at: number; readonly events: number }[] = [];
  const forget = () => {
    const first = done.findIndex(({ at }) => at > performance.now() - RATE_MS);
    if (first !== 0) done = first < 0 ? [] : done.slice(first);
  };
  return {
    note: (events: number): void => {
      forget();
      done.push({ at: performance.now(), events });
    },
    perSecond: (): number => {
      forget();
      const seconds = Math.min(RATE_MS, performance.now() - createdAt) / 1_000;
      return seconds === 0 ? 0 : done.reduce((sum, { events }) => sum + events, 0) / seconds;
    },
  };
}

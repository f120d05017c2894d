// How subscriptions learn of new events: each waits for the next commit that concerns it, and then reads what is new from the
// log itself. Nothing is queued for anyone, so a subscription that is slow or idle holds no memory.

export type Commits = ReturnType<typeof announceCommits>;

export function announceCommits() {
  const waiting = { all: new Set<() => void>(), streams: new Map<string, Set<() => void>>() };

  return {
    announce(streams: ReadonlySet<string>): void {
      const all = waiting.all;
      waiting.all = new Set();
      for (const wake of all) wake();
      for (const stream of streams) {
        const waiters = waiting.streams.get(stream);
        waiting.streams.delete(stream);
        for (const wake of waiters ?? []) wake();
      }
    },
    /** Resolves at the next commit to the stream (to any, without a name), or when `over` is aborted. */
    next(stream: string | undefined, over: AbortSignal): Promise<void> {
      return new Promise((resolve) => {
        let waiters = stream === undefined ? waiting.all : waiting.streams.get(stream);
        if (!waiters) {
          waiters = new Set();
          waiting.streams.set(stream ?? '', waiters);
        }
        const among = waiters;
        const wake = () => {
          over.removeEventListener('abort', stop);
          resolve();
        };
        const stop = () => {
          among.delete(wake);
          if (stream !== undefined && among.size === 0 && waiting.streams.get(stream) === among) waiting.streams.delete(stream);
          resolve();
        };
        if (over.aborted) return resolve();
        among.add(wake);
        over.addEventListener('abort', stop, { once: true });
      });
    },
  };
}

// How much of the log is projected at once.
import type { LoggedEvent } from '../eventstore/log.ts';

/**
 * The most events of a batch, and the most characters of JSON, for writing a long text takes a hundred times as long as writing
 * a short one. One event may be longer.
 */
export type BatchLimits = { readonly events: number; readonly characters: number };

/** A batch has to stay within 50 ms on the embedded Postgres, which serves queries between two of them. */
export const SHORT: BatchLimits = { events: 500, characters: 512 * 1024 };
/** Where nobody waits for a batch. The larger it is, the less is written twice, and the more memory the three under way take. */
export const LONG: BatchLimits = { events: 20_000, characters: 8 * 1024 * 1024 };

/** How many of its JSON, roughly: of a long one most are in its texts. */
const charactersIn = (value: unknown): number => {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 4;
  return Object.values(value).reduce<number>((sum, part) => sum + charactersIn(part), 0);
};

/**
 * What has arrived since the last batch, as one; at the least one event, at the most what the limits say. Reading goes on
 * meanwhile, up to one batch ahead.
 */
export async function* inBatches(source: AsyncIterable<LoggedEvent>, limits = SHORT): AsyncGenerator<readonly LoggedEvent[]> {
  const ahead: { readonly event: LoggedEvent; readonly characters: number }[] = [];
  let charactersAhead = 0;
  let ended = false;
  let wakeReader = () => {};
  let wakeWriter = () => {};
  const reading = (async () => {
    for await (const event of source) {
      const characters = charactersIn(event.data);
      ahead.push({ event, characters });
      charactersAhead += characters;
      wakeWriter();
      // Once nobody takes them any more, nobody would wake this either.
      if (!ended && (ahead.length >= limits.events || charactersAhead >= limits.characters)) {
        await new Promise<void>((resolve) => {
          wakeReader = resolve;
        });
      }
      if (ended) return;
    }
  })().finally(() => {
    ended = true;
    wakeWriter();
  });
  // Awaited at the end; until then a failure is no unhandled one.
  reading.catch(() => {});

  function take(): readonly LoggedEvent[] {
    let count = 0;
    let size = 0;
    for (const { characters } of ahead.slice(0, limits.events)) {
      if (count > 0 && size + characters > limits.characters) break;
      count += 1;
      size += characters;
    }
    charactersAhead -= size;
    return ahead.splice(0, count).map(({ event }) => event);
  }

  try {
    for (;;) {
      if (ahead.length === 0) {
        if (ended) break;
        await new Promise<void>((resolve) => {
          wakeWriter = resolve;
        });
        continue;
      }
      const batch = take();
      wakeReader();
      yield batch;
    }
    await reading;
  } finally {
    ended = true;
    wakeReader();
  }
}

// How much of the log is projected at once.
import type { LoggedEvent } from '../eventstore/log.ts';

/** A batch has to stay within 50 ms on the embedded Postgres, which serves queries between two of them. */
export const MAX_BATCH = 500;
/** Of JSON, for the same reason: writing a long text takes a hundred times as long as writing a short one. One event may be longer. */
const MAX_BATCH_CHARACTERS = 512 * 1024;

/**
 * What has arrived since the last batch, as one; at the least one event, MAX_BATCH or so many as are MAX_BATCH_CHARACTERS at
 * the most. Reading goes on meanwhile, up to one batch ahead.
 */
export async function* inBatches(source: AsyncIterable<LoggedEvent>): AsyncGenerator<readonly LoggedEvent[]> {
  const ahead: { readonly event: LoggedEvent; readonly characters: number }[] = [];
  let charactersAhead = 0;
  let ended = false;
  let wakeReader = () => {};
  let wakeWriter = () => {};
  const reading = (async () => {
    for await (const event of source) {
      const characters = JSON.stringify(event.data ?? null).length;
      ahead.push({ event, characters });
      charactersAhead += characters;
      wakeWriter();
      // Once nobody takes them any more, nobody would wake this either.
      if (!ended && (ahead.length >= MAX_BATCH || charactersAhead >= MAX_BATCH_CHARACTERS)) {
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
    for (const { characters } of ahead.slice(0, MAX_BATCH)) {
      if (count > 0 && size + characters > MAX_BATCH_CHARACTERS) break;
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

// An event log in memory, for tests of what decides on it. `before` is called before each append and may append first, as a
// writer elsewhere does, or throw, as a log does that is away.
import { type EventLog, type EventToAppend, type LoggedEvent, LogUnavailable, WrongExpectedRevision } from '../../src/eventstore/log.ts';

export type MemoryLog = EventLog & { readonly events: readonly LoggedEvent[]; before: (stream: string) => Promise<void> | void };

export function createMemoryLog(): MemoryLog {
  const events: LoggedEvent[] = [];
  const of = (stream: string) => events.filter((event) => event.stream === stream);

  function append(stream: string, expected: number | 'any', added: readonly EventToAppend[]) {
    const revision = of(stream).length - 1;
    const [first] = added;
    const known = of(stream).find(({ event_id }) => event_id === first?.event_id);
    // The same ids again are one append, however often they are sent.
    if (!known && expected !== 'any' && revision !== expected) throw new WrongExpectedRevision(stream, expected);
    if (!known) {
      for (const event of added) {
        events.push({ ...event, stream, revision: of(stream).length, position: BigInt(events.length), appended_ms: 0 });
      }
    }
    const last = of(stream).find(({ event_id }) => event_id === added.at(-1)?.event_id);
    return { revision: last?.revision ?? revision, position: last?.position ?? 0n };
  }

  async function* after(position: bigint | null) {
    yield* events.slice(position === null ? 0 : Number(position) + 1);
  }

  const log: MemoryLog = {
    events,
    before: () => {},
    append: async (stream, expected, added) => {
      await log.before(stream);
      return append(stream, expected, added);
    },
    async *readStream(stream, from) {
      yield* of(stream).slice(from);
    },
    async *readStreamBackwards(stream, limit) {
      yield* of(stream).toReversed().slice(0, limit);
    },
    readAll: after,
    async *subscribeToAll(position) {
      yield* after(position);
      throw new LogUnavailable('there is nothing to wait for in memory', false);
    },
    eventAt: async (position) => events[Number(position)],
    head: async () => events.at(-1)?.position ?? null,
    setMaxAge: async () => {},
    setMaxCount: async () => {},
    close: async () => {},
  };
  return log;
}

// The states that streams fold to, the latest of each kept in memory. A kept state may be behind the log: whoever decides
// on one appends at its exact revision or reads forward first.
import { LRUCache } from 'lru-cache';
import { decode, UnreadableEvent } from '../events/codec.ts';
import type { AnyEvent } from '../events/index.ts';
import { type EventLog, type LoggedEvent, LogUnavailable } from '../eventstore/log.ts';
import { unavailable } from '../problem.ts';
import type { Aggregate } from './aggregate.ts';

export type Folded<State> = {
  /** Undefined before it exists and once it is gone. */
  readonly state: State | undefined;
  /** Of the last event; -1 where there is none. */
  readonly revision: number;
  readonly position: bigint | undefined;
  /** Where in the log what there is came to be: something that was deleted may be made again. */
  readonly born: bigint | undefined;
  /** Whose stream it is: the first event says so. */
  readonly owner: string | undefined;
  /** The commands with an idempotency key that made events here, each with its body's HMAC. */
  readonly commands: ReadonlyMap<string, string | undefined>;
  /** The size of the events folded, in characters of JSON: a bound of what the state takes. */
  readonly size: number;
};

export type Folds = {
  /** The state in memory, if there is one. It may be stale. */
  readonly kept: <State>(aggregate: Aggregate<State>, stream: string) => Folded<State> | undefined;
  /** The state with everything that is in the log now. */
  readonly fresh: <State>(aggregate: Aggregate<State>, stream: string) => Promise<Folded<State>>;
  /**
   * For what every request asks: the state in memory while the log keeps telling this node of every change to streams of
   * its category (`follow`), else read. What another node appended is seen once the log has told, within milliseconds.
   */
  readonly current: <State>(aggregate: Aggregate<State>, stream: string) => Promise<Folded<State>>;
  /** Keeps up with the streams of these categories until the signal aborts. While the log is away, `current` reads. */
  readonly follow: (categories: readonly string[], signal: AbortSignal) => Promise<void>;
  /** Takes in what was appended at the state's revision. */
  readonly appended: <State>(
    aggregate: Aggregate<State>,
    stream: string,
    before: Folded<State>,
    events: readonly AnyEvent[],
  ) => Folded<State>;
};

const MAX_CHARACTERS = 64 * 1024 * 1024;
const MAX_ANNOUNCED = 10_000;
const FOLLOW_AGAIN_MS = 500;
/** What a command's id and its body's HMAC take. */
const COMMAND_CHARACTERS = 100;

/** @param announcements how many changes elsewhere are remembered for reads that are under way */
export function createFolds(log: EventLog, announcements = MAX_ANNOUNCED): Folds {
  const kept = new LRUCache<string, Folded<unknown>>({ maxSize: MAX_CHARACTERS, sizeCalculation: ({ size }) => size + 256 });

  // One stream is always folded by one aggregate, so what is kept under its name is of that aggregate's state: no type says so.
  const lookUp = <State>(_: Aggregate<State>, stream: string) => kept.get(stream) as Folded<State> | undefined;

  const keep = <State>(stream: string, folded: Folded<State>): Folded<State> => {
    const known = kept.get(stream);
    if (!known || known.revision < folded.revision) kept.set(stream, folded);
    return folded;
  };

  const fresh = async <State>(aggregate: Aggregate<State>, stream: string): Promise<Folded<State>> => {
    const since = following;
    const before = lookUp(aggregate, stream) ?? empty(aggregate);
    const events: AnyEvent[] = [];
    for await (const logged of log.readStream(stream, before.revision + 1)) events.push(read(aggregate, logged));
    const folded = fold(aggregate, before, events);
    since?.add(folded);
    return folded === before ? folded : keep(stream, folded);
  };

  // What the log has told of a stream, kept apart from its state: a read that was under way then may end after it.
  const announced = new LRUCache<string, number>({ max: announcements });
  // The states that were read since the log began to tell of every change, and of which it has told none since. Not those
  // whose reading began before: what happened in between nobody would tell.
  let following: WeakSet<Folded<unknown>> | undefined;

  const followOnce = async (categories: readonly string[], signal: AbortSignal) => {
    const prefixes = categories.map((category) => `${category}-`);
    const head = await log.head();
    const current = new WeakSet<Folded<unknown>>();
    following = current;
    for await (const { stream, revision } of log.subscribeToAll(head, signal, prefixes)) {
      announced.set(stream, revision);
      const known = kept.peek(stream);
      if (known && known.revision < revision) current.delete(known);
    }
  };

  return {
    fresh,
    current: async (aggregate, stream) => {
      const folded = lookUp(aggregate, stream);
      return folded && following?.has(folded) && folded.revision >= (announced.get(stream) ?? -1) ? folded : fresh(aggregate, stream);
    },
    follow: async (categories, signal) => {
      while (!signal.aborted) {
        try {
          await followOnce(categories, signal);
        } catch (error) {
          if (!(error instanceof LogUnavailable)) throw error;
        }
        following = undefined;
        if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, FOLLOW_AGAIN_MS));
      }
    },
    kept: lookUp,
    appended: (aggregate, stream, before, events) => {
      const after = fold(aggregate, before, events);
      // Nobody was in between, or it could not have been appended there.
      if (following?.has(before)) following.add(after);
      return keep(stream, after);
    },
  };
}

export const empty = <State>({ initial }: Aggregate<State>): Folded<State> => ({
  state: initial,
  revision: -1,
  position: undefined,
  born: undefined,
  owner: undefined,
  commands: new Map(),
  size: 0,
});

/** Pure. */
export function fold<State>(aggregate: Aggregate<State>, folded: Folded<State>, events: readonly AnyEvent[]): Folded<State> {
  const keyed = events.flatMap(({ meta: { command_id, body_hmac } }): [string, string | undefined][] =>
    command_id ? [[command_id, body_hmac]] : [],
  );
  return events.reduce(
    (before, event) => ({
      state: aggregate.evolve(before.state, event),
      revision: event.revision,
      position: event.position,
      born: before.state === undefined ? event.position : before.born,
      owner: before.owner ?? event.meta.user_id,
      commands: before.commands,
      size: before.size + JSON.stringify(event.data).length + (event.meta.command_id ? COMMAND_CHARACTERS : 0),
    }),
    // Copied once for all: a stream that many have written to with keys is long.
    keyed.length > 0 ? { ...folded, commands: new Map([...folded.commands, ...keyed]) } : folded,
  );
}

/** Deciding on a stream one does not wholly understand could break what a newer version promised. */
function read(aggregate: Aggregate<unknown>, logged: LoggedEvent): AnyEvent {
  try {
    const event = decode(logged);
    if (event && aggregate.eventTypes.has(event.type)) return event;
  } catch (error) {
    if (!(error instanceof UnreadableEvent)) throw error;
  }
  throw unavailable('This was last changed by another version of Daybook, and this one does not understand the change.');
}

// The event log as the rest of Daybook sees it: the client's few verbs, with an unknown outcome retried until it is
// known or honestly reported. Whether a cluster or the embedded server answers is not visible from here.
import {
  ANY,
  BACKWARDS,
  END,
  EventStoreDBClient,
  jsonEvent,
  MaxAppendSizeExceededError,
  NO_STREAM,
  type Position,
  type ResolvedEvent,
  START,
  StreamDeletedError,
  type StreamingRead,
  type StreamMetadata,
  StreamNotFoundError,
  streamNameFilter,
  WrongExpectedVersionError,
} from '@eventstore/db-client';

/** An event as it lies in the log. `position` is its own place in `$all`; `data` and `metadata` are JSON that nobody has validated yet. */
export type LoggedEvent = {
  readonly stream: string;
  readonly revision: number;
  readonly event_id: string;
  readonly type: string;
  readonly data: unknown;
  readonly metadata: unknown;
  readonly position: bigint;
  /** When it was appended, in milliseconds since 1970. */
  readonly appended_ms: number;
};

export type EventToAppend = {
  readonly event_id: string;
  readonly type: string;
  readonly data: Record<string, unknown>;
  readonly metadata: Record<string, unknown>;
};

/** The stream is not where the writer believed it to be; nothing was appended. */
export class WrongExpectedRevision extends Error {
  constructor(stream: string, expected: number | 'any') {
    super(`${stream} is no longer at revision ${expected}`);
  }
}

/** The log did not answer. For an append, `outcomeUnknown` says that it may have happened all the same. */
export class LogUnavailable extends Error {
  readonly outcomeUnknown: boolean;
  constructor(cause: unknown, outcomeUnknown: boolean) {
    super(`The event log does not answer: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.outcomeUnknown = outcomeUnknown;
  }
}

/** One append's events are larger than the log takes at once. */
export class AppendTooLarge extends Error {}

export type EventLog = {
  /**
   * Appends at exactly `expected` (-1: the stream does not exist yet; `any`: wherever it is, for what depends on nothing),
   * all or nothing. Answers with the revision and position of the last event.
   */
  append(stream: string, expected: number | 'any', events: readonly EventToAppend[]): Promise<{ revision: number; position: bigint }>;
  /** The stream's events from a revision on, oldest first; none where there is no stream. */
  readStream(stream: string, fromRevision: number): AsyncIterable<LoggedEvent>;
  /** The stream's newest events, newest first. */
  readStreamBackwards(stream: string, limit: number): AsyncIterable<LoggedEvent>;
  /** The one order of all events after a position (null: from the beginning), the events that are there now. */
  readAll(after: bigint | null): AsyncIterable<LoggedEvent>;
  /**
   * The one order of all events after a position, then those to come, until the signal aborts or the log goes away
   * (LogUnavailable); of streams whose names begin with one of the prefixes, where there are any.
   */
  subscribeToAll(after: bigint | null, signal: AbortSignal, prefixes?: readonly string[]): AsyncIterable<LoggedEvent>;
  /** The event at exactly this position, if there is one. */
  eventAt(position: bigint): Promise<LoggedEvent | undefined>;
  /** The position of the newest event; null in an empty log. */
  head(): Promise<bigint | null>;
  /** Events of the stream older than this many seconds are no longer read. */
  setMaxAge(stream: string, seconds: number): Promise<void>;
  /** Only so many of the stream's newest events are read. */
  setMaxCount(stream: string, events: number): Promise<void>;
  close(): Promise<void>;
};

const ATTEMPTS = 4;
const ATTEMPT_TIMEOUT_MS = 3_000;
const READ_TIMEOUT_MS = 10_000;

export function connectEventLog(connectionString: string): EventLog {
  const client = EventStoreDBClient.connectionString(connectionString);

  async function setMetadata(stream: string, metadata: StreamMetadata): Promise<void> {
    try {
      await within(ATTEMPT_TIMEOUT_MS, client.setStreamMetadata(stream, metadata));
    } catch (error) {
      throw new LogUnavailable(error, true);
    }
  }

  return {
    async append(stream, expected, events) {
      const data = events.map(({ event_id, type, data, metadata }) => jsonEvent({ id: event_id, type, data, metadata }));
      const expectedRevision = expected === 'any' ? ANY : expected < 0 ? NO_STREAM : BigInt(expected);
      // The same ids at the same revision are appended once however often they are sent, so a lost answer is asked for again.
      for (let attempt = 1; ; attempt += 1) {
        try {
          const { success, nextExpectedRevision, position } = await within(
            ATTEMPT_TIMEOUT_MS,
            // The default, set here since a connection string may say otherwise.
            client.appendToStream(stream, data, { expectedRevision }),
          );
          if (!success) throw new WrongExpectedRevision(stream, expected);
          if (position === undefined) throw new Error(`the log gave no position for an append to ${stream}`);
          return { revision: Number(nextExpectedRevision), position: position.commit };
        } catch (error) {
          if (error instanceof WrongExpectedVersionError) throw new WrongExpectedRevision(stream, expected);
          if (error instanceof WrongExpectedRevision || error instanceof StreamDeletedError) throw error;
          if (error instanceof MaxAppendSizeExceededError) throw new AppendTooLarge(error.message);
          if (attempt === ATTEMPTS) throw new LogUnavailable(error, true);
          await sleep(50 * 4 ** (attempt - 1));
        }
      }
    },
    readStream: (stream, fromRevision) =>
      events(() => client.readStream(stream, { fromRevision: BigInt(fromRevision), deadline: READ_TIMEOUT_MS })),
    readStreamBackwards: (stream, limit) =>
      events(
        () => client.readStream(stream, { direction: BACKWARDS, fromRevision: END, maxCount: limit, deadline: READ_TIMEOUT_MS }),
        limit,
      ),
    async *readAll(after) {
      const read = () => client.readAll({ fromPosition: after === null ? START : at(after), deadline: 24 * 60 * 60_000 });
      for await (const event of events(read)) if (after === null || event.position > after) yield event;
    },
    async *subscribeToAll(after, signal, prefixes) {
      if (signal.aborted) return;
      const subscription = client.subscribeToAll({
        fromPosition: after === null ? START : at(after),
        ...(prefixes && { filter: streamNameFilter({ prefixes: [...prefixes] }) }),
      });
      // One whose connection never came about has nothing to end, and fails again with what it failed with.
      const unsubscribe = () => subscription.unsubscribe().catch(() => {});
      const stop = () => void unsubscribe().then(() => subscription.destroy());
      signal.addEventListener('abort', stop, { once: true });
      try {
        for await (const resolved of subscription) {
          const event = logged(resolved);
          if (event) yield event;
        }
        if (!signal.aborted) throw new LogUnavailable('the subscription ended', false);
      } catch (error) {
        if (!signal.aborted) throw error instanceof LogUnavailable ? error : new LogUnavailable(error, false);
      } finally {
        signal.removeEventListener('abort', stop);
        if (!signal.aborted) await unsubscribe();
      }
    },
    async eventAt(position) {
      const read = () => client.readAll({ fromPosition: at(position), maxCount: 1, deadline: READ_TIMEOUT_MS });
      for await (const event of events(read, 1)) return event.position === position ? event : undefined;
      return undefined;
    },
    async head() {
      const last = () => client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 1, deadline: READ_TIMEOUT_MS });
      for await (const event of events(last, 1)) return event.position;
      return null;
    },
    setMaxAge: (stream, maxAge) => setMetadata(stream, { maxAge }),
    setMaxCount: (stream, maxCount) => setMetadata(stream, { maxCount }),
    close: () => client.dispose(),
  };
}

const at = (position: bigint): Position => ({ commit: position, prepare: position });

/**
 * A read, event by event. One that is left before its end is cancelled and what has arrived of it flows off: the client
 * waits for every stream's end when it is closed, and one that a consumer destroyed half-read would never come to it.
 * @param limit how many there are at the most. One that has given them has nothing left to cancel, and servers end a connection
 * on which calls are often cancelled
 */
async function* events(read: () => StreamingRead<ResolvedEvent>, limit = Number.POSITIVE_INFINITY): AsyncGenerator<LoggedEvent> {
  const stream = read();
  let given = 0;
  let isAtEnd = false;
  try {
    for await (const resolved of stream.iterator({ destroyOnReturn: false })) {
      given += 1;
      const event = logged(resolved);
      if (event) yield event;
    }
    isAtEnd = true;
  } catch (error) {
    isAtEnd = true;
    if (error instanceof StreamNotFoundError) return;
    throw new LogUnavailable(error, false);
  } finally {
    if (!isAtEnd) {
      if (given < limit) await stream.cancel();
      stream.resume();
    }
  }
}

function logged({ event }: ResolvedEvent): LoggedEvent | undefined {
  if (!event?.position) return undefined;
  const { streamId, revision, id, type, data, metadata, position, created } = event;
  return {
    stream: streamId,
    revision: Number(revision),
    event_id: id,
    type,
    data,
    metadata,
    position: position.commit,
    appended_ms: created.getTime(),
  };
}

// The client's batch append has no deadline of its own: one whose answer is lost would wait for ever.
async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${milliseconds} ms`)), milliseconds);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

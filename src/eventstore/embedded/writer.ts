// The one writer. Requests that arrive while others are being written wait in a queue and are then committed together: one
// transaction and one fsync for all of them. Each is decided on its own, in the order of arrival, and answered only when the
// transaction is on disk; one that cannot be written fails alone.
import { randomUUID } from 'node:crypto';
import { decide, type KnownEvents } from './decide.ts';
import {
  type ExpectedRevision,
  isMetastream,
  LAST_REVISION,
  METADATA_TYPE,
  metastreamOf,
  originalStreamOf,
  type ProposedEvent,
  TOMBSTONE_TYPE,
} from './events.ts';
import { isOfFile, sentence } from './reasons.ts';
import { recentEvents } from './recentEvents.ts';
import type { Storage } from './storage.ts';
import { isSoftDeleted, rulesOf, type StreamState, type Streams, withTruncateBefore } from './streams.ts';

/** `position` is 0 for a repeat of what reads no longer show: the real server tells no position then. */
export type Outcome =
  | { is: 'written'; revision: number; position: number }
  | { is: 'wrong revision'; current: number }
  | { is: 'deleted' }
  | { is: 'too late' }
  | { is: 'failed'; reason: string };

type Change = { is: 'append'; events: ProposedEvent[] } | { is: 'delete' } | { is: 'tombstone' };

/** `deadline` is in milliseconds since 1970; a request that waited longer is not written. */
export type WriteRequest = {
  stream: string;
  expected: ExpectedRevision;
  change: Change;
  deadline?: number;
  answer: (outcome: Outcome) => void;
};

/** A group ends at either limit, so that a burst of large appends does not hold up the answers to all of it. */
const groupRequests = 1024;
const groupBytes = 8 * 1024 * 1024;

// Callers that were answered together come back one after the other, each with its next append. To commit for the first of
// them would make all others wait for the commit after it; so while they keep coming they are waited for, asleep, up to 2 ms.
const waitMilliseconds = 0.15;
const maximumWaits = 12;
const clock = new Int32Array(new SharedArrayBuffer(4));

export type Writer = ReturnType<typeof startWriter>;

/** `onCommit` is told the names of the streams that have new events. */
export function startWriter(storage: Storage, streams: Streams, onCommit: (names: ReadonlySet<string>) => void) {
  const queue: WriteRequest[] = [];
  const recent = recentEvents(storage);
  let head = storage.head();
  let isScheduled = false;
  let wasShared = false;
  let seen = 0;
  let waits = 0;
  /** Streams that were written to since `onCommit` was last called. */
  const touched = new Set<string>();
  /** After a transaction that failed: what is in memory may be other than what is in the file. */
  let isDoubtful = false;

  const known: KnownEvents = {
    recent: (stream, id) => recent.find(stream.id, id),
    isAt: (stream, revision, id) => {
      const event = stream.id ? storage.eventAt(stream.id, revision) : undefined;
      return event !== undefined && Buffer.compare(event.id, id) === 0;
    },
    hasMetadata: (stream) => streams.get(metastreamOf(stream.name)).last >= 0,
  };

  function write(stream: StreamState, event: ProposedEvent, created: number, revision = stream.last + 1): number {
    if (stream.id === 0) stream.id = storage.addStream(stream.name);
    const position = head + 1;
    storage.addEvent(event, { position, stream: stream.id, revision, created });
    head = position;
    stream.last = revision;
    recent.add(stream.id, revision, event.id);
    touched.add(stream.name);
    return position;
  }

  function writeMetadata(name: string, data: Uint8Array, created: number): number {
    const position = write(streams.get(metastreamOf(name)), systemEvent(METADATA_TYPE, data), created);
    streams.get(name).rules = rulesOf(data);
    return position;
  }

  function append(stream: StreamState, events: ProposedEvent[], created: number): Outcome {
    const wasSoftDeleted = isSoftDeleted(stream);
    const firstNew = stream.last + 1;
    let position = head;
    for (const event of events) position = write(stream, event, created);
    const revision = stream.last;
    // A soft-deleted stream begins anew at its next event, with what its metadata said before.
    if (wasSoftDeleted) bringBack(stream, streams.newestMetadata(stream.name), firstNew, created);
    const newest = events.at(-1);
    if (newest && isMetastream(stream.name) && !isMetastream(originalStreamOf(stream.name))) {
      setMetadata(originalStreamOf(stream.name), newest, created);
    }
    return { is: 'written', revision, position };
  }

  function setMetadata(name: string, { isJson, data }: ProposedEvent, created: number): void {
    const stream = streams.get(name);
    const wasSoftDeleted = isSoftDeleted(stream);
    stream.rules = isJson ? rulesOf(data) : {};
    if (wasSoftDeleted) bringBack(stream, data, stream.last + 1, created);
  }

  /** Has a stream that was soft-deleted begin at a revision, with what else its metadata says. */
  function bringBack(stream: StreamState, metadata: Uint8Array, first: number, created: number): void {
    const data = withTruncateBefore(metadata, first);
    if (data) writeMetadata(stream.name, data, created);
    touched.add(stream.name); // who waits for the stream has one again, if only an empty one
  }

  function perform({ stream: name, expected, change, deadline }: WriteRequest, now: number): Outcome {
    if (deadline !== undefined && deadline <= now) return { is: 'too late' };
    const stream = streams.get(name);
    const ids = change.is === 'append' ? change.events.map(({ id }) => id) : [newId()];
    const decision = decide(stream, expected, ids, known);
    if (decision.is === 'repeated') {
      return { is: 'written', revision: decision.revision, position: streams.shown(stream, decision.revision)?.position ?? 0 };
    }
    if (decision.is !== 'new') return decision;
    if (change.is === 'append') return append(stream, change.events, now);
    if (change.is === 'tombstone') {
      const position = write(stream, systemEvent(TOMBSTONE_TYPE, new Uint8Array()), now, LAST_REVISION);
      streams.forget(metastreamOf(name));
      return { is: 'written', revision: LAST_REVISION, position };
    }
    if (stream.last < 0 && !known.hasMetadata(stream)) return { is: 'wrong revision', current: -1 };
    const position = writeMetadata(name, Buffer.from('{"$tb":9223372036854775807}'), now);
    return { is: 'written', revision: stream.last, position };
  }

  /**
   * Writes the requests as one transaction. When the file or its disk fails so do they all: the next would as well, and everybody
   * else would wait meanwhile. Otherwise they are written one by one, so that only the culprit fails; one that was committed all the
   * same (the error came after it) is then a repeat.
   */
  function commit(group: readonly WriteRequest[]): Outcome[] {
    const headBefore = head;
    let isBegun = false;
    try {
      const outcomes = storage.transaction(() => {
        isBegun = true;
        if (isDoubtful) readAgain();
        const now = Date.now();
        return group.map((request) => perform(request, now));
      });
      if (touched.size > 0) onCommit(touched);
      touched.clear();
      return outcomes;
    } catch (error) {
      if (isBegun) {
        head = headBefore;
        streams.forget();
        isDoubtful = true;
      }
      if (group.length > 1 && !isOfFile(error)) return group.flatMap((request) => commit([request]));
      const reason = sentence(error, storage.file);
      const [first] = group;
      const what = group.length > 1 ? `${group.length} appends, the first to ${first?.stream}, were` : `An append to ${first?.stream} was`;
      console.error(`${what} not written: ${reason}`); // the batch call's answer has no room for it
      return group.map(() => ({ is: 'failed', reason }));
    }
  }

  function readAgain(): void {
    head = storage.head();
    recent.readAgain();
    isDoubtful = false;
  }

  function nextGroup(): WriteRequest[] {
    let size = 0;
    let count = 0;
    for (const { change } of queue) {
      if (change.is === 'append') for (const { data, metadata } of change.events) size += data.length + metadata.length;
      count += 1;
      if (count === groupRequests || size >= groupBytes) break;
    }
    return queue.splice(0, count);
  }

  /** Whether to wait for more: the last group was of several callers, and the last look found new requests. */
  function isWorthWaiting(): boolean {
    const grew = queue.length > seen;
    seen = queue.length;
    waits = wasShared && grew && queue.length < groupRequests ? waits + 1 : 0;
    return waits > 0 && waits <= maximumWaits;
  }

  function writeGroup(): void {
    if (isWorthWaiting()) {
      Atomics.wait(clock, 0, 0, waitMilliseconds);
      setImmediate(writeGroup);
    } else {
      if (queue.length > 0) writeNow();
      isScheduled = queue.length > 0;
      if (isScheduled) setImmediate(writeGroup);
    }
  }

  function writeNow(): void {
    const group = nextGroup();
    const outcomes = commit(group);
    for (const [index, outcome] of outcomes.entries()) group[index]?.answer(outcome);
    wasShared = group.length > 1;
    seen = 0;
    waits = 0;
  }

  return {
    /** Queues a request. Its answer comes when its outcome is on disk. */
    submit(request: WriteRequest): void {
      queue.push(request);
      if (isScheduled) return;
      isScheduled = true;
      setImmediate(writeGroup);
    },
    head: (): number => head,
    /** Writes and answers all that is queued. */
    finish(): void {
      while (queue.length > 0) writeNow();
    },
  };
}

const newId = (): Uint8Array => Buffer.from(randomUUID().replaceAll('-', ''), 'hex');

const systemEvent = (type: string, data: Uint8Array): ProposedEvent => ({
  id: newId(),
  type,
  isJson: type === METADATA_TYPE,
  data,
  metadata: new Uint8Array(),
});

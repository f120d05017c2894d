// What is known of each stream without reading its events: its number, its newest revision, and the rules that its metadata
// set. Kept in memory for the streams in use; everything here can be read again from the log.
import { isMetastream, LAST_REVISION, metastreamOf, originalStreamOf } from './events.ts';
import type { Storage } from './storage.ts';

/** What a stream's newest `$metadata` says of which events are still shown. */
export type Rules = { maxCount?: number; maxAgeSeconds?: number; truncateBefore?: number };

/** A stream as it stands. `id` is 0 before its first event, `last` is -1 then and LAST_REVISION once it has a tombstone. */
export type StreamState = { readonly name: string; id: number; last: number; rules: Rules };

/** How many streams are remembered; more are read again when they are asked for. */
const capacity = 50_000;

export const isTombstoned = (stream: StreamState): boolean => stream.last === LAST_REVISION;
export const isSoftDeleted = (stream: StreamState): boolean => (stream.rules.truncateBefore ?? 0) >= LAST_REVISION;

/** Whether a read finds the stream at all. */
export const isReadable = (stream: StreamState): boolean => stream.last >= 0 && !isTombstoned(stream) && !isSoftDeleted(stream);

/** The first revision and the oldest time (in milliseconds) that reads of the stream still show. */
export function visibleFrom({ last, rules }: StreamState, now: number): { revision: number; since: number } {
  const revision = Math.max(0, rules.truncateBefore ?? 0, rules.maxCount === undefined ? 0 : last - rules.maxCount + 1);
  return { revision, since: rules.maxAgeSeconds === undefined ? 0 : now - rules.maxAgeSeconds * 1000 };
}

/** The rules in the data of a `$metadata` event. Data that is not a JSON object sets none, as in the real server. */
export function rulesOf(data: Uint8Array): Rules {
  const json = parseObject(data);
  const rules: Rules = {};
  if (isPositive(json.$maxCount)) rules.maxCount = json.$maxCount;
  if (isPositive(json.$maxAge)) rules.maxAgeSeconds = json.$maxAge;
  if (typeof json.$tb === 'number' && json.$tb >= 0) rules.truncateBefore = Math.min(json.$tb, LAST_REVISION);
  return rules;
}

/** The same metadata with another `$tb`, for a stream that is written again after a soft delete; undefined if it is no JSON object. */
export function withTruncateBefore(data: Uint8Array, revision: number): Uint8Array {
  return Buffer.from(JSON.stringify({ ...parseObject(data), $tb: revision }));
}

function parseObject(data: Uint8Array): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.length).toString());
    return typeof json === 'object' && json !== null ? { ...json } : {};
  } catch {
    return {};
  }
}

const isPositive = (value: unknown): value is number => typeof value === 'number' && value > 0;

export type Streams = ReturnType<typeof trackStreams>;

export function trackStreams(storage: Storage) {
  const known = new Map<string, StreamState>();
  const names = new Map<number, { text: string; bytes: Uint8Array }>();

  function load(name: string): StreamState {
    const id = storage.streamId(name) ?? 0;
    const last = id ? storage.lastRevision(id) : -1;
    if (isMetastream(name)) {
      // Only the newest metadata counts; and it goes with the stream that it is about.
      const isGone = isTombstoned(get(originalStreamOf(name)));
      return { name, id, last: isGone ? LAST_REVISION : last, rules: { maxCount: 1 } };
    }
    return { name, id, last, rules: rulesOf(newestMetadata(name)) };
  }

  function newestMetadata(name: string): Uint8Array {
    const id = storage.streamId(metastreamOf(name));
    const event = id === undefined ? undefined : storage.eventAt(id, storage.lastRevision(id));
    return event?.data ?? new Uint8Array();
  }

  function get(name: string): StreamState {
    let stream = known.get(name);
    if (!stream) {
      stream = load(name);
      if (known.size >= capacity) known.clear();
      known.set(name, stream);
    }
    return stream;
  }

  function nameOf(id: number) {
    let name = names.get(id);
    if (!name) {
      const text = storage.streamName(id);
      name = { text, bytes: Buffer.from(text) };
      if (names.size >= capacity) names.clear();
      names.set(id, name);
    }
    return name;
  }

  return {
    get,
    newestMetadata,
    nameOf: (id: number): string => nameOf(id).text,
    encodedNameOf: (id: number): Uint8Array => nameOf(id).bytes,
    /** Forgets what it knew of a stream, or of all of them after a transaction that was rolled back. */
    forget(name?: string): void {
      if (name === undefined) {
        known.clear();
        names.clear();
      } else {
        known.delete(name);
      }
    },
  };
}

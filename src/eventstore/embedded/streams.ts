// What is known of each stream without reading its events: its number, its newest revision, and the rules that its metadata
// set. Kept in memory for the streams in use; everything here can be read again from the log.
import { z } from 'zod';
import { isMetastream, LAST_REVISION, metastreamOf, originalStreamOf, type StoredEvent } from './events.ts';
import type { Storage } from './storage.ts';

/** What a stream's newest `$metadata` says of which events are still shown; that of a soft delete says that none is. */
export type Rules = { maxCount?: number; maxAgeSeconds?: number; truncateBefore?: number; isDeleted?: true };

/** A stream as it stands. `id` is 0 before its first event, `last` is -1 then and LAST_REVISION once it has a tombstone. */
export type StreamState = { readonly name: string; id: number; last: number; rules: Rules };

/** How many streams are remembered, and of how many characters together; more are read again when they are asked for. */
const capacity = 50_000;
const capacityCharacters = 8_000_000;

/**
 * The longest name of a stream, and of an event's type, in bytes. Failures name the stream twice, with up to three characters for a
 * byte, and clients take no more than 64 KiB of trailers.
 */
const maximumNameBytes = 10 * 1024;

/** What is wrong with the length of a name, of which `$$` is none. */
export function tooLong(what: string, name: string): string | undefined {
  const size = Buffer.byteLength(isMetastream(name) ? originalStreamOf(name) : name);
  return size > maximumNameBytes ? `The ${what} has ${size} bytes, and may have ${maximumNameBytes}` : undefined;
}

/** Forgets everything when it has more entries, or larger ones, than it may. */
export function boundedCache<Key, Value>(maximumEntries: number, maximumSize: number) {
  const entries = new Map<Key, Value>();
  let size = 0;
  function clear(): void {
    entries.clear();
    size = 0;
  }
  return {
    clear,
    get: (key: Key): Value | undefined => entries.get(key),
    delete: (key: Key): boolean => entries.delete(key), // its size is forgotten with all others
    set(key: Key, value: Value, sizeOfIt: number): void {
      if (entries.size >= maximumEntries || size >= maximumSize) clear();
      entries.set(key, value);
      size += sizeOfIt;
    },
  };
}

export const isTombstoned = (stream: StreamState): boolean => stream.last === LAST_REVISION;
export const isSoftDeleted = (stream: StreamState): boolean => stream.rules.isDeleted === true;

/** Whether a read finds the stream at all. */
export const isReadable = (stream: StreamState): boolean => stream.last >= 0 && !isTombstoned(stream) && !isSoftDeleted(stream);

/** The first revision and the oldest time (in milliseconds) that reads of the stream still show. */
export function visibleFrom({ last, rules }: StreamState, now: number): { revision: number; since: number } {
  const revision = Math.max(0, rules.truncateBefore ?? 0, rules.maxCount === undefined ? 0 : last - rules.maxCount + 1);
  return { revision, since: rules.maxAgeSeconds === undefined ? 0 : now - rules.maxAgeSeconds * 1000 };
}

// A 64-bit integer. JavaScript's numbers hold those of up to 53 bits, beyond which there is no revision.
const integer = z
  .number()
  .refine((value) => Number.isInteger(value) && Math.abs(value) < 2 ** 63)
  .optional();
const rulesInMetadata = z.object({ $maxCount: integer, $maxAge: integer, $tb: integer, $cacheControl: integer });

/** The `$tb` of a soft delete is the largest 64-bit integer; the number next to it, which JavaScript takes for the same, is none. */
const softDelete = /"\$tb"\s*:\s*9223372036854775807\s*[,}]/;

/**
 * The rules in the data of a `$metadata` event, as the real server takes them (`StreamMetadata.FromJsonReader`): a rule that is
 * not positive is left out, and one that is no integer makes all of them void, as does what is not a JSON object.
 */
export function rulesOf(data: Uint8Array): Rules {
  const text = textOf(data);
  if (softDelete.test(text)) return { truncateBefore: LAST_REVISION, isDeleted: true };
  const { $maxCount = 0, $maxAge = 0, $tb = 0 } = rulesInMetadata.safeParse(parseObject(text)).data ?? {};
  const rules: Rules = {};
  if ($maxCount > 0) rules.maxCount = $maxCount;
  if ($maxAge > 0) rules.maxAgeSeconds = $maxAge;
  if ($tb > 0) rules.truncateBefore = Math.min($tb, LAST_REVISION);
  return rules;
}

/** The same metadata with another `$tb`, for a stream that is written again after a soft delete; undefined if it is no JSON object. */
export function withTruncateBefore(data: Uint8Array, revision: number): Uint8Array | undefined {
  const json = parseObject(textOf(data));
  return json && Buffer.from(JSON.stringify({ ...json, $tb: revision }));
}

const textOf = (data: Uint8Array): string => Buffer.from(data.buffer, data.byteOffset, data.length).toString();

function parseObject(text: string): object | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null && !Array.isArray(json) ? json : undefined;
  } catch {
    return undefined;
  }
}

export type Streams = ReturnType<typeof trackStreams>;

const encoder = new TextEncoder();

export function trackStreams(storage: Storage) {
  const known = boundedCache<string, StreamState>(capacity, capacityCharacters);
  const names = boundedCache<number, { text: string; bytes: Uint8Array }>(capacity, capacityCharacters);

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
    return event?.isJson ? event.data : new Uint8Array();
  }

  function get(name: string): StreamState {
    let stream = known.get(name);
    if (!stream) {
      stream = load(name);
      known.set(name, stream, name.length);
    }
    return stream;
  }

  function nameOf(id: number) {
    let name = names.get(id);
    if (!name) {
      const text = storage.streamName(id);
      // In memory of its own: what Buffer makes shares pieces of 8 KiB with all that is sent meanwhile, and would keep them.
      name = { text, bytes: encoder.encode(text) };
      names.set(id, name, text.length);
    }
    return name;
  }

  return {
    get,
    newestMetadata,
    /** The event at a revision, if reads of the stream still show it. */
    shown(stream: StreamState, revision: number): StoredEvent | undefined {
      const first = visibleFrom(stream, Date.now());
      if (!isReadable(stream) || revision < first.revision) return undefined;
      const event = storage.eventAt(stream.id, revision);
      return event && event.created >= first.since ? event : undefined;
    },
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

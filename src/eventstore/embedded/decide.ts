// Whether an append may go ahead: the expected revision against the stream as it stands, and whether the same events are
// already there. A repeated append must succeed as the first did, an append that only partly repeats another must fail, and
// every case in between is decided as the real server decides it.
import { ANY, type ExpectedRevision, NO_STREAM, STREAM_EXISTS } from './events.ts';
import { isSoftDeleted, isTombstoned, type StreamState } from './streams.ts';

export type Decision = { is: 'new' } | { is: 'repeated'; revision: number } | { is: 'wrong revision'; current: number } | { is: 'deleted' };

/** How the log answers what a decision needs to know. */
export type KnownEvents = {
  /** The revision of a recently appended event in this stream, by its id. */
  recent(stream: StreamState, id: Uint8Array): number | undefined;
  isAt(stream: StreamState, revision: number, id: Uint8Array): boolean;
  hasMetadata(stream: StreamState): boolean;
};

export function decide(stream: StreamState, expected: ExpectedRevision, ids: readonly Uint8Array[], events: KnownEvents): Decision {
  const wrong: Decision = { is: 'wrong revision', current: stream.last };
  if (isTombstoned(stream)) return { is: 'deleted' };
  if (expected === STREAM_EXISTS) {
    if (isSoftDeleted(stream)) return { is: 'deleted' };
    if (stream.last < 0 && !events.hasMetadata(stream)) return wrong;
  }
  if (expected === ANY || expected === STREAM_EXISTS) {
    // No revision says where a repeat would be, so it is looked for among the recent events.
    let repeated: number | undefined;
    for (const [index, id] of ids.entries()) {
      const found = events.recent(stream, id);
      if (found === undefined) return index === 0 ? { is: 'new' } : wrong;
      repeated = found;
    }
    return repeated === undefined ? { is: 'new' } : { is: 'repeated', revision: repeated };
  }
  if (expected > stream.last) return wrong;
  if (expected === stream.last) return { is: 'new' };
  for (const [index, id] of ids.entries()) {
    if (events.isAt(stream, expected + 1 + index, id)) continue;
    return index === 0 && expected === NO_STREAM && isSoftDeleted(stream) ? { is: 'new' } : wrong;
  }
  return ids.length === 0 ? wrong : { is: 'repeated', revision: expected + ids.length };
}

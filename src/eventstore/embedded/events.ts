// The words that every file of this folder shares: what a stored event is, what a caller may expect of a stream, and the
// few names and numbers that EventStoreDB gives a meaning to.

/** An event as the log keeps it. `stream` is the number of its stream; `created` is in milliseconds since 1970. */
export type StoredEvent = {
  position: number;
  stream: number;
  revision: number;
  id: Uint8Array;
  type: string;
  isJson: boolean;
  created: number;
  data: Uint8Array;
  metadata: Uint8Array;
};

/** An event that a caller wants to append. */
export type ProposedEvent = { id: Uint8Array; type: string; isJson: boolean; data: Uint8Array; metadata: Uint8Array };

/** A revision that the stream must be at, or one of the three below. The numbers are those of the protocol's error details. */
export type ExpectedRevision = number;
export const NO_STREAM = -1;
export const ANY = -2;
export const STREAM_EXISTS = -4;

/**
 * The revision of a tombstone, and the `$tb` of a soft-deleted stream. On the wire it is the largest int64; in the log it
 * is the largest integer that a JavaScript number holds, so that no revision ever has to be a bigint.
 */
export const LAST_REVISION = Number.MAX_SAFE_INTEGER;

export const METADATA_TYPE = '$metadata';
export const TOMBSTONE_TYPE = '$streamDeleted';
export const LINK_TYPE = '$>';

export const isMetastream = (stream: string): boolean => stream.startsWith('$$');
export const metastreamOf = (stream: string): string => `$$${stream}`;
export const originalStreamOf = (metastream: string): string => metastream.slice(2);

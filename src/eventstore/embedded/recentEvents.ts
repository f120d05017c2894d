// The ids of the most recently appended events. An append that expects nothing of the stream's revision can only be known for
// a repeat by its events' ids; like the real server, the log looks for them among the recent ones. Unlike it, it remembers
// the last of them across a restart, which is when a caller repeats what it has no answer to.
import type { Storage } from './storage.ts';

const capacity = 100_000;
/** How many are read from the end of the log when it opens; few enough to take no time. */
const remembered = 20_000;

export function recentEvents(storage: Storage) {
  // Two generations: when the younger is full, the older is dropped.
  let young = new Map<string, { stream: number; revision: number }>();
  let old = new Map<string, { stream: number; revision: number }>();

  function add(stream: number, revision: number, id: Uint8Array): void {
    if (young.size >= capacity / 2) {
      old = young;
      young = new Map();
    }
    young.set(key(id), { stream, revision });
  }
  function load(): void {
    for (const { id, stream, revision } of storage.recentIds(remembered)) add(stream, revision, id);
  }
  load();

  return {
    add,
    find(stream: number, id: Uint8Array): number | undefined {
      const name = key(id);
      const found = young.get(name) ?? old.get(name);
      return found?.stream === stream ? found.revision : undefined;
    },
    /** After a transaction that failed, whose events may be there or not. */
    readAgain(): void {
      young = new Map();
      old = new Map();
      load();
    },
  };
}

const key = (id: Uint8Array): string => Buffer.from(id.buffer, id.byteOffset, id.length).toString('latin1');

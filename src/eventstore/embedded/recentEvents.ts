// The ids of the most recently appended events. An append that expects nothing of the stream's revision can only be known for
// a repeat by its events' ids; like the real server, the log looks for them among the recent ones. Unlike it, it remembers
// the last of them across a restart, which is when a caller repeats what it has no answer to.
import type { Storage } from './storage.ts';

const capacity = 100_000;
/** How many are read from the end of the log when it opens; few enough to take no time. */
const remembered = 20_000;

export function recentEvents(storage: Storage) {
  // Two generations: when the younger is full, the older is dropped.
  let young = tableOfIds(capacity / 2);
  let old = tableOfIds(capacity / 2);

  function add(stream: number, revision: number, id: Uint8Array): void {
    if (young.isFull()) {
      [young, old] = [old, young];
      young.clear();
    }
    young.set(id, stream, revision);
  }
  function load(): void {
    for (const { id, stream, revision } of storage.recentIds(remembered)) add(stream, revision, id);
  }
  load();

  return {
    add,
    find(stream: number, id: Uint8Array): number | undefined {
      const found = young.get(id) ?? old.get(id);
      return found?.stream === stream ? found.revision : undefined;
    },
    /** After a transaction that failed, whose events may be there or not. */
    readAgain(): void {
      young.clear();
      old.clear();
      load();
    },
  };
}

/**
 * A hash table in plain arrays, as it takes every event there is: a Map would make a text and an object of each, and leave them
 * to the garbage collector. At most half of its slots are taken; an id is in the first free slot from its own on.
 */
function tableOfIds(most: number) {
  const slots = 2 ** Math.ceil(Math.log2(2 * most));
  const ids = new Uint8Array(16 * slots);
  const streams = new Uint32Array(slots); // 0: the slot is free
  const revisions = new Float64Array(slots);
  let count = 0;

  /** The slot that has the id, or that is free for it. */
  function slotOf(id: Uint8Array): number {
    let slot = hash(id) & (slots - 1);
    while (streams[slot] !== 0 && !isAt(slot, id)) slot = (slot + 1) & (slots - 1);
    return slot;
  }
  function isAt(slot: number, id: Uint8Array): boolean {
    for (let index = 0; index < 16; index += 1) if (ids[16 * slot + index] !== id[index]) return false;
    return true;
  }

  return {
    isFull: (): boolean => count >= most,
    get(id: Uint8Array): { stream: number; revision: number } | undefined {
      const slot = slotOf(id);
      const stream = streams[slot] ?? 0;
      return stream === 0 ? undefined : { stream, revision: revisions[slot] ?? 0 };
    },
    set(id: Uint8Array, stream: number, revision: number): void {
      const slot = slotOf(id);
      if (streams[slot] === 0) count += 1;
      ids.set(id, 16 * slot);
      streams[slot] = stream;
      revisions[slot] = revision;
    },
    clear(): void {
      streams.fill(0);
      count = 0;
    },
  };
}

function hash(id: Uint8Array): number {
  let value = 0;
  for (const byte of id) value = Math.imul(value ^ byte, 0x01000193);
  return value ^ (value >>> 15);
}

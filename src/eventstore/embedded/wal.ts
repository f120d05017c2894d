// Whether the WAL that a killed process left is as it left it. SQLite takes a WAL up to the first frame that is not as it should be
// and drops the rest without a word: right for the commit that a crash tore, which nobody was answered, and a silent loss of
// answered ones where the file was damaged. Two things tell: commits after the one that is torn, for each is on disk before the
// next begins; and SQLite's index of the WAL, which a kill leaves as it was after the last commit. Who closes a log, be it only by
// ending the process, has SQLite remove the index first and then the WAL, so an index without its WAL is of one that was taken
// away. The formats: https://sqlite.org/fileformat2.html#walformat, https://sqlite.org/walformat.html
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { bytesOf } from './files.ts';

const walOf = (file: string): string => `${file}-wal`;
const indexOf = (file: string): string => `${file}-shm`;

const headerBytes = 32;
const frameHeaderBytes = 24;
const framesAtOnce = 64;

/** Whether a log that nobody has open was left with something to check. */
export const isLeftOpen = (file: string): boolean => existsSync(walOf(file)) || existsSync(indexOf(file));

/** Throws one sentence where answered commits are lost with the WAL of a log that nobody has open. */
export function checkWal(file: string): void {
  const wal = walOf(file);
  if (bytesOf(wal) < headerBytes) {
    if (indexed(file) > 0) throw new Error(`The event log ${file} is damaged: ${wal}, where its last appends are, is missing or empty`);
    return;
  }
  const descriptor = openSync(wal, 'r');
  try {
    const { salts, committed, later } = scan(descriptor);
    if (salts === undefined ? bytesOf(wal) > headerBytes : later > 1 || indexed(file, salts) > committed)
      throw new Error(`The event log ${file} is damaged: ${wal}, where its last appends are, cannot be read to its end; restore a backup`);
  } finally {
    closeSync(descriptor);
  }
}

type Scan = {
  /** Those of the header, undefined where it is damaged. */
  readonly salts: Buffer | undefined;
  /** How many frames there are up to the last commit that SQLite will find. */
  readonly committed: number;
  /** How many commits have their last frame after that one and among those of this WAL, not of what was there before it. */
  readonly later: number;
};

function scan(descriptor: number): Scan {
  const header = Buffer.alloc(headerBytes);
  readSync(descriptor, header, 0, headerBytes, 0);
  const magic = header.readUInt32BE(0);
  const addUp = checksum((magic & 1) === 0);
  if ((magic & ~1) !== 0x377f0682 || !isEqual(addUp(header, 0, 24), header, 24)) return { salts: undefined, committed: 0, later: 0 };

  const salts = header.subarray(16, 24);
  const frameBytes = frameHeaderBytes + header.readUInt32BE(8);
  const frames = Buffer.alloc(framesAtOnce * frameBytes);
  let [frame, committed, later] = [0, 0, 0];
  let isWhole = true;
  for (;;) {
    const length = readSync(descriptor, frames, 0, frames.length, headerBytes + frame * frameBytes);
    if (length < frameBytes) return { salts, committed, later };
    for (let at = 0; at + frameBytes <= length; at += frameBytes) {
      frame += 1;
      const isOfThis = salts.compare(frames, at + 8, at + 16) === 0;
      const isCommit = frames.readUInt32BE(at + 4) !== 0;
      if (isWhole) {
        addUp(frames, at, at + 8);
        isWhole = isOfThis && isEqual(addUp(frames, at + frameHeaderBytes, at + frameBytes), frames, at + 16);
      }
      if (!isOfThis || !isCommit) continue;
      if (isWhole) committed = frame;
      else later += 1;
    }
  }
}

type Sums = readonly [number, number];

/** Adds up 32-bit words, in the order of bytes that the WAL was written in. */
function checksum(isLittleEndian: boolean): (bytes: Buffer, from: number, to: number) => Sums {
  let [first, second] = [0, 0];
  return (bytes, from, to) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = from; at < to; at += 8) {
      first = (first + view.getUint32(at, isLittleEndian) + second) | 0;
      second = (second + view.getUint32(at + 4, isLittleEndian) + first) | 0;
    }
    return [first, second];
  };
}

const isEqual = ([first, second]: Sums, bytes: Buffer, at: number): boolean =>
  first === bytes.readInt32BE(at) && second === bytes.readInt32BE(at + 4);

/** How many frames of the WAL, with these salts where one has it, were committed as the index beside it knows; 0 where it knows nothing of it. */
function indexed(file: string, salts?: Buffer): number {
  const index = indexOf(file);
  const half = 48;
  if (bytesOf(index) < 2 * half) return 0;
  const head = Buffer.alloc(2 * half);
  const descriptor = openSync(index, 'r');
  readSync(descriptor, head, 0, head.length, 0);
  closeSync(descriptor);
  // It is there twice, and was being written where the two are not the same. Its numbers are in this machine's order of bytes.
  const [version, frames] = [0, 16].map((at) => new Uint32Array(head.buffer, head.byteOffset + at, 1)[0]);
  const isOfThis = head.compare(head, half, 2 * half, 0, half) === 0 && version === 3007000 && (salts?.compare(head, 32, 40) ?? 0) === 0;
  return isOfThis ? (frames ?? 0) : 0;
}

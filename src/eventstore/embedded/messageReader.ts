// How messages lie in the body of a call (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, Length-Prefixed-Message).
import { status } from '@grpc/grpc-js';
import { Failure } from './failures.ts';

/**
 * The largest message that is read at all: the real server's (`TFConsts.EffectiveMaxLogRecordSize`). It is far above what may be
 * appended, for a larger one ends its whole call, and with it every other append that waits on the same call.
 */
const maximumMessageSize = 16 * 1024 * 1024 - 10_000;

/**
 * Cuts what comes in into messages: each is a flag, its length in four bytes, and its bytes.
 * @param hold told how many more bytes (or fewer) wait for the rest of their message
 */
export function messageReader(take: (message: Buffer) => void, hold: (bytes: number) => void) {
  let chunks: Buffer[] = [];
  let have = 0;
  let need = 5;
  const read = (chunk: Buffer): void => {
    const held = have;
    have += chunk.length;
    if (have < need) {
      chunks.push(kept(chunk));
      hold(chunk.length);
      return;
    }
    const bytes = chunks.length === 0 ? chunk : Buffer.concat([...chunks, chunk], have);
    let at = 0;
    need = 5;
    while (bytes.length - at >= 5) {
      const length = bytes.readUInt32BE(at + 1);
      if (bytes[at] !== 0) throw new Failure(status.UNIMPLEMENTED, 'The embedded event log reads no compressed messages');
      if (length > maximumMessageSize)
        throw new Failure(status.RESOURCE_EXHAUSTED, `A message of ${length} bytes is larger than ${maximumMessageSize}`);
      if (bytes.length - at < 5 + length) {
        need = 5 + length;
        break;
      }
      take(bytes.subarray(at + 5, at + 5 + length));
      at += 5 + length;
    }
    chunks = at === bytes.length ? [] : [kept(bytes.subarray(at))];
    have = bytes.length - at;
    if (have !== held) hold(have - held);
  };
  return { read, isBetweenMessages: () => have === 0 };
}

/** What comes in lies in pieces of 64 KiB, which a few bytes that wait for more would keep whole. */
function kept(bytes: Buffer): Buffer {
  if (bytes.length >= 4_096) return bytes;
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

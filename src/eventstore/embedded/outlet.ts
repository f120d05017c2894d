// The sending end of a call that streams: one page of messages at a time, the next when the caller has taken most of it. What a
// slow caller keeps in memory is so never more than a page.
import { once } from 'node:events';
import type { ServerWritableStream } from '@grpc/grpc-js';

export type Outlet = {
  send(message: Buffer): void;
  /** Resolves when there is room for more, and others had their turn. */
  ready(): Promise<void>;
  /** Aborted when the caller has gone. */
  readonly over: AbortSignal;
};

export function outletOf(call: ServerWritableStream<unknown, Buffer>): Outlet {
  const gone = new AbortController();
  const leave = () => gone.abort();
  call.once('cancelled', leave);
  call.once('close', leave);
  if (call.cancelled) leave();
  let hasRoom = true;
  return {
    over: gone.signal,
    send(message) {
      hasRoom = call.write(message);
    },
    async ready() {
      if (!hasRoom) await once(call, 'drain', { signal: gone.signal }).catch(() => undefined);
      else await new Promise((resolve) => setImmediate(resolve));
      hasRoom = true;
    },
  };
}

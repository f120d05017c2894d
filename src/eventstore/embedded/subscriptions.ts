// Catch-up subscriptions: history, then "caught up", then what is new, all by the same loop of reading from where it is. So
// there is no seam between history and live at which an event could be missed or come twice.
import { randomUUID } from 'node:crypto';
import type { StoredEvent } from './events.ts';
import { streamDeleted } from './failures.ts';
import type { Filter } from './filters.ts';
import type { Call } from './grpc.ts';
import type { EventLog } from './log.ts';
import { turnOf } from './pageTurns.ts';
import { encodeCaughtUp, encodeCheckpoint, encodeConfirmation } from './readEvent.ts';
import { isReadable, isTombstoned } from './streams.ts';

export type Encode = (event: StoredEvent) => Buffer;
type Receiver = Pick<Call, 'send' | 'isOverShare' | 'ready' | 'over'>;

/**
 * Sends what $all has from a position (included) on, until the caller leaves. `from` undefined begins with what comes next, and
 * so does a position that the log has not reached: it is of another log, or of this one before it was restored.
 */
export async function subscribeToAll(log: EventLog, call: Receiver, from: number | undefined, filter: Filter | undefined, encode: Encode) {
  let next = Math.min(from ?? Number.POSITIVE_INFINITY, log.writer.head() + 1);
  let sinceCheckpoint = 0;
  let isLive = false;
  call.send(encodeConfirmation(randomUUID()));
  const sendPage = (): number | undefined => {
    const page = log.reads.all(next, Number.POSITIVE_INFINITY);
    const hadItsTurn = turnOf(call);
    for (const event of page.events) {
      if (!filter || filter.matches(event)) call.send(encode(event));
      sinceCheckpoint += 1;
      if (filter && sinceCheckpoint >= filter.checkpointEvery) {
        call.send(encodeCheckpoint(event.position));
        sinceCheckpoint = 0;
      }
      if (hadItsTurn()) return event.position + 1;
    }
    return page.next;
  };
  while (!call.over.aborted) {
    const after = sendPage();
    if (after !== undefined) {
      next = after;
      await call.ready();
      continue;
    }
    if (!isLive) call.send(encodeCaughtUp());
    isLive = true;
    await log.commits.next(undefined, call.over);
  }
}

/**
 * Sends what a stream has from a revision (included) on, until the caller leaves. `from` undefined begins with what comes
 * next. Once it has caught up, it sends all that is written, whatever metadata or a deletion hide of it by then. A stream that does
 * not exist yet is waited for; one with a tombstone ends the subscription, except where it is old and only what comes next was
 * asked for: then nothing ever comes.
 */
export async function subscribeToStream(log: EventLog, call: Receiver, name: string, from: number | undefined, encode: Encode) {
  let next = from ?? log.streams.get(name).last + 1;
  let isLive = false;
  const isAwaited = !isTombstoned(log.streams.get(name));
  if (!isAwaited && from !== undefined) throw streamDeleted(name);
  call.send(encodeConfirmation(randomUUID()));
  // A function of its own, so that nothing of a page is kept while its reader takes it.
  const sendPage = (): number | undefined => {
    const page = isLive ? log.reads.written(name, next) : log.reads.stream(name, next, Number.POSITIVE_INFINITY);
    const hadItsTurn = turnOf(call);
    for (const event of page.events) {
      call.send(encode(event));
      if (hadItsTurn()) return event.revision + 1;
    }
    return page.next;
  };
  while (!call.over.aborted) {
    const stream = log.streams.get(name);
    const exists = isReadable(stream);
    const after = isLive || exists ? sendPage() : undefined;
    if (after !== undefined) {
      next = after;
      await call.ready();
      continue;
    }
    if (isAwaited && isTombstoned(stream)) throw streamDeleted(name);
    if (!isLive && (exists || from === undefined)) {
      call.send(encodeCaughtUp());
      isLive = true;
      next = Math.max(next, stream.last + 1); // what is hidden was before
    }
    await log.commits.next(name, call.over);
  }
}

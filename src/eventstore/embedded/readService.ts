// The protocol's Read call, which is all of reading: a stream or $all, forwards or backwards, some of it or a subscription to it.

import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import type { ReadReq } from '@eventstore/db-client/generated/streams_pb.js';
import { LAST_REVISION, type StoredEvent } from './events.ts';
import { invalidArgument, noSuchRead, streamDeleted } from './failures.ts';
import { type Filter, filterOf } from './filters.ts';
import { type Call, type Method, receiveRequest } from './grpc.ts';
import type { EventLog } from './log.ts';
import { turnOf } from './pageTurns.ts';
import { encodeStreamNotFound, type IdFormat } from './readEvent.ts';
import type { Page } from './reads.ts';
import { isReadable, isTombstoned, tooLong } from './streams.ts';
import { type Encode, subscribeToAll, subscribeToStream } from './subscriptions.ts';

export const read =
  (log: EventLog): Method =>
  (call) => {
    receiveRequest(call, (message) => {
      const request = streamsGrpc.StreamsService.read.requestDeserialize(message);
      serve(log, request.getOptions(), call).then(call.end).catch(call.fail);
    });
  };

async function serve(log: EventLog, options: ReadReq.Options | undefined, call: Call): Promise<void> {
  await call.ready(); // who asks for much at once gets it after one page of every other
  const stream = options?.getStream();
  const all = options?.getAll();
  if (!options || (!stream && !all)) throw invalidArgument('The read names neither a stream nor $all');
  const ids: IdFormat = options.getUuidOption()?.hasString() ? 'text' : 'halves';
  const resolveLinks = options.getResolveLinks();
  const encode: Encode = (event) => log.reads.encode(event, resolveLinks, ids);
  const isSubscription = options.hasSubscription();
  const isBackwards = options.getReadDirection() === 1;
  const count = number(options.getCount());
  if (isSubscription && isBackwards) throw invalidArgument('A subscription reads forwards');

  if (stream) {
    const name = Buffer.from(stream.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString();
    const problem = tooLong('name of the stream', name);
    if (problem) throw invalidArgument(problem);
    const isEnd = stream.hasEnd() || stream.getRevision() === endRevision;
    const revision = stream.hasRevision() ? number(stream.getRevision()) : undefined;
    if (isSubscription) return subscribeToStream(log, call, name, isEnd ? undefined : (revision ?? -1) + 1, encode);
    // The real server has no answer to these two, whatever there is of the stream.
    if (count === 0 || (isEnd && !isBackwards)) throw noSuchRead();
    return readStream(log, call, name, isBackwards, revision ?? (isEnd ? LAST_REVISION : 0), count, encode);
  }
  const filterOptions = options.getFilter();
  const filter = filterOptions && filterOf(filterOptions, log.streams);
  const commit = all?.getPosition()?.getCommitPosition();
  const position = commit === undefined ? undefined : number(commit);
  if (isSubscription) return subscribeToAll(log, call, all?.hasEnd() ? undefined : (position ?? 0) + 1, filter, encode);
  return readAll(log, call, isBackwards, position ?? (all?.hasEnd() ? LAST_REVISION : 0), count, filter, encode);
}

/** The revision that means the end. */
const endRevision = '18446744073709551615';

/** A 64-bit number of the protocol; those beyond a JavaScript number are all beyond any revision or position, too. */
const number = (text: string): number => Math.min(Number(text), LAST_REVISION);

async function readStream(log: EventLog, call: Call, name: string, isBackwards: boolean, from: number, count: number, encode: Encode) {
  const isFound = () => {
    const stream = log.streams.get(name);
    if (isTombstoned(stream)) throw streamDeleted(name);
    if (!isReadable(stream)) call.send(encodeStreamNotFound(Buffer.from(name)));
    return isReadable(stream);
  };
  const pageFrom = (next: number, limit: number) =>
    isBackwards ? log.reads.streamBackwards(name, next, limit) : log.reads.stream(name, next, limit);
  const after = ({ revision }: StoredEvent) => (isBackwards ? revision - 1 : revision + 1);
  await sendPages(call, from, count, (next, limit) => (isFound() ? pageFrom(next, limit) : undefined), after, encode);
}

async function readAll(
  log: EventLog,
  call: Call,
  isBackwards: boolean,
  from: number,
  count: number,
  filter: Filter | undefined,
  encode: Encode,
) {
  const pageFrom = isBackwards ? log.reads.allBackwards : log.reads.all;
  const filtered = (next: number, limit: number) => pageFrom(next, filter ? Number.POSITIVE_INFINITY : limit);
  const after = ({ position }: StoredEvent) => (isBackwards ? position : position + 1);
  await sendPages(call, from, count, filtered, after, encode, filter?.matches);
}

/** Sends up to `count` events, page by page, until a page is empty or the caller leaves. `after` is where one begins after an event. */
async function sendPages(
  call: Call,
  from: number,
  count: number,
  pageFrom: (next: number, limit: number) => Page | undefined,
  after: (event: StoredEvent) => number,
  encode: Encode,
  matches?: (event: StoredEvent) => boolean,
) {
  let left = count;
  // A function of its own, so that nothing of a page is kept while its reader takes it.
  const sendPage = (start: number): number | undefined => {
    const page = pageFrom(start, left);
    const hadItsTurn = turnOf(call);
    for (const event of page?.events ?? []) {
      if (left === 0) return undefined;
      if (!matches || matches(event)) {
        call.send(encode(event));
        left -= 1;
      }
      if (hadItsTurn()) return after(event);
    }
    return page?.next;
  };
  let next: number | undefined = from;
  while (next !== undefined && left > 0 && !call.over.aborted) {
    next = sendPage(next);
    if (next !== undefined) await call.ready();
  }
}

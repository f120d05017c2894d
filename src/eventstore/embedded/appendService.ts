// The protocol's calls that change a stream: Append (one append a call), BatchAppend (any number on one call), Delete and
// Tombstone. They turn messages into requests to the writer, and its outcomes into answers.

import shared, { type UUID } from '@eventstore/db-client/generated/shared_pb.js';
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import messages, {
  type AppendReq,
  type AppendResp,
  type DeleteReq,
  type TombstoneReq,
} from '@eventstore/db-client/generated/streams_pb.js';
import {
  type AppendError,
  type AppendOptions,
  type AppendPart,
  checked,
  decodeAppendPart,
  decodeEvent,
  encodeError,
  encodeSuccess,
  idFromHalves,
  idFromText,
} from './batchAppend.ts';
import { ANY, type ExpectedRevision, isMetastream, LAST_REVISION, NO_STREAM, type ProposedEvent, STREAM_EXISTS } from './events.ts';
import {
  type Failure,
  invalidArgument,
  maximumAppendSizeExceeded,
  requiredMetadataPropertyMissing,
  streamDeleted,
  tooLate,
  unavailable,
  wrongExpectedVersion,
} from './failures.ts';
import { attempt, type Method, unary } from './grpc.ts';
import type { EventLog } from './log.ts';
import { tooLong } from './streams.ts';
import type { Outcome, WriteRequest } from './writer.ts';

/** The most data of one append, in bytes: the real server's default. Like it, the log counts the events' data alone. */
const maximumAppendSize = 1024 * 1024;

/**
 * The most of one append in whole, with metadata and types, and with something for each event. It is half of what clients take in
 * one message, and a link is read in one message with its target.
 */
const maximumWholeSize = 8 * 1024 * 1024;
const bytesOfAnEvent = 32;

/** How much an append has so far. */
type Size = { data: number; whole: number };

/** Adds an event to it; gives the limit that the append is then beyond. */
function exceededBy(size: Size, { type, data, metadata }: ProposedEvent): number | undefined {
  size.data += data.length;
  size.whole += data.length + metadata.length + Buffer.byteLength(type) + bytesOfAnEvent;
  if (size.data > maximumAppendSize) return maximumAppendSize;
  return size.whole > maximumWholeSize ? maximumWholeSize : undefined;
}

/** A caller of the batch call that is this far ahead of its answers is read no further until it has some. */
const maximumPendingBytes = 16 * 1024 * 1024;
/** When all of them together are this far ahead, each is read on only once it has all its answers. */
const maximumPendingBytesOfAll = 64 * 1024 * 1024;

/**
 * What a caller of the batch call may have begun and not ended, in bytes as they came and with something for each append. The
 * append that goes beyond it is refused: no other is the worse for it, and to wait for its end would be to keep it.
 */
const maximumIncompleteBytes = 16 * 1024 * 1024;
const bytesOfAnAppend = 1024;

type Expectation = {
  hasRevision(): boolean;
  getRevision(): string;
  hasNoStream(): boolean;
  hasAny(): boolean;
  hasStreamExists(): boolean;
};

function expectedOf(options: Expectation): ExpectedRevision {
  if (options.hasRevision()) return Math.min(Number(options.getRevision()), LAST_REVISION);
  if (options.hasNoStream()) return NO_STREAM;
  if (options.hasStreamExists()) return STREAM_EXISTS;
  if (options.hasAny()) return ANY;
  throw invalidArgument('The expected revision is missing');
}

function streamOf(identifier: { getStreamName_asU8(): Uint8Array } | undefined): string {
  const name = Buffer.from(identifier?.getStreamName_asU8() ?? []).toString();
  if (name === '' || name === '$$') throw invalidArgument('The name of the stream is missing');
  const problem = tooLong('name of the stream', name);
  if (problem) throw invalidArgument(problem);
  return name;
}

/** The failure of an outcome that has no answer of its own in the protocol. */
function failureOf(outcome: Exclude<Outcome, { is: 'written' }>, operation: string, stream: string, expected: ExpectedRevision): Failure {
  if (outcome.is === 'deleted') return streamDeleted(stream);
  if (outcome.is === 'wrong revision') return wrongExpectedVersion(operation, stream, expected, outcome.current);
  if (outcome.is === 'too late') return tooLate();
  return unavailable(outcome.reason);
}

// Append

export const append =
  (log: EventLog): Method =>
  (call) => {
    const { requestDeserialize, responseSerialize } = streamsGrpc.StreamsService.append;
    let options: AppendReq.Options | undefined;
    const events: ProposedEvent[] = [];
    const size: Size = { data: 0, whole: 0 };
    call.receive({
      message(message) {
        call.hold(message.length);
        const part = requestDeserialize(message);
        options ??= part.getOptions();
        const proposed = part.getProposedMessage();
        if (!proposed) return;
        const event = proposedEvent(proposed);
        const limit = exceededBy(size, event);
        if (limit !== undefined) throw maximumAppendSizeExceeded(limit);
        events.push(event);
      },
      end() {
        submitAppend(log, options, events)
          .then((response) => {
            call.send(responseSerialize(response));
            call.end();
          })
          .catch(call.fail);
      },
    });
  };

async function submitAppend(log: EventLog, options: AppendReq.Options | undefined, events: ProposedEvent[]): Promise<AppendResp> {
  if (!options) throw invalidArgument('The append has no options');
  const stream = streamOf(options.getStreamIdentifier());
  const expected = expectedOf(options);
  const outcome = await outcomeOf(log, { stream, expected, change: { is: 'append', events } });
  if (outcome.is === 'written') return appended(outcome.revision, outcome.position);
  if (outcome.is === 'wrong revision') return notAppended(options, outcome.current);
  throw failureOf(outcome, 'Append', stream, expected);
}

const outcomeOf = (log: EventLog, request: Omit<WriteRequest, 'answer'>): Promise<Outcome> =>
  new Promise((answer) => log.writer.submit({ ...request, answer }));

function appended(revision: number, position: number): AppendResp {
  const success = new messages.AppendResp.Success();
  if (position === 0) success.setNoPosition(new shared.Empty());
  else success.setPosition(new messages.AppendResp.Position().setCommitPosition(String(position)).setPreparePosition(String(position)));
  if (revision < 0) success.setNoStream(new shared.Empty());
  else success.setCurrentRevision(String(revision));
  return new messages.AppendResp().setSuccess(success);
}

function notAppended(options: AppendReq.Options, current: number): AppendResp {
  const wrong = new messages.AppendResp.WrongExpectedVersion();
  if (current < 0) wrong.setCurrentNoStream(new shared.Empty());
  else wrong.setCurrentRevision(String(current));
  if (options.hasRevision()) wrong.setExpectedRevision(options.getRevision());
  else if (options.hasNoStream()) wrong.setExpectedNoStream(new shared.Empty());
  else if (options.hasStreamExists()) wrong.setExpectedStreamExists(new shared.Empty());
  else wrong.setExpectedAny(new shared.Empty());
  return new messages.AppendResp().setWrongExpectedVersion(wrong);
}

function proposedEvent(message: AppendReq.ProposedMessage): ProposedEvent {
  const properties = message.getMetadataMap();
  const type = properties.get('type');
  const contentType = properties.get('content-type');
  if (type === undefined) throw requiredMetadataPropertyMissing('type');
  if (contentType === undefined) throw requiredMetadataPropertyMissing('content-type');
  return checked({
    id: idOf(message.getId()),
    type,
    isJson: contentType === 'application/json',
    data: message.getData_asU8(),
    metadata: message.getCustomMetadata_asU8(),
  });
}

function idOf(id: UUID | undefined): Uint8Array {
  const halves = id?.getStructured();
  return halves ? idFromHalves(halves) : idFromText(id?.getString() ?? '');
}

// BatchAppend

/** An append whose parts are still coming, or whose answer is. `held` is what it has of the call's incomplete bytes. */
type PendingAppend = AppendOptions & {
  correlationId: Buffer;
  events: ProposedEvent[];
  size: Size;
  held: number;
  timer?: NodeJS.Timeout;
};

export function batchAppend(log: EventLog): Method {
  let pendingBytesOfAll = 0;
  return (call) => {
    const incomplete = new Map<string, PendingAppend>();
    let incompleteBytes = 0;
    let pendingBytes = 0;
    let pending = 0;
    let isEnded = false;
    let isBehind = false;

    /** Who does not take its answers is read no further until it has. */
    const send = (answer: Buffer) => {
      call.send(answer);
      if (isBehind || !call.isBehind()) return;
      isBehind = true;
      call.pause();
      call.ready().then(() => {
        isBehind = false;
        goOn();
      });
    };
    const isAhead = () => pendingBytes > maximumPendingBytes || (pendingBytes > 0 && pendingBytesOfAll > maximumPendingBytesOfAll);
    const goOn = () => {
      if (!isBehind && !isAhead()) call.resume();
    };
    const forget = (append: PendingAppend) => {
      clearTimeout(append.timer);
      incomplete.delete(append.correlationId.toString('latin1'));
      incompleteBytes -= append.held;
      call.hold(-append.held);
      append.held = 0;
    };
    const fail = (append: PendingAppend, error: AppendError) => {
      forget(append);
      send(encodeError(append, error));
    };
    const start = (correlationId: Buffer, options: AppendOptions): PendingAppend | undefined => {
      const append: PendingAppend = { ...options, correlationId, events: [], size: { data: 0, whole: 0 }, held: 0 };
      if (options.stream === '' || options.stream === '$$')
        return void fail(append, { badRequest: 'Required field StreamIdentifier not set.' });
      const problem = tooLong('name of the stream', options.stream);
      if (problem) {
        append.streamIdentifier = Buffer.alloc(0); // which the answer would repeat
        return void fail(append, { badRequest: problem });
      }
      if (options.deadline <= Date.now()) return void fail(append, 'Timeout');
      incomplete.set(correlationId.toString('latin1'), append);
      return append;
    };
    const submit = (append: PendingAppend) => {
      const { stream, expected, events, size, deadline } = append;
      pending += 1;
      pendingBytes += size.whole;
      pendingBytesOfAll += size.whole;
      if (isAhead()) call.pause();
      // The writer and its other callers are not to learn of an answer that cannot be given.
      const answer = (outcome: Outcome) =>
        attempt(call, () => {
          pending -= 1;
          pendingBytes -= size.whole;
          pendingBytesOfAll -= size.whole;
          send(answerTo(append, outcome));
          goOn();
          if (isEnded && pending === 0) call.end();
        });
      const request: WriteRequest = { stream, expected, change: { is: 'append', events }, deadline, answer };
      log.writer.submit(request);
    };

    const receive = ({ correlationId, options, events, isFinal }: AppendPart, length: number) => {
      const name = correlationId.toString('latin1');
      const append = incomplete.get(name) ?? (options && start(correlationId, options));
      if (!append) return; // what follows an append that has been answered already
      try {
        for (const message of events) {
          const event = decodeEvent(message);
          append.events.push(event);
          const limit = exceededBy(append.size, event);
          if (limit !== undefined) return fail(append, { maximumSize: limit });
        }
      } catch (error) {
        return fail(append, { badRequest: error instanceof Error ? error.message : String(error) });
      }
      if (isFinal) {
        forget(append);
        return submit(append);
      }
      const more = length + (append.held === 0 ? bytesOfAnAppend : 0);
      append.held += more;
      incompleteBytes += more;
      call.hold(more);
      if (incompleteBytes > maximumIncompleteBytes)
        return fail(append, { badRequest: 'The call has too many appends that were not ended.' });
      if (!append.timer && append.deadline < Number.POSITIVE_INFINITY) {
        append.timer = setTimeout(() => attempt(call, () => fail(append, 'Timeout')), Math.min(append.deadline - Date.now(), 2 ** 31 - 1));
      }
    };
    call.receive({
      message: (message) => receive(decodeAppendPart(message), message.length),
      end() {
        isEnded = true;
        if (pending === 0) call.end();
      },
    });
    call.over.addEventListener('abort', () => {
      for (const { timer } of incomplete.values()) clearTimeout(timer);
      incomplete.clear();
    });
  };
}

function answerTo(append: PendingAppend, outcome: Outcome): Buffer {
  if (outcome.is === 'written') return encodeSuccess(append, outcome.revision, outcome.position);
  if (outcome.is === 'wrong revision') return encodeError(append, { expected: append.expected, current: outcome.current });
  if (outcome.is === 'deleted') return encodeError(append, 'StreamDeleted');
  return encodeError(append, outcome.is === 'too late' ? 'Timeout' : 'Unknown');
}

// Delete and Tombstone

export const deleteStream = (log: EventLog): Method =>
  unary(streamsGrpc.StreamsService.delete, async (request) => {
    const position = await remove(log, 'delete', request.getOptions());
    const at = new messages.DeleteResp.Position().setCommitPosition(position).setPreparePosition(position);
    return new messages.DeleteResp().setPosition(at);
  });

export const tombstone = (log: EventLog): Method =>
  unary(streamsGrpc.StreamsService.tombstone, async (request) => {
    const position = await remove(log, 'tombstone', request.getOptions());
    const at = new messages.TombstoneResp.Position().setCommitPosition(position).setPreparePosition(position);
    return new messages.TombstoneResp().setPosition(at);
  });

async function remove(
  log: EventLog,
  is: 'delete' | 'tombstone',
  options: DeleteReq.Options | TombstoneReq.Options | undefined,
): Promise<string> {
  if (!options) throw invalidArgument('The request has no options');
  const stream = streamOf(options.getStreamIdentifier());
  if (isMetastream(stream)) throw invalidArgument('The metadata of a stream goes with it and cannot be deleted alone');
  const expected = expectedOf(options);
  const outcome = await outcomeOf(log, { stream, expected, change: { is } });
  if (outcome.is === 'written') return String(outcome.position);
  throw failureOf(outcome, 'Delete', stream, expected);
}

// The messages of the batch append call: many appends on one stream of messages, each by its correlation id, in one or more
// parts; and their answers.

import codes, { type Code } from '@eventstore/db-client/generated/code_pb.js';
import shared, { type UUID, type WrongExpectedVersion } from '@eventstore/db-client/generated/shared_pb.js';
import statusMessages from '@eventstore/db-client/generated/status_pb.js';
import anyMessages from 'google-protobuf/google/protobuf/any_pb.js';
import emptyMessages from 'google-protobuf/google/protobuf/empty_pb.js';
import { ANY, type ExpectedRevision, LAST_REVISION, NO_STREAM, type ProposedEvent, STREAM_EXISTS } from './events.ts';
import { tooLong } from './streams.ts';
import { bytesField, FieldReader, numberField } from './wire.ts';

/** One part of an append. `options` come with the first. Ids and names stay encoded, as the answer repeats them. */
export type AppendPart = { correlationId: Buffer; options?: AppendOptions; events: FieldReader[]; isFinal: boolean };

/** `deadline` is in milliseconds since 1970. */
export type AppendOptions = { streamIdentifier: Buffer; stream: string; expected: ExpectedRevision; deadline: number };

export function decodeAppendPart(message: Buffer): AppendPart {
  const part: AppendPart = { correlationId: Buffer.alloc(0), events: [], isFinal: false };
  const reader = new FieldReader(message);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) part.correlationId = reader.bytes();
    else if (field === 2) part.options = decodeOptions(reader.message());
    else if (field === 3) part.events.push(reader.message());
    else if (field === 4) part.isFinal = reader.number() !== 0;
    else reader.skip();
  }
  return part;
}

function decodeOptions(reader: FieldReader): AppendOptions {
  const options: AppendOptions = { streamIdentifier: Buffer.alloc(0), stream: '', expected: ANY, deadline: Number.POSITIVE_INFINITY };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) {
      options.streamIdentifier = reader.bytes();
      options.stream = textIn(new FieldReader(options.streamIdentifier), 3);
    } else if (field === 2) options.expected = Math.min(reader.number(), LAST_REVISION);
    else if (field === 6) options.deadline = decodeTime(reader.message());
    else {
      if (field === 3) options.expected = NO_STREAM;
      else if (field === 4) options.expected = ANY;
      else if (field === 5) options.expected = STREAM_EXISTS;
      // A newer client's deadline is a duration from now, like this one of seconds and nanoseconds.
      if (field === 7) options.deadline = Date.now() + decodeTime(reader.message());
      else reader.skip();
    }
  }
  return options;
}

/** Seconds and nanoseconds, as milliseconds. */
function decodeTime(reader: FieldReader): number {
  let milliseconds = 0;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) milliseconds += reader.number() * 1000;
    else if (field === 2) milliseconds += reader.number() / 1e6;
    else reader.skip();
  }
  return milliseconds;
}

/** The last value of one field that holds a text, empty without it. */
function textIn(reader: FieldReader, wanted: number): string {
  let value = '';
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === wanted) value = reader.text();
    else reader.skip();
  }
  return value;
}

/** Throws with the reason when the event lacks its id, type or content type. */
export function decodeEvent(reader: FieldReader): ProposedEvent {
  let id: Buffer | undefined;
  let type: string | undefined;
  let contentType: string | undefined;
  let metadata = nothing;
  let data = nothing;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) id = decodeId(reader.message());
    else if (field === 2) {
      const { name, value } = decodeEntry(reader.message());
      if (name === 'type') type = value;
      else if (name === 'content-type') contentType = value;
    } else if (field === 3) metadata = reader.bytes();
    else if (field === 4) data = reader.bytes();
    else reader.skip();
  }
  if (!id) throw new Error('The event has no id');
  if (type === undefined) throw new Error("Required Metadata Property 'type' is missing");
  if (contentType === undefined) throw new Error("Required Metadata Property 'content-type' is missing");
  return checked({ id, type, isJson: contentType === 'application/json', data, metadata });
}

/** Throws where an event has what the real server takes for none: an id of zeros, or a type without a letter; or too long a type. */
export function checked(event: ProposedEvent): ProposedEvent {
  if (event.id[0] === 0 && event.id.every((byte) => byte === 0)) throw new Error('Empty eventId provided.');
  if (event.type === '') throw new Error('Empty eventType provided.');
  const problem = tooLong('type of the event', event.type);
  if (problem) throw new Error(problem);
  return event;
}

const nothing: Buffer = Buffer.alloc(0);

function decodeEntry(reader: FieldReader): { name: string; value: string } {
  const entry = { name: '', value: '' };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) entry.name = reader.text();
    else if (field === 2) entry.value = reader.text();
    else reader.skip();
  }
  return entry;
}

/** A UUID message: two halves, or text. */
function decodeId(reader: FieldReader): Buffer {
  let id: Buffer | undefined;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) id = idFromHalves(shared.UUID.Structured.deserializeBinary(reader.bytes()));
    else if (field === 2) id = idFromText(reader.text());
    else reader.skip();
  }
  return id ?? Buffer.alloc(16);
}

export function idFromHalves(halves: UUID.Structured): Buffer {
  const id = Buffer.alloc(16);
  id.writeBigInt64BE(BigInt(halves.getMostSignificantBits()), 0);
  id.writeBigInt64BE(BigInt(halves.getLeastSignificantBits()), 8);
  return id;
}

/** 32 hexadecimal digits, with or without hyphens between them. */
export function idFromText(text: string): Buffer {
  const id = Buffer.allocUnsafe(16);
  let digits = 0;
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charCodeAt(index);
    if (character === hyphen) continue;
    const digit = hexDigits[character];
    if (digit === undefined || digits === 32) throw notUuid(text);
    const at = digits >> 1;
    id[at] = digits % 2 === 0 ? digit << 4 : (id[at] ?? 0) | digit;
    digits += 1;
  }
  if (digits < 32) throw notUuid(text);
  return id;
}

const notUuid = (text: string): Error => new Error(`'${text}' is not a UUID`);
const hyphen = 0x2d;
/** The value of each hexadecimal digit, by its character code. */
const hexDigits: (number | undefined)[] = [];
for (let value = 0; value < 16; value += 1) {
  const digit = value.toString(16);
  hexDigits[digit.charCodeAt(0)] = value;
  hexDigits[digit.toUpperCase().charCodeAt(0)] = value;
}

// BatchAppendResp{correlation_id, error, success{current_revision, no_stream, position{commit, prepare}, no_position}, stream_identifier}

type Addressed = { correlationId: Buffer; streamIdentifier: Buffer };

export function encodeSuccess({ correlationId, streamIdentifier }: Addressed, revision: number, position: number): Buffer {
  const at = position === 0 ? bytesField(4, nothing) : bytesField(3, Buffer.concat([numberField(1, position), numberField(2, position)]));
  const success = Buffer.concat([revision < 0 ? bytesField(2, nothing) : numberField(1, revision), at]);
  return Buffer.concat([bytesField(1, correlationId), bytesField(3, success), bytesField(4, streamIdentifier)]);
}

/** Why an append was not written, as the error that its answer holds. */
export type AppendError = 'StreamDeleted' | 'Timeout' | 'Unknown' | { maximumSize: number } | { badRequest: string } | WrongRevision;
type WrongRevision = { expected: ExpectedRevision; current: number };

export function encodeError(to: Addressed, error: AppendError): Buffer {
  const status = statusOf(to, error);
  return Buffer.concat([bytesField(1, to.correlationId), bytesField(2, status), bytesField(4, to.streamIdentifier)]);
}

/** google.rpc.Status{code, message, details} */
function statusOf({ streamIdentifier }: Addressed, error: AppendError): Uint8Array {
  // StreamDeleted{stream_identifier}
  if (error === 'StreamDeleted') return encodeStatus(codes.Code.NOT_FOUND, error, bytesField(1, streamIdentifier));
  if (error === 'Timeout') return encodeStatus(codes.Code.DEADLINE_EXCEEDED, error, nothing);
  if (error === 'Unknown') return encodeStatus(codes.Code.UNKNOWN, error, nothing);
  if ('maximumSize' in error) {
    const detail = new shared.MaximumAppendSizeExceeded().setMaxappendsize(error.maximumSize);
    return encodeStatus(codes.Code.INVALID_ARGUMENT, 'MaximumAppendSizeExceeded', detail.serializeBinary());
  }
  if ('badRequest' in error) {
    const detail = new shared.BadRequest().setMessage(error.badRequest);
    return encodeStatus(codes.Code.INVALID_ARGUMENT, 'BadRequest', detail.serializeBinary());
  }
  return encodeStatus(codes.Code.ALREADY_EXISTS, 'WrongExpectedVersion', wrongExpectedVersion(error).serializeBinary());
}

function wrongExpectedVersion({ expected, current }: WrongRevision): WrongExpectedVersion {
  const detail = new shared.WrongExpectedVersion();
  if (current < 0) detail.setCurrentNoStream(new emptyMessages.Empty());
  else detail.setCurrentStreamRevision(String(current));
  if (expected === ANY) detail.setExpectedAny(new emptyMessages.Empty());
  else if (expected === STREAM_EXISTS) detail.setExpectedStreamExists(new emptyMessages.Empty());
  else if (expected === NO_STREAM) detail.setExpectedNoStream(new emptyMessages.Empty());
  else detail.setExpectedStreamPosition(String(expected));
  return detail;
}

function encodeStatus(code: Code, name: string, detail: Uint8Array): Uint8Array {
  const details = new anyMessages.Any();
  details.pack(detail, `event_store.client.${name}`);
  return new statusMessages.Status().setCode(code).setMessage(name).setDetails(details).serializeBinary();
}

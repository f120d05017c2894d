// The messages that are written and read by hand, against the classes that the client generates from the protocol.
import shared from '@eventstore/db-client/generated/shared_pb.js';
import messages from '@eventstore/db-client/generated/streams_pb.js';
import fc from 'fast-check';
import emptyMessages from 'google-protobuf/google/protobuf/empty_pb.js';
import timestamps from 'google-protobuf/google/protobuf/timestamp_pb.js';
import { expect, test } from 'vitest';
import { decodeAppendPart, decodeEvent, encodeError, encodeSuccess } from '../../src/eventstore/embedded/batchAppend.ts';
import { ANY, LAST_REVISION, NO_STREAM, STREAM_EXISTS } from '../../src/eventstore/embedded/events.ts';
import { encodeReadEvent, type NamedEvent } from '../../src/eventstore/embedded/readEvent.ts';

const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
const id = fc.uint8Array({ minLength: 16, maxLength: 16 });
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 300 }).filter((value) => value.isWellFormed());
const revision = fc.oneof(fc.nat(), fc.maxSafeNat());
const asText = (value: Uint8Array) =>
  Buffer.from(value)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');

const named: fc.Arbitrary<NamedEvent> = fc.record({
  stream: text.map((name) => Buffer.from(name)),
  event: fc.record({
    position: revision,
    stream: fc.nat(),
    revision: fc.oneof(revision, fc.constant(LAST_REVISION)),
    id,
    type: text,
    isJson: fc.boolean(),
    created: fc.nat(4_000_000_000_000),
    data: bytes(1000),
    metadata: bytes(300),
  }),
});

function expected({ event, stream }: NamedEvent, ids: 'text' | 'halves') {
  const view = new DataView(event.id.buffer, event.id.byteOffset);
  const halves = new shared.UUID.Structured()
    .setMostSignificantBits(String(view.getBigInt64(0)))
    .setLeastSignificantBits(String(view.getBigInt64(8)));
  const uuid = ids === 'text' ? new shared.UUID().setString(asText(event.id)) : new shared.UUID().setStructured(halves);
  const recorded = new messages.ReadResp.ReadEvent.RecordedEvent()
    .setId(uuid)
    .setStreamIdentifier(new shared.StreamIdentifier().setStreamName(stream))
    .setStreamRevision(event.revision === LAST_REVISION ? '9223372036854775807' : String(event.revision))
    .setPreparePosition(String(event.position))
    .setCommitPosition(String(event.position))
    .setData(event.data)
    .setCustomMetadata(event.metadata);
  recorded
    .getMetadataMap()
    .set('type', event.type)
    .set('content-type', event.isJson ? 'application/json' : 'application/octet-stream');
  recorded.getMetadataMap().set('created', `${event.created}0000`.padStart(17, '0'));
  return recorded;
}

test('an event read, with or without a link', () => {
  fc.assert(
    fc.property(
      fc.option(named, { nil: undefined }),
      fc.option(named, { nil: undefined }),
      fc.constantFrom('text', 'halves'),
      (event, link, ids) => {
        const read = new messages.ReadResp.ReadEvent().setCommitPosition(String((link ?? event)?.event.position ?? 0));
        if (event) read.setEvent(expected(event, ids));
        if (link) read.setLink(expected(link, ids));
        const decoded = messages.ReadResp.deserializeBinary(encodeReadEvent(event, link, ids));
        const normal = messages.ReadResp.deserializeBinary(new messages.ReadResp().setEvent(read).serializeBinary());
        expect(decoded.toObject()).toEqual(normal.toObject());
      },
    ),
  );
});

test('a part of an append', () => {
  const expectation = fc.oneof(fc.constantFrom(ANY, NO_STREAM, STREAM_EXISTS), revision);
  const proposed = fc.record({ id, type: text, isJson: fc.boolean(), data: bytes(1000), metadata: bytes(300) });
  fc.assert(
    fc.property(
      text,
      expectation,
      fc.nat(4_000_000_000),
      fc.array(proposed, { maxLength: 5 }),
      fc.boolean(),
      id,
      (stream, expects, deadline, events, isFinal, call) => {
        const identifier = new shared.StreamIdentifier().setStreamName(Buffer.from(stream));
        const options = new messages.BatchAppendReq.Options()
          .setStreamIdentifier(identifier)
          .setDeadline(new timestamps.Timestamp().setSeconds(deadline).setNanos(5e8));
        if (expects === ANY) options.setAny(new emptyMessages.Empty());
        else if (expects === NO_STREAM) options.setNoStream(new emptyMessages.Empty());
        else if (expects === STREAM_EXISTS) options.setStreamExists(new emptyMessages.Empty());
        else options.setStreamPosition(String(expects));
        const request = new messages.BatchAppendReq()
          .setOptions(options)
          .setIsFinal(isFinal)
          .setCorrelationId(new shared.UUID().setString(asText(call)));
        for (const event of events) {
          const message = new messages.BatchAppendReq.ProposedMessage().setId(new shared.UUID().setString(asText(event.id)));
          message.setData(event.data).setCustomMetadata(event.metadata).getMetadataMap().set('type', event.type);
          message.getMetadataMap().set('content-type', event.isJson ? 'application/json' : 'application/octet-stream');
          request.addProposedMessages(message);
        }
        const part = decodeAppendPart(Buffer.from(request.serializeBinary()));
        expect(part.isFinal).toBe(isFinal);
        expect(part.options).toMatchObject({ stream, expected: expects, deadline: deadline * 1000 + 500 });
        const decoded = part.events.map(decodeEvent);
        expect(decoded.map((event) => ({ ...event, id: asText(event.id) }))).toEqual(
          events.map((event) => ({ ...event, id: asText(event.id), data: Buffer.from(event.data), metadata: Buffer.from(event.metadata) })),
        );
        const success = messages.BatchAppendResp.deserializeBinary(
          encodeSuccess({ correlationId: part.correlationId, streamIdentifier: part.options?.streamIdentifier ?? Buffer.alloc(0) }, 7, 9),
        );
        expect(success.getCorrelationId()?.getString()).toBe(asText(call));
        expect(success.getSuccess()?.toObject()).toMatchObject({
          currentRevision: '7',
          position: { commitPosition: '9', preparePosition: '9' },
        });
        expect(Buffer.from(success.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString()).toBe(stream);
      },
    ),
  );
});

test.each([
  ['StreamDeleted', 'StreamDeleted'],
  ['Timeout', 'Timeout'],
  ['Unknown', 'Unknown'],
  [{ maximumSize: 5 }, 'MaximumAppendSizeExceeded'],
  [{ badRequest: 'no' }, 'BadRequest'],
  [{ expected: 3, current: -1 }, 'WrongExpectedVersion'],
] as const)('the error %j names itself', (error, name) => {
  const streamIdentifier = Buffer.from(new shared.StreamIdentifier().setStreamName(Buffer.from('s')).serializeBinary());
  const answer = messages.BatchAppendResp.deserializeBinary(encodeError({ correlationId: Buffer.alloc(0), streamIdentifier }, error));
  expect(answer.getError()?.getDetails()?.getTypeName()).toBe(`event_store.client.${name}`);
});

test('bytes that are no message are refused, whatever they are', () => {
  fc.assert(
    fc.property(bytes(200), (noise) => {
      try {
        for (const event of decodeAppendPart(Buffer.from(noise)).events) decodeEvent(event);
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    }),
  );
});

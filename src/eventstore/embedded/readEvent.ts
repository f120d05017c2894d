// An event as it is sent to a reader: ReadResp{event: ReadEvent{event, link, commit_position}}, written in one piece.
import { LAST_REVISION, type StoredEvent } from './events.ts';
import { BYTES, bytesField, bytesSize, key, numberField, textField, VARINT, varintSize, writeBytes, writeNumber } from './wire.ts';

/** How the reader wants ids: as text, or as two 64-bit halves. */
export type IdFormat = 'text' | 'halves';

/** An event with the name of its stream, which the log keeps as a number. */
export type NamedEvent = { event: StoredEvent; stream: Uint8Array };

/** `event` is absent when a link leads nowhere. */
export function encodeReadEvent(event: NamedEvent | undefined, link: NamedEvent | undefined, ids: IdFormat): Buffer {
  const position = (link ?? event)?.event.position ?? 0;
  const eventSize = event ? recordedSize(event, ids) : 0;
  const linkSize = link ? recordedSize(link, ids) : 0;
  const size = (event ? bytesSize(eventSize) : 0) + (link ? bytesSize(linkSize) : 0) + 1 + varintSize(position);
  const out = Buffer.allocUnsafe(bytesSize(size));
  let at = writeNumber(out, 0, key(1, BYTES), size);
  if (event) at = writeRecorded(out, writeNumber(out, at, key(1, BYTES), eventSize), event, ids);
  if (link) at = writeRecorded(out, writeNumber(out, at, key(2, BYTES), linkSize), link, ids);
  writeNumber(out, at, key(3, VARINT), position);
  return out;
}

function recordedSize({ event, stream }: NamedEvent, ids: IdFormat): number {
  return (
    (ids === 'text' ? textIdSize : halvesOf(event.id).length) +
    bytesSize(bytesSize(stream.length)) +
    (event.revision === LAST_REVISION ? tombstoneRevision.length : 1 + varintSize(event.revision)) +
    2 * (1 + varintSize(event.position)) +
    typeEntries(event).length +
    createdEntry.length +
    bytesSize(event.metadata.length) +
    bytesSize(event.data.length)
  );
}

function writeRecorded(out: Buffer, start: number, { event, stream }: NamedEvent, ids: IdFormat): number {
  let at = ids === 'text' ? writeTextId(out, start, event.id) : append(out, start, halvesOf(event.id));
  at = writeNumber(out, at, key(2, BYTES), bytesSize(stream.length));
  at = writeBytes(out, at, key(3, BYTES), stream);
  at = event.revision === LAST_REVISION ? append(out, at, tombstoneRevision) : writeNumber(out, at, key(3, VARINT), event.revision);
  at = writeNumber(out, at, key(4, VARINT), event.position);
  at = writeNumber(out, at, key(5, VARINT), event.position);
  at = append(out, at, typeEntries(event));
  at = append(out, at, createdEntry);
  out.write(String(event.created).padStart(createdDigits, '0'), at - createdTicks.length, 'latin1');
  at = writeBytes(out, at, key(7, BYTES), event.metadata);
  return writeBytes(out, at, key(8, BYTES), event.data);
}

function append(out: Buffer, at: number, piece: Uint8Array): number {
  out.set(piece, at);
  return at + piece.length;
}

// The largest int64, which is how the protocol writes a tombstone's revision.
const tombstoneRevision = Buffer.from([key(3, VARINT), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);

const mapEntry = (name: string, value: string): Buffer => bytesField(6, Buffer.concat([textField(1, name), textField(2, value)]));

// Times are ticks of 100 ns since 1970: thirteen digits of milliseconds, until the year 2286, and four zeros.
const createdDigits = 13;
const createdTicks = '0'.repeat(createdDigits + 4);
const createdEntry = mapEntry('created', createdTicks);

// Type and content type are the same for many events, and are kept encoded.
const encodedTypes = { json: new Map<string, Buffer>(), binary: new Map<string, Buffer>() };

function typeEntries({ type, isJson }: StoredEvent): Buffer {
  const encoded = isJson ? encodedTypes.json : encodedTypes.binary;
  let entries = encoded.get(type);
  if (!entries) {
    entries = Buffer.concat([mapEntry('type', type), mapEntry('content-type', isJson ? 'application/json' : 'application/octet-stream')]);
    if (encoded.size >= 10_000) encoded.clear();
    encoded.set(type, entries);
  }
  return entries;
}

// {1: {2: "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"}}
const textIdSize = 40;
const textIdStart = Buffer.from([key(1, BYTES), 38, key(2, BYTES), 36]);
const hexDigits = Buffer.from('0123456789abcdef');

function writeTextId(out: Buffer, start: number, id: Uint8Array): number {
  let at = append(out, start, textIdStart);
  for (let index = 0; index < 16; index += 1) {
    if (index === 4 || index === 6 || index === 8 || index === 10) out[at++] = 0x2d;
    const byte = id[index] ?? 0;
    out[at++] = hexDigits[byte >> 4] ?? 0;
    out[at++] = hexDigits[byte & 15] ?? 0;
  }
  return at;
}

/** {1: {1: {1: most, 2: least}}}, two signed 64-bit numbers. */
function halvesOf(id: Uint8Array): Buffer {
  const view = new DataView(id.buffer, id.byteOffset, id.length);
  return bytesField(1, bytesField(1, Buffer.concat([int64Field(1, view.getBigUint64(0)), int64Field(2, view.getBigUint64(8))])));
}

function int64Field(number: number, value: bigint): Buffer {
  const out = [key(number, VARINT)];
  let rest = value;
  for (; rest >= 128n; rest >>= 7n) out.push(Number(rest & 127n) | 128);
  out.push(Number(rest));
  return Buffer.from(out);
}

/** ReadResp{checkpoint} */
export const encodeCheckpoint = (position: number): Buffer =>
  bytesField(3, Buffer.concat([numberField(1, position), numberField(2, position)]));
/** ReadResp{confirmation} */
export const encodeConfirmation = (subscription: string): Buffer => bytesField(2, textField(1, subscription));
/** ReadResp{stream_not_found} */
export const encodeStreamNotFound = (stream: Uint8Array): Buffer => bytesField(4, bytesField(1, bytesField(3, stream)));
/** ReadResp{caught_up} */
export const encodeCaughtUp = (): Buffer => bytesField(8, new Uint8Array());

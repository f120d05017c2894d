// Protocol buffers by hand, for the messages that are sent or received for every event: the generated classes would build a
// tree of objects for each and walk it twice. Here are the parts that messages are made of; `readEvent.ts` and
// `batchAppend.ts` put them together, tests hold those against the generated classes, and every other message uses these.

// A field is a key (its number and kind) and its value; a text, bytes or a message in it are their length and their bytes.
export const VARINT = 0;
const FIXED64 = 1;
export const BYTES = 2;
const FIXED32 = 5;

/** Fields are numbered up to this; others would be read as another field wherever a key is taken for 32 bits. */
const lastField = 2 ** 29 - 1;

/** The key byte of a field numbered up to 15. */
export const key = (field: number, kind: number): number => (field << 3) | kind;

export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size += 1;
  return size;
}

export function writeVarint(out: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out[at++] = (rest % 128) | 128;
  out[at++] = rest;
  return at;
}

export function writeNumber(out: Uint8Array, start: number, fieldKey: number, value: number): number {
  out[start] = fieldKey;
  return writeVarint(out, start + 1, value);
}

export const bytesSize = (length: number): number => 1 + varintSize(length) + length;

export function writeBytes(out: Uint8Array, start: number, fieldKey: number, value: Uint8Array): number {
  const at = writeNumber(out, start, fieldKey, value.length);
  out.set(value, at);
  return at + value.length;
}

/** One field that holds bytes, a text or a message. */
export function bytesField(number: number, value: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(bytesSize(value.length));
  writeBytes(out, 0, key(number, BYTES), value);
  return out;
}

/** One field that holds a number. */
export function numberField(number: number, value: number): Buffer {
  const out = Buffer.allocUnsafe(1 + varintSize(value));
  writeNumber(out, 0, key(number, VARINT), value);
  return out;
}

export const textField = (number: number, value: string): Buffer => bytesField(number, Buffer.from(value));

/**
 * Reads the fields of a message in turn: `next` moves to a field and gives its number, 0 at the end; then `number`, `bytes`,
 * `text`, `message` or `skip` takes its value. Throws on bytes that are no message.
 */
export class FieldReader {
  readonly #buffer: Buffer;
  readonly #end: number;
  #at: number;
  #kind = VARINT;

  constructor(buffer: Buffer, start = 0, end = buffer.length) {
    this.#buffer = buffer;
    this.#at = start;
    this.#end = end;
  }

  next(): number {
    if (this.#at >= this.#end) return 0;
    const fieldKey = this.#varint();
    this.#kind = fieldKey & 7;
    const field = Math.floor(fieldKey / 8);
    if (field === 0 || field > lastField) throw malformed();
    return field;
  }

  number(): number {
    if (this.#kind !== VARINT) throw malformed();
    return this.#varint();
  }

  bytes(): Buffer {
    const start = this.#skipBytes();
    return this.#buffer.subarray(start, this.#at);
  }

  text(): string {
    const start = this.#skipBytes();
    return this.#buffer.toString('utf8', start, this.#at);
  }

  /** A message in this one. */
  message(): FieldReader {
    const start = this.#skipBytes();
    return new FieldReader(this.#buffer, start, this.#at);
  }

  skip(): void {
    if (this.#kind === VARINT) this.#varint();
    else if (this.#kind === BYTES) this.#skipBytes();
    else if (this.#kind === FIXED64) this.#at += 8;
    else if (this.#kind === FIXED32) this.#at += 4;
    else throw malformed();
    if (this.#at > this.#end) throw malformed();
  }

  /** Answers with where the bytes begin; they end where the reader is then. */
  #skipBytes(): number {
    if (this.#kind !== BYTES) throw malformed();
    const length = this.#varint();
    const start = this.#at;
    this.#at += length;
    if (this.#at > this.#end) throw malformed();
    return start;
  }

  /** A varint; more than 53 bits lose their low digits, which only revisions that no stream reaches have. */
  #varint(): number {
    let value = 0;
    for (let scale = 1, count = 0; count < 10; scale *= 128, count += 1) {
      const byte = this.#at < this.#end ? this.#buffer[this.#at++] : undefined;
      if (byte === undefined) throw malformed();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    throw malformed();
  }
}

const malformed = (): Error => new Error('The message is not what the protocol says');

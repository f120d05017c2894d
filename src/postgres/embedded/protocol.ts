// The little of PostgreSQL's wire protocol (version 3) that stands between a socket and PGlite: where a message ends, where
// an exchange ends, and the few messages that the server itself says or reads.
// https://www.postgresql.org/docs/current/protocol-message-formats.html

const PROTOCOL_3 = 3;
const CANCEL_REQUEST = 80877102;
const SSL_REQUEST = 80877103;
const GSS_REQUEST = 80877104;

/** What a client says before it has a session. */
export type Opening = { readonly is: 'startup'; readonly packet: Buffer } | { readonly is: 'encryption' | 'cancel' | 'nonsense' };

/** Messages up to one that the backend answers at once; before that one it only collects. */
export type Exchange = { readonly messages: Buffer; readonly endedBy: 'Query' | 'Sync' | 'Flush' | 'FunctionCall' | 'Terminate' };

const ends: Readonly<Record<string, Exchange['endedBy']>> = { Q: 'Query', S: 'Sync', H: 'Flush', F: 'FunctionCall', X: 'Terminate' };
const SMALLEST_MESSAGE = 5;

/** Collects a client's bytes and gives them out in whole pieces. */
export class Incoming {
  #chunks: Buffer[] = [];
  #length = 0;
  /** Bytes below which there is no use in looking again, so that a long message is put together once, not at each chunk. */
  #needed = 0;
  /** How far whole messages have been seen that do not end an exchange yet. */
  #seen = 0;

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  takeOpening(): Opening | undefined {
    if (this.#length < 8) return undefined;
    const bytes = this.#joined();
    const length = bytes.readInt32BE(0);
    const code = bytes.readInt32BE(4);
    if (length < 8 || length > 10_000) return { is: 'nonsense' };
    if (bytes.length < length) return undefined;
    const packet = this.#take(length);
    if (code === SSL_REQUEST || code === GSS_REQUEST) return { is: 'encryption' };
    if (code === CANCEL_REQUEST) return { is: 'cancel' };
    return code >> 16 === PROTOCOL_3 ? { is: 'startup', packet } : { is: 'nonsense' };
  }

  /** The next exchange as one piece; nothing while a part is missing. */
  takeExchange(): Exchange | undefined {
    if (this.#length < this.#needed || this.#length < SMALLEST_MESSAGE) return undefined;
    const bytes = this.#joined();
    while (bytes.length >= this.#seen + SMALLEST_MESSAGE) {
      const endedBy = ends[String.fromCharCode(bytes.readUInt8(this.#seen))];
      const end = this.#seen + 1 + bytes.readUInt32BE(this.#seen + 1);
      if (bytes.length < end) {
        this.#needed = end;
        return undefined;
      }
      this.#seen = end;
      if (endedBy) return { messages: this.#take(end), endedBy };
    }
    this.#needed = this.#seen + SMALLEST_MESSAGE;
    return undefined;
  }

  #joined(): Buffer {
    const bytes = Buffer.concat(this.#chunks);
    this.#chunks = [bytes];
    return bytes;
  }

  #take(length: number): Buffer {
    const bytes = this.#joined();
    this.#chunks = [bytes.subarray(length)];
    this.#length = bytes.length - length;
    this.#needed = 0;
    this.#seen = 0;
    return bytes.subarray(0, length);
  }
}

export const REFUSE_ENCRYPTION = Buffer.from('N');
export const SYNC = message('S', Buffer.alloc(0));
export const query = (sql: string): Buffer => message('Q', Buffer.from(`${sql}\0`));

/** An error after which the connection is closed. */
export const fatal = (sqlState: string, text: string): Buffer => message('E', Buffer.from(`SFATAL\0VFATAL\0C${sqlState}\0M${text}\0\0`));

function message(type: string, body: Buffer): Buffer {
  const header = Buffer.alloc(SMALLEST_MESSAGE);
  header.write(type);
  header.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([header, body]);
}

/** The rows in an answer, each value as text; throws the answer's error, if it has one. */
export function readRows(answer: Buffer): string[][] {
  const rows: string[][] = [];
  for (let at = 0; at < answer.length; at += 1 + answer.readInt32BE(at + 1)) {
    const type = String.fromCharCode(answer[at] ?? 0);
    const body = answer.subarray(at + SMALLEST_MESSAGE, at + 1 + answer.readInt32BE(at + 1));
    if (type === 'E') throw new Error(errorText(body));
    if (type === 'D') rows.push(readRow(body));
  }
  return rows;
}

function readRow(body: Buffer): string[] {
  const values: string[] = [];
  for (let at = 2; at < body.length; ) {
    const length = Math.max(body.readInt32BE(at), 0);
    values.push(body.toString('utf8', at + 4, at + 4 + length));
    at += 4 + length;
  }
  return values;
}

function errorText(body: Buffer): string {
  const fields = body.toString('utf8').split('\0');
  return fields.find((field) => field.startsWith('M'))?.slice(1) ?? 'unknown error';
}

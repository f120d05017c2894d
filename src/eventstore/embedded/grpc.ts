// The server's side of gRPC over HTTP/2 (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md), as far as the log
// needs it. @grpc/grpc-js can be a server too, but writes every message on its own and reads through windows of 64 KiB; here what
// is sent in one turn of the event loop leaves in one piece, which is what makes reads as fast as their reader.
import { once } from 'node:events';
import {
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { createServer, type Socket } from 'node:net';
import { type MethodDefinition, status } from '@grpc/grpc-js';
import { asFailure, Failure, shuttingDown, tooLate } from './failures.ts';

/** One call of a client: messages come in, messages go out, and it ends well or fails. */
export type Call = {
  /** What to do with each message and at the end of them. What `message` throws fails the call. */
  receive(handlers: { message: (message: Buffer) => void; end?: () => void }): void;
  pause(): void;
  resume(): void;
  /** Queues a message; it leaves with the others of this turn of the event loop. */
  send(message: Buffer): void;
  /** Whether the caller has more to take than it should: who goes on then first waits for `ready`. */
  isBehind(): boolean;
  /** Resolves when the caller has taken most of what was sent, and others had their turn. */
  ready(): Promise<void>;
  end(): void;
  fail(error: unknown): void;
  /** Aborted when the call is over, however that came about. */
  readonly over: AbortSignal;
};

export type Method = (call: Call) => void;

/** The methods of a server by their paths, as in `/event_store.client.streams.Streams/Read`. */
export type Methods = ReadonlyMap<string, Method>;

/** Hands on the one request of a call. */
export function receiveRequest(call: Call, take: (message: Buffer) => void): void {
  let isTaken = false;
  call.receive({
    message(message) {
      if (isTaken) throw new Failure(status.INVALID_ARGUMENT, 'The call has more than its one request');
      isTaken = true;
      take(message);
    },
    end() {
      if (!isTaken) call.fail(new Failure(status.INVALID_ARGUMENT, 'The call has no request'));
    },
  });
}

/** Does what is left to do for a call. What goes wrong with it is told to the operator and to this caller alone. */
export function attempt(call: Call, work: () => void): void {
  try {
    work();
  } catch (error) {
    console.error('A call to the event log could not be answered:', error);
    call.fail(new Failure(status.INTERNAL, 'The event log could not answer'));
  }
}

/** A method with one request and one response. */
export const unary =
  <Request, Response>(
    { requestDeserialize, responseSerialize }: MethodDefinition<Request, Response>,
    handle: (request: Request) => Promise<Response>,
  ): Method =>
  (call) => {
    receiveRequest(call, (message) => {
      handle(requestDeserialize(message))
        .then((response) => {
          call.send(responseSerialize(response));
          call.end();
        })
        .catch(call.fail);
    });
  };

/**
 * The largest message that is read at all. It is far above what may be appended, for a larger one ends its whole call, and
 * with it every other append that waits on the same call.
 */
const maximumMessageSize = 32 * 1024 * 1024;

/** What a caller may have in flight to the server before it is read: of one call, and of all calls of a connection. */
const callWindow = 1024 * 1024;
const connectionWindow = 8 * 1024 * 1024;

/** Messages leave in pieces of about this size, and a reader that has this many bytes to take is sent no more. */
const pieceSize = 64 * 1024;
const maximumUntaken = 256 * 1024;

const sessionOptions = { settings: { initialWindowSize: callWindow, enablePush: false }, maxSessionMemory: 1024 };

/** What a caller is told who asks for what the embedded log has not. */
export const realServer = 'run EventStoreDB or KurrentDB and set EVENTSTORE_URL to use it';

/** A caller that has not answered to a sign of life by the time of the next is gone: its connection is half open. */
const signOfLifeMilliseconds = 30_000;

export type GrpcServer = { port: number; close(): Promise<void> };

/** Listens on a port (0: any free one). Rejects when the port cannot be had. */
export async function serveGrpc(
  host: string,
  port: number,
  methods: Methods,
  signOfLifeEvery = signOfLifeMilliseconds,
): Promise<GrpcServer> {
  const sessions = new Map<Socket, ServerHttp2Session>();
  const calls = new Set<Call>();
  const server = createServer((socket) => {
    const session = performServerHandshake(socket, sessionOptions);
    sessions.set(socket, session);
    session.setLocalWindowSize(connectionWindow);
    session.on('error', () => socket.destroy());
    socket.on('error', () => socket.destroy());
    let isAlive = true;
    const signs = setInterval(() => {
      // A session that has ended waits for its peer to close the connection, which may never come.
      if (!isAlive || session.destroyed) return void socket.destroy();
      isAlive = false;
      session.ping((error) => {
        isAlive = error === null;
      });
    }, signOfLifeEvery);
    socket.once('close', () => {
      sessions.delete(socket);
      clearInterval(signs);
    });
    session.on('stream', serve);
  });
  function serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const call = callOf(stream);
    calls.add(call);
    const timeout = timeoutOf(headers);
    const timer = timeout === undefined ? undefined : setTimeout(() => call.fail(tooLate()), timeout);
    stream.once('close', () => {
      clearTimeout(timer);
      calls.delete(call);
    });
    const path = String(headers[constants.HTTP2_HEADER_PATH]);
    const method = methods.get(path);
    if (method) method(call);
    else call.fail(new Failure(status.UNIMPLEMENTED, `The embedded event log has no ${path}: ${realServer}`));
  }
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const call of calls) call.fail(shuttingDown());
      for (const session of sessions.values()) session.close();
      // A peer that does not read its last answers, or does not close the connection, is not waited for.
      const impatience = setTimeout(() => {
        for (const socket of sessions.keys()) socket.destroy();
      }, 1000);
      await closed;
      clearTimeout(impatience);
    },
  };
}

const timeoutUnits: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };
const longestTimeout = 2 ** 31 - 1; // of a timer

/** How long the caller waits, in milliseconds (the header has up to eight digits and a unit); undefined: as long as it takes. */
function timeoutOf(headers: IncomingHttpHeaders): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,8})([HMSmun])$/.exec(String(headers['grpc-timeout'])) ?? [];
  const scale = timeoutUnits[unit];
  return digits === undefined || scale === undefined ? undefined : Math.min(Number(digits) * scale, longestTimeout);
}

function callOf(stream: ServerHttp2Stream): Call {
  const over = new AbortController();
  let pieces: Buffer[] = [];
  let size = 0;
  let isScheduled = false;
  let untaken = 0;
  let wake: (() => void) | undefined;

  stream.on('error', () => undefined); // whatever it was, 'close' follows
  stream.once('close', () => {
    over.abort();
    wake?.();
  });

  function flush(): void {
    isScheduled = false;
    if (size === 0 || stream.closed || stream.destroyed || stream.writableEnded) return;
    if (!stream.headersSent) stream.respond(responseHeaders, { waitForTrailers: true });
    const piece = Buffer.concat(pieces, size);
    pieces = [];
    size = 0;
    untaken += piece.length;
    stream.write(piece, () => {
      untaken -= piece.length;
      if (untaken <= maximumUntaken) wake?.();
    });
  }

  function finish(trailers: OutgoingHttpHeaders): void {
    if (over.signal.aborted || stream.closed || stream.destroyed || stream.writableEnded) return;
    flush();
    if (stream.headersSent) {
      stream.once('wantTrailers', () => stream.sendTrailers(trailers));
      stream.end();
    } else {
      stream.respond({ ...responseHeaders, ...trailers }, { endStream: true });
    }
    over.abort();
    // What the caller may still be sending is not wanted.
    if (!stream.readableEnded) stream.resume();
  }

  const call: Call = {
    over: over.signal,
    receive({ message: take, end }) {
      const reader = messageReader((message) => {
        if (!over.signal.aborted) take(message);
      });
      stream.on('data', (chunk: Buffer) => {
        if (over.signal.aborted) return;
        try {
          reader.read(chunk);
        } catch (error) {
          call.fail(error);
        }
      });
      stream.once('end', () => {
        // A connection that breaks ends its streams, too; what the caller did not end is not done.
        if (over.signal.aborted || stream.closed || stream.destroyed) return;
        if (reader.isBetweenMessages()) end?.();
        else call.fail(new Failure(status.INVALID_ARGUMENT, 'The call ends in the midst of a message'));
      });
    },
    pause: () => stream.pause(),
    resume: () => stream.resume(),
    send(message) {
      if (over.signal.aborted) return;
      const header = Buffer.allocUnsafe(5);
      header[0] = 0;
      header.writeUInt32BE(message.length, 1);
      pieces.push(header, message);
      size += 5 + message.length;
      if (size >= pieceSize) flush();
      else if (!isScheduled) {
        isScheduled = true;
        queueMicrotask(flush);
      }
    },
    isBehind: () => untaken + size > maximumUntaken,
    async ready() {
      flush();
      if (untaken <= maximumUntaken || over.signal.aborted) return new Promise((resolve) => setImmediate(resolve));
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      wake = undefined;
    },
    end: () => finish({ 'grpc-status': status.OK }),
    fail(error) {
      const { code, message, details } = asFailure(error);
      finish({ ...details, 'grpc-status': code, 'grpc-message': percentEncoded(message) });
    },
  };
  return call;
}

/** As `grpc-message` is written: what is printable in ASCII stays as it is, but for the percent sign. Clients decode no more than that. */
const percentEncoded = (text: string): string => text.toWellFormed().replaceAll(/[^\x20-\x24\x26-\x7e]+/g, encodeURIComponent);

const responseHeaders: OutgoingHttpHeaders = { ':status': 200, 'content-type': 'application/grpc+proto' };

/** Cuts what comes in into messages: each is a flag, its length in four bytes, and its bytes. */
function messageReader(take: (message: Buffer) => void) {
  let chunks: Buffer[] = [];
  let have = 0;
  let need = 5;
  const read = (chunk: Buffer): void => {
    chunks.push(chunk);
    have += chunk.length;
    if (have < need) return;
    const bytes = chunks.length === 1 ? chunk : Buffer.concat(chunks, have);
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
    chunks = at === bytes.length ? [] : [bytes.subarray(at)];
    have = bytes.length - at;
  };
  return { read, isBetweenMessages: () => have === 0 };
}

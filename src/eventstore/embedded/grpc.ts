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
import { messageReader } from './messageReader.ts';
import { turn } from './pageTurns.ts';

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
  /** The same within a page of events: a page may be sent whole, unless all callers together have too much to take. */
  isOverShare(): boolean;
  /** Resolves when the caller has taken most of what was sent, and others had their turn. */
  ready(): Promise<void>;
  /** Notes so many more bytes (or fewer) that wait here for what is to follow them; they end with the call. */
  hold(bytes: number): void;
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

/** What a caller may have in flight to the server before it is read: of one call, and of all calls of a connection. */
const callWindow = 1024 * 1024;
const connectionWindow = 8 * 1024 * 1024;

/** Messages leave in pieces of about this size, and a reader that has this many bytes to take is sent no more. */
const pieceSize = 64 * 1024;
const maximumUntaken = 256 * 1024;
/** When all callers together have this much to take, each is sent no more than a small share. */
const maximumUntakenOfAll = 64 * 1024 * 1024;
const smallShare = 16 * 1024;

/** How many calls a connection may have at once. */
const maximumCalls = 4_096;

/**
 * What all callers together may have begun and not ended, in bytes. Beyond it the largest call of the connection that holds most is
 * the one to fail.
 */
const maximumHeld = 128 * 1024 * 1024;

const sessionOptions = {
  // A call that was refused stays until its caller has ended it, so that there may be more of them than are served.
  settings: { initialWindowSize: callWindow, enablePush: false, maxConcurrentStreams: 4 * maximumCalls },
  maxSessionMemory: 1024,
  // Calls that are left before their end, as reads of which a caller wants the beginning are. By default nghttp2 ends a connection
  // (GOAWAY, INTERNAL_ERROR) that has reset 1,000 and goes on with more than 33 a second.
  streamResetBurst: 20_000,
  streamResetRate: 2_000,
};

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
  const connections = new Map<Socket, Connection>();
  const load: Load = { untaken: 0, held: 0, relieve: () => heaviestOf(connections.values())?.fail(tooMuchHeld()) };
  const server = createServer((socket) => {
    const session = performServerHandshake(socket, sessionOptions);
    const connection: Connection = { session, calls: new Set() };
    connections.set(socket, connection);
    session.setLocalWindowSize(connectionWindow);
    session.on('error', () => socket.destroy());
    socket.on('error', () => socket.destroy());
    let isAlive = true;
    const signs = setInterval(() => {
      // A session that has ended waits for its peer to close the connection, which may never come.
      if (!isAlive || session.destroyed) {
        socket.destroy();
        return;
      }
      isAlive = false;
      session.ping((error) => {
        isAlive = error === null;
      });
    }, signOfLifeEvery);
    socket.once('close', () => {
      connections.delete(socket);
      clearInterval(signs);
    });
    session.on('stream', (stream, headers) => serve(connection, stream, headers));
  });
  function serve({ calls }: Connection, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const call = callOf(stream, load);
    if (calls.size >= maximumCalls) {
      call.fail(new Failure(status.RESOURCE_EXHAUSTED, `The connection has ${maximumCalls} calls at once, and may have no more`));
      return;
    }
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
      for (const { session, calls } of connections.values()) {
        for (const call of calls) call.fail(shuttingDown());
        session.close();
      }
      // A peer that does not read its last answers, or does not close the connection, is not waited for.
      const impatience = setTimeout(() => {
        for (const socket of connections.keys()) socket.destroy();
      }, 1000);
      await closed;
      clearTimeout(impatience);
    },
  };
}

type ServedCall = Call & { held(): number };
type Connection = { session: ServerHttp2Session; calls: Set<ServedCall> };

/** What the calls of a server have together, in bytes. `relieve` has the largest holder let go. */
type Load = { untaken: number; held: number; relieve: () => void };

function heaviestOf(connections: Iterable<Connection>): ServedCall | undefined {
  let most = 0;
  let heaviest: ServedCall | undefined;
  for (const { calls } of connections) {
    let sum = 0;
    let largest: ServedCall | undefined;
    for (const call of calls) {
      sum += call.held();
      if (call.held() > (largest?.held() ?? 0)) largest = call;
    }
    if (sum > most) {
      most = sum;
      heaviest = largest;
    }
  }
  return heaviest;
}

const tooMuchHeld = (): Failure => new Failure(status.RESOURCE_EXHAUSTED, 'The event log has too much to keep that callers did not end');

const timeoutUnits: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };
const longestTimeout = 2 ** 31 - 1; // of a timer

/** How long the caller waits, in milliseconds (the header has up to eight digits and a unit); undefined: as long as it takes. */
function timeoutOf(headers: IncomingHttpHeaders): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,8})([HMSmun])$/.exec(String(headers['grpc-timeout'])) ?? [];
  const scale = timeoutUnits[unit];
  return digits === undefined || scale === undefined ? undefined : Math.min(Number(digits) * scale, longestTimeout);
}

function callOf(stream: ServerHttp2Stream, load: Load): ServedCall {
  const over = new AbortController();
  let pieces: Buffer[] = [];
  let size = 0;
  let isScheduled = false;
  let isClosed = false;
  let untaken = 0;
  let held = 0;
  let wake: (() => void) | undefined;

  stream.on('error', () => undefined); // whatever it was, 'close' follows
  stream.once('close', () => {
    isClosed = true;
    load.untaken -= untaken;
    leave();
    wake?.();
  });

  /** What may be untaken before more is read for it. */
  const limit = () => (load.untaken > maximumUntakenOfAll ? smallShare : maximumUntaken);

  function leave(): void {
    load.held -= held;
    held = 0;
    over.abort();
  }

  function flush(): void {
    isScheduled = false;
    if (size === 0 || stream.closed || stream.destroyed || stream.writableEnded) return;
    if (!stream.headersSent) stream.respond(responseHeaders, { waitForTrailers: true });
    const piece = Buffer.concat(pieces, size);
    pieces = [];
    size = 0;
    untaken += piece.length;
    load.untaken += piece.length;
    stream.write(piece, () => {
      if (isClosed) return;
      untaken -= piece.length;
      load.untaken -= piece.length;
      if (untaken <= limit()) wake?.();
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
    leave();
    // What the caller may still be sending is not wanted, nor what it has sent.
    stream.removeAllListeners('data');
    if (!stream.readableEnded) stream.resume();
  }

  const call: ServedCall = {
    over: over.signal,
    receive({ message: take, end }) {
      const reader = messageReader((message) => {
        if (!over.signal.aborted) take(message);
      }, call.hold);
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
    isBehind: () => untaken + size > limit(),
    isOverShare: () => load.untaken > maximumUntakenOfAll && untaken + size > smallShare,
    async ready() {
      flush();
      if (untaken > limit() && !over.signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        wake = undefined;
      }
      if (!over.signal.aborted) await turn();
    },
    hold(bytes) {
      if (over.signal.aborted) return;
      held += bytes;
      load.held += bytes;
      if (load.held > maximumHeld) load.relieve();
    },
    held: () => held,
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

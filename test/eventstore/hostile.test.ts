// Peers that mean harm, on connections of their own: bytes made by hand, connections left half open, calls that take nothing. What
// they do may cost them their own call or connection, and nobody else anything.
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { connect as connectSocket, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import {
  binaryEvent,
  type Filter,
  MaxAppendSizeExceededError,
  START,
  StreamDeletedError,
  streamNameFilter,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import sharedMessages from '@eventstore/db-client/generated/shared_pb.js';
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import messages from '@eventstore/db-client/generated/streams_pb.js';
import { RE2JS } from 're2js';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { ANY } from '../../src/eventstore/embedded/events.ts';
import { filterOf } from '../../src/eventstore/embedded/filters.ts';
import { serveGrpc } from '../../src/eventstore/embedded/grpc.ts';
import { openLog } from '../../src/eventstore/embedded/log.ts';
import { serveLog } from '../../src/eventstore/embedded/server.ts';
import { trackStreams } from '../../src/eventstore/embedded/streams.ts';
import { subscribeToAll } from '../../src/eventstore/embedded/subscriptions.ts';
import { bytesField, numberField, textField } from '../../src/eventstore/embedded/wire.ts';
import { arrivals, collect, event, events, failureOf, newStream, temporaryDirectory, typeOf, withLog } from './support.ts';

const shared = withLog();
const { batchAppend } = streamsGrpc.StreamsService;

let closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.reverse()) await close();
  closing = [];
});

function sessionTo(port: number): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${port}`, { maxSessionMemory: 1000 }).on('error', () => undefined);
  closing.push(() => session.destroy());
  return session;
}

function begin(session: ClientHttp2Session, path: string): ClientHttp2Stream {
  const call = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' });
  return call.on('error', () => undefined);
}

function framed(message: Uint8Array): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

/** The status of a call, and the messages that came before it. */
async function outcomeOf(call: ClientHttp2Stream): Promise<{ status: unknown; message: unknown; answers: Buffer[] }> {
  let end: Record<string, unknown> = {};
  const take = (headers: Record<string, unknown>) => {
    if (headers['grpc-status'] !== undefined) end = headers;
  };
  call.on('response', take).on('trailers', take);
  let rest = Buffer.alloc(0);
  call.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
  });
  await once(call, 'close');
  const answers: Buffer[] = [];
  for (; rest.length >= 5; rest = rest.subarray(5 + rest.readUInt32BE(1))) answers.push(rest.subarray(5, 5 + rest.readUInt32BE(1)));
  return { status: end['grpc-status'], message: end['grpc-message'], answers };
}

/** A whole append of the batch call to any revision of the stream that the identifier names. */
function appendTo(identifier: Buffer): Buffer {
  const uuid = bytesField(1, textField(2, crypto.randomUUID()));
  const entry = (name: string, value: string) => bytesField(2, Buffer.concat([textField(1, name), textField(2, value)]));
  const proposed = Buffer.concat([uuid, entry('type', 'T'), entry('content-type', 'application/json'), textField(4, '{}')]);
  const options = Buffer.concat([bytesField(1, identifier), bytesField(4, Buffer.alloc(0))]);
  return framed(Buffer.concat([uuid, bytesField(2, options), bytesField(3, proposed), numberField(4, 1)]));
}

test('a stream’s name with fields beside it that nobody knows is told its outcome, or that they are no fields', async () => {
  const stream = newStream();
  await shared.client.appendToStream(stream, events(1));
  await shared.client.tombstoneStream(stream);
  const session = sessionTo(shared.log.port);
  const known = begin(session, batchAppend.path);
  known.end(appendTo(Buffer.concat([textField(3, stream), numberField(9, 0)])));
  const { status, answers } = await outcomeOf(known);
  expect(status).toBe('0');
  const error = messages.BatchAppendResp.deserializeBinary(answers[0] ?? Buffer.alloc(0)).getError();
  expect(error?.getMessage()).toBe('StreamDeleted');
  expect(Buffer.from(error?.getDetails()?.getValue_asU8() ?? []).toString()).toContain(stream);
  // The key of field 2^29 + 3: whoever takes keys for 32 bits reads it as another name, and one of another kind.
  const broken = begin(session, batchAppend.path);
  broken.end(appendTo(Buffer.concat([textField(3, stream), Buffer.from([0x98, 0x80, 0x80, 0x80, 0x10, 0])])));
  expect(await outcomeOf(broken)).toMatchObject({ status: '3' });
  expect(await shared.client.appendToStream(newStream(), event('A'))).toMatchObject({ success: true });
});

test('an answer that cannot be given fails its own call, and the writer goes on', async () => {
  const said = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const log = openLog(temporaryDirectory());
  const server = await serveLog(log, 0);
  closing.push(log.close, server.close);
  const { submit } = log.writer;
  log.writer.submit = ({ answer, ...request }) =>
    submit({
      ...request,
      answer: (outcome) =>
        answer(
          request.stream !== 'poison'
            ? outcome
            : Object.defineProperty(outcome, 'revision', {
                get() {
                  throw new Error('Nobody can read this');
                },
              }),
        ),
    });
  const calls = ['poison', 'whole'].map((stream) => {
    const call = begin(sessionTo(server.port), batchAppend.path);
    call.end(appendTo(textField(3, stream)));
    return outcomeOf(call);
  });
  const [failed, whole] = await Promise.all(calls);
  expect(failed).toMatchObject({ status: '13', answers: [] });
  expect(whole).toMatchObject({ status: '0', answers: [expect.anything()] });
  expect(said.mock.calls).toEqual([['A call to the event log could not be answered:', new Error('Nobody can read this')]]);
  said.mockRestore();
});

const http2Frame = (type: number, payload = Buffer.alloc(0)): Buffer => {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  return Buffer.concat([header, payload]);
};
const preface = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), http2Frame(4)]);
const goAway = http2Frame(7, Buffer.alloc(8));

/** A connection that its peer does not close when the server does. */
async function stubborn(port: number): Promise<Socket> {
  const socket = connectSocket({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => undefined);
  closing.push(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

test('a peer that says it goes, and stays, is cut off', async () => {
  const server = await serveGrpc('127.0.0.1', 0, new Map(), 300);
  closing.push(server.close);
  const socket = await stubborn(server.port);
  const closed = new Promise((resolve) => socket.resume().once('close', resolve));
  socket.write(preface);
  await delay(50);
  socket.write(goAway);
  const isClosed = async () => (await Promise.race([closed, delay(50, 'open')])) !== 'open';
  // Who writes to a connection that is gone is told so.
  while (!(await isClosed())) socket.write(http2Frame(6, Buffer.alloc(8)));
});

test('closing waits for no peer for long: none that says nothing, that does not close its end, or that reads nothing', async () => {
  const log = openLog(temporaryDirectory());
  closing.push(log.close);
  const server = await serveLog(log, 0);
  await stubborn(server.port);
  const open = (await stubborn(server.port)).resume();
  open.write(preface);
  const frozen = await stubborn(server.port);
  frozen.pause();
  frozen.write(preface);
  await delay(100);
  expect(await Promise.race([server.close().then(() => 'closed'), delay(5_000, 'open')])).toBe('closed');
});

test('half messages cost the connection that sends most of them a call, and no other', async () => {
  const other = begin(sessionTo(shared.log.port), batchAppend.path);
  const append = appendTo(textField(3, newStream()));
  other.write(append.subarray(0, 40));
  const session = sessionTo(shared.log.port);
  const header = Buffer.alloc(5);
  header.writeUInt32BE(16_000_000, 1);
  const half = Buffer.concat([header, Buffer.alloc(15_000_000)]);
  const calls = Array.from({ length: 12 }, () => begin(session, batchAppend.path));
  const first = Promise.race(calls.map((call) => once(call, 'response')));
  for (const call of calls) call.write(half);
  const [headers] = await first;
  expect(headers).toMatchObject({ 'grpc-status': '8', 'grpc-message': expect.stringContaining('too much') });
  other.end(append.subarray(40));
  expect(await outcomeOf(other)).toMatchObject({ status: '0', answers: [expect.anything()] });
});

describe('what would be too large to be read again is refused:', () => {
  const withMetadata = (size: number, type = 'Large') => ({ ...event(type), metadata: { text: 'm'.repeat(size) } });
  const mebibyte = 1024 * 1024;

  test('more metadata than clients take with a link', async () => {
    const { client } = shared;
    const [stream, links] = [newStream(), newStream()];
    const error = await failureOf(client.appendToStream(stream, withMetadata(8 * mebibyte)));
    expect(error).toBeInstanceOf(MaxAppendSizeExceededError);
    expect(error).toMatchObject({ maxAppendSize: 8 * mebibyte });
    await client.appendToStream(stream, withMetadata(8 * mebibyte - 100), { expectedRevision: 'no_stream' });
    const link = { type: '$>', data: Buffer.from(`0@${stream}`), metadata: Buffer.alloc(8 * mebibyte - 200) };
    await client.appendToStream(links, binaryEvent(link));
    expect(await collect(client.readStream(links, { resolveLinkTos: true }), typeOf)).toEqual(['Large']);
  });

  test('metadata in many parts', async () => {
    const { append } = streamsGrpc.StreamsService;
    const call = begin(sessionTo(shared.log.port), append.path);
    const outcome = outcomeOf(call);
    for (let n = 0; n < 20; n += 1) {
      const part = new messages.AppendReq.ProposedMessage().setId(new sharedMessages.UUID().setString(crypto.randomUUID()));
      part.getMetadataMap().set('type', 'T').set('content-type', 'application/json');
      part.setCustomMetadata(Buffer.alloc(mebibyte));
      call.write(framed(new messages.AppendReq().setProposedMessage(part).serializeBinary()));
    }
    call.end();
    expect(await outcome).toMatchObject({ status: '3', message: 'Maximum Append Size of 8388608 Exceeded.' });
  });

  test('long names, while the longest are told in full', async () => {
    const { client } = shared;
    const longest = `${'é'.repeat(5_110)}-${newStream()}`.slice(0, 5_120).padEnd(5_120, 'é');
    const most = longest.slice(0, longest.length - (Buffer.byteLength(longest) - 10_240));
    const name = most + 'x'.repeat(10_240 - Buffer.byteLength(most));
    expect(Buffer.byteLength(name)).toBe(10_240);
    await client.appendToStream(name, events(1));
    await client.setStreamMetadata(name, { maxCount: 5 });
    const wrong = await failureOf(client.deleteStream(name, { expectedRevision: 7n }));
    expect(wrong).toBeInstanceOf(WrongExpectedVersionError);
    await client.tombstoneStream(name);
    expect(await failureOf(collect(client.readStream(name), typeOf))).toBeInstanceOf(StreamDeletedError);
    const longer = `${name}x`;
    const failures = [
      client.appendToStream(longer, events(1)),
      client.deleteStream(longer),
      collect(client.readStream(longer), typeOf),
      client.appendToStream(newStream(), event('T'.repeat(10_241))),
    ].map(async (call) => (await failureOf(call)).message);
    for (const message of await Promise.all(failures)) expect(message).toMatch(/may have 10240|BadRequest/);
  });
});

describe('a filter', () => {
  const read = (filter: Filter) => {
    const seen = arrivals(shared.client.subscribeToAll({ fromPosition: START, filter }));
    return seen.next();
  };
  const byRegex = (regex: string): Filter => streamNameFilter({ regex });

  test.each([
    ['many steps', byRegex('(?:[a-z0-9-]{0,30}){0,30}[XYZ]$'), 'more than 500 steps'],
    ['a long text', byRegex('a'.repeat(2_049)), 'at most 2048 characters'],
    ['many prefixes', streamNameFilter({ prefixes: Array.from({ length: 2_049 }, () => 'a') }), 'at most 2048'],
  ])('of %s is refused', async (_what, filter, message) => {
    const failure = await read(filter);
    expect(failure).toBeInstanceOf(Error);
    expect(String(failure)).toContain(message);
  });

  test('of repetitions of repetitions is refused before it is written out', () => {
    const compile = vi.spyOn(RE2JS, 'compile');
    const filter = (regex: string) =>
      filterOf(
        new messages.ReadReq.Options.FilterOptions().setStreamIdentifier(
          new messages.ReadReq.Options.FilterOptions.Expression().setRegex(regex),
        ),
        trackStreams(log.storage),
      );
    const log = openLog(temporaryDirectory());
    closing.push(log.close);
    expect(() => filter(`(?:${'a'.repeat(1000)}){1000}`)).toThrow('too large');
    expect(() => filter(`(?:(?:${'a'.repeat(100)}){30}b{2,}c{0,9}){90}`)).toThrow('too large');
    expect(compile).not.toHaveBeenCalled();
    expect(filter('^(user|session)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$')).toBeDefined();
    expect(compile).toHaveBeenCalledOnce();
    compile.mockRestore();
  });

  test('of some size is refused where a name is long, and no other', async () => {
    const stream = `${newStream()}-${'n'.repeat(5_000)}`;
    await shared.client.appendToStream(stream, event('Named'));
    const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
    expect(await read(byRegex(`^nothing-${uuid}$|n$`))).not.toBeInstanceOf(Error);
    expect(String(await read(byRegex('(?:[a-z]{20}){15}$')))).toContain('too large for a name of');
  });

  test('that is slow leaves the rest of a page for its next turn', async () => {
    const log = openLog(temporaryDirectory());
    closing.push(log.close);
    const proposed = Array.from({ length: 100 }, () => {
      const id = crypto.getRandomValues(new Uint8Array(16));
      return { id, type: 'T', isJson: true, data: Buffer.from('{}'), metadata: Buffer.alloc(0) };
    });
    await new Promise((answer) => {
      log.writer.submit({ stream: 's', expected: ANY, change: { is: 'append', events: proposed }, answer });
    });
    const over = new AbortController();
    let sent = 0;
    let turns = 0;
    const matches = () => {
      for (const until = performance.now() + 1; performance.now() < until; );
      return true;
    };
    const call = {
      over: over.signal,
      isOverShare: () => false,
      send: () => {
        sent += 1;
      },
      ready: async () => {
        turns += 1;
        if (sent > 100) over.abort(); // the confirmation, and all events
      },
    };
    await subscribeToAll(log, call, 0, { matches, checkpointEvery: 1_000 }, () => Buffer.alloc(1));
    expect(turns).toBeGreaterThan(10);
    expect(sent).toBe(101);
  });
});

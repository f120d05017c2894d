// What must not harm anyone else: broken messages, huge ones, calls that the log does not have, files that are not a log.
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { EventStoreDBClient, START, UnavailableError } from '@eventstore/db-client';
import gossip from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import monitoring from '@eventstore/db-client/generated/monitoring_grpc_pb.js';
import operations from '@eventstore/db-client/generated/operations_grpc_pb.js';
import persistent from '@eventstore/db-client/generated/persistent_grpc_pb.js';
import projections from '@eventstore/db-client/generated/projections_grpc_pb.js';
import sharedMessages from '@eventstore/db-client/generated/shared_pb.js';
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import messages from '@eventstore/db-client/generated/streams_pb.js';
import users from '@eventstore/db-client/generated/users_grpc_pb.js';
import { Client, credentials, status } from '@grpc/grpc-js';
import { describe, expect, test, vi } from 'vitest';
import { startEmbeddedEventStore } from '../../src/eventstore/embedded/embedded.ts';
import { ANY } from '../../src/eventstore/embedded/events.ts';
import { serveGrpc } from '../../src/eventstore/embedded/grpc.ts';
import { openStorage } from '../../src/eventstore/embedded/storage.ts';
import { trackStreams } from '../../src/eventstore/embedded/streams.ts';
import { type Outcome, startWriter } from '../../src/eventstore/embedded/writer.ts';
import { arrivals, collect, event, events, failureOf, newStream, revisionOf, temporaryDirectory, typeOf, withLog } from './support.ts';

const shared = withLog();

describe('a caller who sends', () => {
  const { read, append, batchAppend, delete: remove } = streamsGrpc.StreamsService;

  /** The status of a call with these bytes as its body. */
  async function statusOf(session: ClientHttp2Session, method: string, body: Uint8Array, timeout?: string): Promise<string> {
    const headers = { ':method': 'POST', ':path': method, 'content-type': 'application/grpc', te: 'trailers' };
    const call = session.request(timeout ? { ...headers, 'grpc-timeout': timeout } : headers);
    let status: unknown;
    call.on('response', (headers) => {
      status = headers['grpc-status'];
    });
    call.on('trailers', (trailers) => {
      status ??= trailers['grpc-status'];
    });
    call.on('error', () => undefined);
    call.resume();
    call.write(body);
    if (timeout) call.once('end', () => call.end());
    else call.end();
    await once(call, 'close');
    return String(status);
  }
  /** All that was sent before, for what comes on one connection is answered in its order. */
  const arrived = (session: ClientHttp2Session) =>
    new Promise<void>((resolve, reject) => session.ping((error) => (error ? reject(error) : resolve())));
  const framed = (length: number, bytes: number[], flag = 0) =>
    Buffer.from([flag, length >> 24, length >> 16, length >> 8, length, ...bytes]);

  const frame = (message: { serializeBinary(): Uint8Array }) => {
    const bytes = message.serializeBinary();
    return framed(bytes.length, [...bytes]);
  };
  /** The parts of an append that hold its events. */
  const parts = (count: number) =>
    Array.from({ length: count }, () => {
      const proposed = new messages.AppendReq.ProposedMessage().setId(new sharedMessages.UUID().setString(crypto.randomUUID()));
      proposed.getMetadataMap().set('type', 'Part').set('content-type', 'application/json');
      return frame(new messages.AppendReq().setProposedMessage(proposed.setData(Buffer.from('{}'))));
    });

  test.each([
    ['noise to Read', read.path, framed(4, [255, 255, 255, 255]), '3'],
    ['noise to Append', append.path, framed(3, [10, 200, 1]), '3'],
    ['noise to BatchAppend', batchAppend.path, framed(2, [26, 99]), '3'],
    ['noise to Delete', remove.path, framed(2, [26, 99]), '3'],
    ['an empty request to Read', read.path, framed(0, []), '3'],
    ['a message larger than any', batchAppend.path, framed(0x7fffffff, [1]), '8'],
    ['a compressed message', batchAppend.path, framed(1, [1], 1), '12'],
    ['to a method that there is not', '/event_store.client.streams.Streams/Nothing', framed(0, []), '12'],
  ])('%s gets an error of its own', async (_what, method, body, status) => {
    const stream = newStream();
    const pending = shared.client.appendToStream(stream, events(3));
    const session = connect(`http://127.0.0.1:${shared.log.port}`);
    expect(await statusOf(session, method, body)).toBe(status);
    session.close();
    expect(await pending).toMatchObject({ success: true });
  });

  test.each([
    ['no request to Read', read.path, framed(0, []).subarray(0, 0), '3'],
    ['no request to Delete', remove.path, framed(0, []).subarray(0, 0), '3'],
    ['two requests to Read', read.path, Buffer.concat([framed(0, []), framed(0, [])]), '3'],
    ['half a message to Append', append.path, framed(9, [10, 2]), '3'],
  ])('%s is told', async (_what, method, body, status) => {
    const session = connect(`http://127.0.0.1:${shared.log.port}`);
    expect(await statusOf(session, method, body)).toBe(status);
    session.close();
  });

  test('for longer than it has time is told that it has no more, though it had not ended', async () => {
    const session = connect(`http://127.0.0.1:${shared.log.port}`);
    for (const timeout of ['20m', '1000u', '1n'])
      expect(await statusOf(session, batchAppend.path, framed(1000, [10, 2]), timeout)).toBe('4');
    session.close();
  });

  test.each([
    ['breaks off in the midst of a message', (call: ClientHttp2Stream) => void call.end(parts(1)[0]?.subarray(0, 9))],
    ['is cut off', (call: ClientHttp2Stream) => call.session?.destroy()],
  ])('an append that %s has none of it written', async (_what, breakOff) => {
    const stream = newStream();
    const session = connect(`http://127.0.0.1:${shared.log.port}`);
    const call = session.request({ ':method': 'POST', ':path': append.path, 'content-type': 'application/grpc' });
    call.on('error', () => undefined);
    call.resume();
    const identifier = new sharedMessages.StreamIdentifier().setStreamName(Buffer.from(stream));
    const options = new messages.AppendReq.Options().setStreamIdentifier(identifier).setAny(new sharedMessages.Empty());
    call.write(frame(new messages.AppendReq().setOptions(options)));
    for (const part of parts(2)) call.write(part);
    await once(session, 'connect');
    await arrived(session);
    breakOff(call);
    await once(call, 'close');
    session.destroy();
    expect(await shared.client.appendToStream(stream, events(1), { expectedRevision: 'no_stream' })).toMatchObject({ success: true });
  });

  test('half a message and leaves is forgotten', async () => {
    const session = connect(`http://127.0.0.1:${shared.log.port}`);
    const call = session.request({ ':method': 'POST', ':path': batchAppend.path, 'content-type': 'application/grpc' });
    call.on('error', () => undefined);
    call.write(framed(1000, [10, 2]));
    await once(call, 'ready');
    session.destroy();
    expect(await shared.client.appendToStream(newStream(), events(1))).toMatchObject({ success: true });
  });

  test('ten thousand reads and takes nothing is refused most of them, and harms nobody', async () => {
    await shared.client.appendToStream(newStream(), events(3));
    const session = connect(`http://127.0.0.1:${shared.log.port}`, { settings: { initialWindowSize: 0 } });
    const all = new messages.ReadReq.Options.AllOptions().setStart(new sharedMessages.Empty());
    const options = new messages.ReadReq.Options().setAll(all).setCount('1000').setNoFilter(new sharedMessages.Empty());
    options.setUuidOption(new messages.ReadReq.Options.UUIDOption().setString(new sharedMessages.Empty()));
    const request = frame(new messages.ReadReq().setOptions(options));
    let refused = 0;
    const answered = Array.from({ length: 10_000 }, () => {
      const call = session.request({ ':method': 'POST', ':path': read.path, 'content-type': 'application/grpc' });
      call.on('error', () => undefined).end(request);
      return once(call, 'response').then(([headers]) => {
        if (headers['grpc-status'] === '8') refused += 1;
      });
    });
    const appended = shared.client.appendToStream(newStream(), events(1));
    await Promise.all(answered);
    expect(refused).toBe(10_000 - 4_096);
    expect(await appended).toMatchObject({ success: true });
    session.destroy();
    expect(await shared.client.appendToStream(newStream(), events(1))).toMatchObject({ success: true });
  });

  test('nothing at all, on ten thousand calls, a thousand connections and one that speaks HTTP/1.1, harms nobody', async () => {
    const session = connect(`http://127.0.0.1:${shared.log.port}`);
    session.on('error', () => undefined);
    const calls = Array.from({ length: 10_000 }, () =>
      session.request({ ':method': 'POST', ':path': read.path, 'content-type': 'application/grpc' }),
    );
    for (const call of calls) call.on('error', () => undefined);
    const sockets = Array.from({ length: 1_000 }, () => connectSocket(shared.log.port, '127.0.0.1').on('error', () => undefined));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    sockets[0]?.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    for (const call of calls.slice(0, 5_000)) call.close(constants.NGHTTP2_CANCEL);
    expect(await shared.client.appendToStream(newStream(), events(1))).toMatchObject({ success: true });
    session.destroy();
    for (const socket of sockets) socket.destroy();
    expect(await shared.client.appendToStream(newStream(), events(1))).toMatchObject({ success: true });
  });

  test('thousands of calls, one after the other, that it leaves at once keeps its connection', async () => {
    const session = connect(`http://127.0.0.1:${shared.log.port}`);
    let isEnded = false;
    session.on('goaway', () => {
      isEnded = true;
    });
    session.on('error', () => undefined);
    await once(session, 'connect');
    for (let left = 0; left < 5_000 && !isEnded; left += 100) {
      const calls = Array.from({ length: 100 }, () =>
        session.request({ ':method': 'POST', ':path': read.path, 'content-type': 'application/grpc' }),
      );
      await arrived(session);
      for (const call of calls) call.on('error', () => undefined).close(constants.NGHTTP2_CANCEL);
      await arrived(session);
    }
    expect(isEnded).toBe(false);
    expect(await statusOf(session, read.path, framed(0, []))).toBe('3');
    session.destroy();
  });

  test('to another address than 127.0.0.1 is not heard', async () => {
    const others = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ internal, family }) => !internal && family === 'IPv4');
    // A server of all addresses would be heard at the first of these wherever Linux runs.
    for (const address of ['127.0.0.2', '::1', ...others.map((other) => other.address)]) {
      const socket = connectSocket(shared.log.port, address);
      const heard = once(socket, 'connect').then(
        () => true,
        () => false,
      );
      expect(await heard).toBe(false);
      socket.destroy();
    }
  });
});

test('who does not answer to a sign of life is cut off, and who does is not', async () => {
  const server = await serveGrpc('127.0.0.1', 0, new Map(), 700);
  const living = connect(`http://127.0.0.1:${server.port}`);
  const pinged = once(living, 'ping');
  const dead = connectSocket(server.port, '127.0.0.1').on('error', () => undefined);
  dead.resume();
  await once(dead, 'close');
  await pinged;
  await new Promise<void>((resolve, reject) => living.ping((error) => (error ? reject(error) : resolve())));
  living.destroy();
  await server.close();
});

test('a call that only a real server has says so, whichever it is', async () => {
  const client = new Client(`127.0.0.1:${shared.log.port}`, credentials.createInsecure());
  const services = [
    gossip.GossipService,
    monitoring.MonitoringService,
    operations.OperationsService,
    persistent.PersistentSubscriptionsService,
  ];
  const paths = [...services, projections.ProjectionsService, users.UsersService].flatMap((service) =>
    Object.values(service).map(({ path }) => path),
  );
  expect(paths.length).toBeGreaterThan(30);
  const none = Buffer.alloc(0);
  const errors = await Promise.all(
    paths.map(
      (name) =>
        new Promise((answer) =>
          client.makeUnaryRequest(
            name,
            () => none,
            () => none,
            none,
            answer,
          ),
        ),
    ),
  );
  client.close();
  for (const [index, error] of errors.entries()) {
    expect(error, paths[index]).toMatchObject({
      code: status.UNIMPLEMENTED,
      details: expect.stringContaining('run EventStoreDB or KurrentDB'),
    });
  }
});

test('the client finds the version and the features of the server that it stands for', async () => {
  class Asking extends EventStoreDBClient {
    features = () => this.capabilities;
  }
  const client = new Asking({ endpoint: { address: '127.0.0.1', port: shared.log.port } }, { insecure: true });
  const features = await client.features();
  expect(features.serverVersion).toBe('24.6.0');
  const { read, batchAppend } = streamsGrpc.StreamsService;
  expect(features.supports(batchAppend)).toBe(true);
  expect(features.supports(batchAppend, 'deadline_duration')).toBe(true);
  expect(features.supports(read, 'position')).toBe(true);
  expect(features.supports(read, 'stream_positions')).toBe(false);
  // A call that the client does not find here it makes in HTTP/1.1, where nobody could tell it what to run instead.
  expect(features.supports(persistent.PersistentSubscriptionsService.getInfo, 'all')).toBe(true);
  await client.dispose();
});

test('a request that cannot be written fails alone, and the operator is told', async () => {
  const said = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const storage = openStorage(temporaryDirectory());
  const streams = trackStreams(storage);
  const committed: string[][] = [];
  const faulty = {
    ...storage,
    addEvent(...[proposed, at]: Parameters<typeof storage.addEvent>) {
      if (proposed.type === 'Poison') throw new Error('The disk failed');
      storage.addEvent(proposed, at);
    },
  };
  const writer = startWriter(faulty, streams, (names) => committed.push([...names]));
  const id = () => Buffer.from(crypto.randomUUID().replaceAll('-', ''), 'hex');
  const append = (stream: string, types: string[]) =>
    new Promise<Outcome>((answer) => {
      const proposed = types.map((type) => ({ id: id(), type, isJson: true, data: Buffer.from('{}'), metadata: Buffer.alloc(0) }));
      writer.submit({ stream, expected: ANY, change: { is: 'append', events: proposed }, answer });
    });
  const outcomes = await Promise.all([append('a', ['A1', 'A2']), append('b', ['B1', 'Poison']), append('a', ['A3']), append('b', ['B2'])]);
  expect(outcomes).toEqual([
    { is: 'written', revision: 1, position: 2 },
    { is: 'failed', reason: 'The disk failed' },
    { is: 'written', revision: 2, position: 3 },
    { is: 'written', revision: 0, position: 4 },
  ]);
  expect(storage.all(0, 100).map(({ type, position }) => [type, position])).toEqual([
    ['A1', 1],
    ['A2', 2],
    ['A3', 3],
    ['B2', 4],
  ]);
  expect([...new Set(committed.flat())].sort()).toEqual(['a', 'b']);
  expect(said.mock.calls).toEqual([['An append to b was not written: The disk failed']]);
  said.mockRestore();
  storage.close();
});

describe('opening', () => {
  const reasonOf = async (directory: string, port = 0) => (await failureOf(startEmbeddedEventStore({ directory, port }))).message;

  async function someLog(): Promise<string> {
    const directory = temporaryDirectory();
    const log = await startEmbeddedEventStore({ directory });
    await EventStoreDBClient.connectionString(log.connectionString).appendToStream('s', events(2000));
    await log.close();
    return directory;
  }

  test('again finds everything, and knows a repeat', async () => {
    const directory = temporaryDirectory();
    const once = [event('A'), event('B')];
    const before = await startEmbeddedEventStore({ directory });
    const first = await EventStoreDBClient.connectionString(before.connectionString).appendToStream('s', once);
    await before.close();
    expect(existsSync(path.join(directory, 'events.db-wal'))).toBe(false);
    const after = await startEmbeddedEventStore({ directory });
    const client = EventStoreDBClient.connectionString(after.connectionString);
    expect(await client.appendToStream('s', once)).toEqual(first);
    expect(await client.appendToStream('s', event('C'))).toMatchObject({ nextExpectedRevision: 2n });
    expect(await collect(client.readStream('s'), typeOf)).toEqual(['A', 'B', 'C']);
    await after.close();
  });

  test('a port that is taken', async () => {
    expect(await reasonOf(temporaryDirectory(), shared.log.port)).toContain(`cannot listen on port ${shared.log.port}`);
  });

  test('a log in use', async () => {
    const directory = temporaryDirectory();
    const log = await startEmbeddedEventStore({ directory });
    expect(await reasonOf(directory)).toBe(`The event log in ${directory} is in use by another process`);
    await log.close();
    await (await startEmbeddedEventStore({ directory })).close();
  });

  test('a file that is no log, one of another program, and one that was cut short', async () => {
    const [noise, other, cut] = [temporaryDirectory(), temporaryDirectory(), await someLog()];
    writeFileSync(path.join(noise, 'events.db'), 'x'.repeat(10_000));
    expect(await reasonOf(noise)).toContain('is damaged');
    const { DatabaseSync } = await import('node:sqlite');
    const db = new DatabaseSync(path.join(other, 'events.db'));
    db.exec('CREATE TABLE mine (a)');
    db.close();
    expect(await reasonOf(other)).toContain('is not an event log');
    const file = path.join(cut, 'events.db');
    truncateSync(file, statSync(file).size - 8192);
    expect(await reasonOf(cut)).toContain('is damaged');
  });

  test('a folder that cannot be made', async () => {
    const directory = temporaryDirectory();
    writeFileSync(path.join(directory, 'file'), '');
    expect(await reasonOf(path.join(directory, 'file', 'log'))).toContain(path.join(directory, 'file'));
  });

  test('a log whose last commit was torn has all before it', async () => {
    const [from, to] = [temporaryDirectory(), temporaryDirectory()];
    const log = await startEmbeddedEventStore({ directory: from });
    const client = EventStoreDBClient.connectionString(log.connectionString);
    await client.appendToStream('s', events(3));
    const whole = statSync(path.join(from, 'events.db-wal')).size;
    await client.appendToStream('s', events(3));
    // As a crash would leave it, in the midst of writing the last commit.
    mkdirSync(to, { recursive: true });
    copyFileSync(path.join(from, 'events.db'), path.join(to, 'events.db'));
    const wal = readFileSync(path.join(from, 'events.db-wal'));
    writeFileSync(path.join(to, 'events.db-wal'), wal.subarray(0, wal.length - Math.ceil((wal.length - whole) / 2)));
    await log.close();
    const torn = await startEmbeddedEventStore({ directory: to });
    const reader = EventStoreDBClient.connectionString(torn.connectionString);
    expect(await collect(reader.readStream('s'), revisionOf)).toEqual([0, 1, 2]);
    expect(await reader.appendToStream('s', events(1), { expectedRevision: 2n })).toMatchObject({ nextExpectedRevision: 3n });
    await torn.close();
  });
});

test('closing ends subscriptions with an error that says to come back', async () => {
  const log = await startEmbeddedEventStore({ directory: temporaryDirectory() });
  const client = EventStoreDBClient.connectionString(log.connectionString);
  const seen = arrivals(client.subscribeToAll({ fromPosition: START }));
  expect(await seen.next()).toBe('caughtUp');
  await log.close();
  expect(await seen.next()).toBeInstanceOf(UnavailableError);
});

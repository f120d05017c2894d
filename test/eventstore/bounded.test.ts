// What the log may cost, counted and not timed: what a slow subscriber holds, what an idle one does, and what opening reads.
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { DatabaseSync } from 'node:sqlite';
import sharedMessages from '@eventstore/db-client/generated/shared_pb.js';
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import messages from '@eventstore/db-client/generated/streams_pb.js';
import emptyMessages from 'google-protobuf/google/protobuf/empty_pb.js';
import { afterEach, expect, test } from 'vitest';
import { ANY } from '../../src/eventstore/embedded/events.ts';
import type { GrpcServer } from '../../src/eventstore/embedded/grpc.ts';
import { type EventLog, openLog } from '../../src/eventstore/embedded/log.ts';
import { logFile } from '../../src/eventstore/embedded/maintenance.ts';
import { serveLog } from '../../src/eventstore/embedded/server.ts';
import { openStorage } from '../../src/eventstore/embedded/storage.ts';
import { trackStreams } from '../../src/eventstore/embedded/streams.ts';
import { startWriter } from '../../src/eventstore/embedded/writer.ts';
import { temporaryDirectory } from './support.ts';

let closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.reverse()) await close();
  closing = [];
});

/** A log in this thread, whose reads are counted, and a connection to it. */
async function countedLog() {
  const log = openLog(temporaryDirectory());
  const counts = { encodedBytes: 0, pagesOfStreams: 0, pagesOfAll: 0 };
  const { encode, stream } = log.reads;
  log.reads.encode = (...parameters) => {
    const bytes = encode(...parameters);
    counts.encodedBytes += bytes.length;
    return bytes;
  };
  log.reads.stream = (...parameters) => {
    counts.pagesOfStreams += 1;
    return stream(...parameters);
  };
  const allOf = log.storage.all;
  log.storage.all = (...parameters) => {
    counts.pagesOfAll += 1;
    return allOf(...parameters);
  };
  const server: GrpcServer = await serveLog(log, 0);
  const session = connect(`http://127.0.0.1:${server.port}`, { maxSessionMemory: 1000 });
  await once(session, 'connect');
  closing.push(log.close, server.close, () => session.destroy());
  return { log, counts, session };
}

function append(log: EventLog, stream: string, count: number, size: number): Promise<unknown> {
  const events = Array.from({ length: count }, () => ({
    id: crypto.getRandomValues(new Uint8Array(16)),
    type: 'Counted',
    isJson: false,
    data: Buffer.alloc(size),
    metadata: Buffer.alloc(0),
  }));
  return new Promise((answer) => log.writer.submit({ stream, expected: ANY, change: { is: 'append', events }, answer }));
}

/** Subscribes to a stream, or to $all, and leaves what is sent where it is. */
function subscribe(session: ClientHttp2Session, stream?: string): ClientHttp2Stream {
  return read(session, new messages.ReadReq.Options().setSubscription(new messages.ReadReq.Options.SubscriptionOptions()), stream);
}

/** The same with a read of all that is there now. */
const readOnce = (session: ClientHttp2Session, stream?: string): ClientHttp2Stream =>
  read(session, new messages.ReadReq.Options().setCount('1000000'), stream);

function read(session: ClientHttp2Session, options: messages.ReadReq.Options, stream?: string): ClientHttp2Stream {
  options
    .setNoFilter(new sharedMessages.Empty())
    .setUuidOption(new messages.ReadReq.Options.UUIDOption().setString(new sharedMessages.Empty()));
  if (stream === undefined) options.setAll(new messages.ReadReq.Options.AllOptions().setStart(new sharedMessages.Empty()));
  else {
    const identifier = new sharedMessages.StreamIdentifier().setStreamName(Buffer.from(stream));
    options.setStream(new messages.ReadReq.Options.StreamOptions().setStreamIdentifier(identifier).setStart(new sharedMessages.Empty()));
  }
  const bytes = new messages.ReadReq().setOptions(options).serializeBinary();
  const path = streamsGrpc.StreamsService.read.path;
  const call = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });
  const header = Buffer.alloc(5);
  header.writeUInt32BE(bytes.length, 1);
  call.on('error', () => undefined);
  call.end(Buffer.concat([header, bytes]));
  return call;
}

const port = (session: ClientHttp2Session): number | undefined => session.socket.remotePort;

/** A whole append of the batch call, of one event. */
function wholeAppend(stream: string, size: number): Buffer {
  const identifier = new sharedMessages.StreamIdentifier().setStreamName(Buffer.from(stream));
  const options = new messages.BatchAppendReq.Options().setStreamIdentifier(identifier).setAny(new emptyMessages.Empty());
  const id = new sharedMessages.UUID().setString(crypto.randomUUID());
  const event = new messages.BatchAppendReq.ProposedMessage().setId(id).setData(Buffer.alloc(size));
  event.getMetadataMap().set('type', 'Counted').set('content-type', 'application/octet-stream');
  const request = new messages.BatchAppendReq().setOptions(options).setCorrelationId(id).setProposedMessagesList([event]).setIsFinal(true);
  const message = Buffer.from(request.serializeBinary());
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

/** Until nothing more is under way between a connection and the server, which share this thread. */
async function quiet(session: ClientHttp2Session): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) {
    await new Promise<void>((resolve, reject) => session.ping((error) => (error ? reject(error) : resolve())));
  }
}

test('a subscriber who takes nothing holds a few mebibytes, however much there is for it', async () => {
  const { log, counts, session } = await countedLog();
  const total = 2 * 20 * 100 * 10_000;
  for (let n = 0; n < 20; n += 1) await append(log, 's', 100, 10_000);
  const all = subscribe(session);
  const one = subscribe(session, 's');
  await quiet(session);
  for (let n = 0; n < 20; n += 1) {
    await append(log, 's', 100, 10_000);
    await quiet(session);
  }
  expect(counts.encodedBytes).toBeGreaterThan(0);
  expect(counts.encodedBytes).toBeLessThan(2 * 3 * 1024 * 1024);
  // All of it is there for who goes on.
  let taken = 0;
  for (const call of [all, one]) {
    let here = 0;
    for await (const chunk of call) {
      here += chunk.length;
      if (here >= total) break;
    }
    taken += here;
  }
  expect(taken).toBeGreaterThanOrEqual(2 * total);
});

test('a reader who takes nothing holds a few mebibytes, and hundreds of them less than that each', async () => {
  const { log, counts, session } = await countedLog();
  const total = 20 * 100 * 10_000;
  for (let n = 0; n < 20; n += 1) await append(log, 's', 100, 10_000);
  const readers = [readOnce(session), readOnce(session, 's')];
  await quiet(session);
  expect(counts.encodedBytes).toBeGreaterThan(0);
  expect(counts.encodedBytes).toBeLessThan(2 * 3 * 1024 * 1024);
  const others = connect(`http://127.0.0.1:${port(session)}`, { settings: { initialWindowSize: 0 } });
  closing.push(() => others.destroy());
  await once(others, 'connect');
  for (let n = 0; n < 400; n += 1) (n % 2 ? readOnce : subscribe)(others, n % 3 ? 's' : undefined);
  for (let turn = 0; turn < 10; turn += 1) await quiet(others);
  expect(counts.encodedBytes).toBeLessThan(85 * 1024 * 1024);
  // All of it is there for who goes on.
  for (const call of readers) {
    let taken = 0;
    for await (const chunk of call) taken += chunk.length;
    expect(taken).toBeGreaterThan(total);
  }
});

test('many readers at once leave the event loop to others between their pages', async () => {
  const { log, session } = await countedLog();
  await append(log, 's', 1, 10);
  const { stream } = log.reads;
  let turns = 0;
  const turn = () => {
    turns += 1;
    counting = setImmediate(turn);
  };
  let counting = setImmediate(turn);
  closing.push(() => clearImmediate(counting));
  const pages: number[] = [];
  log.reads.stream = (...parameters) => {
    pages.push(turns);
    for (const until = performance.now() + 5; performance.now() < until; );
    return stream(...parameters);
  };
  const readers = Array.from({ length: 40 }, () => readOnce(session, 's').resume());
  await Promise.all(readers.map((call) => once(call, 'close')));
  expect(pages.length).toBeGreaterThanOrEqual(40);
  expect(new Set(pages).size).toBeGreaterThan(30);
});

test('a caller who appends faster than the disk takes it is read no further, and goes on when its appends are written', async () => {
  const { log, session } = await countedLog();
  const waiting: Parameters<typeof log.writer.submit>[0][] = [];
  const { submit } = log.writer;
  log.writer.submit = (request) => waiting.push(request);
  const path = streamsGrpc.StreamsService.batchAppend.path;
  const call = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' }).resume();
  const total = 60;
  for (let n = 0; n < total; n += 1) call.write(wholeAppend('s', 1_000_000));
  await quiet(session);
  expect(waiting.length).toBeGreaterThan(10);
  expect(waiting.length).toBeLessThan(20);
  log.writer.submit = submit;
  const before = log.writer.head();
  for (const request of waiting) submit(request);
  while (log.writer.head() < before + total) await quiet(session);
});

test('callers who all append faster than the disk takes it are read no further together', async () => {
  const { log, session } = await countedLog();
  const waiting: Parameters<typeof log.writer.submit>[0][] = [];
  const { submit } = log.writer;
  log.writer.submit = (request) => waiting.push(request);
  const path = streamsGrpc.StreamsService.batchAppend.path;
  const message = wholeAppend('s', 1_000_000);
  const calls = Array.from({ length: 10 }, () =>
    session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' }).resume(),
  );
  for (let n = 0; n < 10; n += 1) for (const call of calls) call.write(message);
  await quiet(session);
  expect(waiting.length).toBeGreaterThan(60);
  expect(waiting.length).toBeLessThan(85);
  log.writer.submit = submit;
  let answered = 0;
  for (const { answer, ...request } of waiting) {
    submit({
      ...request,
      answer: (outcome) => {
        answer(outcome);
        answered += 1;
      },
    });
  }
  const taken = waiting.length;
  while (answered < taken) await quiet(session);
  for (const call of calls) call.end();
  await Promise.all(calls.map((call) => once(call, 'close')));
});

test('a group of appends is no larger than it may be, in number and in bytes', async () => {
  const storage = openStorage(temporaryDirectory());
  closing.push(storage.close);
  const groups: { count: number; bytes: number }[] = [];
  const counted = {
    ...storage,
    transaction: <T>(work: () => T): T => {
      groups.push({ count: 0, bytes: 0 });
      return storage.transaction(work);
    },
    addEvent(...[proposed, at]: Parameters<typeof storage.addEvent>) {
      const group = groups.at(-1);
      if (group) {
        group.count += 1;
        group.bytes += proposed.data.length;
      }
      storage.addEvent(proposed, at);
    },
  };
  const writer = startWriter(counted, trackStreams(storage), () => undefined);
  const submit = (size: number) => {
    const id = crypto.getRandomValues(new Uint8Array(16));
    const one = { id, type: 'Counted', isJson: false, data: Buffer.alloc(size), metadata: Buffer.alloc(0) };
    return new Promise((answer) => writer.submit({ stream: 's', expected: ANY, change: { is: 'append', events: [one] }, answer }));
  };
  await Promise.all(Array.from({ length: 3000 }, () => submit(1)));
  await Promise.all(Array.from({ length: 20 }, () => submit(1024 * 1024)));
  expect(groups.reduce((sum, { count }) => sum + count, 0)).toBe(3020);
  expect(Math.max(...groups.map(({ count }) => count))).toBe(1024);
  expect(Math.max(...groups.map(({ bytes }) => bytes))).toBe(8 * 1024 * 1024);
});

test('closing answers the appends that have come', async () => {
  const log = openLog(temporaryDirectory());
  closing.push(log.close);
  const server = await serveLog(log, 0);
  const session = connect(`http://127.0.0.1:${server.port}`);
  closing.push(() => session.destroy());
  const { submit } = log.writer;
  let closed: Promise<void> | undefined;
  log.writer.submit = (request) => {
    submit(request);
    closed ??= server.close();
  };
  const path = streamsGrpc.StreamsService.batchAppend.path;
  const call = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });
  call.on('error', () => undefined).write(wholeAppend('s', 10));
  let answer = Buffer.alloc(0);
  for await (const chunk of call) answer = Buffer.concat([answer, chunk]);
  expect(messages.BatchAppendResp.deserializeBinary(answer.subarray(5)).hasSuccess()).toBe(true);
  await closed;
});

test('a caller who appends without taking its answers is read no further, and goes on when it takes them', async () => {
  const { log, session } = await countedLog();
  const path = streamsGrpc.StreamsService.batchAppend.path;
  const call = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });
  // An answer repeats the stream's name.
  const identifier = new sharedMessages.StreamIdentifier().setStreamName(Buffer.alloc(10_000, 'n'));
  const options = new messages.BatchAppendReq.Options().setStreamIdentifier(identifier).setAny(new emptyMessages.Empty());
  const id = new sharedMessages.UUID().setString(crypto.randomUUID());
  const event = new messages.BatchAppendReq.ProposedMessage().setId(id);
  event.getMetadataMap().set('type', 'Counted').set('content-type', 'application/json');
  const bytes = new messages.BatchAppendReq().setOptions(options).setCorrelationId(id).setProposedMessagesList([event]).setIsFinal(true);
  const message = Buffer.from(bytes.serializeBinary());
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  const total = 500;
  let answered = 0;
  const submit = log.writer.submit;
  log.writer.submit = (request) => {
    answered += 1;
    submit(request);
  };
  for (let n = 0; n < total; n += 1) call.write(Buffer.concat([header, message]));
  await quiet(session);
  expect(answered).toBeGreaterThan(0);
  expect(answered).toBeLessThan(total / 2);
  let taken = 0;
  for await (const chunk of call) {
    taken += chunk.length;
    if (taken >= total * 10_000) break;
  }
  expect(answered).toBe(total);
});

test('appends that are begun and never ended are refused from some number on, and no other on their call is', async () => {
  const { session } = await countedLog();
  const path = streamsGrpc.StreamsService.batchAppend.path;
  const call = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });
  const identifier = new sharedMessages.StreamIdentifier().setStreamName(Buffer.from('begun'));
  const options = new messages.BatchAppendReq.Options().setStreamIdentifier(identifier).setAny(new emptyMessages.Empty());
  const part = (number: number, isFinal: boolean) => {
    const id = new sharedMessages.UUID().setString(`00000000-0000-4000-8000-${String(number).padStart(12, '0')}`);
    const message = new messages.BatchAppendReq().setOptions(options).setCorrelationId(id).setIsFinal(isFinal).serializeBinary();
    const header = Buffer.alloc(5);
    header.writeUInt32BE(message.length, 1);
    return Buffer.concat([header, message]);
  };
  const begun = 20_000;
  call.end(Buffer.concat([...Array.from({ length: begun }, (_, number) => part(number, false)), part(0, true)]));
  let rest = Buffer.alloc(0);
  const answers: boolean[] = [];
  for await (const chunk of call) {
    rest = Buffer.concat([rest, chunk]);
    for (; rest.length >= 5 && rest.length >= 5 + rest.readUInt32BE(1); rest = rest.subarray(5 + rest.readUInt32BE(1))) {
      answers.push(messages.BatchAppendResp.deserializeBinary(rest.subarray(5, 5 + rest.readUInt32BE(1))).hasSuccess());
    }
  }
  expect(answers.length).toBeGreaterThan(begun / 10);
  expect(answers.length).toBeLessThan(begun / 2);
  expect(answers.flatMap((isSuccess, index) => (isSuccess ? [index] : []))).toEqual([answers.length - 1]);
});

test('a thousand idle subscriptions read nothing when another stream grows, and those to $all one page together', async () => {
  const { log, counts, session } = await countedLog();
  await append(log, 'busy', 1, 10);
  for (let n = 0; n < 1000; n += 1) subscribe(session, `idle-${n}`).resume();
  for (let n = 0; n < 1000; n += 1) subscribe(session).resume();
  await quiet(session);
  const before = { ...counts };
  await append(log, 'busy', 1, 10);
  await quiet(session);
  expect(counts.pagesOfStreams - before.pagesOfStreams).toBe(0);
  expect(counts.encodedBytes - before.encodedBytes).toBeGreaterThan(1000 * 10);
  expect(counts.pagesOfAll - before.pagesOfAll).toBeLessThanOrEqual(2);
});

test('a name that is remembered keeps nothing else in memory', async () => {
  const { log } = await countedLog();
  await append(log, 'remembered', 1, 10);
  const { id } = log.streams.get('remembered');
  const bytes = log.streams.encodedNameOf(id);
  expect(Buffer.from(bytes).toString()).toBe('remembered');
  expect(bytes.buffer.byteLength).toBe('remembered'.length);
});

test('opening and the first append look at no more of the log than its end', async () => {
  const directory = temporaryDirectory();
  const statements = new Set<string>();
  const storage = openStorage(directory, (file) => {
    const db = new DatabaseSync(file);
    const prepare = db.prepare.bind(db);
    db.prepare = (sql) => {
      statements.add(sql);
      return prepare(sql);
    };
    return db;
  });
  startWriter(storage, trackStreams(storage), () => undefined);
  storage.close();
  const db = new DatabaseSync(logFile(directory));
  const plans = [...statements].flatMap((sql) =>
    /^(SELECT|UPDATE|DELETE|INSERT)/.test(sql)
      ? db
          .prepare(`EXPLAIN QUERY PLAN ${sql}`)
          .all()
          .map(({ detail }) => ({ sql, detail }))
      : [],
  );
  db.close();
  expect(plans.length).toBeGreaterThan(10);
  // The newest event is found from the end; a statement without a place to begin at has a limit.
  const scans = plans.filter(({ sql, detail }) => /^SCAN (events|streams)/.test(String(detail)) && !/LIMIT/.test(sql));
  expect(scans).toEqual([]);
  expect(plans.filter(({ detail }) => /TEMP B-TREE/.test(String(detail)))).toEqual([]);
});

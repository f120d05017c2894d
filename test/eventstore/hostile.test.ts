// Peers that mean harm, on connections of their own: bytes made by hand, connections left half open, calls that take nothing. What
// they do may cost them their own call or connection, and nobody else anything.
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { connect as connectSocket, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import messages from '@eventstore/db-client/generated/streams_pb.js';
import { afterEach, expect, test, vi } from 'vitest';
import { serveGrpc } from '../../src/eventstore/embedded/grpc.ts';
import { openLog } from '../../src/eventstore/embedded/log.ts';
import { serveLog } from '../../src/eventstore/embedded/server.ts';
import { bytesField, numberField, textField } from '../../src/eventstore/embedded/wire.ts';
import { event, events, newStream, temporaryDirectory, withLog } from './support.ts';

const shared = withLog();
const { batchAppend } = streamsGrpc.StreamsService;

let closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.reverse()) await close();
  closing = [];
});

function sessionTo(port: number): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${port}`).on('error', () => undefined);
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

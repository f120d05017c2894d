// Kills the log's process again and again under 32 concurrent writers, whose acknowledged appends are noted here, outside of
// it. After each start every one of them is there once and in order, and an append without an answer is there whole or not at
// all, and once when it is repeated. DAYBOOK_KILLS says how often it is killed.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ANY, type AppendExpectedRevision, EventStoreDBClient } from '@eventstore/db-client';
import { expect, test } from 'vitest';
import { event, temporaryDirectory } from './support.ts';

const rounds = Number(process.env.DAYBOOK_KILLS ?? 4);

type Append = { ids: string[]; expected: AppendExpectedRevision };

/** A writer with a stream of its own expects exact revisions; the others share streams and expect none. */
type Writer = { stream: string; isAlone: boolean; revision: bigint; unanswered?: Append };

const writers: Writer[] = Array.from({ length: 32 }, (_, index) => ({
  stream: index < 16 ? `own-${index}` : `shared-${index % 4}`,
  isAlone: index < 16,
  revision: -1n,
}));

/** The acknowledged events of each stream, as far as their order is known: those of one writer. */
const acknowledged = new Map<Writer, string[]>(writers.map((writer) => [writer, []]));

const script = fileURLToPath(new URL('serve.ts', import.meta.url));
const env = { ...process.env, NODE_COMPILE_CACHE: fileURLToPath(new URL('../../node_modules/.cache/node', import.meta.url)) };

async function start(directory: string): Promise<{ server: ChildProcess; client: EventStoreDBClient }> {
  const server = spawn(process.execPath, [script, directory], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(createInterface({ input: server.stdout }), 'line');
  return { server, client: EventStoreDBClient.connectionString(String(line)) };
}

/** A start is a moment like any other: what a kill left is being put in order then. */
async function killWhileStarting(directory: string): Promise<void> {
  const server = spawn(process.execPath, [script, directory], { env, stdio: 'ignore' });
  setTimeout(() => server.kill('SIGKILL'), randomInt(300));
  await once(server, 'exit');
}

async function write(writer: Writer, client: EventStoreDBClient, dead: Promise<never>, onAnswer: () => void): Promise<void> {
  for (;;) {
    const expected = writer.isAlone ? (writer.revision < 0n ? 'no_stream' : writer.revision) : ANY;
    writer.unanswered ??= { ids: Array.from({ length: randomInt(1, 5) }, () => randomUUID()), expected };
    const { ids } = writer.unanswered;
    const append = client.appendToStream(
      writer.stream,
      ids.map((id) => event('Written', { text: 'x'.repeat(randomInt(500)) }, id)),
      { expectedRevision: writer.unanswered.expected },
    );
    const { nextExpectedRevision } = await Promise.race([append, dead]);
    if (writer.isAlone) expect(nextExpectedRevision).toBe(writer.revision + BigInt(ids.length));
    writer.revision = nextExpectedRevision;
    acknowledged.get(writer)?.push(...ids);
    delete writer.unanswered;
    onAnswer();
  }
}

/** What was found so far: the ids of each stream's events. Each start reads on from there, every tenth and the last all anew. */
let streams = new Map<string, string[]>();
let position = 0n;

async function verify(client: EventStoreDBClient, isAnew: boolean): Promise<void> {
  if (isAnew) [streams, position] = [new Map(), 0n];
  for await (const { event: read, commitPosition = 0n } of client.readAll({ fromPosition: { commit: position, prepare: position } })) {
    if (commitPosition === position) continue;
    const events = (read && streams.get(read.streamId)) ?? [];
    if (!read || commitPosition !== position + 1n || read.revision !== BigInt(events.length)) {
      throw new Error(
        `${read?.streamId} has revision ${read?.revision} at ${commitPosition}, after ${events.length} events and ${position}`,
      );
    }
    position = commitPosition;
    events.push(read.id);
    streams.set(read.streamId, events);
  }
  for (const [writer, ids] of acknowledged) {
    const stored = streams.get(writer.stream) ?? [];
    const places = new Map(stored.map((id, index) => [id, index]));
    expect(places.size).toBe(stored.length);
    const order = ids.map((id) => places.get(id) ?? -1);
    expect(order.every((place, index) => place > (order[index - 1] ?? -1))).toBe(true);
    const unanswered = writer.unanswered?.ids.filter((id) => places.has(id)).length ?? 0;
    expect([0, writer.unanswered?.ids.length ?? 0]).toContain(unanswered);
    if (writer.isAlone) expect(stored.length).toBe(ids.length + unanswered);
  }
}

test('every acknowledged append survives a kill', { timeout: 60_000 + rounds * 10_000 }, async () => {
  const directory = temporaryDirectory();
  for (let round = 0; round < rounds; round += 1) {
    if (round % 4 === 3) await killWhileStarting(directory);
    const { server, client } = await start(directory);
    await verify(client, round % 10 === 0);
    let answersLeft = randomInt(1, 150);
    const dead = once(server, 'exit').then(() => {
      throw new Error('killed');
    });
    const onAnswer = () => {
      answersLeft -= 1;
      // Some turns of the event loop later, so that the kill falls anywhere in what the log does.
      if (answersLeft === 0) setTimeout(() => server.kill('SIGKILL'), randomInt(4));
    };
    const ended = await Promise.allSettled(writers.map((writer) => write(writer, client, dead, onAnswer)));
    await expect(dead).rejects.toThrow('killed');
    for (const { reason } of ended.filter((end) => end.status === 'rejected')) {
      expect(String(reason)).toMatch(/killed|UNAVAILABLE|write after end|destroyed/i);
    }
  }
  const { server, client } = await start(directory);
  await verify(client, true);
  server.kill('SIGKILL');
  await once(server, 'exit');
  expect([...acknowledged.values()].flat().length).toBeGreaterThan(0);
});

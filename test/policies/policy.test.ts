// What a policy does, it does once: whatever crashes, however many processes there are, and not for what was before it.

import type { DatabasePool } from 'slonik';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import type { Caller, Command } from '../../src/commands/command.ts';
import { type CommandHandler, createCommandHandler } from '../../src/commands/handle.ts';
import { completeTask, createTask, deleteTask, task } from '../../src/commands/tasks/task.ts';
import { startEmbeddedEventStore } from '../../src/eventstore/embedded/embedded.ts';
import { connectEventLog, type EventLog, type LoggedEvent, LogUnavailable } from '../../src/eventstore/log.ts';
import { type Follower, follow, type Policy, policy, readCheckpoint } from '../../src/policies/policy.ts';
import { createPool } from '../../src/postgres/pool.ts';
import { notFound, Problem } from '../../src/problem.ts';
import { deriveSecrets } from '../../src/secrets.ts';
import { createTokens } from '../../src/tokens.ts';
import { endingAfter } from '../faults/failing.ts';
import { createMemoryBlobs } from '../support/memoryBlobs.ts';
import { idOf } from '../support/person.ts';
import { type TestDatabase, temporaryFolder, testDatabase } from '../support/postgres.ts';

const me: Caller = { id: idOf(1), role: 'user', actor: 'user', login_id: idOf(2) };
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

let eventStore: Awaited<ReturnType<typeof startEmbeddedEventStore>>;
let log: EventLog;
let postgres: TestDatabase;
let database: DatabasePool;
const following: Follower[] = [];

beforeAll(async () => {
  eventStore = await startEmbeddedEventStore({ directory: temporaryFolder() });
  log = connectEventLog(eventStore.connectionString);
  postgres = await testDatabase();
  database = await createPool(postgres.url);
});
afterAll(async () => {
  await log.close();
  await eventStore.close();
  await database.end();
  await postgres.close();
});
beforeEach(async () => {
  for (const follower of following.splice(0)) await follower.stop();
});

/** Each handler is as of a process of its own: what one remembers the other does not know. */
const handlerOn = (log: EventLog): CommandHandler =>
  createCommandHandler({
    log,
    blobs: createMemoryBlobs(),
    secrets: deriveSecrets('a master key of the tests, 32 bytes and more'),
    tokens: createTokens('a secret of the tests, 32 bytes and more', 15),
    settings: { refreshTokenExpireDays: 30, adminEmails: [], sendsPerDay: 0 },
  });

/** Every completed task is to be followed by one that celebrates it. */
const celebrating = (name: string, before: (title: string) => void = () => {}): Policy =>
  policy(name, [task.category], {
    TaskCompleted: async ({ send }, { meta }) => {
      before(meta.title ?? '');
      await send(createTask, { body: { title: `Celebrate ${meta.title} (${name})` } });
    },
  });

async function start(policy: Policy, on: EventLog = log): Promise<Follower> {
  const follower = follow(policy, { log: on, database, commandHandler: handlerOn(on), logger: silent });
  following.push(follower);
  await follower.start();
  return follower;
}

const run = (command: Command, body: object, params: Record<string, string> = {}) =>
  command.run(handlerOn(log).run, { params, body, user: me, correlationId: 'a request' });

/** The position of its completion. */
async function complete(title: string): Promise<bigint> {
  const { id } = await run(createTask, { title });
  const { position } = await run(completeTask, {}, { id });
  return position ?? 0n;
}

const titled = z.object({ title: z.string() });

async function celebrations(name: string): Promise<LoggedEvent[]> {
  const all = await Array.fromAsync(log.readAll(null));
  return all.filter(({ type, data }) => type === 'TaskCreated' && titled.parse(data).title.endsWith(`(${name})`));
}
const titlesOf = (events: readonly LoggedEvent[]) => events.map(({ data }) => titled.parse(data).title);
const upTo = (name: string, position: bigint) =>
  expect.poll(async () => ((await readCheckpoint(log, name))?.position ?? 0n) >= position, { timeout: 20_000 }).toBe(true);

test('sends a command for the person, as Daybook itself, and says what led to it', async () => {
  await start(celebrating('one'));
  const position = await complete('the move');
  await upTo('one', position);

  const [event] = await celebrations('one');
  const cause = await log.eventAt(position);
  expect(event?.metadata).toMatchObject({ user_id: me.id, actor: 'system', $correlationId: 'a request', $causationId: cause?.event_id });
});

test('does nothing about what was there before its first start, and everything since', async () => {
  await complete('old times');
  const follower = await start(celebrating('new'));
  await upTo('new', await complete('the start'));
  await follower.stop();
  const meanwhile = await complete('being away');
  await start(celebrating('new'));
  await upTo('new', meanwhile);
  expect(titlesOf(await celebrations('new'))).toEqual(['Celebrate the start (new)', 'Celebrate being away (new)']);
});

test('keeps one event to know how far it is', async () => {
  await start(celebrating('short'));
  await complete('this');
  const position = await complete('that');
  await upTo('short', position);
  const kept = await Array.fromAsync(log.readStream('policy-short', 0));
  expect(kept.map(({ type, data }) => ({ type, data }))).toEqual([
    { type: 'PolicyAdvanced', data: { position: Number(position), aside: [] } },
  ]);
});

test('does each thing once in two processes', async () => {
  await Promise.all([start(celebrating('both')), start(celebrating('both'))]);
  const tasks = Array.from({ length: 20 }, (_, number) => `task ${number}`);
  for (const title of tasks) await complete(title);
  await expect.poll(async () => (await celebrations('both')).length, { timeout: 20_000 }).toBe(20);
  for (const follower of following) await follower.stop();
  expect(titlesOf(await celebrations('both'))).toEqual(tasks.map((title) => `Celebrate ${title} (both)`));
});

test('does each thing once where it crashes after the command and before it notes that', async () => {
  let isCrashed = false;
  const crashing: EventLog = {
    ...log,
    append: async (stream, expected, events) => {
      if (stream === 'policy-crash' && expected !== -1 && !isCrashed) {
        isCrashed = true;
        throw new LogUnavailable('crashed', false);
      }
      return log.append(stream, expected, events);
    },
  };
  await start(celebrating('crash'), crashing);
  const position = await complete('survival');
  await upTo('crash', position);
  expect(isCrashed).toBe(true);
  expect(titlesOf(await celebrations('crash'))).toEqual(['Celebrate survival (crash)']);
});

test('does each thing once, also where what it made was deleted before it noted that', async () => {
  const follower = await start(celebrating('undone'));
  const position = await complete('little');
  await upTo('undone', position);
  await follower.stop();
  const [made] = await celebrations('undone');
  await run(deleteTask, {}, { id: made?.stream.slice('task-'.length) ?? '' });
  // As if it had not noted it.
  const kept = await Array.fromAsync(log.readStreamBackwards('policy-undone', 1));
  const before = {
    event_id: crypto.randomUUID(),
    type: 'PolicyAdvanced',
    data: { position: Number(position) - 1, aside: [] },
    metadata: {},
  };
  await log.append('policy-undone', kept[0]?.revision ?? -1, [before]);
  await start(celebrating('undone'));
  await upTo('undone', position);
  expect(await celebrations('undone')).toHaveLength(1);
});

test('goes on where its subscription ends, after each event', async () => {
  await start(celebrating('cut'), endingAfter(log, 1));
  await complete('one');
  await complete('two');
  await upTo('cut', await complete('three'));
  expect(titlesOf(await celebrations('cut'))).toEqual(['one', 'two', 'three'].map((title) => `Celebrate ${title} (cut)`));
});

test('what it fails at is tried again and again, over a restart, while the rest goes on', { timeout: 30_000 }, async () => {
  let isCured = false;
  const poisoned = celebrating('poison', (title) => {
    if (title === 'poison' && !isCured) throw new Error('cannot celebrate this');
  });
  const follower = await start(poisoned);
  const bad = await complete('poison');
  const good = await complete('food');
  await upTo('poison', good);
  expect(titlesOf(await celebrations('poison'))).toEqual(['Celebrate food (poison)']);
  expect(follower.status()).toEqual({ name: 'poison', state: 'degraded', lastError: 'cannot celebrate this' });
  const [kept] = await Array.fromAsync(log.readStreamBackwards('policy-poison', 1));
  expect(kept?.data).toEqual({ position: Number(good), aside: [Number(bad)] });

  await follower.stop();
  isCured = true;
  const again = await start(poisoned);
  await expect.poll(async () => titlesOf(await celebrations('poison')), { timeout: 20_000 }).toContain('Celebrate poison (poison)');
  await expect.poll(() => again.status(), { timeout: 20_000 }).toEqual({ name: 'poison', state: 'running', lastError: undefined });
  expect(await celebrations('poison')).toHaveLength(2);
});

test('takes a refusal that lasts for the last word, and goes on', async () => {
  const seen: string[] = [];
  const refused = celebrating('refused', (title) => {
    seen.push(title);
    if (title === 'nothing' || (title === 'a race' && seen.indexOf(title) === seen.length - 1)) throw notFound();
  });
  const follower = await start(refused);
  await complete('nothing');
  const position = await complete('a race');
  await upTo('refused', position);
  expect(seen).toEqual(['nothing', 'nothing', 'a race', 'a race']);
  expect(titlesOf(await celebrations('refused'))).toEqual(['Celebrate a race (refused)']);
  const [kept] = await Array.fromAsync(log.readStreamBackwards('policy-refused', 1));
  expect(kept?.data).toEqual({ position: Number(position), aside: [] });
  expect(follower.status()).toEqual({ name: 'refused', state: 'running', lastError: undefined });
});

test.each([429, 503])('what is answered with %i is tried again', async (status) => {
  let tries = 0;
  const name = `answer ${status}`;
  await start(
    celebrating(name, () => {
      tries += 1;
      if (tries <= 2) throw new Problem(status, 'later', 'Later.');
    }),
  );
  await upTo(name, await complete('patience'));
  expect(titlesOf(await celebrations(name))).toEqual([`Celebrate patience (${name})`]);
});

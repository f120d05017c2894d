// A running API whose event log is a process of its own that is killed, cut off, or finds its disk full. Commands say so, an
// append whose answer was lost is there once, and the read model goes on by itself and misses nothing.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openBlobStore } from '../../src/blobs/blobStore.ts';
import type { Daybook } from '../../src/daybook.ts';
import { connectEventLog, type EventLog } from '../../src/eventstore/log.ts';
import { createPool } from '../../src/postgres/pool.ts';
import { projections } from '../../src/projections/index.ts';
import { rebuild } from '../../src/projections/rebuild.ts';
import { type Between, standBetween } from '../support/between.ts';
import { startNode } from '../support/daybook.ts';
import { idOf, type Person, register } from '../support/person.ts';
import { temporaryFolder, testDatabase } from '../support/postgres.ts';

const script = fileURLToPath(new URL('../eventstore/serve.ts', import.meta.url));
const folder = temporaryFolder();

/** The log is behind another port each time that it starts. */
let target = 0;
let between: Between;

let server: ChildProcess;
let log: EventLog;
let daybook: Daybook;
let ann: Person;
const onLogSetBack = vi.fn();
const closing: (() => Promise<void>)[] = [];

async function startLog(): Promise<void> {
  const child = spawn(process.execPath, [script, join(folder, 'log')], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  target = Number(/:(\d+)\?/.exec(String(line))?.[1]);
  server = child;
}

async function killLog(): Promise<void> {
  const gone = once(server, 'exit');
  server.kill('SIGKILL');
  await gone;
}

beforeAll(async () => {
  await startLog();
  between = await standBetween(() => ({ host: '127.0.0.1', port: target }));
  log = connectEventLog(`esdb://127.0.0.1:${between.port}?tls=false`);
  const postgres = await testDatabase();
  const database = await createPool(postgres.url);
  const blobs = await openBlobStore(join(folder, 'blobs'));
  await rebuild(log, database, projections, () => {});
  daybook = await startNode({ log, database, blobs }, {}, { onLogSetBack });
  closing.push(daybook.stop, () => database.end(), log.close, postgres.close);
  ann = await register(daybook.app);
});

afterAll(async () => {
  for (const close of closing) await close();
  await killLog();
  between.close();
  rmSync(folder, { recursive: true, force: true });
});

const unavailable = { status: 503, headers: { 'retry-after': '1' }, body: { type: 'urn:daybook:problem:unavailable' } };
const create = (n: number) => ann.post('/tasks', { title: `Task ${n}` }, { 'idempotency-key': idOf(n) });

/** How often each of these tasks was created, by the log itself. */
async function created(): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for await (const { type, event_id } of log.readAll(null)) if (type === 'TaskCreated') counts[event_id] = (counts[event_id] ?? 0) + 1;
  return counts;
}

test('killed and started again', async () => {
  expect(await create(1)).toMatchObject({ status: 201 });
  await killLog();
  expect(await create(2)).toMatchObject(unavailable);
  await startLog();
  // The answer is made of the read model, which so has followed what came after.
  await expect.poll(async () => (await create(2)).status, { timeout: 20_000 }).toBe(201);
  expect(await create(3)).toMatchObject({ status: 201 });
  expect(await ann.get('/tasks?sort=created_at')).toMatchObject({ status: 200, body: { items: { length: 3 } } });
});

test('cut off in the midst of appends, it is asked again, and each is done once', async () => {
  const answers = Array.from({ length: 20 }, (_, n) => create(10 + n));
  const cuts = setInterval(between.cut, 20);
  setTimeout(() => clearInterval(cuts), 200);
  for (const [n, { status }] of (await Promise.all(answers)).entries()) {
    if (status === 503) await expect.poll(async () => (await create(10 + n)).status, { timeout: 20_000 }).toBe(201);
    else expect(status).toBe(201);
  }
  expect(Object.values(await created())).toEqual(Array(23).fill(1));
});

test('when its answer is lost, what was done is not done again', async () => {
  between.loseAnswers(true);
  const answer = create(40);
  // By then the log has it, and Daybook does not know.
  setTimeout(() => {
    between.loseAnswers(false);
    between.cut();
  }, 400);
  expect([201, 503]).toContain((await answer).status);
  await expect.poll(async () => (await create(40)).status, { timeout: 20_000 }).toBe(201);
  expect(Object.values(await created())).toEqual(Array(24).fill(1));
});

test('with a full disk', async (context) => {
  const limit = (bytes: number | 'unlimited') => spawnSync('prlimit', [`--pid=${server.pid}`, `--fsize=${bytes}:unlimited`]);
  if (limit('unlimited').status !== 0) context.skip('there is no prlimit here');
  limit(statSync(join(folder, 'log', 'events.db-wal')).size + 1000);
  expect(await create(50)).toMatchObject(unavailable);
  expect(await ann.get('/tasks')).toMatchObject({ status: 200 });
  limit('unlimited');
  expect(await create(50)).toMatchObject({ status: 201 });
  expect(Object.values(await created())).toEqual(Array(25).fill(1));
});

// The last one here: the process ends then.
test('set back to a backup, it is left, and nothing that was lost is taken for there', async () => {
  const backup = join(folder, 'backup');
  await killLog();
  cpSync(join(folder, 'log'), backup, { recursive: true });
  await startLog();
  await expect.poll(async () => (await create(60)).status, { timeout: 20_000 }).toBe(201);
  expect(onLogSetBack).not.toHaveBeenCalled();
  await killLog();
  rmSync(join(folder, 'log'), { recursive: true });
  cpSync(backup, join(folder, 'log'), { recursive: true });
  await startLog();
  await expect.poll(() => onLogSetBack.mock.calls, { timeout: 20_000 }).not.toEqual([]);
});

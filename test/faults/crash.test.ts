// What a crash, a second projector, an event that cannot be read or a restored log do to the read model: each at a point
// that the test chooses, so that each comes out the same every time.
import { cpSync, rmSync } from 'node:fs';
import { type DatabasePool, sql } from 'slonik';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startEmbeddedEventStore } from '../../src/eventstore/embedded/embedded.ts';
import { connectEventLog, type EventLog, type LoggedEvent } from '../../src/eventstore/log.ts';
import { createPool } from '../../src/postgres/pool.ts';
import { CheckpointMoved, createApplier, isAboutTheEvents, modelVersion } from '../../src/projections/applier.ts';
import { setPaused } from '../../src/projections/control.ts';
import { projections } from '../../src/projections/index.ts';
import { createProjector } from '../../src/projections/projector.ts';
import { reasonToRebuild, rebuild } from '../../src/projections/rebuild.ts';
import { emptyReadModel, makeReadModel, parkedEvents, rawRowsOf, rowsInBatches } from '../replay/tables.ts';
import { startDaybook, type TestDaybook } from '../support/daybook.ts';
import { type Person, register } from '../support/person.ts';
import { temporaryFolder, testDatabase } from '../support/postgres.ts';
import { endingAfter, failingAt } from './failing.ts';

const quiet = { info: () => {}, warn: () => {}, error: () => {} };

let daybook: TestDaybook;
let person: Person;
let events: readonly LoggedEvent[];
let database: DatabasePool;
let closeDatabase: () => Promise<void>;

beforeAll(async () => {
  daybook = await startDaybook();
  person = await register(daybook.app);
  const list = await person.post('/task-lists', { name: 'Errands', is_default: true });
  const label = await person.post('/task-labels', { name: 'Soon' });
  const task = await person.post('/tasks', { title: 'Buy milk', list_id: idIn(list.body), label_ids: [idIn(label.body)] });
  await person.post(`/tasks/${idIn(task.body)}/complete`);
  const session = await person.post('/sessions', { title: 'Plans' });
  // Counted, so that a batch which is written twice shows.
  for (const content of ['one', 'two', 'three']) await person.post(`/sessions/${idIn(session.body)}/messages`, { role: 'user', content });
  await person.delete(`/task-labels/${idIn(label.body)}`);
  events = await Array.fromAsync(daybook.log.readAll(null));

  const postgres = await testDatabase();
  database = await createPool(postgres.url);
  await makeReadModel(database);
  closeDatabase = async () => {
    await database.end();
    await postgres.close();
  };
});
afterAll(async () => {
  await daybook.close();
  await closeDatabase();
});

const idIn = (body: unknown): string => String(typeof body === 'object' && body !== null && 'id' in body && body.id);
const rows = () => rawRowsOf(database, [person.id]);
const expected = () => rowsInBatches(database, events, [person.id], [events.length]);

/** Runs a projector until it has come to the end of the log. */
async function projectAll(log: EventLog, into: DatabasePool, head = events.at(-1)?.position ?? 0n) {
  const projector = createProjector(log, into, projections, quiet);
  projector.start();
  expect(await projector.reached(head, 20_000)).toBe(true);
  // Also when the crash came after all was written, and nothing new happens.
  await expect.poll(() => projector.status().state).toBe('running');
  await projector.stop();
}

describe('a projector that crashes', () => {
  test('between any two steps of a batch goes on from its checkpoint, with every event in the rows once', async () => {
    const right = await expected();
    const crashes: number[] = [];
    for (let at = 1, hasFailed = true; hasFailed; at += 1) {
      await emptyReadModel(database);
      const failing = failingAt(database, at);
      await projectAll(daybook.log, failing.database);
      hasFailed = failing.hasFailed();
      if (hasFailed) crashes.push(at);
      expect(await rows(), `crashed before step ${at}`).toEqual(right);
    }
    // Begin, a statement and the checkpoint at the least, commit, and after it.
    expect(crashes.length).toBeGreaterThan(5);
  });

  test('leaves nothing of the batch when that was not committed', async () => {
    await emptyReadModel(database);
    const nothing = await rows();
    const failing = failingAt(database, 4);
    const apply = await createApplier(failing.database, projections);
    await expect(apply.batch(events)).rejects.toThrow('crashed before step 4');
    expect(await rows()).toEqual(nothing);
    expect(await (await createApplier(database, projections)).position()).toBeNull();
  });

  test.each([
    ['before', 1],
    ['after', 2],
  ])('%s it writes an event that is one statement goes on from its checkpoint', async (_, at) => {
    const right = await expected();
    await emptyReadModel(database);
    await (await createApplier(database, projections)).batch(events.slice(0, -1));
    const failing = failingAt(database, at);
    await expect((await createApplier(failing.database, projections)).batch(events.slice(-1))).rejects.toThrow(`crashed before step ${at}`);
    await projectAll(daybook.log, database);
    expect(await rows()).toEqual(right);
  });

  test('with the log away after every third event comes to the end all the same', async () => {
    const right = await expected();
    await emptyReadModel(database);
    await projectAll(endingAfter(daybook.log, 3), database);
    expect(await rows()).toEqual(right);
  });
});

describe('two projectors on one database', () => {
  test('write each batch once: only one of them moves the checkpoint', async () => {
    const right = await expected();
    await emptyReadModel(database);
    const [first, second] = [await createApplier(database, projections), await createApplier(database, projections)];
    await first.batch(events.slice(0, -1));
    await expect(second.batch(events.slice(0, -1))).rejects.toThrow(CheckpointMoved);
    // One that is one statement.
    const third = await createApplier(database, projections);
    await first.batch(events.slice(-1));
    await expect(third.batch(events.slice(-1))).rejects.toThrow(CheckpointMoved);
    expect(await rows()).toEqual(right);
  });

  test('that run at once leave the rows that one leaves', async () => {
    const right = await expected();
    await emptyReadModel(database);
    const logs = [daybook.log, endingAfter(daybook.log, 2)];
    await Promise.all(logs.map((log) => projectAll(log, database)));
    expect(await rows()).toEqual(right);
  });
});

describe('an event', () => {
  const metadata = () => ({
    user_id: person.id,
    actor: 'user',
    at: '2026-01-02T03:04:05.678Z',
    $correlationId: 'test',
    $causationId: 'test',
    schema_version: 1,
  });
  const appended = (type: string, data: Record<string, unknown>) => ({ event_id: crypto.randomUUID(), type, data, metadata: metadata() });

  test('of a type from a later version is passed over, and its stream takes no commands from this one', async () => {
    const task = await person.post('/tasks', { title: 'From the future' });
    const path = `/tasks/${idIn(task.body)}`;
    await daybook.log.append(`task-${idIn(task.body)}`, 0, [appended('TaskTeleported', { to: 'Mars' })]);
    await daybook.settled();
    expect(daybook.projector?.status()).toMatchObject({ state: 'running', lastError: undefined });
    expect(await person.get(path)).toMatchObject({ status: 200, body: { title: 'From the future', version: 0 } });
    expect(await person.post(`${path}/complete`)).toMatchObject({ status: 503, headers: { 'retry-after': expect.any(String) } });
    expect(await person.post('/tasks', { title: 'Under it', parent_task_id: idIn(task.body) })).toMatchObject({ status: 503 });
    expect(await person.post('/tasks', { title: 'Beside it' })).toMatchObject({ status: 201 });
  });

  test('that cannot be read is parked with the later ones of its stream, and all others go on', async () => {
    const task = await person.post('/tasks', { title: 'To be broken' });
    const stream = `task-${idIn(task.body)}`;
    await daybook.log.append(stream, 0, [appended('TaskChanged', { title: 42 }), appended('TaskStarted', {})]);
    const other = await person.post('/tasks', { title: 'Whole' });
    await daybook.log.append(stream, 2, [appended('TaskBlocked', {})]);
    await person.post(`/tasks/${idIn(other.body)}/complete`);
    await daybook.settled();

    expect(await parkedEvents(daybook.database)).toEqual([
      { stream, revision: 1, event_type: 'TaskChanged', error: expect.stringContaining('title') },
      { stream, revision: 2, event_type: 'TaskStarted', error: 'an event before it in its stream is parked' },
      { stream, revision: 3, event_type: 'TaskBlocked', error: 'an event before it in its stream is parked' },
    ]);
    expect(await person.get(`/tasks/${idIn(task.body)}`)).toMatchObject({ body: { title: 'To be broken', status: 'todo', version: 0 } });
    expect(await person.get(`/tasks/${idIn(other.body)}`)).toMatchObject({ body: { status: 'done' } });
    expect(daybook.projector?.status().state).toBe('degraded');
    const ready = await daybook.app.inject({ url: '/health/ready' });
    expect([ready.statusCode, ready.json()]).toMatchObject([200, { status: 'degraded', projector: 'degraded' }]);
    expect(await person.post(`/tasks/${idIn(task.body)}/complete`)).toMatchObject({ status: 503 });
  });

  test('that is parked is so in a rebuild, too, however it is cut into batches', async () => {
    const all = await Array.fromAsync(daybook.log.readAll(null));
    const live = await rawRowsOf(daybook.database, [person.id]);
    for (const sizes of [[all.length], [1], [5]]) expect(await rowsInBatches(database, all, [person.id], sizes)).toEqual(live);
  });
});

describe('a log restored from a backup', () => {
  const folder = temporaryFolder();
  const backup = temporaryFolder();
  afterAll(() => {
    for (const made of [folder, backup]) rmSync(made, { recursive: true, force: true });
  });
  const opened = async <T>(directory: string, work: (log: EventLog) => Promise<T>): Promise<T> => {
    const store = await startEmbeddedEventStore({ directory });
    const log = connectEventLog(store.connectionString);
    try {
      return await work(log);
    } finally {
      await log.close();
      await store.close();
    }
  };
  const happened = (log: EventLog, stream: string) =>
    log.append(stream, -1, [{ event_id: crypto.randomUUID(), type: 'SomethingHappened', data: {}, metadata: {} }]);

  test('that is older than the read model, or went on otherwise, means a rebuild', async () => {
    await opened(folder, async (log) => {
      await happened(log, 'thing-1');
      await rebuild(log, database, projections, () => {});
      expect(await reasonToRebuild(log, database, projections)).toBeUndefined();
    });
    cpSync(folder, backup, { recursive: true });
    await opened(folder, async (log) => {
      await happened(log, 'thing-2');
      await projectAll(log, database, (await log.head()) ?? 0n);
      expect(await reasonToRebuild(log, database, projections)).toBeUndefined();
    });

    const reason = 'the log is older than it, as if restored from a backup';
    await opened(backup, async (log) => {
      expect(await reasonToRebuild(log, database, projections)).toBe(reason);
      await happened(log, 'thing-3');
      await happened(log, 'thing-4');
      expect(await reasonToRebuild(log, database, projections)).toBe(reason);
      // One that runs does not go on as if nothing were.
      const projector = createProjector(log, database, projections, quiet);
      projector.start();
      await expect
        .poll(() => projector.status())
        .toMatchObject({ state: 'waiting', lastError: expect.stringContaining('of another log or a later state') });
      await projector.stop();

      await rebuild(log, database, projections, () => {});
      expect(await reasonToRebuild(log, database, projections)).toBeUndefined();
    });
  });

  test('that is another one means a rebuild', async () => {
    expect(await reasonToRebuild(daybook.log, database, projections)).toBe('it is of another log');
    await database.query(sql.unsafe`DELETE FROM daybook.read_model`);
    expect(await reasonToRebuild(daybook.log, database, projections)).toBe('the last build did not finish');
  });
});

test('who projects already when the read model is paused writes no more', async () => {
  await emptyReadModel(database);
  const apply = await createApplier(database, projections);
  await setPaused(database, true);
  await expect(apply.batch(events)).rejects.toThrow(CheckpointMoved);
  await setPaused(database, false);
  await apply.batch(events);
  expect(apply.position()).toBe(events.at(-1)?.position);
});

test.each([
  ['bad data', true, sql.unsafe`SELECT ${'99999999999'}::int`],
  ['a broken constraint', true, sql.unsafe`UPDATE daybook.checkpoints SET name = NULL`],
  ['a table that is not there', false, sql.unsafe`SELECT FROM nowhere`],
])('whether %s is the events’ fault: %s', async (_, isTheirs, query) => {
  expect(isAboutTheEvents(await database.query(query).catch((error: unknown) => error))).toBe(isTheirs);
});

test('the tables of another sql/init.sql are of another version', async () => {
  vi.doMock(import('../../src/postgres/readModel.ts'), async (original) => ({ ...(await original()), initSql: 'CREATE TABLE other ()' }));
  vi.resetModules();
  const other = await import('../../src/projections/applier.ts');
  vi.doUnmock('../../src/postgres/readModel.ts');
  expect(other.modelVersion(projections)).not.toBe(modelVersion(projections));
});

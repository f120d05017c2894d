// What a node keeps in memory of streams, beside another node on the same log.
import { rmSync } from 'node:fs';
import { v7 } from 'uuid';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createFolds, type Folds } from '../../src/commands/folds.ts';
import { type Task, task } from '../../src/commands/tasks/task.ts';
import { encode } from '../../src/events/codec.ts';
import type { NewEvent } from '../../src/events/event.ts';
import { taskChanged, taskCreated } from '../../src/events/tasks.ts';
import { type EmbeddedEventStore, startEmbeddedEventStore } from '../../src/eventstore/embedded/embedded.ts';
import { connectEventLog, type EventLog } from '../../src/eventstore/log.ts';
import { temporaryFolder } from '../support/postgres.ts';

const folder = temporaryFolder();
const stopping = new AbortController();
let server: EmbeddedEventStore;
let log: EventLog;
let folds: Folds;
let reads = 0;
let following: Promise<void>;

beforeAll(async () => {
  server = await startEmbeddedEventStore({ directory: folder });
  const connected = connectEventLog(server.connectionString);
  log = {
    ...connected,
    readStream: (...args) => {
      reads += 1;
      return connected.readStream(...args);
    },
  };
  folds = createFolds(log, 3);
  following = folds.follow([task.category], stopping.signal);
});

afterAll(async () => {
  stopping.abort();
  await following;
  await log.close();
  await server.close();
  rmSync(folder, { recursive: true });
});

const stamp = { user_id: v7(), actor: 'user', at: '2026-11-24T07:08:03.000Z', $correlationId: 'c', $causationId: 'c' } as const;
const append = (stream: string, expected: number, event: NewEvent) => log.append(stream, expected, [encode(event, stamp)]);

const created = (title: string) =>
  taskCreated({
    title,
    description: null,
    priority: 'none',
    start_at: null,
    due_at: null,
    remind_at: null,
    estimate_minutes: null,
    recurrence_rule: null,
    list_id: null,
    parent_task_id: null,
    position: 1,
    source_type: null,
    source_id: null,
  });

const titleOf = async (stream: string): Promise<Task['title'] | undefined> => (await folds.current(task, stream)).state?.title;

test('what is kept is answered without reading, and a change elsewhere is seen as soon as the log tells of it', async () => {
  const stream = `task-${v7()}`;
  await append(stream, -1, created('Buy milk'));
  await vi.waitFor(async () => {
    reads = 0;
    expect(await titleOf(stream)).toBe('Buy milk');
    expect(reads).toBe(0);
  });

  await append(stream, 0, taskChanged({ title: 'Buy bread' }));
  await vi.waitFor(async () => expect(await titleOf(stream)).toBe('Buy bread'));
});

test('a change elsewhere is not forgotten, however much happens elsewhere until somebody asks', async () => {
  const stream = `task-${v7()}`;
  await append(stream, -1, created('Buy milk'));
  await vi.waitFor(async () => {
    reads = 0;
    expect(await titleOf(stream)).toBe('Buy milk');
    expect(reads).toBe(0);
  });
  await append(stream, 0, taskChanged({ title: 'Buy bread' }));
  const others = Array.from({ length: 5 }, () => `task-${v7()}`);
  for (const other of others) await append(other, -1, created('Something else'));
  // What is told comes in order: once the last is known, so is the change.
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(await titleOf(stream)).toBe('Buy bread');
});

test('what was read before the log began to tell is read again', async () => {
  const stream = `task-${v7()}`;
  await append(stream, -1, created('Buy milk'));
  let goOn = () => {};
  const slow = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const late = createFolds({
    ...log,
    async *readStream(...args) {
      const events = await Array.fromAsync(log.readStream(...args));
      await slow;
      yield* events;
    },
  });
  const asked = late.current(task, stream);
  await new Promise((resolve) => setTimeout(resolve, 100));
  // In nobody's way: after the reading, before the telling.
  await append(stream, 0, taskChanged({ title: 'Buy bread' }));
  const stopsLate = new AbortController();
  const followsLate = late.follow([task.category], stopsLate.signal);
  await new Promise((resolve) => setTimeout(resolve, 300));
  goOn();
  expect((await asked).state?.title).toBe('Buy milk');
  expect((await late.current(task, stream)).state?.title).toBe('Buy bread');
  stopsLate.abort();
  await followsLate;
});

test('once nobody tells any more, every question is read from the log', async () => {
  const stream = `task-${v7()}`;
  await append(stream, -1, created('Buy milk'));
  expect(await titleOf(stream)).toBe('Buy milk');
  stopping.abort();
  await following;
  await append(stream, 0, taskChanged({ title: 'Buy bread' }));
  expect(await titleOf(stream)).toBe('Buy bread');
});

// A rebuild is seldom alone: another node begins one as well, or a projector runs all the while. Each of these is forced at a
// point that the test chooses.
import { type DatabasePool, sql } from 'slonik';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { encode } from '../../src/events/codec.ts';
import type { NewEvent } from '../../src/events/event.ts';
import { messageSent } from '../../src/events/messages.ts';
import { sessionStarted } from '../../src/events/sessions.ts';
import { userRegistered } from '../../src/events/users.ts';
import type { EventLog, LoggedEvent } from '../../src/eventstore/log.ts';
import { createPool } from '../../src/postgres/pool.ts';
import { createApplier } from '../../src/projections/applier.ts';
import { inBatches, SHORT } from '../../src/projections/batches.ts';
import { projections } from '../../src/projections/index.ts';
import { createProjector } from '../../src/projections/projector.ts';
import { reasonToRebuild, rebuild } from '../../src/projections/rebuild.ts';
import { parkedEvents, rawRowsOf } from '../replay/tables.ts';
import { createMemoryLog, type MemoryLog } from '../support/memoryLog.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';

const ann = '01932a4f-8c1e-7b8f-9a55-6f1c0c6b3d11';
const session = '01932a4f-8c1e-7b8f-9a55-6f1c0c6b3d12';
const stamp = { user_id: ann, actor: 'user', at: '2026-11-24T07:08:03.000Z', $correlationId: 'c', $causationId: 'c' } as const;
const MESSAGES = 20;

let log: MemoryLog;
let postgres: TestDatabase;
let database: DatabasePool;

beforeAll(async () => {
  log = createMemoryLog();
  const append = (stream: string, event: NewEvent) => log.append(stream, -1, [encode(event, stamp)]);
  const person = {
    email: 'ann@example.com',
    display_name: 'Ann',
    timezone: 'UTC',
    locale: 'en',
    role: 'user',
    password_hash: 'x',
  } as const;
  await append(`user-${ann}`, userRegistered(person));
  await append(`session-${session}`, sessionStarted({ title: null, channel: 'api', context: {} }));
  // Counted in their session, so that a batch which is written twice shows.
  for (let n = 0; n < MESSAGES; n += 1) await append(`message-${crypto.randomUUID()}`, said(`${n}`));
  postgres = await testDatabase();
  database = await createPool(postgres.url);
});
afterAll(async () => {
  await database.end();
  await postgres.close();
});

const said = (content: string) =>
  messageSent({
    session_id: session,
    parent_message_id: null,
    role: 'user',
    content,
    content_type: 'text/plain',
    token_count: null,
    metadata: {},
  });
const quiet = { info: () => {}, warn: () => {}, error: () => {} };
const build = (from: EventLog = log) => rebuild(from, database, projections, () => {});
const rows = () => rawRowsOf(database, [ann]);

/** A log that does something when its reader has got so far. */
const meanwhile = (events: number, work: () => Promise<unknown>): EventLog => ({
  ...log,
  async *readAll(after) {
    let count = 0;
    for await (const event of log.readAll(after)) {
      yield event;
      count += 1;
      if (after === null && count === events) await work();
    }
  },
});

describe('a rebuild', () => {
  let right: readonly unknown[];
  beforeEach(async () => {
    await build();
    right = await rows();
  });

  test('during which another one begins and ends, ends with it', async () => {
    await build(meanwhile(5, () => build()));
    expect(await rows()).toEqual(right);
    expect(await reasonToRebuild(log, database, projections)).toBeUndefined();
  });

  test('that begins at the same moment as another one ends like it', async () => {
    await Promise.all([build(), build()]);
    expect(await rows()).toEqual(right);
    expect(await reasonToRebuild(log, database, projections)).toBeUndefined();
  });

  test('beside a projector that runs is complete with what that one wrote', async () => {
    const projector = createProjector(log, database, projections, quiet);
    projector.start();
    await build(meanwhile(5, () => expect.poll(() => projector.reached(5n, 0)).toBe(true)));
    expect(await reasonToRebuild(log, database, projections)).toBeUndefined();
    expect(await projector.reached((await log.head()) ?? 0n, 10_000)).toBe(true);
    await projector.stop();
    expect(await rows()).toEqual(right);
  });

  test('by a newer version is not written to by a projector of the older one', async () => {
    const newer = projections.map((projection) => ({ ...projection, version: projection.version + 1 }));
    await rebuild(log, database, newer, () => {});
    const checkpoint = () => database.oneFirst(sql.unsafe`SELECT position FROM daybook.checkpoints`);
    const before = await checkpoint();
    await log.append(`message-${crypto.randomUUID()}`, -1, [encode(said('late'), stamp)]);
    await expect(createApplier(database, projections)).rejects.toThrow('of another version');
    const projector = createProjector(log, database, projections, quiet);
    projector.start();
    await expect
      .poll(() => projector.status())
      .toMatchObject({ state: 'outdated', lastError: expect.stringContaining('of another version') });
    await projector.stop();
    expect(await checkpoint()).toEqual(before);
  });
});

test('what is parked is said in the process’s own log, too', async () => {
  await build();
  const lines: string[] = [];
  const projector = createProjector(log, database, projections, { ...quiet, error: (line) => lines.push(line) });
  projector.start();
  await log.append('session-odd', -1, [{ event_id: crypto.randomUUID(), type: 'SessionStarted', data: {}, metadata: stamp }]);
  expect(await projector.reached((await log.head()) ?? 0n, 10_000)).toBe(true);
  await projector.stop();
  expect(await parkedEvents(database)).toHaveLength(1);
  expect(lines).toEqual([expect.stringMatching(/^Parked SessionStarted at session-odd@0: /)]);
  expect(projector.status().lastError).toBe(lines[0]);
});

describe('batches', () => {
  const event = (data: unknown): LoggedEvent => ({
    stream: 's',
    revision: 0,
    event_id: '',
    type: 't',
    data,
    metadata: {},
    position: 0n,
    appended_ms: 0,
  });
  async function* from(events: readonly LoggedEvent[]) {
    yield* events;
  }

  test('of long texts are of few', async () => {
    const events = Array.from({ length: 20 }, () => event({ content: 'x'.repeat(200_000) }));
    const batches = await Array.fromAsync(inBatches(from([...events, event({})])));
    expect(Math.max(...batches.map((batch) => batch.length))).toBeLessThanOrEqual(3);
    expect(batches.flat()).toEqual([...events, event({})]);
  });

  test('that nobody takes any more end the reading, however much has been read ahead', async () => {
    for (const ahead of [0, 1, SHORT.events - 1, SHORT.events]) {
      let hasEnded = false;
      let goOn = () => {};
      const left = new Promise<void>((resolve) => {
        goOn = resolve;
      });
      async function* source() {
        yield event({});
        for (let n = 0; n < ahead; n += 1) yield event({});
        await left;
        for (let n = 0; n < SHORT.events; n += 1) yield event({});
      }
      const watched = (async function* () {
        try {
          yield* source();
        } finally {
          hasEnded = true;
        }
      })();
      for await (const _ of inBatches(watched)) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        break;
      }
      goOn();
      await expect.poll(() => hasEnded, { message: `with ${ahead} read ahead` }).toBe(true);
    }
  });
});

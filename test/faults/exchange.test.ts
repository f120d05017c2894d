// A rebuild while people go on: nobody gets an error, or an answer in which less is than before.
import { sql } from 'slonik';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type EventLog, LogUnavailable } from '../../src/eventstore/log.ts';
import { initSql, isOfThisShape, isThere, makeNext } from '../../src/postgres/readModel.ts';
import { modelVersion } from '../../src/projections/applier.ts';
import { projections } from '../../src/projections/index.ts';
import { clearLeftovers } from '../../src/projections/next.ts';
import { createProjector } from '../../src/projections/projector.ts';
import { interimVersion, reasonToRebuild, rebuild } from '../../src/projections/rebuild.ts';
import { verifyProjections } from '../../src/projections/verify.ts';
import { rawRowsOf } from '../replay/tables.ts';
import { startDaybook, startNode, type TestDaybook } from '../support/daybook.ts';
import { client, type Person, register } from '../support/person.ts';

/** Each builds from a log that the rounds before it have made longer. */
const rounds = Math.ceil(Number(process.env.DAYBOOK_FAULT_ROUNDS ?? 15) / 5);
const quiet = { info: () => {}, warn: () => {}, error: () => {} };
const newer = projections.map((projection) => ({ ...projection, version: projection.version + 1 }));

let daybook: TestDaybook;
let person: Person;

beforeAll(async () => {
  daybook = await startDaybook();
  person = await register(daybook.app);
  for (let n = 0; n < 20; n += 1) await person.post('/tasks', { title: `Before ${n}` });
});
afterAll(() => daybook.close());
afterEach(async () => {
  // Whatever a build came to, it leaves nothing beside the live one.
  await expect.poll(() => beside()).toEqual([]);
});

const beside = async () => {
  const places = ['next', 'old'] as const;
  const there = await Promise.all(places.map((place) => isThere(daybook.database, place)));
  return places.filter((_, index) => there[index]);
};
const buildOf = () => daybook.database.oneFirst(sql.unsafe`SELECT build_id FROM daybook.checkpoints`);
const rows = () => rawRowsOf(daybook.database, [person.id]);

/** Writes and reads their own writes, each as soon as the one before is answered, until told to stop; answers with what went wrong. */
async function live(name: string, isOver: () => boolean): Promise<{ writes: number; faults: unknown[] }> {
  const faults: unknown[] = [];
  let writes = 0;
  const session = await person.post('/sessions', { title: name });
  const path = `/sessions/${idIn(session.body)}`;
  while (!isOver()) {
    writes += 1;
    const said = await person.post(`${path}/messages`, { role: 'user', content: `${name} ${writes}` });
    if (said.status !== 201) faults.push(said);
    const read = await person.get(path);
    if (read.status !== 200 || counted.safeParse(read.body).data?.message_count !== writes || read.headers['daybook-lag'] !== undefined)
      faults.push([writes, read]);
  }
  return { writes, faults };
}

async function reading(isOver: () => boolean): Promise<unknown[]> {
  const faults: unknown[] = [];
  while (!isOver()) {
    const list = await person.get('/tasks?limit=200');
    const { data } = shown.safeParse(list.body);
    if (list.status !== 200 || data?.items.length !== 20) faults.push(list);
  }
  return faults;
}

const indexRow = z.object({ indexname: z.string() });
const counted = z.object({ message_count: z.number() });
const shown = z.object({ items: z.array(z.unknown()) });
const idIn = (body: unknown): string => String(typeof body === 'object' && body !== null && 'id' in body && body.id);

test('under load, nobody gets an error, and everybody sees what they wrote, before, while and after two change places', {
  timeout: 30_000 + rounds * 10_000,
}, async () => {
  const other = await startNode(daybook, { ROLES: 'api,projector' });
  let isOver = false;
  const over = () => isOver;
  const load = Promise.all([live('one', over), live('two', over), live('three', over)]);
  const reads = Promise.all([reading(over), reading(over)]);
  const builds = new Set<unknown>([await buildOf()]);
  for (let round = 1; round <= rounds; round += 1) {
    // Two at once are one.
    for (const { builder } of [daybook, other]) builder?.start('as asked');
    await expect.poll(() => daybook.builder?.status().isBuilding || other.builder?.status().isBuilding, { timeout: 20_000 }).toBe(false);
    expect(daybook.builder?.status().lastError).toBeUndefined();
    expect(other.builder?.status().lastError).toBeUndefined();
    builds.add(await buildOf());
    expect(builds.size).toBeGreaterThan(round);
  }
  isOver = true;
  const [writers, readers] = [await load, await reads];
  expect(writers.flatMap(({ faults }) => faults)).toEqual([]);
  expect(readers.flat()).toEqual([]);
  await other.stop();

  await daybook.settled();
  const found = await rows();
  await daybook.projector?.stop();
  await rebuild(daybook.log, daybook.database, projections, () => {});
  expect(await rows()).toEqual(found);
  // Those that are made after the load, too.
  const indexes = await daybook.database.anyFirst(sql.type(indexRow)`SELECT indexname FROM pg_indexes`);
  expect(indexes).toEqual(expect.arrayContaining([...initSql.matchAll(/^CREATE (?:UNIQUE )?INDEX (\w+)/gm)].map(([, name]) => name)));
});

describe('a build that', () => {
  const withFault = (events: number, work: () => Promise<void> | void): EventLog => ({
    ...daybook.log,
    async *readAll(position) {
      let count = 0;
      for await (const event of daybook.log.readAll(position)) {
        if (count === events) await work();
        count += 1;
        yield event;
      }
    },
  });

  test('fails leaves the read model as it was, and nothing beside it', async () => {
    const before = [await buildOf(), await rows()];
    const broken = withFault(3, () => {
      throw new Error('a fault of the disk');
    });
    await expect(rebuild(broken, daybook.database, projections, () => {})).rejects.toThrow('a fault of the disk');
    expect([await buildOf(), await rows()]).toEqual(before);
  });

  test('goes on is not taken for something to compare', async () => {
    const refused = /: a read model is being built already/;
    const comparing = withFault(3, async () => {
      expect(String(await verifyProjections(daybook.log, daybook.database, projections).catch((error: unknown) => error))).toMatch(refused);
    });
    await rebuild(comparing, daybook.database, projections, () => {});
  });

  test('loses the log for a while goes on where it was', async () => {
    const before = await rows();
    let outages = 0;
    const away = withFault(5, () => {
      outages += 1;
      if (outages < 3) throw new LogUnavailable('gone', false);
    });
    await rebuild(away, daybook.database, projections, () => {});
    expect(outages).toBe(3);
    expect(await rows()).toEqual(before);
  });

  test('is told to stop does, and one that was killed is cleared away once it is known not to go on', async () => {
    const stopping = new AbortController();
    await expect(
      rebuild(
        withFault(3, () => stopping.abort(new Error('told to'))),
        daybook.database,
        projections,
        () => {},
        stopping.signal,
      ),
    ).rejects.toThrow('told to');

    await interimVersion(daybook.log, daybook.database, newer);
    expect(await beside()).toEqual(['next']);
    await clearLeftovers(daybook.database);
    expect(await beside()).toEqual(['next']);
    await daybook.database.query(sql.unsafe`UPDATE daybook_next_daybook.checkpoints SET updated_at = now() - interval '1 hour'`);
    await clearLeftovers(daybook.database);
  });
});

describe('a new version', () => {
  test('of the projections is served by the old read model until its own is built, and the older process then says that it is old', async () => {
    expect(await reasonToRebuild(daybook.log, daybook.database, newer)).toBe('it is of another version');
    const interim = await interimVersion(daybook.log, daybook.database, newer);
    expect(interim).toBe(modelVersion(projections));
    const older = createProjector(daybook.log, daybook.database, projections, quiet);
    const projector = createProjector(daybook.log, daybook.database, newer, quiet, { interim });
    for (const each of [older, projector]) each.start();
    const seen = async () => {
      const done = await client(daybook.app, person.token).post('/tasks', { title: 'Meanwhile' }, { prefer: 'return=minimal' });
      const position = BigInt(done.headers['daybook-position'] ?? '0');
      for (const each of [older, projector]) expect(await each.reached(position, 20_000)).toBe(true);
    };
    await seen();
    await rebuild(daybook.log, daybook.database, newer, () => {});
    await seen();
    await expect.poll(() => older.status().state).toBe('outdated');
    expect(projector.status()).toMatchObject({ state: 'running', lastError: undefined });
    for (const each of [older, projector]) await each.stop();
    await rebuild(daybook.log, daybook.database, projections, () => {});
  });

  test('of another shape is served by nothing but its own', async () => {
    await daybook.database.query(sql.unsafe`ALTER TABLE tasks.tasks ALTER COLUMN position DROP NOT NULL`);
    expect(await interimVersion(daybook.log, daybook.database, newer)).toBeUndefined();
    await rebuild(daybook.log, daybook.database, newer, () => {});
    await rebuild(daybook.log, daybook.database, projections, () => {});
  });

  test('of sql/init.sql is so, too, where nothing but an index is another', async () => {
    await daybook.database.query(sql.unsafe`DROP INDEX tasks.tasks_by_priority`);
    expect(await interimVersion(daybook.log, daybook.database, newer)).toBe(modelVersion(projections));
    await rebuild(daybook.log, daybook.database, newer, () => {});
    await rebuild(daybook.log, daybook.database, projections, () => {});
    for (const change of [
      sql.unsafe`ALTER TABLE tasks.tasks DROP COLUMN estimate_minutes`,
      sql.unsafe`ALTER TABLE tasks.tasks DROP CONSTRAINT tasks_status_enum`,
      sql.unsafe`ALTER TABLE tasks.tasks ALTER COLUMN position DROP NOT NULL`,
      sql.unsafe`DROP VIEW relationships.entities`,
    ]) {
      const undone = daybook.database.transaction(async (transaction) => {
        await makeNext(transaction);
        expect(await isOfThisShape(transaction, 'next')).toBe(true);
        await transaction.query(change);
        expect(await isOfThisShape(transaction, 'next'), change.sql).toBe(false);
        throw new Error('undone');
      });
      await expect(undone).rejects.toThrow('undone');
    }
  });
});

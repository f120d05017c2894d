// Whatever fails, and at whatever moment: each event is in the rows once, in its order. Random histories are projected while
// connections are cut, servers go and come back, projectors crash, are several or of two versions, and the log is set back. The
// rows that come out are those of a rebuild.
import { execFile } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import fc from 'fast-check';
import type { DatabasePool } from 'slonik';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { seeded } from '../../src/cli/demo/random.ts';
import { type EmbeddedEventStore, startEmbeddedEventStore } from '../../src/eventstore/embedded/embedded.ts';
import { connectEventLog, type EventLog } from '../../src/eventstore/log.ts';
import { LogSetBack, noticingSetBack } from '../../src/eventstore/setBack.ts';
import { createPool } from '../../src/postgres/pool.ts';
import { projections } from '../../src/projections/index.ts';
import { createProjector, type Projector } from '../../src/projections/projector.ts';
import { interimVersion, reasonToRebuild, rebuild } from '../../src/projections/rebuild.ts';
import { ADA, BOB } from '../replay/history.ts';
import { moreHistory } from '../replay/moreRaces.ts';
import { history } from '../replay/races.ts';
import { parkedEvents, rawRowsOf } from '../replay/tables.ts';
import { type Between, standBeforePostgres, standBetween } from '../support/between.ts';
import { type TestDatabase, temporaryFolder, testDatabase } from '../support/postgres.ts';
import { endingAfter, failingAt } from './failing.ts';

const run = promisify(execFile);
const isEmbedded = process.env.TEST_DATABASE_URL === undefined;
const EACH = Number(process.env.DAYBOOK_FAULT_ROUNDS ?? 1);
/** CI does half of them on either Postgres. */
const ROUNDS = Math.ceil(EACH / 2);
const SEED = Number(process.env.DAYBOOK_FAULT_SEED ?? Date.now() % 2 ** 31);
const { next: random, chance, between: among } = seeded(SEED);
const upTo = (most: number) => among(1, most);

const folder = temporaryFolder();
let store: EmbeddedEventStore;
let postgres: TestDatabase;
let toLog: Between;
let toPostgres: Awaited<ReturnType<typeof standBeforePostgres>>;
/** Both by way of what is cut. */
let log: EventLog;
let database: DatabasePool;

const logFolder = join(folder, 'log');
const openLog = async () => {
  store = await startEmbeddedEventStore({ directory: logFolder });
};

beforeAll(async () => {
  [postgres] = await Promise.all([testDatabase(), openLog()]);
  toLog = await standBetween(() => ({ host: '127.0.0.1', port: store.port }));
  log = connectEventLog(`esdb://127.0.0.1:${toLog.port}?tls=false`);
  toPostgres = await standBeforePostgres(postgres.url);
  database = await createPool(toPostgres.url);
  await rebuild(log, database, version, () => {});
});
afterAll(async () => {
  await database.end();
  await log.close();
  for (const between of [toLog, toPostgres]) between.close();
  await store.close();
  await postgres.close();
  rmSync(folder, { recursive: true, force: true });
});

const people: string[] = [];
const json = z.record(z.string(), z.unknown());
const logged = z.array(z.object({ stream: z.string(), event_id: z.string(), type: z.string(), data: json, metadata: json }));
let left: z.output<typeof logged> = [];
/** Of one random history after the other, each of people of its own. */
async function append(count: number): Promise<bigint> {
  let end = 0n;
  for (let n = 0; n < count; n += 1) {
    if (left.length === 0) {
      const number = people.length / 2;
      const own = (text: string) =>
        text
          .replaceAll('-0000-7000-', `-${number.toString(16).padStart(4, '0')}-7000-`)
          .replaceAll('@example.org', `@${number}.example.org`);
      const [events = []] = fc.sample(chance(0.5) ? history : moreHistory, { seed: SEED + number, numRuns: 1 });
      left = logged.parse(JSON.parse(own(JSON.stringify(events, (_, value) => (typeof value === 'bigint' ? undefined : value)))));
      people.push(own(ADA), own(BOB));
    }
    const [event] = left.splice(0, 1);
    if (event) end = (await log.append(event.stream, 'any', [event])).position;
  }
  return end;
}

/** A few events after the other, with pauses that give a projector batches of all sizes. */
async function write(): Promise<bigint> {
  let end = 0n;
  for (let pieces = upTo(3); pieces > 0; pieces -= 1) {
    end = await append(upTo(4));
    if (chance(0.5)) await delay(random() * 5);
  }
  return end;
}

const lines: string[] = [];
const told = (line: string) => lines.push(line);
const logger = { info: told, warn: told, error: told };
/** What the read model is made by; it becomes newer. */
let version = projections;

async function projecting<T>(work: (projector: Projector) => Promise<T>, { from = log, into = database } = {}): Promise<T> {
  const projector = createProjector(from, into, version, logger);
  projector.start();
  try {
    return await work(projector);
  } finally {
    await projector.stop();
  }
}
const reached = async (projector: Projector, end: bigint) =>
  expect(await projector.reached(end, 20_000), `${projector.status().state}: ${projector.status().lastError}`).toBe(true);

async function expectTheRowsOfARebuild(of = database): Promise<void> {
  expect(await parkedEvents(of)).toEqual([]);
  const found = await rawRowsOf(of, people);
  await rebuild(log, of, version, () => {});
  expect(found).toEqual(await rawRowsOf(of, people));
}

const named = (fault: string, rounds = ROUNDS) =>
  [`${fault}, ${rounds} times (DAYBOOK_FAULT_SEED=${SEED})`, { timeout: 30_000 + rounds * 15_000 }] as const;

test(...named('a projector crashes between two steps of a batch'), async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const failing = failingAt(database, upTo(12));
    await projecting(
      async (projector) => {
        do await reached(projector, await write());
        while (!failing.hasFailed());
        await expect.poll(() => projector.status().state, { interval: 5 }).toBe('running');
      },
      { into: failing.database },
    );
  }
});

const cutting = (between: () => Between) => () =>
  projecting(async (projector) => {
    for (let round = 0; round < ROUNDS; round += 1) {
      let isCut = false;
      between()
        .cutAfter(upTo(20), chance(0.5))
        .then(() => {
          isCut = true;
        });
      while (!isCut) await reached(projector, await write());
    }
  });

test(
  ...named('the connection to the log is cut'),
  cutting(() => toLog),
);
test(
  ...named('the connection to Postgres is cut'),
  cutting(() => toPostgres),
);

test(...named('the log ends and begins again'), () =>
  projecting(async (projector) => {
    for (let round = 0; round < ROUNDS; round += 1) {
      await write();
      await withoutLog(() => {});
      await reached(projector, await write());
    }
  }),
);

// The embedded one ends with its process: see kill.test.ts. The native one is for all tests, so this is another, as CI starts it.
test.skipIf(isEmbedded || process.getuid?.() !== 0)(...named('Postgres crashes and begins again', EACH), async () => {
  // The server is another user's.
  const home = mkdtempSync('/tmp/daybook-test-');
  chmodSync(home, 0o711);
  const server = async (verb: string) => (await run('.ci/native-postgres', [verb], { env: { ...process.env, TMPDIR: home } })).stdout;
  try {
    const [, url = ''] = /^TEST_DATABASE_URL=(.*)$/m.exec(await server('start')) ?? [];
    const own = await createPool(`${url}?options=${encodeURIComponent('-c synchronous_commit=on')}`);
    await rebuild(log, own, version, () => {});
    await projecting(
      async (projector) => {
        for (let round = 0; round < EACH; round += 1) {
          const crashing = delay(random() * 20).then(() => server('crash'));
          const end = await write();
          await crashing;
          await reached(projector, end);
        }
      },
      { into: own },
    );
    await expectTheRowsOfARebuild(own);
    await own.end();
  } finally {
    await server('stop');
    rmSync(home, { recursive: true });
  }
});

test(...named('two projectors write at once'), async () => {
  lines.length = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    await projecting((one) =>
      projecting(
        async (other) => {
          const end = await write();
          for (const projector of [one, other]) await reached(projector, end);
        },
        { from: endingAfter(log, upTo(8)) },
      ),
    );
  }
  expect(lines.filter((line) => line.includes('another projector has moved on')).length).toBeGreaterThan(0);
});

test('after all of that the rows are those of a rebuild', () => expectTheRowsOfARebuild());

test(...named('a newer version takes over from an older one'), async () => {
  await beginAnew();
  for (let round = 0; round < ROUNDS; round += 1) {
    await projecting(async (older) => {
      await reached(older, await write());
      version = version.map((projection) => ({ ...projection, version: projection.version + 1 }));
      const interim = await interimVersion(log, database, version);
      const building = delay(random() * 20).then(() => rebuild(log, database, version, () => {}));
      const newer = createProjector(log, database, version, logger, { interim });
      newer.start();
      const end = await write();
      await building;
      for (const each of [older, newer]) await reached(each, end);
      for (const each of [older, newer]) await reached(each, await write());
      await expect.poll(() => older.status().state).toBe('outdated');
      await newer.stop();
    });
  }
  await expectTheRowsOfARebuild();
});

test(...named('the log is set back to a backup'), async () => {
  await beginAnew();
  const backup = join(folder, 'backup');
  let then = { people: [...people], left: [...left] };
  for (let round = 0; round < ROUNDS; round += 1) {
    const noticed: LogSetBack[] = [];
    const followed = noticingSetBack(log, (error) => noticed.push(error));
    await projecting(
      async (projector) => {
        await reached(projector, await write());
        // Most backups are older than what was built when the log was last set back.
        if (round === 0 || chance(0.3)) {
          await withoutLog(() => cpSync(logFolder, backup, { recursive: true }));
          then = { people: [...people], left: [...left] };
          await reached(projector, await write());
        }
        await withoutLog(async () => {
          rmSync(logFolder, { recursive: true });
          cpSync(backup, logFolder, { recursive: true });
          people.splice(0, people.length, ...then.people);
          // A copy, for it may be gone back to once more.
          left = [...then.left];
          if (chance(0.5)) return;
          // By the time that somebody looks it may be as long as it was.
          await openLog();
          const direct = connectEventLog(store.connectionString);
          for (let n = upTo(40); n > 0; n -= 1) await direct.append('thing-1', 'any', [somethingElse()]);
          await direct.close();
          await store.close();
        });
        await expect(Array.fromAsync(followed.subscribeToAll(null, AbortSignal.timeout(20_000)))).rejects.toThrow(LogSetBack);
        expect(noticed.length).toBeGreaterThan(0);
      },
      { from: followed },
    );
    expect(await reasonToRebuild(log, database, version)).toBe('the log is older than it, as if restored from a backup');
    await rebuild(log, database, version, () => {});
    await projecting(async (projector) => reached(projector, await write()));
  }
  await expectTheRowsOfARebuild();
});

/** What is built anew in each round is short. */
async function beginAnew(): Promise<void> {
  people.length = 0;
  left = [];
  await withoutLog(() => rmSync(logFolder, { recursive: true }));
  await rebuild(log, database, version, () => {});
}

async function withoutLog(meanwhile: () => Promise<void> | void): Promise<void> {
  toLog.hold();
  await store.close();
  await meanwhile();
  await openLog();
  toLog.goOn();
}

const somethingElse = () => ({ event_id: crypto.randomUUID(), type: 'SomethingHappened', data: {}, metadata: {} });

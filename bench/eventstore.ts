// How fast the embedded event log is, through the official client: npm run bench:eventstore. Beside each rate stand that of
// SQLite alone doing the same work (the limit) and that of a real EventStoreDB 24.6 on a machine of two cores. With `-- --large`
// it measures instead how long a log of ten million events takes to open.
import { type EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { DatabaseSync } from 'node:sqlite';
import { EventStoreDBClient, jsonEvent, START, streamNameFilter } from '@eventstore/db-client';
import { startEmbeddedEventStore } from '../src/eventstore/embedded/embedded.ts';
import { measureLargeLog } from './largeLog.ts';

type Rates = { log: number; sqlite: number; real: number; note?: string };

// 501 bytes of JSON, as the real server was measured with.
const data = { text: 'x'.repeat(490) };
const event = () => jsonEvent({ type: 'Measured', data });
const events = (count: number) => Array.from({ length: count }, event);

if (process.argv.includes('--large')) {
  measureLargeLog();
  process.exit();
}

const directory = mkdtempSync(path.join(tmpdir(), 'daybook-bench-'));
const server = await startEmbeddedEventStore({ directory: path.join(directory, 'log') });
const client = EventStoreDBClient.connectionString(server.connectionString);
const sqlite = rawSqlite(path.join(directory, 'raw.db'));

async function perSecond(count: number, work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return Math.round((count * 1000) / (performance.now() - start));
}

/** Takes events until there were `count`, or the read failed. */
function drain(read: EventEmitter, count: number): Promise<void> {
  let seen = 0;
  return new Promise((resolve, reject) => {
    read.on('error', reject);
    read.on('data', () => {
      seen += 1;
      if (seen === count) resolve();
    });
  });
}

async function oneAtATime(): Promise<Rates> {
  const count = 2000;
  const times: number[] = [];
  const log = await perSecond(count, async () => {
    for (let index = 0; index < count; index += 1) {
      const start = performance.now();
      await client.appendToStream('one', event());
      times.push(performance.now() - start);
    }
  });
  times.sort((a, b) => a - b);
  const sqliteRate = await perSecond(count, () => sqlite.append(count, 1));
  return {
    log,
    sqlite: sqliteRate,
    real: 929,
    note: `p50 ${times[count / 2]?.toFixed(2)} ms, p99 ${times[(count * 99) / 100]?.toFixed(2)} ms`,
  };
}

async function inFlight(): Promise<Rates> {
  const count = 20_000;
  let left = count;
  const log = await perSecond(count, () =>
    Promise.all(
      Array.from({ length: 64 }, async (_, stream) => {
        while (left > 0) {
          left -= 1;
          await client.appendToStream(`flight-${stream}`, event());
        }
      }),
    ),
  );
  return { log, sqlite: await perSecond(count, () => sqlite.append(count, 64)), real: 5930 };
}

async function fiveHundredACall(): Promise<Rates> {
  const calls = 200;
  const log = await perSecond(calls * 500, async () => {
    for (let call = 0; call < calls; call += 1) await client.appendToStream(`bulk-${call % 2}`, events(500));
  });
  return { log, sqlite: await perSecond(calls * 500, () => sqlite.append(calls * 500, 500)), real: 19_615 };
}

async function readAll(): Promise<Rates> {
  const log = await perSecond(100_000, () => drain(client.readAll({ maxCount: 100_000 }), 100_000));
  return { log, sqlite: await perSecond(100_000, () => sqlite.read(100_000)), real: 45_431 };
}

async function readStream(): Promise<Rates> {
  const log = await perSecond(50_000, () => drain(client.readStream('bulk-0'), 50_000));
  return { log, sqlite: await perSecond(50_000, () => sqlite.read(50_000)), real: 39_595 };
}

async function catchUp(): Promise<Rates> {
  const log = await perSecond(100_000, async () => {
    const subscription = client.subscribeToAll({ fromPosition: START });
    await drain(subscription, 100_000);
    await subscription.unsubscribe();
  });
  return { log, sqlite: await perSecond(100_000, () => sqlite.read(100_000)), real: 37_938 };
}

/** From an append's call to its event's arrival at a subscriber to $all. */
async function liveLatency(): Promise<string> {
  const times: number[] = [];
  const subscription = client.subscribeToAll({ fromPosition: 'end', filter: streamNameFilter({ prefixes: ['live'] }) });
  await once(subscription, 'confirmation');
  for (let index = 0; index < 500; index += 1) {
    const start = performance.now();
    const arrival = once(subscription, 'data');
    await client.appendToStream('live', event());
    await arrival;
    times.push(performance.now() - start);
  }
  await subscription.unsubscribe();
  times.sort((a, b) => a - b);
  return `p50 ${times[250]?.toFixed(2)} ms, p99 ${times[495]?.toFixed(2)} ms`;
}

/** One table and no index, at the durability of the log. */
function rawSqlite(file: string) {
  const db = new DatabaseSync(file);
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE events (position INTEGER PRIMARY KEY, data BLOB)');
  const insert = db.prepare('INSERT INTO events (data) VALUES (?)');
  const select = db.prepare('SELECT position, data FROM events ORDER BY position LIMIT ?');
  const body = Buffer.from(JSON.stringify(data));
  return {
    append(count: number, aTransaction: number): void {
      for (let done = 0; done < count; done += aTransaction) {
        db.exec('BEGIN');
        for (let index = 0; index < aTransaction; index += 1) insert.run(body);
        db.exec('COMMIT');
      }
    },
    read(count: number): void {
      let seen = 0;
      for (const _ of select.iterate(count)) seen += 1;
      if (seen !== count) throw new Error(`SQLite has ${seen} events, not ${count}`);
    },
    close: () => db.close(),
  };
}

function print(name: string, { log, sqlite: raw, real, note = '' }: Rates): void {
  const number = (value: number, width: number) => value.toLocaleString('en').padStart(width);
  console.log(
    `${name.padEnd(34)}${number(log, 9)}/s ${number(raw, 12)}/s ${number(real, 10)}/s ${(log / real).toFixed(2).padStart(8)}  ${note}`,
  );
}

console.log(`${''.padEnd(34)}${'the log'.padStart(11)} ${'SQLite alone'.padStart(14)} ${'real 24.6'.padStart(12)} ${'ratio'.padStart(8)}`);
await client.appendToStream('warm-up', events(500));
print('appends, one at a time', await oneAtATime());
print('appends, 64 in flight, 64 streams', await inFlight());
print('events, 500 an append', await fiveHundredACall());
print('events, readAll of 100k', await readAll());
print('events, readStream of 50k', await readStream());
print('events, subscribeToAll, 100k', await catchUp());
console.log(`from append to subscriber: ${await liveLatency()}`);

await client.dispose();
await server.close();
sqlite.close();
rmSync(directory, { recursive: true });

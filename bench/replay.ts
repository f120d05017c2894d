// How fast the read model is built from the log, beside the least that fills the same tables: npm run bench:replay, with
// `-- --events 100000` for fewer than a million and `-- --rounds 1` for fewer than three. In one run and in turns it measures
//   * a rebuild, from the first event to the exchange;
//   * a bulk load of the very rows that come out of it, ready made, into the same tables, indexed afterwards as there;
//   * the client alone reading the log.
// With DATABASE_URL it does so on that Postgres.
import { once } from 'node:events';
import { createReadStream, createWriteStream, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { sql } from 'slonik';
import { z } from 'zod';
import { readConfig } from '../src/config.ts';
import { openLog } from '../src/eventstore/embedded/log.ts';
import { dropReadModel, makeLaterIndexes, makeNext } from '../src/postgres/readModel.ts';
import { readForeignKeys } from '../src/projections/foreignKeys.ts';
import { projections } from '../src/projections/index.ts';
import { rebuild } from '../src/projections/rebuild.ts';
import { openStores } from '../src/stores.ts';
import type { Table } from '../src/tables/table.ts';
import { history } from './history.ts';

const { values } = parseArgs({ options: { events: { type: 'string', default: '1000000' }, rounds: { type: 'string', default: '3' } } });
const EVENTS = Number(values.events);
const ROUNDS = Number(values.rounds);

const folder = `/tmp/daybook-replay-${process.pid}`;
const config = readConfig({ DAYBOOK_DATA_DIR: folder, DATABASE_URL: process.env.DATABASE_URL });
mkdirSync(folder, { recursive: true });

console.log(`a log of ${EVENTS.toLocaleString('en')} events:`);
writeLog(path.join(folder, 'eventstore'));
const stores = await openStores(config, () => {});
const { log, database } = stores;

/** Written straight to the file: to have it written is no part of this. */
function writeLog(directory: string): void {
  mkdirSync(directory, { recursive: true });
  const file = openLog(directory);
  const counts = new Map<string, number>();
  let queued = 0;
  for (const { stream, event } of history(EVENTS)) {
    counts.set(event.type, (counts.get(event.type) ?? 0) + 1);
    const [id, data, metadata] = [
      Buffer.from(event.event_id.replaceAll('-', ''), 'hex'),
      Buffer.from(JSON.stringify(event.data)),
      Buffer.from(JSON.stringify(event.metadata)),
    ];
    const events = [{ id, type: event.type, isJson: true, data, metadata }];
    file.writer.submit({ stream, expected: -2, change: { is: 'append', events }, answer: () => {} });
    queued += 1;
    if (queued % 1_000 === 0) file.writer.finish();
  }
  file.close();
  const parts = [...counts].toSorted(([, a], [, b]) => b - a).map(([type, count]) => `${type} ${((100 * count) / EVENTS).toFixed(1)}%`);
  console.log(`  ${parts.join(', ')}`);
}

type Turn = { readonly perSecond: number; readonly processorMicroseconds: number };

/** In events a second and, which others on the machine change less, the processor's time for one, of all threads. */
async function measure(work: () => Promise<void>): Promise<Turn> {
  const [began, used] = [performance.now(), process.cpuUsage()];
  await work();
  const perSecond = (EVENTS * 1_000) / (performance.now() - began);
  const { user, system } = process.cpuUsage(used);
  return { perSecond, processorMicroseconds: (user + system) / EVENTS };
}

const memory: number[] = [];
async function build(): Promise<void> {
  await rebuild(log, database, projections, ({ events }) => {
    if (events / (EVENTS / 10) >= memory.length % 11) memory.push(process.memoryUsage.rss() / 2 ** 20);
  });
}

async function read(): Promise<void> {
  let events = 0;
  for await (const _ of log.readAll(null)) events += 1;
  if (events < EVENTS) throw new Error(`${events} events were read`);
}

const rowsFile = (table: Table) => path.join(folder, `${table.name}.json`);
const columnsOf = (table: Table) =>
  sql.join(
    Object.keys(table.row.shape).map((name) => sql.identifier([name])),
    sql.fragment`, `,
  );

/** The rows of the live tables, in the order in which they came in, as a line of JSON for each statement of the load. */
async function prepare(): Promise<number> {
  let count = 0;
  for (const table of (await readForeignKeys(database, 'live')).order) {
    const lines = createWriteStream(rowsFile(table));
    await database.transaction(async (transaction) => {
      await transaction.query(sql.unsafe`
        DECLARE prepared CURSOR FOR SELECT to_json(r)::text AS row
        FROM (SELECT ${columnsOf(table)} FROM ${sql.identifier([table.schema, table.name])} ORDER BY created_at) r`);
      for (;;) {
        const rows = await transaction.anyFirst(sql.type(preparedRow)`FETCH 1000 FROM prepared`);
        if (rows.length === 0) break;
        count += rows.length;
        if (!lines.write(`[${rows.join()}]\n`)) await once(lines, 'drain');
      }
    });
    lines.end();
    await once(lines, 'finish');
  }
  return count;
}

async function load(): Promise<void> {
  await database.transaction((transaction) => makeNext(transaction));
  for (const table of (await readForeignKeys(database, 'next')).order) {
    const next = sql.identifier([table.schema, table.name]);
    for await (const rows of createInterface({ input: createReadStream(rowsFile(table)), crlfDelay: Number.POSITIVE_INFINITY })) {
      await database.query(sql.unsafe`
        INSERT INTO ${next} (${columnsOf(table)}) SELECT ${columnsOf(table)} FROM json_populate_recordset(NULL::${next}, ${rows}::json)`);
    }
  }
  await makeLaterIndexes(database, 'next');
}

const preparedRow = z.object({ row: z.string() });

await build();
const rows = await prepare();
console.log(`  which come to ${rows.toLocaleString('en')} rows`);
await dropReadModel(database);

const measured = [
  { name: 'a rebuild', work: build, turns: [] as Turn[] },
  { name: 'a bulk load of its rows', work: load, turns: [] as Turn[] },
  { name: 'the client reading the log', work: read, turns: [] as Turn[] },
];
for (let round = 0; round < ROUNDS; round += 1) {
  for (const { work, turns } of measured) {
    turns.push(await measure(work));
    for (const place of ['live', 'next'] as const) await dropReadModel(database, place);
  }
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const speed = ({ turns }: { readonly turns: readonly Turn[] }) => median(turns.map(({ perSecond }) => perSecond));
const [rebuilding, loading] = measured;
console.log(`\nevents a second, median of ${ROUNDS} rounds (all rounds), and microseconds of a processor for each event`);
for (const { name, turns } of measured) {
  const each = turns.map(({ perSecond }) => Math.round(perSecond).toLocaleString('en')).join(' ');
  const processor = Math.round(median(turns.map(({ processorMicroseconds }) => processorMicroseconds)));
  console.log(`  ${name.padEnd(28)} ${Math.round(speed({ turns })).toLocaleString('en').padStart(9)}  (${each})  ${processor} µs`);
}
if (rebuilding && loading)
  console.log(`a rebuild is ${(speed(rebuilding) / speed(loading)).toFixed(2)} of the bulk load; the target is 0.90`);
console.log('memory of the whole process, ten times in each rebuild, in MiB');
for (let at = 0; at < memory.length; at += 11)
  console.log(
    `  ${memory
      .slice(at, at + 11)
      .map(Math.round)
      .join(' ')}`,
  );

await stores.close();
rmSync(folder, { recursive: true });

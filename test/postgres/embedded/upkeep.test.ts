// What is done for the embedded Postgres that a real one does by itself, with limits that are soon reached.
import { cpSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Database, openDatabase } from '../../../src/postgres/embedded/database.ts';
import { makeTemplate } from '../../../src/postgres/embedded/template.ts';
import { Upkeep } from '../../../src/postgres/embedded/upkeep.ts';
import { temporaryFolder } from '../../support/postgres.ts';

vi.setConfig({ testTimeout: 60_000 });

const MIB = 1024 * 1024;
const limits = { exchangesBetweenLooks: 1, walBytes: 2 * MIB, rows: 100, unknownBytes: MIB };
const template = await makeTemplate();
let folder: string;
let database: Database;
let upkeep: Upkeep;

beforeAll(() => {
  folder = join(temporaryFolder(), 'data');
  cpSync(join(template, 'data'), folder, { recursive: true });
});
afterAll(() => rmSync(join(folder, '..'), { recursive: true }));

async function open(): Promise<void> {
  database = await openDatabase(folder);
  upkeep = new Upkeep(database, limits);
}

/** All that is due. */
async function keepUp(): Promise<void> {
  upkeep.note(Buffer.from('some statement'));
  while (upkeep.isDue) await upkeep.run();
}

const size = async () => Number((await database.rows("SELECT pg_relation_size('public.things')"))[0]?.[0]);
const walFiles = () => readdirSync(join(folder, 'pg_wal')).length;

test('rows that change over and over take no more room, in the table or in the write-ahead log', async () => {
  await open();
  await database.rows("CREATE TABLE public.things AS SELECT n, repeat('x', 500) AS filling FROM generate_series(1, 2000) n");
  await database.rows('CREATE INDEX ON public.things (filling)');
  await keepUp();
  const [before, walBefore] = [await size(), walFiles()];
  for (let round = 0; round < 15; round += 1) {
    await database.rows(`UPDATE public.things SET filling = repeat('${round % 10}', 500)`);
    await keepUp();
  }
  // A vacuum between two rounds leaves the room for one version more.
  expect(await size()).toBeLessThan(before * 2.2);
  expect(walFiles()).toBeLessThan(walBefore + 12);
  expect(await database.rows("SELECT n_dead_tup FROM pg_stat_all_tables WHERE relname = 'things'")).toEqual([['0']]);
});

test('dead rows that it knew of when it ended are vacuumed after the next start', async () => {
  await database.rows('DELETE FROM public.things');
  await database.close();
  await open();
  expect(await size()).toBeGreaterThan(MIB);
  await keepUp();
  expect(await size()).toBe(0);
  await database.close();
});

test('of tables that are being built only dead rows count, until they serve', async () => {
  await open();
  await database.rows('CREATE SCHEMA daybook_next_tasks');
  await database.rows('CREATE TABLE daybook_next_tasks.tasks AS SELECT n FROM generate_series(1, 2000) n');
  const tended = async () =>
    (
      await database.rows(
        "SELECT n_dead_tup::text, vacuum_count::text, analyze_count::text FROM pg_stat_all_tables WHERE relname = 'tasks'",
      )
    )[0];
  await keepUp();
  expect(await tended()).toEqual(['0', '0', '0']);
  await database.rows('DELETE FROM daybook_next_tasks.tasks WHERE n % 2 = 0');
  await keepUp();
  expect(await tended()).toEqual(['0', '1', '0']);
  await database.rows('ALTER SCHEMA daybook_next_tasks RENAME TO tasks');
  await keepUp();
  expect(await tended()).toEqual(['0', '2', '1']);
  await database.close();
});

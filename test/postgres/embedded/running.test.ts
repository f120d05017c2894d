// The embedded Postgres while it runs: it takes large beside small, and does not grow for ever.
import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type DatabasePool, sql } from 'slonik';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../../src/postgres/embedded/embedded.ts';
import { makeTemplate } from '../../../src/postgres/embedded/template.ts';
import { createPool } from '../../../src/postgres/pool.ts';
import { isEmbedded } from '../../../src/postgres/readModel.ts';
import { temporaryFolder } from '../../support/postgres.ts';

const number = z.object({ number: z.number() });
let directory: string;
let postgres: EmbeddedPostgres;
let pool: DatabasePool;

beforeAll(async () => {
  directory = temporaryFolder();
  postgres = await startEmbeddedPostgres({ directory, template: await makeTemplate() });
  pool = await createPool(postgres.url);
});
beforeEach(async () => {
  await pool.query(sql.unsafe`DROP TABLE IF EXISTS public.rows`);
  await pool.query(sql.unsafe`CREATE TABLE public.rows (number int PRIMARY KEY, filling text)`);
});
afterAll(async () => {
  await pool.end();
  await postgres.close();
  rmSync(directory, { recursive: true });
});

test('large parameters arrive whole beside small queries', async () => {
  const write = async (i: number) => {
    await pool.query(sql.unsafe`INSERT INTO public.rows VALUES (${i}, ${String(i % 10).repeat(1024 * 1024)})`);
  };
  const read = async (i: number) => expect(await pool.oneFirst(sql.unsafe`SELECT ${i}::int`)).toBe(i);
  await Promise.all(Array.from({ length: 24 }, (_, i) => Promise.all([write(i), read(i), read(i + 100)])));
  const whole = sql.type(number)`
    SELECT count(*) AS number FROM public.rows WHERE filling = repeat((number % 10)::text, 1024 * 1024)`;
  expect(await pool.oneFirst(whole)).toBe(24);
});

test('it is known for what it is, and the pool has one connection, whatever size is asked for', async () => {
  const other = createPool(postgres.url, { maximumPoolSize: 7 });
  await pool.end();
  pool = await other;
  expect(pool.configuration.maxPoolSize).toBe(1);
  expect(await isEmbedded(pool)).toBe(true);
});

test('the write-ahead log and dead rows stay bounded', async () => {
  const megabyte = () => randomBytes(512 * 1024).toString('hex');
  for (let i = 0; i < 45; i += 1) await pool.query(sql.unsafe`INSERT INTO public.rows VALUES (${i}, ${megabyte()})`);
  for (let i = 0; i < 20; i += 1) await pool.query(sql.unsafe`UPDATE public.rows SET number = -number - 1`);
  const segments = () => readdirSync(join(directory, 'data/pg_wal')).length;
  await vi.waitFor(() => expect(segments()).toBeLessThan(40), { timeout: 20_000 });
  const dead = sql.type(number)`SELECT n_dead_tup AS number FROM pg_stat_user_tables WHERE relname = 'rows'`;
  await vi.waitFor(async () => expect(await pool.oneFirst(dead)).toBeLessThan(1_000), { timeout: 20_000 });
});

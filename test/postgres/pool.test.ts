import { type DatabasePool, sql } from 'slonik';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { createPool } from '../../src/postgres/pool.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let pool: DatabasePool;

beforeAll(async () => {
  database = await testDatabase();
  pool = await createPool(database.url);
});
afterAll(async () => {
  await pool.end();
  await database.close();
});

test('values are those of rows', async () => {
  const row = await pool.one(sql.unsafe`
    SELECT timestamptz '2026-11-24 08:08:03.1+01' AS instant, timestamptz '0999-01-01 00:00:00Z' AS long_ago,
      array[timestamptz '2026-11-24 07:00Z'] AS instants, null::timestamptz AS never, timestamptz 'infinity' AS infinity,
      9007199254740991::bigint AS large, 0.000125::numeric(12,6) AS cost, date '2026-11-24' AS day,
      '{"a": [1, null]}'::jsonb AS object, array['a', 'b,c'] AS words, array[5, 10] AS minutes, true AS yes
  `);
  expect(row).toEqual({
    instant: '2026-11-24T07:08:03.100Z',
    long_ago: '0999-01-01T00:00:00.000Z',
    instants: ['2026-11-24T07:00:00.000Z'],
    never: null,
    infinity: 'infinity',
    large: 9007199254740991,
    cost: 0.000125,
    day: '2026-11-24',
    object: { a: [1, null] },
    words: ['a', 'b,c'],
    minutes: [5, 10],
    yes: true,
  });
});

test('a bigint that a number cannot hold is an error, not another number', async () => {
  await expect(pool.one(sql.unsafe`SELECT 9007199254740993::bigint AS large`)).rejects.toThrow('the bigint 9007199254740993 is too large');
});

test('a row that is not as the query says is an error that does not tell what is in the row', async () => {
  const query = pool.one(sql.type(z.object({ title: z.number() }))`SELECT 'a secret' AS title`);
  const error = await query.catch((error: unknown) => error);
  expect(String(error)).toContain('Invalid input: expected number, received string');
  expect(String(error)).toContain("SELECT 'a secret' AS title");
  expect(JSON.stringify(error)).not.toContain('secret');
});

test('rows have only what the query says', async () => {
  expect(await pool.any(sql.type(z.object({ a: z.number() }))`SELECT 1 AS a, 2 AS b`)).toEqual([{ a: 1 }]);
});

test('a transaction is whole or was not, and the pool works on after an error', async () => {
  await pool.query(sql.unsafe`CREATE TABLE public.notes (text text)`);
  const failing = pool.transaction(async (transaction) => {
    await transaction.query(sql.unsafe`INSERT INTO public.notes VALUES ('lost')`);
    throw new Error('changed my mind');
  });
  await expect(failing).rejects.toThrow('changed my mind');
  await expect(pool.query(sql.unsafe`SELECT 1 / 0`)).rejects.toThrow();
  expect(await pool.any(sql.unsafe`SELECT * FROM public.notes`)).toEqual([]);
});

test.skipIf(process.env.TEST_DATABASE_URL)('the one connection to the embedded Postgres is the same, however old it is', async () => {
  await pool.query(sql.unsafe`CREATE TEMPORARY TABLE of_this_connection ()`);
  vi.setSystemTime(Date.now() + 24 * 3_600_000);
  expect(await pool.any(sql.unsafe`SELECT * FROM of_this_connection`)).toEqual([]);
  vi.useRealTimers();
});

test('a statement keeps its plan, unless it is about tables that are being built', async () => {
  await pool.query(sql.unsafe`CREATE SCHEMA daybook_next_tasks`);
  await pool.query(sql.unsafe`CREATE TABLE daybook_next_tasks.kept (n integer)`);
  await pool.query(sql.unsafe`CREATE TABLE public.kept (n integer)`);
  const prepared = await pool.transaction(async (transaction) => {
    await transaction.query(sql.unsafe`DELETE FROM daybook_next_tasks.kept`);
    await transaction.query(sql.unsafe`DELETE FROM public.kept`);
    return transaction.anyFirst(sql.unsafe`SELECT statement FROM pg_prepared_statements WHERE statement ~ '^DELETE FROM .*kept$'`);
  });
  expect(prepared).toEqual(['DELETE FROM public.kept']);
});

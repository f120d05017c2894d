import { type QuerySqlToken, sql } from 'slonik';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPool } from '../../src/postgres/pool.ts';
import { sqlStateOf } from '../../src/postgres/sqlState.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let pool: Awaited<ReturnType<typeof createPool>>;

beforeAll(async () => {
  database = await testDatabase();
  pool = await createPool(database.url);
});
afterAll(async () => {
  await pool.end();
  await database.close();
});

const failure = (query: QuerySqlToken) =>
  pool.any(query).then(
    () => undefined,
    (error: unknown) => error,
  );

// Whoever asks decides by it whether the fault is in what was written: a client's cursor, an event that fits no table.
test.each([
  ['22P02', 'text that is no number', sql.unsafe`SELECT ${'many'}::int`],
  ['22P02', 'text that is no JSON', sql.unsafe`SELECT ${'{"a": "\\ud800"}'}::json ->> 'a'`],
  ['22P05', 'NUL in JSON', sql.unsafe`SELECT ${'{"a": "\\u0000"}'}::json ->> 'a'`],
  ['22007', 'text that is no time', sql.unsafe`SELECT ${'soon'}::timestamptz`],
  ['22003', 'too large a number', sql.unsafe`SELECT ${'99999999999'}::int`],
  ['22012', 'a division by zero', sql.unsafe`SELECT 1 / ${0}::int`],
  ['42P01', 'no such table', sql.unsafe`SELECT FROM nowhere`],
])('%s is known where there is %s', async (state, _, query) => {
  expect(sqlStateOf(await failure(query))).toBe(state);
});

test('what is no error of Postgres has none', () => {
  expect(sqlStateOf(new Error('something else'))).toBeUndefined();
  expect(sqlStateOf('nothing')).toBeUndefined();
});

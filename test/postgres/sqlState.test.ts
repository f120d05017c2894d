import { type CommonQueryMethods, type QuerySqlToken, sql } from 'slonik';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPool } from '../../src/postgres/pool.ts';
import { isAway, sqlStateOf } from '../../src/postgres/sqlState.ts';
import { standBeforePostgres } from '../support/between.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let between: Awaited<ReturnType<typeof standBeforePostgres>>;
let pool: Awaited<ReturnType<typeof createPool>>;

beforeAll(async () => {
  database = await testDatabase();
  between = await standBeforePostgres(database.url);
  pool = await createPool(between.url);
});
afterAll(async () => {
  await pool.end();
  between.close();
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

test('a Postgres that breaks off in the middle is away, and one that finds a fault in a statement is not', async () => {
  const brokenOff = (where: CommonQueryMethods) => {
    between.loseAnswers(true);
    return where.query(sql.unsafe`SELECT`).finally(() => between.loseAnswers(false));
  };
  for (const breaking of [() => brokenOff(pool), () => pool.transaction(brokenOff, 0)]) {
    const error = await breaking().catch((error: unknown) => error);
    expect(isAway(error), String(error)).toBe(true);
  }
  expect(isAway(await failure(sql.unsafe`SELECT FROM nowhere`))).toBe(false);
});

// A process for a test to kill: writes numbered rows to an embedded Postgres and says which ones were acknowledged.
import { sql } from 'slonik';
import { startEmbeddedPostgres } from '../../../src/postgres/embedded/embedded.ts';
import { createPool } from '../../../src/postgres/pool.ts';

const [, , directory = '', template = ''] = process.argv;
const postgres = await startEmbeddedPostgres({ directory, template });
const pool = await createPool(postgres.url);
await pool.query(sql.unsafe`CREATE TABLE IF NOT EXISTS public.rows (number serial PRIMARY KEY, filling text)`);
for (;;) {
  const number = await pool.oneFirst(sql.unsafe`INSERT INTO public.rows (filling) VALUES (${'x'.repeat(1_000)}) RETURNING number`);
  process.stdout.write(`${number}\n`);
}

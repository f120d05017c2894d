// The embedded Postgres as a whole: that it loses nothing while its process dies, doubts what the operating system may have
// torn, takes large beside small, and does not grow for ever.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type DatabasePool, sql } from 'slonik';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../../src/postgres/embedded/embedded.ts';
import { createPool } from '../../../src/postgres/pool.ts';
import { embeddedTemplate, temporaryFolder } from '../../support/postgres.ts';

const number = z.object({ number: z.number() });
const template = await embeddedTemplate();

describe('while it runs', () => {
  let directory: string;
  let postgres: EmbeddedPostgres;
  let pool: DatabasePool;

  beforeAll(async () => {
    directory = temporaryFolder();
    postgres = await startEmbeddedPostgres({ directory, template });
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
    await Promise.all(Array.from({ length: 60 }, (_, i) => Promise.all([write(i), read(i), read(i + 100)])));
    const whole = sql.type(number)`
      SELECT count(*) AS number FROM public.rows WHERE filling = repeat((number % 10)::text, 1024 * 1024)`;
    expect(await pool.oneFirst(whole)).toBe(60);
  });

  test('the pool has one connection, whatever size is asked for', async () => {
    const other = createPool(postgres.url, { maximumPoolSize: 7 });
    await pool.end();
    pool = await other;
    expect(pool.configuration.maxPoolSize).toBe(1);
  });

  test('the write-ahead log and dead rows stay bounded', async () => {
    const megabyte = () => randomBytes(512 * 1024).toString('hex');
    for (let i = 0; i < 70; i += 1) await pool.query(sql.unsafe`INSERT INTO public.rows VALUES (${i}, ${megabyte()})`);
    for (let i = 0; i < 20; i += 1) await pool.query(sql.unsafe`UPDATE public.rows SET number = -number - 1`);
    const segments = () => readdirSync(join(directory, 'data/pg_wal')).length;
    await vi.waitFor(() => expect(segments()).toBeLessThan(58), { timeout: 20_000 });
    const dead = sql.type(number)`SELECT n_dead_tup AS number FROM pg_stat_user_tables WHERE relname = 'rows'`;
    await vi.waitFor(async () => expect(await pool.oneFirst(dead)).toBeLessThan(1_000), { timeout: 20_000 });
  });
});

describe('when it is opened again', () => {
  let directory: string;
  beforeAll(() => {
    directory = temporaryFolder();
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const mark = () => join(directory, 'state.json');
  const changeMark = (change: Record<string, string>) =>
    writeFileSync(mark(), JSON.stringify({ ...JSON.parse(readFileSync(mark(), 'utf8')), ...change }));
  const setAside = () => readdirSync(directory).filter((name) => name.startsWith('data.set-aside-'));

  /** Opens it, counts the rows, and closes it. */
  async function look(openTimeoutMs?: number): Promise<{ wasReset: boolean; rows: number | null }> {
    const { url, wasReset, close } = await startEmbeddedPostgres({ directory, template, ...(openTimeoutMs && { openTimeoutMs }) });
    const pool = await createPool(url);
    const exists = await pool.oneFirst(
      sql.type(z.object({ exists: z.boolean() }))`SELECT to_regclass('public.rows') IS NOT NULL AS exists`,
    );
    const rows = exists ? await pool.oneFirst(sql.type(number)`SELECT max(number) AS number FROM public.rows`) : null;
    await pool.end();
    await close();
    return { wasReset, rows };
  }

  async function writeAndKill(afterRows: number): Promise<number> {
    const program = fileURLToPath(new URL('writeUntilKilled.ts', import.meta.url));
    const writer = spawn(process.execPath, [program, directory, template], { stdio: ['ignore', 'pipe', 'inherit'] });
    let acknowledged = 0;
    let rows = 0;
    for await (const line of createInterface(writer.stdout)) {
      acknowledged = Number(line);
      rows += 1;
      if (rows === afterRows) writer.kill('SIGKILL');
    }
    if (writer.exitCode === null && writer.signalCode === null) await once(writer, 'exit');
    return acknowledged;
  }

  test('rows outlive their process, killed at any moment', async () => {
    for (const afterRows of [1, 150]) {
      const acknowledged = await writeAndKill(afterRows);
      const { wasReset, rows } = await look();
      expect(wasReset).toBe(false);
      expect(rows).toBeGreaterThanOrEqual(acknowledged);
    }
  });

  test('what was closed properly outlives the operating system', async () => {
    changeMark({ boot_id: 'an earlier boot' });
    expect(await look()).toEqual({ wasReset: false, rows: expect.any(Number) });
  });

  test('what was running when the operating system went down is set aside', async () => {
    changeMark({ boot_id: 'an earlier boot', state: 'running' });
    expect(await look()).toEqual({ wasReset: true, rows: null });
    expect(setAside()).toHaveLength(1);
  });

  test('what does not open is set aside, of which the newest is kept', async () => {
    const [before] = setAside();
    writeFileSync(join(directory, 'data/global/pg_control'), 'damaged');
    expect(await look()).toEqual({ wasReset: true, rows: null });
    expect(setAside()).toHaveLength(1);
    expect(setAside()).not.toContain(before);
  });

  test('so is what does not open in time', async () => {
    expect(await look(1)).toEqual({ wasReset: true, rows: null });
  });

  test('what a start never finished is made again, and nothing was lost', async () => {
    changeMark({ state: 'making' });
    expect(await look()).toEqual({ wasReset: false, rows: null });
  });
});

// The embedded Postgres when it is opened again: it lost nothing when its process died, and what it cannot open it makes anew.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { sql } from 'slonik';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { startEmbeddedPostgres } from '../../../src/postgres/embedded/embedded.ts';
import { makeTemplate } from '../../../src/postgres/embedded/template.ts';
import { createPool } from '../../../src/postgres/pool.ts';
import { temporaryFolder } from '../../support/postgres.ts';

// Each test starts several databases, which takes a busy machine its time.
vi.setConfig({ testTimeout: 90_000 });

const number = z.object({ number: z.number() });
const template = await makeTemplate();
let directory: string;
beforeAll(() => {
  directory = temporaryFolder();
});
afterAll(() => rmSync(directory, { recursive: true }));

/** Opens it, counts the rows, and closes it. */
async function look(openTimeoutMs?: number): Promise<{ wasReset: boolean; rows: number | null }> {
  const { url, wasReset, close } = await startEmbeddedPostgres({ directory, template, ...(openTimeoutMs && { openTimeoutMs }) });
  const pool = await createPool(url);
  const exists = await pool.oneFirst(sql.type(z.object({ exists: z.boolean() }))`SELECT to_regclass('public.rows') IS NOT NULL AS exists`);
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

test('rows outlive their process, which was killed as it wrote', async () => {
  const acknowledged = await writeAndKill(100);
  const { wasReset, rows } = await look();
  expect(wasReset).toBe(false);
  expect(rows).toBeGreaterThanOrEqual(acknowledged);
});

test('what does not open is set aside', async () => {
  writeFileSync(join(directory, 'data/global/pg_control'), 'damaged');
  expect(await look()).toEqual({ wasReset: true, rows: null });
  expect(readdirSync(directory)).toContainEqual(expect.stringMatching(/^data\.set-aside-/));
});

test('so is what was running when the operating system went down', async () => {
  const mark = join(directory, 'state.json');
  const { socket_folder } = z.object({ socket_folder: z.string() }).parse(JSON.parse(readFileSync(mark, 'utf8')));
  writeFileSync(mark, JSON.stringify({ state: 'running', boot_id: 'the one before', socket_folder }));
  expect(await look()).toEqual({ wasReset: true, rows: null });
});

test('so is what does not open in time', async () => {
  expect(await look(1)).toEqual({ wasReset: true, rows: null });
});

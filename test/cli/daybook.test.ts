// The command line as one types it, with words, output and exit code: beside a Daybook that runs, and without.
import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestDatabase, temporaryFolder, testDatabase } from '../support/postgres.ts';
import { killAll, startProcess } from '../support/process.ts';

const CLI = fileURLToPath(new URL('../../src/cli/daybook.ts', import.meta.url));
const folder = temporaryFolder();
// On the embedded Postgres that it opens by itself, or on the native one of the tests.
let native: TestDatabase | undefined;
beforeAll(async () => {
  if (process.env.TEST_DATABASE_URL !== undefined) native = await testDatabase();
});
afterAll(async () => {
  await killAll();
  await native?.close();
  rmSync(folder, { recursive: true, force: true });
});

test('a read model is looked at, held, built and compared, while Daybook runs and while not', { timeout: 180_000 }, async () => {
  const stores: Record<string, string> = native ? { DATABASE_URL: native.url } : {};
  let port = '0';
  const type = async (...words: string[]) => {
    const env = { ...process.env, ...stores, DAYBOOK_DATA_DIR: folder, PORT: port };
    return (await promisify(execFile)(process.execPath, [CLI, ...words], { env })).stdout;
  };
  await expect(type('projections', 'pause')).rejects.toMatchObject({ code: 1, stderr: 'There is no read model yet.\n' });
  const daybook = await startProcess(folder, stores);
  port = new URL(daybook.url).port;
  await fetch(`${daybook.url}/api/v1/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'ada@example.com', password: 'correct horse battery staple', display_name: 'Ada' }),
  });

  expect(await type('projections', 'pause')).toBe('It is paused.\n');
  expect(await type('projections')).toMatch(/^Read model: paused/m);
  expect(await type('projections', 'resume')).toBe('It goes on.\n');
  expect(await type('status')).toMatch(/^Read model: (?!paused)/m);
  expect(await type('verify-projections')).toMatch(/users\.users: 1 rows\n[\s\S]*Every table is what the event log gives\.\n$/);
  expect(await type('rebuild')).toMatch(/^Daybook runs, and goes on while [\s\S]*The read model is built: 9 events\.\n$/);
  await expect(type('projections', 'pause', 'nothing')).rejects.toMatchObject({ code: 1 });
  await daybook.stop();

  expect(await type('projections', 'pause')).toBe('It is paused.\n');
  expect(await type('projections')).toMatch(/^It is paused\.$/m);
  expect(await type('projections', 'resume')).toBe('It goes on.\n');
  expect(await type('verify-projections')).toMatch(/Every table is what the event log gives\.\n$/);
  expect(await type('rebuild')).toMatch(/^Building the read model from the event log: as asked\.\nThe read model is built: \d+ events/);
});

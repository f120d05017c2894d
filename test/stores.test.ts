// Opening both stores, of which one cannot be.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { temporaryFolder } from './support/postgres.ts';

const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('when one store does not answer, the other is closed, and the command says so and ends', { timeout: 60_000 }, async () => {
  const env = { ...process.env, EVENTSTORE_URL: 'esdb://127.0.0.1:1?tls=false', DATABASE_URL: '', DAYBOOK_DATA_DIR: folder };
  const command = spawn(process.execPath, ['src/cli/daybook.ts', 'status'], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const said: Buffer[] = [];
  command.stderr.on('data', (part: Buffer) => said.push(part));
  const giveUp = setTimeout(() => command.kill('SIGKILL'), 45_000);
  const [code] = await once(command, 'exit');
  clearTimeout(giveUp);
  expect(code).toBe(1);
  expect(Buffer.concat(said).toString()).toMatch(/^EVENTSTORE_URL: The event log does not answer: /);
});

// The embedded log against what the official client observed of a real EventStoreDB.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { withLog } from './support.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const observations = fileURLToPath(new URL('../../../shared/eventstore', import.meta.url));
const shared = withLog();

test('everything observed of the real server is observed of the embedded one', async (context) => {
  if (!existsSync(observations)) context.skip(`the observations of the real server are not at ${observations}`);
  const files = ['scenarios.mjs', 'golden.json'].map((name) => `${observations}/${name}`);
  const run = spawn(process.execPath, [`${observations}/observe.mjs`, shared.log.connectionString, ...files], { cwd: root });
  let said = '';
  run.stdout.on('data', (text) => {
    said += text;
  });
  run.stderr.on('data', (text) => {
    said += text;
  });
  await once(run, 'close');
  expect(said).toMatch(/^(\d+) of \1 observations equal/);
  expect(Number.parseInt(said, 10)).toBeGreaterThanOrEqual(23);
});

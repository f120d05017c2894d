// The process as the person who starts it meets it: how it stops, and what it says where it cannot start.
import { execFile } from 'node:child_process';
import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { temporaryFolder } from './support/postgres.ts';
import { killAll, launch, startProcess } from './support/process.ts';

const folders = [temporaryFolder(), temporaryFolder()] as const;
afterAll(async () => {
  await killAll();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

test('a port and a folder in use are named, secrets are for nobody else to read, and a signal that arrives twice at once still stops in good order', {
  timeout: 120_000,
}, async () => {
  const daybook = await startProcess(folders[0]);
  const { port } = new URL(daybook.url);

  // With the words of the README; that it cannot start is what ends it by itself.
  const started = promisify(execFile)('npm', ['start'], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { ...process.env, PORT: port, DAYBOOK_DATA_DIR: folders[1] },
  });
  await expect(started).rejects.toMatchObject({
    stdout: expect.stringContaining('Event log: embedded. Read model: embedded Postgres.'),
    stderr: expect.stringContaining(`Daybook could not start: port ${port} is in use by another program`),
  });
  await expect(launch(folders[0]).ready).rejects.toThrow(`Daybook could not start: another process is using the data folder ${folders[0]}`);
  for (const [HOST, fault] of [
    ['192.0.2.1', '192.0.2.1 is no address of this machine; HOST names one.'],
    ['no.such.machine.invalid', 'no machine is called no.such.machine.invalid; HOST names an address of this one.'],
  ] as const)
    await expect(launch(folders[1], { HOST }).ready).rejects.toThrow(`Daybook could not start: ${fault}`);
  for (const name of ['jwt_secret', 'master_key']) expect(statSync(join(folders[0], name)).mode & 0o777).toBe(0o600);

  const stopped = daybook.stop();
  await setTimeout(20);
  await Promise.all([stopped, daybook.stop()]);
  expect(JSON.parse(readFileSync(join(folders[0], 'postgres/state.json'), 'utf8'))).toMatchObject({ state: 'stopped' });
});

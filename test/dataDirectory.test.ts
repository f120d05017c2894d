// The folder of what Daybook keeps on a machine: what it takes for a secret, and who may read it.
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { DataDirectoryUnavailable, openDataDirectory } from '../src/dataDirectory.ts';

const folder = mkdtempSync(join(tmpdir(), 'daybook-test-'));
const directory = openDataDirectory(folder);
afterAll(() => {
  directory.release();
  rmSync(folder, { recursive: true });
});

test('a secret is made once, and one that was put back for all to read is so no longer', () => {
  const made = directory.secret('made');
  expect(Buffer.byteLength(made)).toBeGreaterThanOrEqual(32);
  chmodSync(join(folder, 'made'), 0o644);
  expect(directory.secret('made')).toBe(made);
  expect(statSync(join(folder, 'made')).mode & 0o777).toBe(0o600);
});

test.each(['', 'short\n', `${' '.repeat(40)}\n`])('%j is taken for no secret', (text) => {
  writeFileSync(join(folder, 'wrong'), text);
  expect(() => directory.secret('wrong')).toThrow(DataDirectoryUnavailable);
  expect(() => directory.secret('wrong')).toThrow(`${join(folder, 'wrong')} is no secret of at least 32 bytes`);
});

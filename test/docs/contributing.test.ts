// Does what CONTRIBUTING.md shows, to a copy of the source: the lines fit, the types are right and the tests pass.
import { execFile } from 'node:child_process';
import { cpSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { temporaryFolder } from '../support/postgres.ts';
import { blocks, read, root, section } from './markdown.ts';

const run = promisify(execFile);
const copy = temporaryFolder();
const bin = (name: string) => join(root, 'node_modules/.bin', name);

const HEADING = '## Adding a command, from end to end';
const changes = blocks(section(read('CONTRIBUTING.md'), HEADING)).filter(({ language }) => language === 'diff');

beforeAll(() => {
  for (const part of ['src', 'sql', 'test', 'bench', 'package.json', 'tsconfig.json', 'vitest.config.ts']) {
    cpSync(join(root, part), join(copy, part), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

test('the lines fit into the source', () => {
  expect(changes.length).toBeGreaterThan(3);
  for (const { text } of changes) {
    const [header = '', ...lines] = text.trimEnd().split('\n');
    const file = join(copy, header.replace('+++ ', ''));
    const hunks = lines.join('\n').split('\n@@\n');
    writeFileSync(file, hunks.reduce(changed, readFileSync(file, 'utf8')));
  }
});

// To look at everything once more takes half a minute, for what seldom changes; CI does it each time.
const inCi = test.skipIf(process.env.CI === undefined);

inCi('the types are right', { timeout: 120_000 }, async () => {
  await expect(run(bin('tsc'), ['--project', copy]).catch(output)).resolves.toMatchObject({ stdout: '' });
});

inCi('the tests pass, those of architecture as well', { timeout: 120_000 }, async () => {
  const files = ['test/commands/tasks.test.ts', 'test/projections/tasks.test.ts', 'test/architecture'];
  const { stdout } = await run(bin('vitest'), ['run', '--reporter=default', ...files], {
    cwd: copy,
    env: { ...process.env, NO_COLOR: '1' },
  }).catch(output);
  expect(stdout).toMatch(/Tests +\d+ passed/);
  expect(stdout).not.toMatch(/Tests .*failed/);
});

/** Takes the lines before `-` and ` ` for those before and after; they are there once. */
function changed(source: string, hunk: string): string {
  const lines = hunk.split('\n');
  const side = (sign: '+' | '-') =>
    lines
      .filter((line) => line.startsWith(sign) || line.startsWith(' '))
      .map((line) => line.slice(1))
      .join('\n');
  expect(source.split(`\n${side('-')}\n`), `once: ${side('-')}`).toHaveLength(2);
  return source.replace(`\n${side('-')}\n`, () => `\n${side('+')}\n`);
}

/** What a command that failed has said. */
function output(error: unknown): { stdout: string } {
  if (error instanceof Error && 'stdout' in error && 'stderr' in error) return { stdout: `${error.stdout}\n${error.stderr}` };
  throw error;
}

// Takes the tours as a newcomer does, that of the README and those of docs/tours: word for word, each in one shell, against a
// Daybook that has just been started. Only the port is another. What a tour shows as the answer is the answer; "…" stands for any
// value but null.
import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/postgres.ts';
import { type DaybookProcess, startProcess } from '../support/process.ts';
import { type Block, blocks, documents, read, root, section } from './markdown.ts';

type Step = { readonly script: string; readonly answer: Block | undefined };

const stepsOf = (markdown: string): Step[] => {
  const shown = blocks(markdown);
  return shown.flatMap((block, index) => {
    const next = shown[index + 1];
    return block.language === 'sh' ? [{ script: block.text, answer: next?.language === 'sh' ? undefined : next }] : [];
  });
};
const readme = stepsOf(section(read('README.md'), '## A tour'));
const tours = documents.filter((name) => name.startsWith(join('docs', 'tours'))).map((name) => ({ name, steps: stepsOf(read(name)) }));
const asksOnly = ({ script, answer }: Step) => answer !== undefined && !/ -X | -d '\{/.test(script);

const folder = temporaryFolder();
const settings = { ADMIN_EMAILS: 'root@example.com', ROLES: 'api,projector,embedder,scheduler' };
let daybook: DaybookProcess;

beforeAll(async () => {
  daybook = await startProcess(folder, settings);
}, 120_000);
afterAll(async () => {
  await daybook.kill();
  rmSync(folder, { recursive: true, force: true });
});

describe.each([{ name: 'README.md', steps: readme }, ...tours])('$name', ({ steps }) => {
  let shell: Shell;
  beforeAll(() => {
    shell = openShell();
  });
  afterAll(() => shell.close());

  test('asks and answers', () => {
    expect(steps.filter(({ answer }) => answer !== undefined).length).toBeGreaterThanOrEqual(3);
    if (steps === readme) expect(steps.filter(asksOnly).length).toBeGreaterThanOrEqual(3);
  });

  test.for(steps.map((step, index) => [index + 1, step] as const))('step %i answers as shown', { timeout: 60_000 }, async ([, step]) => {
    await holdsTrue(shell, step);
  });

  if (steps === readme) {
    test('with the read model deleted and made again, every question has the same answer', { timeout: 120_000 }, async () => {
      const { port } = new URL(daybook.url);
      await daybook.stop();
      rmSync(join(folder, 'postgres'), { recursive: true });
      daybook = await startProcess(folder, { ...settings, PORT: port });
      for (const step of steps.filter(asksOnly)) await holdsTrue(shell, step);
    });
  }
});

test('each tour is one that the index names', () => {
  const index = read(join('docs', 'README.md'));
  expect(tours.map(({ name }) => name).filter((name) => !index.includes(`(${name.replace(/^docs./, '')})`))).toEqual([]);
});

async function holdsTrue(shell: Shell, { script, answer }: Step): Promise<void> {
  const printed = await shell.run(script.replaceAll('http://127.0.0.1:3000', daybook.url));
  if (answer === undefined) expect(printed).toBe('');
  else if (answer.language === 'http') expectAnswer(printed, answer.text);
  else if (answer.language === 'json') expect(JSON.parse(printed)).toEqual(elided(JSON.parse(answer.text)));
  else expectText(printed, answer.text);
}

/** The status line, the headers that are shown among those that came, and the body. */
function expectAnswer(printed: string, text: string): void {
  const [head, body] = cutAtBlank(printed.replaceAll('\r', ''));
  const [shownHead, shownBody] = cutAtBlank(text);
  const came = head.split('\n');
  for (const line of shownHead.trimEnd().split('\n')) expect(came).toContainEqual(expect.stringMatching(withAny(line)));
  if (shownBody === '') expect(body).toBe('');
  else if (/^content-type: application\/(problem\+)?json/im.test(head)) expect(JSON.parse(body)).toEqual(elided(JSON.parse(shownBody)));
  else expectText(body, shownBody);
}

function cutAtBlank(text: string): [string, string] {
  const [head = '', ...rest] = text.split('\n\n');
  return [head, rest.join('\n\n')];
}

/** What is no JSON, line by line. */
const expectText = (printed: string, text: string) =>
  expect(printed.replaceAll('\r', '').trimEnd().split('\n')).toEqual(
    text
      .trimEnd()
      .split('\n')
      .map((line) => (line.includes('…') ? expect.stringMatching(withAny(line)) : line)),
  );

const withAny = (line: string) => new RegExp(`^${line.split('…').map(RegExp.escape).join('.+')}$`);

function elided(value: unknown): unknown {
  if (value === '…') return expect.anything();
  if (Array.isArray(value)) return value.map(elided);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, elided(member)]));
  return value;
}

type Shell = { readonly run: (script: string) => Promise<string>; readonly close: () => void };

/** A shell that stays, as the newcomer's does: what one step sets, the next ones know. A failing command ends it. */
function openShell(): Shell {
  const child: ChildProcess & { stdin: NodeJS.WritableStream; stdout: NodeJS.ReadableStream; stderr: NodeJS.ReadableStream } = spawn(
    'bash',
    ['-euo', 'pipefail', '-s'],
    { cwd: root, stdio: ['pipe', 'pipe', 'pipe'] },
  );
  let printed = '';
  let complained = '';
  let onChange = () => {};
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
    onChange();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complained += text;
  });
  const gone = new Promise<never>((_, reject) => {
    child.once('exit', (code) => reject(new Error(`the shell ended with ${code}: ${complained}`)));
  });
  gone.catch(() => {});
  return {
    run: async (script) => {
      const end = `-- end of ${crypto.randomUUID()}`;
      printed = '';
      child.stdin.write(`${script}\nprintf '\\n%s\\n' '${end}'\n`);
      const done = new Promise<string>((resolve) => {
        onChange = () => {
          if (printed.includes(end)) resolve(printed.slice(0, printed.indexOf(end)));
        };
      });
      return (await Promise.race([done, gone])).trimEnd();
    },
    close: () => child.kill(),
  };
}

// Daybook as a process of its own, to be killed. Whatever becomes of a test, no process outlives it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export type DaybookProcess = {
  /** Of the server, without a path. */
  readonly url: string;
  /** SIGKILL, to the process with all its threads; resolves when it is gone. */
  readonly kill: () => Promise<void>;
  /** SIGTERM; resolves when it is gone. @throws when it does not go by itself with code 0 */
  readonly stop: () => Promise<void>;
  /** What it has said so far. */
  readonly output: () => string;
};

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const CLI = fileURLToPath(new URL('../../src/cli/daybook.ts', import.meta.url));
/** As npm start has it. */
const NODE_COMPILE_CACHE = fileURLToPath(new URL('../../node_modules/.cache/node', import.meta.url));
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;

const alive = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

/** Ends what a failed test has left behind. */
export async function killAll(): Promise<void> {
  await Promise.all([...alive].map((child) => kill(child)));
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = ended(child);
  child.kill('SIGKILL');
  await gone;
}

const ended = (child: ChildProcess): Promise<unknown> =>
  child.exitCode !== null || child.signalCode !== null ? Promise.resolve() : once(child, 'exit');

/** Starts a process that is not awaited: `ready` is. One can kill it at any time before, too. */
export const launch = (dataDirectory: string, environment: Readonly<Record<string, string>> = {}) =>
  spawned(
    [MAIN],
    { PORT: '0', LOG_LEVEL: 'warn', ROLES: 'api,projector,scheduler', DAYBOOK_DATA_DIR: dataDirectory, ...environment },
    /API: (http:\S+)\/api\/v1/,
  );

/** @param ready what it says then; the group is its URL */
function spawned(args: readonly string[], environment: Readonly<Record<string, string>>, ready: RegExp) {
  const { PATH = '', TMPDIR = '/tmp' } = process.env;
  const child = spawn(process.execPath, args, {
    env: { PATH, TMPDIR, NODE_COMPILE_CACHE, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  alive.add(child);
  let output = '';
  const { promise: listening, resolve, reject } = Promise.withResolvers<string>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      const [, url] = ready.exec(output) ?? [];
      if (url !== undefined) resolve(url);
    });
  }
  child.once('exit', () => alive.delete(child));
  // Only then is all there that it has said.
  child.once('close', (code, signal) => {
    reject(new Error(`Daybook ended with ${signal ?? code} before it was ready:\n${output}`));
  });
  const timer = setTimeout(() => reject(new Error(`Daybook was not ready within ${START_TIMEOUT_MS} ms:\n${output}`)), START_TIMEOUT_MS);
  const isReady = listening.finally(() => clearTimeout(timer));
  // Who kills it before it is ready does not wait for that.
  isReady.catch(() => {});
  return { ready: isReady, kill: () => kill(child), stop: () => stop(child, () => output), output: () => output };
}

export async function startProcess(dataDirectory: string, environment?: Readonly<Record<string, string>>): Promise<DaybookProcess> {
  const { ready, ...rest } = launch(dataDirectory, environment);
  return { ...rest, url: await ready };
}

/** The embedded event log alone, as `daybook eventstore` runs it; its URL is a connection string. @param port 0 takes any free one */
export async function startEventStore(directory: string, port: string): Promise<DaybookProcess> {
  const args = [CLI, 'eventstore', '--data-dir', directory, '--port', port];
  const { ready, ...rest } = spawned(args, {}, /(esdb:\S+)/);
  return { ...rest, url: await ready };
}

async function stop(child: ChildProcess, output: () => string): Promise<void> {
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  const gone = ended(child);
  child.kill('SIGTERM');
  await gone;
  clearTimeout(timer);
  if (child.exitCode !== 0) throw new Error(`Daybook did not stop by itself (${child.signalCode ?? child.exitCode}):\n${output()}`);
}

// Postgres for those who have none: PGlite with pgvector in a thread of its own, reached over a Unix socket, so that the
// rest of Daybook does not know the difference. All it keeps can be made again from the event log, and when it is in doubt
// about what it kept, it begins anew and says so.
import { mkdtempSync, rmSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EMBEDDED } from '../applicationName.ts';
import { DatabaseFolder } from './folder.ts';
import { takeThread, type WorkerOptions } from './thread.ts';

// Opening takes half a second, with all of the log that upkeep leaves two or three, and making one four; on a machine with
// much else to do, several times that.
const OPEN_TIMEOUT_MS = 30_000;
const MAKE_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 10_000;

export type EmbeddedPostgres = {
  readonly url: string;
  /** There was a database and it could not be trusted or opened: this one is empty. */
  readonly wasReset: boolean;
  close(): Promise<void>;
};

/**
 * Starts the embedded Postgres in a folder (made where missing), which nothing else may use at the same time. When its
 * thread ends unexpectedly later, `onFailure` is told; by default that ends the process, and the next start recovers.
 */
export async function startEmbeddedPostgres({
  directory,
  template,
  openTimeoutMs = OPEN_TIMEOUT_MS,
  onFailure = crash,
}: {
  directory: string;
  /** The folder of a closed embedded Postgres to begin with a copy of, which is quicker than to make one. */
  template?: string | undefined;
  openTimeoutMs?: number;
  onFailure?: (error: Error) => void;
}): Promise<EmbeddedPostgres> {
  const folder = new DatabaseFolder(directory);
  const { found } = folder.inspect();
  const socketFolder = mkdtempSync(join(shortTemporaryFolder(), 'daybook-'));
  const socket = join(socketFolder, '.s.PGSQL.5432');
  const start = (timeoutMs: number) => {
    // A thread that was ended before its time leaves its socket.
    rmSync(socket, { force: true });
    return startThread({ data: folder.data, socket }, timeoutMs, onFailure);
  };
  const copyTemplate = async (from: string) => {
    await cp(join(from, 'data'), folder.data, { recursive: true });
    return start(OPEN_TIMEOUT_MS);
  };
  const make = () => {
    folder.mark('making', socketFolder);
    if (template === undefined) return start(MAKE_TIMEOUT_MS);
    return copyTemplate(template).catch(() => {
      rmSync(folder.data, { recursive: true, force: true });
      return start(MAKE_TIMEOUT_MS);
    });
  };
  const makeAnew = () => {
    folder.setAside();
    return make();
  };

  let wasReset = found === 'torn';
  let thread: Thread;
  if (found === 'nothing') {
    thread = await make();
  } else if (found === 'torn') {
    thread = await makeAnew();
  } else {
    folder.mark('running', socketFolder);
    thread = await start(openTimeoutMs).catch(() => {
      wasReset = true;
      return makeAnew();
    });
  }
  folder.mark('running', socketFolder);

  return {
    url: `postgres://postgres@${encodeURIComponent(socketFolder)}/postgres?application_name=${EMBEDDED}`,
    wasReset,
    async close() {
      if (await thread.stop()) {
        folder.syncData();
        folder.mark('stopped', socketFolder);
      }
      rmSync(socketFolder, { recursive: true, force: true });
    },
  };
}

/** `stop` tells whether the database was closed as it should be. */
type Thread = { stop(): Promise<boolean> };

/** Resolves when the thread serves; rejects when it cannot, or has not after the time given, and then it is gone. */
async function startThread(options: WorkerOptions, timeoutMs: number, onFailure: (error: Error) => void): Promise<Thread> {
  const worker = takeThread(options);
  const ready = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<boolean>();
  let failure: Error | undefined;
  worker.once('message', ready.resolve);
  worker.once('error', (error) => {
    failure = error instanceof Error ? error : new Error(String(error));
  });
  worker.once('exit', (code) => {
    failure ??= new Error(`the embedded Postgres ended with code ${code}`);
    ready.reject(failure);
    ended.resolve(code === 0);
  });
  const timer = setTimeout(() => ready.reject(new Error(`the embedded Postgres did not open within ${timeoutMs} ms`)), timeoutMs);
  try {
    await ready.promise;
  } catch (error) {
    await worker.terminate();
    throw error;
  } finally {
    clearTimeout(timer);
  }
  const fail = () => onFailure(failure ?? new Error('the embedded Postgres ended'));
  worker.once('exit', fail);
  return {
    async stop() {
      worker.off('exit', fail);
      worker.postMessage('stop');
      const timer = setTimeout(() => worker.terminate(), STOP_TIMEOUT_MS);
      return ended.promise.finally(() => clearTimeout(timer));
    },
  };
}

// The path of a Unix socket has room for about a hundred characters.
const shortTemporaryFolder = () => (tmpdir().length > 70 ? '/tmp' : tmpdir());

function crash(error: Error): void {
  queueMicrotask(() => {
    throw error;
  });
}

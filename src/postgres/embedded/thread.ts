// The embedded Postgres's thread before it is told what to open. To load PGlite takes as long as to open a database.
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';

export type WorkerOptions = { readonly data: string; readonly socket: string };

// PGlite's code that has run for so many bytes is compiled again, to be quicker. By default that begins while the database
// opens, and takes both cores from a start that has other things to do with them.
const TIERING_BUDGET = 200_000_000;

let ahead: Worker | undefined;

function load(): Worker {
  setFlagsFromString(`--wasm-tiering-budget=${TIERING_BUDGET}`);
  return new Worker(new URL('./worker.ts', import.meta.url));
}

/** For who will open one, and has other things to load before it knows which. */
export function loadAhead(): void {
  ahead ??= load();
}

/** A thread that has loaded or does, and opens the database that it is told to. */
export function takeThread(options: WorkerOptions): Worker {
  const worker = ahead ?? load();
  ahead = undefined;
  worker.postMessage(options);
  return worker;
}

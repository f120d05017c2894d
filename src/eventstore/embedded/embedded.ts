// The event log for those who run no EventStoreDB: a server of its protocol in a worker thread, on a SQLite file. The official
// client talks to it as to the real one, and nothing else of Daybook knows the difference.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { WorkerMessage, WorkerOptions } from './worker.ts';

export type EmbeddedEventStore = { connectionString: string; port: number; close(): Promise<void> };

/**
 * Starts the log's server in a worker thread, on the loopback interface; resolves when it accepts connections. Rejects with
 * one clear sentence: the port is taken, the log is in use or damaged, the disk is full or read-only.
 */
export async function startEmbeddedEventStore({ directory, port = 0 }: { directory: string; port?: number }): Promise<EmbeddedEventStore> {
  const workerData: WorkerOptions = { directory, port };
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData, name: 'event log' });
  const [message]: WorkerMessage[] = await once(worker, 'message');
  if (message?.is !== 'listening') {
    await worker.terminate();
    throw new Error(message?.reason ?? 'The event log did not start');
  }
  let closed: Promise<unknown> | undefined;
  return {
    connectionString: `esdb://127.0.0.1:${message.port}?tls=false`,
    port: message.port,
    async close() {
      if (!closed) {
        closed = once(worker, 'exit');
        worker.postMessage('close');
      }
      await closed;
    },
  };
}

// The thread that the embedded log runs in. It says when it accepts connections or why it cannot, and closes when told to.
import { parentPort, workerData } from 'node:worker_threads';
import { openLog } from './log.ts';
import { serveLog } from './server.ts';

export type WorkerOptions = { directory: string; port: number };
export type WorkerMessage = { is: 'listening'; port: number } | { is: 'failed'; reason: string };

const { directory, port }: WorkerOptions = workerData;
const say = (message: WorkerMessage) => parentPort?.postMessage(message);

try {
  const log = openLog(directory);
  const server = await serveLog(log, port).catch((error) => {
    log.close();
    throw error;
  });
  parentPort?.once('message', async () => {
    await server.close();
    log.close();
    parentPort?.close();
  });
  say({ is: 'listening', port: server.port });
} catch (error) {
  say({ is: 'failed', reason: error instanceof Error ? error.message : String(error) });
}

// The thread of the embedded Postgres: opens the database, serves it, and closes it when told to. PGlite computes in the
// thread that calls it, and that must not be the one that answers HTTP.
import { once } from 'node:events';
import { parentPort } from 'node:worker_threads';
import { openDatabase } from './database.ts';
import { PostgresServer } from './server.ts';
import type { WorkerOptions } from './thread.ts';

if (!parentPort) throw new Error('this is a thread');
const [options] = await once(parentPort, 'message');
const { data, socket }: WorkerOptions = options;

const database = await openDatabase(data);
// Reading the whole catalog shows damage now rather than in somebody's query.
await database.rows('SELECT count(*) FROM pg_class, pg_attribute WHERE attrelid = pg_class.oid');

const server = new PostgresServer(database, (error) => {
  // Ends the thread, which is how the main thread hears of it.
  queueMicrotask(() => {
    throw error;
  });
});
await server.listen(socket);
parentPort.postMessage('ready');

parentPort.once('message', async () => {
  await server.close();
  await database.close();
  parentPort?.postMessage('closed');
  parentPort?.close();
});

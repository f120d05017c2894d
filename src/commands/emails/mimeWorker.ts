// The thread that reads a large message.
import { parentPort, workerData } from 'node:worker_threads';
import PostalMime from 'postal-mime';
import { MIME_OPTIONS } from './mime.ts';

parentPort?.postMessage(await PostalMime.parse(workerData, MIME_OPTIONS));

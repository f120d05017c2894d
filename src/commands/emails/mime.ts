// Reads MIME. A large message takes its time, more than a second for the largest there may be, so it is read in a thread of
// its own while others go on.
import { Worker } from 'node:worker_threads';
import PostalMime, { type Email } from 'postal-mime';
import { takingTurns } from '../../turns.ts';

/** A smaller one made to take long takes a fraction of a second. */
const LARGE = 64 * 1024;
const MAX_MS = 20_000;
const HEAP_MIB = 512;
const inTurn = takingTurns(2, 'Too many messages are being read at once.');

/** Messages within a message stay what they are: attachments. */
export const MIME_OPTIONS = { forceRfc822Attachments: true } as const;

/** @throws Error for what is nested too deep, has a header beyond all measure or takes too long */
export async function readMime(message: Buffer): Promise<Email> {
  if (message.byteLength < LARGE) return PostalMime.parse(message, MIME_OPTIONS);
  return inTurn(() => inWorker(message));
}

async function inWorker(message: Buffer): Promise<Email> {
  const worker = new Worker(new URL('./mimeWorker.ts', import.meta.url), {
    workerData: message,
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
  });
  const timer = setTimeout(() => void worker.terminate(), MAX_MS);
  try {
    return await new Promise((resolve, reject) => {
      worker.on('message', (email: Email) => resolve(email));
      worker.on('error', reject);
      worker.on('exit', () => reject(new Error('it takes too long to read')));
    });
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}

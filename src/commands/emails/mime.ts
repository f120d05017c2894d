// Reads MIME. A large message takes its time, more than a second for the largest there may be, so it is read in a thread of
// its own while others go on.
import type { Email } from 'postal-mime';
import { inBoundedThread } from '../../boundedThread.ts';
import { takingTurns } from '../../turns.ts';

/** A smaller one made to take long takes a fraction of a second. */
const LARGE = 64 * 1024;
const inTurn = takingTurns(2, 'Too many messages are being read at once.');

/** Messages within a message stay what they are: attachments. */
export const MIME_OPTIONS = { forceRfc822Attachments: true } as const;

/** @throws Error for what is nested too deep, has a header beyond all measure or takes too much time or memory */
export async function readMime(message: Buffer): Promise<Email> {
  if (message.byteLength < LARGE) return (await import('postal-mime')).default.parse(message, MIME_OPTIONS);
  return inTurn(() => inBoundedThread(new URL('./mimeWorker.ts', import.meta.url), message, (email: Email) => email));
}

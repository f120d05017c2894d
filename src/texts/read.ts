// Reads texts without holding up anything else: in a thread of its own, for a limited time and with limited memory. What a
// file is made to do to its reader, it does to that thread.
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { unavailable } from '../problem.ts';
import { takingTurns } from '../turns.ts';
import { mediaType, type unreadBecause } from '../vocabulary.ts';
import { beginningOf, countWords } from './words.ts';
import type { FileToRead } from './worker.ts';

export type ReadFile = {
  /** As its content shows. */
  readonly content_type: string;
  /** Its beginning, where it is long; null where it could not be read. */
  readonly text: string | null;
  /** Of the whole text. */
  readonly word_count: number;
  readonly unread_because: z.output<typeof unreadBecause> | null;
};

const LIMITS = { timeMs: 20_000, heapMiB: 512, outsideBytes: 512 * 1024 * 1024 };
const WATCH_EVERY_MS = 50;
const inTurn = takingTurns(2, 'Too many files are being read at once.');
/** What is counted where it is: a few milliseconds. */
const SHORT = 32 * 1024;

/** The beginning of a text, as an event carries it, and the words of the whole. */
export async function readText(text: string): Promise<{ readonly text: string; readonly word_count: number }> {
  if (text.length <= SHORT) return { text: beginningOf(text), word_count: countWords(text) };
  const { text: beginning, word_count } = await inTurn(() => ask(text, LIMITS));
  if (beginning === null) throw unavailable('The text could not be read in time.');
  return { text: beginning, word_count };
}

/** Never throws for what is in a file. */
export const readFile = (file: FileToRead, limits: Partial<typeof LIMITS> = {}): Promise<ReadFile> =>
  inTurn(() => ask(file, { ...LIMITS, ...limits }));

const fromWorker = z.union([z.object({ content_type: mediaType }), z.object({ text: z.string().nullable(), word_count: z.int() })]);

async function ask(task: string | FileToRead, { timeMs, heapMiB, outsideBytes }: typeof LIMITS): Promise<ReadFile> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: task,
    // What libraries complain of is nothing that an operator could see to.
    stdout: true,
    stderr: true,
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: heapMiB, maxYoungGenerationSizeMb: 64 },
  });
  let content_type = 'application/octet-stream';
  let tooMuch = false;
  const stop = () => {
    tooMuch = true;
    void worker.terminate();
  };
  const timer = setTimeout(stop, timeMs);
  // The limits of a thread are of its heap; what is unpacked lies outside.
  const watch = setInterval(() => {
    worker.getHeapStatistics().then(
      ({ external_memory }) => external_memory > outsideBytes && stop(),
      () => {},
    );
  }, WATCH_EVERY_MS);
  try {
    return await new Promise((resolve) => {
      const unread = (unread_because: ReadFile['unread_because']) => resolve({ content_type, text: null, word_count: 0, unread_because });
      worker.on('message', (message) => {
        const { data: told } = fromWorker.safeParse(message);
        if (!told) unread('damaged');
        else if ('content_type' in told) content_type = told.content_type;
        else if (told.text === null) unread('no_text');
        else resolve({ content_type, ...told, unread_because: null });
      });
      worker.on('error', (error) => {
        const { code } = z.object({ code: z.string() }).catch({ code: '' }).parse(error);
        unread(tooMuch || code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'too_much' : 'damaged');
      });
      worker.on('exit', () => unread(tooMuch ? 'too_much' : 'damaged'));
    });
  } finally {
    clearTimeout(timer);
    clearInterval(watch);
    await worker.terminate();
  }
}

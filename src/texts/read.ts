// Reads texts in a thread of its own, without holding up anything else.
import { z } from 'zod';
import { inBoundedThread, LIMITS, TooMuch } from '../boundedThread.ts';
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

async function ask(task: string | FileToRead, limits: typeof LIMITS): Promise<ReadFile> {
  let content_type = 'application/octet-stream';
  const unread = (unread_because: ReadFile['unread_because']): ReadFile => ({ content_type, text: null, word_count: 0, unread_because });
  const answerOf = (message: unknown): ReadFile | undefined => {
    const { data: told } = fromWorker.safeParse(message);
    if (!told) return unread('damaged');
    if ('text' in told) return told.text === null ? unread('no_text') : { content_type, ...told, unread_because: null };
    content_type = told.content_type;
    return undefined;
  };
  try {
    return await inBoundedThread(new URL('./worker.ts', import.meta.url), task, answerOf, limits);
  } catch (error) {
    return unread(error instanceof TooMuch ? 'too_much' : 'damaged');
  }
}

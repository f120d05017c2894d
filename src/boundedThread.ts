// Runs work in a thread of its own, for a limited time and with limited memory, without holding up anything else. What a file is
// made to do to its reader, it does to that thread.
import { Worker } from 'node:worker_threads';

export const LIMITS = { timeMs: 20_000, heapMiB: 512, outsideBytes: 512 * 1024 * 1024 };
const WATCH_EVERY_MS = 50;

/** The work took more time or memory than it may. */
export class TooMuch extends Error {}

/**
 * @param file of the thread, which is given the task as its `workerData`
 * @param answerOf a message of the thread; undefined: that is not all
 * @throws TooMuch, or whatever else ended the thread before it answered
 */
export async function inBoundedThread<Message, Answer>(
  file: URL,
  task: unknown,
  answerOf: (message: Message) => Answer | undefined,
  { timeMs, heapMiB, outsideBytes } = LIMITS,
): Promise<Answer> {
  const worker = new Worker(file, {
    workerData: task,
    // What libraries complain of is nothing that an operator could see to.
    stdout: true,
    stderr: true,
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: heapMiB, maxYoungGenerationSizeMb: 64 },
  });
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const stop = () => reject(new TooMuch('This takes too much time or memory.'));
  const timer = setTimeout(stop, timeMs);
  // The limits of a thread are of its heap; what is unpacked lies outside.
  const watch = setInterval(() => {
    worker.getHeapStatistics().then(
      ({ external_memory }) => external_memory > outsideBytes && stop(),
      () => {},
    );
  }, WATCH_EVERY_MS);
  worker.on('message', (message: Message) => {
    const answer = answerOf(message);
    if (answer !== undefined) resolve(answer);
  });
  worker.on('error', (error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY') stop();
    else reject(error);
  });
  worker.on('exit', () => reject(new Error('The thread ended without an answer.')));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    clearInterval(watch);
    await worker.terminate();
  }
}

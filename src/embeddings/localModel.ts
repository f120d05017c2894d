// The model that comes with Daybook: English, 512 dimensions, no network. It computes in a thread of its own, which is started
// when the first text comes; who never embeds anything never loads it.
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { EmbeddingFailed, type EmbeddingModel, type Vector } from './model.ts';

export const LOCAL_MODEL = 'universal-sentence-encoder-lite';

const answer = z.union([z.object({ id: z.int(), vectors: z.array(z.array(z.number())) }), z.object({ id: z.int(), error: z.string() })]);

export function localModel(): EmbeddingModel {
  let thread: Worker | undefined;
  let lastId = 0;
  const asked = new Map<number, PromiseWithResolvers<readonly Vector[]>>();

  function start(): Worker {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { env: {}, stdout: true, stderr: true });
    worker.on('message', (message) => {
      const told = answer.parse(message);
      const waiting = asked.get(told.id);
      asked.delete(told.id);
      if ('error' in told) waiting?.reject(new EmbeddingFailed(told.error));
      else waiting?.resolve(told.vectors);
      // A process that has nothing else to do may end.
      if (asked.size === 0) worker.unref();
    });
    let failure = 'the thread of the embedding model ended';
    worker.on('error', (error) => {
      failure = error instanceof Error ? error.message : String(error);
    });
    worker.on('exit', () => {
      thread = undefined;
      for (const { reject } of asked.values()) reject(new EmbeddingFailed(failure));
      asked.clear();
    });
    return worker;
  }

  return {
    name: LOCAL_MODEL,
    embed: (texts, { isWaitedFor }) => {
      thread ??= start();
      thread.ref();
      const waiting = Promise.withResolvers<readonly Vector[]>();
      lastId += 1;
      asked.set(lastId, waiting);
      thread.postMessage({ id: lastId, texts, isWaitedFor });
      return waiting.promise;
    },
    close: async () => {
      await thread?.terminate();
    },
  };
}

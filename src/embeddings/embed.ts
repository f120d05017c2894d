// From things that have changed to their rows: what is written in them now is cut into chunks, and only what has no vector yet
// goes to the model. Every step can be done again, and what is done already is not.
import type { DatabasePool } from 'slonik';
import { chunksOf } from './chunks.ts';
import { EmbeddingFailed, type EmbeddingModel, haveLength, type Vector } from './model.ts';
import type { Place } from './place.ts';
import { setAside, takeBack } from './setAside.ts';
import { type Changed, type SearchedType, textsOf } from './texts.ts';
import { type Chunk, chunkOf, dimensionsOf, forgetEntities, keep, knownOf, storedChunks, storeRows } from './vectors.ts';

/** As many texts as are in memory at a time; each has up to 256 KiB. */
const ENTITIES_AT_ONCE = 20;
/** Not more than some endpoints take in one call, and less than a question waits for. */
const TEXTS_AT_ONCE = 16;

export type Embedding = {
  readonly database: DatabasePool;
  readonly model: EmbeddingModel;
  readonly signal: AbortSignal;
  /** Told of chunks that came to have a row's vector: how many the model computed. */
  readonly onComputed: (chunks: number) => void;
};

/**
 * @returns those that the model refuses, which are set aside
 * @throws EmbeddingFailed, PlaceMoved
 */
export async function embedAll(embedding: Embedding, place: Place, changed: readonly Changed[], correlationId: string): Promise<number> {
  let refused = 0;
  for (const [type, ofType] of Map.groupBy(changed, (each) => each.type)) {
    for (let from = 0; from < ofType.length; from += ENTITIES_AT_ONCE) {
      refused += await embedSome(embedding, place, type, ofType.slice(from, from + ENTITIES_AT_ONCE), correlationId);
    }
  }
  return refused;
}

async function embedSome(
  embedding: Embedding,
  place: Place,
  type: SearchedType,
  changed: readonly Changed[],
  correlationId: string,
): Promise<number> {
  const { database, model } = embedding;
  const ids = changed.map(({ id }) => id);
  const texts = new Map((await textsOf(database, type, ids)).map((text) => [text.id, text]));
  await forgetEntities(
    database,
    type,
    ids.filter((id) => !texts.has(id)),
  );
  const stored = await storedChunks(database, model.name, type, [...texts.keys()]);
  const work = changed.flatMap((entity) => {
    const text = texts.get(entity.id);
    const chunks = text ? chunksOf(text.text).map(chunkOf) : [];
    const rows = stored.get(entity.id) ?? [];
    const isSame = rows.length === chunks.length && chunks.every(({ sha256 }, index) => rows[index] === sha256);
    return text && !isSame ? [{ entity, text, chunks, rows }] : [];
  });
  if (work.length === 0) return 0;

  const refusals = new Map<string, string>();
  for (const [userId, ofUser] of Map.groupBy(work, ({ text }) => text.user_id)) {
    const chunks = new Map(ofUser.flatMap((each) => each.chunks.map((chunk) => [chunk.sha256, chunk])));
    const known = await knownOf(database, model.name, userId, [...chunks.keys()]);
    const missing = [...chunks.values()].filter(({ sha256 }) => !known.has(sha256));
    for (let from = 0; from < missing.length; from += TEXTS_AT_ONCE) {
      await compute(embedding, userId, correlationId, missing.slice(from, from + TEXTS_AT_ONCE), refusals);
    }
  }

  let refused = 0;
  const dimensions = await dimensionsOf(database, model.name);
  for (const { entity, text, chunks, rows } of work) {
    embedding.signal.throwIfAborted();
    if (dimensions !== undefined) await storeRows(database, { name: model.name, dimensions }, place, entity, text.user_id, chunks, rows);
    const refusal = chunks.map(({ sha256 }) => refusals.get(sha256)).find((reason) => reason !== undefined);
    if (refusal === undefined) {
      await takeBack(database, model.name, entity);
    } else {
      await setAside(database, model.name, entity, refusal);
      refused += 1;
    }
  }
  return refused;
}

/** Keeps the vectors of some chunks, and why those that were refused were. */
async function compute(
  embedding: Embedding,
  userId: string,
  correlationId: string,
  chunks: readonly Chunk[],
  refusals: Map<string, string>,
): Promise<void> {
  const { database, model, signal, onComputed } = embedding;
  signal.throwIfAborted();
  const ask = (texts: readonly string[]) => model.embed(texts, { userId, correlationId, isWaitedFor: false, signal });
  try {
    const vectors = await ask(chunks.map(({ content }) => content));
    await haveDimensions(database, model.name, vectors);
    const kept = chunks.map(({ sha256 }, index) => ({ sha256, vector: vectors[index] ?? [] }));
    await keep(database, model.name, userId, kept);
    onComputed(chunks.length);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    // One of them is not to its liking, and which it is shows alone.
    if (chunks.length > 1) {
      for (const chunk of chunks) await compute(embedding, userId, correlationId, [chunk], refusals);
      return;
    }
    // Who refuses this refuses everything, and it is no matter of the text.
    await ask([HARMLESS]).catch((other: unknown) => {
      throw isRefusal(other) ? new EmbeddingFailed(other.message) : other;
    });
    for (const { sha256 } of chunks) refusals.set(sha256, error.message);
  }
}

const HARMLESS = 'Daybook';
const isRefusal = (error: unknown): error is EmbeddingFailed => error instanceof EmbeddingFailed && error.isRefusal;

/** Of one length, which a model's first ones set. */
async function haveDimensions(database: DatabasePool, model: string, vectors: readonly Vector[]): Promise<void> {
  const [first = []] = vectors;
  haveLength(model, vectors, await dimensionsOf(database, model, first.length));
}

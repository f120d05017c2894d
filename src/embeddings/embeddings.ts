// Embeddings as the rest of Daybook sees them: a question becomes a vector, and the embedder keeps everything else embedded.
import { setTimeout as delay } from 'node:timers/promises';
import type { DatabasePool } from 'slonik';
import { type Follower, type FollowerStatus, type Following, follow } from './follower.ts';
import { httpModel, type OnCall } from './httpModel.ts';
import { LOCAL_MODEL, localModel } from './localModel.ts';
import { type Asked, type EmbeddingModel, haveLength, type Question } from './model.ts';
import { servingModel, storedModels, want } from './models.ts';
import { makeSchema } from './schema.ts';
import { forgetDeleted } from './vectors.ts';

/** Where the settings name one, an endpoint as OpenAI's; its model is the one that is wanted. */
export type Endpoint = {
  readonly url: string;
  readonly model: string;
  readonly apiKey: string | undefined;
  readonly requestsPerMinute: number;
};

export type Embeddings = {
  /**
   * A question as a vector of the wanted model, or until that has embedded everything, of the one that it is to replace. Undefined
   * where nothing is embedded yet.
   * @throws EmbeddingFailed when it cannot be had soon
   */
  readonly ask: (question: string, asked: Pick<Asked, 'userId' | 'correlationId'>) => Promise<Question | undefined>;
  /** The one that is wanted. */
  readonly wanted: EmbeddingModel;
  /** A model by its name, where this process can embed with it. */
  readonly find: (name: string) => EmbeddingModel | undefined;
  readonly close: () => Promise<void>;
};

/** @param onCall told of every call to the endpoint */
export function createEmbeddings(database: DatabasePool, endpoint: Endpoint | undefined, onCall: OnCall): Embeddings {
  const models = new Map<string, EmbeddingModel>();
  const make = (name: string) => {
    if (name === LOCAL_MODEL) return localModel();
    return endpoint && httpModel(name, endpoint, onCall);
  };
  const find = (name: string) => {
    const model = models.get(name) ?? make(name);
    if (model) models.set(name, model);
    return model;
  };
  const wanted = endpoint ? httpModel(endpoint.model, endpoint, onCall) : localModel();
  models.set(wanted.name, wanted);
  return {
    wanted,
    find,
    ask: async (question, asked) => {
      await makeSchema(database);
      const serving = await servingModel(database, find);
      if (!serving) return undefined;
      const { model, dimensions } = serving;
      const vectors = await model.embed([question], { ...asked, isWaitedFor: true });
      haveLength(model.name, vectors, dimensions);
      const [vector] = vectors;
      return vector && { model: model.name, vector };
    },
    close: async () => {
      for (const model of models.values()) await model.close();
    },
  };
}

export type Embedder = {
  readonly start: () => void;
  /** Of each model that this process embeds with; the wanted one comes first. */
  readonly status: () => readonly ({ readonly model: string; readonly rate: number } & FollowerStatus)[];
  readonly stop: () => Promise<void>;
};

const LOOK_AGAIN_MS = 1_000;
const FORGET_EVERY_MS = 2_000;

/** The role `embedder`: keeps the wanted model's vectors, and until they are complete those of the models that it replaces. */
export function createEmbedder({ wanted, find }: Embeddings, following: Following): Embedder {
  const { database, logger } = following;
  const stopping = new AbortController();
  const nap = (ms: number) => delay(ms, undefined, { signal: stopping.signal }).catch(() => {});
  let followers: readonly Follower[] = [];
  let running: Promise<void> = Promise.resolve();

  async function begin(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await makeSchema(database);
        await want(database, wanted.name);
        const stored = await storedModels(database);
        const older = stored.flatMap(({ name }) => (name === wanted.name ? [] : (find(name) ?? [])));
        followers = [wanted, ...older].map((model) => follow(model, following));
        for (const { start } of followers) start();
        return;
      } catch (error) {
        logger.warn(`The embedder cannot start yet: ${error instanceof Error ? error.message : error}`);
        await nap(LOOK_AGAIN_MS);
      }
    }
  }

  /** Also while a follower waits, is held, or has much to do before it comes to who left. */
  async function forget(): Promise<void> {
    let lastError: string | undefined;
    for (await nap(FORGET_EVERY_MS); !stopping.signal.aborted; await nap(FORGET_EVERY_MS)) {
      try {
        await forgetDeleted(database);
        lastError = undefined;
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        if (lastError !== message) logger.warn(`Vectors of people who left may be there yet: ${message}`);
        lastError = message;
      }
    }
  }

  return {
    start: () => {
      running = begin().then(forget);
    },
    status: () =>
      followers.length === 0
        ? [{ model: wanted.name, rate: 0, state: 'starting', lastError: undefined }]
        : followers.map(({ model, rate, status }) => ({ model, rate: rate(), ...status() })),
    stop: async () => {
      stopping.abort();
      await running;
      await Promise.all(followers.map(({ stop }) => stop()));
    },
  };
}

// What turns a text into a vector: texts that mean something alike lie near each other.

export type EmbeddingModel = {
  /** Names what its vectors can be compared with: those of the same model, and no others. */
  readonly name: string;
  /**
   * A vector of length 1 for each text, in their order. Texts are at most as long as a chunk.
   * @throws EmbeddingFailed
   */
  readonly embed: (texts: readonly string[], asked: Asked) => Promise<readonly Vector[]>;
  readonly close: () => Promise<void>;
};

export type Vector = readonly number[];

/** Vectors can be compared where they are of one length. @throws EmbeddingFailed where one has another than those that are there */
export function haveLength(model: string, vectors: readonly Vector[], dimensions: number | undefined): void {
  const other = vectors.find(({ length }) => length !== dimensions);
  if (other) throw new EmbeddingFailed(`${model} gave a vector of ${other.length} numbers; those that are there have ${dimensions}`);
}

/** A question as a vector, and the model whose vectors it can be compared with (relationships.entity_embeddings.model). */
export type Question = { readonly model: string; readonly vector: Vector };

/** A text as a model is given it. In `.` a model finds something; of a text without any word one refuses it, another leaves it out. */
export const notEmpty = (text: string): string => (text.trim() === '' ? '.' : text);

export type Asked = {
  /** Whose texts they are. */
  readonly userId: string;
  /** Of the request that they belong to, or an id of their own. */
  readonly correlationId: string;
  /** Somebody waits for the answer: it comes before what is only to be stored, or soon fails. */
  readonly isWaitedFor: boolean;
  /** Gives up when it aborts. */
  readonly signal?: AbortSignal | undefined;
};

/** The model gave no vectors. Another time it might, except for texts that it refuses. */
export class EmbeddingFailed extends Error {
  readonly isRefusal: boolean;
  /** How long to leave it alone, where it said so. */
  readonly retryAfterMs: number | undefined;
  constructor(message: string, { isRefusal = false, retryAfterMs }: { isRefusal?: boolean; retryAfterMs?: number | undefined } = {}) {
    super(message);
    this.isRefusal = isRefusal;
    this.retryAfterMs = retryAfterMs;
  }
}

// A model behind an endpoint as OpenAI's (POST {url}/embeddings). One call is one try: whoever calls tries again.
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { type Asked, EmbeddingFailed, type EmbeddingModel, notEmpty, type Vector } from './model.ts';

/** A call to the outside, as the integration log has it: what was asked, without the texts, and how that went. */
export type OutsideCall = Pick<Asked, 'userId' | 'correlationId'> & {
  readonly url: string;
  readonly model: string;
  readonly texts: number;
  readonly characters: number;
  readonly occurred_at: string;
  readonly duration_ms: number;
  readonly http_status: number | null;
  /** What it cost, where the endpoint says so. */
  readonly total_tokens: number | null;
  /** Null where it went well. */
  readonly error: string | null;
  readonly isTriedAgain: boolean;
};

const TIMEOUT_MS = 60_000;
/** A person waits. */
const QUESTION_TIMEOUT_MS = 5_000;
const MOST_RETRY_AFTER_MS = 10 * 60_000;
const MOST_ERROR_CHARACTERS = 500;

const embeddings = z.object({
  data: z.array(z.object({ index: z.int().nonnegative(), embedding: z.array(z.number()).min(1).max(16_000) })),
  usage: z.object({ total_tokens: z.int().nonnegative() }).optional().catch(undefined),
});

export type HttpModelOptions = {
  readonly url: string;
  readonly apiKey: string | undefined;
  /** How many calls a minute there may be for what is only to be stored. */
  readonly requestsPerMinute: number;
  readonly timeoutMs?: number;
  readonly questionTimeoutMs?: number;
};

/** Told of every call that was made. Resolves, and never rejects, to whether it is known of from now on. */
export type OnCall = (call: OutsideCall) => Promise<boolean>;

/** @param onCall only vectors that are to be stored wait for it, so that none is of a call that it lost */
export function httpModel(
  name: string,
  { url, apiKey, requestsPerMinute, timeoutMs = TIMEOUT_MS, questionTimeoutMs = QUESTION_TIMEOUT_MS }: HttpModelOptions,
  onCall: OnCall,
): EmbeddingModel {
  const place = url.replace(/\/+$/, '');
  const address = place.endsWith('/embeddings') ? place : `${place}/embeddings`;
  let nextAt = 0;

  /** Calls that nobody waits for keep a distance. */
  async function turn(signal: AbortSignal | undefined): Promise<void> {
    const now = performance.now();
    const at = Math.max(now, nextAt);
    nextAt = at + 60_000 / requestsPerMinute;
    if (at > now) await delay(at - now, undefined, { signal });
  }

  return {
    name,
    embed: async (texts, { userId, correlationId, isWaitedFor, signal }) => {
      if (!isWaitedFor) await turn(signal);
      const occurred_at = new Date().toISOString();
      const since = performance.now();
      const tell = (outcome: Pick<OutsideCall, 'http_status' | 'total_tokens' | 'error' | 'isTriedAgain'>) =>
        onCall({
          ...{ userId, correlationId, url: address, model: name, texts: texts.length, occurred_at },
          characters: texts.reduce((sum, { length }) => sum + length, 0),
          duration_ms: Math.round(performance.now() - since),
          ...outcome,
        });
      let http_status: number | null = null;
      let answered: { readonly vectors: readonly Vector[]; readonly total_tokens: number | null };
      try {
        const response = await fetch(address, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }) },
          body: JSON.stringify({ model: name, input: texts.map(notEmpty) }),
          redirect: 'error',
          signal: AbortSignal.any([AbortSignal.timeout(isWaitedFor ? questionTimeoutMs : timeoutMs), ...(signal ? [signal] : [])]),
        });
        http_status = response.status;
        const body = await response.text();
        if (!response.ok) throw refused(response, body);
        const { data, usage } = understood(body);
        answered = { vectors: inOrder(data, texts.length), total_tokens: usage?.total_tokens ?? null };
      } catch (error) {
        // Ended here, it has not failed; but it was made.
        if (signal?.aborted) {
          void tell({ http_status, total_tokens: null, error: 'Ended here before it was answered.', isTriedAgain: true });
          throw signal.reason;
        }
        const failure = error instanceof EmbeddingFailed ? error : new EmbeddingFailed(`The endpoint does not answer: ${reasonOf(error)}`);
        void tell({ http_status, total_tokens: null, error: failure.message, isTriedAgain: !isWaitedFor && !failure.isRefusal });
        throw failure;
      }
      const telling = tell({ http_status, total_tokens: answered.total_tokens, error: null, isTriedAgain: false });
      if (!isWaitedFor && !(await telling)) throw new Error('The call could not be logged, so its vectors are not stored');
      return answered.vectors;
    },
    close: async () => {},
  };
}

/** What is wrong with these texts, and would be again: too long, or not to be embedded. All else may be mended, or passes. */
const REFUSALS = [400, 413, 422];

function refused({ status, headers }: Response, body: string): EmbeddingFailed {
  return new EmbeddingFailed(`The endpoint answers ${status}: ${body.slice(0, MOST_ERROR_CHARACTERS)}`, {
    isRefusal: REFUSALS.includes(status),
    retryAfterMs: retryAfterMs(headers.get('retry-after')),
  });
}

/** RFC 9110 section 10.2.3: seconds, or a date. */
function retryAfterMs(header: string | null): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MOST_RETRY_AFTER_MS);
}

function understood(body: string): z.output<typeof embeddings> {
  try {
    return embeddings.parse(JSON.parse(body));
  } catch {
    throw new EmbeddingFailed('The endpoint answers with what is no list of embeddings');
  }
}

/** Each text's, of length 1 whatever the endpoint makes them. */
function inOrder(data: z.output<typeof embeddings>['data'], count: number): readonly Vector[] {
  const byIndex = new Map(data.map(({ index, embedding }) => [index, embedding]));
  return Array.from({ length: count }, (_, index) => {
    const vector = byIndex.get(index);
    const length = Math.hypot(...(vector ?? []));
    // Not finite where a number is so large that its square is none.
    if (!vector || data.length !== count || length === 0 || !Number.isFinite(length))
      throw new EmbeddingFailed(`The endpoint answers with ${data.length} embeddings, or such as have no direction, for ${count} texts`);
    return vector.map((value) => value / length);
  });
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Of a connection that broke, fetch says why only there.
  return error.cause instanceof Error ? error.cause.message : error.message;
}

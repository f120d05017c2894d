// An endpoint as OpenAI's, on loopback, that embeds by counting words and can fail in the ways that such endpoints do.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text as bodyOf } from 'node:stream/consumers';
import { z } from 'zod';

export type EmbeddingEndpoint = {
  readonly url: string;
  /** Every text that it gave a vector of, in the order in which they came. */
  readonly texts: string[];
  /** The headers of every request. */
  readonly headers: IncomingMessage['headers'][];
  /** What the next requests get instead of vectors, one each. */
  readonly failures: Failure[];
  /** What is asked of texts that are not to its liking. */
  refuse: (text: string) => boolean;
  /** Waited for before each answer of a model. */
  readonly hold: Map<string, Promise<void>>;
  /** Of models that are not of 64. */
  readonly dimensions: Map<string, number>;
  readonly close: () => Promise<void>;
};

export type Failure = (response: ServerResponse) => void;
export const status =
  (code: number, headers: Record<string, string> = {}, body = 'no'): Failure =>
  (response) =>
    response.writeHead(code, headers).end(body);
export const cut: Failure = (response) => response.socket?.destroy();
/** In the middle of what it says. */
export const cutShort: Failure = (response) => {
  response.writeHead(200, { 'content-length': '1000' }).write('{"data": [', () => response.socket?.destroy());
};
export const silence: Failure = () => {};
export const saying =
  (body: unknown): Failure =>
  (response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));

const question = z.object({ model: z.string(), input: z.array(z.string()) });

export async function embeddingEndpoint(): Promise<EmbeddingEndpoint> {
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  const endpoint: EmbeddingEndpoint = {
    ...{ url: '', texts: [], headers: [], failures: [], refuse: () => false, hold: new Map(), dimensions: new Map() },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { input, model } = question.parse(JSON.parse(await bodyOf(request)));
    endpoint.headers.push(request.headers);
    const failure = endpoint.failures.shift();
    if (failure) return failure(response);
    await endpoint.hold.get(model);
    if (input.some(endpoint.refuse)) return status(400, {}, '{"error":{"message":"not this"}}')(response);
    endpoint.texts.push(...input);
    // In any order, as it may be.
    const dimensions = endpoint.dimensions.get(model) ?? 64;
    const data = input.map((each, index) => ({ object: 'embedding', index, embedding: vectorOf(each, dimensions) })).toReversed();
    saying({ object: 'list', model, data, usage: { prompt_tokens: 7, total_tokens: 7 } })(response);
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return Object.assign(endpoint, { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/v1` });
}

/** Not of length 1, as not all are. */
export function vectorOf(text: string, dimensions: number): number[] {
  const vector = Array.from({ length: dimensions }, () => 0.01);
  for (const word of text.toLowerCase().match(/\w+/g) ?? []) {
    const at = createHash('sha256').update(word).digest().readUInt32BE() % dimensions;
    vector[at] = (vector[at] ?? 0) + 1;
  }
  return vector;
}

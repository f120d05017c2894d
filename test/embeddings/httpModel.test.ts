// One call to an endpoint: what it comes to, and what is told of it, however it fails.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { httpModel, type OutsideCall } from '../../src/embeddings/httpModel.ts';
import { EmbeddingFailed } from '../../src/embeddings/model.ts';
import {
  cut,
  cutShort,
  type EmbeddingEndpoint,
  embeddingEndpoint,
  type Failure,
  saying,
  silence,
  status,
} from '../support/embeddingEndpoint.ts';

let endpoint: EmbeddingEndpoint;
beforeAll(async () => {
  endpoint = await embeddingEndpoint();
});
afterAll(() => endpoint.close());

const asked = { userId: 'ann', correlationId: 'c', isWaitedFor: false };
const calls: OutsideCall[] = [];
const LOST = 'a call that the log does not take';
const modelAt = (url = endpoint.url) =>
  httpModel('words', { url, apiKey: undefined, requestsPerMinute: 1_000_000, timeoutMs: 200, questionTimeoutMs: 100 }, async (call) => {
    calls.push(call);
    return call.correlationId !== LOST;
  });
const lengthOf = (vector: readonly number[] = []) => Math.hypot(...vector);

test('gives each text its vector, of length 1', async () => {
  const [boat, none, again] = await modelAt(`${endpoint.url}/embeddings/`).embed(['boat', ' ', 'boat'], asked);
  expect([lengthOf(boat), lengthOf(none)].map((length) => length.toFixed(6))).toEqual(['1.000000', '1.000000']);
  expect(boat).toEqual(again);
  expect(boat).not.toEqual(none);
  expect(endpoint.headers.at(-1)).not.toHaveProperty('authorization');
  expect(calls.at(-1)).toMatchObject({ http_status: 200, texts: 3, characters: 9, total_tokens: 7, error: null, isTriedAgain: false });
});

test('gives no vectors to store of a call that is not logged, and does not let a question wait for the log', async () => {
  await expect(modelAt().embed(['boat'], { ...asked, correlationId: LOST })).rejects.toThrow('could not be logged');
  expect(await modelAt().embed(['boat'], { ...asked, correlationId: LOST, isWaitedFor: true })).toHaveLength(1);
});

const embedding = (index: number, vector: unknown = [1, 2]) => ({ index, embedding: vector });
const later = new Date(Date.now() + 60_000).toUTCString();

test.for<[string, Failure, { http_status: number | null; isRefusal?: boolean; retryAfterMs?: unknown }]>([
  ['too many requests', status(429, { 'retry-after': '7' }), { http_status: 429, retryAfterMs: 7_000 }],
  ['too many until then', status(503, { 'retry-after': later }), { http_status: 503, retryAfterMs: expect.any(Number) }],
  ['too many, for a year', status(429, { 'retry-after': '31536000' }), { http_status: 429, retryAfterMs: 600_000 }],
  ['a fault of its own', status(500), { http_status: 500 }],
  ['no key', status(401), { http_status: 401 }],
  ['a text that is not to its liking', status(400), { http_status: 400, isRefusal: true }],
  ['a text that is too long', status(413), { http_status: 413, isRefusal: true }],
  ['another place', status(302, { location: 'https://example.com/' }), { http_status: null }],
  ['no connection', cut, { http_status: null }],
  ['half an answer', cutShort, { http_status: 200 }],
  ['nothing', silence, { http_status: null }],
  ['no JSON', (response) => response.end('<html>'), { http_status: 200 }],
  ['something else', saying({ data: 'none' }), { http_status: 200 }],
  ['too few', saying({ data: [embedding(0)] }), { http_status: 200 }],
  ['too many', saying({ data: [embedding(0), embedding(1), embedding(2)] }), { http_status: 200 }],
  ['one twice', saying({ data: [embedding(0), embedding(0)] }), { http_status: 200 }],
  ['zeros', saying({ data: [embedding(0), embedding(1, [0, 0])] }), { http_status: 200 }],
  ['numbers too large', saying({ data: [embedding(0), embedding(1, [1.7e308, 1.7e308])] }), { http_status: 200 }],
  ['no numbers', saying({ data: [embedding(0), embedding(1, [null])] }), { http_status: 200 }],
])('fails at %s, and says so', async ([, failure, { http_status, isRefusal = false, retryAfterMs }]) => {
  endpoint.failures.push(failure);
  const error: unknown = await modelAt()
    .embed(['one', 'two'], asked)
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(EmbeddingFailed);
  expect(error).toMatchObject({ isRefusal, retryAfterMs });
  expect(calls.at(-1)).toMatchObject({ http_status, error: expect.any(String), isTriedAgain: !isRefusal });
});

test('a question is not waited for as long as what is only to be stored', async () => {
  const options = { url: endpoint.url, apiKey: undefined, requestsPerMinute: 1, timeoutMs: 60_000, questionTimeoutMs: 50 };
  endpoint.failures.push(silence);
  const question = httpModel('words', options, async () => true).embed(['question'], { ...asked, isWaitedFor: true });
  await expect(question).rejects.toThrow(EmbeddingFailed);
});

test('keeps a distance, unless somebody waits', async () => {
  const slow = httpModel('words', { url: endpoint.url, apiKey: undefined, requestsPerMinute: 1 }, async () => true);
  const ending = new AbortController();
  await slow.embed(['one'], asked);
  const second = slow.embed(['two'], { ...asked, signal: ending.signal });
  await slow.embed(['question'], { ...asked, isWaitedFor: true });
  ending.abort();
  await expect(second).rejects.toThrow('aborted');
  expect(endpoint.texts.slice(-2)).toEqual(['one', 'question']);
});

test('a call that is ended here was made, and is told of', async () => {
  const ending = new AbortController();
  endpoint.failures.push(() => ending.abort());
  await expect(modelAt().embed(['one'], { ...asked, signal: ending.signal })).rejects.toThrow('aborted');
  expect(calls.at(-1)).toMatchObject({ http_status: null, error: 'Ended here before it was answered.', isTriedAgain: true });
});

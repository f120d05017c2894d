// What is no JSON: bodies that a command reads from their bytes, and files that a query answers with.
import { Readable } from 'node:stream';
import { create as contentDisposition } from 'content-disposition';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BlobStore } from '../blobs/blobStore.ts';
import type { Caller, Command } from '../commands/command.ts';
import { Problem, unavailable } from '../problem.ts';
import type { FileAnswer } from '../queries/query.ts';
import { invalid } from '../validation.ts';
import { isNotModified } from './headers.ts';

export type FileServices = {
  readonly blobs: BlobStore;
  /** Of a body that is no JSON. */
  readonly maxUploadBytes: number;
};

/** The body as the command's schema is to see it. @throws Problem 413, 415 or what the command's reader makes of it */
export async function readBody(
  request: FastifyRequest,
  { bodies = {}, readOnly = [] }: Pick<Command, 'bodies' | 'readOnly'>,
  user: Caller,
  { blobs, maxUploadBytes }: FileServices,
): Promise<unknown> {
  const { body } = request;
  if (body instanceof Readable) {
    const contentType = request.headers['content-type'] ?? '';
    const reader = bodies[contentType.split(';')[0]?.trim().toLowerCase() ?? ''];
    if (!reader) {
      const types = ['application/json', ...Object.keys(bodies)].join(', ');
      throw new Problem(415, 'unsupported-media-type', `The body must be one of ${types}.`);
    }
    return reader.read(upTo(maxUploadBytes, body), { contentType, owner: user.id, blobs });
  }
  if (typeof body === 'object' && body !== null) {
    const forged = readOnly.filter((name) => Object.hasOwn(body, name));
    if (forged.length > 0)
      throw invalid(forged.map((name) => ({ in: 'body', pointer: `/${name}`, detail: 'This field is not known here.' })));
  }
  return body;
}

async function* upTo(maxBytes: number, source: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of source) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('a request arrives as bytes');
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw new Problem(413, 'too-large', `The body is larger than ${Math.round(maxBytes / 1024 / 1024)} MiB.`);
    yield chunk;
  }
}

/** What a browser shows without running anything. Everything else is for it to save. */
const SHOWN = /^(image\/(png|jpeg|gif|webp|avif)|text\/plain|application\/pdf|audio\/[\w.+-]+|video\/[\w.+-]+)$/;

/**
 * Sends a file of the caller's. Whatever it is, it does nothing on this origin: its type is not guessed at (nosniff, from
 * helmet), what could run is saved and not shown, and what is opened all the same is in a sandbox.
 */
export async function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  user: Caller,
  { sha256, text, content_type, filename }: FileAnswer,
  { blobs }: FileServices,
): Promise<FastifyReply> {
  const type = content_type.split(';')[0]?.trim().toLowerCase() ?? '';
  reply
    .header('etag', `"${sha256}"`)
    .header('cache-control', 'private, no-cache')
    .header('content-security-policy', "default-src 'none'; sandbox")
    .header('content-disposition', contentDisposition(filename ?? undefined, { type: SHOWN.test(type) ? 'inline' : 'attachment' }));
  if (isNotModified(request, `"${sha256}"`)) return reply.code(304).send();
  // What says nothing of its characters is taken for UTF-8; what Daybook itself keeps as text is.
  const isUtf8 = type.startsWith('text/') && (text !== null || !/;\s*charset=/i.test(content_type));
  reply.type(isUtf8 ? `${type}; charset=utf-8` : content_type);
  if (text !== null) return reply.send(Buffer.from(text));
  const blob = await blobs.open(user.id, sha256);
  if (!blob) {
    request.log.error({ sha256 }, 'a file is not in the blob store');
    throw unavailable('The file is not in the blob store.');
  }
  return reply.header('content-length', blob.size_bytes).send(blob.content);
}

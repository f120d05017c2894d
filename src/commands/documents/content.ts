// What a document holds: a text that was written, or a file that was uploaded and the text that can be read in it.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { BlobStore } from '../../blobs/blobStore.ts';
import { unavailable } from '../../problem.ts';
import { readFile, readText } from '../../texts/read.ts';
import type { unreadBecause } from '../../vocabulary.ts';
import type { UploadedFile } from '../form.ts';

/** What a text is that is given as one. */
export const textType = z.enum(['text/markdown', 'text/plain']);
export const isText = (contentType: string): boolean => textType.safeParse(contentType).success;

/** As its event has it. A text that is written has no type of its own. */
export type Content = {
  readonly content: string | null;
  readonly size_bytes: number;
  readonly sha256: string;
  readonly word_count: number;
  readonly unread_because: z.output<typeof unreadBecause> | null;
};

/** The text, or its beginning where it is long: the whole is then in the blob store. */
export async function writtenContent(text: string, owner: string, blobs: BlobStore): Promise<Content> {
  const bytes = Buffer.from(text);
  const { text: content, word_count } = await readText(text);
  if (content !== text) await blobs.put(owner, [bytes]);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { content, size_bytes: bytes.byteLength, sha256, word_count, unread_because: null };
}

/** What is larger is kept, and known by what it begins with; its text is not read. */
const MAX_READ_BYTES = 64 * 1024 * 1024;
const BEGINNING_BYTES = 1024 * 1024;

/** What is read of a file that is in the blob store. */
export async function fileContent(
  { filename, content_type: said, sha256, size_bytes }: UploadedFile,
  owner: string,
  blobs: BlobStore,
): Promise<Content & { readonly content_type: string }> {
  const isWhole = size_bytes <= MAX_READ_BYTES;
  const bytes = await firstBytes(owner, sha256, isWhole ? size_bytes : BEGINNING_BYTES, blobs);
  const { text, ...read } = await readFile({ bytes, isWhole, said, filename });
  return { content: text, size_bytes, sha256, ...read, ...(!isWhole && { unread_because: 'too_much' }) };
}

async function firstBytes(owner: string, sha256: string, length: number, blobs: BlobStore): Promise<Uint8Array> {
  const blob = await blobs.open(owner, sha256);
  if (!blob) throw unavailable('The file is not in the blob store.');
  const bytes = new Uint8Array(length);
  let filled = 0;
  for await (const chunk of blob.content) {
    const part = z
      .instanceof(Uint8Array)
      .parse(chunk)
      .subarray(0, length - filled);
    bytes.set(part, filled);
    filled += part.byteLength;
    if (filled === length) break;
  }
  return bytes;
}

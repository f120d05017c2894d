// A form with a file (multipart/form-data, RFC 7578) as the body of a command: the file goes into the blob store while it
// arrives, the fields beside it become what JSON would say.
import { Readable } from 'node:stream';
import { z } from 'zod';
import type { StoredBlob } from '../blobs/blobStore.ts';
import { Problem } from '../problem.ts';
import { invalid } from '../validation.ts';
import { mediaType, sha256, text } from '../vocabulary.ts';
import type { BodyReader } from './command.ts';

/** A file that has arrived. `content_type` is what its sender says. */
export const uploadedFile = z.strictObject({ filename: text(500), content_type: mediaType, sha256, size_bytes: z.int().nonnegative() });
export type UploadedFile = z.output<typeof uploadedFile>;

const LIMITS = { files: 1, fields: 100, parts: 101, fieldSize: 64 * 1024, headerPairs: 100 };

/** @param lists fields of the command's body that are arrays: each value is a field of the form. The file becomes `file`. */
export const formReader = (description: string, { lists }: { readonly lists: readonly string[] }): BodyReader => ({
  description,
  read: async (content, { contentType, owner, blobs }) => {
    const body = new Map<string, unknown>();
    const arriving: { file: Readable; stored: Promise<UploadedFile> }[] = [];
    const form = await parser(contentType);
    form.on('field', (name, value, _nameIsCut, isCut) => {
      // Of JSON, that one is refused, too.
      if (name === '__proto__') form.destroy(fault('/__proto__', 'This field is not known here.'));
      // Of which bytes it was made, nobody can say any more.
      else if (value.includes('\uFFFD')) form.destroy(fault(`/${name}`, 'This is not text in the charset of the form, which is UTF-8.'));
      else if (isCut) form.destroy(fault(`/${name}`, 'This is too long for a field of a form.'));
      else if (lists.includes(name)) body.set(name, [...z.array(z.unknown()).catch([]).parse(body.get(name)), value]);
      else body.set(name, value);
    });
    form.on('file', (name, file, filename, _encoding, said) => {
      if (name !== 'file') form.destroy(fault(`/${name}`, 'A file has to be in the field `file`.'));
      const stored = blobs.put(owner, file).then((blob) => uploaded(filename, said, blob));
      // Whoever waits for the whole form hears of it. What ends too early is told of before anybody reads the file.
      stored.catch((error: unknown) => form.destroy(error instanceof Error ? error : new Error(String(error))));
      file.on('error', (error) => file.destroy(error));
      arriving.push({ file, stored });
    });
    for (const limit of ['partsLimit', 'filesLimit', 'fieldsLimit'] as const) {
      form.on(limit, () => form.destroy(fault('', 'A form holds one file and a few fields.')));
    }
    try {
      await parsed(form, content);
      for (const { stored } of arriving) body.set('file', await stored);
    } catch (error) {
      // Nothing more comes, and nothing is kept.
      for (const { file } of arriving) file.destroy(unreadable());
      await Promise.allSettled(arriving.map(({ stored }) => stored));
      throw error;
    }
    return Object.fromEntries(body);
  },
});

async function parser(contentType: string) {
  // Loaded by who gets a form.
  const { Busboy } = await import('@fastify/busboy');
  try {
    return new Busboy({ headers: { 'content-type': contentType }, limits: LIMITS });
  } catch {
    throw unreadable();
  }
}

/** Waits until all of it was read. @throws Problem for what is no form, and what the content throws */
async function parsed(form: Awaited<ReturnType<typeof parser>>, content: AsyncIterable<Uint8Array>): Promise<void> {
  const source = Readable.from(content, { objectMode: false });
  try {
    await new Promise<void>((resolve, reject) => {
      source.on('error', reject);
      form.on('error', (error) => reject(error instanceof Problem || isOfStore(error) ? error : unreadable()));
      form.on('finish', resolve);
      source.pipe(form);
    });
  } finally {
    source.destroy();
  }
}

/** An error of the file system has a number; those of a form that cannot be read have none. */
const isOfStore = (error: unknown) => error instanceof Error && 'errno' in error;

const uploaded = (filename: string | undefined, said: string, stored: StoredBlob): UploadedFile => ({
  filename: (filename ?? '').toWellFormed().replaceAll('\0', '').slice(0, 500).toWellFormed(),
  content_type: mediaType.safeParse(said).data ?? 'application/octet-stream',
  ...stored,
});

const fault = (pointer: string, detail: string) => invalid([{ in: 'body', pointer, detail }]);
const unreadable = () =>
  new Problem(400, 'malformed-request', 'The form could not be read.', {
    errors: [{ in: 'body', pointer: '', detail: 'The form could not be read.' }],
  });

// What is too large for an event, by its SHA-256: a person's files, each once, in a folder of their own. The log keeps the
// hash, so a file is what its event says or is not there. Nothing is ever changed in place.
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { z } from 'zod';

/** `sha256` in lower-case hexadecimal. */
export type StoredBlob = { readonly sha256: string; readonly size_bytes: number };

export type BlobStore = {
  /**
   * Keeps what the source gives, all of it or nothing; it is on disk when this answers. The same content again is the same
   * blob. Throws what the source throws.
   */
  readonly put: (owner: string, source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>) => Promise<StoredBlob>;
  /** From its beginning, as a stream; undefined where there is none. */
  readonly open: (owner: string, sha256: string) => Promise<{ readonly size_bytes: number; readonly content: Readable } | undefined>;
  /** The whole of it; undefined where there is none. */
  readonly get: (owner: string, sha256: string) => Promise<Buffer | undefined>;
};

const ABANDONED_AFTER_MS = 24 * 60 * 60 * 1_000;

const ownerId = z.uuid();
const hash = z.string().regex(/^[0-9a-f]{64}$/);

/** @throws an error that says why, when the folder cannot be written to */
export async function openBlobStore(folder: string): Promise<BlobStore> {
  const incoming = join(folder, 'incoming');
  await mkdir(incoming, { recursive: true, mode: 0o700 });
  await removeAbandoned(incoming);
  const pathOf = (owner: string, sha256: string) => join(folder, ownerId.parse(owner), hash.parse(sha256).slice(0, 2), sha256);

  return {
    put: async (owner, source) => {
      const arriving = join(incoming, randomUUID());
      try {
        const blob = await receive(arriving, source);
        const path = pathOf(owner, blob.sha256);
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        await rename(arriving, path);
        // Folders that a crash forgets would take the file with them.
        for (const each of [dirname(path), join(folder, owner), folder]) await sync(each);
        return blob;
      } catch (error) {
        await rm(arriving, { force: true });
        throw error;
      }
    },
    open: async (owner, sha256) => {
      const path = pathOf(owner, sha256);
      const found = await stat(path).catch(nothingThere);
      return found && { size_bytes: found.size, content: createReadStream(path) };
    },
    get: async (owner, sha256) => readFile(pathOf(owner, sha256)).catch(nothingThere),
  };
}

/** What a crash left half-way. Younger files may be another node's, which are arriving now. */
async function removeAbandoned(incoming: string): Promise<void> {
  for (const name of await readdir(incoming)) {
    const path = join(incoming, name);
    const found = await stat(path).catch(nothingThere);
    if (found && found.mtimeMs < Date.now() - ABANDONED_AFTER_MS) await rm(path, { force: true });
  }
}

async function receive(path: string, source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<StoredBlob> {
  const file = await open(path, 'wx', 0o600);
  try {
    const sha256 = createHash('sha256');
    let size_bytes = 0;
    for await (const chunk of source) {
      sha256.update(chunk);
      size_bytes += chunk.byteLength;
      await file.writeFile(chunk);
    }
    await file.sync();
    return { sha256: sha256.digest('hex'), size_bytes };
  } finally {
    await file.close();
  }
}

async function sync(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function nothingThere(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
  throw error;
}

// A blob store for decisions: in memory, with the owner and the hash as the key.
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { BlobStore } from '../../src/blobs/blobStore.ts';

export function createMemoryBlobs(): BlobStore {
  const blobs = new Map<string, Buffer>();
  return {
    put: async (owner, source) => {
      const content = Buffer.concat(await Array.fromAsync(source));
      const sha256 = createHash('sha256').update(content).digest('hex');
      blobs.set(`${owner}/${sha256}`, content);
      return { sha256, size_bytes: content.byteLength };
    },
    open: async (owner, sha256) => {
      const content = blobs.get(`${owner}/${sha256}`);
      return content && { size_bytes: content.byteLength, content: Readable.from([content]) };
    },
    get: async (owner, sha256) => blobs.get(`${owner}/${sha256}`),
  };
}

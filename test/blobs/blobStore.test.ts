// Files by their hash: whole or not there, and nobody else's.
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type BlobStore, openBlobStore } from '../../src/blobs/blobStore.ts';
import { temporaryFolder } from '../support/postgres.ts';

const ANN = '0192f0c1-0000-7000-8000-00000000aaaa';
const BOB = '0192f0c1-0000-7000-8000-00000000bbbb';
const content = randomBytes(300_000);
const sha256 = createHash('sha256').update(content).digest('hex');

let folder: string;
let blobs: BlobStore;
beforeEach(async () => {
  folder = temporaryFolder();
  blobs = await openBlobStore(folder);
});
afterEach(() => rmSync(folder, { recursive: true }));

async function* pieces() {
  for (let at = 0; at < content.length; at += 7_777) yield content.subarray(at, at + 7_777);
}
const incoming = () => readdirSync(join(folder, 'incoming'));

test('what is put is there, as a stream and as a whole, also after the store is opened again', async () => {
  expect(await blobs.put(ANN, pieces())).toEqual({ sha256, size_bytes: 300_000 });
  const again = await openBlobStore(folder);
  expect((await again.get(ANN, sha256))?.equals(content)).toBe(true);
  const opened = await again.open(ANN, sha256);
  expect(opened?.size_bytes).toBe(300_000);
  expect(Buffer.concat((await opened?.content.toArray()) ?? []).equals(content)).toBe(true);
  expect(incoming()).toEqual([]);
});

test('nothing is a blob, too', async () => {
  const { sha256 } = await blobs.put(ANN, []);
  expect(await blobs.get(ANN, sha256)).toEqual(Buffer.alloc(0));
});

test('the same content twice, at once as well, is one file that only its owner can read', async () => {
  const put = await Promise.all(Array.from({ length: 20 }, () => blobs.put(ANN, pieces())));
  expect(new Set(put.map((blob) => blob.sha256))).toEqual(new Set([sha256]));
  const file = join(folder, ANN, sha256.slice(0, 2), sha256);
  expect(readFileSync(file).equals(content)).toBe(true);
  expect(statSync(file).mode & 0o077).toBe(0);
  expect(incoming()).toEqual([]);
});

test('what is someone else’s is not there', async () => {
  await blobs.put(ANN, pieces());
  expect(await blobs.open(BOB, sha256)).toBeUndefined();
  expect(await blobs.get(BOB, sha256)).toBeUndefined();
});

test('a source that fails leaves nothing', async () => {
  async function* broken() {
    yield content;
    throw new Error('the caller has gone');
  }
  await expect(blobs.put(ANN, broken())).rejects.toThrow('the caller has gone');
  expect(incoming()).toEqual([]);
  expect(await blobs.get(ANN, sha256)).toBeUndefined();
});

test('a name that is no hash or no id leads nowhere else', async () => {
  await expect(blobs.get(ANN, '../../etc/passwd')).rejects.toThrow();
  await expect(blobs.open('..', sha256)).rejects.toThrow();
});

test('what a crash left half-way is removed a day later', async () => {
  const [old, young] = [join(folder, 'incoming', 'old'), join(folder, 'incoming', 'young')];
  for (const file of [old, young]) writeFileSync(file, 'half');
  const twoDaysAgo = Date.now() / 1_000 - 2 * 86_400;
  utimesSync(old, twoDaysAgo, twoDaysAgo);
  await openBlobStore(folder);
  expect(incoming()).toEqual(['young']);
});

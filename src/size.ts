// What lies on disk.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Of a file, or of all in a folder, in bytes. What is not there, or goes meanwhile, has none. */
export async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(unlessGone);
  if (!found?.isDirectory()) return found?.size ?? 0;
  const names = (await readdir(path).catch(unlessGone)) ?? [];
  const sizes = await Promise.all(names.map((name) => sizeOf(join(path, name))));
  return sizes.reduce((sum, bytes) => sum + bytes, 0);
}

function unlessGone(error: unknown): undefined {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
}

// Files that are there whole or not at all, also after a power cut: a name is on disk once its folder is.
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** How large a file is; 0 where there is none. */
export const bytesOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

/** Renames what is complete, once it is on disk. */
export function appear(arriving: string, file: string): void {
  sync(arriving, 'r+');
  renameSync(arriving, file);
  sync(dirname(file), 'r');
}

/** Makes an empty file for this user alone, in the place of any that is there. What SQLite puts beside it has the same mode. */
export function makePrivate(file: string): void {
  rmSync(file, { force: true });
  closeSync(openSync(file, 'wx', 0o600));
}

/** Makes a folder for this user alone, and those above it that are missing. */
export function makeDirectory(directory: string): void {
  const first = mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = directory; made.length >= first.length; made = dirname(made)) sync(dirname(made), 'r');
}

/** Waits until a file, or the names in a folder, are on disk. */
function sync(path: string, flags: string): void {
  const descriptor = openSync(path, flags);
  fsyncSync(descriptor);
  closeSync(descriptor);
}

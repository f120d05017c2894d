// One process has the log at a time, and only of a log that nobody has can it be told how it was left.
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isBusy, sentence } from './reasons.ts';
import { checkWal, isLeftOpen } from './wal.ts';

/** Throws where a kill left the log damaged. Of one that is in use this cannot be told, for its WAL changes. */
export function checkAtRest(file: string): void {
  if (!isLeftOpen(file)) return;
  let release = () => {};
  try {
    release = lock(path.dirname(file));
  } catch (error) {
    if (error instanceof InUse) return;
    // The folder cannot be written to, and so by nobody else.
  }
  try {
    checkWal(file);
  } finally {
    release();
  }
}

class InUse extends Error {}

/** How long a lock is waited for that a check holds for a moment. */
const lockMilliseconds = 1_000;

/** Holds the directory for this process alone; the operating system lets go of it however the process ends. */
export function lock(directory: string): () => void {
  const file = path.join(directory, 'events.lock');
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { timeout: lockMilliseconds });
    db.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    db?.close();
    if (isBusy(error)) throw new InUse(`The event log in ${directory} is in use by another process`);
    throw new Error(sentence(error, file));
  }
  const held = db;
  return () => held.close();
}

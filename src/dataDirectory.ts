// The folder that holds what Daybook keeps on this machine: the embedded stores and the secrets it made itself. One process
// at a time has it.
import { randomBytes } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isSecret } from './secrets.ts';

export type DataDirectory = {
  readonly eventstore: string;
  readonly postgres: string;
  readonly blobs: string;
  /** A secret of 48 random bytes by name, made when it is first asked for; only the owner of the folder can read it. */
  readonly secret: (name: string) => string;
  readonly release: () => void;
};

/** The folder cannot be used; the message says why. */
export class DataDirectoryUnavailable extends Error {}

/** Another process has it. */
export class DataDirectoryInUse extends DataDirectoryUnavailable {}

/** @throws DataDirectoryUnavailable when another process has it or it cannot be written */
export function openDataDirectory(path: string): DataDirectory {
  const folder = resolve(path);
  const lock = lockFolder(folder);
  return {
    eventstore: join(folder, 'eventstore'),
    postgres: join(folder, 'postgres'),
    blobs: join(folder, 'blobs'),
    secret: (name) => readOrMakeSecret(join(folder, name)),
    release: () => lock.close(),
  };
}

// SQLite's lock on a file is the operating system's: it ends with the process, however that ends.
function lockFolder(folder: string): DatabaseSync {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const lock = new DatabaseSync(join(folder, 'lock'));
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (reason.includes('locked')) throw new DataDirectoryInUse(`another process is using the data folder ${folder}`);
    throw new DataDirectoryUnavailable(`the data folder ${folder} cannot be used: ${reason}`);
  }
}

function readOrMakeSecret(file: string): string {
  const secret = readSecret(file) ?? makeSecret(file);
  if (!isSecret(secret)) {
    throw new DataDirectoryUnavailable(
      `${file} is no secret of at least 32 bytes: put back the one that was there, or remove it for a new one`,
    );
  }
  // A copy that was put back may have come to be for everybody to read.
  if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600);
  return secret;
}

function readSecret(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function makeSecret(file: string): string {
  const made = `${file}.${process.pid}`;
  writeFileSync(made, `${randomBytes(48).toString('base64url')}\n`, { mode: 0o600, flush: true });
  // A link appears whole or not at all: a crash leaves no half a secret that would be kept for ever.
  linkSync(made, file);
  rmSync(made);
  return readFileSync(file, 'utf8').trim();
}

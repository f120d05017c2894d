// The log's file as such: its tables, how it is made and opened, how one of an older version becomes one of this, and what only a
// backup has.
import { accessSync, constants, existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { appear, makeDirectory, makePrivate } from './files.ts';
import { sentence } from './reasons.ts';
import { checkWal } from './wal.ts';

const schema = `
  CREATE TABLE streams (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    -- The newest revision that a scavenge removed: numbers go on from there.
    scavenged INTEGER NOT NULL DEFAULT -1
  ) STRICT;
  CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    stream   INTEGER NOT NULL REFERENCES streams,
    revision INTEGER NOT NULL,
    id       BLOB NOT NULL,
    type     TEXT NOT NULL,
    is_json  INTEGER NOT NULL,
    created  INTEGER NOT NULL,
    data     BLOB NOT NULL,
    metadata BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX events_of_stream ON events (stream, revision);
  -- The newest position that a scavenge found, for no other event ever gets one that was used; and how many events it removed,
  -- unknown of one that an older version did.
  CREATE TABLE scavenges (head INTEGER NOT NULL, removed INTEGER) STRICT;
`;
/** What the layout of an older version lacks, by that version. */
const upgrades: Readonly<Record<number, string>> = {
  1: `ALTER TABLE streams ADD COLUMN scavenged INTEGER NOT NULL DEFAULT -1; CREATE TABLE scavenges (head INTEGER NOT NULL) STRICT;`,
  2: 'ALTER TABLE scavenges ADD COLUMN removed INTEGER;',
};
/** "Dbk1": says that a SQLite file is an event log of this layout. */
const applicationId = 0x44626b31;
const layoutVersion = 3;
/** The oldest layout that is read as it is, as that of a backup. */
const oldestReadable = 2;

/** Opens a file with SQLite. Tests have one that fails when they say. */
export type Connect = (file: string) => DatabaseSync;

/** Makes the folder of a log, where it is missing. Throws an error of one sentence where it may not be written to. */
export function prepare(directory: string): void {
  try {
    makeDirectory(directory);
  } catch (error) {
    throw new Error(`The folder of the event log cannot be made: ${error instanceof Error ? error.message : error}`);
  }
  // SQLite does not tell a disk or a file that may not be written to from other reasons.
  for (const place of [directory, path.join(directory, 'events.db')]) {
    try {
      if (existsSync(place)) accessSync(place, constants.R_OK | constants.W_OK);
    } catch (error) {
      throw new Error(sentence(error, place), { cause: error });
    }
  }
}

/** Opens the log's file, or makes a new one, and lets go of the folder when it cannot. Throws an error of one sentence. */
export function openFile(file: string, connect: Connect, release: () => void): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    clearLeftovers(path.dirname(file));
    checkWal(file);
    create(file);
    db = connect(file);
    // FULL: every commit is on disk before it returns. A longer WAL than SQLite's default lets a checkpoint write a page once
    // that many commits have touched.
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 2000');
    // While a backup reads, the WAL only grows; afterwards it gives back what is beyond this many bytes.
    db.exec(`PRAGMA journal_size_limit = ${64 * 1024 * 1024}`);
    // What is deleted is overwritten with zeros.
    db.exec('PRAGMA secure_delete = ON');
    db.exec('PRAGMA cache_size = -65536');
    // What a kill left goes into the log now, so that nothing of a commit that was torn stays in the WAL among what follows.
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    upgrade(db);
    check(db, file);
    return db;
  } catch (error) {
    db?.close();
    release();
    throw new Error(sentence(error, file));
  }
}

/**
 * Makes an empty log where there is none. It has its name only once it is whole: a file that is there and has nothing in it was
 * damaged, and to begin anew in its place would destroy what the WAL beside it still has.
 */
function create(file: string): void {
  if (existsSync(file)) {
    if (statSync(file).size === 0) throw new Error(`The event log ${file} is damaged: nothing is in it`);
    return;
  }
  if (existsSync(`${file}-wal`)) throw new Error(`The event log ${file} is missing; what was last written to it is still there`);
  const arriving = partial(file);
  makePrivate(arriving);
  const db = new DatabaseSync(arriving);
  try {
    db.exec(`PRAGMA page_size = 8192; BEGIN; ${schema} PRAGMA application_id = ${applicationId}`);
    db.exec(`PRAGMA user_version = ${layoutVersion}; COMMIT`);
  } finally {
    db.close();
  }
  appear(arriving, file);
}

/** What a file is called until it is whole. */
export const partial = (file: string): string => `${file}.partial`;

/** Removes what a log that was being made or restored left when it was killed: it has events that no scavenge would find. */
export function clearLeftovers(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (/^events\.db\.(partial|new|\d+)(-journal|-wal|-shm)?$/.test(name)) rmSync(path.join(directory, name), { force: true });
  }
}

export const pragma = (db: DatabaseSync, name: string): number => Number(Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0]);

function upgrade(db: DatabaseSync): void {
  if (pragma(db, 'application_id') !== applicationId) return;
  for (let version = pragma(db, 'user_version'); upgrades[version] !== undefined; version += 1)
    db.exec(`BEGIN IMMEDIATE; ${upgrades[version]} PRAGMA user_version = ${version + 1}; COMMIT`);
  // A backup that was put in place: from now on it gains events.
  db.exec(`DROP TABLE IF EXISTS ${backupTable}`);
}

/** What only a backup has: the checksum of its events. */
const backupTable = 'backup';

/** Notes in a backup the checksum that its events have. */
export function sealBackup(file: string, checksum: string): void {
  const db = new DatabaseSync(file);
  try {
    db.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF'); // it has no name yet, and is synced before it gets one
    db.exec(`DROP TABLE IF EXISTS ${backupTable}; CREATE TABLE ${backupTable} (checksum TEXT NOT NULL) STRICT`);
    db.prepare(`INSERT INTO ${backupTable} VALUES (?)`).run(checksum);
  } finally {
    db.close();
  }
}

/** The checksum that was noted when a backup was made; undefined for what is no backup, or one of an older version. */
export function sealOf(db: DatabaseSync): string | undefined {
  const isSealed = db.prepare('SELECT 1 FROM sqlite_schema WHERE name = ?').get(backupTable) !== undefined;
  return isSealed ? String(db.prepare(`SELECT checksum FROM ${backupTable}`).get()?.checksum) : undefined;
}

/** Up to where scavenges took events out, and how many; undefined where one did that counted none. */
export function scavengedOf(db: DatabaseSync): { head: number; removed: number | undefined } {
  const removed = pragma(db, 'user_version') < 3 ? 'NULL' : 'removed';
  const found = db
    .prepare(
      `SELECT coalesce(max(head), 0) AS head, total(${removed}) AS removed, count(*) > count(${removed}) AS isUnknown FROM scavenges`,
    )
    .get();
  return { head: Number(found?.head), removed: found?.isUnknown === 0 ? Number(found.removed) : undefined };
}

/** Throws where the file is none of ours, or of a version that this one cannot read. */
export function checkIsLog(db: DatabaseSync, file: string): void {
  if (pragma(db, 'application_id') !== applicationId) throw new Error(`${file} is not an event log`);
  const version = pragma(db, 'user_version');
  if (version < oldestReadable || version > layoutVersion) throw new Error(`${file} was written by another version of Daybook`);
}

function check(db: DatabaseSync, file: string): void {
  checkIsLog(db, file);
  db.prepare('SELECT * FROM events ORDER BY position DESC LIMIT 1').get();
  // A write that changes nothing: a read-only or full disk is better known now than at the first append. The WAL begins with it.
  db.exec(`PRAGMA user_version = ${layoutVersion}`);
}

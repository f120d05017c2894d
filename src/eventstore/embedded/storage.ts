// The log on disk: one SQLite file in WAL mode with two tables, and the statements that read and write them. An event's
// position is its row id, so the order of the file is the order of $all, and a scan of it reads pages in sequence.
// Nothing here looks at more of the file than it was asked for, so a log of any size opens at once.
import { accessSync, constants, existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { status } from '@grpc/grpc-js';
import type { ProposedEvent, StoredEvent } from './events.ts';
import { Failure } from './failures.ts';
import { appear, makeDirectory, makePrivate } from './files.ts';
import { checkWal, isLeftOpen, mark, unmark } from './wal.ts';

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

const columns = 'position, stream, revision, id, type, is_json, created, data, metadata';

/** A page ends at this many bytes of data, so that what a slow reader holds is bounded however large the events are. */
const pageBytes = 1024 * 1024;

export type Storage = ReturnType<typeof openStorage>;

/** Opens a file with SQLite. Tests have one that fails when they say. */
export type Connect = (file: string) => DatabaseSync;
const connectDirectly: Connect = (file) => new DatabaseSync(file);

/** Opens the log in the directory, or makes a new one. Throws an error of one sentence when it cannot be used. */
export function openStorage(directory: string, connect = connectDirectly) {
  prepare(directory);
  const release = lock(directory);
  const file = path.join(directory, 'events.db');
  const db = open(file, connect, release);

  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const insertStream = db.prepare('INSERT INTO streams (name) VALUES (?)');
  const insertEvent = db.prepare(`INSERT INTO events (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const selectStream = arrays(db.prepare('SELECT id FROM streams WHERE name = ?'));
  const selectName = arrays(db.prepare('SELECT name FROM streams WHERE id = ?'));
  const selectHead = arrays(
    db.prepare('SELECT max(position) FROM (SELECT max(position) AS position FROM events UNION ALL SELECT max(head) FROM scavenges)'),
  );
  const selectLast = arrays(
    db.prepare(
      'SELECT max(coalesce((SELECT max(revision) FROM events WHERE stream = streams.id), -1), scavenged) FROM streams WHERE id = ?',
    ),
  );
  const selectAt = arrays(db.prepare(`SELECT ${columns} FROM events WHERE stream = ? AND revision = ?`));
  const selectRecentIds = arrays(db.prepare('SELECT id, stream, revision FROM events WHERE position > ? ORDER BY position'));
  const selectAll = arrays(db.prepare(`SELECT ${columns} FROM events WHERE position >= ? ORDER BY position LIMIT ?`));
  const selectAllBack = arrays(db.prepare(`SELECT ${columns} FROM events WHERE position < ? ORDER BY position DESC LIMIT ?`));
  const inStream = `SELECT ${columns} FROM events WHERE stream = ? AND revision BETWEEN ? AND ? AND created >= ? ORDER BY revision`;
  const selectOfStream = arrays(db.prepare(`${inStream} LIMIT ?`));
  const selectOfStreamBack = arrays(db.prepare(`${inStream} DESC LIMIT ?`));

  const selectNames = arrays(db.prepare('SELECT id, name FROM streams WHERE id > ? ORDER BY id LIMIT ?'));
  const isHidden = 'stream = ? AND (revision < ? OR created < ?)';
  const selectHidden = arrays(db.prepare(`SELECT max(revision) FROM events WHERE ${isHidden}`));
  const setScavenged = db.prepare('UPDATE streams SET scavenged = max(scavenged, ?) WHERE id = ?');
  const deleteEvents = db.prepare(`DELETE FROM events WHERE ${isHidden}`);
  const addScavenge = db.prepare('INSERT INTO scavenges (head, removed) VALUES (?, 0)');
  const addRemoved = db.prepare('UPDATE scavenges SET removed = removed + ? WHERE rowid = (SELECT max(rowid) FROM scavenges)');

  const head = (): number => integer(row(selectHead)?.[0] ?? 0);

  return {
    file,

    /** Runs `work` as one transaction that is on disk when this returns, or leaves no trace when it throws. */
    transaction<T>(work: () => T): T {
      try {
        begin.run();
        const result = work();
        commit.run();
        return result;
      } catch (error) {
        if (db.isTransaction) db.exec('ROLLBACK');
        throw error;
      }
    },
    addStream: (name: string): number => integer(insertStream.run(name).lastInsertRowid),
    addEvent(
      { id, type, isJson, data, metadata }: ProposedEvent,
      at: Pick<StoredEvent, 'position' | 'stream' | 'revision' | 'created'>,
    ): void {
      insertEvent.run(at.position, at.stream, at.revision, id, type, isJson ? 1 : 0, at.created, data, metadata);
    },

    /** The position of the newest event, 0 in an empty log. */
    head,
    streamId(name: string): number | undefined {
      const found = row(selectStream, name);
      return found && integer(found[0]);
    },
    streamName(id: number): string {
      return text(row(selectName, id)?.[0]);
    },
    /** The revision of a stream's newest event, -1 when it has none. */
    lastRevision: (stream: number): number => integer(row(selectLast, stream)?.[0] ?? -1),
    eventAt(stream: number, revision: number): StoredEvent | undefined {
      const found = row(selectAt, stream, revision);
      return found && storedEvent(found);
    },
    *recentIds(count: number): Generator<{ id: Uint8Array; stream: number; revision: number }> {
      for (const found of rows(selectRecentIds, head() - count)) {
        yield { id: bytes(found[0]), stream: integer(found[1]), revision: integer(found[2]) };
      }
    },

    /** Events of $all from a position (included) on; a short page does not mean the end. */
    all: (from: number, limit: number): StoredEvent[] => page(selectAll, from, limit),
    /** Events of $all before a position, newest first. */
    allBackwards: (before: number, limit: number): StoredEvent[] => page(selectAllBack, before, limit),
    stream: (stream: number, from: number, to: number, since: number, limit: number): StoredEvent[] =>
      page(selectOfStream, stream, from, to, since, limit),
    streamBackwards: (stream: number, from: number, to: number, since: number, limit: number): StoredEvent[] =>
      page(selectOfStreamBack, stream, to, from, since, limit),

    streamNames: (after: number, limit: number): { id: number; name: string }[] =>
      [...rows(selectNames, after, limit)].map((found) => ({ id: integer(found[0]), name: text(found[1]) })),
    /** Notes that a scavenge begins, and the newest position, which is not given again even if that event is removed. */
    beginScavenge: (): void => void addScavenge.run(head()),
    /** Removes a stream's events before a revision or older than a time, and notes which; answers with how many. */
    removeBefore(stream: number, revision: number, since: number): number {
      const newest = row(selectHidden, stream, revision, since)?.[0];
      if (newest === null) return 0;
      setScavenged.run(integer(newest), stream);
      const removed = integer(deleteEvents.run(stream, revision, since).changes);
      addRemoved.run(removed);
      return removed;
    },
    /**
     * Writes the file anew without what was removed. What it was is overwritten, here and in the WAL; throws when it could not be,
     * for another process reads the log as it was.
     */
    compact(): void {
      unmark(file);
      db.exec('VACUUM');
      if (pragma(db, 'wal_checkpoint(TRUNCATE)') !== 0) {
        throw new Error(
          'A backup or a check reads the event log: what was taken out is in its files still. Do this again when that has ended',
        );
      }
    },

    close(): void {
      try {
        unmark(file);
        db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      } catch {
        // The disk is full or gone. What is in the WAL stays there, and is found at the next start.
      }
      db.close();
      release();
    },
  };
}

function prepare(directory: string): void {
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

function open(file: string, connect: Connect, release: () => void): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    clearLeftovers(path.dirname(file));
    checkWal(file);
    create(file);
    unmark(file);
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
    mark(file);
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

const pragma = (db: DatabaseSync, name: string): number => integer(Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0]);

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
  return isSealed ? text(db.prepare(`SELECT checksum FROM ${backupTable}`).get()?.checksum) : undefined;
}

/** Up to where scavenges took events out, and how many; undefined where one did that counted none. */
export function scavengedOf(db: DatabaseSync): { head: number; removed: number | undefined } {
  const removed = pragma(db, 'user_version') < 3 ? 'NULL' : 'removed';
  const found = db
    .prepare(
      `SELECT coalesce(max(head), 0) AS head, total(${removed}) AS removed, count(*) > count(${removed}) AS isUnknown FROM scavenges`,
    )
    .get();
  return { head: integer(found?.head), removed: found?.isUnknown === 0 ? integer(found.removed) : undefined };
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
    if (sqliteCode(error) === SQLITE_BUSY) throw new InUse(`The event log in ${directory} is in use by another process`);
    throw new Error(sentence(error, file));
  }
  const held = db;
  return () => held.close();
}

const SQLITE_BUSY = 5;
const isFull = 'cannot be written: the disk is full; make room on it';
const isReadOnly = 'cannot be written: the disk or the file is read-only; make it writable';
const isForbidden = 'cannot be written: Daybook has no permission to; check the owner and the mode';
/** SQLite's result codes, and the system's, that mean something to the person who starts Daybook. */
const reasons: Record<number | string, string> = {
  [SQLITE_BUSY]: 'is in use by another process',
  8: isReadOnly,
  10: 'cannot be read or written: the disk failed; check it',
  11: 'is damaged; restore a backup',
  13: isFull,
  14: 'cannot be opened; check the folder and its permissions',
  26: 'is damaged: it is not a SQLite file; restore a backup',
  ENOSPC: isFull,
  EROFS: isReadOnly,
  EACCES: isForbidden,
  EPERM: isForbidden,
};

function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return error.errcode & 0xff; // the low byte; the others say more than anyone here needs
}

const reasonOf = (error: unknown): string | undefined =>
  reasons[sqliteCode(error) ?? (error instanceof Error && 'code' in error ? String(error.code) : '')];

/** Whether it is the file or its disk that failed, and not what was asked of it. */
export const isOfFile = (error: unknown): boolean => reasonOf(error) !== undefined;

/** What went wrong with the file, in one sentence. */
export function sentence(error: unknown, file: string): string {
  const reason = reasonOf(error);
  if (reason !== undefined) return `The event log ${file} ${reason}`;
  if (error instanceof Failure) return `${error.message} (${file}); restore a backup`;
  return error instanceof Error ? error.message : String(error);
}

type Row = readonly unknown[];

function arrays(statement: StatementSync): StatementSync {
  statement.setReturnArrays(true);
  return statement;
}

function row(statement: StatementSync, ...parameters: SQLInputValue[]): Row | undefined {
  const found: unknown = statement.get(...parameters);
  return Array.isArray(found) ? found : undefined;
}

function* rows(statement: StatementSync, ...parameters: SQLInputValue[]): Generator<Row> {
  for (const found of statement.iterate(...parameters)) if (Array.isArray(found)) yield found;
}

function page(statement: StatementSync, ...parameters: SQLInputValue[]): StoredEvent[] {
  const events: StoredEvent[] = [];
  let size = 0;
  for (const found of statement.iterate(...parameters)) {
    if (!Array.isArray(found)) continue;
    const event = storedEvent(found);
    events.push(event);
    size += event.data.length + event.metadata.length;
    if (size >= pageBytes) break;
  }
  return events;
}

const storedEvent = (found: Row): StoredEvent => ({
  position: integer(found[0]),
  stream: integer(found[1]),
  revision: integer(found[2]),
  id: bytes(found[3]),
  type: text(found[4]),
  isJson: found[5] === 1,
  created: integer(found[6]),
  data: bytes(found[7]),
  metadata: bytes(found[8]),
});

function integer(value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  throw damaged('a number');
}
function text(value: unknown): string {
  if (typeof value === 'string') return value;
  throw damaged('a name');
}
function bytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw damaged('the data of an event');
}
const damaged = (what: string): Error => new Failure(status.DATA_LOSS, `The event log is damaged: ${what} cannot be read`);

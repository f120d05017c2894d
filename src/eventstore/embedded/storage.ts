// The log on disk: one SQLite file in WAL mode with two tables (`logFile.ts`), and the statements that read and write them. An event's
// position is its row id, so the order of the file is the order of $all, and a scan of it reads pages in sequence.
// Nothing here looks at more of the file than it was asked for, so a log of any size opens at once.
import path from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { status } from '@grpc/grpc-js';
import type { ProposedEvent, StoredEvent } from './events.ts';
import { Failure } from './failures.ts';
import { lock } from './lock.ts';
import { type Connect, openFile, pragma, prepare } from './logFile.ts';

const columns = 'position, stream, revision, id, type, is_json, created, data, metadata';

/** A page ends at this many bytes of data, so that what a slow reader holds is bounded however large the events are. */
const pageBytes = 1024 * 1024;

export type Storage = ReturnType<typeof openStorage>;

/** Opens the log in the directory, or makes a new one. Throws an error of one sentence when it cannot be used. */
export function openStorage(directory: string, connect: Connect = (file) => new DatabaseSync(file)) {
  prepare(directory);
  const release = lock(directory);
  const file = path.join(directory, 'events.db');
  const db = openFile(file, connect, release);

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
      db.exec('VACUUM');
      if (pragma(db, 'wal_checkpoint(TRUNCATE)') !== 0) {
        throw new Error(
          'A backup or a check reads the event log: what was taken out is in its files still. Do this again when that has ended',
        );
      }
    },

    close(): void {
      try {
        db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      } catch {
        // The disk is full or gone. What is in the WAL stays there, and is found at the next start.
      }
      db.close();
      release();
    },
  };
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

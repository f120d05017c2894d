// What is done to the log as a file: check it, copy it while it is in use, put a copy in its place, and take out of it what
// nobody can read any more.
import { createHash } from 'node:crypto';
import { chmodSync, constants, copyFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { LAST_REVISION } from './events.ts';
import { appear, bytesOf, makeDirectory, makePrivate } from './files.ts';
import { checkAtRest, lock } from './lock.ts';
import { openLog } from './log.ts';
import { checkIsLog, clearLeftovers, partial, scavengedOf, sealBackup, sealOf } from './logFile.ts';
import { sentence } from './reasons.ts';
import { isTombstoned, visibleFrom } from './streams.ts';

/** `checksum` is of all events, with their places: two logs with the same one are the same. `faults` are a line each. */
export type Report = { readonly events: number; readonly head: number; readonly checksum: string; readonly faults: readonly string[] };

export const logFile = (directory: string): string => join(directory, 'events.db');
const MOST_FAULTS = 20;
/** How long a log is waited for that is being opened, and is put in order for it. */
const openingMilliseconds = 5_000;

/**
 * Reads all of a log, also of one that is in use: that SQLite finds its file whole, that revisions are dense, that positions grow
 * and that none is missing but what scavenges took out, and that a backup's events are those that were backed up. Throws an error
 * of one sentence for a file that is no log. `called` is what the file is called in errors.
 */
export function verifyLog(file: string, called = file): Report {
  const db = openToRead(file, called);
  try {
    const faults: string[] = [];
    const fault = (line: string) => faults.length < MOST_FAULTS && faults.push(line);
    for (const { integrity_check } of db.prepare('PRAGMA integrity_check(20)').iterate()) {
      if (integrity_check !== 'ok') fault(`the file: ${integrity_check}`);
    }
    const hash = createHash('sha256');
    const last = new Map<string, number>();
    const scavenged = scavengedOf(db);
    let events = 0;
    let head = 0;
    let kept = 0; // of those that the scavenges saw
    const all = db.prepare(
      'SELECT position, name, scavenged, revision, hex(events.id) AS id, type, is_json, created, data, metadata FROM events LEFT JOIN streams ON streams.id = stream ORDER BY position',
    );
    for (const found of all.iterate()) {
      const position = Number(found.position);
      const expected = Math.max(head, scavenged.head) + 1;
      if (position > expected) fault(`no event is at the positions from ${expected} to ${position - 1}`);
      if (position < expected) kept += 1;
      head = position;
      const { success, data: event } = eventRow.safeParse(found);
      if (!success) {
        fault(`the event at position ${position} cannot be read`);
        continue;
      }
      const { name, revision, id, type, is_json, created, data, metadata } = event;
      events += 1;
      const place = [position, name, revision, id, type, is_json, created, data.byteLength, metadata.byteLength];
      hash.update(JSON.stringify(place)).update(data).update(metadata);
      const next = Math.max(last.get(name) ?? -1, event.scavenged) + 1;
      if (revision > event.scavenged && revision !== next && revision !== LAST_REVISION)
        fault(`${name}@${revision} at position ${position} should be ${name}@${next}`);
      last.set(name, revision);
    }
    const missing = scavenged.head - kept;
    if (scavenged.removed !== undefined && missing !== scavenged.removed)
      fault(`${missing} events up to position ${scavenged.head} are missing, of which scavenges took out ${scavenged.removed}`);
    const checksum = hash.digest('hex');
    const sealed = sealOf(db);
    if (sealed !== undefined && sealed !== checksum)
      fault(`the events are other than those that were backed up: their checksum was ${sealed} and is ${checksum}`);
    return { events, head, checksum, faults };
  } catch (error) {
    throw new Error(sentence(error, called), { cause: error });
  } finally {
    db.close();
  }
}

/**
 * Copies the log of a directory as it is at one moment; whoever writes to it goes on writing, and the copy takes the longer for it
 * only as the machine has less to spare. What is written meanwhile stays in the log's WAL until the copy is made. The file appears
 * when it is whole and on disk, and none that is there is overwritten. Answers with what the copy holds, read back, whose checksum
 * is in it.
 */
export function backUpLog(directory: string, file: string): Report {
  if (existsSync(file)) throw new Error(`${file} is there already`);
  const arriving = partial(file);
  const clear = () => [arriving, `${arriving}-journal`].forEach((path) => void rmSync(path, { force: true }));
  const db = openToRead(logFile(directory));
  try {
    clear();
    makePrivate(arriving);
    db.prepare('VACUUM INTO ?').run(arriving);
    const report = verifyLog(arriving, file);
    if (report.faults.length > 0) return report;
    sealBackup(arriving, report.checksum);
    appear(arriving, file);
    return report;
  } catch (error) {
    throw new Error(sentence(error, file), { cause: error });
  } finally {
    db.close();
    clear();
  }
}

/** Puts a copy where a directory has no log yet. Answers with what it holds; with faults in it there is no log after. */
export function restoreLog(file: string, directory: string): Report {
  const target = logFile(directory);
  if (!existsSync(file)) throw new Error(`There is no backup at ${file}`);
  // A copy without its WAL would lack what was written last.
  if (bytesOf(`${file}-wal`) > 0) throw new Error(`${file} is a log that is in use: make a backup of it, and restore that`);
  makeDirectory(directory);
  const release = lock(directory);
  const arriving = partial(target);
  try {
    // What is in a WAL that another log left would be written into this one.
    if (existsSync(target) || existsSync(`${target}-wal`)) throw new Error(`There is a log in ${directory} already; move it away first`);
    clearLeftovers(directory);
    rmSync(`${target}-shm`, { force: true }); // of a log that somebody took away
    copyFileSync(file, arriving, constants.COPYFILE_FICLONE);
    chmodSync(arriving, 0o600);
    const report = verifyLog(arriving, file);
    if (report.faults.length === 0) appear(arriving, target);
    return report;
  } finally {
    clearLeftovers(directory);
    release();
  }
}

/**
 * Takes out what reads of streams no longer show: what was deleted, and what `$maxAge`, `$maxCount` and `$tb` hide. From then
 * on it is not in `$all` either, and its bytes are in no file. Positions and revisions stay, and are not given again. Nobody
 * else may have the log open: throws while it is in use, and while it is backed up or checked. Answers with how many events went.
 */
export function scavengeLog(directory: string, onProgress: (streams: number, removed: number) => void = () => {}): number {
  const log = openLog(directory);
  let removed = 0;
  try {
    let streams = 0;
    log.storage.transaction(log.storage.beginScavenge);
    for (let after = 0; ; ) {
      const names = log.storage.streamNames(after, 1_000);
      const last = names.at(-1);
      if (!last) break;
      after = last.id;
      log.storage.transaction(() => {
        for (const { id, name } of names) {
          const stream = log.streams.get(name);
          const { revision, since } = isTombstoned(stream) ? { revision: LAST_REVISION, since: 0 } : visibleFrom(stream, Date.now());
          removed += log.storage.removeBefore(id, revision, since);
        }
      });
      streams += names.length;
      onProgress(streams, removed);
    }
    log.storage.compact();
  } catch (error) {
    throw new Error(sentence(error, logFile(directory)), { cause: error });
  } finally {
    log.close();
  }
  return removed;
}

const eventRow = z.object({
  position: z.int().positive(),
  name: z.string(),
  scavenged: z.int(),
  revision: z.int().nonnegative(),
  id: z.string().length(32),
  type: z.string(),
  is_json: z.int(),
  created: z.int(),
  data: z.instanceof(Uint8Array),
  metadata: z.instanceof(Uint8Array),
});

function openToRead(file: string, called = file): DatabaseSync {
  if (!existsSync(file)) throw new Error(`There is no event log at ${called}`);
  checkAtRest(file);
  const db = new DatabaseSync(file, { readOnly: true, timeout: openingMilliseconds });
  try {
    checkIsLog(db, called);
    return db;
  } catch (error) {
    db.close();
    throw new Error(sentence(error, called), { cause: error });
  }
}

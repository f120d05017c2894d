// What is done to the log as a file: check it, copy it while it is in use, put a copy in its place, and take out of it what
// nobody can read any more.
import { createHash } from 'node:crypto';
import { constants, copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { LAST_REVISION } from './events.ts';
import { appear } from './files.ts';
import { openLog } from './log.ts';
import { checkIsLog, sentence } from './storage.ts';
import { isTombstoned, visibleFrom } from './streams.ts';

/** `checksum` is of all events, with their places: two logs with the same one are the same. `faults` are a line each. */
export type Report = { readonly events: number; readonly head: number; readonly checksum: string; readonly faults: readonly string[] };

export const logFile = (directory: string): string => join(directory, 'events.db');
const MOST_FAULTS = 20;
/** How long a log is waited for that is being opened, and is put in order for it. */
const openingMilliseconds = 5_000;

/**
 * Reads all of a log, also of one that is in use: that SQLite finds its file whole, that revisions are dense and positions
 * grow, and that what says it is JSON is. Throws an error of one sentence for a file that is no log.
 */
export function verifyLog(file: string): Report {
  const db = openToRead(file);
  try {
    const faults: string[] = [];
    const fault = (line: string) => faults.length < MOST_FAULTS && faults.push(line);
    for (const { integrity_check } of db.prepare('PRAGMA integrity_check(20)').iterate()) {
      if (integrity_check !== 'ok') fault(`the file: ${integrity_check}`);
    }
    const checksum = createHash('sha256');
    const last = new Map<string, number>();
    let events = 0;
    let head = 0;
    const all = db.prepare(
      'SELECT position, name, scavenged, revision, hex(events.id) AS id, type, is_json, created, data, metadata FROM events LEFT JOIN streams ON streams.id = stream ORDER BY position',
    );
    for (const found of all.iterate()) {
      const { success, data: event } = eventRow.safeParse(found);
      if (!success) {
        fault(`the event at position ${found.position} cannot be read`);
        continue;
      }
      const { position, name, revision, scavenged, id, type, is_json, created, data, metadata } = event;
      events += 1;
      head = position;
      const place = [position, name, revision, id, type, is_json, created, data.byteLength, metadata.byteLength];
      checksum.update(JSON.stringify(place)).update(data).update(metadata);
      const expected = Math.max(last.get(name) ?? -1, scavenged) + 1;
      if (revision > scavenged && revision !== expected && revision !== LAST_REVISION)
        fault(`${name}@${revision} at position ${position} should be ${name}@${expected}`);
      last.set(name, revision);
      if (is_json === 1 && !isJson(data)) fault(`${name}@${revision} at position ${position} is not the JSON that it says it is`);
    }
    return { events, head, checksum: checksum.digest('hex'), faults };
  } catch (error) {
    throw new Error(sentence(error, file), { cause: error });
  } finally {
    db.close();
  }
}

/**
 * Copies the log of a directory as it is at one moment; whoever writes to it goes on writing, and the copy takes the longer for it
 * only as the machine has less to spare. What is written meanwhile stays in the log's WAL until the copy is made. The file appears
 * when it is whole and on disk, and none that is there is overwritten. Answers with what the copy holds, read back.
 */
export function backUpLog(directory: string, file: string): Report {
  if (existsSync(file)) throw new Error(`${file} is there already`);
  const arriving = `${file}.${process.pid}`;
  const db = openToRead(logFile(directory));
  try {
    db.prepare('VACUUM INTO ?').run(arriving);
    const report = verifyLog(arriving);
    if (report.faults.length === 0) appear(arriving, file);
    return report;
  } catch (error) {
    throw new Error(sentence(error, file), { cause: error });
  } finally {
    db.close();
    rmSync(arriving, { force: true });
  }
}

/** Puts a copy where a directory has no log yet. Answers with what it holds; with faults in it nothing was done. */
export function restoreLog(file: string, directory: string): Report {
  const target = logFile(directory);
  // What is in a WAL that another log left would be written into this one.
  if (existsSync(target) || existsSync(`${target}-wal`)) throw new Error(`There is a log in ${directory} already; move it away first`);
  const report = verifyLog(file);
  if (report.faults.length > 0) return report;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const arriving = `${target}.${process.pid}`;
  try {
    copyFileSync(file, arriving, constants.COPYFILE_FICLONE);
    const copied = verifyLog(arriving);
    if (copied.checksum !== report.checksum) throw new Error(`${file} could not be copied: the copy reads otherwise`);
    appear(arriving, target);
    return copied;
  } finally {
    rmSync(arriving, { force: true });
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
    log.storage.transaction(log.storage.noteHead);
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

function openToRead(file: string): DatabaseSync {
  if (!existsSync(file)) throw new Error(`There is no event log at ${file}`);
  const db = new DatabaseSync(file, { readOnly: true, timeout: openingMilliseconds });
  try {
    checkIsLog(db, file);
    return db;
  } catch (error) {
    db.close();
    throw new Error(sentence(error, file), { cause: error });
  }
}

function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
    return true;
  } catch {
    return false;
  }
}

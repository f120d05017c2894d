// What is acknowledged is on disk, and no append is ever there in part: whatever step of a commit fails or is the last one before
// a crash, wherever the file is torn, and when the disk takes no more.
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, type MockInstance, onTestFinished, test, vi } from 'vitest';
import { ANY, type ExpectedRevision, NO_STREAM, type ProposedEvent } from '../../src/eventstore/embedded/events.ts';
import { asFailure, type Failure } from '../../src/eventstore/embedded/failures.ts';
import { openLog } from '../../src/eventstore/embedded/log.ts';
import type { Connect } from '../../src/eventstore/embedded/logFile.ts';
import { backUpLog, restoreLog, scavengeLog, verifyLog } from '../../src/eventstore/embedded/maintenance.ts';
import { openStorage } from '../../src/eventstore/embedded/storage.ts';
import { trackStreams } from '../../src/eventstore/embedded/streams.ts';
import { type Outcome, startWriter } from '../../src/eventstore/embedded/writer.ts';
import { temporaryDirectory } from './support.ts';

let said: MockInstance;
beforeEach(() => {
  said = vi.spyOn(console, 'error').mockImplementation(() => undefined);
});
afterEach(() => said.mockRestore());

type Append = { stream: string; expected: ExpectedRevision; events: ProposedEvent[] };

const proposed = (size = 10): ProposedEvent => ({
  id: Buffer.from(randomUUID().replaceAll('-', ''), 'hex'),
  type: 'Written',
  isJson: true,
  data: Buffer.from(JSON.stringify('x'.repeat(size))),
  metadata: Buffer.alloc(0),
});
const appendOf = (stream: string, expected: ExpectedRevision, count: number, size?: number): Append => ({
  stream,
  expected,
  events: Array.from({ length: count }, () => proposed(size)),
});

function open(directory: string, connect?: Connect) {
  const storage = openStorage(directory, connect);
  const announced = new Set<string>();
  const writer = startWriter(storage, trackStreams(storage), (names) => {
    for (const name of names) announced.add(name);
  });
  const append = ({ stream, expected, events }: Append): Promise<Outcome> =>
    new Promise((answer) => writer.submit({ stream, expected, change: { is: 'append', events }, answer }));
  return { storage, announced, append };
}

/** Of each append how many of its events are there. Throws where one is there twice, or places are not as they should be. */
function present(storage: ReturnType<typeof openStorage>, appends: readonly Append[]): number[] {
  const all = Array.from({ length: Math.ceil(storage.head() / 100) + 1 }, (_, page) => storage.all(page * 100 + 1, 100)).flat();
  const next = new Map<number, number>();
  for (const [index, { position, stream, revision }] of all.entries()) {
    expect([position, revision]).toEqual([index + 1, next.get(stream) ?? 0]);
    next.set(stream, revision + 1);
  }
  const ids = all.map(({ id }) => Buffer.from(id).toString('hex'));
  expect(new Set(ids).size).toBe(ids.length);
  return appends.map(({ events }) => events.filter(({ id }) => ids.includes(Buffer.from(id).toString('hex'))).length);
}

/** Calls back before and after each step of a transaction. */
function stepping(onStep: (step: string) => void): Connect {
  return (file) => {
    const db = new DatabaseSync(file);
    const prepare = db.prepare.bind(db);
    db.prepare = (sql) => {
      const statement = prepare(sql);
      const [name] = /^(BEGIN|INSERT INTO (streams|events)|COMMIT)/.exec(sql) ?? [];
      if (name === undefined) return statement;
      const run = statement.run.bind(statement);
      const value = (...parameters: SQLInputValue[]) => {
        onStep(`before ${name}`);
        const result = run(...parameters);
        onStep(`after ${name}`);
        return result;
      };
      return Object.defineProperty(statement, 'run', { value });
    };
    return db;
  };
}

const group = (): Append[] => [appendOf('old', 1, 2), appendOf('new', NO_STREAM, 3), appendOf('any', ANY, 2)];

describe('a commit', () => {
  test.each([
    ['once', false],
    ['from there on, until it is mended', true],
  ])('that fails at any of its steps, %s, is there whole or not at all', async (_how, isLasting) => {
    const steps: string[] = [];
    for (let failAt = 0; failAt === steps.length; failAt += 1) {
      let step = -1;
      let isMended = true;
      const directory = temporaryDirectory();
      const log = open(
        directory,
        stepping((name) => {
          step += 1;
          if (isMended || step < failAt) return;
          if (step === failAt) steps.push(name);
          if (step === failAt || isLasting) throw new Error('The disk failed');
        }),
      );
      const before = appendOf('old', NO_STREAM, 2);
      expect(await log.append(before)).toMatchObject({ is: 'written', revision: 1 });
      [step, isMended] = [-1, false];
      const appends = group();
      const outcomes = await Promise.all(appends.map(log.append));
      isMended = true;
      for (const [index, count] of present(log.storage, appends).entries()) {
        const whole = appends[index]?.events.length;
        expect(outcomes[index]?.is === 'written' ? [whole] : [0, whole], `${steps.at(-1)}: ${outcomes[index]?.is}`).toContain(count);
      }
      // A failure that was none is found out; others go on; and who waits for news has them.
      const repeats = await Promise.all(appends.map(log.append));
      expect(repeats.map(({ is }) => is)).toEqual(['written', 'written', 'written']);
      const after = appendOf('old', 3, 1);
      expect(await log.append(after)).toMatchObject({ is: 'written', revision: 4, position: 10 });
      expect([...log.announced].sort()).toEqual(['any', 'new', 'old']);
      log.storage.close();
      const again = openStorage(directory);
      expect(present(again, [before, ...appends, after])).toEqual([2, 2, 3, 2, 1]);
      again.close();
    }
    expect([...new Set(steps)].sort()).toEqual(
      ['BEGIN', 'COMMIT', 'INSERT INTO events', 'INSERT INTO streams'].flatMap((name) => [`after ${name}`, `before ${name}`]).sort(),
    );
  });

  test('that a crash cuts off at any of its steps is there whole or not at all, and what was answered is there', async () => {
    const directory = temporaryDirectory();
    const crashes = temporaryDirectory();
    const answered: Append[] = [];
    const left: { directory: string; step: string; answered: number }[] = [];
    const log = open(
      directory,
      stepping((step) => {
        // What a process that is killed now leaves behind.
        const copy = path.join(crashes, String(left.length));
        mkdirSync(copy);
        for (const name of ['events.db', 'events.db-wal']) {
          const file = path.join(directory, name);
          if (existsSync(file)) cpSync(file, path.join(copy, name));
        }
        left.push({ directory: copy, step, answered: answered.length });
      }),
    );
    const appends = [appendOf('old', NO_STREAM, 2), ...group(), appendOf('old', 3, 1)];
    const answer = async (append: Append) => {
      expect(await log.append(append)).toMatchObject({ is: 'written' });
      answered.push(append);
    };
    await Promise.all(appends.slice(0, 1).map(answer));
    await Promise.all(appends.slice(1, 4).map(answer));
    await Promise.all(appends.slice(4).map(answer));
    log.storage.close();
    expect(left.length).toBeGreaterThan(20);
    for (const crash of left) {
      const storage = openStorage(crash.directory);
      const counts = present(storage, appends);
      for (const [index, { events }] of appends.entries()) {
        expect(index < crash.answered ? [events.length] : [0, events.length], crash.step).toContain(counts[index]);
      }
      storage.close();
    }
  });

  test('is synced to the disk before it returns', () => {
    let db: DatabaseSync | undefined;
    const storage = openStorage(temporaryDirectory(), (file) => {
      db = new DatabaseSync(file);
      return db;
    });
    expect(db?.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    expect(db?.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 });
    storage.close();
  });
});

describe('a disk', () => {
  test.each([
    [
      'that is full',
      'PRAGMA max_page_count = 1',
      'PRAGMA max_page_count = 1000000',
      'cannot be written: the disk is full; make room on it',
    ],
    [
      'that is read-only',
      'PRAGMA query_only = ON',
      'PRAGMA query_only = OFF',
      'cannot be written: the disk or the file is read-only; make it writable',
    ],
  ])('%s refuses appends with its reason, and shows what it has', async (_what, breakIt, mendIt, reason) => {
    let db: DatabaseSync | undefined;
    const directory = temporaryDirectory();
    const log = open(directory, (file) => {
      db = new DatabaseSync(file);
      return db;
    });
    const before = appendOf('s', NO_STREAM, 3);
    await log.append(before);
    db?.exec(breakIt);
    // Not even the first of two events stays of an append that has no room.
    const appends = [appendOf('s', 2, 2, 20_000), appendOf('t', NO_STREAM, 2, 20_000)];
    for (const outcome of await Promise.all(appends.map(log.append))) {
      expect(outcome).toMatchObject({ is: 'failed', reason: expect.stringContaining(reason) });
    }
    // All at once: others would wait while each is tried in vain.
    expect(said.mock.calls).toEqual([
      [expect.stringMatching(new RegExp(`^2 appends, the first to s, were not written: The event log .*events.db ${reason}$`))],
    ]);
    expect(present(log.storage, [before, ...appends])).toEqual([3, 0, 0]);
    db?.exec(mendIt);
    expect((await Promise.all(appends.map(log.append))).map(({ is }) => is)).toEqual(['written', 'written']);
    log.storage.close();
    const again = openStorage(directory);
    expect(present(again, [before, ...appends])).toEqual([3, 2, 2]);
    again.close();
  });
});

describe('a place', () => {
  test('that may not be written to is named with what is to be done', (context) => {
    // Root may write everywhere, so another user opens the log, who has no way to what is in a folder of root's.
    const isRoot = process.getuid?.() === 0;
    const directory = isRoot ? mkdtempSync('/tmp/daybook-log-') : temporaryDirectory();
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const script = `const { openStorage } = await import(process.argv[1]);
      try { openStorage(process.argv[2]).close(); console.log('opened'); } catch (error) { console.log(error.message); }`;
    const storage = new URL('../../src/eventstore/embedded/storage.ts', import.meta.url).href;
    const opened = () => {
      const child = spawnSync(process.execPath, ['--input-type=module', '-e', script, storage, directory], {
        encoding: 'utf8',
        ...(isRoot && { uid: 65_534, gid: 65_534 }),
      });
      return child.stdout.trim() || child.stderr;
    };
    const refused = (place: string) =>
      `The event log ${place} cannot be written: Daybook has no permission to; check the owner and the mode`;

    chmodSync(directory, 0o777);
    const first = opened();
    if (isRoot && first !== 'opened') return context.skip(`another user cannot run the sources here: ${first}`);
    expect(first).toBe('opened');
    const file = path.join(directory, 'events.db');
    chmodSync(file, 0o400);
    expect(opened()).toBe(refused(file));
    chmodSync(file, 0o600);
    chmodSync(directory, 0o500);
    if (isRoot) chownSync(directory, 65_534, 65_534);
    expect(opened()).toBe(refused(directory));
    chmodSync(directory, 0o700);
    expect(opened()).toBe('opened');
  });

  test('that is a disk without room, or one that is mounted read-only, says so, and has what was answered', async (context) => {
    const disk = temporaryDirectory();
    const mount = (...args: string[]) => spawnSync('mount', args).status === 0;
    if (!mount('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk)) return context.skip('nobody may mount a disk here');
    try {
      const directory = path.join(disk, 'log');
      const log = open(directory);
      const appends: Append[] = [];
      let outcome: Outcome = { is: 'too late' };
      do {
        const append = appendOf('s', ANY, 1, 5_000);
        outcome = await log.append(append);
        if (outcome.is === 'written') appends.push(append);
      } while (outcome.is === 'written');
      expect(outcome).toMatchObject({ is: 'failed', reason: expect.stringContaining('the disk is full; make room on it') });
      const found = () => present(log.storage, appends).filter((count) => count === 1).length;
      expect(found()).toBe(appends.length);
      const killed = path.join(temporaryDirectory(), 'log');
      cpSync(directory, killed, { recursive: true });
      log.storage.close();
      expect(mount('-o', 'remount,ro', disk)).toBe(true);
      expect(() => openStorage(directory)).toThrow(/ cannot be written: the disk or the file is read-only; make it writable$/);
      expect(mount('-o', 'remount,rw,size=16m', disk)).toBe(true);
      for (const place of [directory, killed]) {
        const storage = openStorage(place);
        expect(present(storage, appends)).toEqual(appends.map(() => 1));
        storage.close();
      }
    } finally {
      spawnSync('umount', ['-l', disk]);
    }
  });
});

describe('a file', () => {
  test('that is shorter than it was, or has an event that cannot be read, is named when it is opened', () => {
    const directory = temporaryDirectory();
    const file = path.join(directory, 'events.db');
    openStorage(directory).close();
    const whole = readFileSync(file);
    truncateSync(file, whole.length - 8_192);
    expect(() => openStorage(directory)).toThrow(/events\.db is damaged; restore a backup$/);
    const cut = new DatabaseSync(file);
    let failure: Failure | undefined;
    try {
      cut.prepare('SELECT * FROM events').all();
    } catch (error) {
      failure = asFailure(error); // what a reader is told, who need not know where the file is
    }
    cut.close();
    expect(failure).toMatchObject({ code: status.INTERNAL, message: 'The event log is damaged; restore a backup' });
    writeFileSync(file, whole);
    const db = new DatabaseSync(file);
    db.exec(
      'DROP TABLE events; CREATE TABLE events (position INTEGER PRIMARY KEY, stream, revision, id, type, is_json, created, data, metadata)',
    );
    db.exec(`INSERT INTO events VALUES (1, 1, 0, 'no bytes', 'Written', 0, 0, x'', x'')`);
    db.close();
    expect(() => openLog(directory)).toThrow(/^The event log is damaged: .* cannot be read \(.*events\.db\); restore a backup$/);
    openStorage(directory).close(); // it is not held
  });

  test('that was opened and not written to before a kill needs nothing else', () => {
    const directory = temporaryDirectory();
    const storage = openStorage(directory);
    const killed = temporaryDirectory();
    cpSync(directory, killed, { recursive: true });
    storage.close();
    openStorage(killed).close();
  });

  /** A log of appends that are all in the WAL still, with its length after each. */
  async function logged(count: number) {
    const directory = temporaryDirectory();
    const log = open(directory);
    const appends: Append[] = [];
    const ends: number[] = [];
    for (let n = 0; n < count; n += 1) {
      const append = appendOf(`s-${n % 3}`, ANY, 1 + (n % 4), (n * 977) % 9000);
      await log.append(append);
      appends.push(append);
      ends.push(statSync(path.join(directory, 'events.db-wal')).size);
    }
    const copyOf = (names: readonly string[]) => {
      const to = temporaryDirectory();
      for (const name of names) cpSync(path.join(directory, name), path.join(to, name));
      return to;
    };
    return {
      appends,
      ends,
      /** What a power cut leaves: SQLite's index of the WAL is never synced. */
      copy: () => copyOf(['events.db', 'events.db-wal']),
      /** What a killed process leaves. */
      copyOfKilled: () => copyOf(['events.db', 'events.db-wal', 'events.db-shm']),
      close: log.storage.close,
    };
  }
  const walIn = (directory: string) => path.join(directory, 'events.db-wal');
  /** Overwrites what is from a byte on, all of it or a few. */
  function overwrite(file: string, at: number, count?: number): void {
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.fill(0x5a, at, count === undefined ? bytes.length : at + count));
  }
  const isDamaged = /^The event log .*events\.db is damaged: .*events\.db-wal, where its last appends are, /;

  test('whose last append is torn or overwritten has all before it, each whole', async () => {
    const { appends, ends, copy, close } = await logged(20);
    const [start = 0, end = 0] = ends.slice(-2);
    for (let round = 0; round < 16; round += 1) {
      const at = Math.floor(start + ((end - start) * round) / 16);
      const directory = copy();
      if (round % 2 === 0) truncateSync(walIn(directory), at);
      else overwrite(walIn(directory), at, round % 4 === 1 ? 64 : undefined);
      const storage = openStorage(directory);
      expect(present(storage, appends)).toEqual(appends.map(({ events }, index) => (index < 19 ? events.length : 0)));
      storage.close();
      rmSync(directory, { recursive: true });
    }
    close();
  });

  test('with damage in front of other appends is refused, also after a power cut, and left as it is', async () => {
    const { appends, ends, copy, close } = await logged(20);
    const last = ends.at(-3) ?? 0;
    for (let round = 0; round < 16; round += 1) {
      const at = Math.floor((last * round) / 16);
      const directory = copy();
      const whole = readFileSync(walIn(directory));
      overwrite(walIn(directory), at, 16);
      const damaged = readFileSync(walIn(directory));
      expect(() => openStorage(directory), `at ${at}`).toThrow(isDamaged);
      expect(() => verifyLog(path.join(directory, 'events.db'))).toThrow(isDamaged);
      expect(readFileSync(walIn(directory)).equals(damaged)).toBe(true);
      writeFileSync(walIn(directory), whole);
      const storage = openStorage(directory);
      expect(present(storage, appends)).toEqual(appends.map(({ events }) => events.length));
      storage.close();
      rmSync(directory, { recursive: true });
    }
    close();
  });

  test('that a killed process left is refused wherever its WAL is cut, overwritten or gone', async () => {
    const { appends, ends, copyOfKilled, close } = await logged(20);
    const length = ends.at(-1) ?? 0;
    const harms: ((wal: string) => void)[] = [rmSync, truncateSync, (wal) => truncateSync(wal, 20)];
    for (let round = 0; round < 12; round += 1) {
      const at = Math.floor((length * (round + 0.5)) / 12);
      harms.push(
        (wal) => truncateSync(wal, at),
        (wal) => overwrite(wal, at),
        (wal) => overwrite(wal, at, 64),
      );
    }
    for (const harm of harms) {
      const directory = copyOfKilled();
      harm(walIn(directory));
      const left = readdirSync(directory);
      expect(() => verifyLog(path.join(directory, 'events.db'))).toThrow(isDamaged);
      expect(() => openStorage(directory)).toThrow(isDamaged);
      expect(readdirSync(directory).filter((name) => name !== 'events.lock')).toEqual(left);
      rmSync(directory, { recursive: true });
    }
    // What is only an index says nothing when it is damaged itself, or about another WAL.
    for (const garbage of [
      Buffer.alloc(32_768, 0x33),
      Buffer.alloc(0),
      readFileSync(path.join(copyOfKilled(), 'events.db-shm')).fill(1, 32, 40),
    ]) {
      const directory = copyOfKilled();
      writeFileSync(path.join(directory, 'events.db-shm'), garbage);
      const storage = openStorage(directory);
      expect(present(storage, appends)).toEqual(appends.map(({ events }) => events.length));
      storage.close();
    }
    close();
  });

  test('that was closed, restored or scavenged needs no WAL, and one that could not be opened is opened later', async () => {
    const directory = temporaryDirectory();
    const log = open(directory);
    const before = appendOf('s', NO_STREAM, 3);
    await log.append(before);
    const left = temporaryDirectory(); // of a log that somebody took away
    cpSync(path.join(directory, 'events.db-shm'), path.join(left, 'events.db-shm'));
    log.storage.close();
    expect(readdirSync(directory).sort()).toEqual(['events.db', 'events.lock']);
    const failing = () =>
      openStorage(directory, (file) => {
        const db = new DatabaseSync(file);
        const exec = db.exec.bind(db);
        // The last step of an opening.
        db.exec = (sql) => (/user_version = \d+$/.test(sql) ? exec('PRAGMA max_page_count = 1; CREATE TABLE too_much (x)') : exec(sql));
        return db;
      });
    expect(failing).toThrow();
    scavengeLog(directory);
    const again = openStorage(directory);
    expect(present(again, [before])).toEqual([3]);
    again.close();
    const file = path.join(temporaryDirectory(), 'backup');
    backUpLog(directory, file);
    expect(() => openStorage(left)).toThrow(isDamaged);
    restoreLog(file, left);
    const restored = openStorage(left);
    expect(present(restored, [before])).toEqual([3]);
    restored.close();
  });

  test('that is empty, or missing beside what was written to it last, is not begun anew', async () => {
    const { appends, copy, close } = await logged(3);
    const [emptied, without] = [copy(), copy()];
    const whole = readFileSync(path.join(without, 'events.db'));
    truncateSync(path.join(emptied, 'events.db'));
    expect(() => openStorage(emptied)).toThrow(/events\.db is damaged: nothing is in it$/);
    rmSync(path.join(without, 'events.db'));
    expect(() => openStorage(without)).toThrow(/events\.db is missing; what was last written to it is still there$/);
    const other = path.join(temporaryDirectory(), 'other.db');
    writeFileSync(other, whole);
    expect(() => restoreLog(other, without)).toThrow(/There is a log in .* already/);
    // Nothing was lost of either.
    for (const directory of [emptied, without]) {
      writeFileSync(path.join(directory, 'events.db'), whole);
      const storage = openStorage(directory);
      expect(present(storage, appends)).toEqual(appends.map(({ events }) => events.length));
      storage.close();
    }
    close();
  });
});

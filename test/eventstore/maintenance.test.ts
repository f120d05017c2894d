// What is done to the log as a file, from the command line as from within: check, back up, restore, scavenge.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { type AllStreamRecordedEvent, binaryEvent, EventStoreDBClient, START } from '@eventstore/db-client';
import { expect, test } from 'vitest';
import { startEmbeddedEventStore } from '../../src/eventstore/embedded/embedded.ts';
import { ANY } from '../../src/eventstore/embedded/events.ts';
import { lock } from '../../src/eventstore/embedded/lock.ts';
import { openLog } from '../../src/eventstore/embedded/log.ts';
import { backUpLog, logFile, restoreLog, scavengeLog, verifyLog } from '../../src/eventstore/embedded/maintenance.ts';
import type { Outcome } from '../../src/eventstore/embedded/writer.ts';
import { event, temporaryDirectory } from './support.ts';

type Log = { readonly client: EventStoreDBClient; readonly all: () => Promise<readonly string[]> };

/** Works with a log in a directory, which is closed after. */
async function withLogIn<T>(directory: string, work: (log: Log) => Promise<T>): Promise<T> {
  const log = await startEmbeddedEventStore({ directory });
  const client = EventStoreDBClient.connectionString(log.connectionString);
  const all = async () => {
    const lines: string[] = [];
    for await (const { event } of client.readAll({ fromPosition: START })) if (event) lines.push(lineOf(event));
    return lines;
  };
  try {
    return await work({ client, all });
  } finally {
    await client.dispose();
    await log.close();
  }
}

const lineOf = ({ position, streamId, revision, type }: AllStreamRecordedEvent) => `${position.commit} ${streamId}@${revision} ${type}`;

/** A number of events, the nth with this text and its n in it. */
const texts = (text: string, count: number) => Array.from({ length: count }, (_, n) => event('Said', { text: `${text}-${n}` }));

/** Everything in all files of a folder, as text. */
const bytesIn = (directory: string) =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path, 'latin1'))
    .join('\n');

/** The command line on a data folder; answers with its exit code and what it printed. */
const daybook = (dataDirectory: string, ...args: string[]) => daybookWithin('exec "$0" "$@"', dataDirectory, ...args);

/** The same, begun by a line of a shell that is given it as its arguments. */
async function daybookWithin(shell: string, dataDirectory: string, ...args: string[]) {
  const script = fileURLToPath(new URL('../../src/cli/daybook.ts', import.meta.url));
  const env = { ...process.env, DAYBOOK_DATA_DIR: dataDirectory };
  const child = spawn('sh', ['-c', shell, process.execPath, script, ...args], { env });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (printed += String(chunk)));
  const [code] = await once(child, 'close');
  return { code, printed };
}

test('a scavenge takes the bytes of what is deleted or expired out of every file, and nothing else', async () => {
  const directory = temporaryDirectory();
  const before = await withLogIn(directory, async ({ client, all }) => {
    await client.appendToStream('kept', texts('kept', 3));
    await client.appendToStream('deleted', texts('deleted', 3));
    await client.deleteStream('deleted');
    await client.appendToStream('tombstoned', texts('tombstoned', 3));
    await client.setStreamMetadata('tombstoned', { note: 'tombstoned-note' });
    await client.tombstoneStream('tombstoned');
    await client.appendToStream('counted', texts('counted', 5));
    await client.setStreamMetadata('counted', { maxCount: 4, note: 'counted-old' });
    await client.setStreamMetadata('counted', { maxCount: 2, note: 'new' });
    await client.appendToStream('truncated', texts('truncated', 3));
    await client.setStreamMetadata('truncated', { truncateBefore: 2 });
    await client.appendToStream('aged', texts('aged', 2));
    await client.setStreamMetadata('aged', { maxAge: 1 });
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    return all();
  });
  expect(scavengeLog(directory)).toBe(3 + 3 + 1 + 3 + 1 + 2 + 2);

  const bytes = bytesIn(directory);
  const gone = [
    'deleted-0',
    'deleted-2',
    'tombstoned-0',
    'tombstoned-note',
    'counted-0',
    'counted-2',
    'counted-old',
    'truncated-1',
    'aged-1',
  ];
  expect(gone.filter((text) => bytes.includes(text))).toEqual([]);
  const kept = ['kept-0', 'kept-2', 'counted-3', 'counted-4', 'truncated-2'];
  expect(kept.filter((text) => !bytes.includes(text))).toEqual([]);
  expect(verifyLog(logFile(directory))).toMatchObject({ faults: [] });

  await withLogIn(directory, async ({ client, all }) => {
    const after = await all();
    // The same places as before, fewer of them.
    expect(after.filter((line) => !before.includes(line))).toEqual([]);
    expect(after.filter((line) => line.includes('Said')).map((line) => line.split(' ')[1])).toEqual([
      'kept@0',
      'kept@1',
      'kept@2',
      'counted@3',
      'counted@4',
      'truncated@2',
    ]);
    // What is removed is not numbered again.
    for (const [stream, next] of [
      ['deleted', 3n],
      ['aged', 2n],
      ['counted', 5n],
    ] as const) {
      const { nextExpectedRevision } = await client.appendToStream(stream, event('Said', { text: 'again' }), {
        expectedRevision: next - 1n,
      });
      expect([stream, nextExpectedRevision]).toEqual([stream, next]);
    }
    await expect(client.appendToStream('tombstoned', event('Said'))).rejects.toThrow();
    // A new event of what was the newest position is after it.
    const position = (line: string | undefined) => BigInt(line?.split(' ')[0] ?? 0);
    const [first] = (await all()).filter((line) => line.startsWith('deleted@3') || line.includes(' deleted@3 '));
    expect(position(first)).toBeGreaterThan(position(before.at(-1)));
  });
});

test('a scavenge that finds no room on the disk says so, harms nothing, and can be done again', async () => {
  const data = temporaryDirectory();
  const directory = join(data, 'eventstore');
  const before = await withLogIn(directory, async ({ client, all }) => {
    await client.appendToStream('kept', texts('kept'.repeat(5_000), 20));
    await client.appendToStream('deleted', texts('deleted'.repeat(5_000), 20));
    await client.deleteStream('deleted');
    return all();
  });
  // No file of the process may grow beyond 100 KiB; some shells count half of them.
  const { code, printed } = await daybookWithin('ulimit -f 100; exec "$0" "$@"', data, 'scavenge');
  expect(printed).toMatch(/The event log .*events\.db cannot be (read or )?written: the disk (failed|is full)/);
  expect(code).toBe(1);
  expect(verifyLog(logFile(directory))).toMatchObject({ faults: [] });
  scavengeLog(directory);
  expect(bytesIn(directory)).not.toContain('deleted-1');
  await withLogIn(directory, async ({ all }) => {
    const after = await all();
    expect(after.filter((line) => line.includes('kept@'))).toEqual(before.filter((line) => line.includes('kept@')));
  });
});

test('the newest position is not given again when that event was scavenged', async () => {
  const directory = temporaryDirectory();
  const position = await withLogIn(directory, async ({ client }) => {
    await client.setStreamMetadata('last', { maxAge: 1 });
    const { position } = await client.appendToStream('last', event('Said'));
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    return position?.commit ?? 0n;
  });
  expect(scavengeLog(directory)).toBe(1);
  // Twice does nothing more.
  expect(scavengeLog(directory)).toBe(0);
  await withLogIn(directory, async ({ client }) => {
    const { position: next } = await client.appendToStream('other', event('Said'));
    expect(next?.commit).toBe(position + 1n);
  });
});

test('what a scavenge took out of a log that is being read is in its files until it is done again, and it says so', async () => {
  const directory = temporaryDirectory();
  await withLogIn(directory, async ({ client }) => {
    await client.appendToStream('deleted', texts('deleted', 3));
    await client.deleteStream('deleted');
  });
  const reader = new DatabaseSync(logFile(directory), { readOnly: true });
  const reading = reader.prepare('SELECT * FROM events').iterate();
  reading.next();
  expect(() => scavengeLog(directory)).toThrow('A backup or a check reads the event log');
  expect(bytesIn(directory)).toContain('deleted-1');
  reader.close();
  expect(scavengeLog(directory)).toBe(0);
  expect(bytesIn(directory)).not.toContain('deleted-1');
});

test('a backup of a log in use has all that was acknowledged before it, and is restored as it was', async () => {
  const data = temporaryDirectory();
  const directory = join(data, 'eventstore');
  const file = join(temporaryDirectory(), 'log.backup');
  const { acknowledged, during } = await withLogIn(directory, async ({ client, all }) => {
    for (let n = 0; n < 200; n += 1) await client.appendToStream(`stream-${n % 7}`, texts(`before-${n}`, 3));
    const acknowledged = await all();
    let isOver = false;
    let during = 0;
    const writing = Array.from({ length: 8 }, async (_, writer) => {
      for (let n = 0; !isOver; n += 1) {
        await client.appendToStream(`writer-${writer}`, texts(`during-${n}`, 2));
        during += 1;
        // Writers without a pause would take the processor from the command, which then only takes longer to start.
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    });
    const { code, printed } = await daybook(data, 'backup', file);
    isOver = true;
    await Promise.all(writing);
    expect(code, printed).toBe(0);
    return { acknowledged, during };
  });
  expect(during).toBeGreaterThan(8);
  const checksum = verifyLog(file).checksum;
  expect(await daybook(data, 'verify', file)).toMatchObject({ code: 0, printed: expect.stringContaining(checksum) });
  const other = temporaryDirectory();
  expect(await daybook(other, 'restore', file)).toMatchObject({ code: 0, printed: expect.stringContaining(checksum) });
  const restored = join(other, 'eventstore');
  await withLogIn(restored, async ({ client, all }) => {
    expect((await all()).slice(0, acknowledged.length)).toEqual(acknowledged);
    await client.appendToStream('writer-0', event('Said'));
  });
  // Neither a file nor a log that is there is written over.
  expect(() => backUpLog(directory, file)).toThrow('is there already');
  expect(() => restoreLog(file, restored)).toThrow(/There is a log in .* already/);
});

test('a backup keeps no writer waiting, however much is written while it reads, and the log is no longer for it afterwards', async () => {
  const directory = temporaryDirectory();
  const log = openLog(directory);
  const append = (size: number) =>
    new Promise<Outcome>((answer) => {
      const one = { id: randomBytes(16), type: 'Said', isJson: false, data: randomBytes(size), metadata: Buffer.alloc(0) };
      log.writer.submit({ stream: 'one', expected: ANY, change: { is: 'append', events: [one] }, answer });
    });
  const walBytes = () => statSync(`${logFile(directory)}-wal`).size;
  await append(100);
  // As a backup reads: one transaction, for as long as it takes.
  const reader = new DatabaseSync(logFile(directory), { readOnly: true });
  const reading = reader.prepare('SELECT position FROM events').iterate();
  reading.next();
  const kept = 64 * 1024 * 1024;
  while (walBytes() <= kept) expect(await append(900_000)).toMatchObject({ is: 'written' });
  expect(reader.prepare('SELECT count(*) AS count FROM events').get()).toEqual({ count: 1 });
  reader.close();
  for (let n = 0; n < 3; n += 1) expect(await append(900_000)).toMatchObject({ is: 'written' });
  expect(walBytes()).toBeLessThanOrEqual(kept);
  log.close();
});

test('what is not as it should be is found, and neither backed up nor restored', async () => {
  const directory = temporaryDirectory();
  await withLogIn(directory, async ({ client }) => {
    for (let n = 0; n < 50; n += 1) await client.appendToStream('one', texts(`text-${n}`, 1));
  });
  const good = verifyLog(logFile(directory));
  expect(good).toMatchObject({ events: 50, head: 50, faults: [] });
  const file = join(temporaryDirectory(), 'log.backup');
  expect(backUpLog(directory, file)).toEqual(good);

  const damage = (statement: string, of = logFile(directory)) => {
    const copy = join(temporaryDirectory(), 'events.db');
    writeFileSync(copy, readFileSync(of));
    const db = new DatabaseSync(copy);
    db.exec(statement);
    db.close();
    return copy;
  };
  const forge = `UPDATE events SET data = CAST('{"text":"forged"}' AS BLOB) WHERE position = 7`;
  expect(verifyLog(damage(forge)).checksum).not.toBe(good.checksum);
  // What a log cannot know of itself, a backup does.
  const forged = damage(forge, file);
  expect(verifyLog(forged).faults).toEqual([expect.stringContaining(`their checksum was ${good.checksum}`)]);
  expect(restoreLog(forged, temporaryDirectory()).faults).toEqual(verifyLog(forged).faults);
  for (const [statement, fault] of [
    ['DELETE FROM events WHERE revision = 20', 'one@21 at position 22 should be one@20'],
    ['DELETE FROM events WHERE revision IN (20, 21)', 'no event is at the positions from 21 to 22'],
    ['PRAGMA foreign_keys = OFF; DELETE FROM streams', 'the event at position 1 cannot be read'],
    ["UPDATE events SET id = x'0011' WHERE position = 3", 'the event at position 3 cannot be read'],
    [`UPDATE events SET revision = ${Number.MAX_SAFE_INTEGER} WHERE revision = 30`, 'one@31 at position 32 should be one@9007199254740992'],
    ['UPDATE events SET position = 1000 WHERE revision = 10', 'one@11 at position 12 should be one@10'],
  ] as const) {
    const copy = damage(statement);
    expect(verifyLog(copy).faults).toContain(fault);
    const target = temporaryDirectory();
    expect(restoreLog(copy, target).faults).toContain(fault);
    expect(readdirSync(target)).toEqual(['events.lock']);
    const backups = temporaryDirectory();
    expect(backUpLog(dirname(copy), join(backups, 'log.backup')).faults).toContain(fault);
    expect(readdirSync(backups)).toEqual([]);
  }
  const torn = damage('');
  const bytes = readFileSync(torn);
  // The head of a page, where it says what is in it.
  bytes.fill(0xff, 2 * 8_192, 2 * 8_192 + 100);
  writeFileSync(torn, bytes);
  const damaged = () => {
    const { faults } = verifyLog(torn);
    if (faults.length > 0) throw new Error(faults.join('\n'));
  };
  expect(damaged).toThrow();

  const noLog = join(temporaryDirectory(), 'a text');
  appendFileSync(noLog, 'this is no log\n'.repeat(100));
  expect(() => verifyLog(noLog)).toThrow(/is damaged: it is not a SQLite file/);
  expect(() => verifyLog(join(directory, 'nothing'))).toThrow(/There is no event log at/);
});

test('data that is not the JSON that it is called is no damage: the real server takes it as well', async () => {
  const directory = temporaryDirectory();
  await withLogIn(directory, async ({ client }) => {
    await client.appendToStream('one', binaryEvent({ type: 'Said', data: Buffer.from('{"text"') }));
  });
  const db = new DatabaseSync(logFile(directory));
  db.exec('UPDATE events SET is_json = 1');
  db.close();
  expect(verifyLog(logFile(directory))).toMatchObject({ events: 1, faults: [] });
});

test('what is missing is told from what a scavenge took out', async () => {
  const directory = temporaryDirectory();
  await withLogIn(directory, async ({ client }) => {
    await client.appendToStream('kept', texts('kept', 20));
    await client.appendToStream('counted', texts('counted', 10));
    await client.setStreamMetadata('counted', { maxCount: 2 });
    await client.appendToStream('deleted', texts('deleted', 3));
    await client.deleteStream('deleted');
  });
  expect(scavengeLog(directory)).toBe(8 + 3);
  await withLogIn(directory, ({ client }) => client.appendToStream('kept', texts('later', 5)));
  expect(verifyLog(logFile(directory))).toMatchObject({ events: 20 + 2 + 1 + 1 + 5, faults: [] });
  // A second one counts on.
  await withLogIn(directory, ({ client }) => client.setStreamMetadata('counted', { maxCount: 1 }));
  expect(scavengeLog(directory)).toBe(2);
  expect(verifyLog(logFile(directory))).toMatchObject({ events: 28, faults: [] });
  await withLogIn(directory, ({ client }) => client.appendToStream('later', texts('later', 3)));

  const faultsAfter = (statement: string) => {
    const copy = join(temporaryDirectory(), 'events.db');
    writeFileSync(copy, readFileSync(logFile(directory)));
    const db = new DatabaseSync(copy);
    db.exec(statement);
    db.close();
    return verifyLog(copy).faults;
  };
  const stream = (name: string) => `stream = (SELECT id FROM streams WHERE name = '${name}')`;
  expect(faultsAfter(`DELETE FROM events WHERE ${stream('kept')} AND revision BETWEEN 5 AND 9`)).toEqual([
    'kept@10 at position 11 should be kept@5',
    '18 events up to position 41 are missing, of which scavenges took out 13',
  ]);
  expect(faultsAfter(`DELETE FROM events WHERE ${stream('kept')}`)).toEqual([
    '38 events up to position 41 are missing, of which scavenges took out 13',
  ]);
  expect(faultsAfter(`DELETE FROM events WHERE ${stream('later')} AND revision = 0`)).toEqual([
    'no event is at the positions from 42 to 42',
    'later@1 at position 43 should be later@0',
  ]);
  // Of a scavenge by an older version it is not known how many it took out.
  expect(faultsAfter(`UPDATE scavenges SET removed = NULL; DELETE FROM events WHERE ${stream('kept')}`)).toEqual([]);
});

test('what a run that was killed left is gone after the next, and nobody else may read the files', async () => {
  const data = temporaryDirectory();
  const directory = join(data, 'made', 'eventstore');
  const modes = () => readdirSync(directory).map((name) => [name, (statSync(join(directory, name)).mode & 0o777).toString(8)]);
  await withLogIn(directory, async ({ client }) => {
    await client.appendToStream('one', texts('text', 3));
    for (const folder of [directory, dirname(directory)]) expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(modes().filter(([name]) => name !== 'events.lock')).toEqual(
      ['events.db', 'events.db-shm', 'events.db-wal'].map((name) => [name, '600']),
    );
  });
  const file = join(data, 'log.backup');
  const leftovers = (where: string) => [`${where}.partial`, `${where}.partial-journal`];
  for (const left of leftovers(file)) writeFileSync(left, 'text-1');
  const report = backUpLog(directory, file);
  expect(readdirSync(data).sort()).toEqual(['log.backup', 'made']);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const inLog = [...leftovers(logFile(directory)), `${logFile(directory)}.4711`, `${logFile(directory)}.4711-journal`];
  for (const left of inLog) writeFileSync(left, 'text-1');
  expect(scavengeLog(directory)).toBe(0);
  expect(readdirSync(directory).sort()).toEqual(['events.db', 'events.lock']);
  const other = join(data, 'other', 'eventstore');
  mkdirSync(other, { recursive: true });
  for (const left of leftovers(logFile(other))) writeFileSync(left, 'text-1');
  expect(restoreLog(file, other)).toEqual(report);
  expect(readdirSync(other).sort()).toEqual(['events.db', 'events.lock']);
  expect(statSync(logFile(other)).mode & 0o777).toBe(0o600);
  // A copy of it before its first start is a backup like any other.
  expect(backUpLog(other, join(data, 'second.backup'))).toEqual(report);
  await withLogIn(other, ({ client }) => client.appendToStream('one', texts('text', 1)));
  expect(verifyLog(logFile(other))).toMatchObject({ events: 4, faults: [] });
});

test('a restore waits for nobody who has the folder, and takes no log in use for a backup', async () => {
  const directory = temporaryDirectory();
  const log = openLog(directory);
  const file = join(temporaryDirectory(), 'log.backup');
  backUpLog(directory, file);
  expect(() => restoreLog(logFile(directory), temporaryDirectory())).toThrow(/is a log that is in use/);
  log.close();
  const other = temporaryDirectory();
  const release = lock(other);
  expect(() => restoreLog(file, other)).toThrow(/is in use by another process/);
  release();
  expect(restoreLog(file, other)).toMatchObject({ faults: [] });
});

test.each([
  ['first', 1, 'ALTER TABLE streams DROP COLUMN scavenged; DROP TABLE scavenges'],
  ['second', 2, 'ALTER TABLE scavenges DROP COLUMN removed'],
])('a log of the %s layout is opened as one of this', async (_name, version, statements) => {
  const directory = temporaryDirectory();
  await withLogIn(directory, ({ client }) => client.appendToStream('one', texts('text', 3)));
  const db = new DatabaseSync(logFile(directory));
  db.exec(`${statements}; PRAGMA user_version = ${version}`);
  db.close();
  if (version === 2) expect(verifyLog(logFile(directory))).toMatchObject({ events: 3, faults: [] });
  await withLogIn(directory, async ({ client }) => {
    const { nextExpectedRevision } = await client.appendToStream('one', event('Said'), { expectedRevision: 2n });
    expect(nextExpectedRevision).toBe(3n);
  });
});

test('a log in use is not scavenged', async () => {
  const data = temporaryDirectory();
  await withLogIn(join(data, 'eventstore'), async () => {
    expect(await daybook(data, 'scavenge')).toMatchObject({ code: 1, printed: expect.stringContaining('in use by another process') });
  });
  expect(await daybook(data, 'scavenge')).toMatchObject({ code: 0, printed: expect.stringContaining('0 events are gone') });
});

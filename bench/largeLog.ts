// How long a log of ten million events takes to open: npm run bench:eventstore -- --large. The log is made by SQL, in a minute
// or two and two gigabytes of the temporary folder, and each time opened by a process of its own, as a start would.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { openLog } from '../src/eventstore/embedded/log.ts';
import { logFile } from '../src/eventstore/embedded/maintenance.ts';

const events = 10_000_000;
const streams = 100_000;

/** Makes a log of this many events and says how long it takes to open. */
export function measureLargeLog(): void {
  const directory = mkdtempSync(path.join(tmpdir(), 'daybook-large-'));
  try {
    openLog(directory).close();
    fill(logFile(directory));
    const gigabytes = (statSync(logFile(directory)).size / 1e9).toFixed(1);
    console.log(`a log of ${events.toLocaleString('en')} events in ${streams.toLocaleString('en')} streams, ${gigabytes} GB, opens in`);
    for (let time = 0; time < 5; time += 1) {
      spawnSync(process.execPath, [fileURLToPath(import.meta.url), directory], { stdio: 'inherit' });
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function fill(file: string): void {
  const db = new DatabaseSync(file);
  db.exec('PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF; PRAGMA cache_size = -500000; BEGIN');
  const numbers = (count: number) => `WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ${count})`;
  db.exec(`${numbers(streams)} INSERT INTO streams (id, name) SELECT n + 1, 'stream-' || n FROM numbers`);
  // One stream after the other, so that the index is written in its order.
  const each = events / streams;
  db.exec(`${numbers(events)} INSERT INTO events (position, stream, revision, id, type, is_json, created, data, metadata)
    SELECT n + 1, n / ${each} + 1, n % ${each}, randomblob(16), 'Measured', 1, 1700000000000 + n,
      CAST('{"text":"' || hex(randomblob(40)) || '"}' AS BLOB), CAST('{}' AS BLOB)
    FROM numbers`);
  db.exec('COMMIT; PRAGMA journal_mode = WAL');
  db.close();
}

const [, script, directory] = process.argv;
if (script === fileURLToPath(import.meta.url) && directory !== undefined) {
  const start = performance.now();
  const log = openLog(directory);
  console.log(`  ${(performance.now() - start).toFixed(0)} ms, at position ${log.writer.head()}`);
  log.close();
}

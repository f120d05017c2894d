// The server's rules, seen from the database: whose messages it gets when, and when it is kept up.
import { rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Database } from '../../../src/postgres/embedded/database.ts';
import { query } from '../../../src/postgres/embedded/protocol.ts';
import { PostgresServer } from '../../../src/postgres/embedded/server.ts';
import { temporaryFolder } from '../../support/postgres.ts';

let folder: string;
let server: PostgresServer;
let seen: string[];

// Notes what it is given, answers each exchange with a dot, and knows BEGIN and COMMIT.
function fakeDatabase(): Database {
  let isInTransaction = false;
  const see = (sql: string) => {
    seen.push(sql);
    if (sql === 'BEGIN') isInTransaction = true;
    if (sql === 'COMMIT' || sql === 'ROLLBACK') isInTransaction = false;
  };
  return {
    async exchange(messages, onAnswer) {
      see(messages[0] === 0 ? 'startup' : Buffer.from(messages.subarray(5)).toString().replace('\0', '') || 'Sync');
      onAnswer(Buffer.from('.'));
    },
    async rows(sql) {
      see(sql);
      return [];
    },
    isInTransaction: () => isInTransaction,
    async close() {},
  };
}

beforeEach(() => {
  folder = temporaryFolder();
  seen = [];
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

async function serve(turnTimeoutMs?: number): Promise<void> {
  server = new PostgresServer(
    fakeDatabase(),
    (error) => {
      throw error;
    },
    turnTimeoutMs,
  );
  await server.listen(join(folder, 'socket'));
}

const STARTUP = Buffer.from([0, 0, 0, 9, 0, 3, 0, 0, 0]);
function client(...statements: string[]): Socket {
  const socket = connect(join(folder, 'socket'));
  socket.write(Buffer.concat([STARTUP, ...statements.map(query)]));
  return socket;
}
const seeing = (sql: string) => vi.waitFor(() => expect(seen).toContain(sql), { timeout: 10_000, interval: 5 });

test('a second client waits until the first has gone, in the middle of whose work it never comes', async () => {
  await serve();
  const first = client('BEGIN', 'first 1');
  await seeing('first 1');
  const second = client('second 1');
  first.write(query('first 2'));
  await seeing('first 2');
  first.write(query('COMMIT'));
  first.end();
  await seeing('second 1');
  second.end();
  expect(seen).toEqual(['startup', 'BEGIN', 'first 1', 'first 2', 'COMMIT', 'Sync', 'DISCARD ALL', 'startup', 'second 1']);
});

test('what a client leaves open is undone before the next comes in', async () => {
  await serve();
  const first = client('BEGIN', 'first');
  await seeing('first');
  const second = client('second');
  first.destroy();
  await seeing('second');
  second.end();
  expect(seen).toEqual(['startup', 'BEGIN', 'first', 'Sync', 'ROLLBACK', 'DISCARD ALL', 'startup', 'second']);
});

test('a client that waits too long is told why, as Postgres would', async () => {
  await serve(1);
  const first = client('first');
  await seeing('first');
  const refusal = await text(client('second'));
  expect(refusal).toContain('SFATAL\0VFATAL\0C53300\0Mthe embedded Postgres serves one connection at a time, and another one has it\0');
  first.end();
  expect(seen).not.toContain('second');
});

test('upkeep comes after many statements, and never in a transaction or before a Sync', async () => {
  await serve();
  const socket = client('BEGIN', ...Array.from({ length: 600 }, () => 'statement'), 'COMMIT');
  const flush = Buffer.from([...Buffer.from('H'), 0, 0, 0, 4]);
  socket.write(flush);
  await seeing('COMMIT');
  socket.write(query('after the flush'));
  await seeing('SELECT pg_stat_force_next_flush()');
  socket.end();
  expect(seen.indexOf('SELECT pg_stat_force_next_flush()')).toBeGreaterThan(seen.indexOf('after the flush'));
});

// What a long life leaves behind: many commands, sent to a process of its own with both embedded stores, its embedder among
// them, most of them about the same few things over and over. Shows now and then what grows, kills the process as it works, opens
// the folder again, and fails where something is not bounded: npm run bench:soak, with `-- --commands 20000` for fewer.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { sql } from 'slonik';
import { v7 } from 'uuid';
import { z } from 'zod';
import { prepareReadModel } from '../src/cli/progress.ts';
import { readConfig } from '../src/config.ts';
import { createDaybook } from '../src/daybook.ts';
import { logFile } from '../src/eventstore/embedded/maintenance.ts';
import { sizeOf } from '../src/size.ts';
import { openStores } from '../src/stores.ts';
import { embeddingEndpoint } from '../test/support/embeddingEndpoint.ts';

const MIB = 1024 * 1024;
/** Each sends one command after the other. */
const PEOPLE = 16;
/** A conversation is deleted and another begun after so many messages. */
const MESSAGES = 200;
/** How many other things one person keeps; older ones are deleted. */
const THINGS = 500;

/** What may be there at any time, and afterwards. */
const most = {
  walMib: 64,
  logWalMib: 64,
  deadRows: (liveRows: number) => 20_000 + liveRows / 2,
  /** Beside what it had after a fifth of the commands. */
  memory: 1.5,
  reopenMs: 15_000,
  /** Beside the same rows packed. */
  folder: 2.5,
};

const look = z.object({ rss: z.number(), dead: z.number(), live: z.number(), bytes: z.number() });
type Look = z.output<typeof look>;
const opened = z.object({ port: z.number(), wasReset: z.boolean(), openMs: z.number() });

/** The process that is soaked: answers its parent's question how it is, and packs its tables where told to. */
async function serve(): Promise<void> {
  let wasReset = false;
  const config = readConfig({ ...process.env, PORT: '0' });
  const since = performance.now();
  const stores = await openStores(config, () => {
    wasReset = true;
  });
  const openMs = performance.now() - since;
  const { log, database } = stores;
  await prepareReadModel(log, database);
  // All of them come from one address.
  const daybook = await createDaybook(stores, config, pino({ level: 'warn' }), { publicRequestsPerMinute: 1_000_000 });
  await daybook.app.listen({ port: 0 });
  const address = daybook.app.server.address();
  const tell = (said: unknown) => process.send?.(said);
  tell({ port: typeof address === 'object' ? address?.port : undefined, wasReset, openMs });
  process.on('message', async (asked) => {
    if (asked === 'pack') await database.query(sql.unsafe`VACUUM FULL`);
    const rows = await database.one(sql.type(look.omit({ rss: true }))`
      SELECT sum(n_dead_tup)::float AS dead, sum(n_live_tup)::float AS live, pg_database_size(current_database())::float AS bytes
      FROM pg_stat_user_tables`);
    tell({ ...rows, rss: process.memoryUsage().rss });
  });
}

async function soak(): Promise<void> {
  const { values } = parseArgs({ options: { commands: { type: 'string', default: '200000' }, every: { type: 'string' } } });
  const commands = Number(values.commands);
  const every = Number(values.every ?? commands / 20);
  const folder = mkdtempSync(join(tmpdir(), 'daybook-soak-'));
  const endpoint = await embeddingEndpoint();
  endpoint.dimensions.set('words', 512);
  const environment = {
    ...{ DAYBOOK_DATA_DIR: folder, EMBEDDINGS_URL: endpoint.url, EMBEDDINGS_MODEL: 'words', EMBEDDINGS_REQUESTS_PER_MINUTE: '1000000' },
    ...process.env,
  };
  const faults: string[] = [];
  const bound = (what: string, is: number, limit: number) => {
    if (is > limit) faults.push(`${what}: ${Math.round(is)}, and at the most ${Math.round(limit)} is right`);
  };
  let running = await start(environment);
  const began = performance.now();
  try {
    const people = await Promise.all(Array.from({ length: PEOPLE }, () => arrive((...call) => running.send(...call))));
    console.log('  commands       /s   RSS MiB   folder MiB   pg_wal   tables   log   its WAL   live rows   dead rows');
    let early: Look | undefined;
    for (let done = 0; done < commands; ) {
      const since = performance.now();
      await inTurns(people, every);
      done += every;
      endpoint.texts.length = 0;
      endpoint.headers.length = 0;
      const now = await running.look();
      if (done >= commands / 5) early ??= now;
      const walMib = (await sizeOf(join(folder, 'postgres/data/pg_wal'))) / MIB;
      const logFiles = logFile(join(folder, 'eventstore'));
      const logWalMib = (await sizeOf(`${logFiles}-wal`)) / MIB;
      const columns = [
        ...[done, every / ((performance.now() - since) / 1_000), now.rss / MIB, (await sizeOf(folder)) / MIB, walMib, now.bytes / MIB],
        ...[(await sizeOf(logFiles)) / MIB, logWalMib, now.live, now.dead],
      ];
      const widths = [10, 9, 10, 13, 9, 9, 6, 10, 12, 12];
      console.log(
        columns
          .map((column, index) =>
            Math.round(column)
              .toString()
              .padStart(widths[index] ?? 0),
          )
          .join(''),
      );
      bound(`after ${done} commands, MiB of pg_wal`, walMib, most.walMib);
      bound(`after ${done} commands, MiB of the log's WAL`, logWalMib, most.logWalMib);
      bound(`after ${done} commands, dead rows`, now.dead, most.deadRows(now.live));
      bound(`after ${done} commands, RSS`, now.rss, (early ?? now).rss * most.memory);
    }
    console.log(`${Math.round((performance.now() - began) / 1_000)} s`);

    // As it works.
    const lost = inTurns(people, PEOPLE * 100).catch(() => {});
    await sleep(1_000);
    await running.kill();
    await lost;
    const since = performance.now();
    running = await start(environment);
    const reopenMs = performance.now() - since;
    console.log(
      `after kill -9 both stores are open after ${Math.round(running.openMs)} ms, and it serves after ${Math.round(reopenMs)} ms`,
    );
    bound('ms until it serves again', reopenMs, most.reopenMs);
    if (running.wasReset) faults.push('the embedded Postgres was made anew');
    const tables = await running.look();
    const packed = await running.look('pack');
    console.log(`tables of ${mib(tables.bytes)}, which packed are ${mib(packed.bytes)}`);
    bound('bytes of the tables', tables.bytes, packed.bytes * most.folder);
  } finally {
    await running.kill();
    await endpoint.close();
    rmSync(folder, { recursive: true });
  }
  for (const fault of faults) console.error(`Not bounded: ${fault}`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}

const mib = (bytes: number) => `${Math.round(bytes / MIB)} MiB`;

type Send = (method: string, path: string, token?: string, body?: object) => Promise<unknown>;

async function start(environment: NodeJS.ProcessEnv) {
  const child = fork(fileURLToPath(import.meta.url), { env: environment });
  const { port, ...how } = opened.parse(await answer(child));
  const send: Send = async (method, path, token, body) => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1${path}`, {
      method,
      headers: {
        ...(body && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}`, prefer: 'return=minimal' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.status === 503) {
      // More than it can take for the moment.
      await sleep(1_000);
      return send(method, path, token, body);
    }
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };
  return {
    ...how,
    send,
    look: async (what = 'look') => {
      child.send(what);
      return look.parse(await answer(child));
    },
    kill: async () => {
      const isThere = child.exitCode === null && child.signalCode === null;
      child.kill('SIGKILL');
      if (isThere) await once(child, 'exit');
    },
  };
}

async function answer(child: ChildProcess): Promise<unknown> {
  const ending = new AbortController();
  const ended = once(child, 'exit', { signal: ending.signal }).then(() => {
    throw new Error('the process has ended by itself');
  });
  const [said] = await Promise.race([once(child, 'message'), ended]);
  ended.catch(() => {});
  ending.abort();
  return said;
}

/** Somebody who renames one task all the time, talks, and keeps only the newest of what else she has. */
async function arrive(send: Send) {
  const person = { email: `${v7()}@example.org`, password: 'a password for the bench' };
  const tokens = z.object({ access_token: z.string(), refresh_token: z.string() });
  let { access_token, refresh_token } = tokens.parse(await send('POST', '/auth/register', undefined, { ...person, display_name: 'Sue' }));
  const call = (method: string, path: string, body?: object) => send(method, path, access_token, body);
  const make = async (path: string, body: object) => {
    const id = v7();
    await call('POST', path, { id, ...body });
    return id;
  };
  const task = await make('/tasks', { title: 'Everything' });
  const note = await make('/documents', { title: 'Journal', content: words(100), content_type: 'text/plain' });
  let session = make('/sessions', { title: 'Talk' });
  let messages = 0;
  const kept: string[] = [];
  let turn = 0;

  async function keep(path: string, body: object): Promise<void> {
    kept.push(`${path}/${await make(path, body)}`);
    const oldest = kept.length > THINGS ? kept.shift() : undefined;
    if (oldest !== undefined) await call('DELETE', oldest);
  }

  async function speak(): Promise<void> {
    messages += 1;
    if (messages % MESSAGES === 0) {
      const old = session;
      session = make('/sessions', { title: words(3) });
      await call('DELETE', `/sessions/${await old}`);
    }
    await call('POST', `/sessions/${await session}/messages`, { role: 'user', content: words(30) });
  }

  const doings: readonly (() => Promise<unknown>)[] = [
    ...Array(8).fill(() => call('PATCH', `/tasks/${task}`, { title: words(6) })),
    ...Array(6).fill(speak),
    () => call('PATCH', `/documents/${note}`, { content: words(100) }),
    () => keep('/tasks', { title: words(5), description: words(20) }),
    () => keep('/tasks', { title: words(5) }),
    () => keep('/documents', { title: words(4), content: words(200), content_type: 'text/plain' }),
    () => keep('/calendar/events', { title: words(4), starts_at: '2027-01-01T10:00:00Z', ends_at: '2027-01-01T11:00:00Z' }),
  ];
  return {
    act: async () => {
      turn += 1;
      if (turn % 500 === 0) {
        ({ access_token, refresh_token } = tokens.parse(await send('POST', '/auth/refresh', undefined, { refresh_token })));
      }
      await doings[turn % doings.length]?.();
    },
  };
}

const SYLLABLES = ['ba', 'con', 'der', 'el', 'fi', 'gra', 'hin', 'is', 'ka', 'lo', 'men', 'nor', 'ost', 'pre', 'ra', 'sti'];
function words(count: number): string {
  const syllable = () => SYLLABLES[Math.floor(Math.random() * SYLLABLES.length)] ?? '';
  return Array.from({ length: count }, () => syllable() + syllable()).join(' ');
}

async function inTurns(people: readonly { readonly act: () => Promise<void> }[], commands: number): Promise<void> {
  let left = commands;
  await Promise.all(
    people.map(async ({ act }) => {
      while (left > 0) {
        left -= 1;
        await act();
      }
    }),
  );
}

if (process.send) await serve();
else await soak();

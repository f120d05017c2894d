// A database for a test file to do with as it likes: on the server of TEST_DATABASE_URL where that is set (its user must be
// a superuser), otherwise embedded. The same tests so hold both kinds to the same behaviour.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, DatabaseError } from 'pg';
import { compilePglite } from '../../src/postgres/embedded/code.ts';
import { startEmbeddedPostgres } from '../../src/postgres/embedded/embedded.ts';
import { madeOnce, makeTemplate } from '../../src/postgres/embedded/template.ts';
import { createPool } from '../../src/postgres/pool.ts';
import { modelVersion } from '../../src/projections/applier.ts';
import { projections } from '../../src/projections/index.ts';
import { rebuild } from '../../src/projections/rebuild.ts';
import { createMemoryLog } from './memoryLog.ts';

export type TestDatabase = { readonly url: string; close(): Promise<void> };

/** An empty database of its own. Pools on it have to be ended before it is closed. */
export function testDatabase(): Promise<TestDatabase> {
  const server = process.env.TEST_DATABASE_URL;
  return server ? databaseOn(server, 'template1') : embeddedDatabase(makeTemplate);
}

/** One with the read model of a log that nothing has happened in: the copy of one that is kept, for to make it takes a second. */
export async function databaseWithReadModel(): Promise<TestDatabase> {
  const server = process.env.TEST_DATABASE_URL;
  return server ? databaseOn(server, await readModelOn(server)) : embeddedDatabase(readModelFolder);
}

const kept = `read-model-${modelVersion(projections).slice(0, 16)}`;

const readModelFolder = async () => {
  const empty = await makeTemplate();
  return madeOnce(`${empty}-${kept}`, async (directory) => {
    const { url, close } = await startEmbeddedPostgres({ directory, template: empty });
    await makeReadModel(url);
    await close();
  });
};

async function readModelOn(server: string): Promise<string> {
  const name = kept.replaceAll('-', '_');
  if ((await run(server, `SELECT FROM pg_database WHERE datname = '${name}'`)) === 1) return name;
  const { url, close } = await databaseOn(server, 'template1');
  await makeReadModel(url);
  // Another worker may have been quicker.
  await run(server, `ALTER DATABASE ${new URL(url).pathname.slice(1)} RENAME TO ${name}`).catch(unlessThereAlready);
  await close();
  return name;
}

const DUPLICATE_DATABASE = '42P04';
function unlessThereAlready(error: unknown): void {
  if (!(error instanceof DatabaseError && error.code === DUPLICATE_DATABASE)) throw error;
}

async function makeReadModel(url: string): Promise<void> {
  const pool = await createPool(url);
  await rebuild(createMemoryLog(), pool, projections, () => {});
  await pool.end();
}

async function databaseOn(server: string, template: string): Promise<TestDatabase> {
  const name = `daybook_${crypto.randomUUID().replaceAll('-', '')}`;
  await run(server, `CREATE DATABASE ${name} TEMPLATE ${template}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    close: async () => {
      await run(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}

async function run(server: string, statement: string): Promise<number> {
  const client = new Client({ connectionString: server });
  await client.connect();
  try {
    return (await client.query(statement)).rowCount ?? 0;
  } finally {
    await client.end();
  }
}

// V8 compiles equal bytes once, as long as somebody holds the result, and what has been made quick for one thread is so for
// the next: a test process opens one PGlite after another.
let code: Promise<WebAssembly.Module> | undefined;

async function embeddedDatabase(template: () => Promise<string>): Promise<TestDatabase> {
  const directory = temporaryFolder();
  code ??= compilePglite();
  await code;
  const postgres = await startEmbeddedPostgres({ directory, template: await template() });
  return {
    url: postgres.url,
    async close() {
      await postgres.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A folder that the test removes, or the operating system when it cleans up. */
export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'daybook-test-'));

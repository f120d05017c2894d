// A database for a test file to do with as it likes: on the server of TEST_DATABASE_URL where that is set (its user must be
// a superuser), otherwise embedded. The same tests so hold both kinds to the same behaviour.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { startEmbeddedPostgres } from '../../src/postgres/embedded/embedded.ts';
import { makeTemplate } from '../../src/postgres/embedded/template.ts';

export type TestDatabase = { readonly url: string; close(): Promise<void> };

/** An empty database of its own. Pools on it have to be ended before it is closed. */
export function testDatabase(): Promise<TestDatabase> {
  const server = process.env.TEST_DATABASE_URL;
  return server ? databaseOn(server) : embeddedDatabase();
}

async function databaseOn(server: string): Promise<TestDatabase> {
  const name = `daybook_${crypto.randomUUID().replaceAll('-', '')}`;
  await run(server, `CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, close: () => run(server, `DROP DATABASE ${name} WITH (FORCE)`) };
}

async function run(server: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

async function embeddedDatabase(): Promise<TestDatabase> {
  const directory = temporaryFolder();
  const postgres = await startEmbeddedPostgres({ directory, template: await makeTemplate() });
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

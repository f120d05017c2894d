// The stores, each the embedded one or one that a setting names. From here on nobody knows which.
import { fileURLToPath } from 'node:url';
import type { DatabasePool } from 'slonik';
import { type BlobStore, openBlobStore } from './blobs/blobStore.ts';
import type { Config } from './config.ts';
import { type DataDirectory, openDataDirectory } from './dataDirectory.ts';
import { startEmbeddedEventStore } from './eventstore/embedded/embedded.ts';
import type { EventLog } from './eventstore/log.ts';
import { startEmbeddedPostgres } from './postgres/embedded/embedded.ts';
import { existingTemplate } from './postgres/embedded/template.ts';

export type Stores = {
  readonly log: EventLog;
  readonly database: DatabasePool;
  readonly blobs: BlobStore;
  /** What was set, or what this machine's data folder keeps. */
  readonly secrets: { readonly jwtSecret: string; readonly masterKey: string };
  /** Where the embedded ones lie, by name. */
  readonly folders: Readonly<Record<string, string>>;
  readonly close: () => Promise<void>;
};

/** @throws an error whose message is one line for the person at the terminal */
export async function openStores(config: Config, say: (line: string) => void): Promise<Stores> {
  const { EVENTSTORE_URL, DATABASE_URL, BLOB_URL, JWT_SECRET, MASTER_KEY } = config;
  const directory = openDataDirectory(config.DAYBOOK_DATA_DIR);
  const closing: (() => Promise<void> | void)[] = [directory.release];
  const close = async () => {
    for (const step of closing.splice(0).reverse()) await step();
  };
  try {
    const opening = [
      named('EVENTSTORE_URL', EVENTSTORE_URL, openLog(EVENTSTORE_URL, config, directory, closing)),
      named('DATABASE_URL', DATABASE_URL, openDatabase(DATABASE_URL, directory, closing, say)),
      named('BLOB_URL', BLOB_URL, openBlobStore(BLOB_URL === undefined ? directory.blobs : fileURLToPath(BLOB_URL))),
    ] as const;
    // When one fails, the other is closed, too, and not left to open unseen.
    await Promise.allSettled(opening);
    const [log, database, blobs] = await Promise.all(opening);
    const secrets = { jwtSecret: JWT_SECRET ?? directory.secret('jwt_secret'), masterKey: MASTER_KEY ?? directory.secret('master_key') };
    const folders = {
      ...(EVENTSTORE_URL === undefined && { event_log: directory.eventstore }),
      ...(DATABASE_URL === undefined && { read_model: directory.postgres }),
    };
    return { log, database, blobs, secrets, folders, close };
  } catch (error) {
    await close();
    throw error;
  }
}

type Closing = (() => Promise<void> | void)[];

/** Says which setting leads nowhere, where it is a setting. */
async function named<Store>(setting: string, url: string | undefined, opening: Promise<Store>): Promise<Store> {
  try {
    return await opening;
  } catch (error) {
    if (url === undefined) throw error;
    const message = error instanceof Error ? error.message : String(error);
    // The gRPC client announces a note that it mostly does not have.
    throw new Error(`${setting}: ${message.replace(/\s*Resolution note:\s*$/, '')}`, { cause: error });
  }
}

async function openLog(url: string | undefined, config: Config, directory: DataDirectory, closing: Closing): Promise<EventLog> {
  if (url !== undefined) return connected(url, closing);
  const embedded = await startEmbeddedEventStore({ directory: directory.eventstore, port: config.EMBEDDED_EVENTSTORE_PORT });
  closing.push(() => embedded.close());
  return connected(embedded.connectionString, closing);
}

async function connected(url: string, closing: Closing): Promise<EventLog> {
  // Loaded while the stores open, which are threads of their own.
  const { connectEventLog } = await import('./eventstore/log.ts');
  const log = connectEventLog(url);
  closing.push(() => log.close());
  await log.head();
  return log;
}

async function openDatabase(
  url: string | undefined,
  directory: DataDirectory,
  closing: Closing,
  say: (line: string) => void,
): Promise<DatabasePool> {
  const opening = url === undefined ? startEmbeddedPostgres({ directory: directory.postgres, template: existingTemplate() }) : undefined;
  const [embedded, { createPool }] = await Promise.all([opening, import('./postgres/pool.ts')]);
  if (embedded) closing.push(() => embedded.close());
  if (embedded?.wasReset) say('The embedded Postgres was not closed cleanly and is made anew; its rows come back from the event log.');
  const database = await createPool(embedded?.url ?? url ?? '');
  closing.push(() => database.end());
  return database;
}

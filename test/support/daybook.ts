// A whole Daybook for a test file: embedded event log, a database of its own, projector and HTTP, without a socket.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { type DatabasePool, sql } from 'slonik';
import { type BlobStore, openBlobStore } from '../../src/blobs/blobStore.ts';
import { readConfig } from '../../src/config.ts';
import { createDaybook, type Daybook, type Interim } from '../../src/daybook.ts';
import { startEmbeddedEventStore } from '../../src/eventstore/embedded/embedded.ts';
import { identifyLog } from '../../src/eventstore/identity.ts';
import { connectEventLog, type EventLog } from '../../src/eventstore/log.ts';
import type { AppOptions } from '../../src/http/app.ts';
import { createPool } from '../../src/postgres/pool.ts';
import { databaseWithReadModel, temporaryFolder } from './postgres.ts';

export type TestDaybook = Daybook &
  TestStores & {
    /** Resolves when the tables have all that is in the log by now, with the position of its last event. */
    readonly settled: () => Promise<bigint | null>;
    readonly close: () => Promise<void>;
  };
type TestStores = { readonly log: EventLog; readonly database: DatabasePool; readonly blobs: BlobStore };

/** What every node of a test's Daybook shares. */
export const secrets = { jwtSecret: 'a secret of the tests, 32 bytes and more', masterKey: 'a master key of the tests, 32 bytes and more' };

export type TestLimits = Pick<AppOptions, 'publicRequestsPerMinute' | 'readWaitMs' | 'maxLagSeconds'> & {
  readonly onLogSetBack?: () => void;
};

/**
 * What is not what a test is about: on a machine that is busy with others, a read waits longer than it would for a person, and
 * where a test sets the clock, lag is no matter of seconds.
 */
const generous: TestLimits = { publicRequestsPerMinute: 1_000_000, readWaitMs: 20_000, maxLagSeconds: Number.POSITIVE_INFINITY };

/**
 * A test that is not about policies would not know what they have done meanwhile. One that is asks for the role, and ticks
 * by itself.
 */
const quiet = { ROLES: 'api,projector', SCHEDULE: '0 0 29 2 *' };

/** Settings beyond the defaults; nothing is limited unless the test says so. */
export async function startDaybook(environment: Record<string, string> = {}, limits: Partial<TestLimits> = {}): Promise<TestDaybook> {
  const folder = temporaryFolder();
  const [eventStore, postgres] = await Promise.all([startEmbeddedEventStore({ directory: folder }), databaseWithReadModel()]);
  const log = connectEventLog(eventStore.connectionString);
  const database = await createPool(postgres.url);
  const blobs = await openBlobStore(join(folder, 'blobs'));
  await makeOfThisLog(log, database);
  const daybook = await startNode({ log, database, blobs }, environment, limits);
  return {
    ...daybook,
    log,
    database,
    blobs,
    settled: async () => {
      const head = await log.head();
      if (head !== null && !(await daybook.projector?.reached(head, 20_000)))
        throw new Error('the tables do not get to the end of the log');
      return head;
    },
    close: async () => {
      await daybook.stop();
      await database.end();
      await log.close();
      await eventStore.close();
      await postgres.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Has the read model of an empty log begin with this one. */
async function makeOfThisLog(log: EventLog, database: DatabasePool): Promise<void> {
  const log_id = await identifyLog(log);
  await database.query(sql.unsafe`UPDATE daybook.read_model SET log_id = ${log_id}`);
  await database.query(sql.unsafe`UPDATE daybook.checkpoints SET log_id = ${log_id}, position = NULL, event_id = NULL`);
}

/** One more process, as it were, on the same stores: with `ROLES=api` one that projects nothing itself. */
export async function startNode(
  { log, database, blobs }: TestStores,
  environment: Record<string, string>,
  limits: Partial<TestLimits> & { readonly interim?: Interim } = {},
): Promise<Daybook> {
  const logger = pino({ level: process.env.TEST_LOG_LEVEL ?? 'silent' });
  const daybook = await createDaybook({ log, database, blobs, secrets }, readConfig({ ...quiet, ...environment }), logger, {
    ...generous,
    ...limits,
  });
  await daybook.app.ready();
  return daybook;
}

// A whole Daybook for a test file: embedded event log, a database of its own, projector and HTTP, without a socket.
import { rmSync } from 'node:fs';
import { pino } from 'pino';
import type { DatabasePool } from 'slonik';
import { readConfig } from '../../src/config.ts';
import { createDaybook, type Daybook } from '../../src/daybook.ts';
import { startEmbeddedEventStore } from '../../src/eventstore/embedded/embedded.ts';
import { connectEventLog, type EventLog } from '../../src/eventstore/log.ts';
import { createPool } from '../../src/postgres/pool.ts';
import { projections } from '../../src/projections/index.ts';
import { rebuild } from '../../src/projections/rebuild.ts';
import { temporaryFolder, testDatabase } from './postgres.ts';

export type TestDaybook = Daybook & { readonly log: EventLog; readonly database: DatabasePool; readonly close: () => Promise<void> };

/** What every node of a test's Daybook shares. */
export const secrets = { jwtSecret: 'a secret of the tests, 32 bytes and more', masterKey: 'a master key of the tests, 32 bytes and more' };

/** Settings beyond the defaults; public routes are not limited unless the test says so. */
export async function startDaybook(environment: Record<string, string> = {}, publicRequestsPerMinute = 1_000_000): Promise<TestDaybook> {
  const folder = temporaryFolder();
  const [eventStore, postgres] = await Promise.all([startEmbeddedEventStore({ directory: folder }), testDatabase()]);
  const log = connectEventLog(eventStore.connectionString);
  const database = await createPool(postgres.url);
  await rebuild(log, database, projections, () => {});
  const daybook = await startNode({ log, database }, environment, publicRequestsPerMinute);
  return {
    ...daybook,
    log,
    database,
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

/** One more process, as it were, on the same stores: with `ROLES=api` one that projects nothing itself. */
export async function startNode(
  { log, database }: Pick<TestDaybook, 'log' | 'database'>,
  environment: Record<string, string>,
  publicRequestsPerMinute = 1_000_000,
): Promise<Daybook> {
  const logger = pino({ level: process.env.TEST_LOG_LEVEL ?? 'silent' });
  const daybook = await createDaybook({ log, database, secrets }, readConfig(environment), logger, { publicRequestsPerMinute });
  await daybook.app.ready();
  return daybook;
}

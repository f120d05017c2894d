// The rows of the read model as plain data, for comparison with those of another and with the model's.
import { type CommonQueryMethods, type DatabasePool, sql } from 'slonik';
import type { LoggedEvent } from '../../src/eventstore/log.ts';
import { applyInitSql } from '../../src/postgres/readModel.ts';
import { createApplier, modelVersion, READ_MODEL } from '../../src/projections/applier.ts';
import { projections } from '../../src/projections/index.ts';
import { tables } from '../../src/tables/index.ts';

export type TableRows = Readonly<Record<string, readonly unknown[]>>;

/** Every row of every table of these people, in the order of its key. */
export async function rowsOf(database: CommonQueryMethods, users: readonly string[]): Promise<TableRows> {
  const found: [string, readonly unknown[]][] = [];
  for (const table of tables) {
    const columns = Object.keys(table.row.shape).map((name) => sql.identifier([name]));
    const rows = await database.any(sql.type(table.row)`
      SELECT ${sql.join(columns, sql.fragment`, `)} FROM ${sql.identifier([table.schema, table.name])}
      WHERE user_id = ANY(${sql.array([...users], 'uuid')})
      ORDER BY ${sql.join(
        table.key.map((name) => sql.identifier([name])),
        sql.fragment`, `,
      )}`);
    found.push([table.qualified, rows]);
  }
  return Object.fromEntries(found);
}

/** The same in one question, with generated columns: for the comparison of two databases. */
export async function rawRowsOf(database: CommonQueryMethods, users: readonly string[]): Promise<readonly unknown[]> {
  const of = tables.map(
    ({ schema, name, qualified }) => sql.fragment`
      SELECT ${qualified} AS "table", to_jsonb(t) AS row FROM ${sql.identifier([schema, name])} t
      WHERE user_id = ANY(${sql.array([...users], 'uuid')})`,
  );
  const parked = sql.fragment`SELECT 'parked', to_jsonb(t) - 'parked_at' FROM daybook.parked_events t`;
  return database.any(sql.unsafe`SELECT * FROM (${sql.join([...of, parked], sql.fragment` UNION ALL `)}) rows ORDER BY "table", row::text`);
}

/** A read model of nothing, to project events into; `parked` says what could not be. */
export async function makeReadModel(database: DatabasePool): Promise<void> {
  await applyInitSql(database);
  await database.query(sql.unsafe`
    INSERT INTO daybook.checkpoints (name, position, event_id, log_id, model_version, build_id, paused_at, updated_at)
    VALUES (${READ_MODEL}, NULL, NULL, ${crypto.randomUUID()}, ${modelVersion(projections)}, ${crypto.randomUUID()}, NULL, now())`);
}

/**
 * The rows that events give in an empty read model when they come in batches of these sizes, the last one again and again.
 * @param trustsFrom see createApplier
 */
export async function rowsInBatches(
  database: DatabasePool,
  events: readonly LoggedEvent[],
  users: readonly string[],
  sizes: readonly number[],
  trustsFrom?: number,
): Promise<readonly unknown[]> {
  await emptyReadModel(database);
  const apply = await createApplier(database, projections, { trustsFrom });
  let size = events.length;
  for (let start = 0, cut = 0; start < events.length; start += size, cut += 1) {
    size = sizes[cut] ?? size;
    await apply.batch(events.slice(start, start + size));
  }
  return rawRowsOf(database, users);
}

export const parkedEvents = (database: CommonQueryMethods): Promise<readonly unknown[]> =>
  database.any(sql.unsafe`SELECT stream, revision, event_type, error FROM daybook.parked_events ORDER BY position`);

/** Every row goes with its owner; truncating a hundred tables and indexes takes longer. */
export async function emptyReadModel(database: DatabasePool): Promise<void> {
  await database.query(sql.unsafe`DELETE FROM users.users`);
  await database.query(sql.unsafe`DELETE FROM daybook.parked_events`);
  await database.query(sql.unsafe`UPDATE daybook.checkpoints SET position = NULL, event_id = NULL`);
}

// The read models of a database: made, asked what there is of them, moved from place to place, dropped.
import { readFileSync } from 'node:fs';
import { type CommonQueryMethods, sql } from 'slonik';
import { z } from 'zod';
import { tables } from '../tables/index.ts';
import { EMBEDDED } from './applicationName.ts';
import { type Place, schemaAt } from './places.ts';

/** The text of sql/init.sql: what the read model's version is computed from. */
export const initSql = readFileSync(new URL('../../sql/init.sql', import.meta.url), 'utf8');

const schemas = [...new Set([...tables.map(({ schema }) => schema), 'daybook'])];

/** A table of the machinery's own. */
export const daybookTable = (place: Place, name: 'read_model' | 'checkpoints' | 'parked_events') =>
  sql.identifier([schemaAt(place, 'daybook'), name]);

/** Creates all schemas and tables, or nothing when it fails. They must not exist yet. */
export async function applyInitSql(database: CommonQueryMethods, { hasAllIndexes } = { hasAllIndexes: true }): Promise<void> {
  const text = hasAllIndexes ? initSql : laterIndexes.reduce((rest, { statement }) => rest.replace(statement, ''), initSql);
  await runScript(database, text);
}

/** Runs a text of many statements: the extended protocol takes one, and DO makes one of them. */
export const runScript = (database: CommonQueryMethods, text: string) =>
  database.query(sql.unsafe`DO ${sql.literalValue(`BEGIN\n${text}\nEND`)}`);

type Index = { readonly statement: string; readonly name: string; readonly schema: string; readonly table: string; readonly on: string };

/**
 * The indexes that serve queries alone, which are made after a table was filled: that is quicker than to keep them up row by
 * row, and an update of what none of the others has is quicker without them. What removes rows finds them by what they belong
 * to, so of each column that names another row the first index is there from the start.
 */
const laterIndexes: readonly Index[] = (() => {
  const seen = new Set<string>();
  return [...initSql.matchAll(/^CREATE INDEX (\w+) ON (\w+)\.(\w+) ([^;]+);$/gm)].flatMap(
    ([statement, name = '', schema = '', table = '', on = '']) => {
      const [, first = ''] = /^\((\w+_id)\b/.exec(on) ?? [];
      const needed = `${table} ${first}`;
      if (first !== '' && !seen.has(needed)) {
        seen.add(needed);
        return [];
      }
      return [{ statement, name, schema, table, on }];
    },
  );
})();

/** Makes the indexes that are still missing, one after the other, so that others ask in between. @throws the signal's reason */
export async function makeLaterIndexes(database: CommonQueryMethods, place: Place, signal?: AbortSignal): Promise<void> {
  const found = await database.anyFirst(sql.type(indexRow)`SELECT concat_ws('.', schemaname, indexname) AS index FROM pg_indexes`);
  const there = new Set(found);
  for (const { name, schema, table, on } of laterIndexes) {
    if (there.has(`${schemaAt(place, schema)}.${name}`)) continue;
    signal?.throwIfAborted();
    await database.transaction(async (transaction) => {
      // Two that make the same one at once would find it in their way.
      await transaction.query(sql.unsafe`SET LOCAL statement_timeout = 0`);
      await transaction.query(sql.unsafe`SELECT pg_advisory_xact_lock(hashtext('daybook indexes'))`);
      await runScript(transaction, `CREATE INDEX IF NOT EXISTS ${name} ON ${schemaAt(place, schema)}.${table} ${on};`);
    }, 0);
  }
}

/**
 * Makes an empty read model beside the live one. What sql/init.sql says is run as it stands, with the live schemas under other
 * names meanwhile, which nobody sees: to everybody else it all happens at once, and renaming a schema waits for no reader.
 * @param hasAllIndexes whether those are made now, too, that serve queries alone
 */
export async function makeNext(transaction: CommonQueryMethods, hasAllIndexes = false): Promise<void> {
  const live = await existing(transaction, 'live');
  const aside = (schema: string) => `daybook_aside_${schema}`;
  for (const schema of live) await rename(transaction, schema, aside(schema));
  await applyInitSql(transaction, { hasAllIndexes });
  for (const schema of schemas) await rename(transaction, schema, schemaAt('next', schema));
  for (const schema of live) await rename(transaction, aside(schema), schema);
}

/** Puts the next read model in the place of the live one, which is the old one from then on. Within the caller's transaction. */
export async function exchange(transaction: CommonQueryMethods): Promise<void> {
  for (const schema of await existing(transaction, 'live')) await rename(transaction, schema, schemaAt('old', schema));
  for (const schema of schemas) await rename(transaction, schemaAt('next', schema), schema);
}

/** Whether this is the embedded Postgres, which does one thing at a time. */
export const isEmbedded = async (database: CommonQueryMethods): Promise<boolean> =>
  database.oneFirst(sql.type(isEmbeddedRow)`SELECT current_setting('application_name') = ${EMBEDDED} AS is_embedded`);

/** Drops a read model, schema by schema: what is large takes its time, and others ask in between. */
export async function dropReadModel(database: CommonQueryMethods, place: Place = 'live'): Promise<void> {
  for (const schema of schemasAt(place)) await dropSchema(database, schema);
}

export const schemasAt = (place: Place): readonly string[] => schemas.map((schema) => schemaAt(place, schema));

export async function dropSchema(database: CommonQueryMethods, schema: string): Promise<void> {
  await database.query(sql.unsafe`DROP SCHEMA IF EXISTS ${sql.identifier([schema])} CASCADE`);
}

/** Whether there is one there, whole or not. */
export const isThere = async (database: CommonQueryMethods, place: Place): Promise<boolean> =>
  (await existing(database, place)).includes('daybook');

/**
 * Whether queries of this version can ask the live tables and its projections write to them, though another version made them:
 * each column is of the same type and may be null where it might be, each check is the same, and so is each view.
 */
export async function isOfThisShape(database: CommonQueryMethods, place: Place): Promise<boolean> {
  const shape = (of: Place) =>
    database.any(sql.type(shapeRow)`
    SELECT replace(what, ${schemaAt(of, '')}, '') AS what FROM (
      SELECT concat_ws(' ', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attgenerated) AS what
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
      WHERE c.relkind IN ('r', 'v') AND a.attnum > 0 AND NOT a.attisdropped AND c.relnamespace = ANY(${here(of)})
      UNION ALL
      SELECT concat_ws(' ', r.conrelid::regclass, r.conname, pg_get_constraintdef(r.oid))
      FROM pg_constraint r WHERE r.contype <> 'n' AND r.connamespace = ANY(${here(of)})
      UNION ALL
      SELECT pg_get_viewdef(c.oid) FROM pg_class c WHERE c.relkind = 'v' AND c.relnamespace = ANY(${here(of)})
    ) shape ORDER BY 1`);
  return JSON.stringify(await shape('live')) === JSON.stringify(await shape(place));
}

const here = (place: Place) => sql.fragment`(
  SELECT array_agg(oid) FROM pg_namespace WHERE nspname = ANY(${sql.array(
    schemas.map((schema) => schemaAt(place, schema)),
    'text',
  )})
)::oid[]`;

async function existing(database: CommonQueryMethods, place: Place): Promise<readonly string[]> {
  const names = sql.array(
    schemas.map((schema) => schemaAt(place, schema)),
    'text',
  );
  const found = await database.any(sql.type(schemaRow)`SELECT nspname::text FROM pg_namespace WHERE nspname = ANY(${names})`);
  const there = new Set(found.map(({ nspname }) => nspname));
  return schemas.filter((schema) => there.has(schemaAt(place, schema)));
}

const rename = (transaction: CommonQueryMethods, from: string, to: string) =>
  transaction.query(sql.unsafe`ALTER SCHEMA ${sql.identifier([from])} RENAME TO ${sql.identifier([to])}`);

const schemaRow = z.object({ nspname: z.string() });
const isEmbeddedRow = z.object({ is_embedded: z.boolean() });
const indexRow = z.object({ index: z.string() });
const shapeRow = z.object({ what: z.string() });

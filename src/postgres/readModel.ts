// Makes the read model's schemas from sql/init.sql, and drops them.
import { readFileSync } from 'node:fs';
import { type CommonQueryMethods, sql } from 'slonik';
import { tables } from '../tables/index.ts';

/** The text of sql/init.sql: what the read model's version is computed from. */
export const initSql = readFileSync(new URL('../../sql/init.sql', import.meta.url), 'utf8');

const schemas = [...new Set([...tables.map(({ schema }) => schema), 'daybook'])];

/** Creates all schemas and tables, or nothing when it fails. They must not exist yet. */
export async function applyInitSql(database: CommonQueryMethods): Promise<void> {
  // The extended protocol takes one statement; DO makes one of many.
  await database.query(sql.unsafe`DO ${sql.literalValue(`BEGIN\n${initSql}\nEND`)}`);
}

/** Drops all schemas that init.sql creates, with what is in them. */
export async function dropReadModel(database: CommonQueryMethods): Promise<void> {
  const names = sql.join(
    schemas.map((schema) => sql.identifier([schema])),
    sql.fragment`, `,
  );
  await database.query(sql.unsafe`DROP SCHEMA IF EXISTS ${names} CASCADE`);
}

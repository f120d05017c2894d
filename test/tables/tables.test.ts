// Holds the row schemas of src/tables against what sql/init.sql really makes.
import { type DatabasePool, sql } from 'slonik';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createPool } from '../../src/postgres/pool.ts';
import { applyInitSql } from '../../src/postgres/readModel.ts';
import { tables } from '../../src/tables/index.ts';
import { storedInstant } from '../../src/vocabulary.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let pool: DatabasePool;

beforeAll(async () => {
  database = await testDatabase();
  pool = await createPool(database.url);
  await applyInitSql(pool);
});
afterAll(async () => {
  await pool.end();
  await database.close();
});

const columnsOf = (qualified: string) =>
  pool.any(sql.type(z.object({ name: z.string(), type: z.string(), nullable: z.boolean() }))`
    SELECT column_name AS name, ltrim(udt_name, '_') || CASE data_type WHEN 'ARRAY' THEN '[]' ELSE '' END AS type, is_nullable = 'YES' AS nullable
    FROM information_schema.columns
    WHERE table_schema || '.' || table_name = ${qualified} AND is_generated = 'NEVER'
  `);

/** Which columns a row schema can be kept in. */
function typesFor(schema: unknown): string[] {
  if (schema === storedInstant) return ['timestamptz'];
  if (schema instanceof z.ZodUUID) return ['uuid'];
  if (schema instanceof z.ZodEnum) return ['text'];
  if (schema instanceof z.ZodString) return ['text', 'vector'];
  if (schema instanceof z.ZodBoolean) return ['bool'];
  if (schema instanceof z.ZodNumber && schema.format === 'safeint') return ['int4', 'int8'];
  if (schema instanceof z.ZodNumber) return ['float8', 'numeric'];
  if (schema instanceof z.ZodRecord) return ['jsonb'];
  if (schema instanceof z.ZodArray) {
    return schema.element instanceof z.ZodObject ? ['jsonb'] : typesFor(schema.element).map((type) => `${type}[]`);
  }
  throw new Error('a kind of schema that no column is for');
}

test('there are ten schemas with twenty tables beside the machinery', async () => {
  const made = await pool.anyFirst(sql.type(z.object({ name: z.string() }))`
    SELECT table_schema || '.' || table_name AS name FROM information_schema.tables
    WHERE table_schema NOT IN ('pg_catalog', 'information_schema', 'daybook') AND table_type = 'BASE TABLE'
  `);
  expect(made).toHaveLength(20);
  expect(new Set(made.map((name) => name.split('.')[0])).size).toBe(10);
  const described = tables.map(({ qualified }) => qualified).filter((name) => name !== 'daybook.logins');
  expect(made.toSorted()).toEqual(described.toSorted());
});

describe.each(tables.map((table) => [table.qualified, table] as const))('%s', (qualified, table) => {
  test('has the columns of its row', async () => {
    const expected = Object.entries(table.row.shape).map(([name, column]) => {
      const nullable = column instanceof z.ZodNullable;
      return { name, nullable, types: typesFor(nullable ? column.unwrap() : column) };
    });
    const columns = await columnsOf(qualified);
    expect(columns.map(({ name }) => name).toSorted()).toEqual(expected.map(({ name }) => name).toSorted());
    for (const { name, nullable, types } of expected) {
      const column = columns.find((one) => one.name === name);
      expect(column, name).toMatchObject({ nullable, type: expect.toBeOneOf(types) });
    }
  });

  test('has its enums as named checks', async () => {
    const checks = await pool.any(sql.type(z.object({ name: z.string(), definition: z.string() }))`
      SELECT conname AS name, pg_get_constraintdef(oid) AS definition FROM pg_constraint
      WHERE conrelid = to_regclass(${qualified}) AND contype = 'c' AND conname LIKE '%\_enum'
    `);
    const made = checks.map(({ name, definition }) => [name, [...definition.matchAll(/'([a-z_]+)'::text/g)].map(([, option]) => option)]);
    const expected = Object.entries(table.row.shape).flatMap(([column, schema]) => {
      const values = schema instanceof z.ZodNullable ? schema.unwrap() : schema;
      return values instanceof z.ZodEnum ? [[`${table.name}_${column}_enum`, values.options]] : [];
    });
    expect(Object.fromEntries(made)).toEqual(Object.fromEntries(expected));
  });

  test('has its key, and an owner that takes it along', async () => {
    const keys = await pool.anyFirst(sql.type(z.object({ name: z.string() }))`
      SELECT a.attname AS name FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
      WHERE i.indrelid = to_regclass(${qualified}) AND i.indisprimary
    `);
    expect(keys.toSorted()).toEqual(table.key.toSorted());
    const owner = await pool.maybeOneFirst(sql.type(z.object({ definition: z.string() }))`
      SELECT pg_get_constraintdef(oid) AS definition FROM pg_constraint
      WHERE conrelid = to_regclass(${qualified}) AND contype = 'f' AND pg_get_constraintdef(oid) LIKE 'FOREIGN KEY (user_id)%'
    `);
    expect(owner).toBe(qualified === 'users.users' ? null : 'FOREIGN KEY (user_id) REFERENCES users.users(id) ON DELETE CASCADE');
  });
});

test('what is part of something goes with it, and what points at something outlives it', async () => {
  const keys = await pool.anyFirst(sql.type(z.object({ key: z.string() }))`
    SELECT conrelid::regclass || ': ' || pg_get_constraintdef(oid) AS key FROM pg_constraint
    WHERE contype = 'f' AND pg_get_constraintdef(oid) NOT LIKE 'FOREIGN KEY (user_id)%'
  `);
  expect(keys.toSorted()).toMatchInlineSnapshot(`
    [
      "calendar.calendar_invitations: FOREIGN KEY (event_id) REFERENCES calendar.calendar_events(id) ON DELETE CASCADE",
      "calendar.calendar_invitations: FOREIGN KEY (invitee_user_id) REFERENCES users.users(id) ON DELETE SET NULL",
      "documents.document_tag_assignments: FOREIGN KEY (document_id) REFERENCES documents.documents(id) ON DELETE CASCADE",
      "documents.document_tag_assignments: FOREIGN KEY (tag_id) REFERENCES documents.document_tags(id) ON DELETE CASCADE",
      "emails.email_attachments: FOREIGN KEY (email_id) REFERENCES emails.emails(id) ON DELETE CASCADE",
      "emails.email_drafts: FOREIGN KEY (in_reply_to_email_id) REFERENCES emails.emails(id) ON DELETE SET NULL",
      "emails.email_drafts: FOREIGN KEY (sent_email_id) REFERENCES emails.emails(id) ON DELETE SET NULL",
      "messages.llm_requests: FOREIGN KEY (message_id) REFERENCES messages.messages(id) ON DELETE SET NULL",
      "messages.llm_requests: FOREIGN KEY (session_id) REFERENCES sessions.sessions(id) ON DELETE SET NULL",
      "messages.messages: FOREIGN KEY (parent_message_id) REFERENCES messages.messages(id) ON DELETE SET NULL",
      "messages.messages: FOREIGN KEY (session_id) REFERENCES sessions.sessions(id) ON DELETE CASCADE",
      "tasks.task_tags: FOREIGN KEY (label_id) REFERENCES tasks.task_labels(id) ON DELETE CASCADE",
      "tasks.task_tags: FOREIGN KEY (task_id) REFERENCES tasks.tasks(id) ON DELETE CASCADE",
      "tasks.tasks: FOREIGN KEY (list_id) REFERENCES tasks.task_lists(id) ON DELETE SET NULL",
      "tasks.tasks: FOREIGN KEY (parent_task_id) REFERENCES tasks.tasks(id) ON DELETE CASCADE",
    ]
  `);
});

test('every foreign key has an index that finds the rows pointing there', async () => {
  const without = await pool.anyFirst(sql.type(z.object({ name: z.string() }))`
    SELECT conrelid::regclass || '.' || a.attname AS name
    FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
    WHERE c.contype = 'f' AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1])
  `);
  expect(without).toEqual([]);
});

test('no column has a default, for every value is said by an event', async () => {
  const defaults = await pool.any(sql.unsafe`
    SELECT table_name, column_name FROM information_schema.columns
    WHERE column_default IS NOT NULL AND is_generated = 'NEVER' AND table_schema NOT IN ('pg_catalog', 'information_schema')
  `);
  expect(defaults).toEqual([]);
});

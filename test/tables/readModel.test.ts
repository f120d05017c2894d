// What sql/init.sql promises beyond its columns: what goes with what, and what is unique.
import { type DatabasePool, sql } from 'slonik';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createPool } from '../../src/postgres/pool.ts';
import { applyInitSql, dropReadModel } from '../../src/postgres/readModel.ts';
import type { RowOf, Table } from '../../src/tables/table.ts';
import { taskLabelRows, taskListRows, taskRows } from '../../src/tables/tasks.ts';
import { userRows } from '../../src/tables/users.ts';
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

const id = (n: number) => `0192e3c0-0000-7000-8000-${String(n).padStart(12, '0')}`;
const ada = id(1);
const bob = id(2);
const list = id(3);
const task = id(4);
const subtask = id(5);
const other = id(6);
const at = '2026-11-24T07:08:03.123Z';
const common = (own: string, user_id = ada) => ({ id: own, user_id, created_at: at, updated_at: at, version: 0 });

async function put<T extends Table>(table: T, row: RowOf<T>): Promise<void> {
  const name = sql.identifier([table.schema, table.name]);
  const columns = sql.join(
    Object.keys(row).map((column) => sql.identifier([column])),
    sql.fragment`, `,
  );
  await pool.query(
    sql.unsafe`INSERT INTO ${name} (${columns}) SELECT ${columns} FROM jsonb_populate_record(null::${name}, ${JSON.stringify(row)})`,
  );
}

const user = (own: string, email: string): RowOf<typeof userRows> => ({
  ...common(own, own),
  email,
  display_name: 'Ada',
  timezone: 'UTC',
  locale: 'en',
  preferences: {},
  role: 'user',
  status: 'active',
  last_login_at: null,
  deleted_at: null,
});
const taskRow = (own: string, places: Partial<RowOf<typeof taskRows>> = {}): RowOf<typeof taskRows> => ({
  ...common(own),
  list_id: null,
  parent_task_id: null,
  title: 'Write',
  description: null,
  status: 'todo',
  priority: 'none',
  start_at: null,
  due_at: null,
  remind_at: null,
  reminded_at: null,
  estimate_minutes: null,
  recurrence_rule: null,
  position: 1,
  completed_at: null,
  source_type: null,
  source_id: null,
  ...places,
});
const label = (own: string, name: string, owner = ada) => put(taskLabelRows, { ...common(own, owner), name, color: null });

async function relate(own: string, from: string, to: string, toType = 'task'): Promise<void> {
  await pool.query(sql.unsafe`INSERT INTO relationships.relationships
    VALUES (${own}, ${ada}, 'task', ${from}, ${toType}, ${to}, 'blocks', 1, 'user', '{}', ${at}, ${at}, 0)`);
}
async function embed(own: string, entity: string): Promise<void> {
  await pool.query(sql.unsafe`INSERT INTO relationships.entity_embeddings
    VALUES (${own}, ${ada}, 'task', ${entity}, 0, 'text', ${'0'.repeat(64)}, 'model', 2, '[1,2]', ${at}, ${at}, 0)`);
}
const idsIn = (schema: string, table: string) =>
  pool.anyFirst(sql.type(z.object({ id: z.string() }))`SELECT id FROM ${sql.identifier([schema, table])} ORDER BY id`);

beforeEach(async () => {
  await pool.query(sql.unsafe`TRUNCATE users.users CASCADE`);
  await put(userRows, user(ada, 'ada@example.org'));
  await put(userRows, user(bob, 'bob@example.org'));
});

describe('what goes with what', () => {
  beforeEach(async () => {
    await put(taskListRows, {
      ...common(list),
      name: 'Home',
      description: null,
      color: null,
      position: 1,
      is_default: true,
      archived_at: null,
    });
    await put(taskRows, taskRow(task, { list_id: list }));
    await put(taskRows, taskRow(subtask, { parent_task_id: task }));
    await put(taskRows, taskRow(other));
  });

  test('a list leaves its tasks, a task takes its subtasks, a person everything', async () => {
    await pool.query(sql.unsafe`DELETE FROM tasks.task_lists WHERE id = ${list}`);
    expect(await pool.oneFirst(sql.unsafe`SELECT list_id FROM tasks.tasks WHERE id = ${task}`)).toBeNull();
    await pool.query(sql.unsafe`DELETE FROM tasks.tasks WHERE id = ${task}`);
    expect(await idsIn('tasks', 'tasks')).toEqual([other]);
    await pool.query(sql.unsafe`DELETE FROM users.users WHERE id = ${ada}`);
    expect(await idsIn('tasks', 'tasks')).toEqual([]);
  });

  test('relationships and embeddings go with either end, cascaded ones included', async () => {
    await relate(id(21), subtask, other);
    await relate(id(22), other, subtask);
    await relate(id(23), other, list, 'task_list');
    await embed(id(31), subtask);
    await embed(id(32), other);
    await pool.query(sql.unsafe`DELETE FROM tasks.tasks WHERE id = ${task}`);
    expect(await idsIn('relationships', 'relationships')).toEqual([id(23)]);
    expect(await idsIn('relationships', 'entity_embeddings')).toEqual([id(32)]);
  });

  test('a relationship comes to nothing where an end is not there, is of another kind or another person’s', async () => {
    await relate(id(21), task, id(99));
    await relate(id(22), id(99), task);
    await relate(id(23), task, list);
    await pool.query(sql.unsafe`UPDATE tasks.tasks SET user_id = ${bob} WHERE id = ${other}`);
    await relate(id(24), task, other);
    await relate(id(25), task, ada, 'user');
    await relate(id(26), task, bob, 'user');
    expect(await idsIn('relationships', 'relationships')).toEqual([id(25)]);
  });

  test('the triggers clean up in the schemas that they were renamed with', async () => {
    await relate(id(21), subtask, other);
    await pool.query(sql.unsafe`ALTER SCHEMA relationships RENAME TO relationships_kept`);
    await pool.query(sql.unsafe`ALTER SCHEMA tasks RENAME TO tasks_kept`);
    await pool.query(sql.unsafe`INSERT INTO relationships_kept.relationships
      SELECT ${id(22)}, user_id, source_type, source_id, target_type, ${id(99)}, relation_type, strength, author, metadata, created_at, updated_at, version
      FROM relationships_kept.relationships`);
    expect(await idsIn('relationships_kept', 'relationships')).toEqual([id(21)]);
    await pool.query(sql.unsafe`DELETE FROM tasks_kept.tasks WHERE id = ${task}`);
    expect(await idsIn('relationships_kept', 'relationships')).toEqual([]);
    await pool.query(sql.unsafe`ALTER SCHEMA relationships_kept RENAME TO relationships`);
    await pool.query(sql.unsafe`ALTER SCHEMA tasks_kept RENAME TO tasks`);
  });
});

describe('what is unique', () => {
  test('a label by its name, whatever the case, for one person', async () => {
    await label(id(11), 'Urgent');
    await label(id(12), 'Urgent', bob);
    await expect(label(id(13), 'URGENT')).rejects.toMatchObject({ constraint: 'task_labels_name_unique' });
  });

  test('two names can be exchanged in one transaction', async () => {
    await label(id(11), 'one');
    await label(id(12), 'two');
    await pool.transaction(async (transaction) => {
      await transaction.query(sql.unsafe`UPDATE tasks.task_labels SET name = 'two' WHERE id = ${id(11)}`);
      await transaction.query(sql.unsafe`UPDATE tasks.task_labels SET name = 'one' WHERE id = ${id(12)}`);
    });
    expect(await pool.anyFirst(sql.unsafe`SELECT name FROM tasks.task_labels ORDER BY id`)).toEqual(['two', 'one']);
  });

  test('an address, until its owner is deleted', async () => {
    await expect(put(userRows, user(id(9), 'ADA@example.org'))).rejects.toMatchObject({ constraint: 'users_email_unique' });
    await pool.query(sql.unsafe`UPDATE users.users SET email = NULL, status = 'deleted', deleted_at = ${at} WHERE id = ${ada}`);
    await put(userRows, user(id(9), 'ADA@example.org'));
    expect(await idsIn('users', 'users')).toEqual([ada, bob, id(9)]);
  });
});

test('the read model can be dropped and made again', async () => {
  await dropReadModel(pool);
  await dropReadModel(pool);
  await applyInitSql(pool);
  expect(await idsIn('users', 'users')).toEqual([]);
});

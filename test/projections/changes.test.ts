// What is left to write of the changes of a batch once they are merged.
import { expect, test } from 'vitest';
import { merge } from '../../src/projections/changes.ts';
import type { ForeignKey, ForeignKeys } from '../../src/projections/foreignKeys.ts';
import type { Change, Row } from '../../src/projections/projection.ts';
import { calendarInvitationRows } from '../../src/tables/calendar.ts';
import { relationshipRows } from '../../src/tables/relationships.ts';
import type { Table } from '../../src/tables/table.ts';
import { taskListRows, taskRows, taskTagRows } from '../../src/tables/tasks.ts';
import { userRows } from '../../src/tables/users.ts';

const pointer = (column: string, target: Table): ForeignKey => ({ column, target, onDelete: 'set null' });
const part = (column: string, target: Table): ForeignKey => ({ column, target, onDelete: 'cascade' });
const keys: ForeignKeys = {
  of: new Map<Table, readonly ForeignKey[]>([
    [userRows, []],
    [taskListRows, [part('user_id', userRows)]],
    [taskRows, [part('user_id', userRows), pointer('list_id', taskListRows), part('parent_task_id', taskRows)]],
    [taskTagRows, [part('task_id', taskRows)]],
    [calendarInvitationRows, [pointer('invitee_user_id', userRows)]],
  ]),
  order: [userRows, taskListRows, taskRows, taskTagRows, calendarInvitationRows],
  at: (table) => table,
};

const insert = (table: Table, row: Row): Change => ({ kind: 'insert', table, row });
const list = (id: string, row: Row = {}) => insert(taskListRows, { id, ...row });
const task = (id: string, row: Row = {}) => insert(taskRows, { id, list_id: null, parent_task_id: null, ...row });
const tag = (task_id: string) => insert(taskTagRows, { task_id, label_id: 'urgent' });
const update = (table: Table, id: string, set: Row): Change => ({ kind: 'update', table, id, set, add: {}, isOwn: true });
const remove = (table: Table, where: Row): Change => ({ kind: 'remove', table, where, except: {} });
const onlyDefault = (id: string): Change => ({
  kind: 'updateWhere',
  table: taskListRows,
  where: { user_id: 'ada', is_default: true },
  except: { id },
  set: { is_default: false },
});

/** The steps in short: what is done to which rows of which table. */
const merged = (...changes: readonly Change[]) =>
  merge(changes, keys).map((step) => {
    if (step.kind === 'remove') return { removed: step.where };
    const tables = [...step.perTable].map(([{ name }, { inserts, updates, removals }]) => [
      name,
      {
        inserts: [...inserts.values()],
        updates: [...updates.values()].map(({ key, set }) => ({ ...key, ...set })),
        removals: [...removals.values()],
      },
    ]);
    return { first: step.first.length, ...Object.fromEntries(tables) };
  });
const nothing = { inserts: [], updates: [], removals: [] };

test('what came and went in one batch is not written, nor what came to belong to it', () => {
  const [step, ...others] = merged(
    tag('x'),
    task('a'),
    tag('a'),
    task('b', { parent_task_id: 'a' }),
    task('c', { parent_task_id: 'b' }),
    tag('c'),
    task('d'),
    remove(taskRows, { id: 'a' }),
    // As when streams race.
    tag('b'),
  );
  expect(others).toEqual([]);
  expect(step).toMatchObject({
    tasks: { ...nothing, inserts: [{ id: 'd', list_id: null, parent_task_id: null }] },
    task_tags: { ...nothing, inserts: [{ task_id: 'x' }] },
  });
});

test('what came with a parent is written all the same, for it may be a stray', () => {
  const [step] = merged(task('b', { parent_task_id: 'a' }), remove(taskRows, { id: 'b' }));
  expect(step).toMatchObject({ tasks: { inserts: [{ id: 'b' }], removals: [{ id: 'b' }] } });
});

test('what came to point to it points to nothing', () => {
  const [step] = merged(
    list('l'),
    task('a', { list_id: 'l' }),
    update(taskRows, 'b', { list_id: 'l' }),
    update(taskRows, 'c', { list_id: 'm' }),
    remove(taskListRows, { id: 'l' }),
  );
  expect(step).toMatchObject({
    task_lists: nothing,
    tasks: {
      inserts: [{ id: 'a', list_id: null, parent_task_id: null }],
      updates: [
        { id: 'b', list_id: null },
        { id: 'c', list_id: 'm' },
      ],
      removals: [],
    },
  });
});

test('what was there and came to belong to it is removed', () => {
  const [step] = merged(task('a'), update(taskRows, 'b', { parent_task_id: 'a' }), remove(taskRows, { id: 'a' }));
  expect(step).toMatchObject({ tasks: { ...nothing, removals: [{ id: 'b' }] } });
});

test('what was there is removed and not changed before', () => {
  const [step] = merged(update(taskRows, 'a', { title: 'Buy milk' }), remove(taskRows, { id: 'a' }));
  expect(step).toMatchObject({ tasks: { ...nothing, removals: [{ id: 'a' }] } });
});

test('what comes back is written after it went', () => {
  expect(merged(tag('a'), remove(taskTagRows, { task_id: 'a', label_id: 'urgent' }), tag('a'))).toMatchObject([
    { task_tags: nothing },
    { task_tags: { inserts: [{ task_id: 'a' }] } },
  ]);
  // It went with what it belonged to.
  expect(merged(task('a'), tag('a'), remove(taskRows, { id: 'a' }), tag('a'))).toHaveLength(2);
});

test('what others belong or point to already is written after them, who came when it was not there', () => {
  expect(merged(task('a', { list_id: 'l' }), list('l'), task('b', { list_id: 'l' }))).toMatchObject([
    { tasks: { inserts: [{ id: 'a' }] } },
    { task_lists: { inserts: [{ id: 'l' }] }, tasks: { inserts: [{ id: 'b' }] } },
  ]);
  expect(merged(update(taskRows, 'a', { parent_task_id: 'b' }), task('b'))).toHaveLength(2);
  expect(merged(insert(relationshipRows, { id: 'r', source_id: 'a', target_id: 'b' }), task('b'))).toHaveLength(2);
  expect(merged(insert(relationshipRows, { id: 'r', source_id: 'a', target_id: 'b' }), task('a'))).toHaveLength(2);
});

test('a change of all rows that are so and so concerns those that are not written yet', () => {
  const adas = { user_id: 'ada', is_default: true };
  const [step, ...others] = merged(
    list('a', adas),
    list('b', { ...adas, user_id: 'bob' }),
    list('c', { ...adas, is_default: null }),
    onlyDefault('d'),
    list('d', adas),
    remove(taskListRows, { id: 'e' }),
    onlyDefault('d'),
  );
  expect(others).toEqual([]);
  expect(step).toMatchObject({
    first: 2,
    task_lists: { inserts: [{ id: 'a', is_default: false }, { is_default: true }, { is_default: null }, { id: 'd', is_default: true }] },
  });
});

test('it waits for changes of rows that are there, and where it asks for what a removal may change', () => {
  expect(merged(update(taskListRows, 'a', { is_default: true }), onlyDefault('b'))).toMatchObject([{ first: 0 }, { first: 1 }]);
  const where = { invitee_user_id: 'ada' };
  const forget: Change = { kind: 'updateWhere', table: calendarInvitationRows, where, except: {}, set: { invitee_user_id: null } };
  expect(merged(forget, remove(taskRows, { id: 'a' }))).toMatchObject([{ first: 1 }]);
  expect(merged(remove(userRows, { id: 'ada' }), forget)).toMatchObject([{ first: 0 }, { first: 1 }]);
});

test('a removal of all rows that are so and so waits for all before it, and all after it for that', () => {
  const removal = remove(taskRows, { user_id: 'ada' });
  expect(merged(task('a'), removal, task('b'))).toMatchObject([{ first: 0 }, { removed: { user_id: 'ada' } }, { first: 0 }]);
});

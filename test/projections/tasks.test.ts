import { describe, expect, test } from 'vitest';
import {
  taskBlocked,
  taskCancelled,
  taskChanged,
  taskCompleted,
  taskCreated,
  taskDeleted,
  taskLabelChanged,
  taskLabelCreated,
  taskLabelDeleted,
  taskLabelled,
  taskListArchived,
  taskListChanged,
  taskListCreated,
  taskListDeleted,
  taskListRestored,
  taskMoved,
  taskReminded,
  taskReopened,
  taskStarted,
  taskUnlabelled,
} from '../../src/events/tasks.ts';
import { taskLabelSentences, taskListSentences, taskSentences, tasks } from '../../src/projections/tasks.ts';
import { taskLabelRows, taskListRows, taskRows, taskTagRows } from '../../src/tables/tasks.ts';
import { AT, OWNER, recorded } from '../support/recorded.ts';

const ID = '0192f0c1-0000-7000-8000-000000000001';
const LABEL = '0192f0c1-0000-7000-8000-000000000002';
const stamps = { user_id: OWNER, created_at: AT, updated_at: AT, version: 0 };
const changes = (category: string, event: Parameters<typeof recorded>[1], revision = 0) =>
  tasks.project(recorded(`${category}-${ID}`, event, revision));
const updated = (table: typeof taskRows | typeof taskListRows | typeof taskLabelRows, id: string, set: Record<string, unknown>) => ({
  kind: 'update',
  table,
  id,
  set: { ...set, updated_at: AT, version: 3 },
  add: {},
  isOwn: true,
});

describe('a task list', () => {
  const errands = { name: 'Errands', description: null, color: '#1f6feb', position: 1, is_default: false };
  const othersAreNotDefault = {
    kind: 'updateWhere',
    table: taskListRows,
    where: { user_id: OWNER, is_default: true },
    except: { id: ID },
    set: { is_default: false },
  };
  const row = { id: ID, ...errands, archived_at: null, ...stamps };

  test('that is created is a row', () => {
    expect(changes('taskList', taskListCreated(errands))).toEqual([{ kind: 'insert', table: taskListRows, row }]);
  });
  test('that becomes the default is the only one', () => {
    expect(changes('taskList', taskListCreated({ ...errands, is_default: true }))).toEqual([
      othersAreNotDefault,
      { kind: 'insert', table: taskListRows, row: { ...row, is_default: true } },
    ]);
    expect(changes('taskList', taskListChanged({ is_default: true }), 3)).toEqual([
      othersAreNotDefault,
      updated(taskListRows, ID, { is_default: true }),
    ]);
  });
  test.each([
    [taskListChanged({ name: 'Chores' }), { name: 'Chores' }],
    [taskListArchived({}), { archived_at: AT }],
    [taskListRestored({}), { archived_at: null }],
  ])('changes with $0.type', (event, set) => {
    expect(changes('taskList', event, 3)).toEqual([updated(taskListRows, ID, set)]);
  });
  test('that is deleted is no row', () => {
    expect(changes('taskList', taskListDeleted({}))).toEqual([{ kind: 'remove', table: taskListRows, where: { id: ID }, except: {} }]);
  });
  test.each([
    [taskListCreated(errands), 'Created the list “Errands”'],
    [taskListChanged({ name: 'Errands' }), 'Changed the list “Errands”'],
    [taskListArchived({}), 'Archived the list “Errands”'],
    [taskListRestored({}), 'Restored the list “Errands”'],
    [taskListDeleted({}), 'Deleted the list “Errands”'],
  ])('is told of with $0.type: $1', (event, summary) => {
    const told = taskListSentences.tell(recorded(`taskList-${ID}`, event, 1, { title: 'Errands' }));
    expect(told).toMatchObject({ summary, entity_type: 'task_list', entity_id: ID });
  });
});

describe('a task', () => {
  const milk = {
    title: 'Buy milk',
    description: 'Oat, if there is any',
    priority: 'high',
    start_at: null,
    due_at: '2026-05-01T07:00:00.000Z',
    remind_at: null,
    estimate_minutes: 10,
    recurrence_rule: null,
    list_id: null,
    parent_task_id: null,
    position: 1,
    source_type: null,
    source_id: null,
  } as const;
  const place = { list_id: LABEL, parent_task_id: null, position: 2 };

  test('that is created is a row', () => {
    expect(changes('task', taskCreated(milk))).toEqual([
      { kind: 'insert', table: taskRows, row: { id: ID, ...milk, status: 'todo', completed_at: null, reminded_at: null, ...stamps } },
    ]);
  });
  test.each([
    [taskChanged({ title: 'Buy oat milk' }), { title: 'Buy oat milk' }],
    [taskChanged({ remind_at: AT }), { remind_at: AT, reminded_at: null }],
    [taskMoved(place), place],
    [taskStarted({}), { status: 'in_progress' }],
    [taskBlocked({}), { status: 'blocked' }],
    [taskCompleted({ completed_at: AT }), { status: 'done', completed_at: AT }],
    [taskReopened({}), { status: 'todo', completed_at: null }],
    [taskCancelled({}), { status: 'cancelled' }],
    [taskReminded({ reminded_at: AT }), { reminded_at: AT }],
  ])('changes with $0.type', (event, set) => {
    expect(changes('task', event, 3)).toEqual([updated(taskRows, ID, set)]);
  });
  test('that is deleted is no row', () => {
    expect(changes('task', taskDeleted({}))).toEqual([{ kind: 'remove', table: taskRows, where: { id: ID }, except: {} }]);
  });
  test('that gets a label is joined to it, and is itself at a new version', () => {
    expect(changes('task', taskLabelled({ label_id: LABEL }), 3)).toEqual([
      updated(taskRows, ID, {}),
      { kind: 'insert', table: taskTagRows, row: { task_id: ID, label_id: LABEL, user_id: OWNER, created_at: AT } },
    ]);
    expect(changes('task', taskUnlabelled({ label_id: LABEL }), 3)).toEqual([
      updated(taskRows, ID, {}),
      { kind: 'remove', table: taskTagRows, where: { task_id: ID, label_id: LABEL }, except: {} },
    ]);
  });
  test.each([
    [taskCreated(milk), 'Created the task “Buy milk”', {}],
    [taskChanged({ priority: 'low', description: 'Soy' }), 'Changed the task “Buy milk”', { priority: 'low' }],
    [taskMoved(place), 'Moved the task “Buy milk”', place],
    [taskStarted({}), 'Started the task “Buy milk”', {}],
    [taskBlocked({}), 'Put the task “Buy milk” on hold', {}],
    [taskCompleted({ completed_at: AT }), 'Completed the task “Buy milk”', {}],
    [taskReopened({}), 'Reopened the task “Buy milk”', {}],
    [taskCancelled({}), 'Cancelled the task “Buy milk”', {}],
    [taskReminded({ reminded_at: AT }), 'Reminded of the task “Buy milk”', {}],
    [taskDeleted({}), 'Deleted the task “Buy milk”', {}],
    [taskLabelled({ label_id: LABEL }), 'Labelled the task “Buy milk”', { label_id: LABEL }],
    [taskUnlabelled({ label_id: LABEL }), 'Took a label off the task “Buy milk”', { label_id: LABEL }],
  ])('is told of with $0.type: $1', (event, summary, details) => {
    const told = taskSentences.tell(recorded(`task-${ID}`, event, 1, { title: 'Buy milk' }));
    expect(told).toEqual({ summary, details, entity_type: 'task', entity_id: ID });
  });
});

describe('a task label', () => {
  test('that is created is a row', () => {
    expect(changes('taskLabels', taskLabelCreated({ label_id: LABEL, name: 'Urgent', color: null }))).toEqual([
      { kind: 'insert', table: taskLabelRows, row: { id: LABEL, name: 'Urgent', color: null, ...stamps } },
    ]);
  });
  test('that changes is at the version of the stream it shares', () => {
    expect(changes('taskLabels', taskLabelChanged({ label_id: LABEL, name: 'Soon' }), 3)).toEqual([
      updated(taskLabelRows, LABEL, { name: 'Soon' }),
    ]);
  });
  test('that is deleted is no row', () => {
    expect(changes('taskLabels', taskLabelDeleted({ label_id: LABEL }))).toEqual([
      { kind: 'remove', table: taskLabelRows, where: { id: LABEL }, except: {} },
    ]);
  });
  test.each([
    [taskLabelCreated({ label_id: LABEL, name: 'Urgent', color: null }), 'Created the label “Urgent”', {}],
    [taskLabelChanged({ label_id: LABEL, color: '#ff0000' }), 'Changed the label “Urgent”', { color: '#ff0000' }],
    [taskLabelDeleted({ label_id: LABEL }), 'Deleted the label “Urgent”', {}],
  ])('is told of with $0.type: $1', (event, summary, details) => {
    const told = taskLabelSentences.tell(recorded(`taskLabels-${OWNER}`, event, 1, { title: 'Urgent' }));
    expect(told).toEqual({ summary, details, entity_type: 'task_label', entity_id: LABEL });
  });
});

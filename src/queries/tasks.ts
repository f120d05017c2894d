// Questions about task lists, tasks and labels.
import { sql } from 'slonik';
import { z } from 'zod';
import { taskLabelRows, taskListRows, taskRows, taskTagRows } from '../tables/tasks.ts';
import { instant, taskPriority, taskStatus, uuid } from '../vocabulary.ts';
import { anyOf, columnsOf, inList, list, one, type Scope } from './query.ts';

const taskListView = taskListRows.row.omit({ user_id: true });
const labelView = taskLabelRows.row.omit({ user_id: true });
const taskView = taskRows.row.omit({ user_id: true }).extend({ labels: z.array(labelView.pick({ id: true, name: true, color: true })) });

const taskColumns = ({ from }: Scope) => sql.fragment`${columnsOf(taskRows)}, (
  SELECT coalesce(jsonb_agg(jsonb_build_object('id', label.id, 'name', label.name, 'color', label.color) ORDER BY label.name_key), '[]')
  FROM ${from(taskTagRows)} tag JOIN ${from(taskLabelRows)} label ON label.id = tag.label_id WHERE tag.task_id = t.id) AS labels`;

export const getTask = one({
  name: 'getTask',
  route: 'GET /tasks/:id',
  summary: 'A task',
  response: taskView,
  sql: (scope) => sql.fragment`SELECT ${taskColumns(scope)} FROM ${scope.from(taskRows)} t WHERE t.id = ${scope.params.id ?? null}`,
});

export const listTasks = list({
  name: 'listTasks',
  route: 'GET /tasks',
  summary: 'Tasks',
  item: taskView,
  filters: {
    status: anyOf(taskStatus),
    priority: anyOf(taskPriority),
    list_id: uuid.optional(),
    parent_task_id: uuid.optional(),
    label_id: uuid.optional(),
    due_before: instant.optional(),
    due_after: instant.optional(),
  },
  sort: {
    table: taskRows,
    by: { position: 'position', due_at: 'due_key', priority: 'priority_rank', created_at: 'created_at', updated_at: 'updated_at' },
    default: 'position',
  },
  columns: taskColumns,
  from: ({ from }) => sql.fragment`${from(taskRows)} t`,
  where: ({ status, priority, list_id, parent_task_id, label_id, due_before, due_after }, { from }) => [
    inList('status', status),
    inList('priority', priority),
    list_id && sql.fragment`t.list_id = ${list_id}`,
    parent_task_id && sql.fragment`t.parent_task_id = ${parent_task_id}`,
    label_id && sql.fragment`EXISTS (SELECT FROM ${from(taskTagRows)} tag WHERE tag.task_id = t.id AND tag.label_id = ${label_id})`,
    due_before && sql.fragment`t.due_key < ${due_before}`,
    due_after && sql.fragment`t.due_key > ${due_after} AND t.due_key < 'infinity'`,
  ],
});

export const getTaskList = one({
  name: 'getTaskList',
  route: 'GET /task-lists/:id',
  summary: 'A task list',
  response: taskListView,
  sql: ({ params, from }) => sql.fragment`SELECT ${columnsOf(taskListRows)} FROM ${from(taskListRows)} t WHERE t.id = ${params.id ?? null}`,
});

export const listTaskLists = list({
  name: 'listTaskLists',
  route: 'GET /task-lists',
  summary: 'Task lists',
  item: taskListView,
  filters: { archived: z.stringbool().optional() },
  sort: { table: taskListRows, by: { position: 'position', created_at: 'created_at' }, default: 'position' },
  columns: () => columnsOf(taskListRows),
  from: ({ from }) => sql.fragment`${from(taskListRows)} t`,
  where: ({ archived }) => [archived !== undefined && sql.fragment`(t.archived_at IS NOT NULL) = ${archived}`],
});

export const getTaskLabel = one({
  name: 'getTaskLabel',
  route: 'GET /task-labels/:id',
  summary: 'A task label',
  response: labelView,
  sql: ({ params, from }) =>
    sql.fragment`SELECT ${columnsOf(taskLabelRows)} FROM ${from(taskLabelRows)} t WHERE t.id = ${params.id ?? null}`,
});

export const listTaskLabels = list({
  name: 'listTaskLabels',
  route: 'GET /task-labels',
  summary: 'Task labels',
  item: labelView,
  filters: {},
  sort: { table: taskLabelRows, by: { name: 'name_key', created_at: 'created_at' }, default: 'name' },
  columns: () => columnsOf(taskLabelRows),
  from: ({ from }) => sql.fragment`${from(taskLabelRows)} t`,
});

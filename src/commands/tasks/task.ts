// Tasks: what is to be done, how far it is, and where it is filed.
import { z } from 'zod';
import {
  taskBlocked,
  taskCancelled,
  taskChanged,
  taskCompleted,
  taskCreated,
  taskDeleted,
  taskLabelled,
  taskMoved,
  taskReminded,
  taskReopened,
  taskStarted,
  taskUnlabelled,
} from '../../events/tasks.ts';
import { conflict, notFound, unprocessable } from '../../problem.ts';
import { recurrenceRule } from '../../recurrence.ts';
import { instant, taskPriority, taskSourceType, type taskStatus, text, title, uuid, uuidV7 } from '../../vocabulary.ts';
import { aggregate, type Reference, reference } from '../aggregate.ts';
import { command, type Loaded, noBody } from '../command.ts';
import { email } from '../emails/email.ts';
import { message } from '../messages.ts';
import { changed, patchOf } from '../patch.ts';
import { taskLabels } from './label.ts';
import { type TaskList, taskList } from './list.ts';
import { position } from './position.ts';

const MAX_DEPTH = 10;
const MAX_LABELS = 50;

export type Task = {
  readonly title: string;
  readonly description: string | null;
  readonly status: z.output<typeof taskStatus>;
  readonly priority: z.output<typeof taskPriority>;
  readonly start_at: string | null;
  readonly due_at: string | null;
  readonly remind_at: string | null;
  /** When the person was reminded of it; null: not yet, or not since `remind_at` was changed. */
  readonly reminded_at: string | null;
  readonly estimate_minutes: number | null;
  readonly recurrence_rule: string | null;
  readonly list_id: string | null;
  readonly parent_task_id: string | null;
  readonly position: number;
  readonly labels: readonly string[];
};

export const task = aggregate<Task>({
  category: 'task',
  created: { TaskCreated: ({ data: { source_type, source_id, ...task } }) => ({ ...task, status: 'todo', reminded_at: null, labels: [] }) },
  evolve: {
    TaskChanged: (task, { data }) => ({ ...task, ...data, ...('remind_at' in data && { reminded_at: null }) }),
    TaskMoved: (task, { data }) => ({ ...task, ...data }),
    TaskStarted: (task) => ({ ...task, status: 'in_progress' }),
    TaskBlocked: (task) => ({ ...task, status: 'blocked' }),
    TaskCompleted: (task) => ({ ...task, status: 'done' }),
    TaskReopened: (task) => ({ ...task, status: 'todo' }),
    TaskCancelled: (task) => ({ ...task, status: 'cancelled' }),
    TaskLabelled: (task, { data }) => ({ ...task, labels: [...task.labels, data.label_id] }),
    TaskUnlabelled: (task, { data }) => ({ ...task, labels: task.labels.filter((id) => id !== data.label_id) }),
    TaskReminded: (task, { data }) => ({ ...task, ...data }),
    TaskDeleted: () => undefined,
  },
  partOf: ({ parent_task_id }): Reference<unknown> | undefined => reference(task, parent_task_id),
  title: ({ title }) => title,
});

const details = {
  title,
  description: text(65_536).nullable(),
  priority: taskPriority,
  start_at: instant.nullable(),
  due_at: instant.nullable(),
  remind_at: instant.nullable(),
  estimate_minutes: z.int().min(0).max(1_000_000).nullable(),
  recurrence_rule: recurrenceRule.nullable(),
};

export const createTask = command({
  route: 'POST /tasks',
  summary: 'Create a task',
  body: z
    .strictObject({
      id: uuidV7.optional(),
      list_id: uuid.nullable().default(null),
      parent_task_id: uuid.nullable().default(null),
      title: details.title,
      description: details.description.default(null),
      priority: details.priority.default('none'),
      start_at: details.start_at.default(null),
      due_at: details.due_at.default(null),
      remind_at: details.remind_at.default(null),
      estimate_minutes: details.estimate_minutes.default(null),
      recurrence_rule: details.recurrence_rule.default(null),
      position: position.optional(),
      source_type: taskSourceType.nullable().default(null),
      source_id: uuid.nullable().default(null),
      label_ids: z.array(uuid).max(MAX_LABELS).default([]),
    })
    .refine(({ source_type, source_id }) => (source_type === null) === (source_id === null), {
      path: ['source_id'],
      message: 'goes with source_type: give both or neither',
    })
    .superRefine(startsBeforeDue),
  example: { title: 'Buy milk', priority: 'high', due_at: '2026-11-27T18:00:00+01:00', estimate_minutes: 15 },
  aggregate: task,
  needs: async ({ body, user }, load) => ({
    list: await load(reference(taskList, body.list_id, '/list_id')),
    parent: await load(reference(task, body.parent_task_id, '/parent_task_id')),
    source: await load(reference<unknown>(body.source_type === 'email' ? email : message, body.source_id, '/source_id')),
    labels: body.label_ids.length > 0 ? (await load(reference(taskLabels, user.id)))?.state : undefined,
  }),
  create: ({ body: { id, position, label_ids, ...body }, at, needs }) => {
    const unknown = label_ids.findIndex((label) => !needs.labels?.live.has(label));
    if (unknown >= 0) return unprocessable('reference-not-found', 'This does not exist.', `/label_ids/${unknown}`);
    return (
      misplaced(needs.list, needs.parent) ?? [
        taskCreated({ ...body, position: position ?? Date.parse(at) }),
        ...[...new Set(label_ids)].map((label_id) => taskLabelled({ label_id })),
      ]
    );
  },
  answer: 'getTask',
});

export const changeTask = command({
  route: 'PATCH /tasks/:id',
  summary: 'Change a task',
  description: 'Its status has commands of its own, and so has its place (`/move`).',
  body: patchOf(details),
  example: { title: 'Buy oat milk', due_at: '2026-11-28T12:00:00+01:00' },
  aggregate: task,
  decide: (task, { body }) => {
    const differs = changed(task, body);
    if (!differs) return [];
    const { start_at, due_at } = { ...task, ...differs };
    if (start_at !== null && due_at !== null && start_at > due_at) return unprocessable('due-before-start', ENDS_EARLY, '/due_at');
    return taskChanged(differs);
  },
  answer: 'getTask',
});

export const moveTask = command({
  route: 'POST /tasks/:id/move',
  summary: 'Put a task in another list, under another task or in another place',
  body: patchOf({ list_id: uuid.nullable(), parent_task_id: uuid.nullable(), position }),
  example: { list_id: null, position: 1 },
  aggregate: task,
  needs: async ({ body }, load) => ({
    list: await load(reference(taskList, body.list_id, '/list_id')),
    parent: await load(reference(task, body.parent_task_id, '/parent_task_id')),
  }),
  decide: ({ list_id, parent_task_id, position }, { id, body, needs: { list, parent } }) => {
    if (parent && [parent.id, ...parent.ancestors].includes(id)) {
      return unprocessable('task-under-itself', 'A task cannot be moved under itself.', '/parent_task_id');
    }
    const place = { list_id, parent_task_id, position };
    return changed(place, body) ? (misplaced(list, parent) ?? taskMoved({ ...place, ...body })) : [];
  },
  answer: 'getTask',
});

export const startTask = command({
  route: 'POST /tasks/:id/start',
  summary: 'Begin a task',
  body: noBody,
  aggregate: task,
  decide: ({ status }) => (status === 'in_progress' ? [] : (closed(status) ?? taskStarted({}))),
  answer: 'getTask',
});

export const blockTask = command({
  route: 'POST /tasks/:id/block',
  summary: 'Say that a task waits for something',
  body: noBody,
  aggregate: task,
  decide: ({ status }) => (status === 'blocked' ? [] : (closed(status) ?? taskBlocked({}))),
  answer: 'getTask',
});

export const completeTask = command({
  route: 'POST /tasks/:id/complete',
  summary: 'Mark a task as done',
  body: noBody,
  aggregate: task,
  decide: ({ status }, { at }) => (status === 'done' ? [] : (closed(status) ?? taskCompleted({ completed_at: at }))),
  answer: 'getTask',
});

export const reopenTask = command({
  route: 'POST /tasks/:id/reopen',
  summary: 'Take a done or cancelled task up again',
  body: noBody,
  aggregate: task,
  decide: ({ status }) => (status === 'done' || status === 'cancelled' ? taskReopened({}) : []),
  answer: 'getTask',
});

export const cancelTask = command({
  route: 'POST /tasks/:id/cancel',
  summary: 'Decide that a task will not be done',
  body: noBody,
  aggregate: task,
  decide: ({ status }) => (status === 'cancelled' ? [] : (closed(status) ?? taskCancelled({}))),
  answer: 'getTask',
});

export const remindTask = command({
  route: 'POST /tasks/:id/remind',
  summary: 'Remind of a task',
  internal: true,
  body: noBody,
  aggregate: task,
  decide: ({ status, remind_at, reminded_at }, { at }) =>
    remind_at === null || remind_at > at || reminded_at !== null || closed(status) ? [] : taskReminded({ reminded_at: at }),
});

export const deleteTask = command({
  route: 'DELETE /tasks/:id',
  summary: 'Delete a task and its subtasks',
  body: noBody,
  aggregate: task,
  decide: () => taskDeleted({}),
});

export const labelTask = command({
  route: 'PUT /tasks/:id/labels/:label_id',
  summary: 'Put a label on a task',
  body: noBody,
  aggregate: task,
  needs: async ({ user }, load) => ({ labels: await load(reference(taskLabels, user.id)) }),
  decide: ({ labels }, { params: { label_id }, needs }) => {
    if (!needs.labels.state.live.has(label_id)) return notFound();
    if (labels.includes(label_id)) return [];
    // A label that was deleted is still in the task's own history.
    if (labels.filter((id) => needs.labels.state.live.has(id)).length >= MAX_LABELS)
      return conflict('too-many-labels', `A task can have ${MAX_LABELS} labels.`);
    return taskLabelled({ label_id });
  },
  answer: 'getTask',
});

export const unlabelTask = command({
  route: 'DELETE /tasks/:id/labels/:label_id',
  summary: 'Take a label off a task',
  body: noBody,
  aggregate: task,
  decide: ({ labels }, { params: { label_id } }) => (labels.includes(label_id) ? taskUnlabelled({ label_id }) : []),
});

const ENDS_EARLY = 'A task cannot be due before it starts.';

function startsBeforeDue({ start_at, due_at }: { start_at: string | null; due_at: string | null }, context: z.RefinementCtx): void {
  if (start_at !== null && due_at !== null && start_at > due_at)
    context.addIssue({ code: 'custom', path: ['due_at'], message: ENDS_EARLY });
}

/** Refuses what is closed already in another way. */
const closed = (status: Task['status']) =>
  status === 'done' || status === 'cancelled' ? conflict(`task-${status}`, `The task is ${status}; reopen it first.`) : undefined;

function misplaced(list: Loaded<TaskList> | undefined, parent: Loaded<Task> | undefined) {
  if (list?.state.isArchived) return conflict('list-archived', 'This list is archived; restore it first.', '/list_id');
  if (parent && parent.ancestors.length + 1 >= MAX_DEPTH) {
    return unprocessable('too-deep', `Tasks can be nested ${MAX_DEPTH} deep.`, '/parent_task_id');
  }
  return undefined;
}

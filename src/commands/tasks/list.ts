// Task lists: what a person files tasks in.
import { z } from 'zod';
import { taskListArchived, taskListChanged, taskListCreated, taskListDeleted, taskListRestored } from '../../events/tasks.ts';
import { color, name, text, uuidV7 } from '../../vocabulary.ts';
import { aggregate } from '../aggregate.ts';
import { command, noBody } from '../command.ts';
import { changed, patchOf } from '../patch.ts';
import { position } from './position.ts';

export type TaskList = {
  readonly name: string;
  readonly description: string | null;
  readonly color: string | null;
  readonly position: number;
  readonly is_default: boolean;
  readonly isArchived: boolean;
};

export const taskList = aggregate<TaskList>({
  category: 'taskList',
  created: { TaskListCreated: ({ data }) => ({ ...data, isArchived: false }) },
  evolve: {
    TaskListChanged: (list, { data }) => ({ ...list, ...data }),
    TaskListArchived: (list) => ({ ...list, isArchived: true }),
    TaskListRestored: (list) => ({ ...list, isArchived: false }),
    TaskListDeleted: () => undefined,
  },
  title: ({ name }) => name,
});

const fields = { name, description: text(65_536).nullable(), color: color.nullable(), position, is_default: z.boolean() };

export const createTaskList = command({
  route: 'POST /task-lists',
  summary: 'Create a task list',
  body: z.strictObject({
    id: uuidV7.optional(),
    name: fields.name,
    description: fields.description.default(null),
    color: fields.color.default(null),
    position: fields.position.optional(),
    is_default: fields.is_default.default(false),
  }),
  example: { name: 'Errands', color: '#1f6feb' },
  aggregate: taskList,
  create: ({ body: { id, position, ...list }, at }) => taskListCreated({ ...list, position: position ?? Date.parse(at) }),
  answer: 'getTaskList',
});

export const changeTaskList = command({
  route: 'PATCH /task-lists/:id',
  summary: 'Change a task list',
  body: patchOf(fields),
  example: { name: 'Chores', is_default: true },
  aggregate: taskList,
  decide: (list, { body }) => {
    // Another list may have become the default since, which this stream does not show: only a new event says "now this one".
    const differs = changed({ ...list, is_default: body.is_default ? undefined : list.is_default }, body);
    return differs ? taskListChanged(differs) : [];
  },
  answer: 'getTaskList',
});

export const archiveTaskList = command({
  route: 'POST /task-lists/:id/archive',
  summary: 'Put a task list away, with its tasks',
  body: noBody,
  aggregate: taskList,
  decide: ({ isArchived }) => (isArchived ? [] : taskListArchived({})),
  answer: 'getTaskList',
});

export const restoreTaskList = command({
  route: 'POST /task-lists/:id/restore',
  summary: 'Take a task list out of the archive',
  body: noBody,
  aggregate: taskList,
  decide: ({ isArchived }) => (isArchived ? taskListRestored({}) : []),
  answer: 'getTaskList',
});

export const deleteTaskList = command({
  route: 'DELETE /task-lists/:id',
  summary: 'Delete a task list',
  description: 'Its tasks stay, in no list.',
  body: noBody,
  aggregate: taskList,
  decide: () => taskListDeleted({}),
});

// Task lists, tasks and labels as rows, and what happened to them as sentences.
import { taskLabelRows, taskListRows, taskRows, taskTagRows } from '../tables/tasks.ts';
import { adjustWhere, insert, projection, remove, update } from './projection.ts';
import { quoted, teller } from './sentence.ts';

export const tasks = projection('tasks', 2, {
  TaskListCreated: ({ id, data, meta }) => [
    ...othersAreNotDefault(data, meta.user_id, id),
    insert(taskListRows, { id, ...data, archived_at: null }),
  ],
  TaskListChanged: ({ id, data, meta }) => [...othersAreNotDefault(data, meta.user_id, id), update(taskListRows, id, data)],
  TaskListArchived: ({ id, meta }) => update(taskListRows, id, { archived_at: meta.at }),
  TaskListRestored: ({ id }) => update(taskListRows, id, { archived_at: null }),
  TaskListDeleted: ({ id }) => remove(taskListRows, { id }),

  TaskCreated: ({ id, data }) => insert(taskRows, { id, ...data, status: 'todo', completed_at: null, reminded_at: null }),
  // Who changes when to be reminded wants to be reminded then.
  TaskChanged: ({ id, data }) => update(taskRows, id, 'remind_at' in data ? { ...data, reminded_at: null } : data),
  TaskMoved: ({ id, data }) => update(taskRows, id, data),
  TaskStarted: ({ id }) => update(taskRows, id, { status: 'in_progress' }),
  TaskBlocked: ({ id }) => update(taskRows, id, { status: 'blocked' }),
  TaskCompleted: ({ id, data }) => update(taskRows, id, { status: 'done', completed_at: data.completed_at }),
  TaskReopened: ({ id }) => update(taskRows, id, { status: 'todo', completed_at: null }),
  TaskCancelled: ({ id }) => update(taskRows, id, { status: 'cancelled' }),
  TaskReminded: ({ id, data }) => update(taskRows, id, { reminded_at: data.reminded_at }),
  TaskDeleted: ({ id }) => remove(taskRows, { id }),

  TaskLabelled: ({ id, data }) => [update(taskRows, id, {}), insert(taskTagRows, { task_id: id, label_id: data.label_id })],
  TaskUnlabelled: ({ id, data }) => [update(taskRows, id, {}), remove(taskTagRows, { task_id: id, label_id: data.label_id })],

  TaskLabelCreated: ({ data: { label_id, ...label } }) => insert(taskLabelRows, { id: label_id, ...label }),
  TaskLabelChanged: ({ data: { label_id, ...changes } }) => update(taskLabelRows, label_id, changes),
  TaskLabelDeleted: ({ data }) => remove(taskLabelRows, { id: data.label_id }),
});

/** A person has one default list: the one that last became it. */
const othersAreNotDefault = ({ is_default }: { is_default?: boolean }, user_id: string, id: string) =>
  is_default ? [adjustWhere(taskListRows, { user_id, is_default: true }, { id }, { is_default: false })] : [];

export const taskListSentences = teller('task_list', {
  TaskListCreated: ({ data }) => `Created the list${quoted(data.name)}`,
  TaskListChanged: ({ data, meta }) => ({ summary: `Changed the list${quoted(meta.title)}`, details: { ...data } }),
  TaskListArchived: ({ meta }) => `Archived the list${quoted(meta.title)}`,
  TaskListRestored: ({ meta }) => `Restored the list${quoted(meta.title)}`,
  TaskListDeleted: ({ meta }) => `Deleted the list${quoted(meta.title)}`,
});

export const taskSentences = teller('task', {
  TaskCreated: ({ data }) => `Created the task${quoted(data.title)}`,
  TaskChanged: ({ data: { description, ...details }, meta }) => ({ summary: `Changed the task${quoted(meta.title)}`, details }),
  TaskMoved: ({ data, meta }) => ({ summary: `Moved the task${quoted(meta.title)}`, details: { ...data } }),
  TaskStarted: ({ meta }) => `Started the task${quoted(meta.title)}`,
  TaskBlocked: ({ meta }) => `Put the task${quoted(meta.title)} on hold`,
  TaskCompleted: ({ meta }) => `Completed the task${quoted(meta.title)}`,
  TaskReopened: ({ meta }) => `Reopened the task${quoted(meta.title)}`,
  TaskCancelled: ({ meta }) => `Cancelled the task${quoted(meta.title)}`,
  TaskDeleted: ({ meta }) => `Deleted the task${quoted(meta.title)}`,
  TaskLabelled: ({ data, meta }) => ({ summary: `Labelled the task${quoted(meta.title)}`, details: { ...data } }),
  TaskUnlabelled: ({ data, meta }) => ({ summary: `Took a label off the task${quoted(meta.title)}`, details: { ...data } }),
  TaskReminded: ({ meta }) => `Reminded of the task${quoted(meta.title)}`,
});

export const taskLabelSentences = teller(
  'task_label',
  {
    TaskLabelCreated: ({ data }) => `Created the label${quoted(data.name)}`,
    TaskLabelChanged: ({ data: { label_id, ...details }, meta }) => ({ summary: `Changed the label${quoted(meta.title)}`, details }),
    TaskLabelDeleted: ({ meta }) => `Deleted the label${quoted(meta.title)}`,
  },
  ({ id, data }) => ('label_id' in data ? data.label_id : id),
);

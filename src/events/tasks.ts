// What can happen to task lists, tasks and task labels.
import { z } from 'zod';
import { color, instant, name, taskPriority, taskSourceType, text, title, uuid } from '../vocabulary.ts';
import { event } from './event.ts';

const list = { name, description: text(65_536).nullable(), color: color.nullable(), position: z.number(), is_default: z.boolean() };
export const taskListCreated = event('TaskListCreated', list);
export const taskListChanged = event('TaskListChanged', z.object(list).exactPartial().shape);
export const taskListArchived = event('TaskListArchived', {});
export const taskListRestored = event('TaskListRestored', {});
export const taskListDeleted = event('TaskListDeleted', {});

// A rule was validated where it came in. What is a valid one changes with the library that says so.
const details = {
  title,
  description: text(65_536).nullable(),
  priority: taskPriority,
  start_at: instant.nullable(),
  due_at: instant.nullable(),
  remind_at: instant.nullable(),
  estimate_minutes: z.int().nullable(),
  recurrence_rule: text(1_000).nullable(),
};
const place = { list_id: uuid.nullable(), parent_task_id: uuid.nullable(), position: z.number() };
export const taskCreated = event('TaskCreated', {
  ...details,
  ...place,
  source_type: taskSourceType.nullable(),
  source_id: uuid.nullable(),
});
export const taskChanged = event('TaskChanged', z.object(details).exactPartial().shape);
export const taskMoved = event('TaskMoved', place);
export const taskStarted = event('TaskStarted', {});
export const taskBlocked = event('TaskBlocked', {});
export const taskCompleted = event('TaskCompleted', { completed_at: instant });
export const taskReopened = event('TaskReopened', {});
export const taskCancelled = event('TaskCancelled', {});
export const taskDeleted = event('TaskDeleted', {});
export const taskLabelled = event('TaskLabelled', { label_id: uuid });
export const taskUnlabelled = event('TaskUnlabelled', { label_id: uuid });
export const taskReminded = event('TaskReminded', { reminded_at: instant });

const label = { name, color: color.nullable() };
export const taskLabelCreated = event('TaskLabelCreated', { label_id: uuid, ...label });
export const taskLabelChanged = event('TaskLabelChanged', { label_id: uuid, ...z.object(label).exactPartial().shape });
export const taskLabelDeleted = event('TaskLabelDeleted', { label_id: uuid });

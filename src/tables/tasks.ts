// Task lists, tasks and their labels.
import { z } from 'zod';
import { storedInstant, taskPriority, taskSourceType, taskStatus, uuid } from '../vocabulary.ts';
import { common, count, table } from './table.ts';

export const taskListRows = table('tasks.task_lists', {
  ...common,
  name: z.string(),
  description: z.string().nullable(),
  color: z.string().nullable(),
  position: z.number(),
  is_default: z.boolean(),
  archived_at: storedInstant.nullable(),
});

export const taskRows = table('tasks.tasks', {
  ...common,
  list_id: uuid.nullable(),
  parent_task_id: uuid.nullable(),
  title: z.string(),
  description: z.string().nullable(),
  status: taskStatus,
  priority: taskPriority,
  start_at: storedInstant.nullable(),
  due_at: storedInstant.nullable(),
  remind_at: storedInstant.nullable(),
  reminded_at: storedInstant.nullable(),
  estimate_minutes: count.nullable(),
  recurrence_rule: z.string().nullable(),
  position: z.number(),
  completed_at: storedInstant.nullable(),
  source_type: taskSourceType.nullable(),
  source_id: uuid.nullable(),
});

export const taskLabelRows = table('tasks.task_labels', { ...common, name: z.string(), color: z.string().nullable() });

export const taskTagRows = table(
  'tasks.task_tags',
  { task_id: uuid, label_id: uuid, user_id: uuid, created_at: storedInstant },
  { key: ['task_id', 'label_id'] },
);

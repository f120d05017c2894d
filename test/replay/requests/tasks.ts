// Requests about tasks, their lists and labels.
import fc from 'fast-check';
import {
  color,
  type Fields,
  id,
  note,
  orNull,
  parent,
  pick,
  position,
  request,
  text,
  time,
  type Value,
  type Weighted,
  word,
} from './said.ts';

const details: Fields = {
  description: note,
  priority: fc.constantFrom('none', 'low', 'medium', 'high', 'urgent'),
  start_at: time,
  due_at: time,
  remind_at: time,
  estimate_minutes: orNull(fc.constantFrom(0, 5, 90)),
  recurrence_rule: orNull(fc.constantFrom('FREQ=WEEKLY;BYDAY=MO', 'FREQ=DAILY')),
};
const source = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  pick('message').map((source_id): Readonly<Record<string, Value>> => ({ source_type: 'message', source_id })),
);
const list: Fields = { name: text, description: note, color, position, is_default: fc.boolean() };
export const newList = request('POST /task-lists', { needs: { name: text }, may: { ...list, id: id('list') } });
export const newLabel = request('POST /task-labels', { needs: { name: word }, may: { color, id: id('label') } });
export const newTask = fc
  .tuple(
    request('POST /tasks', {
      needs: { title: text },
      may: {
        ...details,
        id: id('task'),
        list_id: orNull(pick('list')),
        parent_task_id: orNull(parent),
        position,
        label_ids: fc.array(pick('label'), { maxLength: 3 }),
      },
    }),
    source,
  )
  .map(([task, from]) => ({ ...task, body: { ...task.body, ...from } }));

export const taskKinds: readonly Weighted[] = [
  [10, newTask],
  [5, request('PATCH /tasks/:id', { may: { title: text, ...details } })],
  [7, request('POST /tasks/:id/move', { may: { list_id: orNull(pick('list')), parent_task_id: orNull(parent), position } })],
  [2, request('POST /tasks/:id/start')],
  [2, request('POST /tasks/:id/block')],
  [4, request('POST /tasks/:id/complete')],
  [3, request('POST /tasks/:id/reopen')],
  [2, request('POST /tasks/:id/cancel')],
  [1, request('DELETE /tasks/:id')],
  [5, request('PUT /tasks/:id/labels/:label_id')],
  [3, request('DELETE /tasks/:id/labels/:label_id')],
  [4, newList],
  [3, request('PATCH /task-lists/:id', { may: list })],
  [2, request('POST /task-lists/:id/archive')],
  [2, request('POST /task-lists/:id/restore')],
  [1, request('DELETE /task-lists/:id')],
  [5, newLabel],
  [4, request('PATCH /task-labels/:id', { may: { name: word, color } })],
  [1, request('DELETE /task-labels/:id')],
];

// Task labels, which are what a person marks tasks with.
import { z } from 'zod';
import { taskLabelChanged, taskLabelCreated, taskLabelDeleted } from '../../events/tasks.ts';
import { uuidV7 } from '../../vocabulary.ts';
import { sharedAggregate } from '../aggregate.ts';
import { command, noBody } from '../command.ts';
import { type Marks, markFields, noMarks, refuseName, withChanges, withMark, withoutMark } from '../marks.ts';
import { changed, patchOf } from '../patch.ts';

export const taskLabels = sharedAggregate<Marks>({
  category: 'taskLabels',
  initial: noMarks,
  evolve: {
    TaskLabelCreated: (labels, { data: { label_id, ...label }, revision }) => withMark(labels, label_id, { ...label, revision }),
    TaskLabelChanged: (labels, { data: { label_id, ...changes }, revision }) => withChanges(labels, label_id, { ...changes, revision }),
    TaskLabelDeleted: (labels, { data }) => withoutMark(labels, data.label_id),
  },
  find: ({ live }, id) => live.get(id),
  title: ({ live }, { data }) => ('label_id' in data ? live.get(data.label_id)?.name : undefined),
});

export const createTaskLabel = command({
  route: 'POST /task-labels',
  summary: 'Create a task label',
  body: z.strictObject({ id: uuidV7.optional(), name: markFields.name, color: markFields.color.default(null) }),
  example: { name: 'Urgent', color: '#d73a49' },
  aggregate: taskLabels,
  perUser: true,
  create: ({ id, body: { name, color } }, labels = noMarks) =>
    refuseName(labels, 'label', id, name) ?? taskLabelCreated({ label_id: id, name, color }),
  answer: 'getTaskLabel',
});

export const changeTaskLabel = command({
  route: 'PATCH /task-labels/:id',
  summary: 'Rename or recolour a task label',
  body: patchOf(markFields),
  example: { color: '#0e8a16' },
  aggregate: taskLabels,
  perUser: true,
  decide: (labels, { id, body }) => {
    const differs = changed({ ...labels.live.get(id) }, body);
    if (!differs) return [];
    const refusal = differs.name === undefined ? undefined : refuseName(labels, 'label', id, differs.name);
    return refusal ?? taskLabelChanged({ label_id: id, ...differs });
  },
  answer: 'getTaskLabel',
});

export const deleteTaskLabel = command({
  route: 'DELETE /task-labels/:id',
  summary: 'Delete a task label, and take it off all tasks',
  body: noBody,
  aggregate: taskLabels,
  perUser: true,
  decide: (_, { id }) => taskLabelDeleted({ label_id: id }),
});

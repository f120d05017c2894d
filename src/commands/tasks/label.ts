// Task labels. All of a person's share a stream, so that no two can have one name, whoever races.
import { z } from 'zod';
import { taskLabelChanged, taskLabelCreated, taskLabelDeleted } from '../../events/tasks.ts';
import { conflict } from '../../problem.ts';
import { color, name, uuidV7 } from '../../vocabulary.ts';
import { sharedAggregate } from '../aggregate.ts';
import { command, noBody } from '../command.ts';
import { changed, patchOf } from '../patch.ts';

type Label = { readonly name: string; readonly color: string | null; readonly revision: number };
export type TaskLabels = ReadonlyMap<string, Label>;

const none: TaskLabels = new Map();

export const taskLabels = sharedAggregate<TaskLabels>({
  category: 'taskLabels',
  initial: none,
  evolve: {
    TaskLabelCreated: (labels, { data: { label_id, ...label }, revision }) => new Map([...labels, [label_id, { ...label, revision }]]),
    TaskLabelChanged: (labels, { data: { label_id, ...changes }, revision }) => {
      const label = labels.get(label_id);
      return label ? new Map([...labels, [label_id, { ...label, ...changes, revision }]]) : labels;
    },
    TaskLabelDeleted: (labels, { data }) => new Map([...labels].filter(([id]) => id !== data.label_id)),
  },
  find: (labels, id) => labels.get(id),
  title: (labels, { data }) => ('label_id' in data ? labels.get(data.label_id)?.name : undefined),
});

const fields = { name, color: color.nullable() };

export const createTaskLabel = command({
  route: 'POST /task-labels',
  summary: 'Create a task label',
  body: z.strictObject({ id: uuidV7.optional(), name: fields.name, color: fields.color.default(null) }),
  example: { name: 'Urgent', color: '#d73a49' },
  aggregate: taskLabels,
  perUser: true,
  create: ({ id, body: { name, color } }, labels = none) =>
    isTaken(labels, name, id) ? nameTaken(name) : taskLabelCreated({ label_id: id, name, color }),
  answer: 'getTaskLabel',
});

export const changeTaskLabel = command({
  route: 'PATCH /task-labels/:id',
  summary: 'Rename or recolour a task label',
  body: patchOf(fields),
  example: { color: '#0e8a16' },
  aggregate: taskLabels,
  perUser: true,
  decide: (labels, { id, body }) => {
    if (body.name !== undefined && isTaken(labels, body.name, id)) return nameTaken(body.name);
    const differs = changed({ ...labels.get(id) }, body);
    return differs ? taskLabelChanged({ label_id: id, ...differs }) : [];
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

const isTaken = (labels: TaskLabels, name: string, by: string) =>
  [...labels].some(([id, label]) => id !== by && label.name.toLowerCase() === name.toLowerCase());

const nameTaken = (name: string) => conflict('name-taken', `There is already a label called ${name}.`, '/name');

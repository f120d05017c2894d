// Task labels. All of a person's share a stream, so that no two can have one name, whoever races.
import { z } from 'zod';
import { taskLabelChanged, taskLabelCreated, taskLabelDeleted } from '../../events/tasks.ts';
import { conflict, idInUse } from '../../problem.ts';
import { color, name, uuidV7 } from '../../vocabulary.ts';
import { sharedAggregate } from '../aggregate.ts';
import { command, noBody } from '../command.ts';
import { changed, patchOf } from '../patch.ts';

type Label = { readonly name: string; readonly color: string | null; readonly revision: number };
/** By id. What was deleted stays known: the streams of tasks still name it, so no other label may have its id. */
export type TaskLabels = { readonly live: ReadonlyMap<string, Label>; readonly deleted: ReadonlySet<string> };

const none: TaskLabels = { live: new Map(), deleted: new Set() };

export const taskLabels = sharedAggregate<TaskLabels>({
  category: 'taskLabels',
  initial: none,
  evolve: {
    TaskLabelCreated: ({ live, deleted }, { data: { label_id, ...label }, revision }) => ({
      live: new Map([...live, [label_id, { ...label, revision }]]),
      deleted,
    }),
    TaskLabelChanged: ({ live, deleted }, { data: { label_id, ...changes }, revision }) => {
      const label = live.get(label_id);
      return { live: label ? new Map([...live, [label_id, { ...label, ...changes, revision }]]) : live, deleted };
    },
    TaskLabelDeleted: ({ live, deleted }, { data: { label_id } }) => ({
      live: new Map([...live].filter(([id]) => id !== label_id)),
      deleted: new Set([...deleted, label_id]),
    }),
  },
  find: ({ live }, id) => live.get(id),
  title: ({ live }, { data }) => ('label_id' in data ? live.get(data.label_id)?.name : undefined),
});

const fields = { name, color: color.nullable() };

export const createTaskLabel = command({
  route: 'POST /task-labels',
  summary: 'Create a task label',
  body: z.strictObject({ id: uuidV7.optional(), name: fields.name, color: fields.color.default(null) }),
  example: { name: 'Urgent', color: '#d73a49' },
  aggregate: taskLabels,
  perUser: true,
  create: ({ id, body: { name, color } }, labels = none) => {
    if (labels.deleted.has(id)) return idInUse();
    return isTaken(labels, name, id) ? nameTaken(name) : taskLabelCreated({ label_id: id, name, color });
  },
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
    const differs = changed({ ...labels.live.get(id) }, body);
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

const isTaken = ({ live }: TaskLabels, name: string, by: string) =>
  [...live].some(([id, label]) => id !== by && label.name.toLowerCase() === name.toLowerCase());

const nameTaken = (name: string) => conflict('name-taken', `There is already a label called ${name}.`, '/name');

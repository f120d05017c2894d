// What requests about task lists and task labels do.
import { z } from 'zod';
import { removeTaskLabel, removeTaskList } from './cascades.ts';
import { type Context, changes, commandOn, type Happening, type Refusal, type Routes } from './core.ts';
import { change, own, type Rows, stamped, type TaskLabelRow, type TaskListRow } from './rows.ts';

const name = z.string().trim();
const color = z.string().toLowerCase().nullable();
const list = { name, description: z.string().nullable(), color, position: z.number(), is_default: z.boolean() };
const newList = z.object({
  id: z.uuidv7().optional(),
  name,
  description: list.description.default(null),
  color: color.default(null),
  position: list.position.optional(),
  is_default: list.is_default.default(false),
});
const listPatch = z.object(list).exactPartial();
const newLabel = z.object({ id: z.uuidv7().optional(), name, color: color.default(null) });
const labelPatch = z.object({ name, color }).exactPartial();

export const filingRoutes: Routes = {
  'POST /task-lists': ({ model: { rows, streams, said }, caller, body, at, newId }) => {
    const { id: chosenId, position, ...list } = newList.parse(body);
    const id = newId(chosenId);
    const row = { ...list, position: position ?? Date.parse(at), archived_at: null };
    return {
      creates: true,
      chosenId,
      stream: `taskList-${id}`,
      isInUse: streams.has(`taskList-${id}`),
      entity: () => own(rows.task_lists, id, caller.id),
      content: [chosenId ?? null, position ?? null, list],
      decide: () => [
        {
          type: 'TaskListCreated',
          about: ['task_list', id],
          apply: (stamp) => {
            rows.task_lists.set(id, { ...stamped(id, caller.id, stamp), ...row });
            if (list.is_default) becomeDefault(rows, said.defaults, id, caller.id);
          },
        },
      ],
    };
  },
  'PATCH /task-lists/:id': (request) => {
    const { rows, said } = request.model;
    const patch = listPatch.parse(request.body);
    return onList(request, patch, (row) => {
      // "This one" is said anew each time, for another list may have become the default since.
      const known = { ...row, is_default: patch.is_default === true ? false : said.defaults.has(row.id) };
      const set: Partial<TaskListRow> = changes(known, patch);
      if (Object.keys(set).length === 0) return [];
      const apply: Happening['apply'] = (stamp) => {
        change(row, stamp, set);
        if (set.is_default === true) becomeDefault(rows, said.defaults, row.id, row.user_id);
        if (set.is_default === false) said.defaults.delete(row.id);
      };
      return [{ type: 'TaskListChanged', about: ['task_list', row.id], apply }];
    });
  },
  'POST /task-lists/:id/archive': (request) =>
    onList(request, {}, (row) => (row.archived_at === null ? [becomes(row, 'TaskListArchived', { archived_at: request.at })] : [])),
  'POST /task-lists/:id/restore': (request) =>
    onList(request, {}, (row) => (row.archived_at === null ? [] : [becomes(row, 'TaskListRestored', { archived_at: null })])),
  'DELETE /task-lists/:id': (request) => {
    const remove = ({ id }: TaskListRow): Happening[] => [
      { type: 'TaskListDeleted', about: ['task_list', id], apply: () => removeTaskList(request.model.rows, id) },
    ];
    return onList(request, {}, remove, 'nothing');
  },

  'POST /task-labels': ({ model: { rows, said }, caller, body, newId }) => {
    const { id: chosenId, ...label } = newLabel.parse(body);
    const id = newId(chosenId);
    return {
      creates: true,
      chosenId,
      stream: `taskLabels-${caller.id}`,
      isInUse: rows.task_labels.has(id) || said.deletedLabels.has(id),
      entity: () => own(rows.task_labels, id, caller.id),
      content: [chosenId ?? null, label],
      decide: () =>
        isTaken(rows, caller.id, label.name, id)
          ? 409
          : [
              {
                type: 'TaskLabelCreated',
                about: ['task_label', id],
                apply: (stamp) => rows.task_labels.set(id, { ...stamped(id, caller.id, stamp), ...label }),
              },
            ],
    };
  },
  'PATCH /task-labels/:id': (request) => {
    const patch = labelPatch.parse(request.body);
    return onLabel(request, patch, (label) => {
      if (patch.name !== undefined && isTaken(request.model.rows, label.user_id, patch.name, label.id)) return 409;
      const set: Partial<TaskLabelRow> = changes(label, patch);
      if (Object.keys(set).length === 0) return [];
      return [{ type: 'TaskLabelChanged', about: ['task_label', label.id], apply: (stamp) => change(label, stamp, set) }];
    });
  },
  'DELETE /task-labels/:id': (request) => {
    const { rows, said } = request.model;
    const remove = ({ id }: TaskLabelRow): Happening[] => {
      const apply = () => {
        removeTaskLabel(rows, id);
        said.deletedLabels.add(id);
      };
      return [{ type: 'TaskLabelDeleted', about: ['task_label', id], apply }];
    };
    return onLabel(request, {}, remove, 'nothing');
  },
};

/** A person has one default list: the one that last became it. */
function becomeDefault({ task_lists }: Rows, said: Set<string>, id: string, user_id: string): void {
  for (const other of task_lists.values()) if (other.user_id === user_id && other.id !== id) other.is_default = false;
  said.add(id);
}

const isTaken = ({ task_labels }: Rows, user_id: string, name: string, by: string) =>
  [...task_labels.values()].some(
    (label) => label.user_id === user_id && label.id !== by && label.name.toLowerCase() === name.toLowerCase(),
  );

const becomes = (list: TaskListRow, type: string, set: Partial<TaskListRow>): Happening => ({
  type,
  about: ['task_list', list.id],
  apply: (stamp) => change(list, stamp, set),
});

function onList(request: Context, said: unknown, decide: (row: TaskListRow) => Refusal | Happening[], answers?: 'nothing') {
  const { model, params, caller } = request;
  return commandOn(request, `taskList-${params.id}`, own(model.rows.task_lists, params.id, caller.id), said, decide, answers);
}

/** All labels of a person share a stream. */
function onLabel(request: Context, said: unknown, decide: (row: TaskLabelRow) => Refusal | Happening[], answers?: 'nothing') {
  const { model, params, caller } = request;
  return commandOn(request, `taskLabels-${caller.id}`, own(model.rows.task_labels, params.id, caller.id), said, decide, answers);
}

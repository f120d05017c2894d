// What requests about tasks do.
import { z } from 'zod';
import { removeTask } from './cascades.ts';
import { type Context, changes, commandOn, type Happening, type Model, type Refusal, type Routes } from './core.ts';
import { change, own, type Rows, stamped, type TaskRow } from './rows.ts';

const MAX_DEPTH = 10;

const instant = z.string().nullable();
const details = {
  title: z.string().trim(),
  description: z.string().nullable(),
  priority: z.string(),
  start_at: instant,
  due_at: instant,
  remind_at: instant,
  estimate_minutes: z.number().nullable(),
  recurrence_rule: z.string().nullable(),
};
const newTask = z
  .object({
    id: z.uuidv7().optional(),
    list_id: z.string().nullable().default(null),
    parent_task_id: z.string().nullable().default(null),
    title: details.title,
    description: details.description.default(null),
    priority: details.priority.default('none'),
    start_at: instant.default(null),
    due_at: instant.default(null),
    remind_at: instant.default(null),
    estimate_minutes: details.estimate_minutes.default(null),
    recurrence_rule: details.recurrence_rule.default(null),
    position: z.number().optional(),
    source_type: z.string().nullable().default(null),
    source_id: z.string().nullable().default(null),
    label_ids: z.array(z.string()).default([]),
  })
  .refine(({ start_at, due_at }) => start_at === null || due_at === null || start_at <= due_at);
const taskPatch = z.object(details).exactPartial();
const placePatch = z.object({ list_id: z.string().nullable(), parent_task_id: z.string().nullable(), position: z.number() }).exactPartial();

export const taskRoutes: Routes = {
  'POST /tasks': ({ model, caller, body, at, newId }) => {
    const { rows, streams, said } = model;
    const { id: chosenId, label_ids, position, ...task } = newTask.parse(body);
    const id = newId(chosenId);
    return {
      creates: true,
      chosenId,
      stream: `task-${id}`,
      isInUse: streams.has(`task-${id}`),
      entity: () => own(rows.tasks, id, caller.id),
      content: [chosenId ?? null, label_ids, position ?? null, task],
      decide: () => {
        if (isMissing(rows, caller.id, task)) return 422;
        if (task.source_id !== null && !own(rows.messages, task.source_id, caller.id)) return 422;
        if (label_ids.some((label) => !own(rows.task_labels, label, caller.id))) return 422;
        const refusal = misplaced(rows, task);
        if (refusal) return refusal;
        const row = { ...task, position: position ?? Date.parse(at), status: 'todo' as const, reminded_at: null, completed_at: null };
        return [
          {
            type: 'TaskCreated',
            about: ['task', id],
            apply: (stamp) => {
              rows.tasks.set(id, { ...stamped(id, caller.id, stamp), ...row });
              said.lists.set(id, task.list_id);
            },
          },
          ...[...new Set(label_ids)].map((label) => labelled(model, id, caller.id, label)),
        ];
      },
    };
  },
  'PATCH /tasks/:id': (request) => {
    const patch = taskPatch.parse(request.body);
    return onTask(request, patch, (task) => {
      const set: Partial<TaskRow> = changes(task, patch);
      if (Object.keys(set).length === 0) return [];
      const { start_at, due_at } = { ...task, ...set };
      if (start_at !== null && due_at !== null && start_at > due_at) return 422;
      return [becomes(task, 'TaskChanged', set)];
    });
  },
  'POST /tasks/:id/move': (request) => {
    const { rows, said } = request.model;
    const place = placePatch.parse(request.body);
    return onTask(request, place, (task) => {
      if (isMissing(rows, request.caller.id, place)) return 422;
      if (place.parent_task_id && [place.parent_task_id, ...ancestors(rows, place.parent_task_id)].includes(task.id)) return 422;
      const set: Partial<TaskRow> = changes({ ...task, list_id: said.lists.get(task.id) ?? null }, place);
      if (Object.keys(set).length === 0) return [];
      const moved = becomes(task, 'TaskMoved', set);
      const apply: Happening['apply'] = (stamp) => {
        moved.apply(stamp);
        if (place.list_id !== undefined) said.lists.set(task.id, place.list_id);
      };
      return misplaced(rows, place) ?? [{ ...moved, apply }];
    });
  },

  'POST /tasks/:id/start': (request) => turning(request, 'in_progress', 'TaskStarted', { status: 'in_progress' }),
  'POST /tasks/:id/block': (request) => turning(request, 'blocked', 'TaskBlocked', { status: 'blocked' }),
  'POST /tasks/:id/complete': (request) => turning(request, 'done', 'TaskCompleted', { status: 'done', completed_at: request.at }),
  'POST /tasks/:id/cancel': (request) => turning(request, 'cancelled', 'TaskCancelled', { status: 'cancelled' }),
  'POST /tasks/:id/reopen': (request) =>
    onTask(request, {}, (task) => (isClosed(task) ? [becomes(task, 'TaskReopened', { status: 'todo', completed_at: null })] : [])),
  'DELETE /tasks/:id': (request) => {
    const remove = ({ id }: TaskRow): Happening[] => [
      { type: 'TaskDeleted', about: ['task', id], apply: () => removeTask(request.model.rows, id) },
    ];
    return onTask(request, {}, remove, 'nothing');
  },

  'PUT /tasks/:id/labels/:label_id': (request) => {
    const { rows } = request.model;
    return onTask(request, {}, (task) => {
      const label = own(rows.task_labels, request.params.label_id, request.caller.id);
      if (!label) return 404;
      return rows.task_tags.has(tagKey(task.id, label.id)) ? [] : [labelled(request.model, task.id, request.caller.id, label.id)];
    });
  },
  'DELETE /tasks/:id/labels/:label_id': (request) => {
    const { rows, said } = request.model;
    const { label_id = '' } = request.params;
    const takeOff = (task: TaskRow): Happening[] => {
      const tag = tagKey(task.id, label_id);
      if (!said.labellings.has(tag)) return [];
      const apply: Happening['apply'] = (stamp) => {
        change(task, stamp, {});
        rows.task_tags.delete(tag);
        said.labellings.delete(tag);
      };
      return [{ type: 'TaskUnlabelled', about: ['task', task.id], apply }];
    };
    return onTask(request, {}, takeOff, 'nothing');
  },
};

const tagKey = (task: string, label: string) => `${task} ${label}`;
const isClosed = ({ status }: TaskRow) => status === 'done' || status === 'cancelled';

const becomes = (task: TaskRow, type: string, set: Partial<TaskRow>): Happening => ({
  type,
  about: ['task', task.id],
  apply: (stamp) => change(task, stamp, set),
});

const labelled = ({ rows, said }: Model, task_id: string, user_id: string, label_id: string): Happening => ({
  type: 'TaskLabelled',
  about: ['task', task_id],
  apply: (stamp) => {
    change(rows.tasks.get(task_id), stamp, {});
    rows.task_tags.set(tagKey(task_id, label_id), { task_id, label_id, user_id, created_at: stamp.at });
    said.labellings.add(tagKey(task_id, label_id));
  },
});

/** Done and cancelled are ends that only reopening leads out of. */
const turning = (request: Context, to: TaskRow['status'], type: string, set: Partial<TaskRow>) =>
  onTask(request, {}, (task) => {
    if (task.status === to) return [];
    return isClosed(task) ? 409 : [becomes(task, type, set)];
  });

function onTask(request: Context, said: unknown, decide: (row: TaskRow) => Refusal | Happening[], answers?: 'nothing') {
  const { model, params, caller } = request;
  return commandOn(request, `task-${params.id}`, own(model.rows.tasks, params.id, caller.id), said, decide, answers);
}

type Place = { readonly list_id?: string | null | undefined; readonly parent_task_id?: string | null | undefined };

const isMissing = ({ task_lists, tasks }: Rows, user: string, { list_id, parent_task_id }: Place) =>
  Boolean((list_id && !own(task_lists, list_id, user)) || (parent_task_id && !own(tasks, parent_task_id, user)));

function misplaced(rows: Rows, { list_id, parent_task_id }: Place): Refusal | undefined {
  if (list_id && rows.task_lists.get(list_id)?.archived_at !== null) return 409;
  return parent_task_id && ancestors(rows, parent_task_id).length + 1 >= MAX_DEPTH ? 422 : undefined;
}

function ancestors(rows: Rows, id: string): string[] {
  const parent = rows.tasks.get(id)?.parent_task_id;
  return parent ? [parent, ...ancestors(rows, parent)] : [];
}

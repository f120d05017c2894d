// A recurring task that is done makes room for the next of its series: a task of its own, the same but for its times, which
// move on together, by the clock of the person's zone. One task has one successor: to reopen it and do it again makes no
// second. The copy is of the task as it is when this looks at it, so that one reopened meanwhile has none yet, and one whose
// parent is gone by then has none at all: the command refuses it.
import { taskLabels } from '../commands/tasks/label.ts';
import { taskList } from '../commands/tasks/list.ts';
import { createTask, type Task, task } from '../commands/tasks/task.ts';
import { user } from '../commands/users/user.ts';
import { startsBetween } from '../occurrences.ts';
import { parseRule } from '../recurrence.ts';
import { instant } from '../vocabulary.ts';
import { instantOf, wallClock } from '../zonedTime.ts';
import { policy } from './policy.ts';

export const nextOccurrence = policy('nextOccurrence', [task.category], {
  TaskCompleted: async ({ services: { folds }, send }, { id, stream, meta: { user_id }, data: { completed_at } }) => {
    const { state: done } = await folds.fresh(task, stream);
    const { state: person } = await folds.fresh(user, `${user.category}-${user_id}`);
    if (done?.status !== 'done' || !person) return;
    const times = nextTimes(done, completed_at, person.timezone);
    if (!times) return;

    const { title, description, priority, estimate_minutes, parent_task_id, position, list_id, labels } = done;
    const { state: list } = await folds.fresh(taskList, `${taskList.category}-${list_id}`);
    const { state: known } = await folds.fresh(taskLabels, `${taskLabels.category}-${user_id}`);
    const body = {
      ...{ title, description, priority, estimate_minutes, parent_task_id, position },
      ...times,
      // What has been put away or deleted since cannot be filed in.
      list_id: list && !list.isArchived ? list_id : null,
      label_ids: labels.filter((label) => known?.live.has(label)),
    };
    await send(createTask, { body, once: id });
  },
});

type Times = Pick<Task, 'start_at' | 'due_at' | 'remind_at'> & { readonly recurrence_rule: string };

/**
 * Pure. The rule is about when the task is due, or else begins, or is reminded of. What has no time at all recurs from when
 * it was done, and is due then. Occurrences that have passed by then are not made up for.
 * @returns undefined where the series has come to its end
 */
export function nextTimes(done: Task, completedAt: string, timezone: string): Times | undefined {
  const { recurrence_rule, start_at, due_at, remind_at } = done;
  if (recurrence_rule === null) return undefined;
  const from = due_at ?? start_at ?? remind_at;
  const next = following(recurrence_rule, from ?? completedAt, timezone, completedAt);
  if (!next) return undefined;
  if (from === null) return { start_at, remind_at, due_at: next.at, recurrence_rule: next.rule };

  // In days and then hours, so that what was at nine is at nine, also where the clock has been put forward in between.
  const step = wallClock(from, timezone).until(wallClock(next.at, timezone), { largestUnit: 'day' });
  // One that comes to be after the year 9999 is none.
  const moved = (time: string | null) =>
    time === null ? null : (instant.safeParse(instantOf(wallClock(time, timezone).add(step), timezone)).data ?? null);
  const times = { start_at: moved(start_at), due_at: moved(due_at), remind_at: moved(remind_at) };
  // A start in an hour that the clock skips is an hour later, and may so come after the end.
  const start = times.start_at !== null && times.due_at !== null && times.start_at > times.due_at ? times.due_at : times.start_at;
  return { ...times, start_at: start, recurrence_rule: next.rule };
}

/** What a rule has not said by then it does not say. */
const HORIZON_YEARS = 100;
/** Of the times that both RFC 3339 and Postgres can say. */
const LAST_TIME = '9998-01-01T00:00:00.000Z';

/** The first occurrence after one that is still to come, and the rule from there on, with as many of COUNT as are left. */
function following(rule: string, occurrence: string, timezone: string, now: string): { at: string; rule: string } | undefined {
  const { count } = parseRule(rule);
  const series = { starts_at: occurrence, ends_at: occurrence, all_day: false, timezone, recurrence_rule: rule };
  const last = occurrence > now ? occurrence : now;
  const horizon = new Date(last);
  horizon.setUTCFullYear(horizon.getUTCFullYear() + HORIZON_YEARS);
  const end = horizon < new Date(LAST_TIME) ? horizon.toISOString() : LAST_TIME;
  // Those that are passed over count, too.
  let counted = 0;
  for (const at of startsBetween(series, count === undefined ? last : occurrence, end)) {
    if (at > occurrence) counted += 1;
    if (at > last) return { at, rule: count === undefined ? rule : rule.replace(/(?<=\bCOUNT=)\d+/, String(count - counted)) };
  }
  return undefined;
}

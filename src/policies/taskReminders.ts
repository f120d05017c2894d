// Reminds of tasks when it is time to.
import { sql } from 'slonik';
import { z } from 'zod';
import { remindTask } from '../commands/tasks/task.ts';
import { Problem } from '../problem.ts';
import { duty } from './schedule.ts';

const due = z.object({ id: z.string(), user_id: z.string(), remind_at: z.string() });

export const taskReminders = duty<z.output<typeof due>>(
  'taskReminders',
  (database, now, after, limit) =>
    database.any(sql.type(due)`
    SELECT id, user_id, remind_at FROM tasks.tasks
    WHERE remind_at <= ${now} AND reminded_at IS NULL AND status IN ('todo', 'in_progress', 'blocked')
      AND (${after?.id ?? null}::uuid IS NULL OR (remind_at, id) > (${after?.remind_at ?? null}::timestamptz, ${after?.id ?? null}::uuid))
    ORDER BY remind_at, id LIMIT ${limit}`),
  ({ id }, { send }) => send(remindTask, { params: { id } }).catch(isGone),
);

/** What is gone by now, or part of what is, nobody is to be reminded of. */
function isGone(error: unknown): undefined {
  if (error instanceof Problem && error.status === 404) return undefined;
  throw error;
}

// Reminds of tasks when it is time to.
import { sql } from 'slonik';
import { z } from 'zod';
import { remindTask } from '../commands/tasks/task.ts';
import { duty, ifStillThere } from './schedule.ts';

const due = z.object({ id: z.string(), user_id: z.string(), remind_at: z.string() });

export const taskReminders = duty<z.output<typeof due>>(
  'taskReminders',
  (database, now, after, limit) =>
    database.any(sql.type(due)`
    SELECT id, user_id, remind_at FROM tasks.tasks
    WHERE remind_at <= ${now} AND reminded_at IS NULL AND status IN ('todo', 'in_progress', 'blocked')
      AND (${after?.id ?? null}::uuid IS NULL OR (remind_at, id) > (${after?.remind_at ?? null}::timestamptz, ${after?.id ?? null}::uuid))
    ORDER BY remind_at, id LIMIT ${limit}`),
  ({ id }, { send }) => ifStillThere(send(remindTask, { params: { id } })),
);

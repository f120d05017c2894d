// Puts logins away that expired long ago. Their rows go, so that there are not ever more of them; their streams stay, as
// every stream does that a table is made from: when somebody logged in is part of what the timeline tells.
import { sql } from 'slonik';
import { z } from 'zod';
import { expireLogin } from '../commands/users/login.ts';
import { duty } from './schedule.ts';

/** Clocks differ, and a login that can be used must not be ended. */
const KEPT_DAYS = 7;
const due = z.object({ id: z.string(), user_id: z.string(), expires_at: z.string() });

export const expiredLogins = duty<z.output<typeof due>>(
  'expiredLogins',
  (database, now, after, limit) =>
    database.any(sql.type(due)`
    SELECT id, user_id, expires_at FROM daybook.logins
    WHERE expires_at <= ${now}::timestamptz - make_interval(days => ${KEPT_DAYS})
      AND (${after?.id ?? null}::uuid IS NULL OR (expires_at, id) > (${after?.expires_at ?? null}::timestamptz, ${after?.id ?? null}::uuid))
    ORDER BY expires_at, id LIMIT ${limit}`),
  ({ id }, { send }) => send(expireLogin, { params: { id } }),
);

// Questions about people and their logins.
import { sql } from 'slonik';
import { z } from 'zod';
import { loginRows, userRows } from '../tables/users.ts';
import { userStatus } from '../vocabulary.ts';
import { anyOf, columnsOf, inList, list, one } from './query.ts';

const me = userRows.row.omit({ user_id: true });
/** How somebody has arranged things is not for an admin to see. */
const userView = me.omit({ preferences: true });
const userColumns = () =>
  sql.fragment`${sql.join(
    Object.keys(userView.shape).map((name) => sql.identifier(['t', name])),
    sql.fragment`, `,
  )}`;

export const getMe = one({
  name: 'getMe',
  route: 'GET /users/me',
  summary: 'You',
  response: me,
  sql: ({ from, userId }) => sql.fragment`SELECT ${columnsOf(userRows)} FROM ${from(userRows)} t WHERE t.id = ${userId}`,
});

export const getUser = one({
  name: 'getUser',
  route: 'GET /admin/users/:id',
  summary: 'A user',
  access: 'admin',
  response: userView,
  sql: ({ from, params }) => sql.fragment`SELECT ${userColumns()} FROM ${from(userRows)} t WHERE t.id = ${params.id ?? null}`,
});

export const listUsers = list({
  name: 'listUsers',
  route: 'GET /admin/users',
  summary: 'All users',
  access: 'admin',
  item: userView,
  filters: { status: anyOf(userStatus), email: z.string().max(254).optional() },
  sort: { table: userRows, by: { created_at: 'created_at' }, default: '-created_at' },
  columns: userColumns,
  from: ({ from }) => sql.fragment`${from(userRows)} t`,
  where: ({ status, email }) => [inList('status', status), email !== undefined && sql.fragment`t.email_key = ${email.toLowerCase()}`],
});

export const listLogins = list({
  name: 'listLogins',
  route: 'GET /auth/logins',
  summary: 'Where you are logged in',
  item: loginRows.row.omit({ user_id: true }).extend({ is_current: z.boolean() }),
  filters: {},
  sort: { table: loginRows, by: { created_at: 'created_at' }, default: '-created_at' },
  columns: ({ loginId }) => sql.fragment`${columnsOf(loginRows)}, t.id = ${loginId ?? null} AS is_current`,
  from: ({ from }) => sql.fragment`${from(loginRows)} t`,
  where: () => [sql.fragment`t.expires_at > now()`],
});

// When a person goes, everything of theirs goes with them, whatever the table. Their own row stays, as the owner of
// nothing (see users).
import { tables } from '../tables/index.ts';
import { userRows } from '../tables/users.ts';
import { projection, remove } from './projection.ts';

const owned = tables.filter((table) => table !== userRows);

export const departures = projection('departures', 1, {
  UserDeleted: ({ id }) => owned.map((table) => remove(table, { user_id: id })),
});

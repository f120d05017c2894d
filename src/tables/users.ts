// Who Daybook works for, and their logins.
import { z } from 'zod';
import { loginActor, storedInstant, userRole, userStatus } from '../vocabulary.ts';
import { common, storedObject, table } from './table.ts';

export const userRows = table('users.users', {
  ...common,
  /** Null once the user is deleted. */
  email: z.string().nullable(),
  display_name: z.string(),
  timezone: z.string(),
  locale: z.string(),
  preferences: storedObject,
  role: userRole,
  status: userStatus,
  last_login_at: storedInstant.nullable(),
  deleted_at: storedInstant.nullable(),
});

/** Families of refresh tokens that are alive: machinery, so in schema daybook and not one of the twenty. */
export const loginRows = table('daybook.logins', {
  ...common,
  actor: loginActor,
  user_agent: z.string().nullable(),
  last_used_at: storedInstant,
  expires_at: storedInstant,
});

// A person, as decisions about them need to know.
import type { z } from 'zod';
import type { userRole } from '../../vocabulary.ts';
import { aggregate } from '../aggregate.ts';

export type User = {
  readonly email: string;
  readonly display_name: string;
  readonly timezone: string;
  readonly locale: string;
  readonly preferences: Readonly<Record<string, unknown>>;
  readonly role: z.output<typeof userRole>;
  readonly status: 'active' | 'suspended';
  readonly password_hash: string;
  /** When the password became this one, and which login it was changed with: the one of those before that stays. */
  readonly password_since: { readonly revision: number; readonly kept_login_id: string | undefined };
  readonly created_at: string;
  readonly updated_at: string;
  /** Of the person's last event. */
  readonly version: number;
};

type Stamped = { readonly meta: { readonly at: string }; readonly revision: number };
const stamps = ({ meta, revision }: Stamped) => ({ updated_at: meta.at, version: revision });

export const user = aggregate<User>({
  category: 'user',
  created: {
    UserRegistered: ({ data, ...event }) => ({
      ...data,
      preferences: {},
      status: 'active',
      password_since: { revision: event.revision, kept_login_id: undefined },
      created_at: event.meta.at,
      ...stamps(event),
    }),
  },
  evolve: {
    RegistrationAbandoned: () => undefined,
    UserProfileChanged: (user, { data, ...event }) => ({ ...user, ...data, ...stamps(event) }),
    UserPreferencesChanged: (user, { data, ...event }) => ({ ...user, ...data, ...stamps(event) }),
    PasswordChanged: (user, { data: { password_hash, kept_login_id }, ...event }) => ({
      ...user,
      password_hash,
      password_since: { revision: event.revision, kept_login_id },
      ...stamps(event),
    }),
    UserEmailChanged: (user, { data, ...event }) => ({ ...user, ...data, ...stamps(event) }),
    UserSuspended: (user, event) => ({ ...user, status: 'suspended', ...stamps(event) }),
    UserReinstated: (user, event) => ({ ...user, status: 'active', ...stamps(event) }),
    UserDeleted: () => undefined,
  },
  title: ({ display_name }) => display_name,
});

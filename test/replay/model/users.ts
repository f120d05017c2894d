// What requests about people and their logins do, and who may send one at all.
import { z } from 'zod';
import { removeBelongings } from './cascades.ts';
import {
  type Caller,
  type Command,
  type Context,
  changes,
  commandOn,
  type Happening,
  happen,
  type Made,
  type Model,
  type Refusal,
  type Request,
  type Routes,
} from './core.ts';
import { change, own, type Rows, stamped, type UserRow } from './rows.ts';

const MAX_FAILURES = 10;
const LOGIN_LASTS_MS = 30 * 24 * 60 * 60 * 1_000;
/** What every request of the test calls itself. */
const USER_AGENT = 'replay';

/** Whose the login is, where it may act. A suspension keeps it from that until it is lifted; all other ends of it are for good. */
export function callerOf({ rows }: Model, login: string | undefined): Caller | 401 | 403 {
  const found = rows.logins.get(login ?? '');
  const user = found && rows.users.get(found.user_id);
  if (!found || !user) return 401;
  return user.status === 'suspended' ? 403 : { id: user.id, login: found.id, actor: found.actor, role: user.role };
}

type PublicRoute = (model: Model, request: Request, at: string, made: Made) => number;

const registration = z.object({
  email: z.string().trim(),
  password: z.string(),
  display_name: z.string().trim(),
  timezone: z.string().default('UTC'),
  locale: z.string().default('en'),
});
const credentials = z.object({ email: z.string().trim(), password: z.string(), actor: z.enum(['user', 'assistant']).default('user') });

export const publicRoutes: Readonly<Record<string, PublicRoute>> = {
  'POST /auth/register': (model, { body }, at, made) => {
    const { rows, passwords } = model;
    const { password, ...person } = registration.parse(body);
    const { id } = made;
    if (holderOf(rows, person.email)) return 409;
    const role = model.isAdmin(person.email.toLowerCase()) ? ('admin' as const) : ('user' as const);
    const row = { ...person, role, preferences: {}, status: 'active' as const, last_login_at: null, deleted_at: null };
    happen(model, `user-${id}`, { id, actor: 'user' }, at, [
      { type: 'UserRegistered', about: ['user', id], apply: (stamp) => rows.users.set(id, { ...stamped(id, id, stamp), ...row }) },
    ]);
    passwords.set(id, password);
    enter(model, id, 'user', at, made);
    return 201;
  },
  'POST /auth/login': (model, { body }, at, made) => {
    const { email, password, actor } = credentials.parse(body);
    const person = holderOf(model.rows, email);
    const refusal = checked(model, email, person?.id, password, 401);
    if (refusal || !person) return refusal ?? 401;
    if (person.status === 'suspended') return 403;
    enter(model, person.id, actor, at, made);
    return 200;
  },
  'POST /auth/refresh': (model, { body }, at, made) => {
    const { rows, refreshTokens } = model;
    const { refresh_token } = z.object({ refresh_token: z.string() }).parse(body);
    const caller = callerOf(model, refresh_token.split('.')[0]);
    if (typeof caller === 'number') return caller;
    const about = ['user', caller.id] as const;
    const stream = `login-${caller.login}`;
    const state = refreshTokens.get(refresh_token);
    // One that was made up ends nothing; one that was used has been copied, which ends the login.
    if (state === undefined) return 401;
    if (state === 'used') {
      const apply = () => rows.logins.delete(caller.login);
      happen(model, stream, { id: caller.id, actor: 'user' }, at, [{ type: 'RefreshTokenReused', about, apply }]);
      return 401;
    }
    const apply: Happening['apply'] = (stamp) => change(rows.logins.get(caller.login), stamp, { last_used_at: at, expires_at: expiry(at) });
    happen(model, stream, { id: caller.id, actor: 'user' }, at, [{ type: 'TokensRefreshed', about, isSilent: true, apply }]);
    refreshTokens.set(refresh_token, 'used').set(made.refreshToken, 'latest');
    return 200;
  },
};

const profile = { display_name: z.string().trim(), timezone: z.string(), locale: z.string() };
const userPatch = z
  .object({ ...profile, preferences: z.record(z.string(), z.json()), email: z.string().trim(), current_password: z.string() })
  .exactPartial()
  .refine(({ email, current_password }) => (email === undefined) === (current_password === undefined));
const passwordChange = z.object({ current_password: z.string(), new_password: z.string().min(8) });
const farewell = z.object({ current_password: z.string() });

export const userRoutes: Routes = {
  'PATCH /users/me': (request) => {
    const { model, caller, body } = request;
    const patch = userPatch.parse(body);
    const { email, current_password, preferences, ...profile } = patch;
    const refusal = current_password === undefined ? undefined : confirmed(model, caller, current_password);
    if (refusal) return refusal;
    return commandOn(request, `user-${caller.id}`, model.rows.users.get(caller.id), patch, (me) => {
      const differs = changes(me, profile);
      const prefers = preferences === undefined ? {} : changes(me, { preferences });
      const isNew = email !== undefined && email !== me.email;
      if (isNew && (holderOf(model.rows, email) ?? me) !== me) return 409;
      return [
        ...(Object.keys(differs).length > 0 ? [becomes(me, 'UserProfileChanged', differs)] : []),
        ...(Object.keys(prefers).length > 0 ? [becomes(me, 'UserPreferencesChanged', prefers)] : []),
        ...(isNew ? [becomes(me, 'UserEmailChanged', { email })] : []),
      ];
    });
  },
  'DELETE /users/me': (request) => {
    const { model, caller, at } = request;
    const { current_password } = farewell.parse(request.body);
    const refusal = confirmed(model, caller, current_password);
    if (refusal) return refusal;
    const leave = (me: UserRow): Happening[] => {
      const nothing = { email: null, display_name: 'Deleted user', timezone: 'UTC', locale: 'en', preferences: {}, last_login_at: null };
      const apply: Happening['apply'] = (stamp) => {
        change(me, stamp, { ...nothing, status: 'deleted', deleted_at: at });
        removeBelongings(model.rows, me.id);
      };
      return [{ type: 'UserDeleted', about: ['user', me.id], apply }];
    };
    return commandOn(request, `user-${caller.id}`, model.rows.users.get(caller.id), current_password, leave, 'nothing');
  },

  'POST /auth/password': (request) => {
    const { model, caller } = request;
    const { current_password, new_password } = passwordChange.parse(request.body);
    const refusal = confirmed(model, caller, current_password);
    if (refusal) return refusal;
    const decide = (me: UserRow): Happening[] => {
      const apply: Happening['apply'] = (stamp) => {
        change(me, stamp, {});
        model.passwords.set(me.id, new_password);
        for (const { id, user_id } of model.rows.logins.values()) {
          if (user_id === me.id && id !== caller.login) model.rows.logins.delete(id);
        }
      };
      return [{ type: 'PasswordChanged', about: ['user', me.id], apply }];
    };
    return { ...commandOn(request, `user-${caller.id}`, model.rows.users.get(caller.id), undefined, decide, 'nothing'), isKeyed: false };
  },
  'POST /auth/logout': (request) => ending(request, request.caller.login, 'LoggedOut'),
  'DELETE /auth/logins/:id': (request) => ending(request, request.params.id ?? '', 'LoginRevoked'),

  'POST /admin/users/:id/suspend': (request) => standing(request, 'UserSuspended', 'suspended'),
  'POST /admin/users/:id/reinstate': (request) => standing(request, 'UserReinstated', 'active'),
};

const becomes = (me: UserRow, type: string, set: Partial<UserRow>): Happening => ({
  type,
  about: ['user', me.id],
  apply: (stamp) => change(me, stamp, set),
});

function ending(request: Context, login: string, type: string): Command {
  const { model, caller } = request;
  const end = (): Happening[] => [{ type, about: ['user', caller.id], apply: () => model.rows.logins.delete(login) }];
  return { ...commandOn(request, `login-${login}`, own(model.rows.logins, login, caller.id), undefined, end, 'nothing'), isKeyed: false };
}

/** By an admin, on anybody who is still there. */
function standing(request: Context, type: string, to: 'active' | 'suspended'): Command | Refusal {
  const { model, caller, params } = request;
  if (caller.role !== 'admin') return 403;
  const user = model.rows.users.get(params.id ?? '');
  return commandOn(request, `user-${params.id}`, user?.status === 'deleted' ? undefined : user, undefined, (user) => {
    if (user.id === caller.id && to === 'suspended') return 409;
    return user.status === to ? [] : [becomes(user, type, { status: to })];
  });
}

/** Addresses that differ in case only are one. */
export const holderOf = ({ users }: Rows, email: string): UserRow | undefined =>
  users.values().find((user) => user.email?.toLowerCase() === email.toLowerCase());

const confirmed = (model: Model, { id }: Caller, password: string): Refusal | undefined =>
  checked(model, model.rows.users.get(id)?.email ?? '', id, password, 403);

/** After ten wrong passwords an address has to wait, whoever tries and whether or not anybody has it. */
function checked({ failures, passwords }: Model, email: string, user: string | undefined, password: string, wrong: Refusal) {
  const key = email.toLowerCase();
  const failed = failures.get(key) ?? 0;
  if (failed >= MAX_FAILURES) return 429;
  if (user !== undefined && passwords.get(user) === password) return undefined;
  failures.set(key, failed + 1);
  return wrong;
}

const expiry = (at: string) => new Date(Date.parse(at) + LOGIN_LASTS_MS).toISOString();

function enter(model: Model, user_id: string, actor: 'user' | 'assistant', at: string, { login, refreshToken }: Made): void {
  const { rows, refreshTokens } = model;
  const apply: Happening['apply'] = (stamp) => {
    const row = { ...stamped(login, user_id, stamp), actor, user_agent: USER_AGENT, last_used_at: at, expires_at: expiry(at) };
    rows.logins.set(login, row);
    const user = rows.users.get(user_id);
    if (user) user.last_login_at = at;
  };
  happen(model, `login-${login}`, { id: user_id, actor: 'user' }, at, [{ type: 'LoggedIn', about: ['user', user_id], apply }]);
  refreshTokens.set(refreshToken, 'latest');
}

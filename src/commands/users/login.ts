// A login: a family of refresh tokens, each good for one use. A used one that comes back was copied, by whoever brings it
// or whoever used it first, so the whole family ends.
import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { loggedIn, loggedOut, loginExpired, loginRevoked, refreshTokenReused, tokensRefreshed } from '../../events/users.ts';
import { password } from '../../passwords.ts';
import { notFound, Problem } from '../../problem.ts';
import { userRows } from '../../tables/users.ts';
import { loginActor, uuid } from '../../vocabulary.ts';
import { aggregate, reference } from '../aggregate.ts';
import { type CommandServices, command, type Decision, type Input, noBody, type Plan, stampOf } from '../command.ts';
import { emailClaim, emailKey } from './emailClaim.ts';
import { checkPassword } from './password.ts';
import { accountSuspended, inGoodStanding, isAlive, unauthorized } from './standing.ts';
import { type User, user } from './user.ts';

type Actor = z.output<typeof loginActor>;

export type Login = {
  readonly id: string;
  readonly user_id: string;
  readonly actor: Actor;
  /** Where the person's stream was when their password was checked. */
  readonly user_revision: number;
  readonly refresh_token_hash: string;
  readonly expires_at: string;
  readonly used: UsedToken | undefined;
  readonly isEnded: boolean;
};

/** The tokens before the present one, the latest first: a login can be in use for years, so each is added without copying the rest. */
type UsedToken = { readonly hash: string; readonly before: UsedToken | undefined };

const ended = (login: Login): Login => ({ ...login, isEnded: true });

// What has ended stays known: a token of it is refused, and one that was used is not taken for one that never was.
export const login = aggregate<Login>({
  category: 'login',
  created: {
    LoggedIn: ({ id, data: { user_agent, ...data }, meta }) => ({ ...data, id, user_id: meta.user_id, used: undefined, isEnded: false }),
  },
  evolve: {
    TokensRefreshed: (login, { data }) => ({ ...login, ...data, used: { hash: login.refresh_token_hash, before: login.used } }),
    RefreshTokenReused: ended,
    LoggedOut: ended,
    LoginRevoked: ended,
    LoginExpired: ended,
  },
});

const tokenPair = z.object({
  access_token: z.string(),
  refresh_token: z.string(),
  token_type: z.literal('Bearer'),
  expires_in: z.int().meta({ description: 'Seconds until the access token expires' }),
});
/** What registering and logging in answer with. The person is as GET /users/me has them. */
export const entered = z.object({ user: userRows.row.omit({ user_id: true }), ...tokenPair.shape });

export const logIn = command({
  route: 'POST /auth/login',
  summary: 'Log in',
  description: 'The same answer for an unknown address and a wrong password. After ten of these in 15 minutes an address has to wait.',
  body: z.strictObject({
    email: z.string().trim().min(1).max(254),
    password,
    actor: loginActor.default('user').meta({ description: 'On whose behalf the tokens speak: every event says who did it' }),
  }),
  example: { email: 'ada@example.com', password: 'correct horse battery staple' },
  access: 'public',
  aggregate: login,
  creates: true,
  response: { schema: entered, status: 200 },
  prepare: async (input, services) => {
    const { email, password, actor } = input.body;
    const { folds, secrets } = services;
    const key = emailKey(secrets, email);
    const claim = await folds.fresh(emailClaim, `${emailClaim.category}-${key}`);
    // An unknown address takes as many reads as a known one.
    const user_id = claim.state?.user_id ?? input.id;
    const { state } = await folds.fresh(user, `${user.category}-${user_id}`);
    const person = state && emailKey(secrets, state.email) === key ? state : undefined;
    const isRight = await checkPassword(services, input, key, person?.password_hash, password);
    if (!isRight || !person) throw new Problem(401, 'wrong-credentials', 'There is no account with this address and this password.');
    if (person.status === 'suspended') throw accountSuspended();
    return enter(input, services, { user_id, user_revision: person.version, actor });
  },
});

export const refreshTokens = command({
  route: 'POST /auth/refresh',
  summary: 'Exchange a refresh token for new tokens',
  description: 'Each is good for one use. Using one again ends the login, since somebody has a copy.',
  body: z.strictObject({ refresh_token: z.string().max(200) }),
  example: { refresh_token: '01932a4f-8c1e-7b8f-9a55-6f1c0c6b3d11.the-second-part-is-43-characters-from-login' },
  access: 'public',
  aggregate: login,
  creates: false,
  response: { schema: tokenPair, status: 200 },
  prepare: async (input, services) => {
    const { folds } = services;
    const { login_id, hash } = readRefreshToken(input.body.refresh_token);
    const { state } = await folds.fresh(login, `${login.category}-${login_id}`);
    const { state: person } = await folds.fresh(user, `${user.category}-${state?.user_id ?? login_id}`);
    const { actor, user_id } = inGoodStanding(state, person).login;
    const next = newRefreshToken(login_id, input.at, services);
    return {
      stream: login_id,
      decide: (login) => (login ? exchanged(login, hash, next.facts, input.at) : unauthorized()),
      respond: async ({ events }) => {
        if (events.some(({ type }) => type === refreshTokenReused.type)) throw unauthorized();
        return tokensOf(services, { login_id, user_id, actor }, next.token);
      },
    };
  },
});

export const logOut = command({
  route: 'POST /auth/logout',
  summary: 'End the login of this token',
  body: noBody,
  aggregate: login,
  keyed: false,
  creates: false,
  prepare: async ({ user }) => ({ stream: user.login_id, decide: (login) => (login?.isEnded ? [] : loggedOut({})) }),
});

export const revokeLogin = command({
  route: 'DELETE /auth/logins/:id',
  summary: 'End one of your logins, on a device that was lost for example',
  body: noBody,
  aggregate: login,
  keyed: false,
  needs: async ({ user: { id } }, load) => ({ person: await load(reference(user, id)) }),
  // One that a change of password has ended is not among the person's logins either.
  decide: (login, { needs: { person } }) => (isAlive(login, person.state) ? loginRevoked({}) : notFound()),
});

export const expireLogin = command({
  route: 'POST /auth/logins/:id/expire',
  summary: 'Put a login away that expired',
  internal: true,
  body: noBody,
  aggregate: login,
  decide: ({ isEnded, expires_at }, { at }) => (isEnded || expires_at > at ? [] : loginExpired({})),
});

/** Logs a person in whose password was right when their stream was at `user_revision`. The login's id is the input's. */
export function enter(
  input: Input,
  services: CommandServices,
  { user_id, user_revision, actor }: Pick<Login, 'user_id' | 'user_revision' | 'actor'>,
): Plan<Login> {
  const login_id = input.id;
  const { token, facts } = newRefreshToken(login_id, input.at, services);
  return {
    owner: user_id,
    decide: () => loggedIn({ ...facts, actor, user_revision, user_agent: input.userAgent?.slice(0, 500) ?? null }),
    respond: async () => {
      const { state: person } = await services.folds.fresh(user, `${user.category}-${user_id}`);
      if (!person || !isAlive({ id: login_id, isEnded: false, user_revision }, person)) {
        // The password was changed since: nobody may find this among their logins.
        await services.transact(login, login_id, stampOf(input, user_id), () => loginRevoked({}));
        throw unauthorized();
      }
      return { user: shown(user_id, person, input.at), ...(await tokensOf(services, { login_id, user_id, actor }, token)) };
    },
  };
}

/** The row that the projection makes of this person; it need not have got there yet. */
const shown = (
  id: string,
  { password_hash, password_since, ...person }: User,
  last_login_at: string,
): z.output<typeof entered.shape.user> => ({
  id,
  ...person,
  last_login_at,
  deleted_at: null,
});

/** Pure. @param hash of the token that is presented */
function exchanged(login: Login, hash: string, next: Pick<Login, 'refresh_token_hash' | 'expires_at'>, at: string): Decision {
  if (login.isEnded || login.expires_at <= at) return unauthorized();
  if (hash === login.refresh_token_hash) return tokensRefreshed(next);
  for (let { used } = login; used; used = used.before) if (used.hash === hash) return refreshTokenReused({});
  // Not one of this login's at all. Whoever knows a login's id cannot end it by making one up.
  return unauthorized();
}

const refreshTokenForm = /^([\da-f-]{36})\.[\w-]{43}$/;

/** @throws Problem 401 */
function readRefreshToken(token: string): { login_id: string; hash: string } {
  const login_id = uuid.safeParse(refreshTokenForm.exec(token)?.[1]).data;
  if (login_id === undefined) throw unauthorized();
  return { login_id, hash: hashOf(token) };
}

const DAY_MS = 24 * 60 * 60 * 1_000;

/** All that is kept of a refresh token is its hash. */
function newRefreshToken(loginId: string, at: string, { settings }: CommandServices) {
  const token = `${loginId}.${randomBytes(32).toString('base64url')}`;
  const expires_at = new Date(Date.parse(at) + settings.refreshTokenExpireDays * DAY_MS).toISOString();
  return { token, facts: { refresh_token_hash: hashOf(token), expires_at } };
}

// Of 32 random bytes, so nothing that a slow hash would make safer.
const hashOf = (token: string) => createHash('sha256').update(token).digest('hex');

type Subject = { readonly login_id: string; readonly user_id: string; readonly actor: Actor };

const tokensOf = async ({ tokens }: CommandServices, { user_id, ...claims }: Subject, refreshToken: string) => ({
  access_token: await tokens.issue({ sub: user_id, ...claims }),
  refresh_token: refreshToken,
  token_type: 'Bearer',
  expires_in: tokens.expiresInSeconds,
});

// Registering and logging in, for the tests of people over HTTP.
import { expect } from 'vitest';
import { z } from 'zod';
import type { TestDaybook } from '../../support/daybook.ts';
import { type Answer, type Client, client, inject, problem } from '../../support/person.ts';

export const PASSWORD = 'correct horse battery staple';
/** 30 days after T0. */
export const IN_30_DAYS = '2100-04-03T05:00:00.000Z';

export type Entered = Client & {
  readonly id: string;
  readonly login_id: string;
  readonly access_token: string;
  readonly refresh_token: string;
};

const answered = z.object({ user: z.object({ id: z.string() }).optional(), access_token: z.string(), refresh_token: z.string() });

/** Who has got in by an answer. */
export function entered({ app }: TestDaybook, { body }: Answer): Entered {
  const { user, ...tokens } = answered.parse(body);
  return { ...client(app, tokens.access_token), id: user?.id ?? '', login_id: tokens.refresh_token.slice(0, 36), ...tokens };
}

let people = 0;
export const newAddress = (): string => `ada-${++people}@example.com`;

export async function registered(daybook: TestDaybook, email = newAddress()): Promise<Entered & { readonly email: string }> {
  const answer = await client(daybook.app).post('/auth/register', { email, password: PASSWORD, display_name: 'Ada' });
  return { ...entered(daybook, answer), email };
}

export async function loggedIn(daybook: TestDaybook, email: string, more: object = {}, headers: Record<string, string> = {}) {
  return entered(daybook, await client(daybook.app).post('/auth/login', { email, password: PASSWORD, ...more }, headers));
}

/** The same body with what no two tokens share left out. */
export function withoutTokens({ body }: Answer): unknown {
  expect(body).toMatchObject({
    access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
    refresh_token: expect.stringMatching(/^[0-9a-f-]{36}\.[\w-]{43}$/),
  });
  return { ...z.looseObject({}).parse(body), access_token: 'an access token', refresh_token: 'a refresh token' };
}

export const unauthorized = problem(401, 'unauthorized', 'Unauthorized', 'This needs a valid token.');
export const badField = (where: string, pointer: string, detail: string) => ({ errors: [{ in: where, pointer, detail }] });
export const invalid = (where: string, pointer: string, detail: string) =>
  problem(400, 'validation-failed', 'Validation failed', 'Some fields are missing or wrong.', badField(where, pointer, detail));

/** DELETE with a body. */
export const leave = (daybook: TestDaybook, { access_token }: Entered, body?: object): Promise<Answer> =>
  inject(daybook.app, {
    method: 'DELETE',
    url: '/api/v1/users/me',
    headers: { authorization: `Bearer ${access_token}` },
    ...(body !== undefined && { payload: body }),
  });

// A person with a token, as a client sees Daybook: method and path in; status, headers and JSON out.
import type { FastifyInstance, InjectOptions } from 'fastify';
import { z } from 'zod';

export type Answer = { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: unknown };
type Headers = Readonly<Record<string, string>>;

export type Client = {
  readonly get: (path: string, headers?: Headers) => Promise<Answer>;
  readonly post: (path: string, body?: object, headers?: Headers) => Promise<Answer>;
  readonly put: (path: string, body?: object, headers?: Headers) => Promise<Answer>;
  readonly patch: (path: string, body?: object, headers?: Headers) => Promise<Answer>;
  readonly delete: (path: string, headers?: Headers) => Promise<Answer>;
};

export type Person = Client & { readonly id: string; readonly token: string };

const entered = z.object({ user: z.object({ id: z.string() }), access_token: z.string() });

/** Registers somebody new. */
export async function register(
  app: FastifyInstance,
  name = 'Ann',
  email = `${name.toLowerCase()}-${crypto.randomUUID()}@example.com`,
): Promise<Person> {
  const answer = await client(app).post('/auth/register', { email, password: 'correct horse battery staple', display_name: name });
  const { user, access_token } = entered.parse(answer.body);
  return { ...client(app, access_token), id: user.id, token: access_token };
}

export function client(app: FastifyInstance, token?: string): Client {
  const call = async (method: InjectOptions['method'], path: string, headers: Headers = {}, body?: object) =>
    inject(app, {
      ...(method !== undefined && { method }),
      url: `/api/v1${path}`,
      headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers },
      ...(body !== undefined && { payload: body }),
    });
  return {
    get: (path, headers) => call('GET', path, headers),
    post: (path, body, headers) => call('POST', path, headers, body),
    put: (path, body, headers) => call('PUT', path, headers, body),
    patch: (path, body, headers) => call('PATCH', path, headers, body),
    delete: (path, headers) => call('DELETE', path, headers),
  };
}

/** One request, with an id of its own that does not change from run to run. */
export async function inject(app: FastifyInstance, request: InjectOptions): Promise<Answer> {
  const answer = await app.inject({ ...request, headers: { 'x-request-id': 'the-request', ...request.headers } });
  const headers = Object.fromEntries(Object.entries(answer.headers).map(([name, value]) => [name, String(value)]));
  const isJson = /^application\/(problem\+)?json/.test(headers['content-type'] ?? '');
  return { status: answer.statusCode, headers, body: isJson ? JSON.parse(answer.body) : answer.body || undefined };
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** The same JSON with what differs from run to run named: each id by `names` or by its order, each position in the log as one. */
export function named(value: unknown, names: Readonly<Record<string, string>> = {}): unknown {
  const ids = new Map(Object.entries(names).map(([name, id]) => [id, name]));
  const nameOf = (id: string) => {
    const name = ids.get(id) ?? `id ${ids.size - Object.keys(names).length + 1}`;
    ids.set(id, name);
    return name;
  };
  const walk = (part: unknown): unknown => {
    if (typeof part === 'string') return part.replaceAll(UUID, nameOf);
    if (Array.isArray(part)) return part.map(walk);
    if (typeof part !== 'object' || part === null) return part;
    // A task has a position of another kind; that of an event comes with its revision.
    const isPosition = (key: string) => key === 'log_position' || (key === 'position' && 'revision' in part);
    return Object.fromEntries(Object.entries(part).map(([key, member]) => [key, isPosition(key) ? 'a position' : walk(member)]));
  };
  return walk(value);
}

/** An id that a client may choose: the same for the same number. */
export const idOf = (number: number): string => `0192f0c1-0000-7000-8000-${String(number).padStart(12, '0')}`;

/**
 * Times for a test to set Daybook's clock to (`vi.setSystemTime`), so that it knows what is answered. They are far ahead:
 * calls to the event log carry deadlines, which its server holds against its own clock and must not find past.
 */
export const T0 = '2100-03-04T05:00:00.000Z';
export const T1 = '2100-03-04T05:01:00.000Z';
export const T2 = '2100-03-04T05:02:00.000Z';
export const T3 = '2100-03-04T05:03:00.000Z';

export const pageOf = (body: unknown) =>
  z.object({ items: z.array(z.record(z.string(), z.unknown())), next_cursor: z.string().nullable() }).parse(body);

/** What is answered where there is nothing, or nothing of the caller's. */
export const NOT_FOUND = {
  type: 'urn:daybook:problem:not-found',
  title: 'Not found',
  status: 404,
  detail: 'There is nothing here.',
  request_id: 'the-request',
};

/** The answer, but for its headers. */
export const said = ({ status, body }: Answer) => ({ status, body });

/** A refusal, as `said` has it. */
export const problem = (status: number, code: string, title: string, detail: string, more: object = {}) => ({
  status,
  body: { type: `urn:daybook:problem:${code}`, title, status, detail, request_id: 'the-request', ...more },
});

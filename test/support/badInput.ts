// Requests that are wrong somewhere, and what is expected of their refusal.
import type { FastifyInstance } from 'fastify';
import { expect } from 'vitest';
import { z } from 'zod';
import { type Answer, type Client, idOf, inject, pageOf } from './person.ts';
import { undescribed } from './routes.ts';

export const NEVER_WAS = idOf(404);

/** What a field of a body or a name in a path is the id of. A new one has to be said here. */
export const COLLECTIONS: Readonly<Record<string, string>> = {
  list_id: 'task-lists',
  in_reply_to_email_id: 'emails',
  parent_task_id: 'tasks',
  label_ids: 'task-labels',
  label_id: 'task-labels',
  tag_id: 'document-tags',
  tag_ids: 'document-tags',
  source_id: 'messages',
  target_id: 'messages',
  type: 'entity types',
  parent_message_id: 'messages',
  session_id: 'sessions',
  message_id: 'messages',
  invitation_id: 'calendar/invitations',
  attachment_id: 'emails/attachments',
  thread_id: 'emails/threads',
};
/** What a question has to say, where it has to. A new one has to be said here. */
export const QUERIES: Readonly<Record<string, string>> = { from: '2026-11-01T00:00:00Z', to: '2026-12-01T00:00:00Z', q: 'milk' };
/** What has to be said with a field for it to be looked at. */
export const WITH: Readonly<Record<string, (owned: Readonly<Record<string, string>>) => object>> = {
  source_id: () => ({ source_type: 'message' }),
  target_id: ({ tasks }) => ({ source_type: 'task', source_id: tasks, target_type: 'message' }),
};

export function of(owned: Readonly<Record<string, string>>, collection: string | undefined): string {
  const id = collection === undefined ? undefined : owned[collection];
  if (id === undefined) throw new Error(`this test has to learn what a ${collection} is`);
  return id;
}

/** The path with an id for each name: the owner's, or what is said. */
export function fill(path: string, owned: Readonly<Record<string, string>>, said: Readonly<Record<string, string>> = {}): string {
  const collection = /^\/(.+?)\/:id/.exec(path)?.[1];
  return path.replaceAll(/:(\w+)/g, (_, name: string) => said[name] ?? of(owned, name === 'id' ? collection : COLLECTIONS[name]));
}

export const namesIn = (path: string) => [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => name);

export const methodAndPath = (route: string) =>
  z.tuple([z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']), z.string()]).parse(route.split(' '));

const aLetter = {
  direction: 'inbound',
  from_address: 'ada@example.org',
  subject: 'The photos',
  attachments: [{ filename: 'hello.txt', content_type: 'text/plain', content: 'SGVsbG8=' }],
};

/** One of each collection. */
export async function belongings(person: Client & { readonly id: string }): Promise<Record<string, string>> {
  const made = async (path: string, body: object) => {
    const answer = await person.post(path, body);
    expect(answer.status).toBe(201);
    return z.object({ id: z.string() }).parse(answer.body).id;
  };
  const session = await made('/sessions', {});
  const task = await made('/tasks', { title: 'Buy milk' });
  const event = await made('/calendar/events', {
    title: 'Choir',
    starts_at: '2026-11-24T19:00:00Z',
    ends_at: '2026-11-24T21:00:00Z',
    recurrence_rule: 'FREQ=WEEKLY',
  });
  const letter = await made('/emails', { ...aLetter, message_id_header: `${person.id}@example.com` });
  return {
    emails: letter,
    'emails/threads': String(z.object({ thread_id: z.string() }).parse((await person.get(`/emails/${letter}`)).body).thread_id),
    'emails/attachments': String(pageOf((await person.get(`/emails/${letter}/attachments`)).body).items[0]?.id),
    sessions: session,
    messages: await made(`/sessions/${session}/messages`, { role: 'user', content: 'Hello' }),
    tasks: task,
    'task-lists': await made('/task-lists', { name: 'Errands' }),
    'task-labels': await made('/task-labels', { name: 'Urgent' }),
    'email-drafts': await made('/email-drafts', { subject: 'Dinner on Friday' }),
    relationships: await made('/relationships', {
      source_type: 'user',
      source_id: person.id,
      target_type: 'task',
      target_id: task,
      relation_type: 'cares_about',
    }),
    'llm-requests': await made('/llm-requests', { provider: 'openai', model: 'gpt-5-mini' }),
    'integration-logs': await made('/integration-logs', {
      integration: 'smtp',
      operation: 'send',
      status: 'succeeded',
      occurred_at: '2026-11-24T07:08:03Z',
    }),
    'entities/:type': task,
    'entity types': 'task',
    'calendar/events': event,
    'calendar/invitations': await made(`/calendar/events/${event}/invitations`, { email: 'guest@example.com' }),
    documents: await made('/documents', { title: 'Packing list', content: 'Passport' }),
    'document-tags': await made('/document-tags', { name: 'Travel' }),
    'auth/logins': String(pageOf((await person.get('/auth/logins')).body).items[0]?.id),
    'admin/users': person.id,
  };
}

export type Call = { token?: string | undefined; body?: unknown; text?: string | Buffer; headers?: Record<string, string> };

/** Answered as the API page says of the route, and not otherwise: its status, its headers and its body. */
export async function call(app: FastifyInstance, route: string, path: string, { token, body, text, headers }: Call = {}): Promise<Answer> {
  const payload = text ?? (body === undefined ? undefined : JSON.stringify(body));
  const answer = await inject(app, {
    method: methodAndPath(route)[0],
    url: `/api/v1${path}`,
    headers: {
      ...(payload !== undefined && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(payload !== undefined && { payload }),
  });
  expect(await undescribed(app, route, answer), `${route}: ${JSON.stringify(answer.body)}`).toEqual([]);
  return answer;
}

const problem = z.strictObject({
  type: z.string().regex(/^urn:daybook:problem:[a-z-]+$/),
  title: z.string().min(1),
  status: z.int(),
  detail: z.string().min(1),
  request_id: z.literal('the-request'),
  errors: z.array(z.strictObject({ in: z.string(), pointer: z.string(), detail: z.string().min(1) })).optional(),
});

/** @param where `body/name`: which part of the request is bad, and where in it */
export function expectRefusal(answer: Answer, status: number, where?: string): void {
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
  const { errors = [], ...body } = problem.parse(answer.body);
  // A rule of the field, in our words and not the schema library's.
  for (const { detail } of errors) {
    expect(detail).not.toMatch(/^Invalid|^Too |^Unrecognized|expected|of another form/);
    expect(detail.length).toBeLessThan(300);
  }
  expect([answer.status, body.status, answer.body]).toEqual([status, status, answer.body]);
  // Of a list or an object, any of its parts may be what is bad.
  if (where !== undefined) {
    const places = errors.map(({ in: part, pointer }) => part + pointer);
    expect(
      places.some((place) => place === where || place.startsWith(`${where}/`)),
      `${where} among ${places.join(', ')}`,
    ).toBe(true);
  }
}

type Variant = { type?: string | undefined; maxLength?: number | undefined; maxItems?: number | undefined };
const variant = z.looseObject({
  type: z.string().optional(),
  format: z.string().optional(),
  maxLength: z.number().optional(),
  maxItems: z.number().optional(),
  items: z.looseObject({ format: z.string().optional() }).optional(),
});
const objectSchema = z.looseObject({
  properties: z.record(
    z.string(),
    // `string or null` comes as one schema of two types.
    variant.extend({ type: z.union([z.string(), z.array(z.string())]).optional(), anyOf: z.array(variant).optional() }),
  ),
  required: z.array(z.string()).default([]),
});

/** The fields of a body or a query, each with the kinds of value it takes. */
export function fieldsOf(schema: z.ZodType) {
  const { properties, required } = objectSchema.parse(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));
  return Object.entries(properties).map(([name, field]) => ({
    name,
    isRequired: required.includes(name),
    variants: field.anyOf ?? [field.type].flat().map((type) => ({ ...field, type })),
  }));
}

const deep = (levels: number): unknown => (levels === 0 ? 'deep' : [deep(levels - 1)]);

export function* wrongValues(variants: readonly Variant[]): Generator<unknown> {
  const types = variants.map(({ type }) => type);
  yield types.includes('object') ? 'no object' : { not: 'this' };
  for (const { type, maxLength, maxItems } of variants) {
    if (type === 'string') yield* ['a'.repeat((maxLength ?? 300_000) + 1), 'with \0 in it', 'with \ud800 in it'];
    if (type === 'array') yield Array.from({ length: (maxItems ?? 1_000) + 1 }, () => NEVER_WAS);
    if (type === 'object') yield* [{ far: deep(40) }, { 'with \0': 1 }, { with: '\udfff' }, { much: 'a'.repeat(300_000) }];
  }
}

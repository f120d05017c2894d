// The API page, as who reads it sees it: every route with what is needed to try it, and no one else's name on it.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { items, read } from '../docs/markdown.ts';
import { startDaybook, type TestDaybook } from '../support/daybook.ts';
import { client, inject, register } from '../support/person.ts';
import { answersOf, routesOf, undescribed } from '../support/routes.ts';

const media = z.object({ schema: z.looseObject({}), example: z.unknown() }).partial();
const operation = z.object({
  operationId: z.string(),
  summary: z.string(),
  tags: z.array(z.string()),
  parameters: z.array(z.object({ in: z.string(), name: z.string() })).default([]),
  requestBody: z.object({ content: z.record(z.string(), media) }).optional(),
  responses: z.record(
    z.string(),
    z.object({
      description: z.string(),
      headers: z.record(z.string(), z.unknown()).default({}),
      content: z.record(z.string(), media).optional(),
    }),
  ),
});
const specification = z.object({
  openapi: z.string(),
  tags: z.array(z.object({ name: z.string(), description: z.string() })),
  components: z.object({ schemas: z.record(z.string(), z.unknown()) }),
  paths: z.record(z.string(), z.record(z.string(), operation)),
});

let daybook: TestDaybook;
let text: string;
let document: z.output<typeof specification>;
let operations: z.output<typeof operation>[];

beforeAll(async () => {
  daybook = await startDaybook();
  text = (await daybook.app.inject('/openapi.json')).body;
  document = specification.parse(JSON.parse(text));
  operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
});
afterAll(() => daybook.close());

const named = (found: readonly z.output<typeof operation>[]) => found.map(({ operationId }) => operationId);

test('every operation has a name of its own and a sentence', () => {
  expect(document.openapi).toBe('3.1.0');
  expect(new Set(named(operations)).size).toBe(operations.length);
  expect(named(operations.filter(({ summary }) => summary.length < 3))).toEqual([]);
});

test('docs/domain.md lists the same routes', async () => {
  const listed = items(read('docs/domain.md'), '## Routes').flatMap(({ words }) => words);
  expect(listed.sort()).toEqual((await routesOf(daybook.app)).sort());
});

test('every group is described, and has routes', () => {
  const groups = new Set(operations.flatMap(({ tags }) => tags));
  expect(document.tags.map(({ name }) => name).sort()).toEqual([...groups].sort());
});

test('every body has an example', () => {
  const without = operations.filter(({ requestBody }) => requestBody && requestBody.content['application/json']?.example === undefined);
  expect(named(without)).toEqual([]);
});

test('every refusal is the one problem, and every answer has a schema', () => {
  for (const { operationId, responses } of operations) {
    for (const [status, { content }] of Object.entries(responses)) {
      // Readiness says the same of a bad state as of a good one.
      if (operationId === 'isReady') continue;
      if (Number(status) >= 400) {
        expect(content, operationId).toEqual({ 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } });
      } else if (['200', '201'].includes(status)) {
        expect(
          Object.values(content ?? {}).map(({ schema }) => schema),
          operationId,
        ).toEqual([expect.any(Object)]);
      }
    }
  }
  expect(document.components.schemas).toHaveProperty('Problem.properties.errors');
});

test('each operation says how it may be refused, and no more', async () => {
  const answers = await answersOf(daybook.app);
  const refusals = (route: string) => answers.get(route)?.filter((status) => status >= 400);
  expect(refusals('GET /tasks')).toEqual([400, 401, 403, 503]);
  expect(refusals('GET /tasks/:id')).toEqual([400, 401, 403, 404, 503]);
  expect(refusals('GET /calendar/free-busy')).toEqual([400, 401, 403, 422, 503]);
  expect(refusals('POST /tasks')).toEqual([400, 401, 403, 409, 412, 413, 415, 422, 503]);
  expect(refusals('PATCH /tasks/:id')).toEqual([400, 401, 403, 404, 409, 412, 413, 415, 422, 503]);
  expect(refusals('POST /email-drafts/:id/send')).toEqual([400, 401, 403, 404, 409, 412, 413, 415, 422, 429, 503]);
});

test('what an answer came with is said of it', async () => {
  const ann = await register(daybook.app);
  const minimal = { prefer: 'return=minimal' };
  const { headers } = await ann.post('/tasks', { title: 'Ring Ada' }, minimal);
  const path = headers.location?.replace('/api/v1', '') ?? '';
  const answers = {
    'POST /tasks': [
      await ann.post('/tasks', { title: 'Ring Ada' }, minimal),
      await ann.post('/tasks', { title: 'Ring Bob' }),
      await ann.post('/tasks', {}),
      await ann.post('/tasks', { title: 'Ring Bob' }, { 'if-match': '*' }),
    ],
    'PATCH /tasks/:id': [
      await ann.patch(path, { title: 'Ring Ada soon' }),
      await ann.patch(path, { title: 'Ring Ada now' }, minimal),
      await ann.patch(path, { title: 'Ring Ada later' }, { 'if-match': '"0"' }),
      await client(daybook.app).patch(path, { title: 'Ring Ada soon' }),
    ],
    'GET /tasks/:id': [await ann.get(path), await ann.get(path, { 'if-none-match': '*' })],
    'GET /tasks': [await ann.get('/tasks')],
    'GET /metrics': [
      await inject(daybook.app, { url: '/metrics' }),
      await inject(daybook.app, { url: '/metrics', headers: { via: '1.1 proxy' } }),
    ],
    'GET /health/live': [await inject(daybook.app, { url: '/health/live' })],
    'GET /health/ready': [await inject(daybook.app, { url: '/health/ready' })],
  };
  for (const [route, given] of Object.entries(answers)) {
    for (const answer of given) expect(await undescribed(daybook.app, route, answer), route).toEqual([]);
  }
});

test('what is not as it is said is found', async () => {
  const ann = await register(daybook.app);
  const answer = await ann.get('/tasks');
  const { etag: _, ...headers } = answer.headers;
  const found = (route: string, more: object = {}) => undescribed(daybook.app, route, { ...answer, ...more });
  expect(await found('GET /tasks')).toEqual([]);
  expect(await found('GET /tasks', { status: 418 })).toEqual(['418 is not said']);
  expect(await found('GET /tasks', { headers })).toEqual(['200: etag is missing']);
  expect(await found('GET /tasks', { headers: { ...answer.headers, 'x-else': '1' } })).toEqual(['200: x-else is not said']);
  expect(await found('GET /tasks', { headers: { ...answer.headers, 'content-type': 'text/html' } })).toEqual([
    '200: a body of text/html is not said',
  ]);
  expect(await found('GET /tasks', { body: undefined })).toEqual(['200: there is no body']);
  expect(await found('GET /tasks', { body: { items: [], next_cursor: null, more: 1 } })).toEqual([
    '200:  must NOT have additional properties {"additionalProperty":"more"}',
  ]);
  expect(await found('GET /tasks', { body: { items: [] } })).toEqual([
    `200:  must have required property 'next_cursor' {"missingProperty":"next_cursor"}`,
  ]);
});

test('a change is said to name something', () => {
  const changes = Object.values(document.paths).flatMap(({ patch }) => patch ?? []);
  const least = changes.map(({ requestBody }) => requestBody?.content['application/json']?.schema?.minProperties);
  expect(least).toEqual(changes.map(() => 1));
});

test('what is not of the tables says nothing of waiting for them, and what has no revision nothing of tags', async () => {
  const saidOf = (name: string) => {
    const { parameters = [], responses = {} } = operations.find(({ operationId }) => operationId === name) ?? {};
    const headers = parameters.flatMap((parameter) => (parameter.in === 'header' ? [parameter.name] : []));
    return { headers, answered: Object.keys(responses['200']?.headers ?? {}), statuses: Object.keys(responses).map(Number) };
  };
  expect(saidOf('getTask')).toEqual({
    headers: ['Daybook-Position', 'If-None-Match'],
    answered: ['X-Request-Id', 'ETag', 'Daybook-Lag'],
    statuses: [200, 304, 400, 401, 403, 404, 503],
  });
  expect(saidOf('historyOfTask')).toMatchObject({ headers: ['If-None-Match'], answered: ['X-Request-Id', 'ETag'] });
  expect(saidOf('listProjections')).toMatchObject({ headers: ['If-None-Match'], answered: ['X-Request-Id', 'ETag'] });
  expect(saidOf('pauseProjection')).toMatchObject({
    headers: [],
    answered: ['X-Request-Id', 'ETag'],
    statuses: [200, 400, 401, 403, 404, 409, 413, 415, 503],
  });
  expect(saidOf('isLive')).toEqual({ headers: [], answered: ['X-Request-Id'], statuses: [200] });
  expect(saidOf('isReady')).toEqual({ headers: [], answered: ['X-Request-Id'], statuses: [200, 503] });
  const readiness = document.paths['/health/ready']?.get?.responses['503']?.content?.['application/json']?.schema;
  expect(readiness).toHaveProperty('properties.read_model');
});

test('a time is said to be one without a pattern, from which readers would make up a time that cannot be', () => {
  expect(text).toContain('"format":"date-time"');
  expect(text).not.toMatch(/"format":"date-time"[^{}]*"pattern"|"pattern"[^{}]*"format":"date-time"/);
});

test('the page is called Daybook, and is where the bare address leads', async () => {
  const root = await daybook.app.inject('/');
  expect([root.statusCode, root.headers.location]).toEqual([302, '/docs']);
  const page = await daybook.app.inject('/docs');
  expect(page.body).toContain('<title>Daybook API</title>');
  expect(page.body).not.toContain('favicon-32x32.png');
});

// The demo's year, made small: every command in it is taken, it comes out the same for the same seed, and lies in the past.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { makeDemo } from '../../src/cli/demo/demo.ts';
import { makeDemoAt } from '../../src/cli/demo/overHttp.ts';
import { year } from '../../src/cli/demo/year.ts';
import { readConfig } from '../../src/config.ts';
import { secrets, startDaybook, type TestDaybook } from '../support/daybook.ts';
import { client, pageOf } from '../support/person.ts';

const UNTIL = Date.parse('2026-11-01T12:00:00.000Z');
const PASSWORD = 'correct horse battery staple';
const DEMO = { email: 'demo@example.com', seed: 7, size: 0.04, until: UNTIL };

let daybook: TestDaybook;
beforeAll(async () => {
  daybook = await startDaybook();
});
afterAll(() => daybook.close());

const demo = (options = DEMO) => makeDemo({ ...daybook, secrets }, readConfig({}), options, PASSWORD);

test('a year of one person is made, once, and every part of Daybook has some of it', { timeout: 120_000 }, async () => {
  const made = await demo();
  expect(made?.commands).toBeGreaterThan(200);
  expect(await demo()).toBeUndefined();

  const login = await client(daybook.app).post('/auth/login', { email: DEMO.email, password: PASSWORD });
  const robin = client(daybook.app, z.object({ access_token: z.string() }).parse(login.body).access_token);
  const head = { 'daybook-position': String(await daybook.log.head()) };
  const found = async (path: string) => pageOf((await robin.get(path, head)).body).items;
  for (const path of [
    '/emails',
    '/tasks',
    '/task-lists',
    '/task-labels',
    '/documents',
    '/document-tags',
    '/sessions',
    '/llm-requests',
    '/email-drafts?status=draft',
    '/integration-logs',
    '/relationships',
    '/calendar/events?from=2025-11-05T00:00:00Z&to=2026-01-05T00:00:00Z',
  ]) {
    expect((await found(path)).length, path).toBeGreaterThan(1);
  }

  const times = (await Array.fromAsync(daybook.log.readAll(null)))
    .map(({ metadata }) => z.object({ at: z.string() }).safeParse(metadata).data?.at)
    .filter((at) => at !== undefined && at < new Date(UNTIL).toISOString());
  expect(times).toEqual(times.toSorted());
  expect(times[0]).toBe('2025-11-01T11:00:00.000Z');
  // So little of a year leaves weeks in which nothing happens.
  expect(times.at(-1)?.slice(0, 7)).toBeOneOf(['2026-09', '2026-10', '2026-11']);

  const [task] = await found('/tasks?sort=-created_at&status=done&limit=1');
  const history = await robin.get(`/tasks/${task?.id}/history`);
  expect(pageOf(history.body).items[0]).toMatchObject({ type: 'TaskCreated', summary: expect.stringMatching(/^Created the task “\w.+”$/) });
});

test('it is made over HTTP, too, once', { timeout: 120_000 }, async () => {
  const url = await daybook.app.listen({ host: '127.0.0.1', port: 0 });
  const options = { ...DEMO, email: 'there@example.com', size: 0.01 };
  const before = await daybook.log.head();
  const made = await makeDemoAt(url, PASSWORD, options);
  expect(made?.commands).toBeGreaterThan(20);
  const events = await Array.fromAsync(daybook.log.readAll(before));
  expect(events.length).toBeGreaterThanOrEqual(made?.commands ?? 0);
  const actors = events.map(({ metadata }) => z.object({ actor: z.string() }).safeParse(metadata).data?.actor);
  expect(new Set(actors).isSupersetOf(new Set(['user', 'assistant']))).toBe(true);
  expect(await makeDemoAt(url, PASSWORD, options)).toBeUndefined();
});

test('the same seed is the same year, and another one another', () => {
  const self = { id: '0192f0c1-0000-7000-8000-000000000001', email: 'demo@example.com' };
  const story = (seed: number) => year(seed, UNTIL, 0.1, self).map(({ at, route, by, body }) => [at, route, by, JSON.stringify(body())]);
  expect(story(1)).toEqual(story(1));
  expect(story(1)).not.toEqual(story(2));
});

test('a whole year is thousands of commands, told in words that have no gap', () => {
  const steps = year(1, UNTIL, 1, { id: '0192f0c1-0000-7000-8000-000000000001', email: 'demo@example.com' });
  expect(steps.length).toBeGreaterThan(6_000);
  expect(steps.filter(({ body }) => /[{]\w+[}]|undefined/.test(JSON.stringify(body()))).map(({ body }) => body())).toEqual([]);
});

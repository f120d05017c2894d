// Task lists and labels as a client sees them, word for word: the clock and the ids are the test's.
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { startDaybook, type TestDaybook } from '../support/daybook.ts';
import { idOf, NOT_FOUND, type Person, pageOf, register, said, T0, T1, T2, T3 } from '../support/person.ts';

let daybook: TestDaybook;
let ann: Person;

beforeAll(async () => {
  vi.setSystemTime(T0);
  daybook = await startDaybook();
});
afterAll(() => daybook.close());
beforeEach(async () => {
  vi.setSystemTime(T0);
  ann = await register(daybook.app);
});

const at = (time: string) => {
  vi.setSystemTime(time);
  return ann;
};
const AT_THE_END = Date.parse(T0);

describe('task lists', () => {
  const errands = (id: string) => ({
    id,
    name: 'Errands',
    description: null,
    color: null,
    position: AT_THE_END,
    is_default: false,
    archived_at: null,
    created_at: T0,
    updated_at: T0,
    version: 0,
  });

  test('are created, changed, archived, restored and deleted', async () => {
    const id = idOf(101);
    const created = await ann.post('/task-lists', { id, name: 'Errands' });
    expect(created).toMatchObject({ headers: { location: `/api/v1/task-lists/${id}`, etag: expect.stringMatching(/^"0-/) } });
    expect(said(created)).toEqual({ status: 201, body: errands(id) });
    expect(said(await ann.get(`/task-lists/${id}`))).toEqual({ status: 200, body: errands(id) });

    const changes = { name: 'Chores', description: 'Around the house', color: '#1F6FEB', position: 1.5, is_default: true };
    const changed = { ...errands(id), ...changes, color: '#1f6feb', updated_at: T1, version: 1 };
    expect(said(await at(T1).patch(`/task-lists/${id}`, changes))).toEqual({ status: 200, body: changed });

    const archived = { ...changed, archived_at: T2, updated_at: T2, version: 2 };
    expect(said(await at(T2).post(`/task-lists/${id}/archive`))).toEqual({ status: 200, body: archived });
    expect(said(await at(T3).post(`/task-lists/${id}/archive`))).toEqual({ status: 200, body: archived });
    expect(said(await ann.post(`/task-lists/${id}/restore`))).toEqual({
      status: 200,
      body: { ...archived, archived_at: null, updated_at: T3, version: 3 },
    });

    expect(said(await ann.delete(`/task-lists/${id}`))).toEqual({ status: 204, body: undefined });
    expect(said(await ann.get(`/task-lists/${id}`))).toEqual({ status: 404, body: NOT_FOUND });
    expect(said(await ann.delete(`/task-lists/${id}`))).toEqual({ status: 404, body: NOT_FOUND });
  });

  test('have one default: the latest', async () => {
    const [first, second] = [idOf(111), idOf(112)];
    await ann.post('/task-lists', { id: first, name: 'First', is_default: true, position: 1 });
    await ann.post('/task-lists', { id: second, name: 'Second', is_default: true, position: 2 });
    expect(said(await ann.get('/task-lists'))).toEqual({
      status: 200,
      body: {
        items: [
          { ...errands(first), name: 'First', position: 1 },
          { ...errands(second), name: 'Second', position: 2, is_default: true },
        ],
        next_cursor: null,
      },
    });
    await ann.patch(`/task-lists/${first}`, { is_default: true });
    expect((await ann.get(`/task-lists/${first}`)).body).toMatchObject({ is_default: true });
    expect((await ann.get(`/task-lists/${second}`)).body).toMatchObject({ is_default: false });
  });

  test('are listed by place or time, archived or not', async () => {
    const [first, second] = [idOf(121), idOf(122)];
    await at(T0).post('/task-lists', { id: first, name: 'First', position: 2 });
    await at(T1).post('/task-lists', { id: second, name: 'Second', position: 1 });
    await ann.post(`/task-lists/${first}/archive`);
    const names = async (query: string) => pageOf((await ann.get(`/task-lists${query}`)).body).items.map(({ name }) => name);
    expect(await names('')).toEqual(['Second', 'First']);
    expect(await names('?sort=created_at')).toEqual(['First', 'Second']);
    expect(await names('?archived=true')).toEqual(['First']);
    expect(await names('?archived=false')).toEqual(['Second']);
  });
});

describe('task labels', () => {
  const label = (id: string, name: string) => ({ id, name, color: null, created_at: T0, updated_at: T0, version: 0 });

  test('are created, changed and deleted', async () => {
    const id = idOf(201);
    const created = await ann.post('/task-labels', { id, name: 'Urgent' });
    expect(created).toMatchObject({ headers: { location: `/api/v1/task-labels/${id}`, etag: expect.stringMatching(/^"0-/) } });
    expect(said(created)).toEqual({ status: 201, body: label(id, 'Urgent') });
    expect(said(await at(T1).patch(`/task-labels/${id}`, { name: 'Soon', color: '#ff0000' }))).toEqual({
      status: 200,
      body: { ...label(id, 'Soon'), color: '#ff0000', updated_at: T1, version: 1 },
    });
    expect(said(await ann.delete(`/task-labels/${id}`))).toEqual({ status: 204, body: undefined });
    expect(said(await ann.get(`/task-labels/${id}`))).toEqual({ status: 404, body: NOT_FOUND });
    expect(said(await ann.patch(`/task-labels/${id}`, { name: 'Again' }))).toEqual({ status: 404, body: NOT_FOUND });
  });

  test('have names of their own, whatever their case', async () => {
    await ann.post('/task-labels', { id: idOf(211), name: 'Urgent' });
    const detail = 'There is already a label called URGENT.';
    expect(said(await ann.post('/task-labels', { name: 'URGENT' }))).toEqual({
      status: 409,
      body: {
        type: 'urn:daybook:problem:name-taken',
        title: 'Name taken',
        status: 409,
        detail,
        request_id: 'the-request',
        errors: [{ in: 'body', pointer: '/name', detail }],
      },
    });
    const bob = await register(daybook.app, 'Bob');
    expect((await bob.post('/task-labels', { name: 'Urgent' })).status).toBe(201);
  });

  test('are listed by name', async () => {
    for (const [index, name] of ['beta', 'Alpha', 'gamma'].entries()) await ann.post('/task-labels', { id: idOf(221 + index), name });
    const page = (await ann.get('/task-labels?limit=2')).body;
    expect(page).toEqual({
      items: [
        { ...label(idOf(222), 'Alpha'), version: 1 },
        { ...label(idOf(221), 'beta'), version: 0 },
      ],
      next_cursor: expect.any(String),
    });
    expect((await ann.get(`/task-labels?cursor=${pageOf(page).next_cursor}`)).body).toEqual({
      items: [{ ...label(idOf(223), 'gamma'), version: 2 }],
      next_cursor: null,
    });
  });
});

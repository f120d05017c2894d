// What Daybook says of itself: how far the tables are, how far the policies, and what they could not do.
import { v7 } from 'uuid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { statusLines } from '../../src/cli/status.ts';
import { encode } from '../../src/events/codec.ts';
import { taskCreated } from '../../src/events/tasks.ts';
import { startDaybook, startNode, type TestDaybook } from '../support/daybook.ts';
import { type Person, register } from '../support/person.ts';

let daybook: TestDaybook;
let ann: Person;
let admin: Person;

beforeAll(async () => {
  daybook = await startDaybook({ ROLES: 'api,projector,scheduler', ADMIN_EMAILS: 'admin@example.com' });
  ann = await register(daybook.app);
  admin = await register(daybook.app, 'Admin', 'admin@example.com');
});
afterAll(() => daybook.close());

const well = { position: expect.any(Number), lag_events: 0, lag_seconds: 0, set_aside: [], status: 'running', last_error: null };

test('how far the tables and the policies are', async () => {
  const head = Number(await daybook.settled());
  expect(await ann.get('/system/projections')).toMatchObject({
    status: 200,
    body: {
      items: [{ name: 'read_model', position: head, head, lag_events: 0, lag_seconds: 0, status: 'running' }],
      policies: [
        { name: 'nextOccurrence', ...well },
        { name: 'sendDrafts', ...well },
      ],
    },
  });
});

test('which events a policy failed at, and why for admins', { timeout: 60_000 }, async () => {
  // As a later version, or a fault, may have written it: a completion that does not say when.
  const id = v7();
  const blank = { list_id: null, parent_task_id: null, description: null, priority: 'none', start_at: null, due_at: null } as const;
  const plain = { ...blank, remind_at: null, estimate_minutes: null, recurrence_rule: null, source_type: null, source_id: null };
  const meta = { user_id: ann.id, actor: 'user', at: new Date().toISOString(), $correlationId: 'test', $causationId: 'test' } as const;
  const created = encode(taskCreated({ ...plain, title: 'Water the plants', position: 1 }), meta);
  const broken = { event_id: v7(), type: 'TaskCompleted', data: {}, metadata: created.metadata };
  const { position } = await daybook.log.append(`task-${id}`, -1, [created, broken]);
  const failed = { position: Number(position), lag_events: 0, set_aside: [Number(position)] };

  const policies = async (who: Person) => (await who.get('/system/projections')).body;
  const before = await policies(admin);
  expect(before).toMatchObject({
    policies: [
      { name: 'nextOccurrence', lag_events: 1, set_aside: [] },
      { name: 'sendDrafts', ...well },
    ],
  });
  await expect
    .poll(() => policies(admin), { timeout: 30_000, interval: 200 })
    .toMatchObject({ policies: [{ ...failed, status: 'degraded', last_error: expect.stringContaining('completed_at') }, well] });
  expect(await policies(ann)).toMatchObject({ policies: [{ ...failed, status: 'degraded', last_error: null }, well] });

  const other = await startNode(daybook, { ROLES: 'api' });
  try {
    const answer = await other.app.inject({ url: '/api/v1/system/projections', headers: { authorization: `Bearer ${admin.token}` } });
    expect(answer.json()).toMatchObject({
      items: [{ status: 'elsewhere' }],
      policies: [
        { ...failed, status: 'elsewhere', last_error: null },
        { ...well, status: 'elsewhere' },
      ],
    });
  } finally {
    await other.stop();
  }
  await daybook.settled();
  expect((await statusLines(daybook.log, daybook.database)).slice(-3)).toEqual([
    'Policy nextOccurrence: is done with all there is; 1 are set aside and tried again:',
    `  TaskCompleted at task-${id}@1`,
    'Policy sendDrafts: is done with all there is.',
  ]);
});

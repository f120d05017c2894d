// What running a command keeps, whatever the command: conflicts, repeats, references, If-Match, a log that is away.
import { v7 } from 'uuid';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Command, CommandRequest } from '../../src/commands/command.ts';
import { createCommandHandler } from '../../src/commands/handle.ts';
import { changeTaskLabel, createTaskLabel } from '../../src/commands/tasks/label.ts';
import { createTaskList, deleteTaskList } from '../../src/commands/tasks/list.ts';
import { changeTask, completeTask, createTask, deleteTask, moveTask } from '../../src/commands/tasks/task.ts';
import { LogUnavailable } from '../../src/eventstore/log.ts';
import { deriveSecrets } from '../../src/secrets.ts';
import { createTokens } from '../../src/tokens.ts';
import { createMemoryBlobs } from '../support/memoryBlobs.ts';
import { createMemoryLog, type MemoryLog } from '../support/memoryLog.ts';

const ann = v7();
const bob = v7();

let log: MemoryLog;
/** Two nodes on one log: each has its own memory of what streams fold to. */
let nodes: ReturnType<typeof createCommandHandler>[];

beforeEach(() => {
  log = createMemoryLog();
  const secrets = deriveSecrets('a master key of the tests, 32 bytes and more');
  const tokens = createTokens('a secret of the tests, 32 bytes and more', 15);
  nodes = [0, 1].map(() =>
    createCommandHandler({
      log,
      blobs: createMemoryBlobs(),
      secrets,
      tokens,
      settings: { refreshTokenExpireDays: 30, adminEmails: [], sendsPerDay: 0 },
    }),
  );
});

type Options = Partial<Pick<CommandRequest, 'idempotencyKey' | 'ifMatch' | 'body'>> & { id?: string; by?: string; node?: number };

async function run(command: Command, { id, by = ann, node = 0, ...request }: Options = {}) {
  const handler = nodes[node];
  if (!handler) throw new Error('there are two nodes');
  const user = { id: by, role: 'user' as const, actor: 'user' as const, login_id: v7() };
  return command.run(handler.run, { params: id === undefined ? {} : { id }, body: undefined, user, correlationId: 'c-1', ...request });
}

const types = () => log.events.map(({ type }) => type);
const newTask = (options: Options = {}) => run(createTask, { body: { title: 'Buy milk' }, ...options });

describe('a conflict', () => {
  test('is decided again on what the other writer left', async () => {
    const { id } = await newTask();
    log.before = async () => {
      log.before = () => {};
      await run(completeTask, { id, node: 1 });
    };
    const { revision } = await run(changeTask, { id, body: { title: 'Buy bread' } });
    expect(types()).toEqual(['TaskCreated', 'TaskCompleted', 'TaskChanged']);
    expect(revision).toBe(2);
  });

  test('leaves nothing to do where the other writer did it', async () => {
    const { id } = await newTask();
    log.before = async () => {
      log.before = () => {};
      await run(completeTask, { id, node: 1 });
    };
    const { events, revision } = await run(completeTask, { id });
    expect({ events, revision, types: types() }).toEqual({ events: [], revision: 1, types: ['TaskCreated', 'TaskCompleted'] });
  });

  test('that never ends is answered with 503', async () => {
    const { id } = await newTask();
    let title = 0;
    log.before = async () => {
      const { before } = log;
      log.before = () => {};
      title += 1;
      await run(changeTask, { id, body: { title: `${title}` }, node: 1 });
      log.before = before;
    };
    await expect(run(changeTask, { id, body: { title: 'Mine' } })).rejects.toMatchObject({ status: 503, retryAfterSeconds: 1 });
  });

  test('is a stale revision for who said If-Match', async () => {
    const { id, revision } = await newTask();
    log.before = async () => {
      log.before = () => {};
      await run(changeTask, { id, body: { title: 'Theirs' }, node: 1 });
    };
    await expect(run(changeTask, { id, body: { title: 'Mine' }, ifMatch: [revision] })).rejects.toMatchObject({ status: 412 });
    expect(types()).toEqual(['TaskCreated', 'TaskChanged']);
  });
});

describe('a state from memory', () => {
  test('never refuses: what was done elsewhere is read first', async () => {
    const { id } = await newTask();
    await run(completeTask, { id });
    await run(changeTask, { id, body: { title: 'Buy bread' }, node: 1 });
    // Here the title is still known as "Buy milk", so this would be nothing to do.
    const { events } = await run(changeTask, { id, body: { title: 'Buy milk' } });
    expect(events).toMatchObject([{ type: 'TaskChanged' }]);
  });

  test('never says that something is there: a delete elsewhere is seen', async () => {
    const { id } = await newTask();
    await run(deleteTask, { id, node: 1 });
    await expect(run(completeTask, { id })).rejects.toMatchObject({ status: 404 });
  });
});

describe('a repeat', () => {
  test('with the same key and body is the same entity and no second event, on any node', async () => {
    const first = await newTask({ idempotencyKey: 'k' });
    const again = await newTask({ idempotencyKey: 'k', node: 1 });
    expect(again.id).toBe(first.id);
    expect(again.position).toBe(first.position);
    expect(types()).toEqual(['TaskCreated']);
  });

  test('forty times at once on two nodes makes one', async () => {
    const outcomes = await Promise.all(Array.from({ length: 40 }, (_, i) => newTask({ idempotencyKey: 'k', node: i % 2 })));
    expect(new Set(outcomes.map(({ id }) => id)).size).toBe(1);
    expect(types()).toEqual(['TaskCreated']);
  });

  test('with another body is refused', async () => {
    await newTask({ idempotencyKey: 'k' });
    await expect(newTask({ idempotencyKey: 'k', body: { title: 'Buy bread' } })).rejects.toMatchObject({
      status: 422,
      code: 'idempotency-key-reused',
    });
  });

  test('with another id, with an id after none, or with none after an id, is refused', async () => {
    const [one, other] = [
      { id: v7(), title: 'Buy milk' },
      { id: v7(), title: 'Buy milk' },
    ];
    const refused = { status: 422, code: 'idempotency-key-reused' };
    await newTask({ idempotencyKey: 'with', body: one });
    await expect(newTask({ idempotencyKey: 'with', body: other, node: 1 })).rejects.toMatchObject(refused);
    await expect(newTask({ idempotencyKey: 'with', node: 1 })).rejects.toMatchObject(refused);
    await newTask({ idempotencyKey: 'without' });
    await expect(newTask({ idempotencyKey: 'without', body: other, node: 1 })).rejects.toMatchObject(refused);
    expect((await newTask({ idempotencyKey: 'with', body: one, node: 1 })).id).toBe(one.id);
    expect(types()).toEqual(['IdempotencyKeyUsed', 'TaskCreated', 'TaskCreated']);
  });

  test('forty times at once on two nodes with two ids makes one', async () => {
    const bodies = [1, 2].map(() => ({ id: v7(), title: 'Buy milk' }));
    const outcomes = await Promise.allSettled(
      Array.from({ length: 40 }, (_, i) => newTask({ idempotencyKey: 'k', body: bodies[i % 2], node: i % 2 })),
    );
    const refusals = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    expect(refusals).toHaveLength(20);
    for (const refusal of refusals) expect(refusal).toMatchObject({ status: 422, code: 'idempotency-key-reused' });
    expect(types().sort()).toEqual(['IdempotencyKeyUsed', 'TaskCreated']);
  });

  test('forty times at once on two nodes, with an id and without, makes one', async () => {
    for (const key of Array.from({ length: 20 }, (_, number) => `k${number}`)) {
      const bodies = [{ id: v7(), title: 'Buy milk' }, { title: 'Buy milk' }];
      const outcomes = await Promise.allSettled(
        Array.from({ length: 40 }, (_, i) => newTask({ idempotencyKey: key, body: bodies[i % 2], node: (i >> 1) % 2 })),
      );
      const made = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value.id] : []));
      expect(new Set(made).size).toBe(1);
      expect(made).toHaveLength(20);
    }
    expect(types().filter((type) => type === 'TaskCreated')).toHaveLength(20);
  });

  test('with an id survives a crash between the key and the task', async () => {
    const id = v7();
    const append = log.append;
    log.append = async (stream, ...rest) => {
      if (stream === `task-${id}`) throw new Error('crashed');
      return append(stream, ...rest);
    };
    await expect(newTask({ idempotencyKey: 'k', body: { id, title: 'Buy milk' } })).rejects.toThrow('crashed');
    log.append = append;
    await expect(newTask({ idempotencyKey: 'k', body: { title: 'Buy milk' } })).rejects.toMatchObject({ status: 422 });
    expect((await newTask({ idempotencyKey: 'k', body: { id, title: 'Buy milk' }, node: 1 })).id).toBe(id);
    expect(types()).toEqual(['IdempotencyKeyUsed', 'TaskCreated']);
  });

  test('is nobody else’s', async () => {
    const mine = await newTask({ idempotencyKey: 'k' });
    const theirs = await newTask({ idempotencyKey: 'k', by: bob });
    expect(theirs.id).not.toBe(mine.id);
  });

  test('of a change that was undone since does not do it again', async () => {
    const { id } = await newTask();
    await run(changeTask, { id, body: { title: 'A' }, idempotencyKey: 'a' });
    await run(changeTask, { id, body: { title: 'B' } });
    await run(changeTask, { id, body: { title: 'A' }, idempotencyKey: 'a', node: 1 });
    expect(types()).toEqual(['TaskCreated', 'TaskChanged', 'TaskChanged']);
  });

  test('of a create whose list is gone since is still the same task', async () => {
    const list = await run(createTaskList, { body: { name: 'Home' } });
    const body = { title: 'Buy milk', list_id: list.id };
    const first = await newTask({ body, idempotencyKey: 'k' });
    await run(deleteTaskList, { id: list.id });
    expect((await newTask({ body, idempotencyKey: 'k' })).id).toBe(first.id);
  });

  test('of a refusal is decided anew', async () => {
    const { id } = await newTask();
    await run(completeTask, { id });
    const label = { body: { name: 'Home' } };
    const first = await run(createTaskLabel, label);
    await expect(run(createTaskLabel, { ...label, idempotencyKey: 'k' })).rejects.toMatchObject({ status: 409 });
    await run(changeTaskLabel, { id: first.id, body: { name: 'Work' } });
    await expect(run(createTaskLabel, { ...label, idempotencyKey: 'k' })).resolves.toMatchObject({
      events: [{ type: 'TaskLabelCreated' }],
    });
  });

  test('with an id of the caller’s own is the same entity; with another body the id is taken', async () => {
    const id = v7();
    await newTask({ body: { id, title: 'Buy milk' } });
    await expect(newTask({ body: { id, title: 'Buy milk' }, node: 1 })).resolves.toMatchObject({ id, events: [] });
    await expect(newTask({ body: { id, title: 'Buy bread' } })).rejects.toMatchObject({ status: 409, code: 'id-in-use' });
    await expect(newTask({ body: { id, title: 'Buy milk' }, by: bob })).rejects.toMatchObject({ status: 409, code: 'id-in-use' });
  });
});

describe('what is someone else’s', () => {
  test('is not there: 404 in the path, 422 with its pointer in the body', async () => {
    const { id } = await newTask();
    const list = await run(createTaskList, { body: { name: 'Home' } });
    await expect(run(completeTask, { id, by: bob })).rejects.toMatchObject({ status: 404 });
    await expect(newTask({ body: { title: 'Mine', list_id: list.id }, by: bob })).rejects.toMatchObject({
      status: 422,
      errors: [{ in: 'body', pointer: '/list_id' }],
    });
    await expect(newTask({ body: { title: 'Mine', list_id: v7() } })).rejects.toMatchObject({ status: 422 });
  });
});

describe('a part', () => {
  test('of what is deleted is gone with it, however deep', async () => {
    const parent = await newTask();
    const child = await newTask({ body: { title: 'Child', parent_task_id: parent.id } });
    const grandchild = await newTask({ body: { title: 'Grandchild', parent_task_id: child.id } });
    await run(deleteTask, { id: parent.id, node: 1 });
    await expect(run(completeTask, { id: grandchild.id })).rejects.toMatchObject({ status: 404 });
    await expect(newTask({ body: { title: 'Late', parent_task_id: grandchild.id } })).rejects.toMatchObject({ status: 422 });
  });

  test('cannot be put under itself, and two crossing moves make a loop that can be undone', async () => {
    const a = await newTask({ body: { title: 'A' } });
    const b = await newTask({ body: { title: 'B', parent_task_id: a.id } });
    await expect(run(moveTask, { id: a.id, body: { parent_task_id: b.id } })).rejects.toMatchObject({
      status: 422,
      code: 'task-under-itself',
    });

    await run(moveTask, { id: b.id, body: { parent_task_id: null } });
    log.before = async () => {
      log.before = () => {};
      await run(moveTask, { id: b.id, body: { parent_task_id: a.id }, node: 1 });
    };
    await run(moveTask, { id: a.id, body: { parent_task_id: b.id } });
    await expect(run(completeTask, { id: a.id })).resolves.toMatchObject({ events: [{ type: 'TaskCompleted' }] });
    await expect(run(moveTask, { id: a.id, body: { parent_task_id: null } })).resolves.toMatchObject({ events: [{ type: 'TaskMoved' }] });
  });
});

describe('metadata', () => {
  test('says who, when, because of what, and what the thing was called', async () => {
    const { id } = await newTask({ idempotencyKey: 'k' });
    await run(changeTask, { id, body: { title: 'Buy bread' } });
    await run(deleteTask, { id });
    const [created, changed, deleted] = log.events.map(({ metadata }) => metadata);
    expect(created).toEqual({
      user_id: ann,
      actor: 'user',
      at: expect.stringMatching(/Z$/),
      $correlationId: 'c-1',
      $causationId: expect.any(String),
      command_id: expect.any(String),
      body_hmac: expect.stringMatching(/^[0-9a-f]{64}$/),
      schema_version: 1,
      title: 'Buy milk',
    });
    expect(changed).toMatchObject({ title: 'Buy bread', $causationId: 'c-1' });
    expect(deleted).toMatchObject({ title: 'Buy bread' });
  });
});

describe('a log that does not answer', () => {
  test('is no refusal: nothing is remembered and the command can be sent again', async () => {
    const { id } = await newTask();
    log.before = () => {
      throw new LogUnavailable('away', true);
    };
    await expect(run(completeTask, { id })).rejects.toThrow(LogUnavailable);
    log.before = () => {};
    await expect(run(completeTask, { id })).resolves.toMatchObject({ events: [{ type: 'TaskCompleted' }] });
  });
});

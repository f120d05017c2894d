// What an older Daybook wrote is read for ever. `stored/events.jsonl` has, as a log has it, an event of each type and of each version
// of its schema that there has been. It only grows: a new type or version is a line at its end. What comes of all of them, the states
// that commands decide on and the rows of the tables, is beside it; where a projection means to give others, `vitest -u` writes them
// anew, and the difference is to be looked at.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import type { Aggregate } from '../../src/commands/aggregate.ts';
import { calendarEvent } from '../../src/commands/calendar/event.ts';
import { calendarReminder } from '../../src/commands/calendar/reminder.ts';
import { document } from '../../src/commands/documents/document.ts';
import { documentTags } from '../../src/commands/documents/tag.ts';
import { emailSends } from '../../src/commands/emails/allowance.ts';
import { emailDraft } from '../../src/commands/emails/draft.ts';
import { email } from '../../src/commands/emails/email.ts';
import { empty, fold } from '../../src/commands/folds.ts';
import { integrationCalls } from '../../src/commands/integrations.ts';
import { llmRequest, message } from '../../src/commands/messages.ts';
import { relationship } from '../../src/commands/relationships.ts';
import { session } from '../../src/commands/sessions.ts';
import { taskLabels } from '../../src/commands/tasks/label.ts';
import { taskList } from '../../src/commands/tasks/list.ts';
import { task } from '../../src/commands/tasks/task.ts';
import { emailClaim } from '../../src/commands/users/emailClaim.ts';
import { login } from '../../src/commands/users/login.ts';
import { user } from '../../src/commands/users/user.ts';
import { decode, encode } from '../../src/events/codec.ts';
import { event } from '../../src/events/event.ts';
import { eventDefinitions } from '../../src/events/index.ts';
import { taskCompleted } from '../../src/events/tasks.ts';
import type { LoggedEvent } from '../../src/eventstore/log.ts';
import { createPool } from '../../src/postgres/pool.ts';
import { modelVersion } from '../../src/projections/applier.ts';
import { projections } from '../../src/projections/index.ts';
import { tables } from '../../src/tables/index.ts';
import { instant } from '../../src/vocabulary.ts';
import { parkedEvents, rawRowsOf, rowsInBatches } from '../replay/tables.ts';
import { databaseWithReadModel } from '../support/postgres.ts';

/** Of every category whose streams commands decide on; the others have no state. */
const aggregates: ReadonlyMap<string, Aggregate<unknown>> = new Map(
  [
    user,
    emailClaim,
    login,
    session,
    message,
    llmRequest,
    taskList,
    taskLabels,
    task,
    calendarEvent,
    calendarReminder,
    document,
    documentTags,
    email,
    emailDraft,
    emailSends,
    relationship,
    integrationCalls,
  ].map((aggregate) => [aggregate.category, aggregate]),
);
const withoutState = ['loginFailures', 'idempotencyKey'];

const stored = z.object({
  ...{ stream: z.string(), revision: z.int(), event_id: z.string(), type: z.string() },
  ...{ data: z.unknown(), metadata: z.looseObject({ user_id: z.string(), schema_version: z.int() }), position: z.int() },
});
const events = readFileSync(new URL('stored/events.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => stored.parse(JSON.parse(line)))
  .map(({ position, ...rest }) => ({ ...rest, position: BigInt(position), appended_ms: 0 }));
const users = [...new Set(events.map(({ metadata }) => metadata.user_id))];

let database: Awaited<ReturnType<typeof createPool>>;
let close: () => Promise<void>;
beforeAll(async () => {
  const postgres = await databaseWithReadModel();
  database = await createPool(postgres.url);
  close = async () => {
    await database.end();
    await postgres.close();
  };
});
afterAll(() => close());

const categoryOf = (stream: string) => stream.slice(0, stream.indexOf('-'));
const asText = (value: unknown) => `${JSON.stringify(value, plain, 2)}\n`;
const plain = (_: string, value: unknown) => {
  if (typeof value === 'bigint') return String(value);
  return value instanceof Map || value instanceof Set ? [...value] : value;
};

describe('stored events', () => {
  test('are of every type and of every version that there has been', () => {
    const versions = [...eventDefinitions.values()].flatMap(({ type, schemaVersion }) =>
      Array.from({ length: schemaVersion }, (_, at) => `${type}@${at + 1}`),
    );
    expect([...new Set(events.map(({ type, metadata }) => `${type}@${metadata.schema_version}`))].toSorted()).toEqual(versions.toSorted());
  });

  test('fold to the states that they have folded to', async () => {
    const streams = Map.groupBy(events, ({ stream }) => stream);
    const states = [...streams].flatMap(([stream, events]) => {
      const aggregate = aggregates.get(categoryOf(stream));
      if (!aggregate) {
        expect(withoutState).toContain(categoryOf(stream));
        return [];
      }
      const read = events.map((event) => decode(event) ?? expect.fail(`${event.type} is not known`));
      expect(read.filter(({ type }) => !aggregate.eventTypes.has(type))).toEqual([]);
      return [[stream, fold(aggregate, empty(aggregate), read).state]];
    });
    await expect(asText(Object.fromEntries(states))).toMatchFileSnapshot('stored/states.snap');
  });

  test('give the rows that they have given, in any batches', async () => {
    const rows = await rowsInBatches(database, events, users, [events.length]);
    expect(await parkedEvents(database)).toEqual([]);
    const found = z.array(z.object({ table: z.string() })).parse(rows);
    const filled = new Set(found.map(({ table }) => table));
    expect(tables.map(({ qualified }) => qualified).filter((table) => !filled.has(table))).toEqual(['relationships.entity_embeddings']);
    await expect(asText(rows)).toMatchFileSnapshot('stored/rows.snap');
    for (const size of [1, 7]) expect(await rowsInBatches(database, events, users, Array(events.length).fill(size))).toEqual(rows);
  });
});

describe('an event whose schema has changed', () => {
  /** As if a task that is done had once said so in another word. */
  const second = event('TaskCompleted', { completed_at: instant }, [({ done_at, ...data }) => ({ ...data, completed_at: done_at })]);
  const definitions = () => {
    const get = eventDefinitions.get.bind(eventDefinitions);
    vi.spyOn(eventDefinitions, 'get').mockImplementation((type) => (type === 'TaskCompleted' ? second : get(type)));
  };
  const older = (logged: LoggedEvent): LoggedEvent => {
    const { data } = z.object({ data: z.object({ completed_at: z.string() }) }).safeParse(logged).data ?? {};
    return logged.type === 'TaskCompleted' && data ? { ...logged, data: { done_at: data.completed_at } } : logged;
  };

  test('is read as it is now, whatever version the log has it in, and written in the newest', async () => {
    const right = await rowsInBatches(database, events, users, [events.length]);
    const [first, last] = events.filter(({ type }) => type === 'TaskCompleted');
    if (!first || !last) throw new Error('a task is completed twice');
    const ofNow = (logged: LoggedEvent) => ({ ...logged, metadata: { ...last.metadata, schema_version: 2 } });
    try {
      definitions();
      const mixed = events.map((logged) => (logged === last ? ofNow(logged) : older(logged)));
      expect(await rowsInBatches(database, mixed, users, [events.length])).toEqual(right);
      expect(await parkedEvents(database)).toEqual([]);
      const done = mixed.filter(({ stream }) => stream === last.stream).map((logged) => decode(logged) ?? expect.fail('is known'));
      expect(fold(task, empty(task), done).state).toMatchObject({ status: 'done' });
      expect(encode(taskCompleted({ completed_at: '2026-01-01T00:00:00.000Z' }), { ...metadata, user_id: users[0] ?? '' })).toMatchObject({
        data: { completed_at: '2026-01-01T00:00:00.000Z' },
        metadata: { schema_version: 2 },
      });
    } finally {
      vi.restoreAllMocks();
    }
  });

  test('is not read by a process that knows an older version only: it parks it, where it would else misread it', async () => {
    const [logged] = events.filter(({ type }) => type === 'TaskStarted');
    if (!logged) throw new Error('a task is started');
    const later = { ...logged, metadata: { ...logged.metadata, schema_version: 2 } };
    expect(() => decode(later)).toThrow('of version 2, which is a later one');
    await rowsInBatches(
      database,
      events.map((event) => (event === logged ? later : event)),
      users,
      [events.length],
    );
    expect(await parkedEvents(database)).toContainEqual(expect.objectContaining({ event_type: 'TaskStarted', stream: logged.stream }));
    expect(await rawRowsOf(database, users)).not.toEqual([]);
  });

  test('makes the read model one of another version, so that two processes never fill the same one differently', () => {
    const before = modelVersion(projections);
    try {
      vi.spyOn(eventDefinitions, 'values').mockImplementation(() => [...Map.prototype.values.call(eventDefinitions)].slice(1).values());
      expect(modelVersion(projections)).not.toBe(before);
    } finally {
      vi.restoreAllMocks();
    }
  });
});

const metadata = { actor: 'user', at: '2026-01-01T00:00:00.000Z', $correlationId: 'c', $causationId: 'c' } as const;

// Thousands of random requests of several people, conflicting and repeated ones among them, against a plain model in
// memory. Every answer has the status that the model says; and after each run the rows that were built live, the rows of
// rebuilds in one batch and in batches of other sizes, and the model's agree, table by table and column by column.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { createPool } from '../../src/postgres/pool.ts';
import { startDaybook, type TestDaybook } from '../support/daybook.ts';
import { testDatabase } from '../support/postgres.ts';
import type { Request } from './model/core.ts';
import type { Rows } from './model/rows.ts';
import { play, tick } from './play.ts';
import { beginnings, steps } from './requests/index.ts';
import { makeReadModel, parkedEvents, rawRowsOf, rowsInBatches, rowsOf, type TableRows } from './tables.ts';

const COMMANDS = Number(process.env.DAYBOOK_RANDOM_COMMANDS ?? 1_000);
const SEED = Number(process.env.DAYBOOK_RANDOM_SEED ?? Date.now() % 2 ** 31);
const LONGEST_RUN = 600;
const MOST_RUNS = 1_000;
/** How a rebuild is cut into batches, beside one of all. */
const cuts = fc.tuple(fc.constantFrom(1, 3, 7, 13, 97), fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 40 }));

let daybook: TestDaybook;
let rebuilt: { database: Awaited<ReturnType<typeof createPool>>; close: () => Promise<void> };

beforeAll(async () => {
  const admins = Array.from({ length: MOST_RUNS }, (_, run) => `admin-${run}@example.org`);
  daybook = await startDaybook({ ADMIN_EMAILS: admins.join(','), SMTP_URL: 'smtp://127.0.0.1:9' });
  // Not before: calls to the event log carry deadlines, and a start on a busy machine takes longer than a clock that stands still allows.
  vi.useFakeTimers({ toFake: ['Date'] });
  const postgres = await testDatabase();
  const database = await createPool(postgres.url);
  await makeReadModel(database);
  rebuilt = {
    database,
    close: async () => {
      await database.end();
      await postgres.close();
    },
  };
});
afterAll(async () => {
  await daybook.close();
  await rebuilt.close();
  vi.useRealTimers();
});

test(`${COMMANDS} random commands leave what the model says (DAYBOOK_RANDOM_SEED=${SEED})`, {
  timeout: 60_000 + COMMANDS * 200,
}, async () => {
  let run = 0;
  let played = 0;
  for (let seed = SEED; played < COMMANDS; seed += 1) {
    const property = fc.asyncProperty(
      beginnings,
      steps(Math.min(LONGEST_RUN, COMMANDS)),
      cuts,
      async (beginning, requests, [size, sizes]) => {
        run += 1;
        const { model, after, users, sent } = await play(daybook, run, [...beginning, ...requests]);
        played += beginning.length + requests.length;
        tick();
        const live = await liveRows(users);
        expect(comparable(live), requestsOf(sent)).toEqual(rowsOfModel(model.rows));
        const raw = await rawRowsOf(daybook.database, users);
        const events = await Array.fromAsync(daybook.log.readAll(after));
        for (const batches of [[events.length], [size], sizes]) {
          // Those of one size as a rebuild writes its long ones.
          const trustsFrom = batches[0] === size ? 1 : undefined;
          expect(await rowsInBatches(rebuilt.database, events, users, batches, trustsFrom), `in batches of ${batches}`).toEqual(raw);
        }
      },
    );
    await fc.assert(property, { seed, numRuns: 1, unbiased: true, endOnFailure: process.env.DAYBOOK_RANDOM_SHRINK === 'no' });
  }
  console.log(`${played} commands in ${run} runs`);
});

const requestsOf = (sent: readonly Request[]) => sent.map((request) => JSON.stringify(request)).join('\n');

async function liveRows(users: readonly string[]): Promise<TableRows> {
  await daybook.settled();
  return { ...(await rowsOf(daybook.database, users)), 'daybook.parked_events': await parkedEvents(daybook.database) };
}

const told = z.looseObject({
  id: z.string(),
  summary: z.string().min(1),
  details: z.record(z.string(), z.unknown()),
  log_position: z.number(),
});

const attached = z.looseObject({ id: z.string(), blob_key: z.string() });
const answered = z.looseObject({ id: z.string() });
const threaded = z.looseObject({ id: z.string(), thread_id: z.string() });

/** Emails whose thread is called after one of them, as each of two sides has its own name for it. */
function inThreads(emails: readonly unknown[]): unknown[] {
  const rows = emails.map((row) => threaded.parse(row));
  return rows.map((row) => ({ ...row, thread_id: rows.find(({ thread_id }) => thread_id === row.thread_id)?.id }));
}

const asTheyCome = (rows: readonly unknown[]) => rows.map((row) => JSON.stringify(Object.entries(Object(row)).toSorted())).toSorted();

/** The rows without what the model does not foretell: the words of activities, their ids and places in the log, how threads are called. */
function comparable(rows: TableRows): TableRows {
  const activities = (rows['activities.activities'] ?? []).map((row) => {
    const { id, summary, details, log_position, ...foretold } = told.parse(row);
    return foretold;
  });
  const attachments = (rows['emails.email_attachments'] ?? []).map((row) => {
    const { id, blob_key, ...foretold } = attached.parse(row);
    return foretold;
  });
  const invitations = (rows['calendar.calendar_invitations'] ?? []).map((row) => {
    const { id, ...foretold } = answered.parse(row);
    return foretold;
  });
  return {
    ...rows,
    'calendar.calendar_invitations': asTheyCome(invitations),
    'emails.emails': inThreads(rows['emails.emails'] ?? []),
    'emails.email_attachments': asTheyCome(attachments),
    'activities.activities': inOrder(activities),
  };
}

function rowsOfModel({
  activities,
  users,
  logins,
  sessions,
  messages,
  email_drafts,
  documents,
  document_tags,
  document_tag_assignments,
  calendar_events,
  calendar_invitations,
  emails,
  email_attachments,
  relationships,
  llm_requests,
  integration_logs,
  ...tasks
}: Rows): TableRows {
  const none = ['relationships.entity_embeddings', 'daybook.parked_events'];
  const byKey = (table: ReadonlyMap<string, unknown>) => [...table].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  return {
    ...Object.fromEntries(none.map((table) => [table, []])),
    'users.users': byKey(users),
    'daybook.logins': byKey(logins),
    'sessions.sessions': byKey(sessions),
    'messages.messages': byKey(messages),
    'emails.email_drafts': byKey(email_drafts),
    'documents.documents': byKey(documents),
    'documents.document_tags': byKey(document_tags),
    'documents.document_tag_assignments': byKey(document_tag_assignments),
    'calendar.calendar_events': byKey(calendar_events),
    'calendar.calendar_invitations': asTheyCome([...calendar_invitations.values()]),
    'relationships.relationships': byKey(relationships),
    'messages.llm_requests': byKey(llm_requests),
    'integrations.integration_logs': byKey(integration_logs),
    ...Object.fromEntries(Object.entries(tasks).map(([name, table]) => [`tasks.${name}`, byKey(table)])),
    'emails.emails': inThreads(byKey(emails)),
    'emails.email_attachments': asTheyCome(email_attachments),
    'activities.activities': inOrder(activities),
  };
}

const orderOf = z.looseObject({
  occurred_at: z.string(),
  user_id: z.string(),
  entity_id: z.string(),
  version: z.number(),
  activity_type: z.string(),
});
const inOrder = (rows: readonly unknown[]): unknown[] =>
  rows
    .map((row) => ({ row, by: orderOf.parse(row) }))
    .map(({ row, by }) => ({
      row,
      key: [by.occurred_at, by.user_id, by.entity_id, String(by.version).padStart(9, '0'), by.activity_type].join(' '),
    }))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ row }) => row);

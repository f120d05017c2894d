// Two Daybooks on one event log, all three processes of their own, are killed at random moments while they remind, make the
// next of what recurs, put logins away and send letters, over and over. In the end each of these was done once.
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { v7 } from 'uuid';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { encode } from '../../src/events/codec.ts';
import { loggedIn } from '../../src/events/users.ts';
import { startEmbeddedEventStore } from '../../src/eventstore/embedded/embedded.ts';
import { connectEventLog, type LoggedEvent } from '../../src/eventstore/log.ts';
import { startMailServer } from '../support/mailServer.ts';
import { temporaryFolder, testDatabase } from '../support/postgres.ts';
import { type DaybookProcess, killAll, startEventStore, startProcess } from '../support/process.ts';
import { reader } from './answers.ts';

const ROUNDS = Number(process.env.DAYBOOK_FAULT_ROUNDS ?? 1);
/** Of each kind in a round. */
const AT_ONCE = 12;
/** How many letters one process has under way at most. */
const MOST_UNDER_WAY = 5;
const folder = temporaryFolder();
const nodes = ['first', 'second'] as const;
type Node = (typeof nodes)[number];

// On a server, one read model for both; the embedded Postgres is one process's own, and each has its read model of the log.
const database = process.env.TEST_DATABASE_URL ? await testDatabase() : undefined;
const server = await startMailServer({ recipient: slowly, taken: slowly });
/** So that a kill often comes in the middle of a letter. */
async function slowly() {
  await setTimeout(Math.random() * 500);
}

afterAll(async () => {
  await killAll();
  await server.close();
  await database?.close();
  rmSync(folder, { recursive: true, force: true });
});

const running: Partial<Record<Node, DaybookProcess>> = {};
const secret = () => randomBytes(32).toString('base64url');
const settings = {
  SMTP_URL: server.url,
  SCHEDULE: '* * * * * *',
  ACCESS_TOKEN_EXPIRE_MINUTES: '1440',
  MAX_SENDS_PER_DAY: '1000000',
  JWT_SECRET: secret(),
  MASTER_KEY: secret(),
  BLOB_URL: pathToFileURL(join(folder, 'blobs')).href,
  ...(database && { DATABASE_URL: database.url }),
};
const logFolder = join(folder, nodes[0], 'eventstore');
const start = async (node: Node, url: string | undefined) => {
  running[node] = await startProcess(join(folder, node), { ...settings, ...(url !== undefined && { EVENTSTORE_URL: url }) });
};
const end = async (node: Node, how: 'kill' | 'stop') => {
  const daybook = running[node];
  delete running[node];
  await daybook?.[how]();
};

const entered = z.object({ access_token: z.string(), user: z.object({ id: z.string() }) });
const titled = z.object({ title: z.string() });
let token: string | undefined;

/** Asks whichever process is there, and again until there is an answer: all that is sent here can be sent twice. */
async function post(path: string, body: object = {}, expected = [200, 201]): Promise<unknown> {
  for (let attempt = 1; ; attempt += 1) {
    const there = nodes.flatMap((node) => running[node]?.url ?? []);
    const url = there[Math.floor(Math.random() * there.length)];
    try {
      if (url === undefined) throw new Error('both are dead');
      const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
      const answer = await fetch(`${url}/api/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
      const text = await answer.text();
      if (expected.includes(answer.status)) return JSON.parse(text);
      // Done, and not to be seen yet; or the log was away.
      if (answer.status === 202) return undefined;
      if (answer.status !== 503) attempt = Number.POSITIVE_INFINITY;
      throw new Error(`POST ${path} was answered with ${answer.status} ${text}`);
    } catch (error) {
      if (attempt > 300) throw error;
    }
    await setTimeout(200);
  }
}

const to_addresses = [{ name: 'Bob', address: 'bob@example.com' }];

test(`each thing is done once, over ${ROUNDS} kills`, { timeout: 120_000 + ROUNDS * 60_000 }, async () => {
  let eventStore = await startEventStore(logFolder, '0');
  const { url } = eventStore;
  // The second finds the read model built, where it is the same one.
  for (const node of nodes) await start(node, url);
  const log = connectEventLog(url);
  const person = { email: 'ann@example.com', password: 'correct horse battery staple', display_name: 'Ann' };
  const ann = entered.parse(await post('/auth/register', person));
  token = ann.access_token;

  const made: Record<'titles' | 'recurring' | 'drafts' | 'logins', string[]> = { titles: [], recurring: [], drafts: [], logins: [] };

  /** A task and an event to be reminded of, one that recurs and is done, a letter to be sent, and a login of long ago. */
  async function give(title: string): Promise<void> {
    const remind_at = new Date(Date.now() + 500).toISOString();
    const [recurring, draft, login] = [v7(), v7(), v7()];
    made.titles.push(title);
    made.recurring.push(recurring);
    made.drafts.push(draft);
    made.logins.push(login);
    await post('/tasks', { id: v7(), title, remind_at });
    const starts_at = `${remind_at.slice(0, -4)}000Z`;
    await post('/calendar/events', { id: v7(), title, starts_at, ends_at: starts_at, reminder_minutes: [0] });
    await post('/tasks', { id: recurring, title: `${title}, again`, recurrence_rule: 'FREQ=DAILY' });
    await post(`/tasks/${recurring}/complete`);
    await post('/email-drafts', { id: draft, to_addresses, subject: title, body_text: 'At seven?' });
    await post(`/email-drafts/${draft}/send`);
    await append(login, title);
  }

  /** Nobody logs in two weeks ago: this is as it was then. */
  async function append(login: string, refresh_token_hash: string): Promise<void> {
    const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString();
    const event = loggedIn({ refresh_token_hash, expires_at: daysAgo(8), actor: 'user', user_agent: null, user_revision: 0 });
    const metadata = { user_id: ann.user.id, actor: 'user', at: daysAgo(9), $correlationId: login, $causationId: login } as const;
    const encoded = encode(event, metadata);
    for (let attempt = 1; ; attempt += 1) {
      try {
        await log.append(`login-${login}`, -1, [encoded]);
        return;
      } catch (error) {
        if (attempt > 10) throw error;
      }
    }
  }

  const victims = [['first'], ['second'], ['log'], ['first', 'second']] as const;
  let killed = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const given = Promise.all(Array.from({ length: AT_ONCE }, (_, number) => give(`${number} of round ${round}`)));
    await setTimeout(Math.random() * 2_000);
    await Promise.all(
      victims[round % victims.length]?.map(async (victim) => {
        if (victim === 'log') {
          await eventStore.kill();
          eventStore = await startEventStore(logFolder, new URL(url).port);
        } else {
          killed += 1;
          await end(victim, 'kill');
          await start(victim, url);
        }
      }) ?? [],
    );
    await given;
  }

  const tally = async () => {
    const events = await Array.fromAsync(log.readAll(null));
    const of = (type: string) => events.filter((event) => event.type === type).length;
    return {
      reminded: of('TaskReminded'),
      told: of('CalendarEventReminded'),
      made: of('TaskCreated'),
      expired: of('LoginExpired'),
      begun: of('EmailDraftSendStarted'),
    };
  };
  const all = made.titles.length;
  await expect
    .poll(tally, { timeout: 60_000 + ROUNDS * 10_000, interval: 500 })
    .toEqual({ reminded: all, told: all, made: 3 * all, expired: all, begun: all });
  // Time for whatever would do it again.
  await setTimeout(2_500);
  await log.close();
  await Promise.all(nodes.map((node) => end(node, 'stop')));
  await eventStore.stop();

  // A letter whose process was killed has no end yet. One that has the log for itself knows that it will get none from elsewhere.
  await start('first', undefined);
  const alone = running.first?.url ?? '';
  const underWay = async () => {
    const answer = await reader(alone, ann.access_token, 0n)('/email-drafts?status=scheduled,sending');
    return listed.parse(await answer.json()).items;
  };
  await expect.poll(underWay, { timeout: 20_000, interval: 200 }).toEqual([]);
  await end('first', 'stop');

  const events = await eventsOf();
  const streamsOf = (type: string) => events.filter((event) => event.type === type).map(({ stream }) => stream);
  expect(new Set(streamsOf('TaskReminded')).size).toBe(all);
  expect(streamsOf('TaskReminded').length).toBe(all);
  const told = events.filter(({ type }) => type === 'CalendarEventReminded').map(({ data }) => titled.parse(data).title);
  expect(told.toSorted()).toEqual(made.titles.toSorted());
  const titles = events.filter(({ type }) => type === 'TaskCreated').map(({ data }) => titled.parse(data).title);
  expect(titles.toSorted()).toEqual(made.titles.flatMap((title) => [title, `${title}, again`, `${title}, again`]).toSorted());
  expect(streamsOf('LoginExpired').toSorted()).toEqual(made.logins.map((login) => `login-${login}`).toSorted());

  const letters = made.drafts.map((id) => {
    const said = (text: string) => text.includes(id);
    const of = (type: string) => streamsOf(type).filter(said).length;
    return {
      begun: of('EmailDraftSendStarted'),
      sent: of('EmailDraftSent'),
      unknown: of('EmailDraftSendFailed'),
      emails: events.filter(({ type, data }) => type === 'EmailSent' && said(JSON.stringify(data))).length,
      delivered: server.delivered.filter(({ message }) => said(message)).length,
      logged: events.filter(({ type, data }) => type === 'IntegrationCallLogged' && said(JSON.stringify(data))).length,
    };
  });
  const once = { begun: 1, sent: 1, unknown: 0, emails: 1, delivered: 1, logged: 1 };
  const notKnown = { begun: 1, sent: 0, unknown: 1, emails: 0, delivered: expect.toBeOneOf([0, 1]), logged: 1 };
  for (const letter of letters) expect(letter).toEqual(letter.unknown === 0 ? once : notKnown);
  expect(letters.filter(({ unknown }) => unknown > 0).length).toBeLessThanOrEqual(MOST_UNDER_WAY * killed);
});

const listed = z.object({ items: z.array(z.unknown()) });

async function eventsOf(): Promise<LoggedEvent[]> {
  const eventStore = await startEmbeddedEventStore({ directory: logFolder });
  const log = connectEventLog(eventStore.connectionString);
  const events = await Array.fromAsync(log.readAll(null));
  await log.close();
  await eventStore.close();
  return events;
}

// The whole process is killed at random moments while it reminds and makes the next of what recurs, over and over. In the
// end each task has been reminded of once, and has one successor.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { startEmbeddedEventStore } from '../../src/eventstore/embedded/embedded.ts';
import { connectEventLog, type LoggedEvent } from '../../src/eventstore/log.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { killAll, startProcess } from '../support/process.ts';
import { all, reader } from './answers.ts';

const ROUNDS = Number(process.env.DAYBOOK_FAULT_ROUNDS ?? 2);
const TASKS = 40;
const folder = temporaryFolder();
const settings = { ACCESS_TOKEN_EXPIRE_MINUTES: '1440', SCHEDULE: '* * * * * *' };

afterAll(async () => {
  await killAll();
  rmSync(folder, { recursive: true, force: true });
});

const entered = z.object({ access_token: z.string() });
const identified = z.object({ id: z.string() });
const titled = z.object({ title: z.string() });

test(`each thing is done once, over ${ROUNDS} kills`, { timeout: 120_000 + ROUNDS * 60_000 }, async () => {
  let daybook = await startProcess(folder, settings);
  let token = '';
  const post = async (path: string, body?: object): Promise<unknown> => {
    const headers = {
      'content-type': 'application/json',
      prefer: 'return=representation',
      ...(token && { authorization: `Bearer ${token}` }),
    };
    const answer = await fetch(`${daybook.url}/api/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body ?? {}) });
    if (!answer.ok) throw new Error(`POST ${path} was answered with ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  const person = { email: 'ann@example.com', password: 'correct horse battery staple', display_name: 'Ann' };
  token = entered.parse(await post('/auth/register', person)).access_token;

  const titles: string[] = [];
  const ids: string[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    const remind_at = new Date(Date.now() + 1_000).toISOString();
    const created: string[] = [];
    for (let number = 1; number <= TASKS; number += 1) {
      const title = `task ${number} of round ${round}`;
      titles.push(title);
      created.push(identified.parse(await post('/tasks', { title, remind_at })).id);
      const recurring = identified.parse(await post('/tasks', { title: `${title}, again`, recurrence_rule: 'FREQ=DAILY' })).id;
      ids.push(recurring);
    }
    // Reminding begins meanwhile; what is not answered before the kill is sent again at the end.
    const sent = ids.slice(-TASKS).map((id) => post(`/tasks/${id}/complete`).catch(() => {}));
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 1_500));
    await daybook.kill();
    await Promise.all(sent);
    daybook = await startProcess(folder, settings);
  }
  for (const id of ids) await post(`/tasks/${id}/complete`);
  const read = reader(daybook.url, token, 0n);
  /** What is open: the tasks to be reminded of, those that were, and the next of those that are done. */
  const open = async () => {
    const tasks = await Array.fromAsync(all(read, '/tasks?status=todo'));
    return { tasks: tasks.length, reminded: tasks.filter(({ reminded_at }) => reminded_at !== null).length };
  };
  await expect
    .poll(open, { timeout: 60_000 + ROUNDS * 10_000, interval: 500 })
    .toEqual({ tasks: 2 * titles.length, reminded: titles.length });
  // Time for whatever would do it again.
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  await daybook.stop();

  const events = await eventsOf();
  const remindersOf = new Map<string, number>();
  for (const { stream } of events.filter(({ type }) => type === 'TaskReminded'))
    remindersOf.set(stream, (remindersOf.get(stream) ?? 0) + 1);
  expect([...remindersOf.values()]).toEqual(titles.map(() => 1));
  const made = events.filter(({ type }) => type === 'TaskCreated').map(({ data }) => titled.parse(data).title);
  expect(made.toSorted()).toEqual(titles.flatMap((title) => [title, `${title}, again`, `${title}, again`]).toSorted());
});

async function eventsOf(): Promise<LoggedEvent[]> {
  const eventStore = await startEmbeddedEventStore({ directory: join(folder, 'eventstore') });
  const log = connectEventLog(eventStore.connectionString);
  const events = await Array.fromAsync(log.readAll(null));
  await log.close();
  await eventStore.close();
  return events;
}

// The whole process is killed at random moments under 32 concurrent writers, over and over. What it acknowledged is noted
// outside of it, and after each start all of that is there and every query answers as the notes say; what was without an
// answer is repeated with its key and is there once.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { startEmbeddedEventStore } from '../../src/eventstore/embedded/embedded.ts';
import { connectEventLog, type LoggedEvent } from '../../src/eventstore/log.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { killAll, launch, startProcess } from '../support/process.ts';
import { all, everything, headOf, LOGINS, type Reader, reader } from './answers.ts';
import { kinds } from './kinds.ts';
import { contradictions, type Fields, noNotes } from './notes.ts';
import { ACCOUNT, type Account, createGate, write } from './writer.ts';

const ROUNDS = Number(process.env.DAYBOOK_FAULT_ROUNDS ?? 1);
const SEED = Number(process.env.DAYBOOK_FAULT_SEED ?? Date.now() % 2 ** 31);
const WRITERS = 32;
const USERS = 4;
/** How many things of each person are asked for alone after a kill, beside what all lists say. In the end it is all of them. */
const SAMPLE = 50;
const settings = { ACCESS_TOKEN_EXPIRE_MINUTES: '1440' };

const folder = temporaryFolder();
const random = randomFrom(SEED);

afterAll(async () => {
  await killAll();
  rmSync(folder, { recursive: true, force: true });
});

test(`nothing acknowledged is lost by ${ROUNDS} kills (DAYBOOK_FAULT_SEED=${SEED})`, { timeout: 300_000 + ROUNDS * 30_000 }, async () => {
  let daybook = await startProcess(folder, settings);

  const accounts = await Promise.all(Array.from({ length: USERS }, (_, number) => register(daybook.url, number)));
  const gate = createGate(WRITERS);
  const { counted } = gate.server;
  const writers = Array.from({ length: WRITERS }, (_, number) =>
    write(gate.server, accounts[number % USERS] ?? fail(), `writer-${number}`, randomFrom(SEED + 1 + number), number < USERS),
  );
  // A writer that throws ends the test with what it met.
  const failed = Promise.race(writers.map((writer) => writer.then(() => new Promise<never>(() => {}))));
  const unlessFailed = <T>(work: Promise<T>): Promise<T> => Promise.race([work, failed]);

  // The busier the machine, the longer it takes to get anything done that a kill could undo.
  const untilAcknowledged = async (count: number) => {
    while (counted.acknowledged < count) await pause(5);
  };

  for (let round = 1; round <= ROUNDS; round += 1) {
    gate.open(daybook.url);
    await unlessFailed(untilAcknowledged(counted.acknowledged + random() * 250));
    const { quiet } = gate.close();
    await daybook.kill();
    await unlessFailed(quiet);
    // A start is a moment like any other.
    while (random() < 0.25) {
      const start = launch(folder, settings);
      await pause(random() * 1_500);
      await start.kill();
    }
    daybook = await startProcess(folder, settings);
    expect(await unlessFailed(whatContradicts(daybook.url, accounts, SAMPLE)), `after kill ${round}`).toEqual([]);
  }

  gate.open(daybook.url);
  await unlessFailed(untilAcknowledged(counted.acknowledged + 50));
  await unlessFailed(gate.close().quiet);
  gate.open(undefined);
  await Promise.all(writers);
  expect(accounts.flatMap(({ notes }) => [...notes.unborn.keys()])).toEqual([]);
  expect(await whatContradicts(daybook.url, accounts)).toEqual([]);
  expect(counted.unanswered, 'a kill that nobody notices tests nothing').toBeGreaterThan(0);
  const before = await answers(daybook.url, accounts);

  await daybook.stop();
  rmSync(join(folder, 'postgres'), { recursive: true });
  daybook = await startProcess(folder, settings);
  expect(daybook.output()).toContain('Building the read model from the event log');
  expect(await answers(daybook.url, accounts)).toEqual(before);
  expect(await whatContradicts(daybook.url, accounts)).toEqual([]);
  await daybook.stop();

  const events = await eventsIn(folder);
  expect(whatIsWrongWith(events)).toEqual([]);
  console.log(`${counted.acknowledged} commands acknowledged, ${counted.unanswered} repeated, ${events.length} events, ${ROUNDS} kills`);
});

const fields = z.record(z.string(), z.unknown());
const includes = (whole: Fields, part: Fields) =>
  Object.entries(part).every(([name, value]) => JSON.stringify(value) === JSON.stringify(whole[name]));

async function register(url: string, number: number): Promise<Account> {
  const response = await fetch(`${url}/api/v1/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: `person-${number}@example.org`, password: 'a password of the tests', display_name: `Person ${number}` }),
  });
  const { access_token } = z.object({ access_token: z.string() }).parse(await response.json());
  const notes = noNotes();
  notes.entities.set(ACCOUNT, { now: { display_name: `Person ${number}`, version: 0 }, perhaps: undefined });
  const logins = await Array.fromAsync(all(reader(url, access_token, await headOf(url, access_token)), LOGINS));
  for (const { id, ...login } of logins) notes.entities.set(`${LOGINS}/${id}`, { now: login, perhaps: undefined });
  return { token: access_token, notes };
}

const isListed = (path: string) => !kinds.some(({ collection, list }) => list === undefined && path.startsWith(`${collection}/`));

async function whatContradicts(url: string, accounts: readonly Account[], sample = Number.POSITIVE_INFINITY): Promise<string[]> {
  const lines = accounts.map(async ({ token, notes }) => {
    const head = await headOf(url, token);
    if (head < notes.position) return [`the log ends at ${head}, before what was acknowledged at ${notes.position}`];
    const read = reader(url, token, head);
    const found = await everything(read);
    const isAsked = () => random() < sample / notes.entities.size;
    const entities = new Map([...notes.entities].filter(([path, { perhaps }]) => isListed(path) || perhaps !== undefined || isAsked()));
    for (const path of [...entities.keys()].filter((path) => !isListed(path))) {
      const answer = await read(path);
      if (answer.status === 200) found.set(path, fields.parse(await answer.json()));
      else await answer.body?.cancel();
    }
    const lines = contradictions({ ...notes, entities }, found);
    for (const path of [...entities.keys()].filter((path) => isListed(path) && !path.startsWith(LOGINS) && isAsked())) {
      const answer = await read(path);
      const alone = await answer.text();
      const listed = found.get(path);
      // A list may leave out what is long.
      const isAlike = listed === undefined ? answer.status === 404 : includes(fields.parse(JSON.parse(alone)), listed);
      if (!isAlike) lines.push(`${path} alone is ${answer.status} ${alone}, and in its list ${JSON.stringify(listed)}`);
      const version = notes.entities.get(path)?.now?.version;
      if (listed !== undefined && version !== undefined) lines.push(...(await whatIsToldWronglyOf(path, listed, read)));
    }
    return lines;
  });
  return (await Promise.all(lines)).flat();
}

/** Its history has each of its events once, and the timeline says what it says of them in the same order. */
async function whatIsToldWronglyOf(path: string, { id, version }: Fields, read: Reader): Promise<string[]> {
  const { items: history } = told.parse(await (await read(`${path}/history?limit=200`)).json());
  const timeline = await Array.fromAsync(all(read, `/activities?entity_id=${id}`), (each) => activity.parse(each));
  const isSaid = new Set(timeline.map(({ activity_type }) => activity_type));
  const expected = history.filter(({ type }) => isSaid.has(type)).map(({ type, position }) => `${type} at ${position}`);
  // A login is in a stream of its own, and the timeline has it with the account.
  const inStream = timeline.filter(({ activity_type }) => activity_type !== 'LoggedIn');
  const found = inStream.map(({ activity_type, log_position }) => `${activity_type} at ${log_position}`).reverse();
  const lines: string[] = [];
  if (history.some(({ revision }, index) => revision !== index) || history.length - 1 !== version)
    lines.push(`${path} has version ${version}, and its history is ${history.map(({ revision }) => revision)}`);
  if (found.length === 0 || found.join() !== expected.join()) lines.push(`the timeline says of ${path} ${found}, and not ${expected}`);
  return lines;
}

const told = z.object({ items: z.array(z.object({ type: z.string(), revision: z.int(), position: z.int() })) });
const activity = z.object({ activity_type: z.string(), log_position: z.int() });

const bodyOf = async (answer: Response) => (answer.status === 200 ? answer.text() : answer.body?.cancel());

/** All that these people can read, and what the writers know that no list has. */
const answers = (url: string, accounts: readonly Account[]) =>
  Promise.all(
    accounts.map(async ({ token, notes }) => {
      const read = reader(url, token, await headOf(url, token));
      const unlisted = [...notes.entities.keys()].filter((path) => !isListed(path));
      return [
        ...(await everything(read)),
        ...(await Promise.all(unlisted.map(async (path) => bodyOf(await read(path))))),
        ...(await Array.fromAsync(all(read, '/activities'))),
      ];
    }),
  );

async function eventsIn(dataFolder: string): Promise<readonly LoggedEvent[]> {
  const store = await startEmbeddedEventStore({ directory: join(dataFolder, 'eventstore') });
  const log = connectEventLog(store.connectionString);
  const events = await Array.fromAsync(log.readAll(null));
  await log.close();
  await store.close();
  return events;
}

/** Each stream is whole, and each command with a key is in one place, with events that came of one append. */
function whatIsWrongWith(events: readonly LoggedEvent[]): string[] {
  const lines: string[] = [];
  const revisions = new Map<string, number>();
  const places = new Map<string, { stream: string; revision: number; at: string }>();
  let position = -1n;
  for (const { stream, revision, type, metadata, ...event } of events) {
    if (event.position <= position) lines.push(`${stream}@${revision} is not after the event before it`);
    position = event.position;
    if (revision !== (revisions.get(stream) ?? -1) + 1) lines.push(`${stream} has a gap before ${revision}`);
    revisions.set(stream, revision);
    const { success, data } = z.object({ command_id: z.string(), at: z.string() }).safeParse(metadata);
    // What holds a key to one id is beside what was done with it.
    if (!success || type === 'IdempotencyKeyUsed') continue;
    const { command_id, at } = data;
    const before = places.get(command_id);
    if (before && (before.stream !== stream || before.revision !== revision - 1 || before.at !== at))
      lines.push(`${type} at ${stream}@${revision} is a repetition`);
    places.set(command_id, { stream, revision, at });
  }
  return lines;
}

function fail(): never {
  throw new Error('there is no such account');
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

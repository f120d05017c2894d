// Daybook is killed while it speaks with a mail server, at each place where that makes a difference, and started again on what
// is left. Nobody gets a letter twice unless a person says so, and what is said of it is true.
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { startMailServer, type TestMailServer } from '../support/mailServer.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { type DaybookProcess, killAll, startProcess } from '../support/process.ts';

const folder = temporaryFolder();
type Place = 'mailFrom' | 'recipient' | 'data' | 'taken' | 'acknowledged';
/** Where in the next conversation Daybook is killed. */
let killAt: Place | undefined;
let killed = Promise.withResolvers<void>();
let server: TestMailServer;
let daybook: DaybookProcess;
let token: string | undefined;

/** Goes on, as a mail server does, whatever becomes of who is speaking. */
const killing = (place: Place) => async () => {
  if (killAt !== place) return;
  killAt = undefined;
  await daybook.kill();
  killed.resolve();
};

beforeAll(async () => {
  server = await startMailServer({
    mailFrom: killing('mailFrom'),
    recipient: killing('recipient'),
    data: killing('data'),
    taken: killing('taken'),
  });
  daybook = await start();
  const account = { email: 'ann@example.com', password: 'correct horse battery staple', display_name: 'Ann' };
  token = z.object({ access_token: z.string() }).parse(await ask('POST', '/auth/register', account)).access_token;
}, 120_000);
afterAll(async () => {
  await killAll();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const start = () => startProcess(folder, { SMTP_URL: server.url, SCHEDULE: '* * * * * *', ACCESS_TOKEN_EXPIRE_MINUTES: '60' });

async function ask(method: string, path: string, body?: object): Promise<unknown> {
  const answer = await fetch(`${daybook.url}/api/v1${path}`, {
    method,
    headers: { ...(token && { authorization: `Bearer ${token}` }), ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return text === '' ? undefined : JSON.parse(text);
}

const draft = z.looseObject({ id: z.string(), status: z.string() });
const messageIdOf = (message: string) => /^Message-ID: (.*)\r$/im.exec(message)?.[1];

/** Has a draft sent, kills Daybook at that place, and starts it again. */
async function killedAt(place: Place) {
  const to_addresses = [{ name: 'Bob', address: 'bob@example.com' }];
  const { id } = draft.parse(await ask('POST', '/email-drafts', { to_addresses, subject: place, body_text: 'At seven?' }));
  const path = `/email-drafts/${id}`;
  const messageIds = () => server.delivered.map(({ message }) => messageIdOf(message)).filter((messageId) => messageId?.includes(id));
  killAt = place;
  killed = Promise.withResolvers();
  // The answer may be lost with the process; what was said is in the log.
  await ask('POST', `${path}/send`).catch(() => {});
  if (place === 'acknowledged') {
    await expect.poll(() => messageIds().length, { timeout: 20_000, interval: 1 }).toBe(1);
    await killing(place)();
  }
  await killed.promise;
  daybook = await start();
  const status = async () => draft.parse(await ask('GET', path)).status;
  await expect.poll(status, { timeout: 20_000 }).toMatch(/^(unknown|sent)$/);
  // What would be sent again by itself would be sent at one of these ticks.
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  return { path, messageIds, status };
}

test.for([
  ['before the message', 'mailFrom'],
  ['before the message, with its recipients told', 'recipient'],
  ['within the message', 'data'],
  ['after the message, before the server has said that it has it', 'taken'],
] as const)('killed %s, it is not known whether it was sent, and a person decides', { timeout: 120_000 }, async ([, place]) => {
  const { path, messageIds, status } = await killedAt(place);
  expect(await status()).toBe('unknown');
  // Of a message that has come to its end, a server may take care whoever sent it has gone.
  const before = messageIds();
  expect(before.length).toBeLessThanOrEqual(place === 'mailFrom' || place === 'recipient' ? 0 : 1);
  expect(await ask('POST', `${path}/send`)).toMatchObject({ status: 409, type: 'urn:daybook:problem:draft-unknown' });

  await ask('POST', `${path}/send`, { again: true });
  await expect.poll(status, { timeout: 20_000 }).toBe('sent');
  expect(messageIds().length).toBe(before.length + 1);
  // Whoever has it twice can see that it is one.
  expect(new Set(messageIds()).size).toBe(1);
});

test('killed once the server has said that it has it, it was sent once, and nothing else is said of it', { timeout: 120_000 }, async () => {
  const { path, messageIds, status } = await killedAt('acknowledged');
  expect(messageIds().length).toBe(1);
  if ((await status()) === 'unknown') {
    await ask('DELETE', path);
    expect(await status()).toBe('discarded');
  }
  expect(messageIds().length).toBe(1);
});

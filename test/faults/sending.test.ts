// Daybook is killed while it speaks with a mail server, at each place where that makes a difference, and started again on what
// is left. Nobody gets a letter twice unless a person says so, and what is said of it is true.
import { rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { startMailServer, type TestMailServer } from '../support/mailServer.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { type DaybookProcess, killAll, startEventStore, startProcess } from '../support/process.ts';

const folder = temporaryFolder();
type Place = 'recipient' | 'data' | 'taken' | 'acknowledged';
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
    recipient: killing('recipient'),
    data: killing('data'),
    taken: killing('taken'),
  });
  daybook = await start();
  const account = { email: 'ann@example.com', password: 'correct horse battery staple', display_name: 'Ann' };
  token = z.object({ access_token: z.string() }).parse(await ask('POST', '/auth/register', account)).access_token;
  for (const place of ['recipient', 'data', 'taken', 'acknowledged'] as const) letters.set(place, await killedAt(place));
  // What would be sent again by itself would be sent at one of these ticks.
  await new Promise((resolve) => setTimeout(resolve, 2_500));
}, 240_000);
afterAll(async () => {
  await killAll();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const start = (more: Readonly<Record<string, string>> = {}) =>
  startProcess(folder, { SMTP_URL: server.url, SCHEDULE: '* * * * * *', ACCESS_TOKEN_EXPIRE_MINUTES: '60', ...more });

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

type Letter = Awaited<ReturnType<typeof killedAt>>;
const letters = new Map<Place, Letter>();
function letterOf(place: Place): Letter {
  const letter = letters.get(place);
  if (!letter) throw new Error(`Daybook was not killed at ${place}`);
  return letter;
}

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
    await vi.waitFor(() => expect(messageIds().length).toBe(1), { timeout: 20_000, interval: 1 });
    await killing(place)();
  }
  await killed.promise;
  daybook = await start();
  const status = async () => draft.parse(await ask('GET', path)).status;
  await vi.waitFor(async () => expect(await status()).toMatch(/^(unknown|sent)$/), { timeout: 20_000 });
  const calls = async () =>
    (await ask('GET', '/integration-logs').then(logs.parse)).items.filter(({ request }) => request.message_id.includes(id));
  return { path, messageIds, status, calls };
}

const logs = z.object({ items: z.array(z.object({ status: z.string(), request: z.object({ message_id: z.string() }) })) });

test.for([
  ['before the message', 'recipient'],
  ['within the message', 'data'],
  ['after the message, before the server has said that it has it', 'taken'],
] as const)('killed %s, it is not known whether it was sent, and a person decides', { timeout: 120_000 }, async ([, place]) => {
  const { path, messageIds, status, calls } = letterOf(place);
  expect(await status()).toBe('unknown');
  expect((await calls()).map((call) => call.status)).toEqual(['failed']);
  // Of a message that has come to its end, a server may take care whoever sent it has gone.
  const before = messageIds();
  expect(before.length).toBeLessThanOrEqual(place === 'recipient' ? 0 : 1);
  expect(await ask('POST', `${path}/send`)).toMatchObject({ status: 409, type: 'urn:daybook:problem:draft-unknown' });

  await ask('POST', `${path}/send`, { again: true });
  await expect.poll(status, { timeout: 20_000 }).toBe('sent');
  expect(messageIds().length).toBe(before.length + 1);
  expect((await calls()).map((call) => call.status)).toEqual(['succeeded', 'failed']);
  // Whoever has it twice can see that it is one.
  expect(new Set(messageIds()).size).toBe(1);
});

test('killed once the server has said that it has it, it was sent once, and nothing else is said of it', { timeout: 120_000 }, async () => {
  const { path, messageIds, status, calls } = letterOf('acknowledged');
  expect(messageIds().length).toBe(1);
  expect((await calls()).map((call) => call.status)).toEqual([(await status()) === 'sent' ? 'succeeded' : 'failed']);
  if ((await status()) === 'unknown') {
    await ask('DELETE', path);
    expect(await status()).toBe('discarded');
  }
  expect(messageIds().length).toBe(1);
});

test('killed when the log has the email, and not that the draft was sent, it was sent once', { timeout: 120_000 }, async () => {
  await daybook.stop();
  const eventStore = await startEventStore(join(folder, 'eventstore'), '0');
  const way = await wayTo(Number(new URL(eventStore.url).port), 'EmailDraftSent', async () => {
    await daybook.kill();
    killed.resolve();
  });
  daybook = await start({ EVENTSTORE_URL: `esdb://127.0.0.1:${way.port}?tls=false` });
  killed = Promise.withResolvers();
  const to_addresses = [{ name: 'Bob', address: 'bob@example.com' }];
  const { id } = draft.parse(await ask('POST', '/email-drafts', { to_addresses, subject: 'Nearly', body_text: 'At seven?' }));
  await ask('POST', `/email-drafts/${id}/send`).catch(() => {});
  await killed.promise;
  way.close();
  await eventStore.stop();

  daybook = await start();
  const read = async () => draft.parse(await ask('GET', `/email-drafts/${id}`));
  await expect.poll(async () => (await read()).status, { timeout: 20_000 }).toBe('sent');
  expect(server.delivered.filter(({ message }) => message.includes(id)).length).toBe(1);
  const { items } = z.object({ items: z.array(z.looseObject({ id: z.string(), subject: z.string() })) }).parse(await ask('GET', '/emails'));
  expect(items.filter(({ subject }) => subject === 'Nearly').map((email) => email.id)).toEqual([(await read()).sent_email_id]);
});

/** A way to a port of this machine, until a word comes by: that and what follows it does not get there. */
async function wayTo(port: number, word: string, then: () => Promise<void>) {
  const sockets = new Set<Socket>();
  let isOpen = true;
  const way = createServer((from) => {
    const to = connect(port, '127.0.0.1');
    for (const socket of [from, to]) sockets.add(socket.on('error', () => {}));
    to.pipe(from);
    from.on('data', (chunk) => {
      if (isOpen && chunk.includes(word)) {
        isOpen = false;
        void then();
      }
      if (isOpen) to.write(chunk);
    });
  });
  await new Promise<void>((resolve) => way.listen(0, '127.0.0.1', resolve));
  const address = way.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close: () => {
      way.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

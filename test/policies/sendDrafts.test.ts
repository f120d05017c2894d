// A letter is a few steps: it is counted, begun, the mail server takes it, the email is in the log, then the call, then that the draft
// was sent. A crash between any two of them leaves one outcome, whoever looks at the draft afterwards, and how often.
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { sendsOf } from '../../src/commands/emails/allowance.ts';
import { createCommandHandler } from '../../src/commands/handle.ts';
import type { EventLog } from '../../src/eventstore/log.ts';
import type { PolicyServices } from '../../src/policies/policy.ts';
import { giveUpOn, sendDraft } from '../../src/policies/sendDrafts.ts';
import { deriveSecrets } from '../../src/secrets.ts';
import { type MailServer, mailServer } from '../../src/smtp.ts';
import { createTokens } from '../../src/tokens.ts';
import { secrets, startDaybook, type TestDaybook } from '../support/daybook.ts';
import { startMailServer, type TestMailServer } from '../support/mailServer.ts';
import { idOf, type Person, pageOf, register, T0 } from '../support/person.ts';

const A_DAY = 20;
let server: TestMailServer;
let daybook: TestDaybook;
let ann: Person;

beforeAll(async () => {
  vi.setSystemTime(T0);
  server = await startMailServer();
  daybook = await startDaybook({ SMTP_URL: server.url, MAX_SENDS_PER_DAY: String(A_DAY) });
  ann = await register(daybook.app);
});
afterAll(async () => {
  await daybook.close();
  await server.close();
});

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** A process with its own memory. */
const processOn = (log: EventLog): PolicyServices => ({
  log,
  database: daybook.database,
  logger: silent,
  commandHandler: createCommandHandler({
    log,
    blobs: daybook.blobs,
    secrets: deriveSecrets(secrets.masterKey),
    tokens: createTokens(secrets.jwtSecret, 15),
    settings: { refreshTokenExpireDays: 30, adminEmails: [], sendsPerDay: A_DAY },
  }),
});

/** The log of a process that dies before its `at`-th append (from 1). */
function dyingBefore(at: number): EventLog {
  let appends = 0;
  const append: EventLog['append'] = async (...appended) => {
    appends += 1;
    if (appends >= at) throw new Error('died');
    return daybook.log.append(...appended);
  };
  return { ...daybook.log, append };
}

const living = new AbortController().signal;
const taking = () => mailServer(server.url, 20_000);
/** Of a process that dies before it hears how that ended. */
const dying = (send?: MailServer['send']): MailServer => ({
  host: '127.0.0.1',
  send: async (letter) => {
    await send?.(letter);
    throw new Error('died');
  },
});
const typesIn = async (stream: string) => {
  const types: string[] = [];
  for await (const { type } of daybook.log.readStream(stream, 0)) types.push(type);
  return types;
};
const draft = z.looseObject({ status: z.string(), sent_email_id: z.string().nullable() });
const ends = { begun: 'EmailDraftSendStarted', sent: 'EmailDraftSent', failed: 'EmailDraftSendFailed' };

let next = 700;
/** Has a process that dies at some point send a draft, then two others look at it at once, and then again. */
async function sentBy(process: PolicyServices, mail: MailServer) {
  next += 1;
  const id = idOf(next);
  await ann.post('/email-drafts', { id, to_addresses: [{ address: 'bob@example.com' }], subject: 'Dinner', body_text: 'At seven?' });
  await ann.post(`/email-drafts/${id}/send`);
  await sendDraft(process, mail, id, living).catch((error: unknown) => expect(error).toMatchObject({ message: 'died' }));
  for (let look = 1; look <= 2; look += 1) {
    const others = [processOn(daybook.log), processOn(daybook.log)];
    await Promise.all(others.map(({ commandHandler: { services } }) => giveUpOn(services, '127.0.0.1', id, '2999-01-01T00:00:00.000Z')));
    await Promise.all(others.map((other) => sendDraft(other, taking(), id, living)));
  }
  await daybook.settled();
  const { status, sent_email_id } = draft.parse((await ann.get(`/email-drafts/${id}`)).body);
  const letters = await Array.fromAsync(daybook.log.readAll(null));
  const emails = letters.filter(({ type, data }) => type === 'EmailSent' && JSON.stringify(data).includes(id));
  if (sent_email_id !== null) expect(emails.map(({ stream }) => stream)).toEqual([`email-${sent_email_id}`]);
  const delivered = server.delivered.filter(({ message }) => message.includes(id)).length;
  const [, , ...types] = await typesIn(`emailDraft-${id}`);
  const logs = pageOf((await ann.get('/integration-logs')).body).items.filter((log) => JSON.stringify(log).includes(id));
  const calls = logs.map(({ status, response, error }) => ({ status, response, error }));
  return { status, isThere: sent_email_id !== null, emails: emails.length, delivered, types, calls };
}

const taken = { status: 'succeeded', response: { response: expect.stringMatching(/^250/), refused: 0 }, error: null };
const sent = { status: 'sent', isThere: true, emails: 1, delivered: 1, types: [ends.begun, ends.sent], calls: [taken] };
const lost = { status: 'failed', response: { outcome: 'unknown' }, error: 'Daybook ended while this was being sent.' };
const unknown = { status: 'unknown', isThere: false, emails: 0, types: [ends.begun, ends.failed], calls: [lost] };
const refusing = (): MailServer => ({ host: '127.0.0.1', send: async () => ({ outcome: 'not_sent', error: '550 No' }) });
const refused = { status: 'failed', response: { outcome: 'not_sent' }, error: '550 No' };

test.for([
  ['before it is counted', sent, 1, taking],
  ['before it is begun', sent, 2, taking],
  ['once it is begun', { ...unknown, delivered: 0 }, 9, () => dying()],
  ['when the mail server has taken it, and not said so', { ...unknown, delivered: 1 }, 9, () => dying(taking().send)],
  ['before the email is in the log', { ...unknown, delivered: 1 }, 3, taking],
  ['before the call is logged', { ...sent, calls: [{ ...taken, response: { response: null, refused: 0 } }] }, 4, taking],
  ['between the call and that the draft was sent', sent, 5, taking],
  ['after all of it', sent, 9, taking],
  ['when it was refused, before the call is logged', { ...unknown, delivered: 0 }, 3, refusing],
  ['between the call that was refused and that the draft was not sent', { ...unknown, delivered: 0, calls: [refused] }, 4, refusing],
  ['after all of it that was refused', { ...unknown, status: 'failed', delivered: 0, calls: [refused] }, 9, refusing],
] as const)('a crash %s', async ([, outcome, at, mail]) => {
  expect(await sentBy(processOn(dyingBefore(at)), mail())).toEqual(outcome);
  const counted = await Array.fromAsync(daybook.log.readStream(`emailSends-${sendsOf(ann.id, T0)}`, 0));
  expect(counted.filter(({ data }) => JSON.stringify(data).includes(idOf(next))).length).toBe(1);
});

test('no more is sent in a day than may be, by however many processes, and nothing of it is lost', async () => {
  const bob = await register(daybook.app, 'Bob');
  const to_addresses = Array.from({ length: 8 }, (_, n) => ({ address: `guest-${n}@example.com` }));
  const ids = [791, 792, 793].map(idOf);
  for (const id of ids) {
    await bob.post('/email-drafts', { id, to_addresses, subject: 'Dinner', body_text: 'At seven?' });
    expect((await bob.post(`/email-drafts/${id}/send`)).status).toBe(200);
  }
  const processes = [processOn(daybook.log), processOn(daybook.log)];
  await Promise.all(ids.flatMap((id) => processes.map((process) => sendDraft(process, taking(), id, living))));
  await daybook.settled();
  const drafts = await Promise.all(ids.map(async (id) => draft.parse((await bob.get(`/email-drafts/${id}`)).body)));
  expect(drafts.map(({ status }) => status).toSorted()).toEqual(['failed', 'sent', 'sent']);
  expect(server.delivered.filter(({ message }) => ids.some((id) => message.includes(id))).length).toBe(2);

  const left = ids[drafts.findIndex(({ status }) => status === 'failed')];
  const said = 'In a day (UTC), no more than 20 recipients can be sent emails.';
  expect(pageOf((await bob.get(`/activities?entity_id=${left}`)).body).items[0]).toMatchObject({
    activity_type: 'EmailDraftSendFailed',
    details: { outcome: 'not_sent', error: `too-many-sends: ${said}` },
  });
  expect(await bob.post(`/email-drafts/${left}/send`)).toMatchObject({
    status: 429,
    headers: { 'retry-after': expect.stringMatching(/^\d+$/) },
    body: { type: 'urn:daybook:problem:too-many-sends', detail: said },
  });
  // To fewer there is room.
  await bob.patch(`/email-drafts/${left}`, { to_addresses: to_addresses.slice(0, 4) });
  expect((await bob.post(`/email-drafts/${left}/send`)).status).toBe(200);
});

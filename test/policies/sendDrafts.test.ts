// A letter is a few steps: it is begun, the mail server takes it, the email is in the log, then that the draft was sent, then
// the call. A crash between any two of them leaves one outcome, whoever looks at the draft afterwards, and how often.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { createCommandHandler } from '../../src/commands/handle.ts';
import type { EventLog } from '../../src/eventstore/log.ts';
import type { PolicyServices } from '../../src/policies/policy.ts';
import { giveUpOn, sendDraft } from '../../src/policies/sendDrafts.ts';
import { deriveSecrets } from '../../src/secrets.ts';
import { type MailServer, mailServer } from '../../src/smtp.ts';
import { createTokens } from '../../src/tokens.ts';
import { secrets, startDaybook, type TestDaybook } from '../support/daybook.ts';
import { startMailServer, type TestMailServer } from '../support/mailServer.ts';
import { idOf, type Person, register } from '../support/person.ts';

let server: TestMailServer;
let daybook: TestDaybook;
let ann: Person;

beforeAll(async () => {
  server = await startMailServer();
  daybook = await startDaybook({ SMTP_URL: server.url });
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
    settings: { refreshTokenExpireDays: 30, adminEmails: [], sendsEmail: true },
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
    await Promise.all(others.map(({ commandHandler: { services } }) => giveUpOn(services, id, '2999-01-01T00:00:00.000Z')));
    await Promise.all(others.map((other) => sendDraft(other, taking(), id, living)));
  }
  const head = await daybook.log.head();
  if (head !== null) await daybook.projector?.reached(head, 20_000);
  const { status, sent_email_id } = draft.parse((await ann.get(`/email-drafts/${id}`)).body);
  const letters = await Array.fromAsync(daybook.log.readAll(null));
  const emails = letters.filter(({ type, data }) => type === 'EmailSent' && JSON.stringify(data).includes(id));
  if (sent_email_id !== null) expect(emails.map(({ stream }) => stream)).toEqual([`email-${sent_email_id}`]);
  const delivered = server.delivered.filter(({ message }) => message.includes(id)).length;
  const [, , ...types] = await typesIn(`emailDraft-${id}`);
  return { status, isThere: sent_email_id !== null, emails: emails.length, delivered, types };
}

const sent = { status: 'sent', isThere: true, emails: 1, delivered: 1, types: [ends.begun, ends.sent] };
const unknown = { status: 'unknown', isThere: false, emails: 0, types: [ends.begun, ends.failed] };

test.for([
  ['before it is begun', sent, 1, taking],
  ['once it is begun', { ...unknown, delivered: 0 }, 9, () => dying()],
  ['when the mail server has taken it, and not said so', { ...unknown, delivered: 1 }, 9, () => dying(taking().send)],
  ['before the email is in the log', { ...unknown, delivered: 1 }, 2, taking],
  ['between the email and that the draft was sent', sent, 3, taking],
  ['before the call is logged', sent, 4, taking],
  ['after all of it', sent, 9, taking],
] as const)('a crash %s', async ([, outcome, at, mail]) => {
  expect(await sentBy(processOn(dyingBefore(at)), mail())).toEqual(outcome);
});

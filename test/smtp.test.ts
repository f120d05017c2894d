// What a mail server is sent, and what is believed of how that ended.
import { connect, createServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { LONGEST_TRY_MS } from '../src/policies/sendDrafts.ts';
import { type Letter, mailServer } from '../src/smtp.ts';
import { headersOf, startMailServer, type TestMailServer } from './support/mailServer.ts';

let server: TestMailServer | undefined;
afterEach(() => server?.close());

const letter: Letter = {
  from: { name: 'Ann Österreicher', address: 'ann@example.com' },
  to: [{ name: 'Bob', address: 'bob@example.com' }],
  cc: [{ name: null, address: 'cleo@example.com' }],
  bcc: [{ name: 'Dora', address: 'dora@example.com' }],
  subject: 'Dinner',
  text: 'At seven?\n.\nA line with a dot alone.',
  html: '<p>At seven?</p>',
  messageId: '<1@example.com>',
  inReplyTo: '<0@example.com>',
  references: ['<root@example.com>', '<0@example.com>'],
  date: '2026-11-24T07:08:03.000Z',
};

async function send(at: Parameters<typeof startMailServer>[0] = {}, changes: Partial<Letter> = {}) {
  server = await startMailServer(at);
  return mailServer(server.url, LONGEST_TRY_MS).send({ ...letter, ...changes });
}
const refusal = (responseCode: number, message: string) => Object.assign(new Error(message), { responseCode });

describe('a letter', () => {
  test('goes to everybody, and says nothing of who is sent it in secret', async () => {
    expect(await send()).toMatchObject({ outcome: 'sent', refused: [] });
    const [delivered] = server?.delivered ?? [];
    expect(delivered).toMatchObject({ from: 'ann@example.com', to: ['bob@example.com', 'cleo@example.com', 'dora@example.com'] });
    const message = delivered?.message ?? '';
    expect(headersOf(message)).toEqual({
      from: '=?UTF-8?Q?Ann_=C3=96sterreicher?= <ann@example.com>',
      to: 'Bob <bob@example.com>',
      cc: 'cleo@example.com',
      subject: 'Dinner',
      'message-id': '<1@example.com>',
      'in-reply-to': '<0@example.com>',
      references: '<root@example.com> <0@example.com>',
      date: 'Tue, 24 Nov 2026 07:08:03 +0000',
      'mime-version': '1.0',
      'content-type': expect.stringMatching(/^multipart\/alternative; boundary=/),
    });
    expect(message).not.toContain('dora');
    expect(message).toContain('At seven?\r\n.\r\nA line with a dot alone.');
    expect(message).toMatch(/text\/plain[\s\S]*text\/html[\s\S]*<p>At seven\?<\/p>/);
  });

  test.for([
    ['text', { html: null }, /^text\/plain/],
    ['HTML', { text: null }, /^text\/html/],
    ['nothing', { text: null, html: null, subject: null, inReplyTo: null, to: [], cc: [] }, /^text\/plain/],
  ] as const)('can be of %s alone', async ([, changes, type]) => {
    expect(await send({}, changes)).toMatchObject({ outcome: 'sent' });
    expect(headersOf(server?.delivered[0]?.message ?? '')).toMatchObject({ 'content-type': expect.stringMatching(type) });
  });
});

describe('what is known afterwards', () => {
  test('of recipients who were refused while others were not', async () => {
    const recipient = (address: string) => {
      if (address.startsWith('cleo')) throw refusal(550, 'No such person');
    };
    expect(await send({ recipient })).toMatchObject({ outcome: 'sent', refused: ['cleo@example.com'] });
    expect(server?.delivered[0]?.to).toEqual(['bob@example.com', 'dora@example.com']);
  });

  test.for([
    ['the sender is refused', 'mailFrom'],
    ['every recipient is refused', 'recipient'],
    ['the message is refused', 'taken'],
  ] as const)('when %s: that it was not sent, and what was said', async ([, place]) => {
    const refuse = () => {
      throw refusal(552, 'Not this one');
    };
    expect(await send({ [place]: refuse })).toEqual({ outcome: 'not_sent', error: expect.stringContaining('552 Not this one') });
    expect(server?.delivered).toEqual([]);
  });

  test('when nobody answers: that it was not sent', async () => {
    const gone = await startMailServer();
    await gone.close();
    expect(await mailServer(gone.url, LONGEST_TRY_MS).send(letter)).toEqual({
      outcome: 'not_sent',
      error: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test('when the password is wrong: that it was not sent', async () => {
    server = await startMailServer({}, { onAuth: (_, __, callback) => callback(refusal(535, 'Wrong')) });
    const url = server.url.replace('//', '//ann:secret@');
    const delivery = await mailServer(`${url}?requireTLS=false`, LONGEST_TRY_MS).send(letter);
    expect(delivery).toEqual({ outcome: 'not_sent', error: expect.stringContaining('535') });
    expect(JSON.stringify(delivery)).not.toContain('secret');
  });

  test('that a password is not told to a server without TLS', async () => {
    const told: unknown[] = [];
    server = await startMailServer({}, { onAuth: (auth, _, callback) => callback(null, { user: told.push(auth) }) });
    expect(await mailServer(server.url.replace('//', '//ann:secret@'), LONGEST_TRY_MS).send(letter)).toMatchObject({ outcome: 'not_sent' });
    expect(told).toEqual([]);
  });

  test.for([
    ['before the message', 'recipient', 'not_sent'],
    ['within the message', 'data', 'unknown'],
    ['after the message', 'taken', 'unknown'],
  ] as const)('when the connection is lost %s', async ([, place, outcome]) => {
    const lost: (() => void)[] = [];
    const hang = async () => {
      for (const lose of lost.splice(0)) lose();
      await new Promise(() => {});
    };
    server = await startMailServer({ [place]: hang });
    const { port } = new URL(server.url);
    // Between the two, so that the connection can be cut.
    const between = createServer((client) => {
      const there = connect(Number(port), '127.0.0.1');
      client.pipe(there).pipe(client);
      for (const socket of [client, there]) socket.on('error', () => {});
      lost.push(() => {
        client.destroy();
        there.destroy();
      });
    });
    await new Promise<void>((resolve) => between.listen(0, '127.0.0.1', () => resolve()));
    const address = between.address();
    const url = `smtp://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    expect(await mailServer(url, LONGEST_TRY_MS).send(letter)).toEqual({ outcome, error: expect.any(String) });
    between.close();
  });
});

// Messages that no one here wrote, through the same door as any other.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startDaybook, type TestDaybook } from '../../support/daybook.ts';
import { inject, type Person, register } from '../../support/person.ts';
import { type Found, fetched, installed, isFetched } from './material.ts';
import { NOT_A_MESSAGE, odd, type Read, read } from './messages.ts';

let daybook: TestDaybook;
let ann: Person;
beforeAll(async () => {
  daybook = await startDaybook();
  ann = await register(daybook.app);
});
afterAll(() => daybook.close());

const email = z.object({
  id: z.string(),
  from_name: z.string().nullable(),
  from_address: z.string(),
  to_addresses: z.array(z.object({ name: z.string().nullable(), address: z.string() })),
  subject: z.string().nullable(),
  sent_at: z.string().nullable(),
  received_at: z.string(),
  created_at: z.string(),
  snippet: z.string(),
});
const attachments = z.object({
  items: z.array(
    z.object({
      id: z.string(),
      filename: z.string().nullable(),
      content_type: z.string(),
      size_bytes: z.number(),
      sha256: z.string(),
      is_inline: z.boolean(),
    }),
  ),
});

/** RFC 2047 section 2. */
const ENCODED_WORD = /=\?[\w-]+\?[bq]\?[^?]*\?=/gi;

const post = (message: Buffer) =>
  inject(daybook.app, {
    method: 'POST',
    url: '/api/v1/emails',
    headers: { authorization: `Bearer ${ann.token}`, 'content-type': 'message/rfc822' },
    payload: message,
  });
const attachedTo = async (id: string) => attachments.parse((await ann.get(`/emails/${id}/attachments`)).body).items;

/** What is made of a message. Several have one Message-ID: the email is gone before the next one comes. */
async function outcomeOf(message: Buffer): Promise<Read> {
  const answer = await post(message);
  if (answer.status !== 201) return [answer.status, z.object({ detail: z.string() }).parse(answer.body).detail];
  const { id, from_name, from_address, to_addresses, subject, sent_at, received_at, created_at, snippet } = email.parse(answer.body);
  const attached = await attachedTo(id);
  await ann.delete(`/emails/${id}`);
  return [
    from_name,
    from_address,
    to_addresses.map(({ address }) => address),
    subject,
    sent_at,
    received_at === created_at ? 'now' : received_at === sent_at ? 'sent' : received_at,
    snippet.slice(0, 80),
    attached.map(({ filename, content_type, size_bytes }) => [filename, content_type, size_bytes].join(' ')).sort(),
  ];
}
const outcomesOf = async (found: readonly Found[]) => {
  const outcomes: [string, Read][] = [];
  for (const { name, bytes } of found) outcomes.push([name, await outcomeOf(bytes)]);
  return Object.fromEntries(outcomes);
};

test('those of a package for .eml files are read', async () => {
  expect(await outcomesOf(installed('eml-format/test/fixtures', '.eml'))).toEqual(read.emlFormat);
});

describe.runIf(isFetched)('where they are fetched', () => {
  test('those that Python is tested with are read, or are no messages', async () => {
    const outcomes = await outcomesOf(fetched('messages/python', '.txt'));
    expect(outcomes).toEqual(read.python);
    const refused = Object.entries(outcomes).filter(([, [status]]) => typeof status === 'number');
    expect(refused.map(([name, outcome]) => [name, ...outcome])).toEqual(
      ['msg_18', 'msg_19', 'msg_37', 'msg_38', 'msg_39', 'msg_40'].map((name) => [name, 422, NOT_A_MESSAGE]),
    );
  });

  test('those of seven more collections are read and their attachments served, or they are no messages', async () => {
    const [names, counts] = [new Map<string, unknown>(), { raw: 0, words: 0, nested: 0, winmail: 0, dateless: 0 }];
    for (const folder of ['archive', 'bounces', 'enmime', 'enmime-bad', 'horde', 'kde', 'spam']) {
      for (const { name, bytes } of fetched(`messages/${folder}`, '')) {
        const text = bytes.toString('latin1');
        const [header = ''] = text.split(/\r?\n\r?\n/, 1);
        const has = (field: RegExp) => field.test(header);
        const answer = await post(bytes);
        const isMessage = has(/^(from|to|date|subject|message-id|received):/im);
        expect({ name, status: answer.status }).toEqual({ name, status: isMessage ? 201 : 422 });
        if (!isMessage) continue;

        const { id, from_name, to_addresses, subject } = email.parse(answer.body);
        const attached = await attachedTo(id);
        for (const { id: attachment, size_bytes } of attached)
          expect(await ann.get(`/emails/${id}/attachments/${attachment}`)).toMatchObject({
            status: 200,
            headers: { 'content-length': String(size_bytes) },
          });
        await ann.delete(`/emails/${id}`);

        const [isRaw, words] = [has(/[\x80-\xff]/), text.match(ENCODED_WORD)?.length ?? 0];
        if (isRaw || header.search(ENCODED_WORD) >= 0)
          names.set(`${folder}/${name}`, [from_name, [...new Set(to_addresses.map((to) => to.name))], subject]);
        counts.raw += Number(isRaw);
        counts.words += words;
        counts.nested += Number((text.match(/^content-type:\s*multipart/gim)?.length ?? 0) > 1);
        counts.winmail += Number(attached.some(({ content_type }) => content_type === 'application/ms-tnef'));
        counts.dateless += Number(!has(/^date:/im));
      }
    }
    expect(Object.fromEntries(names)).toEqual(odd);
    const atLeast = (least: number) => expect.toSatisfy((count: number) => count >= least);
    expect(counts).toEqual({ raw: atLeast(7), words: atLeast(150), nested: atLeast(20), winmail: atLeast(2), dateless: atLeast(20) });
  });

  test('winmail.dat is an attachment, to the byte', async () => {
    const found = fetched('winmail', '.dat');
    expect(found.map(({ name }) => name)).toEqual(['attachments', 'badchecksum', 'panic']);
    for (const { name, bytes } of found) {
      const head = `From: ada@example.org\nSubject: ${name}\nContent-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64\n\n`;
      const answer = await post(Buffer.from(`${head}${bytes.toString('base64').replaceAll(/.{76}/g, '$&\n')}\n`));
      expect(answer).toMatchObject({ status: 201, body: { subject: name, has_attachments: true } });
      expect(await attachedTo(email.parse(answer.body).id)).toEqual([
        {
          id: expect.any(String),
          filename: 'winmail.dat',
          content_type: 'application/ms-tnef',
          size_bytes: bytes.byteLength,
          sha256: createHash('sha256').update(bytes).digest('hex'),
          is_inline: false,
        },
      ]);
    }
  });
});

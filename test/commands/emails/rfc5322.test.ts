// Messages with all that is odd in the wild. None of them breaks anything; what is no message is refused by name.
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { recordEmail } from '../../../src/commands/emails/email.ts';
import { rfc5322Message } from '../../../src/commands/emails/rfc5322.ts';
import { Problem } from '../../../src/problem.ts';
import { ME } from '../../support/given.ts';
import { createMemoryBlobs } from '../../support/memoryBlobs.ts';

const blobs = createMemoryBlobs();
const part = z.object({ sha256: z.string(), filename: z.string().nullable() });
const readBody = z.looseObject({ stored_attachments: z.array(z.looseObject(part.shape)) });

/** Lines end as on the wire. Each letter is one byte, so that a test can say any. */
const bytesOf = (message: string) => Buffer.from(message.replaceAll('\n', '\r\n'), 'latin1');

/** What the command is then given; it takes it. */
async function read(bytes: Buffer, contentType = 'message/rfc822') {
  const content = (async function* () {
    // In pieces, as it comes.
    for (let at = 0; at < bytes.length; at += 50_000) yield bytes.subarray(at, at + 50_000);
  })();
  const body = readBody.parse(await rfc5322Message.read(content, { contentType, owner: ME, blobs }));
  expect(recordEmail.body.safeParse(body)).toMatchObject({ success: true });
  return body;
}
const readText = (message: string, contentType?: string) => read(bytesOf(message), contentType);
const contents = async (body: z.output<typeof readBody>) =>
  Promise.all(body.stored_attachments.map(async ({ sha256 }) => (await blobs.get(ME, sha256))?.toString('latin1')));

test('a message as it should be', async () => {
  const body = await readText(`Received: from a by b; Tue, 24 Nov 2026 08:09:11 +0100
Received: from c by a; Tue, 24 Nov 2026 08:09:05 +0100
From: Ada Lovelace <ada@example.org>
To: Bob <bob@example.com>, cleo@example.com
Cc: "Doe, John" <john@example.com>
Bcc: secret@example.com
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= =?utf-8?b?IPCfjoQ=?=
Message-ID: <3@example.org>
In-Reply-To: <2@example.com>
References: <1@example.org>
 <2@example.com>
Importance: High
Date: Tue, 24 Nov 2026 08:09:10 +0100
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Gr=C3=BC=C3=9Fe
aus Wien
`);
  expect(body).toEqual({
    direction: 'inbound',
    message_id_header: '<3@example.org>',
    in_reply_to: '<2@example.com>',
    references: ['<1@example.org>', '<2@example.com>'],
    from_address: 'ada@example.org',
    from_name: 'Ada Lovelace',
    to_addresses: [
      { name: 'Bob', address: 'bob@example.com' },
      { name: null, address: 'cleo@example.com' },
    ],
    cc_addresses: [{ name: 'Doe, John', address: 'john@example.com' }],
    bcc_addresses: [{ name: null, address: 'secret@example.com' }],
    subject: 'Grüße 🎄',
    body_text: 'Grüße\naus Wien\n',
    body_html: null,
    importance: 'high',
    sent_at: '2026-11-24T07:09:10.000Z',
    received_at: '2026-11-24T07:09:11.000Z',
    stored_attachments: [],
  });
});

describe('who it is from, and to whom', () => {
  test.each([
    ['From: MAILER-DAEMON\n', { from_address: 'MAILER-DAEMON', from_name: null }],
    ['From: "=?iso-8859-1?q?J=F6rg?=" <j@example.com>\n', { from_address: 'j@example.com', from_name: 'Jörg' }],
    ['From: Two <a@example.com>, <b@example.com>\nSender: <s@example.com>\n', { from_address: 'a@example.com', from_name: 'Two' }],
    ['Subject: x\nSender: Office <s@example.com>\n', { from_address: 's@example.com', from_name: 'Office' }],
    ['Subject: x\nReturn-Path: <r@example.com>\n', { from_address: 'r@example.com', from_name: null }],
    ['Subject: nobody\n', { from_address: '', from_name: null }],
    ['From:\nSubject: nobody\n', { from_address: '', from_name: null }],
    ['From: a\nTo: undisclosed-recipients:;\n', { to_addresses: [] }],
    [
      'From: a\nTo: Team: a@example.com, B <b@example.com>;, c@example.com\n',
      {
        to_addresses: [
          { name: null, address: 'a@example.com' },
          { name: 'B', address: 'b@example.com' },
          { name: null, address: 'c@example.com' },
        ],
      },
    ],
    ['From: a\nTo: <>, , Nobody\n', { to_addresses: [{ name: null, address: 'Nobody' }] }],
  ])('%j', async (header, expected) => expect(await readText(`${header}\nHello\n`)).toMatchObject(expected));
});

describe('header fields', () => {
  test.each([
    ['no date', '', { sent_at: null, received_at: null }],
    ['a date that is none', 'Date: yesterday\n', { sent_at: null }],
    ['8-bit text in UTF-8', 'Subject: Gr\xc3\xbc\xc3\x9fe\n', { subject: 'Grüße' }],
    ['8-bit text in no charset', 'Subject: Gr\xfc\xdfe \x80\n', { subject: 'Grüße €' }],
    ['an encoded word in a charset that is none', 'Subject: =?nope?q?Hello?=\n', { subject: 'Hello' }],
    ['an encoded word that is broken', 'Subject: =?utf-8?b?####\n', { subject: '=?utf-8?b?####' }],
    [
      'encoded words that hide what no database keeps',
      'Subject: a=?utf-8?q?=00?= =?utf-8?q?=ED=A0=80?=\n',
      { subject: expect.stringMatching(/^a\ufffd+$/) },
    ],
    ['no subject', 'Subject:\n', { subject: null }],
    ['Message-IDs that are none', 'Message-ID: none\nIn-Reply-To: Your letter of Monday\n', { message_id_header: null, in_reply_to: null }],
    ['the word of some mailers for haste', 'X-Priority: 1 (Highest)\n', { importance: 'high' }],
    ['the word of others', 'Priority: non-urgent\n', { importance: 'low' }],
    ['the line of a mailbox before it', '', { from_address: 'a@example.com' }],
  ])('%s', async (name, header, expected) => {
    const before = name.startsWith('the line') ? 'From a@example.com Tue Nov 24 08:09:10 2026\n' : '';
    expect(await readText(`${before}From: a@example.com\n${header}\nHello\n`)).toMatchObject(expected);
  });
});

describe('parts', () => {
  const mixed = (parts: string, type = 'multipart/mixed') =>
    `From: a@example.com\nMIME-Version: 1.0\nContent-Type: ${type}; boundary=x\n\npreamble\n${parts}--x--\n`;

  test('nested: text and HTML with an image within it, and a file', async () => {
    const body = await readText(
      mixed(`--x
Content-Type: multipart/related; boundary=y

--y
Content-Type: multipart/alternative; boundary=z

--z

In text
--z
Content-Type: text/html; charset=iso-8859-1
Content-Transfer-Encoding: 8bit

<p>In \xfc <img src="cid:logo@example.com"></p>
--z--
--y
Content-Type: image/png
Content-ID: <logo@example.com>
Content-Transfer-Encoding: base64

aW1n
--y--
--x
Content-Type: application/pdf; name="=?utf-8?q?Pr=C3=BCfung=2Epdf?="
Content-Disposition: inline
Content-Transfer-Encoding: base64

cGRm
`),
    );
    expect(body).toMatchObject({
      body_text: 'In text\n',
      body_html: '<p>In ü <img src="cid:logo@example.com"></p>\n',
      stored_attachments: [
        { filename: null, content_type: 'image/png', content_id: 'logo@example.com', is_inline: true, size_bytes: 3 },
        { filename: 'Prüfung.pdf', content_type: 'application/pdf', content_id: null, is_inline: false, size_bytes: 3 },
      ],
    });
    expect(await contents(body)).toEqual(['img', 'pdf']);
  });

  test('a message within a message, and winmail.dat, stay what they are', async () => {
    const body = await readText(
      mixed(`--x
Content-Type: message/rfc822

From: b@example.com
Subject: Within

Hello
--x
Content-Type: application/ms-tnef; name=winmail.dat
Content-Transfer-Encoding: base64

eJ8+Ig==
`),
    );
    expect(body).toMatchObject({
      body_text: null,
      stored_attachments: [
        { filename: null, content_type: 'message/rfc822', is_inline: false },
        { filename: 'winmail.dat', content_type: 'application/ms-tnef', is_inline: false },
      ],
    });
    expect(await contents(body)).toEqual([expect.stringContaining('Subject: Within'), 'x\x9f>"']);
  });

  test.each([
    ['a charset that is none', 'Content-Type: text/plain; charset=x-nope\nContent-Transfer-Encoding: 8bit\n\nGr\xfc\xdfe\n', 'Grüße\n'],
    ['a charset that it is not in', 'Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nGr\xfc\n', 'Gr�\n'],
    ['base64 that is broken', 'Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\nSGVs!bG8\n', 'Hello'],
    ['NUL', 'Content-Type: text/plain\n\na\0b\n', 'a�b\n'],
  ])('%s', async (_, text, body_text) => expect(await readText(mixed(`--x\n${text}`))).toMatchObject({ body_text }));

  test('attached under names of all kinds', async () => {
    const attached = (disposition: string, type = 'application/octet-stream') =>
      `--x\nContent-Type: ${type}\nContent-Disposition: attachment; ${disposition}\n\nhi\n`;
    const { stored_attachments } = await readText(
      mixed(
        [
          attached("filename*=utf-8''%e2%82%ac%20rates"),
          attached('filename*0="one "; filename*1="two.txt"'),
          attached('filename="../../etc/passwd"'),
          attached('filename="tab\there"'),
          attached(`filename="${'a'.repeat(400)}.txt"`),
          attached('x=y', 'no type at all'),
          attached('filename=""', 'text/html'),
        ].join(''),
      ),
    );
    expect(stored_attachments.map(({ filename, content_type }) => [filename, content_type])).toEqual([
      ['€ rates', 'application/octet-stream'],
      ['one two.txt', 'application/octet-stream'],
      ['../../etc/passwd', 'application/octet-stream'],
      ['tab here', 'application/octet-stream'],
      [`${'a'.repeat(251)}.txt`, 'application/octet-stream'],
      [null, 'application/octet-stream'],
      [null, 'text/html'],
    ]);
  });

  test('that are said to be there and cannot be found are still read', async () => {
    expect(await readText('From: a@example.com\nContent-Type: multipart/mixed; boundary=nowhere\n\nWhat was written\n')).toMatchObject({
      body_text: 'What was written',
      stored_attachments: [],
    });
  });

  test('too long for an event become attachments, and so nothing is lost', async () => {
    const long = 'word '.repeat(60_000);
    const body = await readText(
      mixed(`--x\nContent-Type: text/plain\n\n${long}\n--x\nContent-Type: text/html\n\n<p>short</p>\n`, 'multipart/alternative'),
    );
    expect(body).toMatchObject({
      body_text: null,
      body_html: '<p>short</p>\n',
      stored_attachments: [{ filename: 'body.txt', content_type: 'text/plain', is_inline: false, content_id: null }],
    });
    expect(await contents(body)).toEqual([`${long}\n`]);
  });
});

describe('a header', () => {
  test('with more than there is room for is cut, and kept whole as an attachment', async () => {
    const [name, subject] = ['n'.repeat(1_200), `${'s'.repeat(9_999)}\u{1F3B5}`];
    const to = Array.from({ length: 2_001 }, (_, n) => `to${n}@example.com`).join(',\n ');
    const header = `From: ${name} <${'a'.repeat(1_200)}@example.com>\r\nTo: ${to.replaceAll('\n', '\r\n')}\r\nSubject: ${subject}`;
    const body = await read(Buffer.from(`${header}\r\n\r\nHi`));
    expect(body).toMatchObject({
      from_name: name.slice(0, 998),
      from_address: 'a'.repeat(998),
      subject: 's'.repeat(9_999),
      stored_attachments: [{ filename: 'headers.txt', content_type: 'text/rfc822-headers', content_id: null, is_inline: false }],
    });
    expect(body.to_addresses).toHaveLength(2_000);
    const [kept = ''] = await contents(body);
    expect(Buffer.from(kept, 'latin1').toString()).toBe(header);
  });

  test('that runs into the text without an empty line ends where there is no field any more', async () => {
    expect(await readText('From: a@example.com\nSubject: two\n lines\nand then it begins\nTo: b@example.com\n')).toMatchObject({
      subject: 'two lines',
      to_addresses: [],
      body_text: 'and then it begins\nTo: b@example.com\n',
    });
    expect(await readText('From: a@example.com\nSubject: no text\n')).toMatchObject({ subject: 'no text', body_text: null });
  });
});

describe('what else is said with it', () => {
  test.each([
    ['message/rfc822; direction=outbound', 'outbound'],
    ['Message/RFC822; charset=utf-8; Direction="outbound"', 'outbound'],
    ['message/rfc822; charset=utf-8', 'inbound'],
  ])('%s is %s', async (contentType, direction) => expect(await readText('From: a\n\nhi', contentType)).toMatchObject({ direction }));

  test('its bytes, where it has no Message-ID', async () => {
    const [one, same, other] = await Promise.all(['From: a\n\nhi', 'From: a\n\nhi', 'From: a\n\nho'].map((message) => readText(message)));
    expect(one?.raw_sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(same?.raw_sha256).toBe(one?.raw_sha256);
    expect(other?.raw_sha256).not.toBe(one?.raw_sha256);
    expect(await readText('Message-ID: <a@b>\n\nhi')).not.toHaveProperty('raw_sha256');
  });
});

describe('is refused', () => {
  const nested = Array.from({ length: 300 }, (_, n) => `Content-Type: multipart/mixed; boundary=b${n}\n\n--b${n}\n`).join('');
  test.each([
    ['nothing', '', 'not-a-message'],
    ['an image', '\x89PNG\n\x1a\n\0\0\0\rIHDR', 'not-a-message'],
    ['prose', 'Dear Ada,\n\nhello\n', 'not-a-message'],
    ['JSON', '{"direction": "inbound"}', 'not-a-message'],
    ['no header', '\nFrom: a\n', 'not-a-message'],
    ['what is nested without an end', `From: a\n${nested}`, 'message-unreadable'],
    [
      'attachments without end',
      `From: a\nContent-Type: multipart/mixed; boundary=x\n\n${'--x\nContent-Type: image/png\n\n1\n'.repeat(1_001)}--x--\n`,
      'too-many-attachments',
    ],
    ['a header without measure', `From: a\nX-Long: ${'a'.repeat(2_200_000)}\n\nhi`, 'message-unreadable'],
  ])('%s', async (_, message, code) => {
    const refusal = await readText(message).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(Problem);
    expect(refusal).toMatchObject({ status: 422, code, errors: [{ in: 'body', pointer: '' }] });
  });
});

test('whatever is cut out of a message, the rest is read or refused', async () => {
  const message = bytesOf(
    'From: "A =?utf-8?q?=C3=BC?=" <a@example.com>\nContent-Type: multipart/mixed; boundary="x y"\n\n--x y\nContent-Type: text/html; charset="utf-16"\nContent-Transfer-Encoding: base64\n\nPHA+\n--x y\nContent-Type: message/rfc822\n\nFrom: b\n\n--x y--\n',
  );
  for (let cut = 1; cut < message.length; cut += 3) {
    const rests = [message.subarray(cut), message.subarray(0, cut), Buffer.concat([message.subarray(0, cut), message.subarray(cut + 3)])];
    for (const rest of rests) {
      const outcome = await read(rest).catch((error: unknown) => error);
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(Problem);
    }
  }
});

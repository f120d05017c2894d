// Emails as a client sees them, word for word: the clock and the ids are the test's.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { startDaybook, type TestDaybook } from '../support/daybook.ts';
import { type Answer, idOf, inject, NOT_FOUND, named, type Person, pageOf, register, said, T0, T1 } from '../support/person.ts';

let daybook: TestDaybook;
let ann: Person;

beforeAll(async () => {
  vi.setSystemTime(T0);
  daybook = await startDaybook({ MAX_UPLOAD_MIB: '1' });
});
afterAll(() => daybook.close());
beforeEach(async () => {
  vi.setSystemTime(T0);
  ann = await register(daybook.app);
});

const idIn = (answer: Answer) => z.object({ id: z.string() }).parse(answer.body).id;
const threadOf = (answer: Answer) => z.object({ thread_id: z.string() }).parse(answer.body).thread_id;
const changesOf = z.array(z.looseObject({ field: z.string() }));
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const raw = (message: string, who: Person = ann, type = 'message/rfc822', headers: Record<string, string> = {}) =>
  inject(daybook.app, {
    method: 'POST',
    url: '/api/v1/emails',
    headers: { authorization: `Bearer ${who.token}`, 'content-type': type, ...headers },
    payload: Buffer.from(message.replaceAll('\n', '\r\n'), 'latin1'),
  });
const record = (more: object = {}, who: Person = ann) =>
  who.post('/emails', { direction: 'inbound', from_address: 'ada@example.org', ...more });

const letter = {
  message_id_header: null,
  in_reply_to: null,
  direction: 'inbound',
  from_address: 'ada@example.org',
  from_name: null,
  to_addresses: [],
  cc_addresses: [],
  bcc_addresses: [],
  subject: null,
  snippet: '',
  folder: 'inbox',
  is_read: false,
  is_starred: false,
  importance: 'normal',
  labels: [],
  has_attachments: false,
  sent_at: null,
  received_at: T0,
  created_at: T0,
  updated_at: T0,
  version: 0,
};
const texts = { body_text: null, body_html: null };

describe('an email', () => {
  test('is recorded as it is said, and found where the answer says', async () => {
    const details = {
      in_reply_to: '<1@example.com>',
      direction: 'outbound',
      from_address: 'me@example.com',
      from_name: 'Ann',
      to_addresses: [{ name: 'Ada', address: 'ada@example.org' }],
      cc_addresses: [{ name: null, address: 'bob@example.com' }],
      bcc_addresses: [{ name: null, address: 'cleo@example.com' }],
      subject: 'Re: Music',
      body_text: 'See you at eight.\n\nAnn',
      body_html: '<p>See you at eight.</p>',
      folder: 'archive',
      is_read: false,
      is_starred: true,
      importance: 'high',
      labels: ['Music', 'Friends'],
      sent_at: '2100-03-01T10:00:00.000Z',
      received_at: null,
    };
    const answer = await record({
      ...details,
      message_id_header: '2@example.com',
      references: ['<1@example.com>'],
      sent_at: '2100-03-01T11:00:00+01:00',
    });
    const id = idIn(answer);
    const expected = {
      ...letter,
      ...details,
      id,
      thread_id: threadOf(answer),
      message_id_header: '<2@example.com>',
      snippet: 'See you at eight. Ann',
    };
    expect(answer).toMatchObject({
      status: 201,
      headers: { location: `/api/v1/emails/${id}`, etag: expect.stringMatching(/^"0-[\w-]{16}"$/) },
    });
    expect(answer.body).toEqual(expected);
    expect(said(await ann.get(`/emails/${id}`))).toEqual({ status: 200, body: expected });
  });

  test('needs a direction and a sender, and takes an id where it has no Message-ID', async () => {
    const id = idOf(901);
    const answer = await record({ id });
    expect(said(answer)).toEqual({ status: 201, body: { ...letter, ...texts, id, thread_id: threadOf(answer) } });
  });

  test('with the same Message-ID again is the same, also at once, and as it is now', async () => {
    const answers = await Promise.all(
      ['one', 'two', 'three', 'four'].map((subject) => record({ message_id_header: '<same@example.org>', subject })),
    );
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    expect(new Set(answers.map(idIn)).size).toBe(1);
    const [first] = answers;
    if (!first) return;
    expect(answers.map(({ body }) => body)).toEqual(Array(4).fill(first.body));
    await ann.patch(`/emails/${idIn(first)}`, { is_read: true });
    const again = await raw('From: other@example.org\nMessage-ID: <same@example.org>\n\nanother\n');
    expect(said(again)).toEqual({ status: 201, body: { ...Object(first.body), is_read: true, version: 1 } });
    expect(pageOf((await ann.get('/emails')).body).items).toHaveLength(1);
  });

  test('is read, starred, moved, labelled and marked as important', async () => {
    const recorded = await record({ message_id_header: 'm@example.org', subject: 'Music' });
    vi.setSystemTime(T1);
    const marks = { is_read: true, is_starred: true, folder: 'archive', labels: ['Music'], importance: 'high' };
    const expected = { ...Object(recorded.body), ...marks, updated_at: T1, version: 5 };
    expect(said(await ann.patch(`/emails/${idIn(recorded)}`, marks))).toEqual({ status: 200, body: expected });
    expect(said(await ann.patch(`/emails/${idIn(recorded)}`, marks))).toEqual({ status: 200, body: expected });
    expect(said(await ann.patch(`/emails/${idIn(recorded)}`, { is_read: false, is_starred: false }))).toEqual({
      status: 200,
      body: { ...expected, is_read: false, is_starred: false, version: 7 },
    });
    const { items } = pageOf((await ann.get(`/emails/${idIn(recorded)}/history`)).body);
    expect(items.map(({ summary }) => summary)).toEqual([
      'Received the email “Music” from ada@example.org',
      'Marked the email “Music” as read',
      'Starred the email “Music”',
      'Moved the email “Music” to archive',
      'Labelled the email “Music”',
      'Marked the email “Music” as of high importance',
      'Marked the email “Music” as unread',
      'Took the star off the email “Music”',
    ]);
    expect(items[4]).toEqual({
      type: 'EmailLabelsChanged',
      summary: 'Labelled the email “Music”',
      at: T1,
      actor: 'user',
      correlation_id: expect.any(String),
      caused_by: null,
      revision: 4,
      position: expect.any(Number),
      changes: [{ field: 'labels', from: [], to: ['Music'] }],
    });
  });

  test('has its attachments in the characters that they name', async () => {
    const content = Buffer.from('Grüße', 'latin1').toString('base64');
    const attachments = [{ filename: 'old.txt', content_type: 'text/plain; charset=iso-8859-1', content }];
    const id = idIn(await record({ message_id_header: 'old@example.org', attachments }));
    const [attachment] = pageOf((await ann.get(`/emails/${id}/attachments`)).body).items;
    expect(await ann.get(`/emails/${id}/attachments/${attachment?.id}`)).toMatchObject({
      status: 200,
      headers: { 'content-type': 'text/plain; charset=iso-8859-1', 'content-length': '5' },
    });
  });

  test('is deleted with its attachments, and can be recorded again', async () => {
    const attachments = [{ content: 'aGk=' }];
    const id = idIn(await record({ message_id_header: 'gone@example.org', attachments }));
    const [attachment] = pageOf((await ann.get(`/emails/${id}/attachments`)).body).items;
    expect(await ann.delete(`/emails/${id}`)).toMatchObject({ status: 204, body: undefined });
    for (const path of [`/emails/${id}`, `/emails/${id}/attachments`, `/emails/${id}/attachments/${attachment?.id}`]) {
      expect(said(await ann.get(path))).toEqual({ status: 404, body: NOT_FOUND });
    }
    expect(said(await ann.delete(`/emails/${id}`))).toEqual({ status: 404, body: NOT_FOUND });
    const again = await record({ message_id_header: 'gone@example.org', attachments });
    expect(again).toMatchObject({ status: 201, body: { id, version: 2, has_attachments: true } });
    expect(pageOf((await ann.get(`/emails/${id}/attachments`)).body).items).toHaveLength(1);
    const told = {
      filename: null,
      content_type: 'application/octet-stream',
      size_bytes: 2,
      content_id: null,
      is_inline: false,
      sha256: sha256('hi'),
    };
    const attached = { field: 'attachments', from: null, to: { id: attachment?.id, ...told } };
    const { items } = pageOf((await ann.get(`/emails/${id}/history`)).body);
    expect(items.map(({ type, changes }) => [type, changesOf.parse(changes).filter(({ field }) => field === 'attachments')])).toEqual([
      ['EmailReceived', [attached]],
      ['EmailDeleted', []],
      ['EmailReceived', [{ ...attached, to: { ...attached.to, id: expect.not.stringMatching(String(attachment?.id)) } }]],
    ]);
  });

  test('can be what a task comes from', async () => {
    const id = idIn(await record());
    expect(await ann.post('/tasks', { title: 'Answer', source_type: 'email', source_id: id })).toMatchObject({
      status: 201,
      body: { source_type: 'email', source_id: id },
    });
  });
});

describe('a raw message', () => {
  const message = `Received: from mx.example.org; Mon, 1 Mar 2100 10:00:05 +0100
From: Ada <ada@example.org>
To: me@example.com
Subject: =?iso-8859-1?q?Fotos_f=FCr_dich?=
Date: Mon, 1 Mar 2100 10:00:00 +0100
Message-ID: <photos@example.org>
Content-Type: multipart/mixed; boundary=x

--x
Content-Type: text/html; charset=iso-8859-1

<p>Sch\xf6n!</p><script>alert(1)</script>
--x
Content-Type: text/html; name=page.html
Content-Disposition: attachment

<script>alert(2)</script>
--x
Content-Type: image/png
Content-Disposition: attachment; filename="Foto \xfc.png"
Content-Transfer-Encoding: base64

aW1n
--x--
`;

  test('is read as it is, with its attachments', async () => {
    const answer = await raw(message);
    const id = idIn(answer);
    expect(said(answer)).toEqual({
      status: 201,
      body: {
        ...letter,
        id,
        thread_id: threadOf(answer),
        message_id_header: '<photos@example.org>',
        from_name: 'Ada',
        to_addresses: [{ name: null, address: 'me@example.com' }],
        subject: 'Fotos für dich',
        body_text: null,
        body_html: '<p>Schön!</p><script>alert(1)</script>\n',
        snippet: 'Schön!',
        has_attachments: true,
        sent_at: '2100-03-01T09:00:00.000Z',
        received_at: '2100-03-01T09:00:05.000Z',
      },
    });
    const { items, next_cursor } = pageOf((await ann.get(`/emails/${id}/attachments`)).body);
    const attachment = {
      id: expect.any(String),
      email_id: id,
      content_id: null,
      is_inline: false,
      created_at: T0,
      updated_at: T0,
      version: 0,
    };
    const page = {
      ...attachment,
      filename: 'page.html',
      content_type: 'text/html',
      size_bytes: 26,
      sha256: sha256('<script>alert(2)</script>\n'),
    };
    const photo = {
      ...attachment,
      content_type: 'image/png',
      size_bytes: 3,
      sha256: sha256('img'),
      filename: expect.stringMatching(/^Foto .\.png$/),
    };
    expect(items).toEqual([page, photo]);
    expect(next_cursor).toBeNull();

    const get = (name: string) => {
      const found = items.find(({ content_type }) => content_type === name);
      return ann.get(`/emails/${id}/attachments/${found?.id}`);
    };
    expect(await get('text/html')).toMatchObject({
      status: 200,
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'content-disposition': 'attachment; filename=page.html',
        'content-security-policy': "default-src 'none'; sandbox",
        'x-content-type-options': 'nosniff',
      },
      body: '<script>alert(2)</script>\n',
    });
    expect(await get('image/png')).toMatchObject({
      status: 200,
      headers: { 'content-type': 'image/png', 'content-length': '3', etag: `"${sha256('img')}"` },
      body: 'img',
    });
  });

  test('that was sent says so in its type', async () => {
    expect(await raw('From: me@example.com\nTo: a@b\n\nhi', ann, 'message/rfc822; direction=outbound')).toMatchObject({
      status: 201,
      body: { direction: 'outbound', folder: 'sent', is_read: true, body_text: 'hi\n', subject: null, sent_at: null, received_at: null },
    });
    expect(await raw('From: me@example.com\n\nhi', ann, 'message/rfc822; direction=sideways')).toMatchObject({
      status: 400,
      body: { errors: [{ in: 'body', pointer: '/direction' }] },
    });
  });

  test('without a Message-ID is known by its bytes', async () => {
    const ids = await Promise.all(['hi', 'hi', 'ho'].map(async (text) => idIn(await raw(`From: a@b\n\n${text}`))));
    expect(ids[1]).toBe(ids[0]);
    expect(ids[2]).not.toBe(ids[0]);
  });

  test('with an Idempotency-Key is recorded once, and another with that key is refused', async () => {
    const key = { 'idempotency-key': 'once' };
    const first = await raw(message, ann, 'message/rfc822', key);
    expect(said(await raw(message, ann, 'message/rfc822', key))).toEqual(said(first));
    expect(await raw('From: a@b\n\nhi', ann, 'message/rfc822', key)).toMatchObject({ status: 422 });
  });

  test('that is none, is too large or claims what it must not is refused, and leaves nothing', async () => {
    const head = await daybook.log.head();
    expect(said(await raw('\x89PNG\n\n'))).toEqual({
      status: 422,
      body: {
        type: 'urn:daybook:problem:not-a-message',
        title: 'Not a message',
        status: 422,
        detail: 'This is no RFC 5322 message: it does not begin with a header that says from whom or what it is.',
        request_id: 'the-request',
        errors: [
          {
            in: 'body',
            pointer: '',
            detail: 'This is no RFC 5322 message: it does not begin with a header that says from whom or what it is.',
          },
        ],
      },
    });
    expect(await raw(`From: a@b\n\n${'a'.repeat(1_100_000)}`)).toMatchObject({
      status: 413,
      body: { type: 'urn:daybook:problem:too-large' },
    });
    for (const forged of [{ stored_attachments: [] }, { raw_sha256: sha256('') }]) {
      expect(await record(forged)).toMatchObject({
        status: 400,
        body: { errors: [{ in: 'body', pointer: `/${Object.keys(forged)[0]}` }] },
      });
    }
    expect(await daybook.log.head()).toBe(head);
  });

  test('with a text that no event has room for keeps it as an attachment', async () => {
    const long = 'word '.repeat(80_000);
    const answer = await raw(`From: a@b\nSubject: long\n\n${long}`);
    expect(answer).toMatchObject({ status: 201, body: { body_text: null, has_attachments: true } });
    const [attachment] = pageOf((await ann.get(`/emails/${idIn(answer)}/attachments`)).body).items;
    expect(attachment).toMatchObject({ filename: 'body.txt', content_type: 'text/plain', size_bytes: 400_001 });
    expect((await ann.get(`/emails/${idIn(answer)}/attachments/${attachment?.id}`)).body).toBe(`${long}\n`);
  });
});

describe('a thread', () => {
  const conversation = [
    { message_id_header: '<1@t>', sent_at: '2100-01-01T00:00:00.000Z' },
    { message_id_header: '<2@t>', in_reply_to: '<1@t>', references: ['<1@t>'], sent_at: '2100-01-02T00:00:00.000Z' },
    { message_id_header: '<3@t>', in_reply_to: '<2@t>', references: ['<1@t>', '<2@t>'], sent_at: '2100-01-03T00:00:00.000Z' },
    { message_id_header: '<4@t>', in_reply_to: '<1@t>', sent_at: '2100-01-04T00:00:00.000Z' },
  ];
  const beginnings = (answers: readonly Answer[]) =>
    answers.map(({ body }) => z.looseObject({}).parse(body)).map(({ body_text, body_html, ...rest }) => rest);

  test.each([
    ['first', [0, 1, 2, 3]],
    ['last', [3, 2, 1, 0]],
    ['in between', [2, 0, 3, 1]],
  ])('is one, whether its beginning comes %s', async (_, order) => {
    const answers = [];
    for (const place of order) answers[place] = await record(conversation[place]);
    await record({ message_id_header: '<other@t>' });
    const thread = threadOf(answers[0] ?? (await record()));
    expect((await ann.get(`/emails/threads/${thread}`)).body).toEqual({ items: beginnings(answers), next_cursor: null });
    expect((await ann.get(`/emails/threads/${thread}?sort=-date&limit=2`)).body).toEqual({
      items: beginnings(answers).reverse().slice(0, 2),
      next_cursor: expect.any(String),
    });
  });

  test('is one also where all of it comes at once, and another for somebody else', async () => {
    const bob = await register(daybook.app, 'Bob');
    const threads = await Promise.all(conversation.map(async (more) => threadOf(await record(more))));
    expect(new Set(threads).size).toBe(1);
    const bobs = threadOf(await record(conversation[1], bob));
    expect(threads).not.toContain(bobs);
    expect(said(await ann.get(`/emails/threads/${bobs}`))).toEqual({ status: 404, body: NOT_FOUND });
  });
});

describe('emails', () => {
  test('are found by where they are, how they are marked, whom they are from and when they came', async () => {
    const make = async (number: number, more: object) => {
      const { body } = await record({ id: idOf(number), ...more });
      const { body_text, body_html, ...beginning } = z.looseObject({ thread_id: z.string() }).parse(body);
      return beginning;
    };
    const a = await make(911, { received_at: '2100-01-03T00:00:00Z', labels: ['Music', 'Fun'], body_text: 'Hello' });
    const b = await make(912, {
      sent_at: '2100-01-02T00:00:00Z',
      is_read: true,
      is_starred: true,
      importance: 'high',
      from_address: 'Bob@example.com',
    });
    const c = await make(913, {
      received_at: '2100-01-01T00:00:00Z',
      folder: 'archive',
      labels: ['Fun'],
      attachments: [{ content: 'aGk=' }],
    });
    const d = await make(914, { direction: 'outbound', from_address: 'me@example.com' });
    const found = async (query: string) => (await ann.get(`/emails${query}`)).body;
    const page = (...items: unknown[]) => ({ items, next_cursor: null });
    expect(await found('')).toEqual(page(d, a, b, c));
    expect(await found('?sort=date')).toEqual(page(c, b, a, d));
    expect(await found('?folder=inbox')).toEqual(page(a, b));
    expect(await found('?folder=archive,sent')).toEqual(page(d, c));
    expect(await found('?is_read=false')).toEqual(page(a, c));
    expect(await found('?is_read=true&direction=inbound')).toEqual(page(b));
    expect(await found('?is_starred=true')).toEqual(page(b));
    expect(await found('?is_starred=false&direction=outbound')).toEqual(page(d));
    expect(await found('?labels=Fun')).toEqual(page(a, c));
    expect(await found('?labels=Music,Nothing')).toEqual(page(a));
    expect(await found('?importance=high')).toEqual(page(b));
    expect(await found('?has_attachments=true')).toEqual(page(c));
    expect(await found('?from=bob@EXAMPLE.com')).toEqual(page(b));
    expect(await found(`?thread_id=${a.thread_id}`)).toEqual(page(a));
    expect(await found('?message_id_header=%3Cnone%3E')).toEqual(page());
    expect(await found('?since=2100-01-02T00:00:00Z&until=2100-01-03T00:00:00Z')).toEqual(page(b));
    const { items, next_cursor } = pageOf(await found('?limit=3'));
    expect(items).toEqual([d, a, b]);
    expect(await found(`?limit=3&cursor=${next_cursor}`)).toEqual(page(c));
  });

  test('of one person are nobody else’s business, with the same Message-ID, too', async () => {
    const bob = await register(daybook.app, 'Bob');
    const same = { message_id_header: 'shared@example.org', attachments: [{ content: 'aGk=' }] };
    const anns = await record({ ...same, subject: 'Ann’s' });
    const id = idIn(anns);
    const [attachment] = pageOf((await ann.get(`/emails/${id}/attachments`)).body).items;
    for (const path of [
      `/emails/${id}`,
      `/emails/${id}/attachments`,
      `/emails/${id}/attachments/${attachment?.id}`,
      `/emails/threads/${threadOf(anns)}`,
      `/emails/${id}/history`,
    ]) {
      expect(said(await bob.get(path))).toEqual({ status: 404, body: NOT_FOUND });
    }
    expect(said(await bob.patch(`/emails/${id}`, { is_read: true }))).toEqual({ status: 404, body: NOT_FOUND });
    expect(said(await bob.delete(`/emails/${id}`))).toEqual({ status: 404, body: NOT_FOUND });
    expect((await bob.get('/emails')).body).toEqual({ items: [], next_cursor: null });
    const bobs = await record({ ...same, subject: 'Bob’s' }, bob);
    expect(idIn(bobs)).not.toBe(id);
    expect(said(await bob.get(`/emails/${idIn(bobs)}/attachments/${attachment?.id}`))).toEqual({ status: 404, body: NOT_FOUND });
    expect((await ann.get(`/emails/${id}`)).body).toEqual(anns.body);
  });

  test('are told of among what happened', async () => {
    const id = idIn(await record({ subject: 'Music' }));
    expect(named((await ann.get(`/activities?entity_type=email&entity_id=${id}`)).body, { Ann: ann.id, email: id })).toEqual({
      items: [
        {
          id: expect.any(String),
          actor: 'user',
          activity_type: 'EmailReceived',
          entity_type: 'email',
          entity_id: 'email',
          summary: 'Received the email “Music” from ada@example.org',
          details: { from_address: 'ada@example.org', thread_id: expect.any(String), attachments: 0 },
          occurred_at: T0,
          log_position: 'a position',
          created_at: T0,
          updated_at: T0,
          version: 0,
        },
      ],
      next_cursor: null,
    });
  });
});

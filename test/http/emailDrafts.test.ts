// Drafts of emails as a client sees them, word for word, and as they arrive: the clock and the ids are the test's.
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { projections } from '../../src/projections/index.ts';
import { rebuild } from '../../src/projections/rebuild.ts';
import { toldAgain } from '../support/again.ts';
import { startDaybook, type TestDaybook } from '../support/daybook.ts';
import { headersOf, startMailServer, type TestMailServer } from '../support/mailServer.ts';
import { idOf, NOT_FOUND, type Person, pageOf, register, said, T0, T1, T2, T3 } from '../support/person.ts';

let server: TestMailServer;
let daybook: TestDaybook;
let ann: Person;
/** What the mail server says to who is called so. */
const refusals: Readonly<Record<string, number>> = { 'nobody@example.com': 550 };

beforeAll(async () => {
  vi.setSystemTime(T0);
  server = await startMailServer({
    recipient: (address) => {
      const responseCode = refusals[address];
      if (responseCode !== undefined) throw Object.assign(new Error('No such person'), { responseCode });
    },
  });
  daybook = await startDaybook({ SMTP_URL: server.url, ROLES: 'api,projector,scheduler' });
});
afterAll(async () => {
  await daybook.close();
  await server.close();
});
beforeEach(async () => {
  vi.setSystemTime(T0);
  ann = await register(daybook.app);
});

const at = (time: string) => {
  vi.setSystemTime(time);
  return ann;
};
const bob = { name: 'Bob', address: 'bob@example.com' };

const dinner = (id: string) => ({
  id,
  in_reply_to_email_id: null,
  to_addresses: [bob],
  cc_addresses: [],
  bcc_addresses: [],
  subject: 'Dinner',
  body_text: 'At seven?',
  body_html: null,
  status: 'draft',
  send_at: null,
  sent_email_id: null,
  author: 'user',
  created_at: T0,
  updated_at: T0,
  version: 0,
});
const begin = (id: string, more: object = {}) =>
  ann.post('/email-drafts', { id, to_addresses: [bob], subject: 'Dinner', body_text: 'At seven?', ...more });

const draft = z.looseObject({ status: z.string(), sent_email_id: z.string().nullable() });
/** The draft once a try to send it has ended. */
async function ended(id: string) {
  const read = async () => draft.parse((await ann.get(`/email-drafts/${id}`)).body);
  await expect.poll(async () => (await read()).status, { timeout: 20_000 }).toMatch(/^(sent|failed|unknown)$/);
  return read();
}

describe('drafts', () => {
  test('are begun, changed, scheduled, taken off the schedule and discarded', async () => {
    const id = idOf(501);
    const path = `/email-drafts/${id}`;
    const created = await begin(id);
    expect(created).toMatchObject({ headers: { location: `/api/v1${path}`, etag: expect.stringMatching(/^"0-/) } });
    expect(said(created)).toEqual({ status: 201, body: dinner(id) });
    expect(said(await ann.get(path))).toEqual({ status: 200, body: dinner(id) });

    const changes = {
      to_addresses: [],
      cc_addresses: [bob],
      bcc_addresses: [{ name: null, address: 'cleo@example.com' }],
      subject: 'Supper',
      body_text: null,
      body_html: '<p>At eight?</p>',
    };
    const changed = { ...dinner(id), ...changes, updated_at: T1, version: 1 };
    expect(said(await at(T1).patch(path, { ...changes, bcc_addresses: [{ address: 'cleo@example.com' }] }))).toEqual({
      status: 200,
      body: changed,
    });

    const send_at = '2100-03-05T08:00:00.000Z';
    const scheduled = { ...changed, status: 'scheduled', send_at, updated_at: T2, version: 2 };
    expect(said(await at(T2).post(`${path}/schedule`, { send_at: '2100-03-05T09:00:00+01:00' }))).toEqual({ status: 200, body: scheduled });
    expect(said(await at(T3).post(`${path}/schedule`, { send_at }))).toEqual({ status: 200, body: scheduled });
    expect(await ann.patch(path, { subject: 'Lunch' })).toMatchObject({
      status: 409,
      body: { type: 'urn:daybook:problem:draft-scheduled' },
    });

    const written = { ...scheduled, status: 'draft', send_at: null, updated_at: T3, version: 3 };
    expect(said(await ann.post(`${path}/unschedule`))).toEqual({ status: 200, body: written });

    expect(said(await ann.delete(path))).toEqual({ status: 204, body: undefined });
    expect(said(await ann.delete(path))).toEqual({ status: 204, body: undefined });
    expect(said(await ann.get(path))).toEqual({ status: 200, body: { ...written, status: 'discarded', version: 4 } });
    expect(await ann.post(`${path}/send`)).toMatchObject({ status: 409, body: { type: 'urn:daybook:problem:draft-discarded' } });
  });

  test('are listed, the latest first, without those that were discarded', async () => {
    const [first, second, third] = [idOf(511), idOf(512), idOf(513)];
    await begin(first, { subject: 'First' });
    at(T1);
    await begin(second, { subject: 'Second' });
    await begin(third, { subject: 'Third' });
    await at(T2).post(`/email-drafts/${first}/schedule`, { send_at: '2100-03-05T08:00:00.000Z' });
    await ann.delete(`/email-drafts/${third}`);
    const subjects = async (query = '') => pageOf((await ann.get(`/email-drafts${query}`)).body).items.map(({ subject }) => subject);
    expect(await subjects()).toEqual(['First', 'Second']);
    expect(await subjects('?sort=created_at')).toEqual(['First', 'Second']);
    expect(await subjects('?status=draft,discarded')).toEqual(['Third', 'Second']);
    expect(await subjects('?author=assistant')).toEqual([]);
    expect(said(await ann.get('/email-drafts?status=scheduled'))).toEqual({
      status: 200,
      body: {
        items: [
          {
            ...dinner(first),
            subject: 'First',
            status: 'scheduled',
            send_at: '2100-03-05T08:00:00.000Z',
            updated_at: T2,
            version: 1,
          },
        ],
        next_cursor: null,
      },
    });
  });

  test('are nobody else’s', async () => {
    const id = idOf(521);
    await begin(id);
    const eve = await register(daybook.app, 'Eve');
    expect(said(await eve.get(`/email-drafts/${id}`))).toEqual({ status: 404, body: NOT_FOUND });
    expect(said(await eve.post(`/email-drafts/${id}/send`))).toEqual({ status: 404, body: NOT_FOUND });
    expect(said(await eve.get('/email-drafts'))).toEqual({ status: 200, body: { items: [], next_cursor: null } });
  });
});

describe('sending', () => {
  test('is done once, soon, and gives an email', async () => {
    const id = idOf(531);
    const path = `/email-drafts/${id}`;
    await begin(id, {
      cc_addresses: [{ address: 'cleo@example.com' }],
      bcc_addresses: [{ address: 'dora@example.com' }],
      body_html: '<p>7?</p>',
    });
    const answers = await Promise.all([1, 2, 3].map(() => at(T1).post(`${path}/send`)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);

    const sent = await ended(id);
    const people = {
      to_addresses: [bob],
      cc_addresses: [{ name: null, address: 'cleo@example.com' }],
      bcc_addresses: [{ name: null, address: 'dora@example.com' }],
    };
    expect(sent).toEqual({
      ...dinner(id),
      ...people,
      body_html: '<p>7?</p>',
      status: 'sent',
      send_at: T1,
      sent_email_id: expect.any(String),
      updated_at: T1,
      version: 3,
    });
    const mine = server.delivered.filter(({ message }) => message.includes(id));
    const { email } = z.object({ email: z.string() }).parse((await ann.get('/users/me')).body);
    expect(mine).toEqual([{ from: email, to: ['bob@example.com', 'cleo@example.com', 'dora@example.com'], message: expect.any(String) }]);
    const message = mine[0]?.message ?? '';
    expect(message).not.toContain('dora');
    expect(headersOf(message)).toMatchObject({
      from: `Ann <${email}>`,
      to: 'Bob <bob@example.com>',
      cc: 'cleo@example.com',
      subject: 'Dinner',
      'message-id': `<${id}@example.com>`,
      'content-type': expect.stringMatching(/^multipart\/alternative/),
    });

    expect(said(await ann.get(`/emails/${sent.sent_email_id}`))).toEqual({
      status: 200,
      body: {
        id: sent.sent_email_id,
        ...people,
        message_id_header: `<${id}@example.com>`,
        thread_id: expect.any(String),
        in_reply_to: null,
        direction: 'outbound',
        from_address: email,
        from_name: 'Ann',
        subject: 'Dinner',
        body_text: 'At seven?',
        body_html: '<p>7?</p>',
        snippet: 'At seven?',
        folder: 'sent',
        is_read: true,
        is_starred: false,
        importance: 'normal',
        labels: [],
        has_attachments: false,
        sent_at: T1,
        received_at: null,
        created_at: T1,
        updated_at: T1,
        version: 0,
      },
    });

    expect(said(await ann.post(`${path}/send`))).toMatchObject({ status: 200, body: { status: 'sent', version: 3 } });
    expect(await ann.delete(path)).toMatchObject({ status: 409, body: { type: 'urn:daybook:problem:draft-sent' } });
    const logs = async () => pageOf((await ann.get('/integration-logs')).body).items;
    await expect.poll(async () => (await logs()).length, { timeout: 20_000 }).toBe(1);
    expect((await logs())[0]).toMatchObject({
      integration: 'smtp',
      operation: 'send',
      direction: 'outbound',
      status: 'succeeded',
      request: { host: '127.0.0.1', from: email, recipients: 3, message_id: `<${id}@example.com>` },
      response: { response: expect.stringMatching(/^250/), refused: 0 },
      error: null,
      correlation_id: 'the-request',
    });
    const toldOf = (body: unknown) =>
      pageOf(body).items.map(({ summary, actor, correlation_id, caused_by }) => ({ summary, actor, correlation_id, caused_by }));
    const asked = { actor: 'user', correlation_id: 'the-request', caused_by: null };
    const reaction = {
      ...{ actor: 'system', correlation_id: 'the-request' },
      caused_by: { policy: 'sendDrafts', event: { type: 'EmailDraftScheduled', entity_id: id, revision: 1 } },
    };
    expect(toldOf((await ann.get(`${path}/history`)).body)).toEqual([
      { summary: 'Began to write the email “Dinner”', ...asked },
      { summary: 'Had the email “Dinner” sent', ...asked },
      { summary: 'Began to send the email “Dinner”', ...reaction },
      { summary: 'Sent the email “Dinner”', ...reaction },
    ]);
    expect(toldOf((await ann.get(`/emails/${sent.sent_email_id}/history`)).body)).toEqual([
      { summary: 'Sent the email “Dinner” to Bob', ...reaction },
    ]);
  });

  test('in answer to an email continues its thread', async () => {
    const [id, parent] = [idOf(541), idOf(542)];
    const received = await ann.post('/emails', {
      id: parent,
      direction: 'inbound',
      in_reply_to: '<b@example.org>',
      references: ['<a@example.org>', '<b@example.org>'],
      from_address: 'bob@example.com',
      subject: 'Dinner',
    });
    // Without a Message-ID there is nothing that a header could name, but the thread is known.
    const { id: named, thread_id } = z.object({ id: z.string(), thread_id: z.string() }).parse(received.body);
    await begin(id, { in_reply_to_email_id: named });
    await ann.post(`/email-drafts/${id}/send`);
    const nameless = await ended(id);
    expect((await ann.get(`/emails/${nameless.sent_email_id}`)).body).toMatchObject({ thread_id, in_reply_to: null });

    const other = await ann.post('/emails', {
      direction: 'inbound',
      message_id_header: '<c@example.org>',
      in_reply_to: '<b@example.org>',
      references: ['<a@example.org>', '<b@example.org>'],
      from_address: 'bob@example.com',
      subject: 'Dinner',
    });
    const answered = z.object({ id: z.string(), thread_id: z.string() }).parse(other.body);
    await begin(idOf(543), { in_reply_to_email_id: answered.id });
    await ann.post(`/email-drafts/${idOf(543)}/send`);
    const sent = await ended(idOf(543));
    expect((await ann.get(`/emails/${sent.sent_email_id}`)).body).toMatchObject({
      thread_id: answered.thread_id,
      in_reply_to: '<c@example.org>',
    });
    expect(headersOf(server.delivered.find(({ message }) => message.includes(idOf(543)))?.message ?? '')).toMatchObject({
      'in-reply-to': '<c@example.org>',
      references: '<a@example.org> <b@example.org> <c@example.org>',
    });
  });

  test('in answer to an email with many references keeps the first of them and the last', async () => {
    const references = Array.from({ length: 100 }, (_, n) => `<${n}@many.example.org>`);
    const message_id_header = '<100@many.example.org>';
    const { body } = await ann.post('/emails', { direction: 'inbound', message_id_header, references, from_address: 'bob@example.com' });
    const id = idOf(546);
    await begin(id, { in_reply_to_email_id: z.object({ id: z.string() }).parse(body).id });
    await ann.post(`/email-drafts/${id}/send`);
    expect(await ended(id)).toMatchObject({ status: 'sent' });
    const { message = '' } = server.delivered.find(({ message }) => message.includes(id)) ?? {};
    expect(headersOf(message).references).toBe([references[0], ...references.slice(2), message_id_header].join(' '));
  });

  test('is not begun where the log has no room for the email, and can be tried again once that is shorter', async () => {
    const id = idOf(547);
    const path = `/email-drafts/${id}`;
    const half = '\u0001'.repeat(100_000);
    await begin(id, { body_text: half });
    await ann.patch(path, { body_html: half });
    await ann.post(`${path}/send`);
    expect(await ended(id)).toMatchObject({ status: 'failed', sent_email_id: null });
    expect(pageOf((await ann.get(`/activities?entity_id=${id}`)).body).items[0]).toMatchObject({
      summary: 'Could not send the email “Dinner”',
      details: { outcome: 'not_sent', error: 'email-too-large: Without its attachments, this email is larger than 1000 KiB.' },
    });
    const delivered = () => server.delivered.filter(({ message }) => message.includes(id)).length;
    expect(delivered()).toBe(0);
    expect(pageOf((await ann.get('/integration-logs')).body).items).toEqual([]);
    await ann.patch(path, { body_html: null });
    await ann.post(`${path}/send`);
    await expect.poll(async () => (await ended(id)).status, { timeout: 20_000 }).toBe('sent');
    expect(delivered()).toBe(1);
  });

  test('that the mail server refuses says so, and can be tried again', async () => {
    const id = idOf(551);
    const path = `/email-drafts/${id}`;
    await begin(id, { to_addresses: [{ address: 'nobody@example.com' }] });
    await ann.post(`${path}/send`);
    expect(await ended(id)).toMatchObject({ status: 'failed', sent_email_id: null });
    expect(pageOf((await ann.get(`/activities?entity_id=${id}`)).body).items[0]).toMatchObject({
      summary: 'Could not send the email “Dinner”',
      details: { outcome: 'not_sent', error: expect.stringContaining('550 No such person') },
    });
    expect(pageOf((await ann.get('/integration-logs')).body).items.filter((log) => JSON.stringify(log).includes(id))).toEqual([
      {
        id: expect.any(String),
        integration: 'smtp',
        operation: 'send',
        direction: 'outbound',
        status: 'failed',
        http_status: null,
        request: { host: '127.0.0.1', from: expect.stringContaining('@'), recipients: 1, message_id: `<${id}@example.com>` },
        response: { outcome: 'not_sent' },
        error: expect.stringContaining('550 No such person'),
        duration_ms: expect.any(Number),
        correlation_id: expect.any(String),
        occurred_at: T0,
        created_at: T0,
        updated_at: T0,
        version: expect.any(Number),
      },
    ]);
    await ann.patch(path, { to_addresses: [bob] });
    await ann.post(`${path}/send`);
    expect(await ended(id).then(() => ended(id))).toMatchObject({ status: expect.stringMatching(/sent|failed/) });
    await expect.poll(async () => (await ended(id)).status, { timeout: 20_000 }).toBe('sent');
  });

  test('waits until its time has come', async () => {
    const id = idOf(561);
    await begin(id);
    await ann.post(`/email-drafts/${id}/schedule`, { send_at: T2 });
    at(T1);
    await daybook.scheduler?.tick();
    expect((await ann.get(`/email-drafts/${id}`)).body).toMatchObject({ status: 'scheduled' });
    at(T3);
    await daybook.scheduler?.tick();
    expect(await ended(id)).toMatchObject({ status: 'sent', send_at: T2 });
  });

  test('is refused where no mail server is set, and says what to set', async () => {
    const without = await startDaybook();
    try {
      ann = await register(without.app);
      const id = idOf(571);
      await begin(id);
      for (const [path, body] of [
        ['send', {}],
        ['schedule', { send_at: T3 }],
      ] as const) {
        expect(said(await ann.post(`/email-drafts/${id}/${path}`, body))).toEqual({
          status: 409,
          body: {
            type: 'urn:daybook:problem:smtp-not-set-up',
            title: 'Smtp not set up',
            status: 409,
            detail: 'This Daybook cannot send email yet: set SMTP_URL to the mail server to send through.',
            request_id: 'the-request',
          },
        });
      }
    } finally {
      await without.close();
    }
  });

  test('is not begun again by a rebuild, nor where all is told again', async () => {
    const [delivered, head] = [server.delivered.length, await daybook.log.head()];
    expect(delivered).toBeGreaterThan(5);
    await daybook.projector?.stop();
    await rebuild(daybook.log, daybook.database, projections, () => {});
    expect(await daybook.log.head()).toBe(head);
    expect(await toldAgain(daybook, 'sendDrafts', 'EmailDraftScheduled', { SMTP_URL: server.url })).toEqual([]);
    expect(server.delivered.length).toBe(delivered);
  });
});

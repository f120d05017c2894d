import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { changeEmail, deleteEmail, email, recordEmail } from '../../../src/commands/emails/email.ts';
import { emailIdOf, messageIdsIn, threadIdOf } from '../../../src/commands/emails/identity.ts';
import { snippetOf } from '../../../src/commands/emails/snippet.ts';
import {
  emailDeleted,
  emailImportanceChanged,
  emailLabelsChanged,
  emailMarkedRead,
  emailMarkedUnread,
  emailMoved,
  emailReceived,
  emailSent,
  emailStarred,
  emailUnstarred,
} from '../../../src/events/emails.ts';
import { given, givenNothing, ID, ME, NOW, STRANGER } from '../../support/given.ts';

const said = { direction: 'inbound', from_address: 'ada@example.org' };
const letter: Parameters<typeof emailReceived>[0] = {
  message_id_header: null,
  thread_id: threadIdOf(ME, { message_id_header: null, in_reply_to: null, references: [] }, ID),
  in_reply_to: null,
  references: [],
  from_address: 'ada@example.org',
  from_name: null,
  to_addresses: [],
  cc_addresses: [],
  bcc_addresses: [],
  subject: null,
  body_text: null,
  body_html: null,
  snippet: '',
  folder: 'inbox',
  is_read: false,
  is_starred: false,
  importance: 'normal',
  labels: [],
  sent_at: null,
  received_at: NOW,
  attachments: [],
};
const MESSAGE_ID = '<1@example.org>';
const THREAD = threadIdOf(ME, { message_id_header: MESSAGE_ID, in_reply_to: null, references: [] }, ID);

describe('recording an email', () => {
  test('says all that the email says', () =>
    givenNothing()
      .when(recordEmail, {
        ...said,
        message_id_header: '1@example.org',
        from_name: 'Ada',
        to_addresses: [{ address: ' me@example.com ' }, { name: 'Bob', address: 'not an address' }],
        subject: 'Music',
        body_text: 'Shall we\nmeet?',
        body_html: '<p>Shall we</p>',
        labels: ['a', 'b', 'a'],
        sent_at: '2026-03-04T06:00:00+01:00',
        attachments: [{ filename: 'a.txt', content_type: 'text/plain', content: 'aGk=' }],
      })
      .thenAppends([
        emailReceived({
          ...letter,
          message_id_header: MESSAGE_ID,
          thread_id: THREAD,
          from_name: 'Ada',
          to_addresses: [
            { name: null, address: 'me@example.com' },
            { name: 'Bob', address: 'not an address' },
          ],
          subject: 'Music',
          body_text: 'Shall we\nmeet?',
          body_html: '<p>Shall we</p>',
          snippet: 'Shall we meet?',
          labels: ['a', 'b'],
          sent_at: '2026-03-04T05:00:00.000Z',
          received_at: '2026-03-04T05:00:00.000Z',
          attachments: [
            {
              filename: 'a.txt',
              content_type: 'text/plain',
              content_id: null,
              is_inline: false,
              size_bytes: 2,
              sha256: createHash('sha256').update('hi').digest('hex'),
            },
          ],
        }),
      ]));
  test('that was sent files it as sent, and read', () =>
    givenNothing()
      .when(recordEmail, { ...said, id: ID, direction: 'outbound' })
      .thenAppends([emailSent({ ...letter, received_at: null, folder: 'sent', is_read: true })]));
  test('with its Message-ID again appends nothing, whatever else it says', () =>
    given(email, [emailReceived({ ...letter, message_id_header: MESSAGE_ID })], emailIdOf(ME, 'inbound', MESSAGE_ID))
      .when(recordEmail, { ...said, message_id_header: MESSAGE_ID, subject: 'Another' })
      .thenAppends([]));
  test.each([
    ['when it was sent', { sent_at: '2026-03-04T05:00:00.000Z' }, '2026-03-04T05:00:00.000Z'],
    ['now, where it was sent later than that', { sent_at: '2026-03-05T05:00:00.000Z' }, NOW],
    ['when it says', { sent_at: '2026-03-04T05:00:00.000Z', received_at: '2026-03-04T05:00:01.000Z' }, '2026-03-04T05:00:01.000Z'],
  ])('came %s', (_, times, received_at) =>
    givenNothing()
      .when(recordEmail, { ...said, ...times, id: ID })
      .thenAppends([emailReceived({ ...letter, ...times, received_at })]),
  );
  test('with a Message-ID of what was sent makes another: a letter to oneself is two', () =>
    given(email, [emailSent({ ...letter, message_id_header: MESSAGE_ID })], emailIdOf(ME, 'outbound', MESSAGE_ID))
      .when(recordEmail, { ...said, message_id_header: MESSAGE_ID })
      .thenAppends([emailReceived({ ...letter, message_id_header: MESSAGE_ID, thread_id: THREAD })]));
  test('with a Message-ID that somebody else has recorded makes another', () =>
    given(email, [emailReceived({ ...letter, message_id_header: MESSAGE_ID })], emailIdOf(STRANGER, 'inbound', MESSAGE_ID), STRANGER)
      .when(recordEmail, { ...said, message_id_header: MESSAGE_ID })
      .thenAppends([emailReceived({ ...letter, message_id_header: MESSAGE_ID, thread_id: THREAD })]));
  test('that was deleted has it back', () =>
    given(email, [emailReceived({ ...letter, message_id_header: MESSAGE_ID }), emailDeleted({})], emailIdOf(ME, 'inbound', MESSAGE_ID))
      .when(recordEmail, { ...said, message_id_header: MESSAGE_ID })
      .thenAppends([emailReceived({ ...letter, message_id_header: MESSAGE_ID, thread_id: THREAD })]));
  test('by an id that is in use is refused', () =>
    given(email, [emailReceived(letter)])
      .when(recordEmail, { ...said, id: ID })
      .thenRefuses(409, 'id-in-use', '/id'));
  test('by an id and a Message-ID is refused: which would it be?', () =>
    givenNothing()
      .when(recordEmail, { ...said, id: ID, message_id_header: MESSAGE_ID })
      .thenRefuses(400, 'validation-failed', '/id'));
  test('is refused for what is wrong in it', () =>
    givenNothing()
      .when(recordEmail, {
        direction: 'up',
        from_address: 'ada@example.org',
        message_id_header: 'two words',
        to_addresses: [{ address: '' }],
        labels: ['a,b'],
        attachments: [{ content: 'no base64!' }],
        body_text: 'é'.repeat(140_000),
      })
      .thenRefuses(
        400,
        'validation-failed',
        '/direction',
        '/message_id_header',
        '/to_addresses/0/address',
        '/labels/0',
        '/attachments/0/content',
        '/body_text',
      ));
  test('is refused where no event has room for it', () =>
    givenNothing()
      .when(recordEmail, { ...said, body_text: '\u0001'.repeat(200_000) })
      .thenRefuses(422, 'email-too-large', ''));
});

describe('changing an email', () => {
  const recorded = given(email, [emailReceived(letter)]);
  test('says each thing in a word of its own', () =>
    recorded
      .when(changeEmail, { is_read: true, is_starred: true, folder: 'archive', labels: ['x', 'x'], importance: 'high' })
      .thenAppends([
        emailMarkedRead({}),
        emailStarred({}),
        emailMoved({ folder: 'archive' }),
        emailLabelsChanged({ labels: ['x'] }),
        emailImportanceChanged({ importance: 'high' }),
      ]));
  test('back does so as well', () =>
    given(email, [emailReceived({ ...letter, is_read: true, is_starred: true })])
      .when(changeEmail, { is_read: false, is_starred: false })
      .thenAppends([emailMarkedUnread({}), emailUnstarred({})]));
  test('to what it is appends nothing', () =>
    recorded.when(changeEmail, { is_read: false, folder: 'inbox', labels: [], importance: 'normal' }).thenAppends([]));
  test('cannot change what it says', () => recorded.when(changeEmail, { subject: 'x' }).thenRefuses(400, 'validation-failed', '/subject'));
});

test('deleting an email', () =>
  given(email, [emailReceived(letter)])
    .when(deleteEmail)
    .thenAppends([emailDeleted({})]));

describe('the thread', () => {
  const thread = (message_id_header: string | null, in_reply_to: string | null = null, references: string[] = []) =>
    threadIdOf(ME, { message_id_header, in_reply_to, references }, ID);
  test('is one for a letter, its answer and the answer to that, whichever comes first', () => {
    expect(thread('<b>', '<a>', ['<a>'])).toBe(thread('<a>'));
    expect(thread('<c>', '<b>', ['<a>', '<b>'])).toBe(thread('<a>'));
    expect(thread('<b>', '<a>')).toBe(thread('<a>'));
  });
  test('is another for another person, and for a letter that says nothing', () => {
    expect(threadIdOf(STRANGER, { message_id_header: '<a>', in_reply_to: null, references: [] }, ID)).not.toBe(thread('<a>'));
    expect(thread(null)).not.toBe(thread('<a>'));
  });
  test('is the best there is where the References are missing', () => expect(thread('<c>', '<b>')).toBe(thread('<b>')));
});

test.each([
  [undefined, []],
  ['', []],
  ['<a@b> <c@d>', ['<a@b>', '<c@d>']],
  ['<a@b>\t(comment) <c@d><e@f>', ['<a@b>', '<c@d>', '<e@f>']],
  ['<folded\r\n @b>', ['<folded@b>']],
  ['a@b, c@d', ['<a@b>', '<c@d>']],
  ['Your letter of Monday', []],
  [`<${'a'.repeat(2_000)}@b> <c@d>`, ['<c@d>']],
])('the Message-IDs in %j are %j', (header, ids) => expect(messageIdsIn(header)).toEqual(ids));

test('of too many references the first and the last are kept', () => {
  const ids = Array.from({ length: 150 }, (_, n) => `<${n}@b>`);
  expect(messageIdsIn(ids.join(' '))).toEqual([ids[0], ...ids.slice(-99)]);
});

test.each([
  [null, null, ''],
  ['  two\n\n lines ', '<p>no</p>', 'two lines'],
  [' \n', '<p>Hello&nbsp;<b>W</b>orld</p><p>x &lt; y &amp;amp; &#8364; &#x20AC; &unknown;</p>', 'Hello World x < y &amp; € € &unknown;'],
  [null, '<html><head><title>t</title><style>p { }</style></head><!-- <p>no</p> --><BODY><Script>alert(1)</SCRIPT>Yes</BODY>', 'Yes'],
  [null, 'Hello <', 'Hello'],
  [null, '<style>never ends', ''],
  ['\u200b\u034f \ufeffpadded', null, 'padded'],
  ['👩‍👧 \ud800', null, '👩‍👧 �'],
])('the snippet of %j and %j is %j', (text, html, snippet) => expect(snippetOf(text, html)).toBe(snippet));

test('a snippet is cut, and quick to make of whatever there is', () => {
  expect([...snippetOf('😀'.repeat(300), null)]).toHaveLength(200);
  const started = performance.now();
  for (const html of ['<style>', '<', '<!--', '&#', '</', '<p '.repeat(3)]) snippetOf(null, html.repeat(40_000));
  expect(performance.now() - started).toBeLessThan(2_000);
});

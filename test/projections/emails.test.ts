import { expect, test } from 'vitest';
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
} from '../../src/events/emails.ts';
import { emailSentences, emails } from '../../src/projections/emails/email.ts';
import { emailAttachmentRows, emailRows } from '../../src/tables/emails.ts';
import { AT, OWNER, recorded } from '../support/recorded.ts';

const ID = '0192f0c1-0000-7000-8000-000000000001';
const THREAD = '0192f0c1-0000-7000-8000-000000000002';
const stream = `email-${ID}`;
const SHA256 = 'a'.repeat(64);
const said = {
  message_id_header: '<2@example.org>',
  thread_id: THREAD,
  in_reply_to: '<1@example.org>',
  from_address: 'ada@example.org',
  from_name: 'Ada',
  to_addresses: [{ name: null, address: 'me@example.com' }],
  cc_addresses: [],
  bcc_addresses: [],
  subject: 'Music',
  body_text: 'Hello',
  body_html: null,
  snippet: 'Hello',
  folder: 'inbox',
  is_read: false,
  is_starred: false,
  importance: 'normal',
  labels: ['Fun'],
  sent_at: AT,
  received_at: null,
} as const;
const letter = {
  ...said,
  to_addresses: [...said.to_addresses],
  cc_addresses: [],
  bcc_addresses: [],
  labels: ['Fun'],
  references: ['<1@example.org>'],
};
const photo = { filename: 'a.png', content_type: 'image/png', size_bytes: 3, content_id: 'a', is_inline: true, sha256: SHA256 };
const stamps = { user_id: OWNER, created_at: AT, updated_at: AT, version: 0 };

test('a letter that came is a row, and so is each of its attachments', () => {
  const inlines = [true, false, false, true, true, false];
  const event = recorded(stream, emailReceived({ ...letter, attachments: inlines.map((is_inline) => ({ ...photo, is_inline })) }));
  const changes = emails.project(event);
  expect(changes).toEqual([
    { kind: 'insert', table: emailRows, row: { id: ID, ...said, direction: 'inbound', has_attachments: true, ...stamps } },
    ...inlines.map((is_inline) => ({
      kind: 'insert',
      table: emailAttachmentRows,
      row: { id: expect.any(String), email_id: ID, ...photo, is_inline, blob_key: `${OWNER}/${SHA256}`, ...stamps },
    })),
  ]);
  // The same event always gives the same ids, and each attachment another, in the letter's order.
  expect(emails.project(event)).toEqual(changes);
  const ids = changes.slice(1).map((change) => change.kind === 'insert' && String(change.row.id));
  expect(ids).toEqual([...new Set(ids)].sort());
});

test('a letter that was sent is one as well; an image within its text is no attachment to speak of', () => {
  expect(emails.project(recorded(stream, emailSent({ ...letter, attachments: [photo] })))[0]).toEqual({
    kind: 'insert',
    table: emailRows,
    row: { id: ID, ...said, direction: 'outbound', has_attachments: false, ...stamps },
  });
});

test.each([
  [emailMarkedRead({}), { is_read: true }],
  [emailMarkedUnread({}), { is_read: false }],
  [emailStarred({}), { is_starred: true }],
  [emailUnstarred({}), { is_starred: false }],
  [emailMoved({ folder: 'trash' }), { folder: 'trash' }],
  [emailLabelsChanged({ labels: ['a'] }), { labels: ['a'] }],
  [emailImportanceChanged({ importance: 'low' }), { importance: 'low' }],
])('$type changes its row', (event, set) => {
  expect(emails.project(recorded(stream, event, 3))).toEqual([
    { kind: 'update', table: emailRows, id: ID, set: { ...set, updated_at: AT, version: 3 }, add: {}, isOwn: true },
  ]);
});

test('a letter that is deleted is no row; its attachments go with it', () => {
  expect(emails.project(recorded(stream, emailDeleted({}), 1))).toEqual([
    { kind: 'remove', table: emailRows, where: { id: ID }, except: {} },
  ]);
});

const received = { from_address: 'ada@example.org', thread_id: THREAD, attachments: 0 };
test.each([
  [emailReceived({ ...letter, attachments: [] }), 'Received the email “Music” from Ada', received],
  [emailReceived({ ...letter, from_name: null, attachments: [] }), 'Received the email “Music” from ada@example.org', received],
  [
    emailReceived({ ...letter, from_name: null, from_address: '', attachments: [] }),
    'Received the email “Music”',
    { ...received, from_address: '' },
  ],
  [
    emailSent({ ...letter, attachments: [photo] }),
    'Sent the email “Music” to me@example.com',
    { to_addresses: ['me@example.com'], thread_id: THREAD, attachments: 1 },
  ],
  [
    emailSent({ ...letter, to_addresses: [{ name: 'Bob', address: 'b' }, ...letter.to_addresses], attachments: [] }),
    'Sent the email “Music” to Bob and 1 more',
    { to_addresses: ['b', 'me@example.com'], thread_id: THREAD, attachments: 0 },
  ],
  [
    emailSent({ ...letter, to_addresses: [], attachments: [] }),
    'Sent the email “Music”',
    { to_addresses: [], thread_id: THREAD, attachments: 0 },
  ],
  [emailMarkedRead({}), 'Marked the email “Music” as read', {}],
  [emailMarkedUnread({}), 'Marked the email “Music” as unread', {}],
  [emailStarred({}), 'Starred the email “Music”', {}],
  [emailUnstarred({}), 'Took the star off the email “Music”', {}],
  [emailMoved({ folder: 'trash' }), 'Moved the email “Music” to trash', { folder: 'trash' }],
  [emailLabelsChanged({ labels: ['a'] }), 'Labelled the email “Music”', { labels: ['a'] }],
  [emailImportanceChanged({ importance: 'low' }), 'Marked the email “Music” as of low importance', { importance: 'low' }],
  [emailDeleted({}), 'Deleted the email “Music”', {}],
])('$type is told as it happened', (event, summary, details) => {
  expect(emailSentences.tell(recorded(stream, event, 1, { title: 'Music' }))).toEqual({
    summary,
    details,
    entity_type: 'email',
    entity_id: ID,
  });
});

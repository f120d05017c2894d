// Requests about emails and drafts.
import fc from 'fast-check';
import { type Fields, id, note, orNull, request, time, type Value, type Weighted } from './said.ts';

// Few, so that the same come again, and answers before what they answer.
const messageId = fc.constantFrom('<1@t>', '<2@t>', '<3@t>', '<4@t>');
const marks: Fields = {
  folder: fc.constantFrom('inbox', 'sent', 'archive', 'trash'),
  is_read: fc.boolean(),
  is_starred: fc.boolean(),
  importance: fc.constantFrom('low', 'normal', 'high'),
  labels: fc.array(fc.constantFrom('Music', 'Fun', 'ΟΔΟΣ'), { maxLength: 3 }),
};
const newEmail = request('POST /emails', {
  needs: { direction: fc.constantFrom('inbound', 'outbound'), from_address: fc.constantFrom('ada@example.org', 'nobody', '') },
  may: {
    ...marks,
    id: id('email'),
    message_id_header: orNull(messageId),
    in_reply_to: orNull(messageId),
    references: fc.array(messageId, { maxLength: 2 }),
    to_addresses: fc.array(fc.constantFrom<Value>({ address: 'bob@example.com' }, { name: 'Cleo', address: 'cleo' }), { maxLength: 2 }),
    subject: note,
    body_text: note,
    sent_at: time,
    received_at: time,
    attachments: fc.array(
      fc.constantFrom<Value>({ content: 'aGk=' }, { content: '', filename: 'empty.txt' }, { content: 'aW1n', is_inline: true }),
      { maxLength: 2 },
    ),
  },
});
const recipients = fc.array(
  fc
    .record({ address: fc.constantFrom('ada@example.org', 'bob@example.org') })
    .chain(({ address }) =>
      fc.constantFrom<Readonly<Record<string, Value>>>({ address }, { name: 'Bob ', address }, { name: null, address }),
    ),
  { maxLength: 2 },
);
const letter: Fields = {
  to_addresses: recipients,
  cc_addresses: recipients,
  bcc_addresses: recipients,
  subject: orNull(fc.constantFrom('', 'Dinner', 'Ein schönes Essen')),
  body_text: note,
  body_html: orNull(fc.constantFrom('', '<p>At seven?</p>')),
};
export const newDraft = request('POST /email-drafts', {
  needs: { to_addresses: recipients },
  may: { ...letter, id: id('draft'), in_reply_to_email_id: orNull(id('email')) },
});
export const emailKinds: readonly Weighted[] = [
  [4, newDraft],
  [4, request('PATCH /email-drafts/:id', { may: letter })],
  [
    3,
    request('POST /email-drafts/:id/schedule', {
      needs: { send_at: fc.constantFrom('2026-03-01T09:00:00.000Z', '2031-12-31T23:59:59.999Z') },
    }),
  ],
  [3, request('POST /email-drafts/:id/unschedule')],
  [2, request('POST /email-drafts/:id/send', { may: { again: fc.boolean() } })],
  [1, request('DELETE /email-drafts/:id')],
  [8, newEmail],
  [5, request('PATCH /emails/:id', { may: marks })],
  [2, request('DELETE /emails/:id')],
];

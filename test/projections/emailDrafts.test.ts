import { describe, expect, test } from 'vitest';
import {
  emailDraftChanged,
  emailDraftCreated,
  emailDraftDiscarded,
  emailDraftScheduled,
  emailDraftSendFailed,
  emailDraftSendStarted,
  emailDraftSent,
  emailDraftUnscheduled,
} from '../../src/events/emails.ts';
import type { NewEvent } from '../../src/events/event.ts';
import { emailDraftSentences, emailDrafts } from '../../src/projections/emails/draft.ts';
import { emailDraftRows } from '../../src/tables/emails.ts';
import { AT, OWNER, recorded } from '../support/recorded.ts';

const ID = '0192f0c1-0000-7000-8000-000000000001';
const EMAIL = '0192f0c1-0000-7000-8000-000000000002';
const LATER = '2026-03-05T08:00:00.000Z';
const dinner = {
  in_reply_to_email_id: EMAIL,
  to_addresses: [{ name: 'Bob', address: 'bob@example.com' }],
  cc_addresses: [],
  bcc_addresses: [],
  subject: 'Dinner',
  body_text: 'At seven?',
  body_html: null,
};
const created = emailDraftCreated({ ...dinner, author: 'assistant' });
const changes = (event: NewEvent, revision = 0) => emailDrafts.project(recorded(`emailDraft-${ID}`, event, revision));

test('a draft that is begun is a row', () => {
  expect(changes(created)).toEqual([
    {
      kind: 'insert',
      table: emailDraftRows,
      row: {
        id: ID,
        ...dinner,
        author: 'assistant',
        status: 'draft',
        send_at: null,
        sent_email_id: null,
        user_id: OWNER,
        created_at: AT,
        updated_at: AT,
        version: 0,
      },
    },
  ]);
});

test.for([
  [emailDraftChanged({ subject: 'Supper' }), { subject: 'Supper' }],
  [emailDraftScheduled({ send_at: LATER }), { status: 'scheduled', send_at: LATER }],
  [emailDraftUnscheduled({}), { status: 'draft', send_at: null }],
  [emailDraftSendStarted({ message_id_header: '<1@example.com>' }), { status: 'sending' }],
  [emailDraftSent({ sent_email_id: EMAIL, refused_addresses: [] }), { status: 'sent', sent_email_id: EMAIL }],
  [emailDraftSendFailed({ outcome: 'not_sent', error: '550 No' }), { status: 'failed' }],
  [emailDraftSendFailed({ outcome: 'unknown', error: 'Gone' }), { status: 'unknown' }],
  [emailDraftDiscarded({}), { status: 'discarded' }],
] as const)('%j changes its row', ([event, set]) => {
  expect(changes(event, 3)).toEqual([
    { kind: 'update', table: emailDraftRows, id: ID, set: { ...set, updated_at: AT, version: 3 }, add: {}, isOwn: true },
  ]);
});

describe('what happened to a draft', () => {
  const told = (event: NewEvent) => emailDraftSentences.tell(recorded(`emailDraft-${ID}`, event, 1, { title: 'Dinner' }));
  const sentences: [NewEvent, string, object?][] = [
    [created, 'Began to write the email “Dinner”'],
    [emailDraftCreated({ ...dinner, subject: null, author: 'user' }), 'Began to write the email'],
    [emailDraftChanged({ subject: 'Supper', body_text: 'At eight?' }), 'Changed the draft “Dinner”', { subject: 'Supper' }],
    [emailDraftScheduled({ send_at: LATER }), 'Scheduled the email “Dinner”', { send_at: LATER }],
    [emailDraftScheduled({ send_at: AT }), 'Had the email “Dinner” sent', { send_at: AT }],
    [emailDraftUnscheduled({}), 'Took the email “Dinner” off the schedule'],
    [
      emailDraftSendStarted({ message_id_header: '<1@example.com>' }),
      'Began to send the email “Dinner”',
      { message_id_header: '<1@example.com>' },
    ],
    [
      emailDraftSent({ sent_email_id: EMAIL, refused_addresses: [] }),
      'Sent the email “Dinner”',
      { sent_email_id: EMAIL, refused_addresses: [] },
    ],
    [
      emailDraftSent({ sent_email_id: EMAIL, refused_addresses: ['eve@example.com'] }),
      'Sent the email “Dinner”, but not to eve@example.com',
      { sent_email_id: EMAIL, refused_addresses: ['eve@example.com'] },
    ],
    [
      emailDraftSendFailed({ outcome: 'not_sent', error: '550 No' }),
      'Could not send the email “Dinner”',
      { outcome: 'not_sent', error: '550 No' },
    ],
    [
      emailDraftSendFailed({ outcome: 'unknown', error: 'Gone' }),
      'Lost track of sending the email “Dinner”',
      { outcome: 'unknown', error: 'Gone' },
    ],
    [emailDraftDiscarded({}), 'Discarded the draft “Dinner”'],
  ];
  test.for(sentences)('%j is a sentence', ([event, summary, details = {}]) => {
    expect(told(event)).toEqual({ summary, details, entity_type: 'draft', entity_id: ID });
  });
});

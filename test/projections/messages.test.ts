import { expect, test } from 'vitest';
import { messageDeleted, messageEdited, messageSent } from '../../src/events/messages.ts';
import { messageSentences, messages } from '../../src/projections/messages.ts';
import { messageRows } from '../../src/tables/messages.ts';
import { sessionRows } from '../../src/tables/sessions.ts';
import { AT, OWNER, recorded } from '../support/recorded.ts';

const ID = '0192f0c1-0000-7000-8000-000000000001';
const SESSION = '0192f0c1-0000-7000-8000-000000000002';
const PARENT = '0192f0c1-0000-7000-8000-000000000003';
const stream = `message-${ID}`;
const said = {
  session_id: SESSION,
  parent_message_id: PARENT,
  role: 'user',
  content: 'Hello',
  content_type: 'text/plain',
  token_count: 1,
  metadata: { tone: 'warm' },
} as const;

test('a message that is sent is a row, and counts in its session', () => {
  expect(messages.project(recorded(stream, messageSent(said)))).toEqual([
    {
      kind: 'insert',
      table: messageRows,
      row: { id: ID, user_id: OWNER, ...said, edited_at: null, created_at: AT, updated_at: AT, version: 0 },
    },
    { kind: 'update', table: sessionRows, id: SESSION, set: { last_message_at: AT }, add: { message_count: 1 }, isOwn: false },
  ]);
});

test('a message that is edited changes in what was said anew', () => {
  const edited = messageEdited({ session_id: SESSION, content: 'Hello there', edited_at: AT });
  expect(messages.project(recorded(stream, edited, 1))).toEqual([
    {
      kind: 'update',
      table: messageRows,
      id: ID,
      set: { content: 'Hello there', edited_at: AT, updated_at: AT, version: 1 },
      add: {},
      isOwn: true,
    },
  ]);
});

test('a message that is deleted is no row, and no longer counts in its session', () => {
  expect(messages.project(recorded(stream, messageDeleted({ session_id: SESSION }), 1))).toEqual([
    { kind: 'remove', table: messageRows, where: { id: ID }, except: {} },
    { kind: 'update', table: sessionRows, id: SESSION, set: {}, add: { message_count: -1 }, isOwn: false },
  ]);
});

test.each([
  [messageSent(said), 'Said “Hello”', { session_id: SESSION, role: 'user' }],
  [messageSent({ ...said, role: 'assistant' }), 'The assistant said “Hello”', { session_id: SESSION, role: 'assistant' }],
  [messageSent({ ...said, role: 'system' }), 'The system said “Hello”', { session_id: SESSION, role: 'system' }],
  [messageSent({ ...said, role: 'tool' }), 'A tool said “Hello”', { session_id: SESSION, role: 'tool' }],
  [messageEdited({ session_id: SESSION, token_count: 2, edited_at: AT }), 'Edited the message “Hello”', { session_id: SESSION }],
  [messageDeleted({ session_id: SESSION }), 'Deleted the message “Hello”', { session_id: SESSION }],
])('$0.type is told: $1', (event, summary, details) => {
  expect(messageSentences.tell(recorded(stream, event, 1, { title: 'Hello' }))).toEqual({
    summary,
    details,
    entity_type: 'message',
    entity_id: ID,
  });
});

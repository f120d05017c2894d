import { describe, test } from 'vitest';
import { deleteMessage, editMessage, message, sendMessage } from '../../src/commands/messages.ts';
import { session } from '../../src/commands/sessions.ts';
import { messageDeleted, messageEdited, messageSent } from '../../src/events/messages.ts';
import { sessionArchived, sessionDeleted, sessionEnded, sessionResumed, sessionStarted } from '../../src/events/sessions.ts';
import { BEFORE, given, ID, NOBODYS_ID, NOW, OTHER_ID, STRANGER, THIRD_ID } from '../support/given.ts';

const SESSION = OTHER_ID;
const started = sessionStarted({ title: null, channel: 'web', context: {} });
const hello = {
  session_id: SESSION,
  parent_message_id: null,
  role: 'user',
  content: 'Hello',
  content_type: 'text/plain',
  token_count: null,
  metadata: {},
} as const;
const sent = messageSent(hello);

const inSession = { params: { id: SESSION } };
const givenSession = (...events: Parameters<typeof given>[1]) => given(session, [started, ...events], SESSION);

describe('sending a message', () => {
  test('needs who said what', () => givenSession().when(sendMessage, { role: 'user', content: 'Hello' }, inSession).thenAppends([sent]));
  test('keeps all that is said of it', () => {
    const body = {
      role: 'assistant',
      content: '*Hi*',
      content_type: 'text/markdown',
      token_count: 3,
      metadata: { model: 'small' },
    } as const;
    return givenSession()
      .and(message, [sent], THIRD_ID)
      .when(sendMessage, { ...body, parent_message_id: THIRD_ID }, inSession)
      .thenAppends([messageSent({ ...body, session_id: SESSION, parent_message_id: THIRD_ID })]);
  });
  test('is possible in a session that was resumed', () =>
    givenSession(sessionEnded({ ended_at: BEFORE }), sessionResumed({}))
      .when(sendMessage, { role: 'user', content: 'Hello' }, inSession)
      .thenAppends([sent]));

  test.each([
    ['ended', 409, 'session-ended', sessionEnded({ ended_at: BEFORE })],
    ['archived', 409, 'session-archived', sessionArchived({})],
    ['deleted', 404, 'not-found', sessionDeleted({})],
  ])('is refused when the session is %s', (_, status, code, event) =>
    givenSession(event).when(sendMessage, { role: 'user', content: 'Hello' }, inSession).thenRefuses(status, code),
  );
  test('is refused when the session is someone else’s', () =>
    given(session, [started], SESSION, STRANGER)
      .when(sendMessage, { role: 'user', content: 'Hello' }, inSession)
      .thenRefuses(404, 'not-found'));

  const answer = { role: 'assistant', content: 'Hi', parent_message_id: THIRD_ID };
  test.each([
    ['never was', givenSession()],
    ['is deleted', givenSession().and(message, [sent, messageDeleted({ session_id: SESSION })], THIRD_ID)],
    ['is someone else’s', givenSession().and(message, [sent], THIRD_ID, STRANGER)],
    [
      'is of another session',
      givenSession()
        .and(session, [started], ID)
        .and(message, [messageSent({ ...hello, session_id: ID })], THIRD_ID),
    ],
  ])('is refused when what it answers %s', (_, before) =>
    before.when(sendMessage, answer, inSession).thenRefuses(422, 'reference-not-found', '/parent_message_id'),
  );

  test.each([
    ['as no one', { role: 'nobody', content: 'Hello' }, '/role'],
    ['without content', { role: 'user' }, '/content'],
    ['with empty content', { role: 'user', content: '' }, '/content'],
    ['with content of more letters than an event carries', { role: 'user', content: 'a'.repeat(262_145) }, '/content'],
    ['with content of more bytes than an event carries', { role: 'user', content: 'ö'.repeat(131_073) }, '/content'],
    ['of what is no media type', { role: 'user', content: 'Hello', content_type: 'text' }, '/content_type'],
    ['with fewer tokens than none', { role: 'user', content: 'Hello', token_count: -1 }, '/token_count'],
    ['with metadata that are no object', { role: 'user', content: 'Hello', metadata: [] }, '/metadata'],
  ])('is refused %s', (_, body, pointer) =>
    givenSession().when(sendMessage, body, inSession).thenRefuses(400, 'validation-failed', pointer),
  );
  test('takes as many bytes as an event carries', () => {
    const content = 'ö'.repeat(131_072);
    return givenSession()
      .when(sendMessage, { role: 'user', content }, inSession)
      .thenAppends([messageSent({ ...hello, content })]);
  });
});

const givenMessage = (...events: Parameters<typeof given>[1]) => givenSession().and(message, [sent, ...events]);

describe('editing a message', () => {
  test('appends what differs, and when', () =>
    givenMessage()
      .when(editMessage, { content: 'Hello there', metadata: {} })
      .thenAppends([messageEdited({ session_id: SESSION, content: 'Hello there', edited_at: NOW })]));
  test('a second time goes on from the first', () =>
    givenMessage(messageEdited({ session_id: SESSION, content: 'Hello there', edited_at: BEFORE }))
      .when(editMessage, { content: 'Hello there', token_count: 2 })
      .thenAppends([messageEdited({ session_id: SESSION, token_count: 2, edited_at: NOW })]));
  test('to what it says appends nothing', () =>
    givenMessage().when(editMessage, { content: 'Hello', content_type: 'text/plain', token_count: null, metadata: {} }).thenAppends([]));
  test('is possible once the session has ended', () =>
    givenSession(sessionEnded({ ended_at: BEFORE }))
      .and(message, [sent])
      .when(editMessage, { content: 'Hello there' })
      .thenAppends([messageEdited({ session_id: SESSION, content: 'Hello there', edited_at: NOW })]));
  test.each(['role', 'parent_message_id', 'session_id'])('leaves its %s alone', (field) =>
    givenMessage()
      .when(editMessage, { content: 'Hi', [field]: NOBODYS_ID })
      .thenRefuses(400, 'validation-failed', `/${field}`),
  );
});

describe('deleting a message', () => {
  test('is the end of it', () =>
    givenMessage()
      .when(deleteMessage)
      .thenAppends([messageDeleted({ session_id: SESSION })]));
  test('twice finds nothing', () =>
    givenMessage(messageDeleted({ session_id: SESSION }))
      .when(deleteMessage)
      .thenRefuses(404, 'not-found'));
});

describe.each([
  ['edited', editMessage, { content: 'Mine' }],
  ['deleted', deleteMessage, undefined],
])('a message is not %s', (_, command, body) => {
  test('when its session is gone', () =>
    given(session, [started, sessionDeleted({})], SESSION)
      .and(message, [sent])
      .when(command, body)
      .thenRefuses(404, 'not-found'));
  test('when it is someone else’s', () =>
    given(session, [started], SESSION, STRANGER).and(message, [sent], ID, STRANGER).when(command, body).thenRefuses(404, 'not-found'));
});

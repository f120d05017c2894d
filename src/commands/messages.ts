// Messages: what was said in a session, by whom, and in answer to what.
import { z } from 'zod';
import { messageDeleted, messageEdited, messageSent } from '../events/messages.ts';
import { conflict, unprocessable } from '../problem.ts';
import { longText, mediaType, messageRole, smallObject, uuid, uuidV7 } from '../vocabulary.ts';
import { aggregate, reference } from './aggregate.ts';
import { command, noBody } from './command.ts';
import { changed, patchOf } from './patch.ts';
import { session } from './sessions.ts';

const MAX_BYTES = 256 * 1024;

export type Message = {
  readonly session_id: string;
  readonly content: string;
  readonly content_type: string;
  readonly token_count: number | null;
  readonly metadata: z.output<typeof smallObject>;
};

export const message = aggregate<Message>({
  category: 'message',
  created: { MessageSent: ({ data: { parent_message_id, role, ...message } }) => message },
  evolve: {
    MessageEdited: (message, { data: { edited_at, ...edited } }) => ({ ...message, ...edited }),
    MessageDeleted: () => undefined,
  },
  partOf: ({ session_id }) => reference(session, session_id),
  title: ({ content }) => beginningOf(content),
});

const fields = {
  // Letters beyond ASCII take two to four bytes each, and the bytes are what an event has to carry.
  content: longText.min(1).refine((text) => Buffer.byteLength(text) <= MAX_BYTES, 'must be at most 256 KiB in UTF-8'),
  content_type: mediaType,
  token_count: z.int().min(0).max(2_147_483_647).nullable(),
  metadata: smallObject,
};

export const sendMessage = command({
  route: 'POST /sessions/:id/messages',
  summary: 'Say something in a session',
  body: z.strictObject({
    id: uuidV7.optional(),
    role: messageRole,
    content: fields.content,
    content_type: fields.content_type.default('text/plain'),
    parent_message_id: uuid.nullable().default(null),
    token_count: fields.token_count.default(null),
    metadata: fields.metadata.default({}),
  }),
  example: { role: 'user', content: 'What is there to do in Vienna on a rainy day?' },
  aggregate: message,
  needs: async ({ params, body }, load) => ({
    session: await load(reference(session, params.id)),
    parent: await load(reference(message, body.parent_message_id, '/parent_message_id')),
  }),
  create: ({ params, body: { id, ...body }, needs: { session, parent } }) => {
    const { status } = session.state;
    if (status !== 'active') return conflict(`session-${status}`, `The session is ${status}; resume it first.`);
    if (parent && parent.state.session_id !== params.id) {
      return unprocessable('reference-not-found', 'This is no message of this session.', '/parent_message_id');
    }
    return messageSent({ session_id: params.id, ...body });
  },
  answer: 'getMessage',
});

export const editMessage = command({
  route: 'PATCH /messages/:id',
  summary: 'Edit a message',
  body: patchOf(fields),
  example: { content: 'What is there to do in Vienna on a sunny day?' },
  aggregate: message,
  decide: (message, { body, at }) => {
    const differs = changed(message, body);
    return differs ? messageEdited({ session_id: message.session_id, ...differs, edited_at: at }) : [];
  },
  answer: 'getMessage',
});

export const deleteMessage = command({
  route: 'DELETE /messages/:id',
  summary: 'Delete a message',
  description: 'Answers to it stay, as answers to nothing.',
  body: noBody,
  aggregate: message,
  decide: ({ session_id }) => messageDeleted({ session_id }),
});

/** A message has no name; a sentence that tells of it quotes how it begins. */
function beginningOf(content: string): string | undefined {
  const line = content.slice(0, 400).replaceAll(/\s+/g, ' ').trim();
  return [...line].slice(0, 100).join('') || undefined;
}

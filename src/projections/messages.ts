// Messages as rows, counted in their session, and what happened to them as sentences.
import { messageRows } from '../tables/messages.ts';
import { sessionRows } from '../tables/sessions.ts';
import { adjust, insert, projection, remove, update } from './projection.ts';
import { quoted, teller } from './sentence.ts';

export const messages = projection('messages', 1, {
  MessageSent: ({ id, data, meta }) => [
    insert(messageRows, { id, ...data, edited_at: null }),
    adjust(sessionRows, data.session_id, { last_message_at: meta.at }, { message_count: 1 }),
  ],
  MessageEdited: ({ id, data: { session_id, ...edited } }) => update(messageRows, id, edited),
  // When something was last said does not change: it was said, if not to stay.
  MessageDeleted: ({ id, data }) => [remove(messageRows, { id }), adjust(sessionRows, data.session_id, {}, { message_count: -1 })],
});

const saying = { user: 'Said', assistant: 'The assistant said', system: 'The system said', tool: 'A tool said' } as const;

export const messageSentences = teller('message', {
  MessageSent: ({ data: { session_id, role }, meta }) => ({
    summary: `${saying[role]}${quoted(meta.title ?? '')}`,
    details: { session_id, role },
  }),
  MessageEdited: ({ data: { session_id }, meta }) => ({ summary: `Edited the message${quoted(meta.title)}`, details: { session_id } }),
  MessageDeleted: ({ data: { session_id }, meta }) => ({ summary: `Deleted the message${quoted(meta.title)}`, details: { session_id } }),
});

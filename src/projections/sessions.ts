// Sessions as rows, and what happened to them as sentences. Their messages are counted where messages are projected.
import { sessionRows } from '../tables/sessions.ts';
import { insert, projection, remove, update } from './projection.ts';
import { quoted, silent, teller } from './sentence.ts';

export const sessions = projection('sessions', 1, {
  SessionStarted: ({ id, data }) =>
    insert(sessionRows, { id, ...data, status: 'active', message_count: 0, last_message_at: null, ended_at: null }),
  SessionRenamed: ({ id, data }) => update(sessionRows, id, data),
  SessionContextChanged: ({ id, data }) => update(sessionRows, id, data),
  SessionArchived: ({ id }) => update(sessionRows, id, { status: 'archived' }),
  SessionResumed: ({ id }) => update(sessionRows, id, { status: 'active', ended_at: null }),
  SessionEnded: ({ id, data }) => update(sessionRows, id, { status: 'ended', ended_at: data.ended_at }),
  SessionDeleted: ({ id }) => remove(sessionRows, { id }),
});

export const sessionSentences = teller('session', {
  SessionStarted: ({ data, meta }) => ({ summary: `Started the session${quoted(meta.title)}`, details: { channel: data.channel } }),
  SessionRenamed: ({ data }) => ({
    summary: data.title === null ? 'Took the title off the session' : `Renamed the session to${quoted(data.title)}`,
    details: data,
  }),
  SessionContextChanged: silent('it is what the assistant notes for itself, often with every message'),
  SessionArchived: ({ meta }) => `Archived the session${quoted(meta.title)}`,
  SessionResumed: ({ meta }) => `Resumed the session${quoted(meta.title)}`,
  SessionEnded: ({ meta }) => `Ended the session${quoted(meta.title)}`,
  SessionDeleted: ({ meta }) => `Deleted the session${quoted(meta.title)}`,
});

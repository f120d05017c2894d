// What requests about sessions and messages do.
import { z } from 'zod';
import { removeMessage, removeSession } from './cascades.ts';
import { type Context, changes, commandOn, type Happening, type Refusal, type Routes } from './core.ts';
import { change, type MessageRow, own, type SessionRow, stamped } from './rows.ts';

const jsonObject = z.record(z.string(), z.json());
const title = z.string().trim().nullable();

const newSession = z.object({
  id: z.uuidv7().optional(),
  title: title.default(null),
  channel: z.string().default('api'),
  context: jsonObject.default({}),
});
const sessionPatch = z.object({ title, context: jsonObject }).exactPartial();

const said = { content: z.string(), content_type: z.string(), token_count: z.number().nullable(), metadata: jsonObject };
const newMessage = z.object({
  id: z.uuidv7().optional(),
  role: z.string(),
  content: said.content,
  content_type: said.content_type.default('text/plain'),
  parent_message_id: z.string().nullable().default(null),
  token_count: said.token_count.default(null),
  metadata: said.metadata.default({}),
});
const messagePatch = z.object(said).exactPartial();

export const sessionRoutes: Routes = {
  'POST /sessions': ({ model: { rows, streams }, caller, body, newId }) => {
    const { id: chosenId, ...session } = newSession.parse(body);
    const id = newId(chosenId);
    return {
      creates: true,
      chosenId,
      stream: `session-${id}`,
      isInUse: streams.has(`session-${id}`),
      entity: () => own(rows.sessions, id, caller.id),
      content: [chosenId ?? null, session],
      decide: () => {
        const row = { ...session, status: 'active' as const, message_count: 0, last_message_at: null, ended_at: null };
        return [
          {
            type: 'SessionStarted',
            about: ['session', id],
            apply: (stamp) => rows.sessions.set(id, { ...stamped(id, caller.id, stamp), ...row }),
          },
        ];
      },
    };
  },
  'PATCH /sessions/:id': (request) => {
    const patch = sessionPatch.parse(request.body);
    return onSession(request, patch, (session) => {
      const { title, context } = changes(session, patch);
      return [
        ...(title === undefined ? [] : [becomes(session, 'SessionRenamed', { title })]),
        // What the assistant notes for itself is nothing that a person would call an event.
        ...(context === undefined ? [] : [{ ...becomes(session, 'SessionContextChanged', { context }), isSilent: true }]),
      ];
    });
  },
  'POST /sessions/:id/archive': (request) =>
    onSession(request, {}, (session) => {
      if (session.status === 'ended') return 409;
      return session.status === 'archived' ? [] : [becomes(session, 'SessionArchived', { status: 'archived' })];
    }),
  'POST /sessions/:id/resume': (request) =>
    onSession(request, {}, (session) =>
      session.status === 'active' ? [] : [becomes(session, 'SessionResumed', { status: 'active', ended_at: null })],
    ),
  'POST /sessions/:id/end': (request) =>
    onSession(request, {}, (session) =>
      session.status === 'ended' ? [] : [becomes(session, 'SessionEnded', { status: 'ended', ended_at: request.at })],
    ),
  'DELETE /sessions/:id': (request) => {
    const remove = ({ id }: SessionRow): Happening[] => [
      { type: 'SessionDeleted', about: ['session', id], apply: () => removeSession(request.model.rows, id) },
    ];
    return onSession(request, {}, remove, 'nothing');
  },

  'POST /sessions/:id/messages': ({ model: { rows, streams }, caller, params, body, newId }) => {
    const { id: chosenId, ...message } = newMessage.parse(body);
    const id = newId(chosenId);
    return {
      creates: true,
      chosenId,
      stream: `message-${id}`,
      isInUse: streams.has(`message-${id}`),
      entity: () => own(rows.messages, id, caller.id),
      content: [params, chosenId ?? null, message],
      decide: () => {
        const session = own(rows.sessions, params.id, caller.id);
        if (!session) return 404;
        const parent = own(rows.messages, message.parent_message_id ?? undefined, caller.id);
        if (message.parent_message_id !== null && !parent) return 422;
        if (session.status !== 'active') return 409;
        if (parent && parent.session_id !== session.id) return 422;
        const apply: Happening['apply'] = (stamp) => {
          rows.messages.set(id, { ...stamped(id, caller.id, stamp), session_id: session.id, ...message, edited_at: null });
          session.message_count += 1;
          session.last_message_at = stamp.at;
        };
        return [{ type: 'MessageSent', about: ['message', id], apply }];
      },
    };
  },
  'PATCH /messages/:id': (request) => {
    const patch = messagePatch.parse(request.body);
    return onMessage(request, patch, (message) => {
      const set: Partial<MessageRow> = changes(message, patch);
      if (Object.keys(set).length === 0) return [];
      const apply: Happening['apply'] = (stamp) => change(message, stamp, { ...set, edited_at: stamp.at });
      return [{ type: 'MessageEdited', about: ['message', message.id], apply }];
    });
  },
  'DELETE /messages/:id': (request) => {
    const { rows } = request.model;
    const remove = ({ id, session_id }: MessageRow): Happening[] => {
      const apply = () => {
        removeMessage(rows, id);
        const session = rows.sessions.get(session_id);
        // When something was last said stays: it was said.
        if (session) session.message_count -= 1;
      };
      return [{ type: 'MessageDeleted', about: ['message', id], apply }];
    };
    return onMessage(request, {}, remove, 'nothing');
  },
};

const becomes = (session: SessionRow, type: string, set: Partial<SessionRow>): Happening => ({
  type,
  about: ['session', session.id],
  apply: (stamp) => change(session, stamp, set),
});

function onSession(request: Context, patch: unknown, decide: (row: SessionRow) => Refusal | Happening[], answers?: 'nothing') {
  const { model, params, caller } = request;
  return commandOn(request, `session-${params.id}`, own(model.rows.sessions, params.id, caller.id), patch, decide, answers);
}

function onMessage(request: Context, patch: unknown, decide: (row: MessageRow) => Refusal | Happening[], answers?: 'nothing') {
  const { model, params, caller } = request;
  return commandOn(request, `message-${params.id}`, own(model.rows.messages, params.id, caller.id), patch, decide, answers);
}

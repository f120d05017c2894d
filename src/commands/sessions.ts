// Sessions: conversations between a person and the assistant.
import { z } from 'zod';
import {
  sessionArchived,
  sessionContextChanged,
  sessionDeleted,
  sessionEnded,
  sessionRenamed,
  sessionResumed,
  sessionStarted,
} from '../events/sessions.ts';
import { conflict } from '../problem.ts';
import { sessionChannel, type sessionStatus, smallObject, title, uuidV7 } from '../vocabulary.ts';
import { aggregate } from './aggregate.ts';
import { command, noBody } from './command.ts';
import { changed, patchOf } from './patch.ts';

export type Session = {
  readonly title: string | null;
  readonly context: z.output<typeof smallObject>;
  readonly status: z.output<typeof sessionStatus>;
};

export const session = aggregate<Session>({
  category: 'session',
  created: { SessionStarted: ({ data: { title, context } }) => ({ title, context, status: 'active' }) },
  evolve: {
    SessionRenamed: (session, { data }) => ({ ...session, ...data }),
    SessionContextChanged: (session, { data }) => ({ ...session, ...data }),
    SessionArchived: (session) => ({ ...session, status: 'archived' }),
    SessionResumed: (session) => ({ ...session, status: 'active' }),
    SessionEnded: (session) => ({ ...session, status: 'ended' }),
    SessionDeleted: () => undefined,
  },
  title: ({ title }) => title ?? undefined,
});

const fields = { title: title.nullable(), context: smallObject };

export const startSession = command({
  route: 'POST /sessions',
  summary: 'Start a session',
  body: z.strictObject({
    id: uuidV7.optional(),
    title: fields.title.default(null),
    channel: sessionChannel.default('api'),
    context: fields.context.default({}),
  }),
  example: { title: 'Plans for the weekend', channel: 'web', context: { place: 'Vienna' } },
  aggregate: session,
  create: ({ body: { title, channel, context } }) => sessionStarted({ title, channel, context }),
  answer: 'getSession',
});

export const changeSession = command({
  route: 'PATCH /sessions/:id',
  summary: 'Rename a session, or replace what the assistant keeps in mind for it',
  body: patchOf(fields),
  example: { title: 'Plans for the long weekend' },
  aggregate: session,
  decide: (session, { body }) => {
    const { title, context } = changed(session, body) ?? {};
    return [
      ...(title === undefined ? [] : [sessionRenamed({ title })]),
      ...(context === undefined ? [] : [sessionContextChanged({ context })]),
    ];
  },
  answer: 'getSession',
});

export const archiveSession = command({
  route: 'POST /sessions/:id/archive',
  summary: 'Put a session away',
  description: 'It takes no more messages until it is resumed.',
  body: noBody,
  aggregate: session,
  decide: ({ status }) => {
    if (status === 'ended') return conflict('session-ended', 'The session has ended; resume it first.');
    return status === 'archived' ? [] : sessionArchived({});
  },
  answer: 'getSession',
});

export const resumeSession = command({
  route: 'POST /sessions/:id/resume',
  summary: 'Take an archived or ended session up again',
  body: noBody,
  aggregate: session,
  decide: ({ status }) => (status === 'active' ? [] : sessionResumed({})),
  answer: 'getSession',
});

export const endSession = command({
  route: 'POST /sessions/:id/end',
  summary: 'End a session',
  description: 'It takes no more messages until it is resumed.',
  body: noBody,
  aggregate: session,
  decide: ({ status }, { at }) => (status === 'ended' ? [] : sessionEnded({ ended_at: at })),
  answer: 'getSession',
});

export const deleteSession = command({
  route: 'DELETE /sessions/:id',
  summary: 'Delete a session and its messages',
  body: noBody,
  aggregate: session,
  decide: () => sessionDeleted({}),
});

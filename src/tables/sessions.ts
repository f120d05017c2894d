// Conversations between a person and the assistant.
import { z } from 'zod';
import { sessionChannel, sessionStatus, storedInstant } from '../vocabulary.ts';
import { common, count, storedObject, table } from './table.ts';

export const sessionRows = table('sessions.sessions', {
  ...common,
  title: z.string().nullable(),
  channel: sessionChannel,
  status: sessionStatus,
  context: storedObject,
  message_count: count,
  last_message_at: storedInstant.nullable(),
  ended_at: storedInstant.nullable(),
});

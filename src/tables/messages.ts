// What was said in a session, and the model calls it took.
import { z } from 'zod';
import { llmRequestStatus, messageRole, storedInstant, uuid } from '../vocabulary.ts';
import { common, count, storedObject, table } from './table.ts';

export const messageRows = table('messages.messages', {
  ...common,
  session_id: uuid,
  parent_message_id: uuid.nullable(),
  role: messageRole,
  content: z.string(),
  content_type: z.string(),
  token_count: count.nullable(),
  metadata: storedObject,
  edited_at: storedInstant.nullable(),
});

export const llmRequestRows = table('messages.llm_requests', {
  ...common,
  session_id: uuid.nullable(),
  message_id: uuid.nullable(),
  provider: z.string(),
  model: z.string(),
  purpose: z.string().nullable(),
  status: llmRequestStatus,
  prompt_tokens: count.nullable(),
  completion_tokens: count.nullable(),
  cost_usd: z.number().nonnegative().nullable(),
  latency_ms: count.nullable(),
  error: z.string().nullable(),
  request: storedObject.nullable(),
  response: storedObject.nullable(),
  started_at: storedInstant,
  completed_at: storedInstant.nullable(),
});

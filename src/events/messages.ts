// What can happen to a message, and to a request to a language model. Each event of a message names its session, which counts them.
import { z } from 'zod';
import { instant, jsonObject, longText, mediaType, messageRole, name, smallObject, text, uuid } from '../vocabulary.ts';
import { event } from './event.ts';

const said = { content: longText, content_type: mediaType, token_count: z.int().nullable(), metadata: smallObject };
export const messageSent = event('MessageSent', { session_id: uuid, parent_message_id: uuid.nullable(), role: messageRole, ...said });
export const messageEdited = event('MessageEdited', { session_id: uuid, ...z.object(said).exactPartial().shape, edited_at: instant });
export const messageDeleted = event('MessageDeleted', { session_id: uuid });

// What was asked and answered has no secrets: they were masked before.
const count = z.int().nullable();
const spent = {
  prompt_tokens: count,
  completion_tokens: count,
  cost_usd: z.number().nullable(),
  latency_ms: count,
  response: jsonObject.nullable(),
  completed_at: instant,
};
export const llmRequestStarted = event('LlmRequestStarted', {
  session_id: uuid.nullable(),
  message_id: uuid.nullable(),
  provider: name,
  model: name,
  purpose: name.nullable(),
  request: jsonObject.nullable(),
  started_at: instant,
});
export const llmRequestSucceeded = event('LlmRequestSucceeded', spent);
export const llmRequestFailed = event('LlmRequestFailed', { ...spent, error: text(65_536) });
export const llmRequestCancelled = event('LlmRequestCancelled', spent);

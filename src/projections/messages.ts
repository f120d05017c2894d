// Messages as rows, counted in their session, requests to language models as rows, and what happened to them as sentences.
import { llmRequestRows, messageRows } from '../tables/messages.ts';
import { sessionRows } from '../tables/sessions.ts';
import { adjust, insert, projection, remove, update } from './projection.ts';
import { quoted, teller } from './sentence.ts';

const unspent = {
  prompt_tokens: null,
  completion_tokens: null,
  cost_usd: null,
  latency_ms: null,
  error: null,
  response: null,
  completed_at: null,
};

export const messages = projection('messages', 1, {
  MessageSent: ({ id, data, meta }) => [
    insert(messageRows, { id, ...data, edited_at: null }),
    adjust(sessionRows, data.session_id, { last_message_at: meta.at }, { message_count: 1 }),
  ],
  MessageEdited: ({ id, data: { session_id, ...edited } }) => update(messageRows, id, edited),
  // When something was last said does not change: it was said, if not to stay.
  MessageDeleted: ({ id, data }) => [remove(messageRows, { id }), adjust(sessionRows, data.session_id, {}, { message_count: -1 })],

  LlmRequestStarted: ({ id, data }) => insert(llmRequestRows, { id, ...data, status: 'pending', ...unspent }),
  LlmRequestSucceeded: ({ id, data }) => update(llmRequestRows, id, { ...data, status: 'succeeded' }),
  LlmRequestFailed: ({ id, data }) => update(llmRequestRows, id, { ...data, status: 'failed' }),
  LlmRequestCancelled: ({ id, data }) => update(llmRequestRows, id, { ...data, status: 'cancelled' }),
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

const spent = ({ prompt_tokens, completion_tokens, cost_usd, latency_ms }: Readonly<Record<string, unknown>>) => ({
  prompt_tokens,
  completion_tokens,
  cost_usd,
  latency_ms,
});

export const llmRequestSentences = teller('llm_request', {
  LlmRequestStarted: ({ data: { session_id, message_id, provider, model, purpose } }) => ({
    summary: `Asked the model${quoted(model)}`,
    details: { session_id, message_id, provider, model, purpose },
  }),
  LlmRequestSucceeded: ({ data, meta }) => ({ summary: `The model${quoted(meta.title)} answered`, details: spent(data) }),
  LlmRequestFailed: ({ data, meta }) => ({
    summary: `The model${quoted(meta.title)} gave no good answer`,
    details: { ...spent(data), error: data.error.slice(0, 200) },
  }),
  LlmRequestCancelled: ({ data, meta }) => ({ summary: `Told the model${quoted(meta.title)} to stop`, details: spent(data) }),
});

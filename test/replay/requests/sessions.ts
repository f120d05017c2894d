// Requests about sessions, messages and calls of language models.
import fc from 'fast-check';
import { exchanged, type Fields, id, mistake, object, orNull, pick, request, text, type Weighted, word } from './said.ts';

const said: Fields = {
  content: text,
  content_type: fc.constantFrom('text/plain', 'text/markdown'),
  token_count: orNull(fc.constantFrom(0, 7, 4_000)),
  metadata: object,
};

export const newSession = request('POST /sessions', {
  may: { id: id('session'), title: orNull(text), channel: fc.constantFrom('web', 'cli', 'voice'), context: object },
});
const newLlmRequest = request('POST /llm-requests', {
  needs: { provider: fc.constantFrom('openai', 'local'), model: fc.constantFrom('small', 'large') },
  may: {
    id: id('llmRequest'),
    session_id: orNull(pick('session')),
    message_id: orNull(pick('message')),
    purpose: orNull(word),
    request: exchanged,
    started_at: fc.constantFrom('2026-03-02T09:00:00.000Z', '2026-03-02T09:00:00.000Z', '2031-12-31T23:59:59.999Z'),
  },
});
const spent: Fields = {
  prompt_tokens: orNull(fc.constantFrom(0, 31)),
  completion_tokens: orNull(fc.constantFrom(0, 212)),
  cost_usd: orNull(fc.constantFrom(0, 0.000432, 12.5)),
  latency_ms: orNull(fc.constantFrom(0, 1_840)),
  response: exchanged,
  completed_at: fc.constantFrom('2026-03-01T09:00:00.000Z', '2026-03-03T09:00:00.000Z', '2032-01-01T00:00:00.000Z'),
};
export const sessionKinds: readonly Weighted[] = [
  [4, newSession],
  [3, request('PATCH /sessions/:id', { may: { title: orNull(text), context: object } })],
  [1, request('POST /sessions/:id/archive')],
  [3, request('POST /sessions/:id/resume')],
  [1, request('POST /sessions/:id/end')],
  [0.4, request('DELETE /sessions/:id')],
  [
    9,
    request('POST /sessions/:id/messages', {
      needs: { role: fc.constantFrom('user', 'assistant', 'system', 'tool'), content: text },
      may: { ...said, id: id('message'), parent_message_id: orNull(pick('message')) },
    }),
  ],
  [4, request('PATCH /messages/:id', { may: said })],
  [2, request('DELETE /messages/:id')],
  [6, newLlmRequest],
  [4, request('POST /llm-requests/:id/succeed', { may: spent })],
  [3, request('POST /llm-requests/:id/fail', { needs: { error: mistake }, may: spent })],
  [3, request('POST /llm-requests/:id/cancel', { may: spent })],
];

// What is decided about requests to language models, and that no secret gets into an event.
import { describe, expect, test } from 'vitest';
import { logIntegrationCall } from '../../src/commands/integrations.ts';
import { cancelLlmRequest, failLlmRequest, llmRequest, message, startLlmRequest, succeedLlmRequest } from '../../src/commands/messages.ts';
import { session } from '../../src/commands/sessions.ts';
import { integrationCallLogged } from '../../src/events/integrations.ts';
import { llmRequestCancelled, llmRequestFailed, llmRequestStarted, llmRequestSucceeded, messageSent } from '../../src/events/messages.ts';
import { sessionStarted } from '../../src/events/sessions.ts';
import { BEFORE, given, givenNothing, NOBODYS_ID, NOW, OTHER_ID, STRANGER, THIRD_ID } from '../support/given.ts';

const begun = llmRequestStarted({
  session_id: null,
  message_id: null,
  provider: 'openai',
  model: 'gpt-5-mini',
  purpose: null,
  request: null,
  started_at: BEFORE,
});
const nothing = { prompt_tokens: null, completion_tokens: null, cost_usd: null, latency_ms: null, response: null, completed_at: NOW };
const asked = { provider: 'openai', model: 'gpt-5-mini' };
const started = sessionStarted({ title: null, channel: 'api', context: {} });
const sent = messageSent({
  session_id: OTHER_ID,
  parent_message_id: null,
  role: 'user',
  content: 'Hello',
  content_type: 'text/plain',
  token_count: null,
  metadata: {},
});

describe('asking a model', () => {
  test('masks the secrets of the request', () =>
    givenNothing()
      .when(startLlmRequest, { ...asked, request: { api_key: 'k' } })
      .thenAppends([llmRequestStarted({ ...begun.data, request: { api_key: '[masked]' }, started_at: NOW })]));
  test('for a message is for its session', () =>
    given(session, [started], OTHER_ID)
      .and(message, [sent], THIRD_ID)
      .when(startLlmRequest, { ...asked, message_id: THIRD_ID })
      .thenAppends([llmRequestStarted({ ...begun.data, session_id: OTHER_ID, message_id: THIRD_ID, started_at: NOW })]));
  test('for a session or message that is not there, or someone else’s, is refused', async () => {
    const theirs = given(session, [started], OTHER_ID, STRANGER).and(message, [sent], THIRD_ID, STRANGER);
    await theirs.when(startLlmRequest, { ...asked, session_id: OTHER_ID }).thenRefuses(422, 'reference-not-found', '/session_id');
    await theirs.when(startLlmRequest, { ...asked, message_id: THIRD_ID }).thenRefuses(422, 'reference-not-found', '/message_id');
    await theirs.when(startLlmRequest, { ...asked, message_id: NOBODYS_ID }).thenRefuses(422, 'reference-not-found', '/message_id');
  });
});

describe.each([
  [succeedLlmRequest, llmRequestSucceeded(nothing), {}],
  [failLlmRequest, llmRequestFailed({ ...nothing, error: 'no' }), { error: 'no' }],
  [cancelLlmRequest, llmRequestCancelled(nothing), {}],
] as const)('$0.route', (end, event, body) => {
  const others = [llmRequestSucceeded(nothing), llmRequestFailed({ ...nothing, error: 'no' }), llmRequestCancelled(nothing)];
  test('ends what is pending', () => given(llmRequest, [begun]).when(end, body).thenAppends([event]));
  test('again appends nothing', () =>
    given(llmRequest, [begun, event])
      .when(end, { ...body, latency_ms: 5 })
      .thenAppends([]));
  test('is refused where it has ended otherwise', async () => {
    for (const other of others.filter(({ type }) => type !== event.type)) {
      await given(llmRequest, [begun, other]).when(end, body).thenRefuses(409, 'llm-request-ended');
    }
  });
  test('is refused before the start', () =>
    given(llmRequest, [begun])
      .when(end, { ...body, completed_at: '2026-01-01T00:00:00Z' })
      .thenRefuses(422, 'completed-before-start', '/completed_at'));
});

test('a call to another service is logged without its secrets', async () => {
  const call = { integration: 'smtp', operation: 'send', status: 'failed', occurred_at: BEFORE } as const;
  await givenNothing()
    .when(logIntegrationCall, { ...call, request: { url: 'smtp://a:b@c' }, error: 'password=x' }, { idempotencyKey: 'k' })
    .thenAppends([
      { type: 'IdempotencyKeyUsed', data: { body_hmac: expect.any(String) } },
      integrationCallLogged({
        log_id: expect.any(String),
        ...call,
        direction: 'outbound',
        http_status: null,
        request: { url: 'smtp://[masked]@c' },
        response: null,
        error: 'password=[masked]',
        duration_ms: null,
        correlation_id: null,
      }),
    ]);
});

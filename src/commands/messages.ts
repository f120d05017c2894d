// Messages: what was said in a session, by whom, and in answer to what; and what language models were asked for it.
import { z } from 'zod';
import {
  llmRequestCancelled,
  llmRequestFailed,
  llmRequestStarted,
  llmRequestSucceeded,
  messageDeleted,
  messageEdited,
  messageSent,
} from '../events/messages.ts';
import { maskSecrets, maskText } from '../masking.ts';
import { conflict, unprocessable } from '../problem.ts';
import {
  instant,
  largeObject,
  type llmRequestStatus,
  longText,
  mediaType,
  messageRole,
  name,
  smallObject,
  text,
  usd,
  uuid,
  uuidV7,
} from '../vocabulary.ts';
import { aggregate, reference } from './aggregate.ts';
import { command, noBody } from './command.ts';
import { changed, patchOf } from './patch.ts';
import { session } from './sessions.ts';

const MAX_BYTES = 256 * 1024;

export type Message = {
  readonly session_id: string;
  readonly content: string;
  readonly content_type: string;
  readonly token_count: number | null;
  readonly metadata: z.output<typeof smallObject>;
};

export const message = aggregate<Message>({
  category: 'message',
  created: { MessageSent: ({ data: { parent_message_id, role, ...message } }) => message },
  evolve: {
    MessageEdited: (message, { data: { edited_at, ...edited } }) => ({ ...message, ...edited }),
    MessageDeleted: () => undefined,
  },
  partOf: ({ session_id }) => reference(session, session_id),
  title: ({ content }) => beginningOf(content),
});

const fields = {
  // Letters beyond ASCII take two to four bytes each, and the bytes are what an event has to carry.
  content: longText.min(1).refine((text) => Buffer.byteLength(text) <= MAX_BYTES, 'must be at most 256 KiB in UTF-8'),
  content_type: mediaType,
  token_count: z.int().min(0).max(2_147_483_647).nullable(),
  metadata: smallObject,
};

export const sendMessage = command({
  route: 'POST /sessions/:id/messages',
  summary: 'Say something in a session',
  body: z.strictObject({
    id: uuidV7.optional(),
    role: messageRole,
    content: fields.content,
    content_type: fields.content_type.default('text/plain'),
    parent_message_id: uuid.nullable().default(null),
    token_count: fields.token_count.default(null),
    metadata: fields.metadata.default({}),
  }),
  example: { role: 'user', content: 'What is there to do in Vienna on a rainy day?' },
  aggregate: message,
  needs: async ({ params, body }, load) => ({
    session: await load(reference(session, params.id)),
    parent: await load(reference(message, body.parent_message_id, '/parent_message_id')),
  }),
  create: ({ params, body: { id, ...body }, needs: { session, parent } }) => {
    const { status } = session.state;
    if (status !== 'active') return conflict(`session-${status}`, `The session is ${status}; resume it first.`);
    if (parent && parent.state.session_id !== params.id) {
      return unprocessable('reference-not-found', 'This is no message of this session.', '/parent_message_id');
    }
    return messageSent({ session_id: params.id, ...body });
  },
  answer: 'getMessage',
});

export const editMessage = command({
  route: 'PATCH /messages/:id',
  summary: 'Edit a message',
  body: patchOf(fields),
  example: { content: 'What is there to do in Vienna on a sunny day?' },
  aggregate: message,
  decide: (message, { body, at }) => {
    const differs = changed(message, body);
    return differs ? messageEdited({ session_id: message.session_id, ...differs, edited_at: at }) : [];
  },
  answer: 'getMessage',
});

export const deleteMessage = command({
  route: 'DELETE /messages/:id',
  summary: 'Delete a message',
  description: 'Answers to it stay, as answers to nothing.',
  body: noBody,
  aggregate: message,
  decide: ({ session_id }) => messageDeleted({ session_id }),
});

/** A message has no name; a sentence that tells of it quotes how it begins. */
function beginningOf(content: string): string | undefined {
  const line = content.slice(0, 400).replaceAll(/\s+/g, ' ').trim();
  return [...line].slice(0, 100).join('') || undefined;
}

type LlmRequest = { readonly model: string; readonly status: z.output<typeof llmRequestStatus>; readonly started_at: string };

export const llmRequest = aggregate<LlmRequest>({
  category: 'llmRequest',
  created: { LlmRequestStarted: ({ data: { model, started_at } }) => ({ model, started_at, status: 'pending' }) },
  evolve: {
    LlmRequestSucceeded: (request) => ({ ...request, status: 'succeeded' }),
    LlmRequestFailed: (request) => ({ ...request, status: 'failed' }),
    LlmRequestCancelled: (request) => ({ ...request, status: 'cancelled' }),
  },
  title: ({ model }) => model,
});

export const startLlmRequest = command({
  route: 'POST /llm-requests',
  summary: 'Note that a language model is asked something',
  description:
    'It can belong to a message, and to its session, and outlives both. What is named like a secret in the request, or looks like one, is masked before it is kept.',
  body: z.strictObject({
    id: uuidV7.optional(),
    session_id: uuid.nullable().default(null),
    message_id: uuid.nullable().default(null),
    provider: name,
    model: name,
    purpose: name.nullable().default(null),
    request: largeObject.nullable().default(null),
    started_at: instant.optional(),
  }),
  example: {
    provider: 'openai',
    model: 'gpt-5-mini',
    purpose: 'answer',
    request: { messages: [{ role: 'user', content: 'What is there to do in Vienna on a rainy day?' }], max_tokens: 400 },
  },
  aggregate: llmRequest,
  needs: async ({ body }, load) => ({
    session: await load(reference(session, body.session_id, '/session_id')),
    message: await load(reference(message, body.message_id, '/message_id')),
  }),
  create: ({ at, body: { id, request, started_at = at, session_id, ...body }, needs: { message } }) => {
    if (message && session_id !== null && message.state.session_id !== session_id) {
      return unprocessable('reference-not-found', 'This is no message of this session.', '/message_id');
    }
    return llmRequestStarted({
      ...body,
      session_id: session_id ?? message?.state.session_id ?? null,
      request: request && maskSecrets(request),
      started_at,
    });
  },
  answer: 'getLlmRequest',
});

const tokens = z.int().min(0).max(2_147_483_647).nullable().default(null);
const spent = {
  prompt_tokens: tokens,
  completion_tokens: tokens,
  cost_usd: usd.nullable().default(null),
  latency_ms: tokens,
  response: largeObject.nullable().default(null),
  completed_at: instant.optional(),
};
const spentExample = { prompt_tokens: 31, completion_tokens: 212, cost_usd: 0.000432, latency_ms: 1840 };

/** An end is for good: the same again is no news, whatever it says, and another one is refused. */
function unlessPending({ status, started_at }: LlmRequest, end: LlmRequest['status'], completed_at: string) {
  if (status === end) return [];
  if (status !== 'pending') {
    return conflict(
      'llm-request-ended',
      `The request ${{ succeeded: 'has succeeded', failed: 'has failed', cancelled: 'was cancelled' }[status]} already.`,
    );
  }
  return completed_at < started_at
    ? unprocessable('completed-before-start', 'This is before the request was started.', '/completed_at')
    : undefined;
}

export const succeedLlmRequest = command({
  route: 'POST /llm-requests/:id/succeed',
  summary: 'Note what a model answered',
  body: z.strictObject(spent),
  example: { ...spentExample, response: { content: 'The Kunsthistorisches Museum has Bruegel.' } },
  aggregate: llmRequest,
  decide: (request, { at, body: { response, completed_at = at, ...body } }) =>
    unlessPending(request, 'succeeded', completed_at) ??
    llmRequestSucceeded({ ...body, response: response && maskSecrets(response), completed_at }),
  answer: 'getLlmRequest',
});

export const failLlmRequest = command({
  route: 'POST /llm-requests/:id/fail',
  summary: 'Note that a model did not answer, or not as it should',
  body: z.strictObject({ ...spent, error: text(16_384).min(1) }),
  example: { latency_ms: 30_000, error: 'No answer within 30 seconds' },
  aggregate: llmRequest,
  decide: (request, { at, body: { response, error, completed_at = at, ...body } }) =>
    unlessPending(request, 'failed', completed_at) ??
    llmRequestFailed({ ...body, response: response && maskSecrets(response), error: maskText(error), completed_at }),
  answer: 'getLlmRequest',
});

export const cancelLlmRequest = command({
  route: 'POST /llm-requests/:id/cancel',
  summary: 'Note that a model was told to stop, with what came and was spent until then',
  body: z.strictObject(spent),
  example: { completion_tokens: 12 },
  aggregate: llmRequest,
  decide: (request, { at, body: { response, completed_at = at, ...body } }) =>
    unlessPending(request, 'cancelled', completed_at) ??
    llmRequestCancelled({ ...body, response: response && maskSecrets(response), completed_at }),
  answer: 'getLlmRequest',
});

// What requests about requests to language models do.
import { z } from 'zod';
import { type Context, commandOn, type Happening, type Routes } from './core.ts';
import { masked, maskedText } from './integrations.ts';
import { change, type LlmRequestRow, own, stamped } from './rows.ts';

const object = z.record(z.string(), z.json()).nullable().default(null);
const count = z.number().nullable().default(null);
const newRequest = z.object({
  id: z.uuidv7().optional(),
  session_id: z.string().nullable().default(null),
  message_id: z.string().nullable().default(null),
  provider: z.string().trim(),
  model: z.string().trim(),
  purpose: z.string().trim().nullable().default(null),
  request: object,
  started_at: z.string().optional(),
});
const spent = z.object({
  prompt_tokens: count,
  completion_tokens: count,
  cost_usd: count,
  latency_ms: count,
  response: object,
  completed_at: z.string().optional(),
});
const failure = spent.extend({ error: z.string() });

export const llmRequestRoutes: Routes = {
  'POST /llm-requests': ({ model: { rows, streams }, caller, body, at, newId }) => {
    const { id: chosenId, ...said } = newRequest.parse(body);
    const id = newId(chosenId);
    const stream = `llmRequest-${id}`;
    return {
      creates: true,
      chosenId,
      stream,
      isInUse: streams.has(stream),
      entity: () => own(rows.llm_requests, id, caller.id),
      content: [chosenId ?? null, said],
      decide: () => {
        const session = own(rows.sessions, said.session_id ?? undefined, caller.id);
        const message = own(rows.messages, said.message_id ?? undefined, caller.id);
        if ((said.session_id !== null && !session) || (said.message_id !== null && !message)) return 422;
        if (session && message && message.session_id !== session.id) return 422;
        const row = {
          ...said,
          // Who names the message has named its session.
          session_id: session?.id ?? message?.session_id ?? null,
          request: masked(said.request),
          started_at: said.started_at ?? at,
          status: 'pending' as const,
          prompt_tokens: null,
          completion_tokens: null,
          cost_usd: null,
          latency_ms: null,
          error: null,
          response: null,
          completed_at: null,
        };
        const apply: Happening['apply'] = (stamp) => rows.llm_requests.set(id, { ...stamped(id, caller.id, stamp), ...row });
        return [{ type: 'LlmRequestStarted', about: ['llm_request', id], apply }];
      },
    };
  },
  'POST /llm-requests/:id/succeed': (request) => ends(request, 'succeeded', 'LlmRequestSucceeded', spent.parse(request.body)),
  'POST /llm-requests/:id/fail': (request) => {
    const said = failure.parse(request.body);
    return ends(request, 'failed', 'LlmRequestFailed', said, { error: maskedText(said.error) });
  },
  'POST /llm-requests/:id/cancel': (request) => ends(request, 'cancelled', 'LlmRequestCancelled', spent.parse(request.body)),
};

/** An end is for good. */
function ends(request: Context, status: LlmRequestRow['status'], type: string, said: z.infer<typeof spent>, set = {}) {
  const { model, params, caller, at } = request;
  return commandOn(request, `llmRequest-${params.id}`, own(model.rows.llm_requests, params.id, caller.id), said, (row) => {
    if (row.status === status) return [];
    if (row.status !== 'pending') return 409;
    const completed_at = said.completed_at ?? at;
    if (completed_at < row.started_at) return 422;
    const end = { ...said, ...set, response: masked(said.response), completed_at, status };
    return [{ type, about: ['llm_request', row.id], apply: (stamp) => change(row, stamp, end) }];
  });
}

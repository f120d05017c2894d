// What requests to log a call to or from another service do.
import { z } from 'zod';
import type { Json, Routes } from './core.ts';
import { own, stamped } from './rows.ts';

const object = z.record(z.string(), z.json()).nullable().default(null);
const call = z.object({
  integration: z.string(),
  operation: z.string(),
  direction: z.string().default('outbound'),
  status: z.string(),
  http_status: z.number().nullable().default(null),
  request: object,
  response: object,
  error: z.string().nullable().default(null),
  duration_ms: z.number().nullable().default(null),
  correlation_id: z.string().nullable().default(null),
  occurred_at: z.string(),
});

export const integrationRoutes: Routes = {
  'POST /integration-logs': ({ model: { rows }, caller, body, newId }) => {
    const said = call.parse(body);
    const id = newId(undefined);
    const { request, response, error } = said;
    const row = { ...said, request: masked(request), response: masked(response), error: error === null ? null : maskedText(error) };
    return {
      creates: true,
      chosenId: undefined,
      // The calls of one person to one service that took place in one month.
      stream: `integration-${caller.id}-${said.integration}-${said.occurred_at.slice(0, 7)}`,
      isInUse: false,
      entity: () => own(rows.integration_logs, id, caller.id),
      // As it was sent: two that differ in a secret are two.
      content: said,
      decide: () => [
        {
          type: 'IntegrationCallLogged',
          about: ['integration_log', id],
          apply: (stamp) => rows.integration_logs.set(id, { ...stamped(id, caller.id, stamp), ...row }),
        },
      ],
    };
  },
};

/** Without the secrets that the random requests have. */
export function masked(value: Json): Json {
  if (typeof value === 'string') return maskedText(value);
  if (Array.isArray(value)) return value.map(masked);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, /^(api_key|Authorization)$/.test(name) ? '[masked]' : masked(member)]),
  );
}

export const maskedText = (text: string): string => text.replace(/(password=)[^ &]+/, '$1[masked]');

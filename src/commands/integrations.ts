// Integration logs: what was asked of the outside, and by it, and how that went. The calls of one person to one service in one
// month share a stream. Secrets are masked before anything is written; a repeat is recognised by what was sent all the same.
import { z } from 'zod';
import { integrationCallLogged } from '../events/integrations.ts';
import { maskSecrets, maskText } from '../masking.ts';
import { instant, integrationDirection, integrationName, integrationStatus, name, smallObject, text } from '../vocabulary.ts';
import { sharedAggregate } from './aggregate.ts';
import { type CommandServices, command, type Stamp } from './command.ts';

/** The latest entry, and with it those before: none is ever asked for but the one that was just logged, or is logged again. */
type IntegrationCalls = { readonly log_id: string; readonly revision: number; readonly earlier: IntegrationCalls | null } | null;

export const integrationCalls = sharedAggregate<IntegrationCalls>({
  category: 'integration',
  initial: null,
  evolve: { IntegrationCallLogged: (earlier, { data: { log_id }, revision }) => ({ log_id, revision, earlier }) },
  find: (calls, id) => {
    for (let call = calls; call; call = call.earlier) if (call.log_id === id) return call;
    return undefined;
  },
  title: (_, { data }) => ('integration' in data && 'operation' in data ? `${data.integration}: ${data.operation}` : undefined),
});

const body = z.strictObject({
  integration: integrationName,
  operation: name,
  direction: integrationDirection.default('outbound'),
  status: integrationStatus,
  http_status: z.int().min(100).max(599).nullable().default(null),
  request: smallObject.nullable().default(null),
  response: smallObject.nullable().default(null),
  error: text(16_384).nullable().default(null),
  duration_ms: z.int().min(0).max(2_147_483_647).nullable().default(null),
  correlation_id: name.nullable().default(null),
  occurred_at: instant,
});

type IntegrationCall = z.output<typeof body>;

const logged = (log_id: string, { request, response, error, operation, ...call }: IntegrationCall) =>
  integrationCallLogged({
    log_id,
    ...call,
    operation: maskText(operation),
    request: request && maskSecrets(request),
    response: response && maskSecrets(response),
    error: error === null ? null : maskText(error),
  });

export const logIntegrationCall = command({
  route: 'POST /integration-logs',
  summary: 'Log a call to or from another service',
  description:
    'What is named like a secret in the request or response (authorization, cookies, tokens, passwords, keys), or looks like one, is masked before it is kept.',
  body,
  example: {
    integration: 'google-calendar',
    operation: 'events.list',
    status: 'failed',
    http_status: 429,
    request: {
      method: 'GET',
      url: 'https://www.googleapis.com/calendar/v3/calendars/primary/events',
      headers: { accept: 'application/json' },
    },
    error: 'Rate limit exceeded',
    duration_ms: 210,
    occurred_at: '2026-11-24T07:08:03Z',
  },
  aggregate: integrationCalls,
  creates: true,
  prepare: async ({ id, user, body }) => ({ stream: streamOf(user.id, body), decide: () => logged(id, body) }),
  sharedStream: (userId, answered) => streamOf(userId, place.parse(answered)),
  answer: 'getIntegrationLog',
});

const place = z.object({ integration: z.string(), occurred_at: z.string() });

/** `{user}-{integration}-202611`: by when it occurred and not by when it is said, so that to say it again finds it. */
const streamOf = (userId: string, { integration, occurred_at }: z.output<typeof place>) =>
  `${userId}-${integration}-${occurred_at.slice(0, 7).replace('-', '')}`;

/** Logs a call of Daybook's own, once: of all that log one by the same id and time, the first is heard. */
export const logOwnCall = ({ transact }: Pick<CommandServices, 'transact'>, stamp: Stamp, log_id: string, call: IntegrationCall) =>
  transact(integrationCalls, streamOf(stamp.user_id, call), stamp, (calls) =>
    integrationCalls.find(calls ?? null, log_id) ? [] : logged(log_id, call),
  );

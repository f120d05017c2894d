// What a model elsewhere was asked for a person's texts is in that person's integration log.
import { logIntegrationCall } from '../commands/integrations.ts';
import type { OnCall, OutsideCall } from '../embeddings/httpModel.ts';
import { effectsFor, type PolicyServices } from './policy.ts';
import { messageOf } from './schedule.ts';

export type CallLogger = {
  readonly log: OnCall;
  /** Resolves when what was logged so far is in the log. */
  readonly done: () => Promise<void>;
};

export function callLogger(services: PolicyServices): CallLogger {
  const underWay = new Set<Promise<boolean>>();

  async function write({ userId, correlationId, url, model, texts, characters, error, ...call }: OutsideCall): Promise<void> {
    const { total_tokens, isTriedAgain, http_status, duration_ms, occurred_at } = call;
    const correlation_id = correlationId === '' ? null : correlationId.slice(0, 200);
    const reason = { policy: 'embeddings', userId, correlationId, causationId: correlationId, event: null };
    await effectsFor(services, reason).send(logIntegrationCall, {
      body: {
        ...{ integration: 'embeddings', operation: 'embeddings.create', direction: 'outbound' },
        status: error === null ? 'succeeded' : isTriedAgain ? 'retried' : 'failed',
        http_status,
        request: { method: 'POST', url, model, texts, characters },
        response: total_tokens === null ? null : { total_tokens },
        ...{ error, duration_ms, correlation_id, occurred_at },
      },
    });
  }

  return {
    log: (call) => {
      const logging = write(call)
        .then(
          () => true,
          (error: unknown) => {
            services.logger.warn(`A call to the embedding model could not be logged: ${messageOf(error)}`);
            return false;
          },
        )
        .finally(() => underWay.delete(logging));
      underWay.add(logging);
      return logging;
    },
    done: async () => {
      await Promise.all(underWay);
    },
  };
}

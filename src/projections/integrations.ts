// Calls to and from other services as rows, and each as a sentence.
import { integrationLogRows } from '../tables/integrations.ts';
import { insert, projection } from './projection.ts';
import { teller } from './sentence.ts';

export const integrations = projection('integrations', 1, {
  IntegrationCallLogged: ({ data: { log_id, ...call } }) => insert(integrationLogRows, { id: log_id, ...call }),
});

const outcome = { succeeded: '', failed: ', which failed', retried: ', which is tried again', skipped: ', which was skipped' } as const;

export const integrationSentences = teller(
  'integration_log',
  {
    IntegrationCallLogged: ({ data: { integration, operation, direction, status, http_status, duration_ms } }) => ({
      summary: `${direction === 'outbound' ? `Called ${integration}` : `Was called by ${integration}`} (${operation})${outcome[status]}`,
      details: { integration, operation, direction, status, http_status, duration_ms },
    }),
  },
  ({ id, data }) => ('log_id' in data ? data.log_id : id),
);

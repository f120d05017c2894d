// Requests about calls of other services.
import fc from 'fast-check';
import { exchanged, mistake, orNull, request, type Weighted } from './said.ts';

// Few services and months, so that calls share streams, and keys meet calls of another month.
const newIntegrationLog = request('POST /integration-logs', {
  needs: {
    integration: fc.constantFrom('smtp', 'google-calendar'),
    operation: fc.constantFrom('events.list', 'send'),
    status: fc.constantFrom('succeeded', 'failed', 'retried', 'skipped'),
    occurred_at: fc.constantFrom('2026-02-28T23:59:59.999Z', '2026-03-01T00:00:00.000Z', '2026-03-02T09:00:00.000Z'),
  },
  may: {
    direction: fc.constantFrom('inbound', 'outbound'),
    http_status: orNull(fc.constantFrom(200, 429)),
    request: exchanged,
    response: exchanged,
    error: orNull(mistake),
    duration_ms: orNull(fc.constantFrom(0, 210)),
    correlation_id: orNull(fc.constantFrom('a', 'b')),
  },
});

export const integrationKinds: readonly Weighted[] = [[6, newIntegrationLog]];

import { expect, test } from 'vitest';
import { integrationCallLogged } from '../../src/events/integrations.ts';
import { integrationSentences, integrations } from '../../src/projections/integrations.ts';
import { integrationLogRows } from '../../src/tables/integrations.ts';
import { AT, OWNER, recorded } from '../support/recorded.ts';

const ID = '0192f0c1-0000-7000-8000-000000000001';
const call = {
  integration: 'smtp',
  operation: 'send',
  direction: 'inbound',
  status: 'retried',
  http_status: null,
  request: { to: 'ada' },
  response: null,
  error: 'busy',
  duration_ms: 3,
  correlation_id: null,
  occurred_at: AT,
} as const;
const logged = recorded(`integration-${OWNER}-smtp-202603`, integrationCallLogged({ log_id: ID, ...call }), 4);

test('a call that is logged is a row, of the revision at which it is in the stream', () => {
  expect(integrations.project(logged)).toEqual([
    {
      kind: 'insert',
      table: integrationLogRows,
      row: { id: ID, user_id: OWNER, ...call, created_at: AT, updated_at: AT, version: 4 },
    },
  ]);
});

test('its sentence is about the entry and says nothing of what was sent', () => {
  expect(integrationSentences.tell(logged)).toEqual({
    entity_type: 'integration_log',
    entity_id: ID,
    summary: 'Was called by smtp (send), which is tried again',
    details: { integration: 'smtp', operation: 'send', direction: 'inbound', status: 'retried', http_status: null, duration_ms: 3 },
  });
});

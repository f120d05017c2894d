// What was asked of the outside, and by it, and how that went.
import { z } from 'zod';
import { integrationDirection, integrationStatus, storedInstant } from '../vocabulary.ts';
import { common, count, storedObject, table } from './table.ts';

export const integrationLogRows = table('integrations.integration_logs', {
  ...common,
  integration: z.string(),
  operation: z.string(),
  direction: integrationDirection,
  status: integrationStatus,
  http_status: z.int().nullable(),
  request: storedObject.nullable(),
  response: storedObject.nullable(),
  error: z.string().nullable(),
  duration_ms: count.nullable(),
  correlation_id: z.string().nullable(),
  occurred_at: storedInstant,
});

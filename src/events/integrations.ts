// What can happen with a service that is connected. Secrets were masked before; what is here has none.
import { z } from 'zod';
import { instant, integrationDirection, integrationName, integrationStatus, jsonObject, name, text, uuid } from '../vocabulary.ts';
import { event } from './event.ts';

export const integrationCallLogged = event('IntegrationCallLogged', {
  log_id: uuid,
  integration: integrationName,
  operation: name,
  direction: integrationDirection,
  status: integrationStatus,
  http_status: z.int().nullable(),
  request: jsonObject.nullable(),
  response: jsonObject.nullable(),
  error: text(65_536).nullable(),
  duration_ms: z.int().nullable(),
  correlation_id: name.nullable(),
  occurred_at: instant,
});

// Questions about calls to and from other services.
import { sql } from 'slonik';
import { integrationLogRows } from '../tables/integrations.ts';
import { instant, integrationDirection, integrationStatus, text } from '../vocabulary.ts';
import { anyOf, columnsOf, inList, list, one } from './query.ts';

const integrationLogView = integrationLogRows.row.omit({ user_id: true });

export const getIntegrationLog = one({
  name: 'getIntegrationLog',
  route: 'GET /integration-logs/:id',
  summary: 'A call to or from another service',
  response: integrationLogView,
  sql: ({ params, from }) =>
    sql.fragment`SELECT ${columnsOf(integrationLogRows)} FROM ${from(integrationLogRows)} t WHERE t.id = ${params.id ?? null}`,
});

export const listIntegrationLogs = list({
  name: 'listIntegrationLogs',
  route: 'GET /integration-logs',
  summary: 'Calls to and from other services, the latest first',
  item: integrationLogView,
  filters: {
    integration: text(200).optional(),
    operation: text(200).optional(),
    status: anyOf(integrationStatus),
    direction: anyOf(integrationDirection),
    correlation_id: text(200).optional(),
    since: instant.optional(),
    until: instant.optional(),
  },
  sort: { table: integrationLogRows, by: { occurred_at: 'occurred_at' }, default: '-occurred_at' },
  columns: () => columnsOf(integrationLogRows),
  from: ({ from }) => sql.fragment`${from(integrationLogRows)} t`,
  where: ({ integration, operation, status, direction, correlation_id, since, until }) => [
    integration !== undefined && sql.fragment`t.integration = ${integration}`,
    operation !== undefined && sql.fragment`t.operation = ${operation}`,
    inList('status', status),
    inList('direction', direction),
    correlation_id !== undefined && sql.fragment`t.correlation_id = ${correlation_id}`,
    since && sql.fragment`t.occurred_at >= ${since}`,
    until && sql.fragment`t.occurred_at < ${until}`,
  ],
});

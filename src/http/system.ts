// How Daybook itself is: for the machine that keeps it running, and for the person who wonders.
import type { FastifyInstance } from 'fastify';
import { sql } from 'slonik';
import { z } from 'zod';
import type { ProjectorStatus } from '../projections/projector.ts';
import { describeRead } from './openapi.ts';
import type { Projecting } from './projections.ts';
import type { RouteServices } from './routes.ts';

const live = z.object({ status: z.literal('live') });
const check = z.enum(['ok', 'degraded', 'paused', 'outdated', 'behind', 'away']);
const ready = z.object({
  status: z.enum(['ready', 'degraded', 'unavailable']),
  ...{ event_log: check, read_model: check, projector: check, policies: check },
});

const CHECK_TIMEOUT_MS = 2_000;

export function addSystem(
  app: FastifyInstance,
  { log, database, projector, builder, scheduler }: Projecting,
  services: RouteServices,
): void {
  app.get('/health/live', {
    config: describeRead({ name: 'isLive', route: 'GET /health/live', summary: 'The process answers', response: live, access: 'public' }),
    handler: () => ({ status: 'live' }),
  });

  app.get('/health/ready', {
    config: describeRead({
      name: 'isReady',
      route: 'GET /health/ready',
      summary: 'Both stores answer',
      response: ready,
      unavailable: ready,
      access: 'public',
    }),
    handler: async (_, reply) => {
      const [event_log, read_model, { isTooFar }] = await Promise.all([
        answers(log.head()),
        answers(database.any(sql.unsafe`SELECT`)),
        services.readModel.lag(),
      ]);
      const state = projector?.status().state;
      const isOverdue = builder?.status().isOverdue === true;
      // Waiting, too: requests are answered all the same.
      const arePoliciesWell = (scheduler?.status() ?? []).every(({ state }) => state === 'starting' || state === 'running');
      const readiness: z.output<typeof ready> = {
        status: 'ready',
        event_log,
        read_model,
        projector: state === 'waiting' || state === 'stopped' ? 'away' : isTooFar ? 'behind' : known(isOverdue ? 'degraded' : state),
        policies: arePoliciesWell ? 'ok' : 'degraded',
      };
      const checks = [readiness.event_log, readiness.read_model, readiness.projector, readiness.policies];
      if (checks.some((check) => check !== 'ok')) readiness.status = 'degraded';
      if (checks.includes('away') || checks.includes('behind')) readiness.status = 'unavailable';
      return reply.code(readiness.status === 'unavailable' ? 503 : 200).send(readiness);
    },
  });
}

const known = (state: ProjectorStatus['state'] | undefined) =>
  state === 'degraded' || state === 'paused' || state === 'outdated' ? state : 'ok';

async function answers(call: Promise<unknown>): Promise<'ok' | 'away'> {
  const timeout = new Promise<'away'>((resolve) => setTimeout(resolve, CHECK_TIMEOUT_MS, 'away').unref());
  return Promise.race([
    call.then(
      () => 'ok' as const,
      () => 'away' as const,
    ),
    timeout,
  ]);
}

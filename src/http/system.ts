// How Daybook itself is: for the machine that keeps it running, and for the person who wonders.
import type { FastifyInstance } from 'fastify';
import { type DatabasePool, sql } from 'slonik';
import { z } from 'zod';
import type { EventLog } from '../eventstore/log.ts';
import type { Scheduler } from '../policies/scheduler.ts';
import { standings } from '../policies/standing.ts';
import type { Progress } from '../projections/progress.ts';
import { type Projector, READ_MODEL } from '../projections/projector.ts';
import { describeRead } from './openapi.ts';
import { caller, PREFIX, type RouteServices, sendAnswer } from './routes.ts';

const live = z.object({ status: z.literal('live') });
const check = z.enum(['ok', 'degraded', 'behind', 'away']);
const ready = z.object({
  status: z.enum(['ready', 'degraded', 'unavailable']),
  ...{ event_log: check, read_model: check, projector: check, policies: check },
});
const projectionList = z.object({
  items: z.array(
    z.object({
      name: z.string(),
      position: z.int().nullable(),
      head: z.int().nullable(),
      lag_events: z.int(),
      lag_seconds: z.number(),
      status: z.string(),
    }),
  ),
  policies: z.array(
    z.object({
      name: z.string(),
      position: z.int().nullable(),
      lag_events: z.int().meta({ description: 'What it has still to look at, of the next 10,000 events of the log' }),
      lag_seconds: z.number().meta({ description: 'How long the oldest of that has waited' }),
      set_aside: z.array(z.int()).meta({ description: 'Positions of events that it failed at and tries again, ever more rarely' }),
      status: z.string(),
      last_error: z.string().nullable().meta({ description: 'Why it is degraded or waits, for admins' }),
    }),
  ),
});

const CHECK_TIMEOUT_MS = 2_000;
const MOST_LAG_COUNTED = 10_000;

type System = {
  readonly log: EventLog;
  readonly database: DatabasePool;
  readonly progress: Progress;
  /** These two are undefined where another process does that. */
  readonly projector: Projector | undefined;
  readonly scheduler: Scheduler | undefined;
};

export function addSystem(app: FastifyInstance, { log, database, progress, projector, scheduler }: System, services: RouteServices): void {
  app.get('/health/live', {
    config: describeRead({ name: 'isLive', route: 'GET /health/live', summary: 'The process answers', response: live, access: 'public' }),
    handler: () => ({ status: 'live' }),
  });

  app.get('/health/ready', {
    config: describeRead({ name: 'isReady', route: 'GET /health/ready', summary: 'Both stores answer', response: ready, access: 'public' }),
    handler: async (_, reply) => {
      const [event_log, read_model, { isTooFar }] = await Promise.all([
        answers(log.head()),
        answers(database.any(sql.unsafe`SELECT`)),
        services.readModel.lag(),
      ]);
      const state = projector?.status().state;
      // Waiting, too: requests are answered all the same.
      const arePoliciesWell = (scheduler?.status() ?? []).every(({ state }) => state === 'starting' || state === 'running');
      const readiness: z.output<typeof ready> = {
        status: 'ready',
        event_log,
        read_model,
        projector: state === 'waiting' || state === 'stopped' ? 'away' : isTooFar ? 'behind' : state === 'degraded' ? 'degraded' : 'ok',
        policies: arePoliciesWell ? 'ok' : 'degraded',
      };
      const checks = [readiness.event_log, readiness.read_model, readiness.projector, readiness.policies];
      if (checks.includes('degraded')) readiness.status = 'degraded';
      if (checks.includes('away') || checks.includes('behind')) readiness.status = 'unavailable';
      return reply.code(readiness.status === 'unavailable' ? 503 : 200).send(readiness);
    },
  });

  app.get(`${PREFIX}/system/projections`, {
    config: describeRead({
      name: 'listProjections',
      route: 'GET /system/projections',
      summary: 'How far the read model, and what Daybook does by itself, are behind the event log',
      response: projectionList,
    }),
    handler: async (request, reply) => {
      const { role } = await caller(request, 'owner', services);
      const [position = null, head] = await Promise.all([progress.position(), log.head()]);
      const status = projector?.status().state ?? 'elsewhere';
      const item = { name: READ_MODEL, position: asNumber(position), head: asNumber(head), ...(await lagOf(log, position)), status };
      const policies = await policiesAsTheyAre(log, scheduler, role === 'admin');
      return sendAnswer(request, reply, { body: { items: [item], policies } });
    },
  });
}

/** @param saysWhy an error may tell of what is someone's */
async function policiesAsTheyAre(log: EventLog, scheduler: Scheduler | undefined, saysWhy: boolean) {
  const here = scheduler?.status() ?? [];
  return (await standings(log)).map(({ position, set_aside, ...standing }) => {
    const { state = 'elsewhere', lastError } = here.find(({ name }) => name === standing.name) ?? {};
    return {
      ...standing,
      position: asNumber(position),
      set_aside: set_aside.map(Number),
      status: state,
      last_error: (saysWhy ? lastError : undefined) ?? null,
    };
  });
}

const asNumber = (position: bigint | null) => (position === null ? null : Number(position));

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

/** What is not in the read model yet: how many events (counted up to 10,000), and how long the oldest of them has waited. */
async function lagOf(log: EventLog, position: bigint | null): Promise<{ lag_events: number; lag_seconds: number }> {
  let lag_events = 0;
  let lag_seconds = 0;
  for await (const { appended_ms } of log.readAll(position)) {
    if (lag_events === 0) lag_seconds = Math.max(0, (Date.now() - appended_ms) / 1_000);
    lag_events += 1;
    if (lag_events === MOST_LAG_COUNTED) break;
  }
  return { lag_events, lag_seconds };
}

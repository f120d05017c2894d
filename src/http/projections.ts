// The read model and what is embedded, for who runs Daybook: where they are, what they could not take; to hold them, to let them
// go on, to make them anew.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { DatabasePool } from 'slonik';
import { z } from 'zod';
import { noBody } from '../commands/command.ts';
import { EMBEDDINGS, embedAnew, setPaused as setEmbeddingPaused } from '../embeddings/control.ts';
import type { Embedder } from '../embeddings/embeddings.ts';
import { type EmbeddingStanding, type EmbeddingState, embeddingStandings, embeddingState } from '../embeddings/standing.ts';
import { lagOf } from '../eventstore/lag.ts';
import type { EventLog } from '../eventstore/log.ts';
import type { Scheduler } from '../policies/scheduler.ts';
import { policyState, standings } from '../policies/standing.ts';
import { notFound, Problem } from '../problem.ts';
import { READ_MODEL } from '../projections/applier.ts';
import type { Builder } from '../projections/builder.ts';
import {
  countParked,
  parkedEvents,
  parkedPage,
  pausedSince,
  type ReadModelState,
  readModelState,
  setPaused,
} from '../projections/control.ts';
import type { Progress } from '../projections/progress.ts';
import type { Projector } from '../projections/projector.ts';
import { validate } from '../validation.ts';
import { readBody } from './files.ts';
import { describeRead } from './openapi.ts';
import { isOutage } from './problems.ts';
import { anonymous, caller, PREFIX, type RouteServices, sendAnswer } from './routes.ts';

const projectionList = z.object({
  items: z.array(readModelState),
  policies: z.array(policyState),
  embeddings: z.array(embeddingState),
});
const noQuery = z.strictObject({});
const parkedQuery = z.strictObject({
  after: z.coerce.number().int().min(-1).default(-1).meta({ description: '`next_after` of the page before' }),
});

const PARKED_PAGE = 100;

export type Projecting = {
  readonly log: EventLog;
  readonly database: DatabasePool;
  readonly progress: Progress;
  /** These are undefined where another process does that. */
  readonly projector: Projector | undefined;
  readonly builder: Builder | undefined;
  readonly scheduler: Scheduler | undefined;
  readonly embedder: Embedder | undefined;
};

export function addProjections(app: FastifyInstance, projecting: Projecting, services: RouteServices): void {
  const { database, projector, builder } = projecting;

  app.get(`${PREFIX}/system/projections`, {
    config: describeRead({
      name: 'listProjections',
      route: 'GET /system/projections',
      summary: 'How far the read model, and what Daybook does by itself, are behind the event log',
      waits: false,
      response: projectionList,
    }),
    handler: async (request, reply) => {
      const isAdmin = (await services.isOperator(request)) || (await caller(request, 'owner', services)).role === 'admin';
      validate(noQuery, request.query, 'query');
      return sendAnswer(request, reply, { body: await allAsTheyAre(projecting, isAdmin) });
    },
  });

  app.get(`${PREFIX}/system/projections/:name/parked-events`, {
    config: describeRead({
      name: 'listParkedEvents',
      route: 'GET /system/projections/:name/parked-events',
      summary: 'Events that could not be projected, and the later ones of their streams, with why',
      access: 'admin',
      querystring: parkedQuery,
      waits: false,
      response: parkedPage,
    }),
    handler: async (request, reply) => {
      await operating(request, [READ_MODEL]);
      const { after } = validate(parkedQuery, request.query, 'query');
      const items = await parkedEvents(database, after, PARKED_PAGE);
      const last = items.length === PARKED_PAGE ? items.at(-1) : undefined;
      return sendAnswer(request, reply, { body: { items, next_after: last?.position ?? null } });
    },
  });

  /** @param works what is done, by the name of what it is done to */
  const act = (name: string, word: string, summary: string, works: Readonly<Record<string, () => Promise<void>>>) =>
    app.post(`${PREFIX}/system/projections/:name/${word}`, {
      config: describeRead({
        name,
        route: `POST /system/projections/:name/${word}`,
        summary,
        access: 'admin',
        refuses: [409, 413, 415],
        waits: false,
        response: projectionList,
      }),
      handler: async (request: FastifyRequest, reply: FastifyReply) => {
        const projection = await operating(request, Object.keys(works));
        validate(noQuery, request.query, 'query');
        validate(noBody, await readBody(request, {}, anonymous, services), 'body');
        await works[projection]?.();
        return sendAnswer(request, reply, { body: await allAsTheyAre(projecting, true) });
      },
    });
  const building = () => {
    if (!builder) throw new Problem(409, 'no-projector', 'This process has not the role projector; ask one that has.');
    return builder;
  };
  act('rebuildProjection', 'rebuild', 'Make it anew beside what serves: the read model from the log, embeddings by asking the model', {
    [READ_MODEL]: async () => building().start('an admin asked for it'),
    [EMBEDDINGS]: () => embedAnew(database),
  });
  act('verifyProjection', 'verify', 'Compare the tables with what the event log gives; what comes of it is `verification`', {
    [READ_MODEL]: async () => {
      void building().verify();
    },
  });
  act('pauseProjection', 'pause', 'Hold it where it is, in all processes, until it is resumed', {
    [READ_MODEL]: () => hold(true),
    [EMBEDDINGS]: () => setEmbeddingPaused(database, true),
  });
  act('resumeProjection', 'resume', 'Let it go on', {
    [READ_MODEL]: () => hold(false),
    [EMBEDDINGS]: () => setEmbeddingPaused(database, false),
  });

  async function hold(isPaused: boolean): Promise<void> {
    await setPaused(database, isPaused);
    projector?.look();
  }

  /** @returns which one of these it is about. @throws Problem for who may not, or where it is another */
  async function operating(request: FastifyRequest, names: readonly string[]): Promise<string> {
    if (!(await services.isOperator(request))) await caller(request, 'admin', services);
    const { data } = z.object({ name: z.literal(names) }).safeParse(request.params);
    if (!data) throw notFound();
    return data.name;
  }
}

/** A store that is away is no reason to say nothing of the rest. */
const unlessAway = (error: unknown) => {
  if (!isOutage(error)) throw error;
  return null;
};

async function allAsTheyAre(projecting: Projecting, isAdmin: boolean): Promise<z.output<typeof projectionList>> {
  const { log, database, scheduler, embedder } = projecting;
  const policies = await policiesAsTheyAre(log, scheduler, isAdmin);
  const embeddings = (await embeddingStandings(log, database).catch(unlessAway)) ?? [];
  return {
    items: [await readModelAsItIs(projecting, isAdmin)],
    policies,
    embeddings: embeddings.map((standing) => embeddingAsItIs(standing, embedder, isAdmin)),
  };
}

async function readModelAsItIs({ log, database, progress, projector, builder }: Projecting, isAdmin: boolean): Promise<ReadModelState> {
  const [position = null, head, parked, isPaused] = await Promise.all([
    progress.position(),
    log.head(),
    countParked(database).catch(unlessAway),
    pausedSince(database)
      .then((since) => since !== null)
      .catch(unlessAway),
  ]);
  const here = projector?.status();
  const build = builder?.status();
  const verification = builder?.verification();
  return {
    name: READ_MODEL,
    position: asNumber(position),
    head: asNumber(head),
    ...(await lagOf(log, position)),
    status: statusOf(here?.state, isPaused),
    rate: projector?.rate() ?? null,
    parked_events: parked,
    last_error: isAdmin ? (here?.lastError ?? null) : null,
    build: build
      ? {
          is_building: build.isBuilding,
          events: build.events,
          position: asNumber(build.position),
          head: asNumber(build.head),
          last_error: isAdmin ? (build.lastError ?? null) : null,
        }
      : null,
    verification: verification
      ? {
          is_verifying: verification.isVerifying,
          verified_at: verification.found?.at ?? null,
          differing_tables: verification.found?.tables.filter(({ differing }) => differing.length > 0).length ?? null,
          tables:
            isAdmin && verification.found
              ? verification.found.tables.map((table) => ({ ...table, differing: [...table.differing] }))
              : null,
          last_error: isAdmin ? (verification.lastError ?? null) : null,
        }
      : null,
  };
}

/** @param isPaused null where that cannot be known */
function statusOf(here: string | undefined, isPaused: boolean | null): string {
  if (isPaused === true && here !== 'stopped') return 'paused';
  // It has not looked since it was resumed.
  if (isPaused === false && here === 'paused') return 'starting';
  return here ?? 'elsewhere';
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

function embeddingAsItIs(
  { position, is_paused, ...standing }: EmbeddingStanding,
  embedder: Embedder | undefined,
  saysWhy: boolean,
): EmbeddingState {
  const here = embedder?.status().find(({ model }) => model === standing.model);
  return {
    ...standing,
    position: asNumber(position),
    status: statusOf(here?.state, is_paused),
    rate: here?.rate ?? null,
    last_error: (saysWhy ? here?.lastError : undefined) ?? null,
  };
}

const asNumber = (position: bigint | null) => (position === null ? null : Number(position));

// What a Prometheus asks for at /metrics. Numbers, and the names that Daybook itself gave: of routes, commands, projectors and
// policies. Nothing in it is about a person; a path is its route, without the ids in it.
import { timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { z } from 'zod';
import { type EmbeddingStanding, embeddingStandings } from '../embeddings/standing.ts';
import { lagOf } from '../eventstore/lag.ts';
import { Problem } from '../problem.ts';
import { READ_MODEL } from '../projections/applier.ts';
import { countParked } from '../projections/control.ts';
import { singleFlight } from '../singleFlight.ts';
import { sizeOf } from '../size.ts';
import { describeRead } from './openapi.ts';
import type { Projecting } from './projections.ts';

export type Metrics = {
  readonly registry: Registry;
  /** A batch that was projected: how many events, and in how many seconds they were written. */
  readonly projected: (events: number, seconds: number) => void;
  /** A comparison of the tables with what the log gives: how many tables are not as they should be; undefined where it failed. */
  readonly verified: (differing: number | undefined) => void;
  /** Chunks of texts that a model has turned into vectors. */
  readonly embedded: (model: string, chunks: number) => void;
};

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const projector = READ_MODEL;

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const batchSize = new Histogram({
    name: 'daybook_projector_batch_events',
    help: 'Events in a batch',
    labelNames: ['projector'],
    buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500],
    registers,
  });
  const flush = new Histogram({
    name: 'daybook_projector_flush_seconds',
    help: 'How long a batch took to be written',
    labelNames: ['projector'],
    buckets: SECONDS,
    registers,
  });
  const verifiedAt = new Gauge({ name: 'daybook_verification_timestamp_seconds', help: 'When the tables were last verified', registers });
  const differing = new Gauge({
    name: 'daybook_verification_differing_tables',
    help: 'Tables that the last verification found to differ from what the log gives',
    registers,
  });
  const unverified = new Counter({
    name: 'daybook_verification_failures_total',
    help: 'Verifications of the tables that came to no end',
    registers,
  });
  // A gauge without labels begins with 0, which would say that all was found well.
  for (const gauge of [verifiedAt, differing]) gauge.remove({});
  const embedded = new Counter({
    name: 'daybook_embedded_chunks_total',
    help: 'Chunks of texts that a model has turned into vectors for this process',
    labelNames: ['model'],
    registers,
  });
  return {
    registry,
    embedded: (model, chunks) => embedded.inc({ model }, chunks),
    projected: (events, seconds) => {
      batchSize.observe({ projector }, events);
      flush.observe({ projector }, seconds);
    },
    verified: (tables) => {
      if (tables === undefined) return unverified.inc();
      verifiedAt.setToCurrentTime();
      differing.set(tables);
    },
  };
}

export type MetricsOptions = Projecting & {
  readonly metrics: Metrics;
  /** Undefined: whoever asks from this very machine, without a proxy, is answered. */
  readonly metricsToken: string | undefined;
  /** Of the embedded stores, by name. */
  readonly folders: Readonly<Record<string, string>>;
};

export function addMetrics(app: FastifyInstance, options: MetricsOptions): void {
  const { registry } = options.metrics;
  const registers = [registry];
  const requests = new Histogram({
    name: 'daybook_http_request_duration_seconds',
    help: 'How long requests took, by route',
    labelNames: ['method', 'route', 'status'],
    buckets: SECONDS,
    registers,
  });
  const commands = new Counter({
    name: 'daybook_commands_total',
    help: 'Commands by outcome: done, refused (the caller’s doing), failed (ours, or a store’s)',
    labelNames: ['command', 'outcome'],
    registers,
  });
  app.addHook('onResponse', async ({ method, routeOptions: { url = 'none', config } }, reply) => {
    const { statusCode } = reply;
    requests.observe({ method, route: url, status: statusCode }, reply.elapsedTime / 1_000);
    const command = 'command' in config ? String(config.command) : undefined;
    if (command !== undefined) commands.inc({ command, outcome: statusCode < 400 ? 'done' : statusCode < 500 ? 'refused' : 'failed' });
  });
  collectProjections(registers, options);
  collectPolicies(registers, options);
  collectEmbeddings(registers, options);
  collectSizes(registers, options.folders);

  let isFirst = true;
  app.get('/metrics', {
    config: describeRead({
      name: 'getMetrics',
      route: 'GET /metrics',
      summary: 'Numbers for Prometheus',
      description: 'For who asks from the same machine, without a proxy; with `METRICS_TOKEN` set, for who sends that as a bearer token.',
      response: z.file().mime('text/plain'),
      refuses: [403],
      access: 'public',
    }),
    handler: async (request, reply) => {
      if (!mayAsk(request, options.metricsToken))
        throw new Problem(403, 'forbidden', 'Metrics are for this machine, or for who has METRICS_TOKEN.');
      // They watch the process from then on, which who never asks need not pay for.
      if (isFirst) collectDefaultMetrics({ register: registry });
      isFirst = false;
      return reply.type(registry.contentType).send(await registry.metrics());
    },
  });
}

/** A proxy on this machine that is not in TRUST_PROXY would make everybody local, but says so in a header. */
function mayAsk({ headers, socket }: FastifyRequest, token: string | undefined): boolean {
  if (token === undefined) {
    const isForwarded = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'].some((name) => headers[name] !== undefined);
    return !isForwarded && /^(::ffff:)?127\.|^::1$/.test(socket.remoteAddress ?? '');
  }
  const [given, wanted] = [Buffer.from(headers.authorization ?? ''), Buffer.from(`Bearer ${token}`)];
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function collectProjections(registers: Registry[], { log, database, progress, projector: here, builder }: Projecting): void {
  const gauge = (name: string, help: string, value: () => Promise<number | null> | number | null) =>
    new Gauge({
      name: `daybook_projector_${name}`,
      help,
      labelNames: ['projector'],
      registers,
      async collect() {
        // A store that is away leaves a gap in its own numbers, and in no other.
        const found = await Promise.resolve()
          .then(value)
          .catch(() => null);
        if (found === null) this.remove({ projector });
        else this.set({ projector }, found);
      },
    });
  const position = async () => (await progress.position()) ?? null;
  gauge('position', 'Position of the last event that is in the tables', async () => Number((await position()) ?? 0n));
  gauge('head', 'Position of the last event in the log', async () => Number((await log.head()) ?? 0n));
  // Two numbers of one reading of the log, which can be long.
  const lag = singleFlight(async () => lagOf(log, await position()));
  gauge('lag_events', 'Events that are not in the tables yet, counted up to 10,000', async () => (await lag()).lag_events);
  gauge('lag_seconds', 'How long the oldest of them has waited', async () => (await lag()).lag_seconds);
  gauge('parked_events', 'Events that could not be projected', () => countParked(database));
  if (!here) return;
  gauge('events_total', 'Events that this process has projected', () => here.status().events);
  gauge('rate', 'Events per second over the last minute', () => here.rate());
  gauge('dropped_changes_total', 'Rows that were not written since what they belong to is gone', () => here.status().droppedRows);
  gauge('running', '1 while it projects, 0 while it is paused, outdated or waits', () =>
    here.status().state === 'running' || here.status().state === 'degraded' ? 1 : 0,
  );
  gauge('rebuilding', '1 while a read model is built beside the one that serves', () => (builder?.status().isBuilding ? 1 : 0));
}

function collectPolicies(registers: Registry[], { scheduler }: Projecting): void {
  if (!scheduler) return;
  new Gauge({
    name: 'daybook_policy_running',
    help: '1 while a policy is well, 0 while it has events aside or waits',
    labelNames: ['policy'],
    registers,
    collect() {
      for (const { name, state } of scheduler.status()) this.set({ policy: name }, state === 'running' || state === 'starting' ? 1 : 0);
    },
  });
}

function collectEmbeddings(registers: Registry[], { log, database, embedder }: Projecting): void {
  if (!embedder) return;
  const gauge = (name: string, help: string, values: () => Promise<readonly ModelValue[]> | readonly ModelValue[]) =>
    new Gauge({
      name: `daybook_embedder_${name}`,
      help,
      labelNames: ['model'],
      registers,
      async collect() {
        this.reset();
        for (const { model, value } of await values()) this.set({ model }, value);
      },
    });
  gauge('running', '1 while texts are embedded with a model, here or elsewhere; 0 while that waits, or the model refuses some', () =>
    embedder.status().map(({ model, state }) => ({ model, value: ['starting', 'running', 'elsewhere'].includes(state) ? 1 : 0 })),
  );
  gauge('rate', 'Events per second over the last minute', () => embedder.status().map(({ model, rate }) => ({ model, value: rate })));
  // Four numbers of one reading of the log, which can be long.
  const reading = singleFlight(() => embeddingStandings(log, database).catch(() => []));
  const standings = async (numberOf: (standing: EmbeddingStanding) => number | null) =>
    (await reading()).flatMap((standing) => {
      const value = numberOf(standing);
      return value === null ? [] : [{ model: standing.model, value }];
    });
  gauge('position', 'Position of the last event that has been looked at', () =>
    standings(({ position }) => (position === null ? null : Number(position))),
  );
  gauge('lag_events', 'Events of which something may have to be embedded yet, counted up to 10,000', () =>
    standings(({ lag_events }) => lag_events),
  );
  gauge('lag_seconds', 'How long the oldest of them has waited', () => standings(({ lag_seconds }) => lag_seconds));
  gauge('set_aside', 'Texts that the model refuses', () => standings(({ set_aside }) => set_aside));
}

type ModelValue = { readonly model: string; readonly value: number };

function collectSizes(registers: Registry[], folders: Readonly<Record<string, string>>): void {
  if (Object.keys(folders).length === 0) return;
  new Gauge({
    name: 'daybook_embedded_store_bytes',
    help: 'What an embedded store takes on disk',
    labelNames: ['store'],
    registers,
    async collect() {
      for (const [store, folder] of Object.entries(folders)) this.set({ store }, await sizeOf(folder));
    },
  });
}

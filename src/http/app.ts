// The HTTP server: the same one for the process and for tests.
import { isUtf8 } from 'node:buffer';
import { randomUUIDv7 } from 'node:crypto';
import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import underPressure from '@fastify/under-pressure';
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { DatabasePool } from 'slonik';
import type { BlobStore } from '../blobs/blobStore.ts';
import type { CommandHandler } from '../commands/handle.ts';
import { commands } from '../commands/index.ts';
import type { Embedder, Embeddings } from '../embeddings/embeddings.ts';
import type { EventLog } from '../eventstore/log.ts';
import type { Scheduler } from '../policies/scheduler.ts';
import { Problem } from '../problem.ts';
import type { Builder } from '../projections/builder.ts';
import type { Progress } from '../projections/progress.ts';
import type { Projector } from '../projections/projector.ts';
import { queries } from '../queries/index.ts';
import { createAuthenticator, createOperatorCheck } from './authentication.ts';
import { badHeader } from './headers.ts';
import { addHistories, pastFrom } from './history.ts';
import { addMetrics, type Metrics } from './metrics.ts';
import { addApiPage } from './openapi.ts';
import { answerProblems, answerUnreadable, malformedJson, sendProblem } from './problems.ts';
import { addProjections } from './projections.ts';
import { createReadModel } from './readModel.ts';
import { addCommand, addQuery, type RouteServices } from './routes.ts';
import { addSystem } from './system.ts';

export type AppOptions = {
  readonly log: EventLog;
  readonly database: DatabasePool;
  readonly blobs: BlobStore;
  /** Of what is no JSON. */
  readonly maxUploadBytes: number;
  readonly progress: Progress;
  /** These two are undefined where another process projects. */
  readonly projector: Projector | undefined;
  readonly builder: Builder | undefined;
  /** Undefined where this process has not the role. */
  readonly scheduler: Scheduler | undefined;
  readonly embedder: Embedder | undefined;
  readonly metrics: Metrics;
  readonly metricsToken: string | undefined;
  /** Of the embedded stores, by name. */
  readonly folders: Readonly<Record<string, string>>;
  readonly commandHandler: CommandHandler;
  readonly embeddings: Embeddings;
  readonly corsOrigins: readonly string[];
  readonly trustProxy: readonly string[];
  readonly logger: FastifyBaseLogger;
  /** How often one address may call what needs no token. */
  readonly publicRequestsPerMinute?: number;
  /** How long a request waits for the read model to include what was written. */
  readonly readWaitMs?: number;
  /** How far the read model may be behind before requests are refused. */
  readonly maxLagSeconds: number;
};

const MAX_BODY_BYTES = 1024 * 1024;
const REQUEST_TIMEOUT_MS = 60_000;

export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const { log, database, blobs, maxUploadBytes, progress, commandHandler } = options;
  const app = fastify({
    loggerInstance: options.logger,
    trustProxy: [...options.trustProxy],
    bodyLimit: MAX_BODY_BYTES,
    // Under the name that problems give it. Each request is logged below, once.
    logController: new LogController({ requestIdLogLabel: 'request_id', disableRequestLogging: true }),
    // A caller's own id, where it is one that can be logged as it is.
    requestIdHeader: false,
    genReqId: ({ headers }) => {
      const given = headers['x-request-id'];
      return typeof given === 'string' && /^[\w.-]{1,100}$/.test(given) ? given : randomUUIDv7();
    },
    // Of a request as a whole: who sends it byte by byte is not waited for.
    requestTimeout: REQUEST_TIMEOUT_MS,
    // So that its own compilers are not even loaded, which takes longer than all routes.
    schemaController: { compilersFactory: { buildValidator: unused, buildSerializer: unused } },
    clientErrorHandler: answerUnreadable,
    // Which would answer by itself, with nothing that says why.
    http: { requireHostHeader: false },
    // An id that is too long is a bad id, and no unknown route.
    routerOptions: { maxParamLength: 16 * 1024 },
    // An address that cannot even be read.
    frameworkErrors: (_, request, reply) => sendProblem(request, reply, badAddress()),
  });
  answerProblems(app);
  // Validation is zod's, in the commands and queries themselves.
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => JSON.stringify);
  acceptJson(app);
  acceptOtherTypes(app);

  await app.register(underPressure, {
    maxEventLoopDelay: 2_000,
    pressureHandler: () => {
      throw new Problem(503, 'unavailable', 'The server is overloaded.', { retryAfterSeconds: 2 });
    },
  });
  await app.register(helmet, { contentSecurityPolicy: false });
  await app.register(cors, {
    origin: options.corsOrigins.includes('*') ? true : [...options.corsOrigins],
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders: ['etag', 'location', 'daybook-position', 'daybook-lag', 'retry-after', 'preference-applied', 'allow', 'x-request-id'],
  });
  await app.register(rateLimit, {
    global: false,
    max: options.publicRequestsPerMinute ?? 60,
    timeWindow: '1 minute',
    errorResponseBuilder: (_, { ttl }) =>
      new Problem(429, 'too-many-requests', 'Too many requests; try again later.', { retryAfterSeconds: Math.ceil(ttl / 1_000) }),
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    // RFC 9112 section 3.2.
    if (request.raw.httpVersion === '1.1' && request.headers.host === undefined) throw badHeader('host', 'has to be there');
  });
  // One line for each request. Without the query: what somebody looks for is not for who reads the log.
  app.addHook('onResponse', async (request, reply) => {
    const path = request.url.split('?')[0];
    const line = { method: request.method, path, status: reply.statusCode, ms: Math.round(reply.elapsedTime), ip: request.ip };
    request.log.info(line, 'answered');
  });
  addApiPage(app, '0.1.0');
  addMetrics(app, options);

  const services: RouteServices = {
    run: commandHandler.run,
    database,
    blobs,
    maxUploadBytes,
    readModel: createReadModel(log, database, progress, options),
    past: pastFrom(log),
    embed: options.embeddings.ask,
    authenticate: createAuthenticator(commandHandler.services),
    isOperator: createOperatorCheck(commandHandler.services),
  };
  const queriesByName = new Map(queries.map((query) => [query.name, query]));
  for (const [name, command] of commands) addCommand(app, name, command, queriesByName, services);
  for (const query of queries) addQuery(app, query, services);
  addHistories(app, log, services);
  addSystem(app, options, services);
  addProjections(app, options, services);
  return app;
}

const unused = (): never => {
  throw new Error('fastify compiles no schemas here');
};

const badAddress = () => new Problem(400, 'malformed-request', 'The address of the request could not be read.');

/**
 * In UTF-8 (RFC 8259 section 8.1), as what else a decoder would make of it would be in the log for ever. Clients that always
 * say `Content-Type: application/json` say it on requests without a body, too.
 */
function acceptJson(app: FastifyInstance): void {
  // Which fastify takes by itself.
  app.removeContentTypeParser('text/plain');
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (body.length === 0) done(null, undefined);
    else if (isUtf8(body)) parse(request, body.toString(), done);
    else done(malformedJson('This is not UTF-8.'));
  });
}

/** What a command takes beside JSON is left to it as it arrives, once it is known who sends it. */
function acceptOtherTypes(app: FastifyInstance): void {
  const types = new Set([...commands.values()].flatMap(({ bodies = {} }) => Object.keys(bodies)));
  for (const type of types) app.addContentTypeParser(type, (_, content, done) => done(null, content));
}

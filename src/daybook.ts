// Daybook put together on two open stores: commands, projector, policies and HTTP. The process and the tests run the same.
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { schedule } from 'node-cron';
import type { CommandSettings } from './commands/command.ts';
import { type CommandHandler, createCommandHandler } from './commands/handle.ts';
import { login } from './commands/users/login.ts';
import { user } from './commands/users/user.ts';
import type { Config } from './config.ts';
import { createEmbedder, createEmbeddings, type Embedder, type Embeddings } from './embeddings/embeddings.ts';
import { holdToMasterKey } from './eventstore/identity.ts';
import { type LogSetBack, noticingSetBack } from './eventstore/setBack.ts';
import { type AppOptions, buildApp } from './http/app.ts';
import { createMetrics } from './http/metrics.ts';
import { callLogger } from './policies/embeddingCalls.ts';
import { duties, policies } from './policies/index.ts';
import { createScheduler, type Scheduler } from './policies/scheduler.ts';
import { draftSending, LONGEST_TRY_MS } from './policies/sendDrafts.ts';
import { READ_MODEL } from './projections/applier.ts';
import { type Builder, createBuilder } from './projections/builder.ts';
import { projections } from './projections/index.ts';
import { followProgress } from './projections/progress.ts';
import { createProjector, type Projector } from './projections/projector.ts';
import { deriveSecrets } from './secrets.ts';
import type { Stores } from './stores.ts';
import { createTokens } from './tokens.ts';

export type Daybook = {
  readonly app: FastifyInstance;
  readonly commandHandler: CommandHandler;
  /** These are undefined where this process has not the role. */
  readonly projector: Projector | undefined;
  readonly builder: Builder | undefined;
  readonly scheduler: Scheduler | undefined;
  readonly embedder: Embedder | undefined;
  readonly embeddings: Embeddings;
  readonly stop: () => Promise<void>;
};

/** A read model of another version, which serves until this version's is built, and why it is to be. */
export type Interim = { readonly version: string; readonly reason: string };

export async function createDaybook(
  {
    log: given,
    database,
    blobs,
    secrets: { jwtSecret, masterKey },
    folders = {},
  }: Omit<Stores, 'close' | 'folders'> & Partial<Pick<Stores, 'folders'>>,
  config: Config,
  logger: FastifyBaseLogger,
  {
    interim,
    onLogSetBack,
    ...options
  }: Partial<Pick<AppOptions, 'publicRequestsPerMinute' | 'readWaitMs' | 'maxLagSeconds'>> & {
    readonly interim?: Interim | undefined;
    /** Told when the log is older than it was: all that was made of it here may be of what is no longer there. */
    readonly onLogSetBack?: (error: LogSetBack) => void;
  } = {},
): Promise<Daybook> {
  const log = onLogSetBack ? noticingSetBack(given, onLogSetBack) : given;
  const settings: CommandSettings = {
    refreshTokenExpireDays: config.REFRESH_TOKEN_EXPIRE_DAYS,
    adminEmails: config.ADMIN_EMAILS,
    sendsPerDay: config.SMTP_URL === undefined ? 0 : config.MAX_SENDS_PER_DAY,
  };
  const secrets = deriveSecrets(masterKey);
  await holdToMasterKey(log, secrets);
  const tokens = createTokens(jwtSecret, config.ACCESS_TOKEN_EXPIRE_MINUTES);
  const commandHandler = createCommandHandler({ log, blobs, secrets, tokens, settings });
  const metrics = createMetrics();
  const projector = config.ROLES.includes('projector')
    ? createProjector(log, database, projections, logger, { interim: interim?.version, onBatch: metrics.projected })
    : undefined;
  const progress = projector ?? followProgress(database, READ_MODEL);
  projector?.start();
  const builder = projector && createBuilder(log, database, projections, logger, projector.look, metrics.verified);
  const verification =
    builder && schedule(config.VERIFY_SCHEDULE, () => builder.verify(), { noOverlap: true, suppressMissedWarning: true });
  if (interim) builder?.replace(interim.version, interim.reason);
  const services = { log, database, commandHandler, logger };
  const calls = callLogger(services);
  const embeddings = createEmbeddings(database, endpointOf(config), calls.log);
  const embedder = config.ROLES.includes('embedder')
    ? createEmbedder(embeddings, { log, database, progress, logger, onComputed: metrics.embedded })
    : undefined;
  embedder?.start();
  // The mail client is loaded by those who send.
  const server = config.SMTP_URL === undefined ? undefined : (await import('./smtp.ts')).mailServer(config.SMTP_URL, LONGEST_TRY_MS);
  const sending = draftSending(services, server, config.EVENTSTORE_URL === undefined);
  const scheduler = config.ROLES.includes('scheduler')
    ? createScheduler([...policies, ...sending.policies], [...duties, ...sending.duties], services, config.SCHEDULE)
    : undefined;
  const stopping = new AbortController();
  const following = commandHandler.services.folds.follow([user.category, login.category], stopping.signal);
  const building = buildApp({
    log,
    database,
    blobs,
    maxUploadBytes: config.MAX_UPLOAD_MIB * 1024 * 1024,
    progress,
    projector,
    builder,
    scheduler,
    embedder,
    embeddings,
    metrics,
    metricsToken: config.METRICS_TOKEN,
    folders,
    commandHandler,
    corsOrigins: config.CORS_ORIGINS,
    trustProxy: config.TRUST_PROXY,
    maxLagSeconds: config.MAX_LAG_SECONDS,
    logger,
    ...options,
  });
  const [app] = await Promise.all([building, scheduler?.start()]);
  return {
    app,
    commandHandler,
    projector,
    builder,
    scheduler,
    embedder,
    embeddings,
    stop: async () => {
      await app.close();
      await embedder?.stop();
      await embeddings.close();
      await calls.done();
      await scheduler?.stop();
      await sending.stop();
      stopping.abort();
      await following;
      await verification?.destroy();
      await builder?.stop();
      await projector?.stop();
    },
  };
}

const endpointOf = ({ EMBEDDINGS_URL: url, EMBEDDINGS_MODEL: model, ...config }: Config) =>
  url === undefined || model === undefined
    ? undefined
    : { url, model, apiKey: config.EMBEDDINGS_API_KEY, requestsPerMinute: config.EMBEDDINGS_REQUESTS_PER_MINUTE };

// The process: settings, event log, Postgres, read model, projector, HTTP; stopped in reverse.
import type { Config } from './config.ts';
import { loadAhead } from './postgres/embedded/thread.ts';
import type { Builder } from './projections/builder.ts';

// Before anything else is loaded: a start waits longest for the embedded Postgres, and most machines have two cores.
if (!process.env.DATABASE_URL) loadAhead();
const [{ pino }, { z }, { InvalidSetting, readConfig }, { openStores }, { buildLines, LINE_EVERY_MS }] = await Promise.all([
  import('pino'),
  import('zod'),
  import('./config.ts'),
  import('./stores.ts'),
  import('./cli/buildProgress.ts'),
]);

const say = (line: string) => console.log(line);

/** For a fault that the person who starts Daybook can mend: one line, no stack. */
function giveUp(error: unknown): never {
  const message = cannotListen(error) ?? (error instanceof Error ? error.message : String(error));
  console.error(error instanceof InvalidSetting ? `Wrong setting: ${message}` : `Daybook could not start: ${message}`);
  process.exit(1);
}

const notListening = z.union([
  z
    .object({ code: z.literal('EADDRINUSE'), syscall: z.literal('listen'), port: z.number() })
    .transform(({ port }) => `port ${port} is in use by another program; PORT names another port, and 0 takes any free one.`),
  z
    .object({ code: z.enum(['EADDRNOTAVAIL', 'EINVAL']), syscall: z.literal('listen'), address: z.string() })
    .transform(({ address }) => `${address} is no address of this machine; HOST names one.`),
  z
    .object({ syscall: z.literal('getaddrinfo'), hostname: z.string() })
    .transform(({ hostname }) => `no machine is called ${hostname}; HOST names an address of this one.`),
]);
const cannotListen = (error: unknown): string | undefined => notListening.safeParse(error).data;

/** Until the build that goes on has come to its end, which is logged. */
function sayHowFar({ status }: Builder): void {
  const lineOf = buildLines();
  const timer = setInterval(() => {
    const line = lineOf(status());
    if (!status().isBuilding) clearInterval(timer);
    else if (line !== undefined) say(line);
  }, LINE_EVERY_MS / 4).unref();
}

/** A Ctrl-C arrives twice: the terminal sends it, and npm passes it on. */
const SAME_SIGNAL_MS = 500;

async function main(config: Config): Promise<void> {
  const destination = pino.destination({ dest: 2, sync: false });
  const logger = pino(
    {
      level: config.LOG_LEVEL,
      redact: ['req.headers.authorization'],
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    destination,
  );
  say('Starting Daybook …');
  // The stores open in threads of their own; meanwhile this one loads the rest, which takes as long.
  const [stores, { createDaybook }, { prepareReadModel }] = await Promise.all([
    openStores(config, say),
    import('./daybook.ts'),
    import('./cli/progress.ts'),
  ]);
  say(
    `Event log: ${config.EVENTSTORE_URL === undefined ? 'embedded' : 'EVENTSTORE_URL'}. Read model: ${config.DATABASE_URL === undefined ? 'embedded Postgres' : 'DATABASE_URL'}.`,
  );
  const interim = config.ROLES.includes('projector') ? await prepareReadModel(stores.log, stores.database) : undefined;
  if (interim) say(`The read model is built anew beside the one that is there, which serves meanwhile: ${interim.reason}.`);

  const onLogSetBack = ({ message }: Error): never => {
    destination.flushSync();
    console.error(
      `${message}. Daybook ends, since it would go on from what is no longer there; its next start builds the read model anew.`,
    );
    process.exit(1);
  };
  const daybook = await createDaybook(stores, config, logger, { interim, onLogSetBack });
  if (interim && daybook.builder) sayHowFar(daybook.builder);
  let stoppingSince: number | undefined;
  const stop = async (signal: string) => {
    if (stoppingSince !== undefined) {
      // Who asks again does not want to wait.
      if (performance.now() - stoppingSince > SAME_SIGNAL_MS) process.exit(1);
      return;
    }
    stoppingSince = performance.now();
    say(`${signal}: finishing what is under way …`);
    await daybook.stop();
    await stores.close();
    process.exit(0);
  };
  process.on('SIGINT', (signal) => void stop(signal));
  process.on('SIGTERM', (signal) => void stop(signal));

  if (config.ROLES.includes('api')) {
    const url = await daybook.app.listen({ host: config.HOST, port: config.PORT });
    // What was logged before is out before this line, which is the one to see.
    destination.flushSync();
    say(`Daybook is ready. API: ${url}/api/v1 · API page: ${url}/docs`);
  } else {
    await daybook.app.ready();
    say(`Daybook is ready, as ${config.ROLES.join(', ')}.`);
  }
}

try {
  await main(readConfig(process.env));
} catch (error) {
  giveUp(error);
}

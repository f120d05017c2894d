// `daybook demo`: a year of one person, done command by command as their requests would have been, on a clock that goes
// through the year. The log that comes of it is that of a Daybook a year old.
import cliProgress from 'cli-progress';
import type { Caller, Command } from '../../commands/command.ts';
import { createCommandHandler } from '../../commands/handle.ts';
import { commands } from '../../commands/index.ts';
import type { Config } from '../../config.ts';
import { holdToMasterKey } from '../../eventstore/identity.ts';
import { Problem } from '../../problem.ts';
import { deriveSecrets } from '../../secrets.ts';
import type { Stores } from '../../stores.ts';
import { createTokens } from '../../tokens.ts';
import * as words from './words.ts';
import { type Step, year } from './year.ts';

export type DemoOptions = {
  readonly email: string;
  readonly seed: number;
  /** How much happens; 1 is a busy year of some eight thousand commands. */
  readonly size: number;
  /** When the year ends, in milliseconds since 1970. */
  readonly until: number;
};

const HOUR_MS = 60 * 60_000;
const YEAR_MS = 365 * 24 * HOUR_MS;
const LINE_EVERY_MS = 2_000;
const NOBODY = '00000000-0000-0000-0000-000000000000';

const byRoute = new Map([...commands.values()].map((command) => [command.route, command]));

/** Undefined where somebody has this address already, and nothing is done. */
export async function makeDemo(
  { log, blobs, secrets: { masterKey, jwtSecret } }: Pick<Stores, 'log' | 'blobs' | 'secrets'>,
  config: Config,
  { email, seed, size, until }: DemoOptions,
  password: string,
): Promise<{ readonly commands: number } | undefined> {
  const secrets = deriveSecrets(masterKey);
  await holdToMasterKey(log, secrets);
  let now = until - YEAR_MS - HOUR_MS;
  const handler = createCommandHandler({
    log,
    blobs,
    secrets,
    tokens: createTokens(jwtSecret, config.ACCESS_TOKEN_EXPIRE_MINUTES),
    settings: { refreshTokenExpireDays: config.REFRESH_TOKEN_EXPIRE_DAYS, adminEmails: config.ADMIN_EMAILS, sendsPerDay: 0 },
    now: () => new Date(now),
  });
  const run = (route: string, user: Caller, params: unknown, body: unknown) =>
    commandAt(route).run(handler.run, { params, body, user, correlationId: 'demo', userAgent: 'daybook demo' });
  const runStep = async ({ route, by, params, body }: Step, id: string) => {
    try {
      return await run(route, { ...newcomer, id, actor: by }, params(), body());
    } catch (error) {
      // None is meant to be refused; one that is has to be found.
      if (!(error instanceof Problem)) throw error;
      throw new Error(`${route} with ${JSON.stringify(body())} was refused: ${error.message} ${JSON.stringify(error.errors)}`, {
        cause: error,
      });
    }
  };

  const newcomer: Caller = { id: NOBODY, role: 'user', actor: 'user', login_id: NOBODY };
  const registered = await run('POST /auth/register', newcomer, {}, { email, password, ...words.me }).catch((error: unknown) => {
    if (error instanceof Problem && error.status === 409) return undefined;
    throw error;
  });
  if (!registered) return undefined;

  const id = registered.owner;
  const steps = year(seed, until, size, { id, email });
  await play(steps, async (step) => {
    now = step.at;
    return (await runStep(step, id)).id;
  });
  return { commands: steps.length };
}

/** One step after the other, with the person at the terminal watching. @param run answers with the id of what it made, if anything */
export async function play(steps: readonly Step[], run: (step: Step, number: number) => Promise<string>): Promise<void> {
  const showDone = progressOf(steps.length);
  for (const [number, step] of steps.entries()) {
    step.made.id = await run(step, number);
    showDone(number + 1, step);
  }
}

function commandAt(route: string): Command {
  const command = byRoute.get(route);
  if (!command) throw new Error(`${route} is no command`);
  return command;
}

/** A bar where there is a terminal, lines where not. */
function progressOf(total: number): (done: number, step: Step) => void {
  const dayOf = ({ at }: Step) => new Date(at).toISOString().slice(0, 10);
  if (process.stdout.isTTY) {
    const bar = new cliProgress.SingleBar(
      { format: '{bar} {percentage}% · {day} · {value} of {total} commands · {eta_formatted} left', etaBuffer: 100, hideCursor: true },
      cliProgress.Presets.shades_classic,
    );
    bar.start(total, 0, { day: '' });
    return (done, step) => {
      bar.update(done, { day: dayOf(step) });
      if (done === total) bar.stop();
    };
  }
  let lastLine = Date.now();
  return (done, step) => {
    if (Date.now() - lastLine < LINE_EVERY_MS) return;
    lastLine = Date.now();
    console.log(`${Math.floor((done / total) * 100)}% · ${dayOf(step)} · ${done} of ${total} commands`);
  };
}

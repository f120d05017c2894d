// When this happened, send that command. A policy reads the log in its one order, and what it does are commands, which
// decide as they would for anybody. How far it has read is an event in a stream of its own: in the log, where no rebuild of
// the read model reaches, so nothing is ever done a second time because a table is made anew; and a policy that is new begins
// at the log's end.
//
// Each effect is there once, whatever crashes and however many processes run the same policy:
//   * the checkpoint moves after the command, so a crash in between sends that again, and
//   * a command that is sent again comes with the same Idempotency-Key, which the stream it wrote to remembers.
// A checkpoint says that all before it is done, which is true of whoever wrote it. So of two processes any may write it, and
// one that finds the other ahead goes on from there.
//
// An event that a policy fails at is tried again at once, a few times; then it is set aside, in the checkpoint, and tried
// again, ever more rarely, until it can be done. Nothing is given up: the cure is a fix, and the next try finds it. The
// events after it go on, until so many are aside that it must be all of them: then the policy waits.
//
// That a command refuses is no failure, but its decision: what a person did, or what is gone by now, no fix cures.
import { randomUUIDv7 } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { DatabasePool } from 'slonik';
import { z } from 'zod';
import type { Caller, Command, CommandServices, Outcome } from '../commands/command.ts';
import type { CommandHandler } from '../commands/handle.ts';
import { decode } from '../events/codec.ts';
import type { CausedBy, RecordedEvent } from '../events/event.ts';
import { type AnyEvent, dispatch, type EventHandlers } from '../events/index.ts';
import { type EventLog, type LoggedEvent, WrongExpectedRevision } from '../eventstore/log.ts';
import type { Logger } from '../logger.ts';
import { Problem } from '../problem.ts';

/**
 * Sends a command for the person whom it is about. The same again (after a crash, from another process) does nothing.
 * @param once names the effect within its policy, where it is not the one of this event: of all that have one name, one is
 *   done. What the schedule sends has no name unless it says so: the command itself has to see that it is done.
 * @returns undefined where the effect was there already, and other than it would be now
 * @throws Problem as the command decides
 */
export type Send = (
  command: Command,
  request: { readonly params?: Readonly<Record<string, string>>; readonly body?: object; readonly once?: string },
) => Promise<Outcome | undefined>;

/** What a policy has at hand: the write side, the tables (which may be behind), and commands for one person. */
export type Effects = { readonly services: CommandServices; readonly database: DatabasePool; readonly send: Send };

/** What a policy goes by and looks at. */
export type Followed = { readonly name: string; readonly eventTypes: ReadonlySet<string> };

export type Policy = Followed & {
  /** What the names of the streams that it reads begin with. */
  readonly prefixes: readonly string[];
  readonly react: (event: AnyEvent, effects: Effects) => Promise<unknown>;
};

/**
 * @param name for ever: its checkpoint and its effects go by it
 * @param categories of the streams that the events are in
 * @param handlers what follows from an event. To throw means that it could not be done and is to be tried again; a refusal
 *   (a Problem of the caller's, but for 429) means that it is not to be, and is final at a second look.
 */
export const policy = (
  name: string,
  categories: readonly string[],
  handlers: EventHandlers<[effects: Effects], Promise<unknown>>,
): Policy => ({
  name,
  prefixes: categories.map((category) => `${category}-`),
  eventTypes: new Set(Object.keys(handlers)),
  react: async (event, effects) => dispatch(handlers, event, effects),
});

export type PolicyServices = {
  readonly log: EventLog;
  readonly database: DatabasePool;
  readonly commandHandler: CommandHandler;
  /** node-cron takes it as well, which has more to say. */
  readonly logger: Logger & { readonly debug: (message: string) => void };
};

/** Why a command is sent. `correlationId` is that of the request it all began with, `event` what the policy reacts to. */
type Reason = {
  readonly policy: string;
  readonly userId: string;
  readonly correlationId: string;
  readonly causationId: string;
  readonly event: CausedBy['event'];
};

/** @param once the effect's name where `send` is given none */
export const effectsFor = (
  { database, commandHandler: { run, services } }: PolicyServices,
  { policy, userId, correlationId, causationId, event }: Reason,
  once?: string,
): Effects => ({
  services,
  database,
  send: async (command, { params = {}, body, once: name = once }) => {
    try {
      const idempotencyKey = name === undefined ? undefined : `${policy}:${name}`;
      const why = { correlationId, causationId, causedBy: { policy, event } };
      return await command.run(run, { params, body, user: system(userId), ...why, idempotencyKey });
    } catch (error) {
      // Done already, and what was to be copied has changed since.
      if (error instanceof Problem && error.code === 'idempotency-key-reused') return undefined;
      throw error;
    }
  },
});

const NO_LOGIN = '00000000-0000-0000-0000-000000000000';

/** Daybook itself, which may do for a person what they may do themselves. */
const system = (id: string): Caller => ({ id, role: 'user', actor: 'system', login_id: NO_LOGIN });

/** `position` of null: before the log's first event. `aside` are positions before it of events that are not done yet. */
export type Checkpoint = { readonly revision: number; readonly position: bigint | null; readonly aside: readonly bigint[] };

const position = z.int().nonnegative().transform(BigInt);
const policyAdvanced = z.object({ position: position.nullable(), aside: z.array(position) });

export type PolicyStatus = {
  readonly name: string;
  readonly state: 'starting' | 'running' | 'degraded' | 'waiting' | 'stopped';
  readonly lastError: string | undefined;
};

export type Follower = {
  readonly status: () => PolicyStatus;
  /** Resolves when the policy knows where it begins, or that the log is away. Runs until `stop`; an outage is waited out. */
  readonly start: () => Promise<void>;
  /** What is under way is finished. */
  readonly stop: () => Promise<void>;
};

const TRIES_IN_PLACE = 4;
const MAX_ASIDE = 100;
const MAX_RETRY_MS = 5 * 60_000;
const MAX_BACKOFF_MS = 5_000;
/** How many events that mean nothing to a policy may be read again after a start. */
const UNSAVED = 500;

const streamOf = (name: string) => `policy-${name}`;

/** Where a policy is, as the log has it. Undefined before its first start anywhere. */
export async function readCheckpoint(log: EventLog, name: string): Promise<Checkpoint | undefined> {
  for await (const { revision, data } of log.readStreamBackwards(streamOf(name), 1)) return { revision, ...policyAdvanced.parse(data) };
  return undefined;
}

export function follow(policy: Policy, services: PolicyServices): Follower {
  const { log, logger } = services;
  const { serially } = services.commandHandler.services;
  const { name } = policy;
  const stopping = new AbortController();
  let running: Promise<void> = Promise.resolve();
  let status: PolicyStatus = { name, state: 'starting', lastError: undefined };
  let checkpoint: Checkpoint = { revision: -1, position: null, aside: [] };
  let isKnown = false;
  /** How often what is aside has failed, and when it may be tried again. */
  const failures = new Map<bigint, { readonly count: number; readonly notBefore: number }>();

  async function run() {
    for (let backoffMs = 50; !stopping.signal.aborted; backoffMs = Math.min(backoffMs * 2, MAX_BACKOFF_MS)) {
      const attempt = new AbortController();
      const signal = AbortSignal.any([stopping.signal, attempt.signal]);
      let retrying = Promise.resolve();
      try {
        await know();
        isWell();
        retrying = retryAside(signal);
        for await (const event of log.subscribeToAll(checkpoint.position, signal, policy.prefixes)) {
          await serially(streamOf(name), () => take(event));
          if (stopping.signal.aborted) break;
          backoffMs = 50;
        }
      } catch (error) {
        if (stopping.signal.aborted) break;
        status = { name, state: 'waiting', lastError: messageOf(error) };
        logger.warn(`The policy ${name} starts again from its checkpoint: ${messageOf(error)}`);
      } finally {
        attempt.abort();
        await retrying;
      }
      await pause(backoffMs, stopping.signal);
    }
    status = { ...status, state: 'stopped' };
  }

  const isWell = () => {
    const isDegraded = checkpoint.aside.length > 0;
    status = { name, state: isDegraded ? 'degraded' : 'running', lastError: isDegraded ? status.lastError : undefined };
  };

  /** Where the policy is. What is known here already is as far as the log's checkpoint, and may be further. */
  async function know(): Promise<void> {
    if (!isKnown) checkpoint = (await readCheckpoint(log, name)) ?? (await begin());
    isKnown = true;
  }

  /** The first start of all: what has happened so far is not its business. */
  async function begin(): Promise<Checkpoint> {
    await log.setMaxCount(streamOf(name), 1);
    return save({ revision: -1, position: await log.head(), aside: [] });
  }

  let unsaved = 0;

  async function take(event: LoggedEvent): Promise<void> {
    // Another process was quicker, and its checkpoint is ours now.
    if (isWithin(event.position, checkpoint)) return;
    const next = { ...checkpoint, position: event.position };
    if (!policy.eventTypes.has(event.type)) {
      checkpoint = next;
      unsaved += 1;
      if (unsaved >= UNSAVED) await advance(next);
      return;
    }
    for (let tries = 1; !(await isDone(event)); tries += 1) {
      if (stopping.signal.aborted) return;
      if (tries < TRIES_IN_PLACE) {
        await pause(50 * 4 ** tries, stopping.signal);
        continue;
      }
      if (next.aside.length >= MAX_ASIDE) throw new Error(`${MAX_ASIDE} events wait to be tried again: ${status.lastError}`);
      isLater(event.position);
      return advance({ ...next, aside: [...next.aside, event.position] });
    }
    await advance(next);
  }

  async function isDone(logged: LoggedEvent): Promise<boolean> {
    try {
      const event = decode(logged);
      if (event) await react(event);
      return true;
    } catch (error) {
      const { type, stream, revision } = logged;
      if (isRefusal(error)) {
        logger.warn(`The policy ${name} is refused what follows from ${type} (${stream}@${revision}): ${error.code}`);
        return true;
      }
      status = { ...status, lastError: messageOf(error) };
      logger.error(`The policy ${name} failed at ${type} (${stream}@${revision}) and tries again: ${messageOf(error)}`);
      return false;
    }
  }

  async function react(event: AnyEvent): Promise<void> {
    const effects = effectsFor(services, reasonOf(name, event), event.event_id);
    try {
      await policy.react(event, effects);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      // It may be for what has changed since the policy looked.
      await policy.react(event, effects);
    }
  }

  /** What is aside, each when its time has come, until the signal aborts. */
  async function retryAside(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const position of checkpoint.aside) {
        if (signal.aborted) return;
        if ((failures.get(position)?.notBefore ?? 0) > performance.now()) continue;
        // When the log is away, whoever reads it notices, too.
        await serially(streamOf(name), () => retry(position)).catch((error: unknown) => logger.warn(`${name}: ${messageOf(error)}`));
      }
      await pause(500, signal);
    }
  }

  async function retry(position: bigint): Promise<void> {
    if (!checkpoint.aside.includes(position)) return;
    const event = await log.eventAt(position);
    if (event && !(await isDone(event))) return isLater(position);
    if (!event) logger.error(`The policy ${name} gives up the event at ${position}, which is no longer in the log`);
    failures.delete(position);
    await advance({ ...checkpoint, aside: checkpoint.aside.filter((each) => each !== position) });
  }

  function isLater(position: bigint): void {
    const count = (failures.get(position)?.count ?? 0) + 1;
    failures.set(position, { count, notBefore: performance.now() + Math.min(500 * 2 ** count, MAX_RETRY_MS) });
  }

  async function advance(next: Checkpoint): Promise<void> {
    checkpoint = await save(next);
    unsaved = 0;
    isWell();
  }

  /** The checkpoint that holds then: this one, or that of another process which is as far. */
  async function save({ revision, position, aside }: Checkpoint): Promise<Checkpoint> {
    const data = { position: position === null ? null : Number(position), aside: aside.map(Number) };
    try {
      const saved = await log.append(streamOf(name), revision, [{ event_id: randomUUIDv7(), type: 'PolicyAdvanced', data, metadata: {} }]);
      return { revision: saved.revision, position, aside };
    } catch (error) {
      if (!(error instanceof WrongExpectedRevision)) throw error;
      const theirs = await readCheckpoint(log, name);
      if (!theirs) throw error;
      return position === null || isWithin(position, theirs) ? theirs : save({ revision: theirs.revision, position, aside });
    }
  }

  return {
    status: () => status,
    start: async () => {
      await know().catch(() => {});
      running = run();
    },
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

const isWithin = (position: bigint, checkpoint: Checkpoint) => checkpoint.position !== null && position <= checkpoint.position;

const reasonOf = (policy: string, { type, id, revision, event_id, meta }: RecordedEvent): Reason => ({
  policy,
  userId: meta.user_id,
  correlationId: meta.$correlationId,
  causationId: event_id,
  event: { type, entity_id: id, revision },
});

const isRefusal = (error: unknown): error is Problem =>
  error instanceof Problem && error.status >= 400 && error.status < 500 && error.status !== 429;

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** Ends early, and quietly, where the signal aborts. */
const pause = (milliseconds: number, signal: AbortSignal) => delay(milliseconds, undefined, { signal }).catch(() => {});

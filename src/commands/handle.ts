// Runs a command: fold the stream, decide, append at the exact revision, and again from the start when somebody else was
// first. Everything that is the same for all commands is here, once.
import { randomUUIDv7 } from 'node:crypto';
import { v5 } from 'uuid';
import { z } from 'zod';
import { decode, encode } from '../events/codec.ts';
import { entityIdOf, type NewEvent } from '../events/event.ts';
import { type EventLog, WrongExpectedRevision } from '../eventstore/log.ts';
import { idInUse, notFound, Problem, unavailable, unprocessable } from '../problem.ts';
import type { Secrets } from '../secrets.ts';
import { canonicalJson, pathParams, validate } from '../validation.ts';
import { uuidV7 } from '../vocabulary.ts';
import type { Aggregate, Reference } from './aggregate.ts';
import type { CommandRequest, CommandRunner, CommandServices, Decision, Input, Loaded, RunnableCommand, Stamp } from './command.ts';
import { makesPart, stampOf } from './command.ts';
import { createFolds, empty, type Folded, type Folds } from './folds.ts';
import { type CommandKey, claimKey, derivedId, isKeyClaimed, placed, reusedKey } from './idempotency.ts';

const MAX_ATTEMPTS = 10;
/** The namespace of the ids that are derived from an idempotency key. */
const DERIVED_IDS = 'd6bd3f0e-2f0c-4b8a-9d53-5a6f6f7c1e42';

export type CommandHandler = { readonly run: CommandRunner; readonly services: CommandServices };

export function createCommandHandler({
  now = () => new Date(),
  ...given
}: Pick<CommandServices, 'log' | 'blobs' | 'secrets' | 'tokens' | 'settings'> & {
  /** The clock that commands go by. */
  readonly now?: () => Date;
}): CommandHandler {
  const { log, secrets } = given;
  const folds = createFolds(log);
  const serially = serializer();

  const services: CommandServices = {
    ...given,
    folds,
    serially,
    transact: (aggregate, id, stamp, decide) => {
      const stream = `${aggregate.category}-${id}`;
      return serially(stream, () =>
        untilUncontended(async () => {
          const before = await folds.fresh(aggregate, stream);
          const events = eventsOf(await decide(before.state, before.revision));
          const { revision, position } = await append(log, folds, aggregate, stream, before, stamp, events);
          return { id, revision, position, events, owner: before.owner ?? stamp.user_id };
        }),
      );
    },
  };

  async function run<Body extends z.ZodType, State>(command: RunnableCommand<Body, State>, request: CommandRequest) {
    const references = createReferences(folds, request.user.id);
    try {
      return await runOnce(command, request, references);
    } catch (error) {
      throw error instanceof Problem ? error.asOf(references.latest(undefined)) : error;
    }
  }

  async function runOnce<Body extends z.ZodType, State>(
    command: RunnableCommand<Body, State>,
    request: CommandRequest,
    references: References,
  ) {
    const { aggregate } = command;
    const { user } = request;
    const { input, part, key, isIdentified } = readInput(command, request, secrets, now());
    // What is appended on the way counts as seen.
    const transact: typeof services.transact = async (...what) => {
      const outcome = await services.transact(...what);
      references.latest(outcome.position);
      return outcome;
    };
    const plan = await command.plan(input, { ...services, transact }, references.load);
    const stream = `${aggregate.category}-${plan.stream ?? (command.perUser ? user.id : input.id)}`;

    // What a key makes that was sent alone has an id of the key's, and its stream tells. With an id, or with what is said naming
    // the stream, another body with that key would be in another one.
    const isNamed = command.creates && plan.stream !== undefined;
    const isElsewhere = isNamed || (command.creates && entityIdOf(stream) === input.id && key && input.id !== derivedId(key));
    const placedKey = key?.explicit && isElsewhere ? placed(key, aggregate, isNamed) : undefined;

    const decideOn = async (before: Folded<State>): Promise<readonly NewEvent[]> => {
      // Nothing of what is someone else's may be told from a refusal.
      if (before.owner === user.id) references.latest(before.position);
      if (key && before.commands.has(key.command_id)) {
        if (before.commands.get(key.command_id) === key.body_hmac) return [];
        throw key.explicit ? reusedKey() : idInUse();
      }
      if (placedKey) await isKeyClaimed(services, placedKey);
      if (command.creates) {
        const isInUse = entityIdOf(stream) === input.id ? before.revision >= 0 : revisionOf(aggregate, before, input.id) !== undefined;
        if (isInUse && !isIdentified) throw idInUse();
        // What it was part of is gone, and so is it: what is said now is of something new.
        if (before.state !== undefined && !(await references.ancestors(aggregate.partOf(before.state))))
          return eventsOf(await plan.decide(undefined));
      } else {
        const revision = revisionOf(aggregate, before, input.id, makesPart(command) ? undefined : part);
        if (before.state === undefined || revision === undefined) throw notFound();
        const isOurs = (command.access ?? 'owner') !== 'owner' || before.owner === user.id;
        if (!isOurs && !(await command.admits?.(before.state, input, services))) throw notFound();
        if (!(await references.ancestors(aggregate.partOf(before.state)))) throw notFound();
        if (request.ifMatch !== undefined && !request.ifMatch.includes(revision)) throw staleRevision(revision);
      }
      return eventsOf(await plan.decide(before.state));
    };

    const outcome = await serially(stream, () => {
      // May be behind the log. What is to begin its stream is taken for new: where it is not, the append finds out.
      let assumed = folds.kept(aggregate, stream) ?? (command.creates && entityIdOf(stream) === input.id ? empty(aggregate) : undefined);
      return untilUncontended(async () => {
        let before = assumed ?? (await folds.fresh(aggregate, stream));
        let events = await decideOn(before).catch((error: unknown) => {
          // A refusal holds only when it was decided on all that is in the log.
          if (!assumed || !(error instanceof Problem)) throw error;
          return [];
        });
        if (events.length === 0 && assumed) {
          before = await folds.fresh(aggregate, stream);
          events = await decideOn(before);
        }
        assumed = undefined;
        const owner = before.owner ?? plan.owner ?? user.id;
        const stamp = {
          ...stampOf(input, owner),
          ...(key && { $causationId: request.causationId ?? key.command_id, command_id: key.command_id, body_hmac: key.body_hmac }),
        };
        if (placedKey && events.length > 0) await claimKey(services, placedKey, stamp);
        const after = await append(log, folds, aggregate, stream, before, stamp, events);
        return {
          id: input.id,
          revision: revisionOf(aggregate, after, input.id, part) ?? after.revision,
          position: references.latest(after.position),
          events,
          owner,
          part,
        };
      });
    });
    return { ...outcome, response: await plan.respond?.(outcome) };
  }
  return { run, services };
}

/** The revision of the last event about the entity, or a part of it; undefined where it does not exist. */
function revisionOf<State>(aggregate: Aggregate<State>, { state, revision }: Folded<State>, id: string, part?: string): number | undefined {
  if (state === undefined) return undefined;
  if (part !== undefined) return aggregate.find(state, part)?.revision;
  return aggregate.initial === undefined ? revision : aggregate.find(state, id)?.revision;
}

/** Appends what was decided on `before`, nothing included, and answers with what the stream folds to then. */
async function append<State>(
  log: EventLog,
  folds: Folds,
  aggregate: Aggregate<State>,
  stream: string,
  before: Folded<State>,
  stamp: Stamp,
  decided: readonly NewEvent[],
): Promise<Folded<State>> {
  if (decided.length === 0) return before;
  let { state } = before;
  const prepared = decided.map((event, index) => {
    const encoded = encode(event, stamp);
    // The position is known only once it is appended; nothing that folds looks at it.
    const recorded = decode({ ...encoded, stream, revision: before.revision + 1 + index, position: 0n, appended_ms: 0 });
    if (!recorded) throw new Error(`${event.type} is not an event of the vocabulary`);
    const next = aggregate.evolve(state, recorded);
    // What is deleted was called what it was called before.
    const title = (next && aggregate.title(next, recorded)) ?? (state && aggregate.title(state, recorded));
    state = next;
    return { recorded, encoded: title === undefined ? encoded : { ...encoded, metadata: { ...encoded.metadata, title } } };
  });
  const { position } = await log.append(
    stream,
    before.revision,
    prepared.map(({ encoded }) => encoded),
  );
  return folds.appended(
    aggregate,
    stream,
    before,
    prepared.map(({ recorded }) => ({ ...recorded, position })),
  );
}

function eventsOf(decision: Decision): readonly NewEvent[] {
  if (decision instanceof Problem) throw decision;
  return 'type' in decision ? [decision] : decision;
}

function readInput<Body extends z.ZodType, State>(
  command: RunnableCommand<Body, State>,
  request: CommandRequest,
  secrets: Secrets,
  now: Date,
) {
  const params = validate(pathParams(command.route), request.params, 'path');
  const body = validate(command.body, request.body, 'body');
  const chosenId = command.creates ? chosen.safeParse(body).data?.id : undefined;
  const isKeyed = command.access !== 'public' && command.keyed !== false;
  const key = isKeyed ? commandKey(command.route, request, chosenId, { params, body }, secrets) : undefined;
  const { user, correlationId, causationId = correlationId, causedBy, userAgent } = request;
  const identified = command.identify?.({ user, params, body });
  const newId = () => identified ?? chosenId ?? (key ? derivedId(key) : randomUUIDv7());
  const part = command.part === undefined ? undefined : (params[command.part] ?? identified);
  const id = command.creates ? newId() : (params.id ?? user.id);
  const input: Input<string, z.output<Body>> = {
    id,
    params,
    body,
    at: now.toISOString(),
    user,
    correlationId,
    causationId,
    causedBy,
    userAgent,
  };
  return { input, part, key, isIdentified: identified !== undefined };
}

const chosen = z.object({ id: uuidV7 });
// Of a password the log keeps a slow hash and nothing quicker to guess by.
const withoutPassword = z.looseObject({}).transform(({ current_password, ...rest }) => rest);

// A client that chooses the entity's id has chosen a key with it: the same create again is then the same entity.
function commandKey(
  route: string,
  { user, idempotencyKey }: CommandRequest,
  chosenId: string | undefined,
  { params, body }: { readonly params: Record<string, string>; readonly body: unknown },
  secrets: Secrets,
): CommandKey | undefined {
  const given = idempotencyKey ?? chosenId;
  if (given === undefined) return undefined;
  return {
    command_id: v5(JSON.stringify([user.id, route, given]), DERIVED_IDS),
    body_hmac: secrets.hmac('request-body', canonicalJson({ params, body: withoutPassword.parse(body) })),
    explicit: idempotencyKey !== undefined,
  };
}

type References = ReturnType<typeof createReferences>;

/** Looks other entities up for one command, fresh each time, and keeps the latest position seen. */
function createReferences(folds: Folds, userId: string) {
  let seen: bigint | undefined;
  const latest = (position: bigint | undefined) => {
    if (position !== undefined && (seen === undefined || position > seen)) seen = position;
    return seen;
  };

  async function find<State>({ aggregate, id, since }: Reference<State>): Promise<State | undefined> {
    const { state, owner, position, born } = await folds.fresh(aggregate, `${aggregate.category}-${id}`);
    if (owner !== undefined && owner !== userId) return undefined;
    latest(position);
    return since !== undefined && born !== undefined && born > since ? undefined : state;
  }

  /** The ids of what something is part of, nearest first; undefined where one of them is gone. Moves that crossed may have made a loop. */
  async function ancestors(parts: readonly Reference<unknown>[]): Promise<string[] | undefined> {
    // By stream: a client may have given things of two kinds one id.
    const found = new Map<string, string>();
    const ahead = [...parts];
    for (let next = ahead.shift(); next; next = ahead.shift()) {
      const stream = `${next.aggregate.category}-${next.id}`;
      if (found.has(stream)) continue;
      const state = await find(next);
      if (state === undefined) return undefined;
      found.set(stream, next.id);
      ahead.push(...next.aggregate.partOf(state));
    }
    return [...found.values()];
  }

  async function load<State>(reference: Reference<State>): Promise<Loaded<State>>;
  async function load<State>(reference: Reference<State> | undefined): Promise<Loaded<State> | undefined>;
  async function load<State>(reference: Reference<State> | undefined): Promise<Loaded<State> | undefined> {
    if (!reference) return undefined;
    const state = await find(reference);
    const above = state === undefined ? undefined : await ancestors(reference.aggregate.partOf(state));
    if (state === undefined || above === undefined) throw reference.pointer === undefined ? notFound() : noSuchReference(reference.pointer);
    return { id: reference.id, state, ancestors: above };
  }

  return { load, ancestors, latest };
}

/** Runs the work on one stream of this process one after the other: only other processes can be in the way then. */
function serializer() {
  const tails = new Map<string, Promise<unknown>>();
  return async <T>(stream: string, work: () => Promise<T>): Promise<T> => {
    const turn = (tails.get(stream) ?? Promise.resolve()).then(work, work);
    tails.set(stream, turn);
    try {
      return await turn;
    } finally {
      if (tails.get(stream) === turn) tails.delete(stream);
    }
  };
}

async function untilUncontended<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof WrongExpectedRevision)) throw error;
      if (attempt === MAX_ATTEMPTS) throw unavailable('Too many changes to this at once.');
    }
  }
}

const noSuchReference = (pointer: string) => unprocessable('reference-not-found', 'This does not exist.', pointer);
const staleRevision = (revision: number) =>
  new Problem(412, 'stale-revision', `This has changed since; it is now at revision ${revision}.`);

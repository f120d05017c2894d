// What a command is: one object that says where it is called, what it accepts, which stream it concerns and what it
// decides. The route, its validation and its page in the API reference are made from it.
import { z } from 'zod';
import type { BlobStore } from '../blobs/blobStore.ts';
import type { CausedBy, Metadata, NewEvent } from '../events/event.ts';
import type { EventLog } from '../eventstore/log.ts';
import { notFound, type Problem } from '../problem.ts';
import type { Secrets } from '../secrets.ts';
import type { Tokens } from '../tokens.ts';
import type { Aggregate, Reference } from './aggregate.ts';
import type { Folds } from './folds.ts';

/** Who is calling, as their access token and their own stream say. */
export type Caller = {
  readonly id: string;
  readonly role: 'user' | 'admin';
  readonly actor: Metadata['actor'];
  readonly login_id: string;
};

/** A request for a command, before anything in it was validated. */
export type CommandRequest = {
  readonly params: unknown;
  readonly body: unknown;
  readonly user: Caller;
  readonly correlationId: string;
  /** What led to the command, where it is not the request itself: the event that a policy reacts to. */
  readonly causationId?: string | undefined;
  readonly causedBy?: CausedBy | undefined;
  readonly idempotencyKey?: string | undefined;
  /** The revisions from If-Match. */
  readonly ifMatch?: readonly number[] | undefined;
  readonly userAgent?: string | undefined;
};

export type ParamNames<Route extends string> = Route extends `${string}:${infer Name}/${infer Rest}`
  ? Name | ParamNames<Rest>
  : Route extends `${string}:${infer Name}`
    ? Name
    : never;

/** What a command's functions are given. `id` is the entity's: from the path, or the new one's. `at` is the one time of the command. */
export type Input<Route extends string = string, Body = unknown> = {
  readonly id: string;
  readonly params: Readonly<Record<ParamNames<Route>, string>>;
  readonly body: Body;
  readonly at: string;
  readonly user: Caller;
  readonly correlationId: string;
  readonly causationId: string;
  readonly causedBy: CausedBy | undefined;
  readonly userAgent: string | undefined;
};

/** Events (none: it is already so) or a refusal. */
export type Decision = NewEvent | readonly NewEvent[] | Problem;

/** Another entity, there and the caller's. `ancestors` are the ids of what it is part of, nearest first. */
export type Loaded<State> = { readonly id: string; readonly state: State; readonly ancestors: readonly string[] };

/** Folds another entity's stream fresh. @throws Problem where it is missing, gone or someone else's */
export type Load = {
  <State>(reference: Reference<State>): Promise<Loaded<State>>;
  <State>(reference: Reference<State> | undefined): Promise<Loaded<State> | undefined>;
};

/** What a command did: the entity, where its stream is now, and what was appended (nothing where it was already so). */
export type Outcome = {
  readonly id: string;
  readonly revision: number;
  readonly position: bigint | undefined;
  readonly events: readonly NewEvent[];
  /** Whose the entity is. */
  readonly owner: string;
  /** The part of it that the command was about, where it was about one. */
  readonly part?: string | undefined;
};

/** Who and when, for what `prepare` itself appends. */
export type Stamp = Omit<Metadata, 'schema_version' | 'title'>;

/** @param userId whose the event is, where it is not the caller's */
export const stampOf = ({ user, at, correlationId, causationId, causedBy }: Input, userId: string = user.id): Stamp => ({
  user_id: userId,
  actor: user.actor,
  at,
  $correlationId: correlationId,
  $causationId: causationId,
  ...(causedBy && { caused_by: causedBy }),
});

/** What `prepare` may use: the write side, never the read model. */
export type CommandServices = {
  readonly log: EventLog;
  readonly blobs: BlobStore;
  readonly folds: Folds;
  readonly secrets: Secrets;
  readonly tokens: Tokens;
  readonly settings: CommandSettings;
  /**
   * Loads a stream fresh, decides and appends at the exact revision (-1: there is no such stream yet), again after a
   * conflict. @throws Problem as decided
   */
  readonly transact: <State>(
    aggregate: Aggregate<State>,
    id: string,
    stamp: Stamp,
    decide: (state: State | undefined, revision: number) => Decision | Promise<Decision>,
  ) => Promise<Outcome>;
  /** Runs what goes by one name one after the other, within this process. */
  readonly serially: <T>(name: string, work: () => Promise<T>) => Promise<T>;
};

export type CommandSettings = {
  readonly refreshTokenExpireDays: number;
  /** Lower-cased: who registers one of these addresses is an admin. */
  readonly adminEmails: readonly string[];
  /** How many recipients a person may send emails to in a day; 0: there is no mail server to send through. */
  readonly sendsPerDay: number;
};

/** How a command goes on once its asynchronous work is done. `decide` may be called again after a conflict. */
export type Plan<State> = {
  readonly decide: (state: State | undefined) => Decision | Promise<Decision>;
  /** The id part of the stream's name where it is not the entity's own id. */
  readonly stream?: string;
  /** Whose a new entity is, where nobody is logged in yet. */
  readonly owner?: string;
  /** The body of the answer where no query has it. */
  readonly respond?: (outcome: Outcome) => Promise<unknown>;
};

/** How a request in another media type than JSON becomes the command's body, which is then validated as any other. */
export type BodyReader = {
  /** What it takes, for the API page. */
  readonly description: string;
  /**
   * @param content the bytes as they come; more than MAX_UPLOAD_MIB of them are refused while they are read
   * @param contentType the whole header, with its parameters
   * @throws Problem for what cannot be understood
   */
  readonly read: (
    content: AsyncIterable<Uint8Array>,
    context: { readonly contentType: string; readonly owner: string; readonly blobs: BlobStore },
  ) => Promise<unknown>;
};

type Common<Route extends string, Body extends z.ZodType, State> = {
  /** `POST /tasks/:id/complete`, without the `/api/v1` that all share. */
  readonly route: Route;
  readonly summary: string;
  readonly description?: string;
  readonly body: Body;
  /** By media type, what is taken beside JSON. */
  readonly bodies?: Readonly<Record<string, BodyReader>>;
  /** Fields of the body that only such a reader gives (what it has stored, say): from a caller they are unknown. */
  readonly readOnly?: readonly string[];
  /** A body that works as it stands, for the API page. */
  readonly example?: z.input<Body>;
  readonly aggregate: Aggregate<State>;
  /** Who may call: the entity's owner (default), an admin on anybody's, or everybody without a token. */
  readonly access?: 'owner' | 'admin' | 'public';
  /** With what it may be refused beside what every command is. */
  readonly refuses?: readonly number[];
  /** True for what Daybook does by itself: policies send it, for the owner, and it has no route. */
  readonly internal?: true;
  /** False where an Idempotency-Key means nothing: what logs a person in and out is not to be repeated from memory. */
  readonly keyed?: false;
  /** True where one person's entities share a stream (`taskLabels-{user id}`). */
  readonly perUser?: boolean;
  /**
   * The id of what a create makes, where what it says is what it is: to say it again is about the same entity, and `create`
   * is given its state (none where it is gone). Undefined where nothing in it says so.
   */
  readonly identify?: (input: Pick<Input<Route, z.output<Body>>, 'user' | 'params' | 'body'>) => string | undefined;
  /**
   * What it is about, where that is a part of the entity whose stream it is in: the name of the part's id in a path. Where
   * its own path has none, the command makes the part, and `identify` says which.
   */
  readonly part?: string;
  /** Whom the entity lets call it beside its owner. Everybody else finds nothing. */
  readonly admits?: (
    state: State,
    input: Pick<Input<Route, z.output<Body>>, 'user' | 'params'>,
    services: CommandServices,
  ) => boolean | Promise<boolean>;
  /**
   * Where entities that are one event each share a stream that neither their id nor their owner names: the id part of its
   * name, by what the query answers for one of them.
   */
  readonly sharedStream?: (userId: string, answered: unknown) => string;
  /** The name of the query whose answer is this command's; without one the answer is 204. */
  readonly answer?: string;
  /** The shape of an answer that no query has; `prepare` gives the body. */
  readonly response?: { readonly schema: z.ZodType; readonly status: 200 | 201; readonly location?: string };
};

type In<Route extends string, Body extends z.ZodType> = Input<Route, z.output<Body>>;

type With<Needs> = { readonly needs: Needs };
/** Further streams, folded read-only and fresh. What is missing is refused before anything is decided. */
type Needing<Input, Needs> = { readonly needs: (input: Input, load: Load) => Promise<Needs> };
/** Pure: the state of what exists and the input in, events or a refusal out. */
type Deciding<State, Input> = { readonly decide: (state: State, input: Input) => Decision };
/** Pure: the input of what is to exist in, events or a refusal out. `state` is there in a shared stream, and where the command can identify what it makes. */
type Creating<State, Input> = { readonly create: (input: Input, state: State | undefined) => Decision };
/** Asynchronous work once, before deciding. @throws Problem to refuse */
type Prepared<State, Input> = {
  /** Whether the plan's stream is to be a new one. */
  readonly creates: boolean;
  readonly prepare: (input: Input, services: CommandServices) => Promise<Plan<State>>;
};

/** A command as the machinery runs it. `plan` is called once, its `decide` once per attempt. */
export type RunnableCommand<Body extends z.ZodType, State> = Common<string, Body, State> & {
  readonly creates: boolean;
  readonly plan: (input: Input<string, z.output<Body>>, services: CommandServices, load: Load) => Promise<Plan<State>>;
};

export type CommandRunner = <Body extends z.ZodType, State>(
  command: RunnableCommand<Body, State>,
  request: CommandRequest,
) => Promise<Outcome & { readonly response?: unknown }>;

/** A command of whatever aggregate, as HTTP and policies hold it: only `run` knows its types. */
export type Command = Omit<Common<string, z.ZodType, unknown>, 'aggregate' | 'identify' | 'admits'> & {
  /** Of the stream it appends to. */
  readonly category: string;
  readonly creates: boolean;
  readonly run: (runner: CommandRunner, request: CommandRequest) => ReturnType<CommandRunner>;
};

/** Whether a command makes a part of what its path names. */
export const makesPart = ({ route, part }: { readonly route: string; readonly part?: string }): boolean =>
  part !== undefined && !route.includes(`:${part}`);

/** The body of a command that takes none. */
export const noBody = z.strictObject({}).default({});

export function command<const R extends string, B extends z.ZodType, S, N>(
  definition: Common<R, B, S> & Needing<In<R, B>, N> & Deciding<S, In<R, B> & With<N>>,
): Command & Deciding<S, In<R, B> & With<N>>;
export function command<const R extends string, B extends z.ZodType, S, N>(
  definition: Common<R, B, S> & Needing<In<R, B>, N> & Creating<S, In<R, B> & With<N>>,
): Command & Creating<S, In<R, B> & With<N>>;
export function command<const R extends string, B extends z.ZodType, S>(
  definition: Common<R, B, S> & Deciding<S, In<R, B>>,
): Command & Deciding<S, In<R, B>>;
export function command<const R extends string, B extends z.ZodType, S>(
  definition: Common<R, B, S> & Creating<S, In<R, B>>,
): Command & Creating<S, In<R, B>>;
export function command<const R extends string, B extends z.ZodType, S>(
  definition: Common<R, B, S> & Prepared<S, In<R, B>>,
): Command & Prepared<S, In<R, B>>;
export function command<B extends z.ZodType, S>(
  definition: Common<string, B, S> &
    (
      | (Needing<In<string, B>, unknown> & Deciding<S, In<string, B> & With<unknown>>)
      | (Needing<In<string, B>, unknown> & Creating<S, In<string, B> & With<unknown>>)
      | Deciding<S, In<string, B>>
      | Creating<S, In<string, B>>
      | Prepared<S, In<string, B>>
    ),
): Command {
  const creates = 'create' in definition || ('creates' in definition && definition.creates);
  const plan: RunnableCommand<B, S>['plan'] = async (input, services, load) => {
    if ('prepare' in definition) return definition.prepare(input, services);
    return {
      decide: async (state) => {
        const complete = 'needs' in definition ? { ...input, needs: await definition.needs(input, load) } : { ...input, needs: undefined };
        if ('create' in definition) return definition.create(complete, state);
        return state === undefined ? notFound() : definition.decide(state, complete);
      },
    };
  };
  const { category } = definition.aggregate;
  return { ...definition, category, creates, run: (runner, request) => runner({ ...definition, creates, plan }, request) };
}

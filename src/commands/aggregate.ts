// An aggregate: the stream category it lives in, and how its events fold to the state that decisions are made on. A state
// is of something that exists: before its creation and after its deletion there is none.
import { type AnyEvent, dispatch, type EventHandlers } from '../events/index.ts';

// Written as methods, which TypeScript compares bivariantly: machinery holds aggregates of every state at once.
export type Aggregate<State> = {
  readonly category: string;
  /** The state before any event, for a stream that one person's entities share; that one always exists. */
  readonly initial: State | undefined;
  /** The event types this fold understands. A stream with any other takes no commands. */
  readonly eventTypes: ReadonlySet<string>;
  evolve(state: State | undefined, event: AnyEvent): State | undefined;
  /**
   * The revision of the last event about an entity in a shared stream, or about a part of the one entity; undefined where
   * there is no such thing (any more).
   */
  find(state: State, id: string): { readonly revision: number } | undefined;
  /** What the entity is part of: where any of that is gone, so is this. */
  partOf(state: State): readonly Reference<unknown>[];
  /** What a person calls the entity that the event is about. */
  title(state: State, event: AnyEvent): string | undefined;
};

/** Another entity that a command names: in the body (missing: 422 with the pointer) or in the path (missing: 404). */
export type Reference<State> = {
  readonly aggregate: Aggregate<State>;
  /** The id part of the stream's name. */
  readonly id: string;
  readonly pointer: string | undefined;
  /** Where in the log it was named: what has come to be under its id since then is something else. */
  readonly since?: bigint;
};

/** @param pointer where the body names it; leave it out for an id from the path. */
export function reference<State>(aggregate: Aggregate<State>, id: string, pointer?: string): Reference<State>;
export function reference<State>(
  aggregate: Aggregate<State>,
  id: string | null | undefined,
  pointer?: string,
): Reference<State> | undefined;
export function reference<State>(
  aggregate: Aggregate<State>,
  id: string | null | undefined,
  pointer?: string,
): Reference<State> | undefined {
  return id ? { aggregate, id, pointer } : undefined;
}

type Definition<State> = {
  readonly category: string;
  /** The event that an entity begins with. */
  readonly created: EventHandlers<[], State>;
  /** One handler for each further event type of the category; a type without one is unknown here. Undefined: it is gone. */
  readonly evolve: EventHandlers<[state: State], State | undefined>;
  readonly partOf?: (state: State) => Reference<unknown> | readonly Reference<unknown>[] | undefined;
  readonly find?: Aggregate<State>['find'];
  readonly title?: (state: State, event: AnyEvent) => string | undefined;
};

/** An aggregate whose stream is about one entity. */
export const aggregate = <State>({ created, evolve, partOf = () => [], ...definition }: Definition<State>): Aggregate<State> => ({
  title: () => undefined,
  find: () => undefined,
  ...definition,
  partOf: (state) => [partOf(state) ?? []].flat(),
  initial: undefined,
  // A key for a thing with another id may be remembered where its own thing would be (idempotency.ts), which it does not make.
  eventTypes: new Set([...Object.keys(created), ...Object.keys(evolve), 'IdempotencyKeyUsed']),
  evolve: (state, event) => dispatch(created, event) ?? (state === undefined ? undefined : dispatch(evolve, event, state)),
});

/** An aggregate whose stream is shared by all of one person's entities of a kind (`taskLabels-{user id}`). */
export const sharedAggregate = <State>({
  evolve,
  ...definition
}: {
  readonly category: string;
  readonly initial: State;
  readonly evolve: EventHandlers<[state: State], State>;
  readonly find: Aggregate<State>['find'];
  readonly title?: Aggregate<State>['title'];
}): Aggregate<State> => ({
  partOf: () => [],
  title: () => undefined,
  ...definition,
  eventTypes: new Set(Object.keys(evolve)),
  evolve: (state = definition.initial, event) => dispatch(evolve, event, state),
});

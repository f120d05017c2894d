// An aggregate: the stream category it lives in, and how its events fold to the state that decisions are made on.
import { type AnyEvent, dispatch, type EventHandlers } from '../events/index.ts';

// Written as methods, which TypeScript compares bivariantly: machinery holds aggregates of every state at once.
export type Aggregate<State> = {
  readonly category: string;
  readonly initial: State;
  /** The event types this fold understands. A stream with any other takes no commands. */
  readonly eventTypes: ReadonlySet<string>;
  evolve(state: State, event: AnyEvent): State;
  /** False before the entity was created and after it was deleted. In a stream that one person's entities share, `id` says which. */
  exists(state: State, id: string): boolean;
  /** The revision of the last event about an entity in a shared stream; undefined where the stream is about one entity. */
  revisionOf(state: State, id: string): number | undefined;
  /** What the entity is part of: where that is gone, so is this. */
  partOf(state: State): Reference<unknown> | undefined;
  /** What a person calls the entity that the event is about. */
  title(state: State, event: AnyEvent): string | undefined;
};

/** Another entity that a command names: in the body (missing: 422 with the pointer) or in the path (missing: 404). */
export type Reference<State> = {
  readonly aggregate: Aggregate<State>;
  readonly stream: string;
  /** Undefined: the shared stream as a whole, which is always there. */
  readonly id: string | undefined;
  readonly pointer: string | undefined;
};

/** @param pointer where the body names it; leave it out for an id from the path. */
export function reference<State>(aggregate: Aggregate<State>, id: string, pointer?: string): Reference<State>;
export function reference<State>(aggregate: Aggregate<State>, id: null | undefined, pointer?: string): undefined;
export function reference<State>(aggregate: Aggregate<State>, id: string | null | undefined, pointer?: string): Reference<State> | undefined;
export function reference<State>(
  aggregate: Aggregate<State>,
  id: string | null | undefined,
  pointer?: string,
): Reference<State> | undefined {
  return id ? { aggregate, stream: `${aggregate.category}-${id}`, id, pointer } : undefined;
}

/** A reference into a stream that all of one person's entities share (`taskLabels-{user id}`). */
export const referenceIn = <State>(aggregate: Aggregate<State>, owner: string, id?: string, pointer?: string): Reference<State> => ({
  aggregate,
  stream: `${aggregate.category}-${owner}`,
  id,
  pointer,
});

export function aggregate<State>(definition: {
  category: string;
  initial: State;
  /** One handler for each event type of the category; a type without one is unknown here. */
  evolve: EventHandlers<[state: State], State>;
  exists: (state: State, id: string) => boolean;
  revisionOf?: (state: State, id: string) => number | undefined;
  partOf?: (state: State) => Reference<unknown> | undefined;
  title?: (state: State, event: AnyEvent) => string | undefined;
}): Aggregate<State> {
  return {
    revisionOf: () => undefined,
    partOf: () => undefined,
    title: () => undefined,
    ...definition,
    eventTypes: new Set(Object.keys(definition.evolve)),
    evolve: (state, event) => dispatch(definition.evolve, event, state) ?? state,
  };
}

// All event types of all contexts, by name. A new context adds its line here.
import type { z } from 'zod';
import type { LoggedEvent } from '../eventstore/log.ts';
import * as calendar from './calendar.ts';
import * as documents from './documents.ts';
import * as emails from './emails.ts';
import type { RecordedEvent } from './event.ts';
import * as idempotency from './idempotency.ts';
import * as integrations from './integrations.ts';
import * as messages from './messages.ts';
import * as relationships from './relationships.ts';
import * as sessions from './sessions.ts';
import * as tasks from './tasks.ts';
import * as users from './users.ts';

const contexts = { idempotency, users, sessions, messages, tasks, calendar, documents, relationships, emails, integrations };

type Contexts = typeof contexts;
type Definition = { [C in keyof Contexts]: Contexts[C][keyof Contexts[C]] }[keyof Contexts];
type DataOf = { [D in Definition as D['type']]: z.output<D['schema']> };

export type EventType = keyof DataOf;
export type EventOf<Type extends EventType> = RecordedEvent<Type, DataOf[Type]>;
/** Any event this version of Daybook knows, as read from the log. */
export type AnyEvent = { [Type in EventType]: EventOf<Type> }[EventType];

type AnyDefinition = {
  readonly type: EventType;
  readonly schema: z.ZodType<Record<string, unknown>>;
  readonly schemaVersion: number;
  readonly read: (logged: LoggedEvent) => AnyEvent;
};

export const eventDefinitions: ReadonlyMap<string, AnyDefinition> = new Map(
  Object.values(contexts)
    .flatMap((definitions): AnyDefinition[] => Object.values(definitions))
    .map((definition) => [definition.type, definition]),
);

/** A function per event type, called with what comes before (`Rest`) and the event. */
export type EventHandlers<Rest extends unknown[], Result> = {
  readonly [Type in EventType]?: (...args: [...rest: Rest, event: EventOf<Type>]) => Result;
};

/** Calls the handler for an event's type; undefined where there is none. */
export function dispatch<Type extends EventType, Rest extends unknown[], Result>(
  handlers: EventHandlers<Rest, Result>,
  event: EventOf<Type>,
  ...rest: Rest
): Result | undefined {
  return handlers[event.type]?.(...rest, event);
}

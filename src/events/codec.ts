// The only door between the log's JSON and typed events: validation, and upcasting of what an older version wrote.
import { randomUUIDv7 } from 'node:crypto';
import type { EventToAppend, LoggedEvent } from '../eventstore/log.ts';
import type { Metadata, NewEvent } from './event.ts';
import { type AnyEvent, eventDefinitions } from './index.ts';

/** An event of a type we know that does not read as we know it. */
export class UnreadableEvent extends Error {
  constructor({ type, stream, revision }: LoggedEvent, cause: unknown) {
    super(`${type} at ${stream}@${revision} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** Throws where the data does not fit its schema: nothing unreadable gets into the log. */
export function encode({ type, data }: NewEvent, meta: Omit<Metadata, 'schema_version'>): EventToAppend {
  const definition = eventDefinitions.get(type);
  if (!definition) throw new Error(`${type} is not an event of the vocabulary`);
  return {
    event_id: randomUUIDv7(),
    type,
    data: definition.schema.parse(data),
    metadata: { ...meta, schema_version: definition.schemaVersion },
  };
}

/** The typed event, or undefined for a type that this version does not know. @throws UnreadableEvent */
export function decode(logged: LoggedEvent): AnyEvent | undefined {
  try {
    return eventDefinitions.get(logged.type)?.read(logged);
  } catch (error) {
    throw new UnreadableEvent(logged, error);
  }
}

// What an event is: a past-tense fact with a schema, and the metadata every event carries. The files beside this one are
// the vocabulary, one per context; each exports event definitions and nothing else.
import { z } from 'zod';
import type { LoggedEvent } from '../eventstore/log.ts';
import { actor, storedInstant, uuid } from '../vocabulary.ts';

/** A policy that did what no request asked for just then, and the event that it reacted to; none where its time had come, say. */
export const causedBy = z.object({
  policy: z.string(),
  event: z.object({ type: z.string(), entity_id: z.string(), revision: z.int() }).nullable(),
});

/** `at` is the command's one time and the only one that projections use. `title` names the entity for a reader: what it was called once the event had happened. */
export const metadata = z.object({
  user_id: uuid,
  actor,
  at: storedInstant,
  $correlationId: z.string(),
  $causationId: z.string(),
  caused_by: causedBy.optional(),
  schema_version: z.int().positive(),
  command_id: uuid.optional(),
  body_hmac: z.string().optional(),
  title: z.string().optional(),
});
export type Metadata = z.output<typeof metadata>;
export type CausedBy = z.output<typeof causedBy>;

/** A fact decided but not yet in the log. */
export type NewEvent<Type extends string = string, Data = unknown> = { readonly type: Type; readonly data: Data };

/** A fact in the log. `id` is the entity the stream is about (the part of the stream's name after its category). */
export type RecordedEvent<Type extends string = string, Data = unknown> = NewEvent<Type, Data> & {
  readonly id: string;
  readonly event_id: string;
  readonly stream: string;
  readonly revision: number;
  readonly position: bigint;
  readonly meta: Metadata;
};

export type EventDefinition<Type extends string, Schema extends z.ZodType<Record<string, unknown>>> = {
  (data: z.input<Schema>): NewEvent<Type, z.input<Schema>>;
  readonly type: Type;
  readonly schema: Schema;
  readonly schemaVersion: number;
  /** Reads what the log holds, of this version or an older one. @throws where it does not fit, or is of a later one */
  readonly read: (logged: LoggedEvent) => RecordedEvent<Type, z.output<Schema>>;
};

type Json = Record<string, unknown>;

/**
 * Defines an event. `upcasters[0]` turns data of version 1 into version 2, and so on; the present version is one more
 * than there are upcasters. A change of meaning is a new type, never an upcaster.
 */
export function event<const Type extends string, Shape extends z.ZodRawShape>(
  type: Type,
  shape: Shape,
  upcasters: readonly ((data: Json) => Json)[] = [],
): EventDefinition<Type, z.ZodObject<Shape>> {
  const schema = z.object(shape);
  const create = (data: z.input<typeof schema>) => ({ type, data });
  return Object.assign(create, {
    type,
    schema,
    schemaVersion: upcasters.length + 1,
    read: ({ stream, revision, event_id, position, ...logged }: LoggedEvent) => {
      const meta = metadata.parse(logged.metadata);
      if (meta.schema_version > upcasters.length + 1) throw new Error(`it is of version ${meta.schema_version}, which is a later one`);
      const missed = upcasters.slice(meta.schema_version - 1);
      const data = missed.length === 0 ? logged.data : missed.reduce((older, upcast) => upcast(older), json.parse(logged.data));
      return { type, data: schema.parse(data), meta, stream, id: entityIdOf(stream), revision, event_id, position };
    },
  });
}

const json = z.record(z.string(), z.unknown());

/** The id part of `category-id`. */
export const entityIdOf = (stream: string): string => stream.slice(stream.indexOf('-') + 1);

// What happened to one entity, straight from its stream: each event as a sentence, and which fields it changed from what to
// what. The fields are those of the entity's row and of what is part of it, so what no row shows (a password's hash) no history
// shows either.
import { isDeepStrictEqual } from 'node:util';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Caller, Command } from '../commands/command.ts';
import { commands } from '../commands/index.ts';
import { decode, UnreadableEvent } from '../events/codec.ts';
import { causedBy, metadata } from '../events/event.ts';
import type { AnyEvent } from '../events/index.ts';
import type { EventLog, LoggedEvent } from '../eventstore/log.ts';
import { notFound } from '../problem.ts';
import { projections, tellers } from '../projections/index.ts';
import type { Change, Row } from '../projections/projection.ts';
import { queries } from '../queries/index.ts';
import { pathParams, validate } from '../validation.ts';
import { actor, instant } from '../vocabulary.ts';
import { describeRead } from './openapi.ts';
import { caller, notFoundYet, PREFIX, type RouteServices, sendAnswer, untilReadable } from './routes.ts';

const fieldChange = z.object({ field: z.string(), from: z.unknown(), to: z.unknown() });
type FieldChange = z.output<typeof fieldChange>;

const item = z.object({
  type: z.string(),
  summary: z.string(),
  at: instant,
  actor,
  correlation_id: z
    .string()
    .meta({ description: 'The X-Request-Id of the request it began with, or what all has that the clock began together' }),
  caused_by: causedBy.nullable().meta({
    description:
      'What Daybook did by itself, because of that event or, without one, as its time had come; null where the request itself did it',
  }),
  revision: z.int(),
  position: z.int(),
  changes: z.array(fieldChange),
});
type Item = z.output<typeof item>;

const querystring = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(100),
  cursor: z
    .string()
    .regex(/^\d{1,15}$/, 'This is not a cursor of this list.')
    .optional(),
});
const response = z.object({ items: z.array(item), next_cursor: z.string().nullable() });

const queriesByName = new Map(queries.map((query) => [query.name, query]));

/** The collections whose members a person's commands make or change: `/tasks/:id`, with one such command. */
export const collections: ReadonlyMap<string, Command> = new Map(
  [...commands.values()]
    .filter(({ access }) => access !== 'admin')
    .flatMap((command) =>
      [command.route, queriesByName.get(command.answer ?? '')?.route ?? ''].flatMap((route) => {
        const [, entity] = /^(?:PATCH|DELETE|GET) (\/(?:[\w-]+\/)+(?::id|me))$/.exec(route) ?? [];
        return entity === undefined ? [] : [[entity, command] as const];
      }),
    ),
);

/** One route for each collection. */
export function addHistories(app: FastifyInstance, log: EventLog, services: RouteServices): void {
  for (const [entity, command] of collections) {
    const { category, perUser = false } = command;
    const route = `GET ${entity}/history`;
    app.get(`${PREFIX}${entity}/history`, {
      config: describeRead({
        name: `historyOf${category.charAt(0).toUpperCase()}${category.slice(1)}`,
        route,
        summary: `What happened to ${nameOf(entity)}, in words, from the event log`,
        querystring,
        waits: command.sharedStream ? undefined : false,
        response,
      }),
      handler: async (request, reply) => {
        const user = await caller(request, 'owner', services);
        const { id = user.id } = validate(pathParams(route), request.params, 'path');
        const { limit, cursor } = validate(querystring, request.query, 'query');
        const located = command.sharedStream && (await locate(command, id, request, reply, user, services));
        const stream = `${category}-${located?.stream ?? (perUser ? user.id : id)}`;
        const all = await historyOf(log, stream, id, user.id, located?.revision);
        const rest = all.filter(({ revision }) => cursor === undefined || revision > Number(cursor));
        const items = rest.slice(0, limit);
        return sendAnswer(request, reply, { body: { items, next_cursor: rest.length > limit ? String(items.at(-1)?.revision) : null } });
      },
    });
  }
}

/** Of an entity that is one event of a stream it does not name, the tables know where that is. @throws Problem 404, or 503 where they may not know yet */
async function locate(
  { sharedStream, answer }: Command,
  id: string,
  request: FastifyRequest,
  reply: FastifyReply,
  user: Caller,
  services: RouteServices,
) {
  const isBehind = await untilReadable(request, reply, user, services.readModel);
  const query = queriesByName.get(answer ?? '');
  if (!query || !sharedStream) throw notFound();
  const { body, revision } = await query
    .read(services.database, { params: { id }, querystring: {}, userId: user.id })
    .catch(notFoundYet(isBehind));
  return { stream: sharedStream(user.id, body), revision };
}

/** `/task-lists/:id` is this task list. */
const nameOf = (entity: string) =>
  entity === '/users/me' ? 'your account' : `this ${(entity.split('/').at(-2) ?? '').replace(/s$/, '').replaceAll('-', ' ')}`;

/**
 * @param only the revision of the one event that it is, where it is
 * @throws Problem 404 where nothing happened to it, or it is someone else's
 */
async function historyOf(log: EventLog, stream: string, id: string, userId: string, only?: number): Promise<Item[]> {
  const rows: Rows = new Map();
  const items: Item[] = [];
  for await (const logged of log.readStream(stream, only ?? 0)) {
    if (only !== undefined && logged.revision > only) break;
    const meta = metadata.parse(logged.metadata);
    if (meta.user_id !== userId) throw notFound();
    const event = understood(logged);
    // One that only another version of Daybook understands is shown for what it is called.
    const changes = event ? projections.flatMap(({ project }) => project(event)).map((change) => apply(rows, change, id)) : [[]];
    if (!changes.some((change) => change !== undefined)) continue;
    items.push({
      type: logged.type,
      summary: event ? summaryOf(event) : inWords(logged.type),
      at: meta.at,
      actor: meta.actor,
      correlation_id: meta.$correlationId,
      caused_by: meta.caused_by ?? null,
      revision: logged.revision,
      position: Number(logged.position),
      changes: changes.flatMap((change) => change ?? []),
    });
  }
  if (items.length === 0) throw notFound();
  return items;
}

/** The rows that a query asks for of a thing's past, for a route below the thing's own. */
export const pastFrom = (log: EventLog): RouteServices['past'] =>
  async function* (route, userId, table, id) {
    const [, entity = ''] = /^GET (\/.+?\/:id)\//.exec(route) ?? [];
    const collection = collections.get(entity);
    if (!collection) throw new Error(`${route} is not below anything that has a history`);
    const rows: Rows = new Map();
    for await (const logged of log.readStream(`${collection.category}-${collection.perUser ? userId : id}`, 0)) {
      const event = understood(logged);
      if (!event || event.meta.user_id !== userId) continue;
      for (const change of projections.flatMap(({ project }) => project(event))) apply(rows, change, id);
      const row = rows.get(table.qualified);
      if (row) yield row;
    }
  };

function understood(logged: LoggedEvent): AnyEvent | undefined {
  try {
    return decode(logged);
  } catch (error) {
    if (error instanceof UnreadableEvent) return undefined;
    throw error;
  }
}

function summaryOf(event: AnyEvent): string {
  for (const { tell } of tellers) {
    const told = tell(event);
    if (told && 'summary' in told) return told.summary;
  }
  return inWords(event.type);
}

/** `TaskCreated` as `Task created`. */
const inWords = (type: string) => type.replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

/** The entity's own rows by their tables, and those that are part of it by table and id. */
type Rows = Map<string, Row>;

/** Does a change to the rows in memory. @returns what it changed in them; undefined where it is about something else */
function apply(rows: Rows, change: Change, id: string): FieldChange[] | undefined {
  const { schema, key } = change.table;
  if (schema === 'activities') return undefined;
  // What the row or rows are known by.
  const known: Row = change.kind === 'insert' ? change.row : change.kind === 'update' ? { id: change.id } : change.where;
  if (key.length > 1) return joined(change, known, id);
  if (typeof known.id === 'string' && known.id !== id) return ofPart(rows, change, known.id, id);
  return Object.values(known).includes(id) ? ofItself(rows, change) : undefined;
}

/** A row that joins the entity to something. */
function joined({ kind, table: { key } }: Change, known: Row, id: string): FieldChange[] | undefined {
  if (!key.some((column) => known[column] === id)) return undefined;
  const [field] = key.filter((column) => known[column] !== id);
  if (field === undefined) return [];
  return [kind === 'insert' ? { field, from: null, to: known[field] } : { field, from: known[field], to: null }];
}

const STAMPS = ['user_id', 'created_at', 'updated_at', 'version'];

/** A row that points at the entity, and that an event about the entity made, is part of it: it is told of as a whole. */
function ofPart(rows: Rows, change: Change, partId: string, id: string): FieldChange[] | undefined {
  const { qualified, name, untold } = change.table;
  const place = `${qualified}/${partId}`;
  const before = rows.get(place);
  const told = (row: Row | undefined) =>
    row
      ? Object.fromEntries(Object.entries(row).filter(([column, value]) => value !== id && ![...STAMPS, ...untold].includes(column)))
      : null;
  if (change.kind === 'insert') {
    const points = Object.entries(change.row).some(([column, value]) => value === id && column !== 'user_id');
    if (!points) return undefined;
    rows.set(place, change.row);
  } else if (!before) return undefined;
  else if (change.kind === 'remove') rows.delete(place);
  else rows.set(place, { ...before, ...change.set });
  // `email_attachments` are an email's attachments.
  return [{ field: name.split('_').at(-1) ?? name, from: told(before), to: told(rows.get(place)) }];
}

/** Its own row. */
function ofItself(rows: Rows, change: Change): FieldChange[] {
  const { qualified, untold } = change.table;
  const before = rows.get(qualified) ?? {};
  if (change.kind === 'remove') {
    rows.delete(qualified);
    return [];
  }
  const set = change.kind === 'insert' ? change.row : change.set;
  rows.set(qualified, { ...before, ...set });
  return Object.entries(set)
    .filter(([field, to]) => !['id', ...STAMPS, ...untold].includes(field) && !isDeepStrictEqual(before[field] ?? null, to))
    .map(([field, to]) => ({ field, from: before[field] ?? null, to }));
}

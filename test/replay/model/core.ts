// A Daybook that keeps everything in a few maps: what each request of HTTP must do, written from docs/domain.md without a
// look at how it is done. It imports nothing of src, so that the two can only agree where both are right.
import { removeLooseRelationships } from './cascades.ts';
import type { Rows } from './rows.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type Body = Readonly<Record<string, Json>>;

export type Request = {
  readonly method: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Without the `/api/v1` that all share. */
  readonly path: string;
  /** The login that the request's token is of; undefined for a request without a token. */
  readonly login?: string | undefined;
  readonly body?: Body | undefined;
  readonly idempotencyKey?: string | undefined;
  /** A revision, or any that is there. */
  readonly ifMatch?: number | '*' | undefined;
  readonly prefersMinimal?: boolean;
};

/** What the model cannot foresee: the ids and secrets that the server made, where the request made it make some. */
export type Made = {
  readonly id: string;
  readonly login: string;
  readonly refreshToken: string;
  /** The ids of imported events, by their UID. */
  readonly imported: ReadonlyMap<string, string>;
};

export type Caller = { readonly id: string; readonly login: string; readonly actor: 'user' | 'assistant'; readonly role: 'user' | 'admin' };

/** One event: its type, what it is about, the sentence's absence where no person would call it something that happened, and its effect. */
export type Happening = {
  readonly type: string;
  readonly about: readonly [entityType: string, id: string];
  readonly isSilent?: boolean;
  readonly apply: (stamp: Stamp) => void;
};
export type Stamp = { readonly at: string; readonly version: number };
export type Refusal = 400 | 401 | 403 | 404 | 409 | 412 | 422 | 429;

/** A request about one entity. */
export type Command = {
  readonly stream: string;
  /** The entity, where it is there and the caller's. */
  readonly entity: () => { readonly version: number } | undefined;
  /** What the request says, for the comparison with another of the same key. */
  readonly content: unknown;
  /** False where an Idempotency-Key means nothing. */
  readonly isKeyed?: false;
  /** What it answers with, where that is not the entity. */
  readonly answer?: () => unknown;
  readonly decide: () => Refusal | readonly Happening[];
} & (
  | { readonly creates: true; readonly isInUse: boolean; readonly chosenId: string | undefined }
  | { readonly creates?: false; readonly answers: 'entity' | 'part' | 'nothing' }
);

type Stream = { readonly owner: string; revision: number; readonly commands: Map<string, string> };

export type Model = {
  readonly rows: Rows;
  readonly streams: Map<string, Stream>;
  /** The entity that was made by a create with an Idempotency-Key and without an id. */
  readonly derivedIds: Map<string, string>;
  /** What each Idempotency-Key that made something was sent with. */
  readonly usedKeys: Map<string, string>;
  /** What a stream has said and an event of another one undid: a command on the first stream still goes by it. */
  readonly said: {
    /** The id of each relationship there ever was, by what it is. */
    readonly relationships: Map<string, string>;
    /** The list of each task, which may have been deleted. */
    readonly lists: Map<string, string | null>;
    /** Tasks with their labels, which may have been deleted. */
    readonly labellings: Set<string>;
    /** The lists that became the default one, and perhaps no longer are. */
    readonly defaults: Set<string>;
    readonly deletedLabels: Set<string>;
    /** Documents with their tags, which may have been deleted. */
    readonly taggings: Set<string>;
    readonly deletedTags: Set<string>;
    /** What an archived document was before. */
    readonly archivedFrom: Map<string, 'draft' | 'active'>;
    /** Which event's and address's invitation an id is of. */
    readonly invitations: Map<string, string>;
    /** The invitations that were last answered by who is invited. */
    readonly ownAnswers: Set<string>;
    /** The event that a UID was last imported as, by whom. */
    readonly imports: Map<string, string>;
    /** The email that a Message-ID is of, for whom and in which direction; it may have been deleted. */
    readonly emails: Map<string, string>;
  };
  readonly isAdmin: (email: string) => boolean;
  readonly passwords: Map<string, string>;
  /** How many wrong passwords an address has seen. */
  readonly failures: Map<string, number>;
  readonly refreshTokens: Map<string, 'latest' | 'used'>;
};

/** A request that has found its route. */
export type Context = {
  readonly model: Model;
  readonly caller: Caller;
  readonly params: Readonly<Record<string, string>>;
  readonly body: Body;
  readonly at: string;
  /** The id of what a create makes. */
  readonly newId: (chosen: string | undefined) => string;
  readonly imported: Made['imported'];
};
export type Routes = Readonly<Record<string, (context: Context) => Command | Refusal | 200>>;

/** A command on the entity of a row; on one that is not there, or not the caller's, there is nothing to decide. */
export const commandOn = <Row extends { readonly version: number }>(
  { params }: Context,
  stream: string,
  row: Row | undefined,
  said: unknown,
  decide: (row: Row) => Refusal | readonly Happening[],
  answers: 'entity' | 'nothing' = 'entity',
): Command => ({ stream, entity: () => row, content: [params, said], answers, decide: () => (row ? decide(row) : 404) });

export const keyOf = (caller: Caller, route: string, key: string | undefined) => JSON.stringify([caller.id, route, key ?? null]);

/** What every command keeps, in this order: repetition, existence, If-Match, then the decision. Answers with the status. */
export function run({ model, caller, at }: Context, route: string, request: Request, made: Made, command: Command): number {
  const { streams, derivedIds } = model;
  const found = streams.get(command.stream);
  const given = request.idempotencyKey ?? (command.creates ? command.chosenId : undefined);
  const key = given === undefined || command.isKeyed === false ? undefined : keyOf(caller, route, given);
  const content = sorted(command.content);

  const known = key === undefined ? undefined : found?.commands.get(key);
  if (known !== undefined) {
    if (known === content) return done(command, request);
    return request.idempotencyKey === undefined ? 409 : 422;
  }
  if (command.creates) {
    const used = key === undefined || request.idempotencyKey === undefined ? undefined : model.usedKeys.get(key);
    if (used !== undefined && used !== content) return 422;
    if (command.isInUse) return 409;
  } else {
    const entity = command.entity();
    if (!entity) return 404;
    if (typeof request.ifMatch === 'number' && request.ifMatch !== entity.version) return 412;
  }
  const decided = command.decide();
  if (typeof decided === 'number') return decided;
  happen(model, command.stream, caller, at, decided);
  if (key !== undefined && decided.length > 0) {
    streams.get(command.stream)?.commands.set(key, content);
    if (command.creates && request.idempotencyKey !== undefined) model.usedKeys.set(key, content);
    if (command.creates && command.chosenId === undefined) derivedIds.set(key, made.id);
  }
  return done(command, request);
}

/** A command that was done, now or before, answers with what a query gives now. */
function done(command: Command, { prefersMinimal = false }: Request): number {
  if (!command.creates && command.answers === 'nothing') return 204;
  const makes = command.creates || command.answers === 'part';
  if (!(command.answer ?? command.entity)()) return 404;
  if (makes) return 201;
  return prefersMinimal ? 204 : 200;
}

/** Appends to a stream, has the effects and tells of them. */
export function happen(
  { streams, rows }: Model,
  name: string,
  by: Pick<Caller, 'id' | 'actor'>,
  at: string,
  happenings: readonly Happening[],
): void {
  for (const { type, about, isSilent = false, apply } of happenings) {
    const stream = streams.get(name) ?? { owner: by.id, revision: -1, commands: new Map() };
    streams.set(name, stream);
    stream.revision += 1;
    apply({ at, version: stream.revision });
    removeLooseRelationships(rows);
    // What a person leaves behind when they go, is nobody's.
    if (isSilent || rows.users.get(stream.owner)?.status === 'deleted') continue;
    const [entity_type, entity_id] = about;
    rows.activities.push({
      user_id: stream.owner,
      actor: by.actor,
      activity_type: type,
      entity_type,
      entity_id,
      occurred_at: at,
      created_at: at,
      updated_at: at,
      version: stream.revision,
    });
  }
}

/** The fields of a patch that say something new. */
export function changes<Fields extends object>(row: Fields, patch: Partial<Fields>): Partial<Fields> {
  const different = { ...patch };
  for (const name in different) if (isSame(row[name], different[name])) delete different[name];
  return different;
}

const isSame = (a: unknown, b: unknown) => sorted(a) === sorted(b);

/** JSON whose text does not depend on the order of keys. */
export const sorted = (value: unknown): string =>
  JSON.stringify(value, (_, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  ) ?? 'undefined';

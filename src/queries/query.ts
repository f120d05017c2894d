// What a query is: a route, what it accepts, the shape of its answer, and the SQL. A query gets at tables only through
// `from`, which binds the caller: there is no other way to name one, so nobody reads what is not theirs. What others have
// addressed to the caller (an invitation) is the one exception, and is bound as well: `addressed`.
import { createHash } from 'node:crypto';
import { type CommonQueryMethods, type FragmentSqlToken, sql } from 'slonik';
import { z } from 'zod';
import type { Question } from '../embeddings/model.ts';
import { sqlStateOf } from '../postgres/sqlState.ts';
import { notFound } from '../problem.ts';
import type { RowOf, Table } from '../tables/table.ts';
import { pathParams, validate } from '../validation.ts';
import { uuid } from '../vocabulary.ts';
import { notACursor, readCursor, writeCursor } from './cursor.ts';

export type QueryRequest = {
  readonly params: unknown;
  readonly querystring: unknown;
  readonly userId: string;
  /** The login that asks. */
  readonly loginId?: string;
  /** What the caller's row of this table was after each thing that happened to it, the first one first. */
  readonly past?: (table: Table, id: string) => AsyncIterable<Readonly<Record<string, unknown>>>;
  readonly embed?: Embed;
};

/** @returns undefined where nothing is embedded that it could be compared with @throws EmbeddingFailed */
export type Embed = (text: string) => Promise<Question | undefined>;

/** `revision` is the version of the one entity answered with, where it is one. With a `file`, that is the answer, and there is no body. */
export type Answer = { readonly body: unknown; readonly revision?: number; readonly file?: FileAnswer };

/** A file of the caller's. Its content is the `text` or, where that is null, what the blob store has by this hash. */
const fileAnswer = z.object({
  sha256: z.string(),
  text: z.string().nullable(),
  content_type: z.string(),
  filename: z.string().nullable(),
});
export type FileAnswer = z.output<typeof fileAnswer>;

/** A query as HTTP holds it. */
export type Query = {
  readonly name: string;
  /** `GET /tasks/:id`, without the `/api/v1` that all share. */
  readonly route: string;
  readonly summary: string;
  readonly description?: string;
  readonly access: 'owner' | 'admin';
  readonly querystring: z.ZodObject;
  /** With what it may be refused beside what every query is. */
  readonly refuses?: readonly number[];
  readonly response: z.ZodType;
  /** Whether it waits until rows include what the caller knows of; where this is not there, it does. */
  readonly waits?: (querystring: unknown) => boolean;
  readonly read: (database: CommonQueryMethods, request: QueryRequest) => Promise<Answer>;
};

export type Scope = {
  readonly params: Readonly<Record<string, string>>;
  readonly userId: string;
  readonly loginId: string | undefined;
  readonly embed: Embed;
  /** The rows of a table that are the caller's; everybody's in a query that only admins may call. */
  readonly from: (table: Table) => FragmentSqlToken;
  /** The rows of a table, whoever's they are, whose `addressee` is the caller; or the rows of `of` that these have in their column `by`. */
  readonly addressed: (table: Table, addressee: string, through?: { readonly of: Table; readonly by: string }) => FragmentSqlToken;
};

type Facts = Pick<Query, 'name' | 'route' | 'summary' | 'description' | 'refuses'> & { readonly access?: 'owner' | 'admin' };

/** A query for one thing: no row is 404. What it takes beside the path (`filters`), it does without as well. */
export function one<Filters extends z.ZodRawShape>(
  definition: Facts & {
    readonly response: z.ZodObject;
    readonly filters: Filters;
    readonly sql: (scope: Scope, filters: z.output<z.ZodObject<Filters>>) => FragmentSqlToken;
  },
): Query;
export function one(definition: Facts & { readonly response: z.ZodObject; readonly sql: (scope: Scope) => FragmentSqlToken }): Query;
export function one(
  definition: Facts & {
    readonly response: z.ZodObject;
    readonly filters?: z.ZodRawShape;
    readonly sql: (scope: Scope, filters: Record<string, unknown>) => FragmentSqlToken;
  },
): Query {
  const { access = 'owner', response, filters = {} } = definition;
  const querystring = z.strictObject(filters);
  return {
    ...definition,
    access,
    querystring,
    read: async (database, request) => {
      const filter = validate(querystring, request.querystring, 'query');
      const row = await database.maybeOne(sql.type(response)`${definition.sql(scopeOf(definition.route, access, request), filter)}`);
      if (row === null) throw notFound();
      return { body: row, ...revisionOf(row) };
    },
  };
}

/** A query for a file's bytes: no row is 404. The row is `sha256`, `text`, `content_type` and `filename`. */
export function file(definition: Facts & { readonly sql: (scope: Scope) => FragmentSqlToken }): Query {
  const { read, ...query } = one({ ...definition, response: fileAnswer });
  return {
    ...query,
    response: z.file(),
    read: async (database, request) => {
      const { body } = await read(database, request);
      return { body: undefined, file: fileAnswer.parse(body) };
    },
  };
}

/**
 * A query for the bytes of an entity whose content changes: those of its row, or with `?revision=` those that it had when
 * `number` in its row was this. No row, and no such number, is 404.
 */
export function revisedFile<Shape extends z.ZodRawShape>(
  definition: Facts & {
    readonly table: Table<Shape>;
    readonly number: string;
    readonly file: (row: RowOf<Table<Shape>>) => FileAnswer;
  },
): Query {
  const { access = 'owner', route, table, number, file } = definition;
  const querystring = z.strictObject({
    revision: z.coerce
      .number()
      .int()
      .min(1)
      .max(2 ** 31 - 1)
      .optional(),
  });
  return {
    ...definition,
    access,
    querystring,
    response: z.file(),
    read: async (database, request) => {
      const { revision } = validate(querystring, request.querystring, 'query');
      const { params, from } = scopeOf(route, access, request);
      const { id = '' } = params;
      const found = await database.maybeOne(sql.type(table.row)`
        SELECT ${columnsOf(table)}, t.user_id FROM ${from(table)} t WHERE t.id = ${id}`);
      if (found === null) throw notFound();
      const current = z.record(z.string(), z.unknown()).parse(found)[number];
      const wanted = revision ?? current;
      if (wanted === current) return { body: undefined, file: file(table.row.parse(found)) };
      for await (const earlier of request.past?.(table, id) ?? []) {
        if (earlier[number] === wanted) return { body: undefined, file: file(table.row.parse(earlier)) };
      }
      throw notFound();
    },
  };
}

type Rows<Row extends Record<string, unknown>, Filters extends z.ZodRawShape> = Facts & {
  readonly row: z.ZodType<Row>;
  readonly filters: Filters;
  readonly sql: (scope: Scope, filters: z.output<z.ZodObject<Filters>>) => FragmentSqlToken;
};

/** A query whose answer is worked out from rows, all of them. @throws Problem where `answer` finds fault with the filters */
export function computed<Row extends Record<string, unknown>, Filters extends z.ZodRawShape>(
  definition: Rows<Row, Filters> & {
    readonly response: z.ZodType;
    readonly answer: (rows: readonly Row[], filters: z.output<z.ZodObject<Filters>>) => Answer | Promise<Answer>;
  },
): Query {
  const { row, sql: rowsOf, answer, ...rest } = definition;
  return answered({
    ...rest,
    read: async (any, filters, scope) => answer(await any(sql.type(row)`${rowsOf(scope, filters)}`), filters),
  });
}

/** A query for a file that is written from rows; where `isOfOne`, no row is 404. Of the same rows, it is the same to the byte. */
export function written<Row extends Record<string, unknown>>(
  definition: Omit<Rows<Row, Record<string, never>>, 'filters'> & {
    readonly isOfOne: boolean;
    readonly mediaType: z.core.util.MimeTypes;
    readonly write: (rows: readonly Row[]) => Pick<FileAnswer, 'filename'> & { readonly text: string };
  },
): Query {
  return computed({
    ...definition,
    filters: {},
    response: z.file().mime(definition.mediaType),
    answer: (rows) => {
      if (definition.isOfOne && rows.length === 0) throw notFound();
      const file = { ...definition.write(rows), content_type: definition.mediaType };
      return { body: undefined, file: { ...file, sha256: createHash('sha256').update(file.text).digest('hex') } };
    },
  });
}

/** A query for a list, a page at a time by keyset. The fragments call the sorted table `t`. */
export function list<Filters extends z.ZodRawShape>(
  definition: Facts & {
    readonly item: z.ZodObject;
    readonly filters: Filters;
    /** What a caller may sort by (`-name`: descending), each with the column of `table` that has the order and is never null. */
    readonly sort: { readonly table: Table; readonly by: Readonly<Record<string, string>>; readonly default: string };
    /** What the list is a part of: where that gives no row, the answer is 404. */
    readonly within?: (scope: Scope) => FragmentSqlToken;
    readonly columns: (scope: Scope) => FragmentSqlToken;
    readonly from: (scope: Scope) => FragmentSqlToken;
    readonly where?: (filters: z.output<z.ZodObject<Filters>>, scope: Scope) => readonly (FragmentSqlToken | false | '' | undefined)[];
  },
): Query {
  const { access = 'owner', item, sort } = definition;
  const orders = Object.keys(sort.by).flatMap((name) => [name, `-${name}`]);
  const filters = z.strictObject(definition.filters);
  const paging = z.object({
    limit: z.coerce.number().int().min(1).max(200).default(50),
    cursor: z.string().max(2_000).optional(),
    sort: z.enum(orders).default(sort.default),
  });
  const row = item.extend(rowKey.shape);
  return {
    ...definition,
    access,
    querystring: z.strictObject({ ...definition.filters, ...paging.shape }),
    response: z.object({ items: z.array(item), next_cursor: z.string().nullable() }),
    read: async (database, request) => {
      const scope = scopeOf(definition.route, access, request);
      const { limit, cursor, sort: by, ...rest } = z.record(z.string(), z.unknown()).parse(request.querystring);
      const filter = validate(filters, rest, 'query');
      const page = validate(paging, { limit, cursor, sort: by }, 'query');
      if (definition.within && !(await database.exists(sql.unsafe`${definition.within(scope)}`))) throw notFound();

      const key = sql.identifier(['t', sort.by[page.sort.replace('-', '')] ?? sort.default]);
      const descending = page.sort.startsWith('-');
      const [direction, beyond] = descending ? [sql.fragment`DESC`, sql.fragment`<`] : [sql.fragment`ASC`, sql.fragment`>`];
      const after = page.cursor === undefined ? undefined : readCursor(page.cursor, page.sort);
      const conditions = [
        ...(definition.where?.(filter, scope) ?? []),
        // The row type gives the cursor's text the type of the column.
        after &&
          sql.fragment`(${key}, t.id) ${beyond} (
            SELECT ${sql.identifier(['at', ...key.names.slice(1)])}, at.id FROM json_populate_record(
              NULL::${sql.identifier([sort.table.schema, sort.table.name])}, ${JSON.stringify({ [key.names[1] ?? 'id']: after.key, id: after.id })}::json) at)`,
      ].filter((condition) => condition !== undefined && condition !== false && condition !== '');

      const found = database.any(sql.type(row)`
        SELECT ${definition.columns(scope)}, ${key}::text AS cursor_key FROM ${definition.from(scope)}
        ${conditions.length > 0 ? sql.fragment`WHERE ${sql.join(conditions, sql.fragment` AND `)}` : sql.fragment``}
        ORDER BY ${key} ${direction}, t.id ${direction} LIMIT ${page.limit + 1}`);
      const rows = await (after ? found.catch(refuseCursor) : found);
      const last = rows.length > page.limit ? rowKey.parse(rows[page.limit - 1]) : undefined;
      const items = rows.slice(0, page.limit).map(({ cursor_key, ...item }) => item);
      return { body: { items, next_cursor: last ? writeCursor(page.sort, { key: last.cursor_key, id: last.id }) : null } };
    },
  };
}

const rowKey = z.object({ id: z.string(), cursor_key: z.string() });

// A cursor is opaque, not secret: one that was tampered with can hold a key that is not of the column's type.
function refuseCursor(error: unknown): never {
  throw sqlStateOf(error)?.startsWith('22') ? notACursor() : error;
}

type Made<Filters extends z.ZodRawShape, Result> = Facts & {
  readonly response: z.ZodType;
  readonly filters: Filters;
  /** @param any as slonik's: asks for rows */
  readonly read: (any: Any, filters: z.output<z.ZodObject<Filters>>, scope: Scope) => Promise<Result>;
  /** Whether it waits until rows include what the caller knows of; where this is not there, it does. */
  readonly waits?: (filters: z.output<z.ZodObject<Filters>>) => boolean;
};

/** A query whose answer is made of rows, where SQL alone cannot make it. */
export const made = <Filters extends z.ZodRawShape>({ read, ...definition }: Made<Filters, unknown>): Query =>
  answered({ ...definition, read: async (any, filters, scope) => ({ body: await read(any, filters, scope) }) });

function answered<Filters extends z.ZodRawShape>(definition: Made<Filters, Answer>): Query {
  const { access = 'owner', filters, read, waits = () => true } = definition;
  const querystring = z.strictObject(filters);
  return {
    ...definition,
    access,
    querystring,
    waits: (given) => {
      const { success, data } = querystring.safeParse(given);
      return !success || waits(data);
    },
    read: async (database, request) => {
      const scope = scopeOf(definition.route, access, request);
      return read((query) => database.any(query), validate(querystring, request.querystring, 'query'), scope);
    },
  };
}

export type Any = CommonQueryMethods['any'];

/** The columns of a table called `t` as they are answered: all but the owner, who is the caller, and what is left out. */
export const columnsOf = (table: Table, without: readonly string[] = []): FragmentSqlToken => {
  const names = Object.keys(table.row.shape).filter((name) => name !== 'user_id' && !without.includes(name));
  return sql.fragment`${sql.join(
    names.map((name) => sql.identifier(['t', name])),
    sql.fragment`, `,
  )}`;
};

/** One value or several between commas: `status=todo,blocked`. */
export const anyOf = <Value extends z.ZodType<string, string>>(value: Value) =>
  z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(value).min(1).max(50))
    .optional();

export const inList = (column: string, values: readonly string[] | undefined): FragmentSqlToken | undefined =>
  values && sql.fragment`t.${sql.identifier([column])} = ANY(${sql.array([...values], 'text')})`;

function scopeOf(route: string, access: 'owner' | 'admin', { params, userId, loginId, embed }: QueryRequest): Scope {
  const owner = uuid.parse(userId);
  return {
    params: validate(pathParams(route), params, 'path'),
    userId: owner,
    loginId,
    embed: embed ?? (async () => undefined),
    from: (table) => {
      const name = named(table);
      return access === 'admin' ? sql.fragment`${name}` : sql.fragment`(SELECT * FROM ${name} WHERE user_id = ${owner})`;
    },
    addressed: (table, addressee, through) => {
      const select = (column: FragmentSqlToken) =>
        sql.fragment`SELECT ${column} FROM ${named(table)} WHERE ${sql.identifier([addressee])} = ${owner}`;
      if (!through) return sql.fragment`(${select(sql.fragment`*`)})`;
      return sql.fragment`(SELECT * FROM ${named(through.of)} WHERE id IN (${select(sql.fragment`${sql.identifier([through.by])}`)}))`;
    },
  };
}

const named = (table: Table) => sql.identifier([table.schema, table.name]);

const versioned = z.object({ version: z.number() });
function revisionOf(row: unknown): { revision: number } | undefined {
  const { success, data } = versioned.safeParse(row);
  return success ? { revision: data.version } : undefined;
}

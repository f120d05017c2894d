// What a table is to the rest of Daybook: its name, and its row as a zod schema. A row is plain JSON: ids and times are
// strings (UTC, milliseconds), bigint and numeric are numbers, jsonb is what it says. A column that sql/init.sql generates
// is no part of a row. A test holds every table here against the database.
import { z } from 'zod';
import { storedInstant, uuid } from '../vocabulary.ts';

export type Table<Shape extends z.ZodRawShape = z.ZodRawShape> = {
  readonly schema: string;
  readonly name: string;
  /** Schema and name as SQL has them: tasks.task_lists. */
  readonly qualified: string;
  readonly row: z.ZodObject<Shape>;
  /** The columns of the primary key. */
  readonly key: readonly string[];
  /** Columns that are for Daybook alone: no history tells of them. */
  readonly untold: readonly string[];
  /** Columns that point to things of several kinds, which no foreign key can. */
  readonly pointers: readonly string[];
};

export type RowOf<T extends Table> = z.output<T['row']>;

/** The columns of every table but the join tables. */
export const common = {
  id: uuid,
  user_id: uuid,
  created_at: storedInstant,
  updated_at: storedInstant,
  /** The revision of the stream that the row comes from. */
  version: z.int().nonnegative(),
};

/** An object that was validated where it came in. */
export const storedObject = z.record(z.string(), z.unknown());

export const count = z.int().nonnegative();

type Options<Shape> = {
  readonly key?: readonly (keyof Shape & string)[];
  readonly untold?: readonly (keyof Shape & string)[];
  readonly pointers?: readonly (keyof Shape & string)[];
};

export function table<Shape extends z.ZodRawShape & { id: z.ZodType }>(
  qualified: `${string}.${string}`,
  columns: Shape,
  options?: Options<Shape>,
): Table<Shape>;
export function table<Shape extends z.ZodRawShape>(
  qualified: `${string}.${string}`,
  columns: Shape,
  options: Options<Shape> & { readonly key: readonly string[] },
): Table<Shape>;
export function table<Shape extends z.ZodRawShape>(
  qualified: `${string}.${string}`,
  columns: Shape,
  { key = ['id'], untold = [], pointers = [] }: { readonly [Option in 'key' | 'untold' | 'pointers']?: readonly string[] } = {},
): Table<Shape> {
  const [schema = '', name = ''] = qualified.split('.');
  return { schema, name, qualified, row: z.object(columns), key, untold, pointers };
}

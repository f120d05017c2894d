// What merged changes are written with: one set-based statement per table and kind, which asks the tables for what its rows belong
// and point to, and does without what is gone.
import { type CommonQueryMethods, type FragmentSqlToken, type IdentifierSqlToken, type QuerySqlToken, sql } from 'slonik';
import { z } from 'zod';
import type { Table } from '../tables/table.ts';
import { isOfUsers, isOwnParent, type Step, type Update, type Writes } from './changes.ts';
import type { ForeignKey, ForeignKeys } from './foreignKeys.ts';
import type { Row } from './projection.ts';

/** `inserts` is how many rows it is to insert; `isOfTree`, whether one that it does not, or one that it removes, is a stray. */
export type Statement = { readonly query: QuerySqlToken; readonly inserts?: number; readonly isOfTree?: boolean };

/**
 * What the merged changes are written with, one after the other. To have it said takes time, so not all is at once.
 * @param trusting that all is there that the rows belong or point to. Where it is not, Postgres refuses the statement
 * (foreign_key_violation); only whether an owner is there is asked, for the row of a deleted one stays
 */
export function* statementsOf(steps: readonly Step[], keys: ForeignKeys, trusting = false): Generator<Statement> {
  for (const step of steps) {
    if (step.kind === 'remove') {
      yield { query: removeRows(step.table, [step.where], step.except) };
      continue;
    }
    for (const { table, where, except, set } of step.first) yield { query: updateRowsWhere(table, where, except, set) };
    yield* written(step.perTable, keys, trusting);
    for (const table of keys.order) {
      const removals = [...(step.perTable.get(table)?.removals.values() ?? [])];
      if (removals.length > 0) yield { query: removeRows(table, removals, {}) };
    }
  }
}

function* written(perTable: Writes['perTable'], keys: ForeignKeys, trusting: boolean): Generator<Statement> {
  const keysOf = (table: Table) => keys.of.get(table) ?? [];
  const asked = (table: Table) => (trusting ? keysOf(table).filter(({ target }) => isOfUsers(target)) : keysOf(table));
  for (const table of keys.order) {
    const rows = [...(perTable.get(table)?.inserts.values() ?? [])];
    const isOfTree = keysOf(table).some(isOwnParent(table));
    if (rows.length > 0) yield { query: sql.unsafe`${insertRows(table, rows, asked(table))}`, inserts: rows.length, isOfTree };
  }
  for (const table of keys.order) {
    for (const group of alike([...(perTable.get(table)?.updates.values() ?? [])])) {
      const { removals, update } = updateRows(table, group, asked(table));
      for (const query of removals) yield { query, isOfTree: true };
      yield { query: sql.unsafe`${update}` };
    }
  }
}

type Part = { readonly statement: FragmentSqlToken; readonly inserts?: number };

const insertedRow = z.object({ inserted: z.number() });

/** Statements as parts of one, how many rows those insert that are to, and how many that was to be. */
function asParts(parts: readonly Part[]) {
  const name = (number: number) => sql.identifier([`part_${number}`]);
  const named = parts.map(({ statement }, at) => sql.fragment`${name(at)} AS (${statement} RETURNING 1)`);
  const counts = parts.flatMap(({ inserts }, at) => (inserts === undefined ? [] : [sql.fragment`(SELECT count(*) FROM ${name(at)})`]));
  return {
    named,
    inserted: sql.join([sql.fragment`0`, ...counts], sql.fragment` + `),
    inserts: parts.reduce((sum, { inserts = 0 }) => sum + inserts, 0),
  };
}

/**
 * Writes the merged changes within the caller's transaction. `dropped` is how many rows were not written since what they
 * belong to is gone. `strays` is how many of a tree were not, or went, since there was nothing to hang them on: what else
 * the batch did to that tree, and in which order, would then have counted, so the caller does its events one by one.
 */
export async function write(
  transaction: CommonQueryMethods,
  statements: Iterable<Statement>,
): Promise<{ dropped: number; strays: number }> {
  let dropped = 0;
  let strays = 0;
  for (const { query, inserts, isOfTree } of statements) {
    const { rowCount: count } = await transaction.query(query);
    if (inserts !== undefined) dropped += inserts - count;
    if (isOfTree) strays += Math.abs((inserts ?? 0) - count);
  }
  return { dropped, strays };
}

/**
 * Whether no row among the changes asks about another one, or goes because of it. All can be written in one statement then,
 * whose parts see what was there before and nothing of each other.
 */
export function areIndependent([step, ...others]: readonly Step[], keys: ForeignKeys): boolean {
  if (step === undefined) return true;
  if (step.kind !== 'write' || step.first.length > 0 || others.length > 0) return false;
  const { perTable } = step;
  return [...perTable].every(([table, { inserts, updates, removals }]) => {
    if (removals.size > 0) return false;
    const changes = [...updates.values()];
    return (keys.of.get(table) ?? []).every(({ column: name, target, onDelete }) => {
      if (onDelete === 'cascade' && changes.some(({ set }) => name in set)) return false;
      const isAsked = [...inserts.values(), ...changes.map(({ set }) => set)].some((row) => (row[name] ?? null) !== null);
      const asked = perTable.get(target);
      if (!isAsked || asked === undefined) return true;
      return asked.inserts.size === 0 && !(isOfUsers(target) && [...asked.updates.values()].some(({ set }) => 'status' in set));
    });
  });
}

const movedRow = insertedRow.extend({ moved: z.number() });

/**
 * Writes independent changes in one statement, which is a transaction of its own: four round trips less, of which the writing
 * of a single event mostly consists.
 * @param move the UPDATE that is the condition of all; undefined comes back, and nothing is written, where it finds no row
 */
export async function writeAtOnce(
  database: CommonQueryMethods,
  steps: readonly Step[],
  keys: ForeignKeys,
  move: FragmentSqlToken,
): Promise<{ dropped: number } | undefined> {
  const perTable = steps.flatMap((step) => (step.kind === 'write' ? [...step.perTable] : []));
  const hasMoved = sql.fragment`EXISTS (SELECT FROM moved)`;
  const inserting = perTable.flatMap(([table, { inserts }]): Part[] => {
    const rows = [...inserts.values()];
    return rows.length === 0 ? [] : [{ inserts: rows.length, statement: insertRows(table, rows, keys.of.get(table) ?? [], hasMoved) }];
  });
  const updating = perTable.flatMap(([table, { updates }]) =>
    alike([...updates.values()]).map((group): Part => ({ statement: updateRows(table, group, keys.of.get(table) ?? [], hasMoved).update })),
  );
  const { named, inserted, inserts } = asParts([...inserting, ...updating]);
  const row = await database.one(sql.type(movedRow)`
    WITH ${commas([sql.fragment`moved AS (${move} RETURNING 1)`, ...named])}
    SELECT (SELECT count(*) FROM moved) AS moved, ${inserted} AS inserted`);
  return row.moved === 0 ? undefined : { dropped: inserts - row.inserted };
}

/** In groups of which each sets and adds to the same columns. */
const alike = (updates: readonly Update[]): readonly (readonly [Update, ...Update[]])[] =>
  [...Map.groupBy(updates, ({ set, add }) => [...Object.keys(set), '+', ...Object.keys(add)].join(' ')).values()].flatMap(
    ([first, ...others]) => (first ? [[first, ...others] as const] : []),
  );

const named = (table: Table) => sql.identifier([table.schema, table.name]);
const column = (name: string, of?: string) => sql.identifier(of === undefined ? [name] : [of, name]);
const commas = (fragments: readonly (FragmentSqlToken | IdentifierSqlToken)[]) => sql.join(fragments, sql.fragment`, `);
const all = (conditions: readonly FragmentSqlToken[]) =>
  conditions.length === 0 ? sql.fragment`true` : sql.join(conditions, sql.fragment` AND `);

/** Rows as one JSON parameter, typed by the table itself. As bytes, which are made ahead, and not while Postgres waits for them. */
const given = (table: Table, rows: readonly Row[]) =>
  sql.fragment`json_populate_recordset(NULL::${named(table)}, ${sql.binary(Buffer.from(JSON.stringify(rows)))}::json)`;

const isThere = ({ target, column: name }: ForeignKey, of: string) =>
  // The row of a deleted person stays, as the owner of nothing.
  sql.fragment`EXISTS (SELECT FROM ${named(target)} target WHERE target.id = ${column(name, of)}${
    isOfUsers(target) ? sql.fragment` AND target.status <> 'deleted'` : sql.fragment``
  })`;

// Planning costs more than writing where a batch is one event, so a statement asks only what its rows make it ask: nothing
// about a key that all of them leave null, and nothing about each other unless one of them points into its own table.
function insertRows(table: Table, rows: readonly Row[], foreignKeys: readonly ForeignKey[], condition = sql.fragment`true`) {
  const keys = foreignKeys.filter(({ column: name }) => rows.some((row) => row[name] !== null));
  const ownParent = keys.find(isOwnParent(table));
  const pointers = new Map(keys.filter(({ onDelete }) => onDelete === 'set null').map((key) => [key.column, key]));
  const belonging = all(
    keys
      .filter((key) => key.onDelete === 'cascade' && key !== ownParent)
      .map((key) => sql.fragment`(given.${column(key.column)} IS NULL OR ${isThere(key, 'given')})`),
  );

  const columns = Object.keys(table.row.shape);
  const values = (of: string) =>
    columns.map((name) => {
      const pointer = pointers.get(name);
      if (!pointer) return column(name, of);
      const amongThese =
        pointer.target === table ? sql.fragment` OR EXISTS (SELECT FROM kept other WHERE other.id = ${column(name, of)})` : sql.fragment``;
      return sql.fragment`CASE WHEN ${isThere(pointer, of)}${amongThese} THEN ${column(name, of)} END`;
    });
  const into = sql.fragment`INSERT INTO ${named(table)} (${commas(columns.map((name) => column(name)))})`;

  if (!keys.some(({ target }) => target === table)) {
    return sql.fragment`${into} SELECT ${commas(values('given'))} FROM ${given(table, rows)} given WHERE ${belonging} AND ${condition}`;
  }
  const kept = ownParent
    ? sql.fragment`
        SELECT given.* FROM given
        WHERE ${belonging} AND (given.${column(ownParent.column)} IS NULL OR ${isThere(ownParent, 'given')})
        UNION ALL
        SELECT given.* FROM given JOIN kept ON given.${column(ownParent.column)} = kept.id WHERE ${belonging}`
    : sql.fragment`SELECT given.* FROM given WHERE ${belonging}`;
  return sql.fragment`
    WITH RECURSIVE given AS (SELECT * FROM ${given(table, rows)}), kept AS (${kept})
    ${into} SELECT ${commas(values('kept'))} FROM kept WHERE ${condition}`;
}

/** @param alike all of which set and add to the same columns */
function updateRows(table: Table, alike: readonly [Update, ...Update[]], keys: readonly ForeignKey[], condition = sql.fragment`true`) {
  const [first] = alike;
  const rows = given(
    table,
    alike.map(({ key, set, add }) => ({ ...key, ...set, ...add })),
  );
  const removals = keys
    .filter(({ column: name, onDelete }) => onDelete === 'cascade' && name in first.set)
    .map(
      (key) => sql.unsafe`
      DELETE FROM ${named(table)} this USING ${rows} AS given
      WHERE this.id = given.id AND given.${column(key.column)} IS NOT NULL AND NOT ${isThere(key, 'given')}`,
    );
  const isSet = ({ column: name }: ForeignKey) => alike.some(({ set }) => set[name] !== null);
  const pointers = new Map(keys.filter((key) => key.onDelete === 'set null' && isSet(key)).map((key) => [key.column, key]));
  const sets = Object.keys(first.set).map((name) => {
    const pointer = pointers.get(name);
    const value = pointer ? sql.fragment`CASE WHEN ${isThere(pointer, 'given')} THEN given.${column(name)} END` : column(name, 'given');
    return sql.fragment`${column(name)} = ${value}`;
  });
  const adds = Object.keys(first.add).map((name) => sql.fragment`${column(name)} = this.${column(name)} + given.${column(name)}`);
  const update = sql.fragment`
    UPDATE ${named(table)} this SET ${commas([...sets, ...adds])} FROM ${rows} AS given WHERE this.id = given.id AND ${condition}`;
  return { removals, update };
}

/** @param rows which columns say what goes, the same ones in each */
function removeRows(table: Table, rows: readonly Row[], except: Row) {
  return sql.unsafe`DELETE FROM ${named(table)} this USING ${given(table, rows)} AS given WHERE ${matching(rows[0] ?? {}, except)}`;
}

function updateRowsWhere(table: Table, where: Row, except: Row, set: Row) {
  const sets = Object.keys(set).map((name) => sql.fragment`${column(name)} = changed.${column(name)}`);
  return sql.unsafe`
    UPDATE ${named(table)} this SET ${commas(sets)} FROM ${given(table, [where])} AS given, ${given(table, [set])} AS changed
    WHERE ${matching(where, except)}`;
}

function matching(where: Row, except: Row) {
  const conditions = Object.keys(where).map((name) => sql.fragment`this.${column(name)} = given.${column(name)}`);
  const exceptions = Object.entries(except).map(([name, value]) => sql.fragment`this.${column(name)}::text <> ${String(value)}`);
  return all([...conditions, ...exceptions]);
}

// Row changes merged and written. The changes of a batch are merged row by row in memory, so an insert and five updates of
// one row are one insert; what is left is written as one set-based statement per table and kind. However the events are
// cut into batches, the rows come out the same; that also settles how races across streams end:
//   * a row whose parent (ON DELETE CASCADE) or owner is gone is not written, or goes;
//   * a pointer (ON DELETE SET NULL) to what is gone is null;
//   * a change of a row that is not there does nothing.
import { type CommonQueryMethods, type FragmentSqlToken, type IdentifierSqlToken, type QuerySqlToken, sql } from 'slonik';
import { z } from 'zod';
import type { Table } from '../tables/table.ts';
import { userRows } from '../tables/users.ts';
import type { ForeignKey, ForeignKeys } from './foreignKeys.ts';
import type { Change, Row } from './projection.ts';

/**
 * What a set of rows is written with at once: first what changes all rows that are so and so, as they were before, and the
 * removals last. A removal of all rows that are so and so is written alone, in its place.
 */
type Writes = {
  readonly kind: 'write';
  readonly first: UpdateWhere[];
  readonly perTable: Map<Table, TableWrites>;
  removes: boolean;
  /** What its rows belong or point to. */
  readonly mentioned: Set<unknown>;
};
type UpdateWhere = Extract<Change, { kind: 'updateWhere' }>;
type TableWrites = {
  readonly inserts: Map<string, MutableRow>;
  readonly updates: Map<string, Update>;
  readonly removals: Map<string, Row>;
};
type MutableRow = Record<string, unknown>;
type Update = { readonly key: Row; readonly set: MutableRow; readonly add: Record<string, number> };
export type Step = Writes | Extract<Change, { kind: 'remove' }>;

/** Merges the changes of a batch, which are added in the log's order, to the steps that have their effect on the tables of these keys. */
export function merging(keys: ForeignKeys): { readonly add: (change: Change) => void; readonly steps: () => readonly Step[] } {
  const steps: Step[] = [];
  return {
    add(added) {
      const change = { ...added, table: keys.at(added.table) };
      if (change.kind === 'remove' && !isOfOneRow(change)) {
        steps.push(change);
        return;
      }
      const last = steps.at(-1);
      const writes = last?.kind === 'write' && canJoin(last, change, keys) ? last : emptyStep();
      if (writes !== last) steps.push(writes);
      mergeInto(writes, change, keys);
    },
    steps() {
      for (const step of steps) if (step.kind === 'write' && step.removes) leaveOutPassing(step, keys);
      return steps;
    },
  };
}

/** The same of all at once. Pure. */
export function merge(changes: readonly Change[], keys: ForeignKeys): readonly Step[] {
  const { add, steps } = merging(keys);
  for (const change of changes) add(change);
  return steps();
}

const emptyStep = (): Writes => ({ kind: 'write', first: [], perTable: new Map(), removes: false, mentioned: new Set() });

const isOfOneRow = ({ table, where, except }: Extract<Change, { kind: 'remove' }>) =>
  Object.keys(except).length === 0 && Object.keys(where).length === table.key.length && table.key.every((column) => column in where);

/**
 * Whether a change may be written before the removals that it came after. What is written too early of a row that is gone, or
 * that belongs or points to one, goes with it in the end, or its pointer does. Only what would get away must wait: a row that
 * comes back, be it that it was removed itself or went with what was, and one that is given something else to belong to. So must
 * what others belong or point to already, for when they came it was not there (yet, or any more).
 */
function canJoin({ perTable, removes, mentioned }: Writes, change: Change, keys: ForeignKeys): boolean {
  // It is made before all updates and removals, of the rows that are not there yet as well.
  if (change.kind === 'updateWhere') {
    const asksWhatMayGo = keys.of.get(change.table)?.some(({ column, onDelete }) => onDelete === 'set null' && column in change.where);
    return (perTable.get(change.table)?.updates.size ?? 0) === 0 && !(removes && asksWhatMayGo);
  }
  if (change.kind === 'insert' && mentioned.has(change.row.id)) return false;
  if (change.kind === 'remove' || !removes) return true;
  if (change.kind === 'update') return !keys.of.get(change.table)?.some(({ column }) => column in change.set);
  const [writes, key] = [perTable.get(change.table), keyOf(change.table, change.row)];
  return !writes?.removals.has(key) && !writes?.inserts.has(key);
}

function mergeInto(step: Writes, change: Change, keys: ForeignKeys): void {
  const writes = step.perTable.get(change.table) ?? { inserts: new Map(), updates: new Map(), removals: new Map() };
  step.perTable.set(change.table, writes);
  if (change.kind === 'updateWhere') {
    step.first.push(change);
    for (const row of writes.inserts.values()) if (isMeant(row, change)) Object.assign(row, change.set);
    return;
  }
  if (change.kind === 'remove') {
    const key = keyOf(change.table, change.where);
    step.removes = true;
    writes.removals.set(key, change.where);
    writes.updates.delete(key);
    return;
  }
  mention(step, change.table, change.kind === 'insert' ? change.row : change.set, keys);
  if (change.kind === 'insert') {
    const key = keyOf(change.table, change.row);
    writes.inserts.set(key, { ...change.row });
    // An update from before the row was there had nothing to change.
    writes.updates.delete(key);
    return;
  }
  const inserted = writes.inserts.get(change.id);
  if (inserted) {
    Object.assign(inserted, change.set);
    for (const [column, number] of Object.entries(change.add)) inserted[column] = Number(inserted[column]) + number;
    return;
  }
  const update = writes.updates.get(change.id) ?? { key: { id: change.id }, set: {}, add: {} };
  writes.updates.set(change.id, update);
  for (const [column, value] of Object.entries(change.set)) {
    update.set[column] = value;
    delete update.add[column];
  }
  for (const [column, number] of Object.entries(change.add)) {
    if (column in update.set) update.set[column] = Number(update.set[column]) + number;
    else update.add[column] = (update.add[column] ?? 0) + number;
  }
}

/** Notes what a row belongs and points to, other than its owner. */
function mention({ mentioned }: Writes, table: Table, row: Row, keys: ForeignKeys): void {
  const note = (id: unknown) => id != null && mentioned.add(id);
  for (const { column: name, target } of keys.of.get(table) ?? []) if (!isOfUsers(target)) note(row[name]);
  for (const name of table.pointers) note(row[name]);
}

/** The same as the WHERE of its statement, of a row that is not written yet. */
const isMeant = (row: Row, { where, except }: UpdateWhere) =>
  Object.entries(where).every(([name, value]) => row[name] === value) &&
  Object.entries(except).every(([name, value]) => row[name] !== null && row[name] !== value);

/**
 * What is inserted and removed in one step is not written at all, nor what came to belong to it meanwhile; and what came to point
 * to it points to nothing.
 */
function leaveOutPassing({ perTable }: Writes, keys: ForeignKeys): void {
  const passing = new Map<Table, Set<unknown>>([...perTable.keys()].map((table) => [table, new Set()]));
  for (const [table, { inserts, removals }] of perTable) {
    const ownParent = keys.of.get(table)?.find(isOwnParent(table));
    for (const key of removals.keys()) {
      const row = inserts.get(key);
      // Whether it is a stray of a tree, only the table knows.
      if (!row || (ownParent && row[ownParent.column] !== null)) continue;
      inserts.delete(key);
      removals.delete(key);
      passing.get(table)?.add(key);
    }
  }
  for (let found = true; found; ) {
    found = false;
    for (const [table, { inserts, updates, removals }] of perTable) {
      for (const { column: name, target, onDelete } of keys.of.get(table) ?? []) {
        const gone = passing.get(target);
        if (!gone?.size) continue;
        for (const [key, row] of inserts) {
          if (!gone.has(row[name])) continue;
          if (onDelete === 'set null') row[name] = null;
          else {
            inserts.delete(key);
            passing.get(table)?.add(key);
            found = true;
          }
        }
        for (const [id, { key, set }] of updates) {
          if (!gone.has(set[name])) continue;
          if (onDelete === 'set null') set[name] = null;
          else {
            updates.delete(id);
            removals.set(id, key);
          }
        }
      }
    }
  }
}

const keyOf = (table: Table, row: Row) => table.key.map((column) => String(row[column])).join(' ');

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

const isOfUsers = ({ row }: Table) => row === userRows.row;

const isOwnParent =
  (table: Table) =>
  ({ onDelete, target }: ForeignKey) =>
    onDelete === 'cascade' && target === table;

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

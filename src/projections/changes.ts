// Row changes merged. The changes of a batch are merged row by row in memory, so an insert and five updates of one row are one
// insert; what is left is written as one set-based statement per table and kind (statements.ts). However the events are
// cut into batches, the rows come out the same; that also settles how races across streams end:
//   * a row whose parent (ON DELETE CASCADE) or owner is gone is not written, or goes;
//   * a pointer (ON DELETE SET NULL) to what is gone is null;
//   * a change of a row that is not there does nothing.
import type { Table } from '../tables/table.ts';
import { userRows } from '../tables/users.ts';
import type { ForeignKey, ForeignKeys } from './foreignKeys.ts';
import type { Change, Row } from './projection.ts';

/**
 * What a set of rows is written with at once: first what changes all rows that are so and so, as they were before, and the
 * removals last. A removal of all rows that are so and so is written alone, in its place.
 */
export type Writes = {
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
export type Update = { readonly key: Row; readonly set: MutableRow; readonly add: Record<string, number> };
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

export const isOfUsers = ({ row }: Table) => row === userRows.row;

export const isOwnParent =
  (table: Table) =>
  ({ onDelete, target }: ForeignKey) =>
    onDelete === 'cascade' && target === table;

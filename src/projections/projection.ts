// What a projection is: a table of pure functions, an event in, row changes out. No SQL is written here and no clock is
// read, so the same events always give the same rows.
import type { RecordedEvent } from '../events/event.ts';
import { type AnyEvent, dispatch, type EventHandlers } from '../events/index.ts';
import type { RowOf, Table } from '../tables/table.ts';

export type Row = Readonly<Record<string, unknown>>;

export type Change =
  | { readonly kind: 'insert'; readonly table: Table; readonly row: Row }
  /** Sets columns of one row and adds to others; a row that is not there stays so. `isOwn`: the event is about this very row. */
  | {
      readonly kind: 'update';
      readonly table: Table;
      readonly id: string;
      readonly set: Row;
      readonly add: Readonly<Record<string, number>>;
      readonly isOwn: boolean;
    }
  /** The two that concern every row that has `where` and not `except`. They order a batch: all before is written first. */
  | { readonly kind: 'updateWhere'; readonly table: Table; readonly where: Row; readonly except: Row; readonly set: Row }
  | { readonly kind: 'remove'; readonly table: Table; readonly where: Row; readonly except: Row };

type Stamp = 'user_id' | 'created_at' | 'updated_at' | 'version';
/** A row but for what every row gets from its event: owner, times and version. */
type Unstamped<T extends Table> = Omit<RowOf<T>, Stamp>;

/** A new row, stamped with the event's owner, time and revision. */
export const insert = <T extends Table>(table: T, row: Unstamped<T>): Change => ({ kind: 'insert', table, row });

/** A change by an event about the row itself: its version becomes the event's revision. */
export const update = <T extends Table>(table: T, id: string, set: Partial<Unstamped<T>>): Change => ({
  kind: 'update',
  table,
  id,
  set,
  add: {},
  isOwn: true,
});

/** A change by an event about something else (a message counts in its session): the row's version stays. */
export const adjust = <T extends Table>(
  table: T,
  id: string,
  set: Partial<Unstamped<T>>,
  add: Readonly<Record<string, number>> = {},
): Change => ({
  kind: 'update',
  table,
  id,
  set,
  add,
  isOwn: false,
});

export const adjustWhere = <T extends Table>(
  table: T,
  where: Partial<RowOf<T>>,
  except: Partial<RowOf<T>>,
  set: Partial<Unstamped<T>>,
): Change => ({
  kind: 'updateWhere',
  table,
  where,
  except,
  set,
});

export const remove = <T extends Table>(table: T, where: Partial<RowOf<T>>, except: Partial<RowOf<T>> = {}): Change => ({
  kind: 'remove',
  table,
  where,
  except,
});

export type Projection = {
  readonly name: string;
  /** Raised when the functions change in a way that gives other rows: the read model is then built anew. */
  readonly version: number;
  readonly project: (event: AnyEvent) => readonly Change[];
};

export function projection(name: string, version: number, handlers: EventHandlers<[], Change | readonly Change[]>): Projection {
  return {
    name,
    version,
    project: (event) => [dispatch(handlers, event) ?? []].flat().map((change) => stamped(change, event)),
  };
}

export function stamped(change: Change, { meta, revision }: RecordedEvent): Change {
  const stamps = { user_id: meta.user_id, created_at: meta.at, updated_at: meta.at, version: revision };
  if (change.kind === 'insert') {
    const { user_id, created_at } = stamps;
    // A join table has no more than these two.
    const fitting = 'version' in change.table.row.shape ? stamps : { user_id, created_at };
    return { ...change, row: { ...fitting, ...change.row } };
  }
  if (change.kind === 'update' && change.isOwn) return { ...change, set: { ...change.set, updated_at: meta.at, version: revision } };
  return change;
}

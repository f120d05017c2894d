// What the tables of a read model have to do with each other.
import { type CommonQueryMethods, sql } from 'slonik';
import { z } from 'zod';
import { type Place, schemaAt } from '../postgres/places.ts';
import { tables } from '../tables/index.ts';
import type { Table } from '../tables/table.ts';

/**
 * The foreign keys of a read model, as the database has them, and the tables in an order in which they can be filled. `at` is
 * where a table lies in this one; what is under it here are tables of that kind.
 */
export type ForeignKeys = {
  readonly of: ReadonlyMap<Table, readonly ForeignKey[]>;
  readonly order: readonly Table[];
  readonly at: (table: Table) => Table;
};
export type ForeignKey = { readonly column: string; readonly target: Table; readonly onDelete: 'cascade' | 'set null' };

export async function readForeignKeys(database: CommonQueryMethods, place: Place): Promise<ForeignKeys> {
  const lying = new Map(tables.map((table) => [table, lyingAt(place, table)]));
  const rows = await database.any(sql.type(foreignKeyRow)`
    SELECT c.conrelid::regclass::text AS source, c.confrelid::regclass::text AS target, a.attname AS column,
           CASE c.confdeltype WHEN 'c' THEN 'cascade' ELSE 'set null' END AS on_delete
    FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
    WHERE c.contype = 'f' ORDER BY source, a.attnum`);
  const byName = new Map([...lying.values()].map((table) => [table.qualified, table]));
  const of = new Map(
    [...lying.values()].map((table) => [
      table,
      rows.flatMap(({ source, target, column, on_delete }): ForeignKey[] => {
        const targetTable = byName.get(target);
        return source === table.qualified && targetTable ? [{ column, target: targetTable, onDelete: on_delete }] : [];
      }),
    ]),
  );
  return { of, order: inFillingOrder(of), at: (table) => lying.get(table) ?? table };
}

function lyingAt(place: Place, table: Table): Table {
  if (place === 'live') return table;
  const schema = schemaAt(place, table.schema);
  return { ...table, schema, qualified: `${schema}.${table.name}` };
}

const foreignKeyRow = z.object({ source: z.string(), target: z.string(), column: z.string(), on_delete: z.enum(['cascade', 'set null']) });

function inFillingOrder(of: ReadonlyMap<Table, readonly ForeignKey[]>): readonly Table[] {
  const order = new Set<Table>();
  const visit = (table: Table) => {
    for (const { target } of of.get(table) ?? []) if (target !== table && !order.has(target)) visit(target);
    order.add(table);
  };
  for (const table of of.keys()) visit(table);
  return [...order];
}

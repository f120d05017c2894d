// Proof that the tables are what the log gives: they are built once more beside those that serve, and compared. Each piece of a
// table is compared with both at the same position, since what serves is held for as long as that takes, which is not long; so
// queries and writers go on, and the whole need not stand still.
import { createHash } from 'node:crypto';
import { type CommonQueryMethods, type DatabasePool, sql } from 'slonik';
import { z } from 'zod';
import type { EventLog } from '../eventstore/log.ts';
import { schemaAt } from '../postgres/places.ts';
import { tables } from '../tables/index.ts';
import { entityEmbeddingRows } from '../tables/relationships.ts';
import type { Table } from '../tables/table.ts';
import { atSamePosition, buildBeside } from './beside.ts';
import { readForeignKeys } from './foreignKeys.ts';
import type { Projection } from './projection.ts';

export type Verification = {
  /** Of the table's rows, as the log gives them. */
  readonly table: string;
  readonly rows: number;
  readonly hash: string;
  /** Keys of rows that are not as the log gives them, in one of the two only, or other; at most ten. */
  readonly differing: readonly string[];
};

const PIECE = 500;
const MOST_NAMED = 10;
/** Whom no projection fills. */
const others: readonly Table[] = [entityEmbeddingRows];

/**
 * @throws where the comparison could not be made, as when a rebuild has taken the place of what was compared
 */
export const verifyProjections = (
  log: EventLog,
  database: DatabasePool,
  projections: readonly Projection[],
  signal?: AbortSignal,
): Promise<readonly Verification[]> =>
  buildBeside(log, database, projections, signal, async (build_id) => {
    const keys = await readForeignKeys(database, 'next');
    const inStep = <T>(work: (transaction: CommonQueryMethods) => Promise<T>) => {
      signal?.throwIfAborted();
      return atSamePosition(log, database, projections, build_id, keys, work);
    };
    const found: Verification[] = [];
    for (const table of tables.filter((table) => !others.includes(table))) found.push(await verifyTable(inStep, table));
    return found;
  });

type InStep = <T>(work: (transaction: CommonQueryMethods) => Promise<T>) => Promise<T>;

async function verifyTable(inStep: InStep, table: Table): Promise<Verification> {
  const hash = createHash('sha256');
  const differing: string[] = [];
  let rows = 0;
  for (let after: string | null = null, isLast = false; !isLast; ) {
    const from = after;
    const piece: Piece = await inStep((transaction) => compare(transaction, table, from));
    hash.update(piece.hash ?? '');
    rows += piece.rows;
    differing.push(...piece.differing.slice(0, MOST_NAMED - differing.length));
    after = piece.until;
    isLast = piece.until === null;
  }
  return { table: table.qualified, rows, hash: hash.digest('hex'), differing };
}

/** Up to which key, null for the last piece; and what the next read model has there. */
type Piece = { readonly until: string | null; readonly rows: number; readonly hash: string | null; readonly differing: readonly string[] };

async function compare(transaction: CommonQueryMethods, table: Table, after: string | null): Promise<Piece> {
  const until = await endOfPiece(transaction, table, after);
  const live = await hashOf(transaction, 'live', table, after, until);
  const next = await hashOf(transaction, 'next', table, after, until);
  const isAlike = live.rows === next.rows && live.hash === next.hash;
  return { until, ...next, differing: isAlike ? [] : await differences(transaction, table, after, until) };
}

const at = (place: 'live' | 'next', table: Table) => sql.identifier([schemaAt(place, table.schema), table.name]);
/** The key as one text, whose order is that of no index; a piece is a range of it. */
const keyOf = (table: Table) =>
  sql.fragment`concat_ws(' ', ${sql.join(
    table.key.map((name) => sql.identifier([name])),
    sql.fragment`, `,
  )}) COLLATE "C"`;
const first = (table: Table) => sql.identifier([table.key[0] ?? 'id']);

/** A range of the first column of the key, so that its index finds it: (after, until]. */
const within = (table: Table, after: string | null, until: string | null) => sql.fragment`
  (${after}::uuid IS NULL OR ${first(table)} > ${after}::uuid) AND (${until}::uuid IS NULL OR ${first(table)} <= ${until}::uuid)`;

/** Null for the last piece, which has no end: so nothing is left out that is only in one of the two. */
async function endOfPiece(transaction: CommonQueryMethods, table: Table, after: string | null): Promise<string | null> {
  const row = await transaction.maybeOne(sql.type(endRow)`
    SELECT ${first(table)} AS until FROM ${at('next', table)} WHERE ${within(table, after, null)}
    ORDER BY 1 OFFSET ${PIECE - 1} LIMIT 1`);
  return row?.until ?? null;
}

const hashOf = (transaction: CommonQueryMethods, place: 'live' | 'next', table: Table, after: string | null, until: string | null) =>
  transaction.one(sql.type(hashRow)`
    SELECT count(*) AS rows, md5(string_agg(md5(to_jsonb(t)::text), '' ORDER BY ${keyOf(table)})) AS hash
    FROM ${at(place, table)} t WHERE ${within(table, after, until)}`);

const differences = (transaction: CommonQueryMethods, table: Table, after: string | null, until: string | null) => {
  const rows = (place: 'live' | 'next') => sql.fragment`
    SELECT ${keyOf(table)} AS key, to_jsonb(t) AS row FROM ${at(place, table)} t WHERE ${within(table, after, until)}`;
  return transaction.anyFirst(sql.type(keyRow)`
    SELECT key FROM (${rows('live')}) live FULL JOIN (${rows('next')}) next USING (key)
    WHERE live.row IS DISTINCT FROM next.row ORDER BY key LIMIT ${MOST_NAMED}`);
};

const endRow = z.object({ until: z.string() });
const hashRow = z.object({ rows: z.number(), hash: z.string().nullable() });
const keyRow = z.object({ key: z.string() });

// The way to Postgres, the embedded one and any other: a slonik pool whose values are those of src/tables (times as UTC
// text, bigint and numeric as numbers) and whose rows are validated, so that a query that does not give what it says
// fails here and not in somebody's hands.
import { createPool as createSlonikPool, type DatabasePool, type Interceptor, type QueryResultRow } from 'slonik';
import { z } from 'zod';
import { EMBEDDED } from './applicationName.ts';
import { schemaAt } from './places.ts';

const CONNECTION_TIMEOUT_MS = 10_000;
const STATEMENT_TIMEOUT_MS = 30_000;

/** Opens a pool on a connection URI (for a Unix socket, its folder is the parameter `host`). Fails when nothing answers there. */
export function createPool(url: string, { maximumPoolSize = 10 }: { maximumPoolSize?: number } = {}): Promise<DatabasePool> {
  const uri = new URL(url);
  const isEmbedded = uri.searchParams.get('application_name') === EMBEDDED;
  uri.searchParams.set('options', `${uri.searchParams.get('options') ?? ''} -c TimeZone=UTC -c DateStyle=ISO`.trim());
  return createSlonikPool(uri.href, {
    maxPoolSize: isEmbedded ? 1 : maximumPoolSize,
    minPoolSize: 1,
    captureStackTrace: false,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    statementTimeout: STATEMENT_TIMEOUT_MS,
    idleInTransactionSessionTimeout: STATEMENT_TIMEOUT_MS,
    idleTimeout: isEmbedded ? 'DISABLE_TIMEOUT' : 60_000,
    // slonik replaces a connection that is half an hour old, and opens two for it. Of these, the embedded Postgres lets one wait
    // until it gives up.
    ...(isEmbedded && { maximumConnectionAge: 'DISABLE_TIMEOUT' }),
    // slonik's default, DISCARD ALL, costs a round trip at every release and all cached plans. Nothing here sets what outlives a
    // transaction, and slonik destroys a connection on which anything failed, so there is nothing to discard.
    resetConnection: async () => {},
    typeParsers,
    interceptors: [nameStatements(), validateRows],
  });
}

const typeParsers = [
  { name: 'timestamptz', parse: instantFromPostgres },
  { name: 'int8', parse: safeInteger },
  { name: 'numeric', parse: Number },
  { name: 'date', parse: (text: string) => text },
];

/** `2026-11-24 07:08:03.1+00` as rows have it: `2026-11-24T07:08:03.100Z`. */
function instantFromPostgres(text: string): string {
  // Infinity, which only a generated column has.
  if (!text.endsWith('+00')) return text;
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${text.slice(20, -3).padEnd(3, '0').slice(0, 3)}Z`;
}

function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`the bigint ${text} is too large for a number`);
  return value;
}

/** A fault of ours: a query's rows are not what its schema says. Says where and why, but nothing of what is in the row. */
export class UnexpectedRow extends Error {
  constructor(sql: string, error: z.ZodError) {
    super(`a query gave a row that is not as it says.\n${z.prettifyError(error)}\nin ${sql.trim()}`);
  }
}

const MAX_NAMED = 1_000;
const BEING_BUILT = schemaAt('next', '');

/**
 * A statement with a name is parsed once for a connection, and its plan is kept; planning costs the embedded Postgres more
 * than most of what it then does. Each text has one name; beyond so many, texts go without. So does what is about the tables of
 * a build, which nobody analyzes: a plan that was made while one is short goes on to read all of it when it is long.
 */
function nameStatements(): Interceptor {
  const names = new Map<string, string>();
  return {
    name: 'nameStatements',
    transformQuery: (_, query) => {
      if (query.sql.includes(BEING_BUILT)) return query;
      if (!names.has(query.sql) && names.size < MAX_NAMED) names.set(query.sql, `daybook_${names.size}`);
      const name = names.get(query.sql);
      return name === undefined ? query : { ...query, name };
    },
  };
}

// By itself slonik does nothing with the schema of sql.type(schema).
const validateRows: Interceptor = {
  name: 'validateRows',
  transformRow: ({ resultParser }, query, row) => {
    if (!(resultParser instanceof z.ZodType)) return row;
    const { data, error } = resultParser.safeParse(row);
    if (error) throw new UnexpectedRow(query.sql, error);
    return isRow(data) ? data : row;
  },
};

const isRow = (data: unknown): data is QueryResultRow => typeof data === 'object' && data !== null;

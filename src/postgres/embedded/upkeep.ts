// What autovacuum and the checkpointer do in a real server, and nobody does in PGlite: without it the write-ahead log and
// the dead rows would grow for ever. Decides by Postgres's own counters; when to run it is the server's business.
import type { Database } from './database.ts';

const MIB = 1024 * 1024;

/** How much may happen before one looks, and how much may lie around before one acts. */
export const limits = {
  exchangesBetweenLooks: 500,
  bytesBetweenLooks: 4 * MIB,
  walBytes: 32 * MIB,
  // As autovacuum: a number of rows and a part of the table. Of what is only other than it was when one last looked, a larger part
  // than there: a table that grows to many times its size, as in a rebuild, is looked through each time.
  rows: 500,
  deadPart: 0.2,
  changedPart: 0.5,
};

export class Upkeep {
  readonly #database: Database;
  #exchanges = 0;
  #bytes = 0;

  constructor(database: Database) {
    this.#database = database;
  }

  note(exchange: Uint8Array): void {
    this.#exchanges += 1;
    this.#bytes += exchange.length;
  }

  get isDue(): boolean {
    return this.#exchanges >= limits.exchangesBetweenLooks || this.#bytes >= limits.bytesBetweenLooks;
  }

  /** Does the one most needed thing, if any, outside of any transaction; stays due while it found something. */
  async run(): Promise<void> {
    const task = await this.#next();
    if (task) {
      await this.#database.rows(task);
    } else {
      this.#exchanges = 0;
      this.#bytes = 0;
    }
  }

  async #next(): Promise<string | undefined> {
    // The counters of a session are otherwise added up once a second.
    await this.#database.rows('SELECT pg_stat_force_next_flush()');
    const [[walBytes] = []] = await this.#database.rows(
      'SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), redo_lsn) FROM pg_control_checkpoint()',
    );
    if (Number(walBytes) > limits.walBytes) return 'CHECKPOINT';
    const [[table] = []] = await this.#database.rows(`
      SELECT format('%I.%I', s.schemaname, s.relname)
      FROM pg_stat_all_tables s JOIN pg_class c ON c.oid = s.relid
      WHERE s.schemaname <> 'pg_toast'
        AND (s.n_dead_tup > ${limits.rows} + ${limits.deadPart} * greatest(c.reltuples, 0)
          OR s.n_ins_since_vacuum > ${limits.rows} + ${limits.changedPart} * greatest(c.reltuples, 0)
          OR s.n_mod_since_analyze > ${limits.rows} + ${limits.changedPart} * greatest(c.reltuples, 0))
      ORDER BY s.n_dead_tup DESC
      LIMIT 1`);
    return table && `VACUUM (ANALYZE) ${table}`;
  }
}

// What autovacuum and the checkpointer do in a real server, and nobody does in PGlite: without it the write-ahead log and
// the dead rows would grow for ever. Decides by Postgres's own counters; when to run it is the server's business.
import { schemaAt } from '../places.ts';
import type { Database } from './database.ts';

const MIB = 1024 * 1024;

/** How much may happen before one looks, and how much may lie around before one acts. */
const LIMITS = {
  exchangesBetweenLooks: 500,
  bytesBetweenLooks: 4 * MIB,
  walBytes: 32 * MIB,
  // As autovacuum: a number of rows and a part of the table. Of what is only other than it was when one last looked, a larger part
  // than there. The tables of a build grow to many times their size, and nobody asks them anything yet: of those only dead rows
  // count, and the rest is done once they serve.
  rows: 500,
  deadPart: 0.2,
  changedPart: 0.5,
  /** From here on a table is worth a vacuum in each life of the process: PGlite forgets the counters whenever it ends. */
  unknownBytes: MIB,
};

export class Upkeep {
  readonly #database: Database;
  readonly #limits: typeof LIMITS;
  #exchanges = 0;
  #bytes = 0;

  constructor(database: Database, limits: Partial<typeof LIMITS> = {}) {
    this.#database = database;
    this.#limits = { ...LIMITS, ...limits };
  }

  note(exchange: Uint8Array): void {
    this.#exchanges += 1;
    this.#bytes += exchange.length;
  }

  get isDue(): boolean {
    return this.#exchanges >= this.#limits.exchangesBetweenLooks || this.#bytes >= this.#limits.bytesBetweenLooks;
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
    const { walBytes, rows, deadPart, changedPart, unknownBytes } = this.#limits;
    // The counters of a session are otherwise added up once a second.
    await this.#database.rows('SELECT pg_stat_force_next_flush()');
    const [[written] = []] = await this.#database.rows(
      'SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), redo_lsn) FROM pg_control_checkpoint()',
    );
    if (Number(written) > walBytes) return 'CHECKPOINT';
    const [[task] = []] = await this.#database.rows(`
      SELECT format(CASE WHEN has_changed THEN 'VACUUM (ANALYZE) %I.%I' ELSE 'VACUUM %I.%I' END, schemaname, relname)
      FROM (
        SELECT s.*,
          NOT being_filled AND s.n_mod_since_analyze > ${rows} + ${changedPart} * rows_then AS has_changed,
          s.n_dead_tup > ${rows} + ${deadPart} * greatest(rows_then, s.n_live_tup)
            OR NOT being_filled AND s.last_vacuum IS NULL AND pg_relation_size(s.relid) > ${unknownBytes} AS is_due
        FROM pg_stat_all_tables s JOIN pg_class c ON c.oid = s.relid,
          greatest(c.reltuples, 0) AS rows_then, starts_with(s.schemaname, '${schemaAt('next', '')}') AS being_filled
        WHERE s.schemaname <> 'pg_toast') looked
      WHERE has_changed OR is_due
      ORDER BY n_dead_tup DESC
      LIMIT 1`);
    return task;
  }
}

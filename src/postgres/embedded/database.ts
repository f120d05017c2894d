// PGlite as the server sees it: a backend that takes one exchange after another. It is one process with one session, so
// whoever talks to it must let an exchange end before the next begins.
import { PGlite } from '@electric-sql/pglite';
import { vector } from '@electric-sql/pglite-pgvector';
import { EMBEDDED } from '../applicationName.ts';
import { compilePglite } from './code.ts';
import { query, readRows } from './protocol.ts';

// Compiled before anybody says which database to open.
const code = compilePglite();
// Who opens one hears why it could not be.
code.catch(() => {});

export type Database = {
  /** Hands whole protocol messages to the backend and its answer, as it comes, to `onAnswer`. */
  exchange(messages: Uint8Array, onAnswer: (bytes: Buffer) => void): Promise<void>;
  /** Runs SQL for the server's own sake. */
  rows(sql: string): Promise<string[][]>;
  isInTransaction(): boolean;
  close(): Promise<void>;
};

// A person's read model is small, and other things need the memory, too.
const settings = {
  // What a connection asks for, PGlite does not take.
  application_name: EMBEDDED,
  shared_buffers: '32MB',
  wal_buffers: '1MB',
  maintenance_work_mem: '32MB',
  max_connections: '5',
  // Nothing replicates it.
  wal_level: 'minimal',
  max_wal_senders: '0',
  // What a checkpoint keeps of the write-ahead log.
  min_wal_size: '8MB',
  max_wal_size: '16MB',
  jit: 'off',
};

// Segments of 1 MiB instead of 16 keep a new folder small and its making quick.
const initDbStartParams = ['--wal-segsize=1'];

/** Opens the database in a folder, or makes one there when it is empty or missing. Fails with what Postgres said. */
export async function openDatabase(folder: string): Promise<Database> {
  const said: string[] = [];
  const onStderr = (line: string) => {
    said.push(line);
    said.splice(0, said.length - 10);
    return true;
  };
  const startParams = [...PGlite.defaultStartParams, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  const pgliteWasmModule = await code;
  const pglite = await PGlite.create(folder, { pgliteWasmModule, extensions: { vector }, startParams, initDbStartParams, onStderr }).catch(
    (cause) => {
      throw new Error([`PGlite cannot open ${folder}: ${cause}`, ...said].join('\n'), { cause });
    },
  );

  const database: Database = {
    exchange: (messages, onAnswer) =>
      // The bytes lie in PGlite's memory and are gone after the call.
      pglite.execProtocolRawStream(messages, { onRawData: (bytes) => onAnswer(Buffer.from(bytes)) }),
    async rows(sql) {
      const answer: Buffer[] = [];
      await database.exchange(query(sql), (bytes) => answer.push(bytes));
      return readRows(Buffer.concat(answer));
    },
    isInTransaction: () => pglite.isInTransaction(),
    close: () => pglite.close(),
  };
  return database;
}

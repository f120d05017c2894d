// The folder of the embedded Postgres, and whether what lies in it can be trusted. PGlite never calls fsync: what it wrote
// outlives its process, but not the operating system. So a mark says what happened last, and a database that was running
// when the system went down is set aside, as is one that does not open; its rows are made again from the event log.
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const marks = z.object({
  /** `making`: nothing of worth yet. `running`: not closed properly, or still open. `stopped`: closed, and on disk. */
  state: z.enum(['making', 'running', 'stopped']),
  /** The boot of the operating system in which the mark was set. */
  boot_id: z.string(),
  /** Where the socket is or was, for one who has to clean up. */
  socket_folder: z.string(),
});
type Mark = z.output<typeof marks>;

const SET_ASIDE = 'data.set-aside-';

export class DatabaseFolder {
  readonly #directory: string;
  readonly data: string;
  readonly #bootId: string;

  constructor(directory: string, bootId = currentBootId()) {
    this.#directory = directory;
    this.data = join(directory, 'data');
    this.#bootId = bootId;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  /** What a start finds: nothing, a database to open, or one that the operating system may have torn. */
  inspect(): { found: 'nothing' | 'database' | 'torn' } {
    const mark = this.#readMark();
    if (mark) rmSync(mark.socket_folder, { recursive: true, force: true });
    if (!mark || mark.state === 'making') rmSync(this.data, { recursive: true, force: true });
    if (!existsSync(this.data)) return { found: 'nothing' };
    return { found: mark?.state === 'running' && mark.boot_id !== this.#bootId ? 'torn' : 'database' };
  }

  /** Makes room for a new database and keeps the old one for who wants to look at it; only the newest of those is kept. */
  setAside(): void {
    const older = readdirSync(this.#directory).filter((name) => name.startsWith(SET_ASIDE));
    for (const name of older) rmSync(join(this.#directory, name), { recursive: true });
    renameSync(this.data, join(this.#directory, `${SET_ASIDE}${new Date().toISOString().replaceAll(':', '-')}`));
  }

  mark(state: Mark['state'], socketFolder: string): void {
    const mark: Mark = { state, boot_id: this.#bootId, socket_folder: socketFolder };
    const path = join(this.#directory, 'state.json');
    writeFileSync(`${path}.new`, `${JSON.stringify(mark)}\n`);
    sync(`${path}.new`);
    renameSync(`${path}.new`, path);
    sync(this.#directory);
  }

  /** Does for a closed database what PGlite leaves out, so that it outlives a power cut. */
  syncData(): void {
    for (const entry of readdirSync(this.data, { recursive: true, withFileTypes: true })) sync(join(entry.parentPath, entry.name));
    sync(this.data);
  }

  #readMark(): Mark | undefined {
    try {
      return marks.parse(JSON.parse(readFileSync(join(this.#directory, 'state.json'), 'utf8')));
    } catch {
      return undefined;
    }
  }
}

function sync(path: string): void {
  const descriptor = openSync(path, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}

/** The same until the operating system starts again; a new one at each call where the system does not tell. */
function currentBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return spawnSync('sysctl', ['-n', 'kern.bootsessionuuid'], { encoding: 'utf8' }).stdout?.trim() || crypto.randomUUID();
  }
}

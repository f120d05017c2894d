// A made database to begin with a copy of: making one takes PGlite four seconds, copying it a tenth. It is kept beside the
// packages, one for each version of PGlite. Run by itself, this file makes it, as a last step of the installation.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { startEmbeddedPostgres } from './embedded.ts';

const modules = new URL('../../../node_modules/', import.meta.url);
const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL('@electric-sql/pglite/package.json', modules), 'utf8')));
const folder = fileURLToPath(new URL(`.cache/daybook/pglite-${version}`, modules));

/** The folder of the template, when there is one. */
export const existingTemplate = (): string | undefined => (existsSync(folder) ? folder : undefined);

/** The folder of the template, which is made when there is none. */
export const makeTemplate = (): Promise<string> =>
  madeOnce(folder, async (directory) => (await startEmbeddedPostgres({ directory })).close());

/** A folder that is there as a whole or not at all: `make` is given one to fill that then takes its name. */
export async function madeOnce(name: string, make: (directory: string) => Promise<void>): Promise<string> {
  if (existsSync(name)) return name;
  mkdirSync(dirname(name), { recursive: true });
  const directory = mkdtempSync(`${name}-`);
  await make(directory);
  try {
    renameSync(directory, name);
  } catch (error) {
    rmSync(directory, { recursive: true });
    // Another process may have been quicker.
    if (!existsSync(name)) throw error;
  }
  return name;
}

if (import.meta.main) await makeTemplate();

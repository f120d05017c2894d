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
export async function makeTemplate(): Promise<string> {
  if (existsSync(folder)) return folder;
  mkdirSync(dirname(folder), { recursive: true });
  const directory = mkdtempSync(`${folder}-`);
  const postgres = await startEmbeddedPostgres({ directory });
  await postgres.close();
  try {
    renameSync(directory, folder);
  } catch (error) {
    rmSync(directory, { recursive: true });
    // Another process may have been quicker.
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

if (import.meta.main) await makeTemplate();

// PGlite's code, which takes a good part of the time that opening a database does.
import { readFile } from 'node:fs/promises';

export const compilePglite = async (): Promise<WebAssembly.Module> =>
  WebAssembly.compile(await readFile(new URL('pglite.wasm', import.meta.resolve('@electric-sql/pglite'))));

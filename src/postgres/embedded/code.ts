// PGlite's code, for all of its threads that this process ever has: V8 compiles equal bytes once, as long as somebody holds
// the result, and what has been made quick for one thread is so for the next.
import { readFile } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';

// Code that has run for so many bytes is compiled again, to be quicker. By default that begins while the database opens, and
// takes both cores from a start that has other things to do with them.
const TIERING_BUDGET = 200_000_000;

let code: Promise<WebAssembly.Module> | undefined;

export function holdCode(): void {
  if (code) return;
  setFlagsFromString(`--wasm-tiering-budget=${TIERING_BUDGET}`);
  code = readFile(new URL('pglite.wasm', import.meta.resolve('@electric-sql/pglite'))).then((bytes) => WebAssembly.compile(bytes));
  // Who cannot read it hears so from PGlite.
  code.catch(() => {});
}

// What a writer outside of Daybook knows: of every entity, what the commands that were acknowledged have made of it, and
// what one that is still without an answer may have made of it.
import { z } from 'zod';

export type Fields = Readonly<Record<string, unknown>>;
/** Null: it is gone. */
export type Expected = Fields | null;

export type Notes = {
  /** By path, such as /tasks/…, as the last acknowledged command left it. */
  readonly entities: Map<string, { readonly now: Expected; readonly perhaps: Expected | undefined }>;
  /** What a create without an answer may have made, by a text that nothing else has. */
  readonly unborn: Map<string, Fields>;
  /** The latest position in the log that was acknowledged. */
  position: bigint;
};

export const noNotes = (): Notes => ({ entities: new Map(), unborn: new Map(), position: 0n });

/** Where what is there is not what the notes say: one line each. */
export function contradictions({ entities, unborn }: Notes, found: ReadonlyMap<string, Fields>): string[] {
  const lines: string[] = [];
  for (const [path, { now, perhaps }] of entities) {
    const there = found.get(path) ?? null;
    if (fits(there, now) || (perhaps !== undefined && fits(there, perhaps))) continue;
    lines.push(`${path} is ${said(there)} and should be ${said(now)}${perhaps === undefined ? '' : ` or ${said(perhaps)}`}`);
  }
  const born = new Set<string>();
  for (const [path, there] of found) {
    if (entities.has(path)) continue;
    const [text, expected] = [...unborn].find(([, fields]) => fits(there, fields)) ?? [];
    if (text === undefined || expected === undefined) lines.push(`${path} is ${said(there)}, which nobody asked for`);
    else if (born.has(text)) lines.push(`${path} is there twice: ${said(there)}`);
    else born.add(text);
  }
  return lines;
}

const fits = (there: Expected, expected: Expected): boolean =>
  there === null || expected === null
    ? there === expected
    : Object.entries(expected).every(([name, value]) => JSON.stringify(fieldOf(there, name)) === JSON.stringify(value));

/** What is on something, its `label_ids`, say, are the ids of its `labels`: what those are called they say themselves. */
const fieldOf = (there: Fields, name: string) =>
  name.endsWith('_ids') ? marks.safeParse(there[name.replace('_ids', 's')]).data : there[name];
const marks = z.array(z.object({ id: z.string() })).transform((on) => on.map(({ id }) => id).sort());

const said = (expected: Expected) => (expected === null ? 'gone' : JSON.stringify(expected));

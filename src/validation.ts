// The edge: outside data in, typed data or a Problem that names every bad field out.
import { z } from 'zod';
import { type FieldError, Problem } from './problem.ts';
import { entityType, uuid } from './vocabulary.ts';
import { wordingOf } from './wording.ts';

const MAX_DEPTH = 32;

/** @throws Problem 400 with a JSON pointer for each bad field */
export function validate<Schema extends z.ZodType>(schema: Schema, value: unknown, where: FieldError['in']): z.output<Schema> {
  const unstorable = findUnstorable(value, [], 0);
  if (unstorable) throw invalid([{ in: where, ...unstorable }]);
  const result = schema.safeParse(value, { error: wordingOf });
  if (result.success) return result.data;
  throw invalid(result.error.issues.flatMap((issue) => fieldErrors(issue, where)));
}

export const invalid = (errors: readonly FieldError[]): Problem =>
  new Problem(400, 'validation-failed', 'Some fields are missing or wrong.', { errors });

/** RFC 6901. */
export const pointer = (path: readonly PropertyKey[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

// A strict object reports all its unknown keys as one issue of the object; each is a field of its own here.
function fieldErrors(issue: z.core.$ZodIssue, where: FieldError['in']): FieldError[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ in: where, pointer: pointer([...issue.path, key]), detail: 'This field is not known here.' }));
  }
  return [{ in: where, pointer: pointer(issue.path), detail: issue.message }];
}

// What JSON can say and Postgres cannot keep: NUL, half a surrogate pair, nesting beyond its parser's stack. Let in, it
// would be in the log for ever and in no table.
function findUnstorable(value: unknown, path: readonly PropertyKey[], depth: number): Omit<FieldError, 'in'> | undefined {
  if (typeof value === 'string') {
    if (value.includes('\0')) return { pointer: pointer(path), detail: 'Text may not contain the character U+0000.' };
    if (!value.isWellFormed()) return { pointer: pointer(path), detail: 'Text may not contain half of a surrogate pair.' };
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return undefined;
  if (depth === MAX_DEPTH) return { pointer: pointer(path), detail: `Values may be nested ${MAX_DEPTH} deep at most.` };
  for (const [key, member] of Object.entries(value)) {
    const found =
      findUnstorable(key, path, depth) ?? findUnstorable(member, [...path, Array.isArray(value) ? Number(key) : key], depth + 1);
    if (found) return found;
  }
  return undefined;
}

/** JSON with sorted keys: equal values have equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}

/** The names in a route (`:id`) as a schema; every one of them is an id, but for the kind of an entity. */
export function pathParams(route: string): z.ZodType<Record<string, string>> {
  const known = paramsOfRoutes.get(route);
  if (known) return known;
  const names = [...route.matchAll(/:(\w+)/g)].map(([, name = '']) => name);
  const params = z.object(Object.fromEntries(names.map((name) => [name, name === 'type' ? entityType : uuid])));
  paramsOfRoutes.set(route, params);
  return params;
}

// To make a schema takes many times as long as to use it.
const paramsOfRoutes = new Map<string, z.ZodType<Record<string, string>>>();

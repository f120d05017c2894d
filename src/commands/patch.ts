// What a PATCH changes: the fields whose new value differs from what the state has.
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';

/** The body of a PATCH: every field may be left out, none is unknown, one at least is given. */
export const patchOf = <Shape extends z.ZodRawShape>(fields: Shape) =>
  z
    .strictObject(fields)
    .exactPartial()
    .refine((body) => Object.keys(body).length > 0, namesSomething)
    .meta({ minProperties: 1 });

/** What has a field that is wrong does name one. */
export const namesSomething = {
  message: 'must name at least one field to change',
  when: ({ issues }: { readonly issues: readonly unknown[] }) => issues.length === 0,
};

/** The part of `patch` that is not already so; undefined where all of it is. */
export function changed<Patch extends Readonly<Record<string, unknown>>>(
  state: Readonly<Record<string, unknown>>,
  patch: Patch,
): Patch | undefined {
  const different = { ...patch };
  for (const field in different) if (isDeepStrictEqual(state[field], patch[field])) delete different[field];
  return Object.keys(different).length > 0 ? different : undefined;
}

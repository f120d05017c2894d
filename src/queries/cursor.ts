// Keyset cursors: where the last page ended, as opaque text. A cursor belongs to the order it was made in.
import { z } from 'zod';
import { invalid } from '../validation.ts';
import { uuid } from '../vocabulary.ts';

/** The last row's sort key (as Postgres writes it) and id. */
export type Cursor = { readonly key: string; readonly id: string };

const content = z.tuple([z.string(), z.string(), uuid]);

export const writeCursor = (sort: string, { key, id }: Cursor): string =>
  Buffer.from(JSON.stringify([sort, key, id])).toString('base64url');

/** @throws Problem 400 */
export function readCursor(text: string, sort: string): Cursor {
  const [madeFor, key, id] = parsed(text);
  if (madeFor !== sort) throw invalid([{ in: 'query', pointer: '/cursor', detail: `This cursor is of a list sorted by ${madeFor}.` }]);
  return { key, id };
}

function parsed(text: string): z.output<typeof content> {
  try {
    return content.parse(JSON.parse(Buffer.from(text, 'base64url').toString()));
  } catch {
    throw notACursor();
  }
}

export const notACursor = () => invalid([{ in: 'query', pointer: '/cursor', detail: 'This is not a cursor of this list.' }]);

// What is embedded: of each thing that can be searched, what is written in it now.
import { type CommonQueryMethods, type FragmentSqlToken, sql } from 'slonik';
import { z } from 'zod';
import { calendarEventRows } from '../tables/calendar.ts';
import { documentRows } from '../tables/documents.ts';
import { emailRows } from '../tables/emails.ts';
import { messageRows } from '../tables/messages.ts';
import { searchableRows } from '../tables/relationships.ts';
import { taskRows } from '../tables/tasks.ts';
import { searchedType, uuid } from '../vocabulary.ts';

export type SearchedType = z.output<typeof searchedType>;
export type Entity = { readonly type: SearchedType; readonly id: string };
/** `version` and `at` are of the last event about it that is known of. */
export type Changed = Entity & { readonly version: number; readonly at: string };

const kinds: Readonly<Record<SearchedType, { readonly category: string; readonly table: FragmentSqlToken }>> = {
  message: { category: 'message', table: tableOf(messageRows) },
  email: { category: 'email', table: tableOf(emailRows) },
  event: { category: 'calendarEvent', table: tableOf(calendarEventRows) },
  document: { category: 'document', table: tableOf(documentRows) },
  task: { category: 'task', table: tableOf(taskRows) },
};

function tableOf({ schema, name }: { readonly schema: string; readonly name: string }): FragmentSqlToken {
  return sql.fragment`${sql.identifier([schema, name])}`;
}

/** Of the streams that tell of texts. */
export const streamPrefixes: readonly string[] = Object.values(kinds).map(({ category }) => `${category}-`);

/** The thing that a stream is of; undefined for any other stream, also of somebody else who calls theirs alike. */
export function subjectOf(stream: string): Entity | undefined {
  const type = searchedType.options.find((each) => stream.startsWith(`${kinds[each].category}-`));
  if (type === undefined) return undefined;
  const id = stream.slice(kinds[type].category.length + 1);
  return uuid.safeParse(id).success ? { type, id } : undefined;
}

/** Whether it may change what is embedded. */
export const concernsEmbedders = ({ stream }: { readonly stream: string }): boolean => subjectOf(stream) !== undefined;

const textRow = z.object({ id: z.string(), user_id: z.string(), text: z.string() });
export type Text = z.output<typeof textRow>;

/** Those that are there. A message has no title but its beginning. */
export const textsOf = (database: CommonQueryMethods, type: SearchedType, ids: readonly string[]): Promise<readonly Text[]> =>
  database.any(sql.type(textRow)`
    SELECT id, user_id, CASE type WHEN 'message' THEN body ELSE concat_ws(E'\n', title, body) END AS text
    FROM ${tableOf(searchableRows)} WHERE type = ${type} AND id = ANY(${sql.array([...ids], 'uuid')})`);

/**
 * Holds on to a thing until the transaction ends: who deletes it waits, and then takes along what was written here.
 * @returns false where it is gone, or goes
 */
export async function holdOn(transaction: CommonQueryMethods, { type, id }: Entity): Promise<boolean> {
  const held = await transaction.any(sql.type(idRow)`SELECT id FROM ${kinds[type].table} WHERE id = ${id} FOR KEY SHARE SKIP LOCKED`);
  return held.length > 0;
}

const idRow = z.object({ id: z.string() });

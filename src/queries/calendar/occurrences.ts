// What takes place within a time: what recurs is one row, and is laid out into its occurrences when somebody asks.
import { sql } from 'slonik';
import { z } from 'zod';
import { breathing } from '../../breath.ts';
import { occurrencesBetween } from '../../occurrences.ts';
import { calendarEventRows } from '../../tables/calendar.ts';
import { invalid } from '../../validation.ts';
import { instant, storedInstant } from '../../vocabulary.ts';
import { notACursor, readCursor, writeCursor } from '../cursor.ts';
import { type Any, columnsOf, inList, type Scope } from '../query.ts';

export const calendarEventView = calendarEventRows.row.omit({ user_id: true });

/** One time that an event takes place: as the event is, but for what is different this time. */
export const occurrenceView = calendarEventView.omit({ recurrence_exceptions: true }).extend({ recurrence_id: storedInstant.nullable() });

/** What an exception may have of it. */
const overriding = occurrenceView.omit({ recurrence_id: true, id: true, created_at: true, updated_at: true, version: true }).exactPartial();

export const LONGEST_RANGE_DAYS = 400;
const SORT = 'starts_at';

type Range = { readonly from: string; readonly to: string };
type Item = z.output<typeof occurrenceView>;
/** Where an occurrence is in the order: by when it begins, then by its event, then by when the rule has it. */
type Place = Pick<Item, 'starts_at' | 'id' | 'recurrence_id'>;

/** @throws Problem 400 */
export function refuseRange({ from, to }: Range): void {
  const days = (Date.parse(to) - Date.parse(from)) / 86_400_000;
  if (days > 0 && days <= LONGEST_RANGE_DAYS) return;
  const detail = days > 0 ? `must be at most ${LONGEST_RANGE_DAYS} days after "from"` : 'must be after "from"';
  throw invalid([{ in: 'query', pointer: '/to', detail }]);
}

type Page = {
  readonly limit: number;
  readonly after?: Place | undefined;
  readonly status?: readonly Item['status'][] | undefined;
};

/** What of the caller's takes place within a range, in order. @returns as many as `limit` says, if there are so many */
export async function occurrencesIn(any: Any, scope: Scope, { from, to }: Range, { limit, after, status }: Page): Promise<readonly Item[]> {
  const events = scope.from(calendarEventRows);
  const conditions = [
    sql.fragment`t.recurrence_rule IS NULL AND t.starts_at < ${to} AND (t.ends_at > ${from} OR t.starts_at >= ${from})`,
    inList('status', status),
    after && sql.fragment`(t.starts_at, t.id) > (${after.starts_at}::timestamptz, ${after.id}::uuid)`,
  ].filter((condition) => condition !== undefined);
  const rows = await any(sql.type(calendarEventView)`(
      SELECT ${columnsOf(calendarEventRows)} FROM ${events} t WHERE ${sql.join(conditions, sql.fragment` AND `)}
      ORDER BY t.starts_at, t.id LIMIT ${limit}
    ) UNION ALL (
      SELECT ${columnsOf(calendarEventRows)} FROM ${events} t
      WHERE t.recurrence_rule IS NOT NULL AND (t.starts_at < ${to} OR t.recurrence_exceptions @? '$[*].changes.starts_at')
    )`);
  const found: Item[] = [];
  // A person with thousands of series, or with one of which most is left out, keeps nobody else waiting.
  const breathe = breathing();
  for (const { recurrence_exceptions, ...event } of rows) {
    await breathe();
    let left = limit;
    for (const { changes, ...times } of occurrencesBetween({ ...event, recurrence_exceptions }, from, to, after?.starts_at)) {
      await breathe();
      const item: Item = { ...event, ...overriding.parse(changes), ...times };
      // What is cancelled as a whole is so every time.
      if (event.status === 'cancelled') item.status = event.status;
      if ((after && inOrder(item, after) <= 0) || (status && !status.includes(item.status))) continue;
      found.push(item);
      left -= 1;
      if (left === 0) break;
    }
  }
  return found.sort(inOrder).slice(0, limit);
}

const sortKey = ({ starts_at, id, recurrence_id }: Place) => `${starts_at} ${id} ${recurrence_id ?? ''}`;
const inOrder = (a: Place, b: Place) => (sortKey(a) < sortKey(b) ? -1 : sortKey(a) > sortKey(b) ? 1 : 0);

export const cursorOf = ({ starts_at, id, recurrence_id }: Place) => writeCursor(SORT, { key: `${starts_at} ${recurrence_id ?? ''}`, id });

/** @throws Problem 400 */
export function placeOf(cursor: string): Place {
  const { key, id } = readCursor(cursor, SORT);
  const [starts_at, recurrence_id] = key.split(' ');
  const place = z.object({ starts_at: instant, recurrence_id: instant.nullable() }).safeParse({
    starts_at,
    recurrence_id: recurrence_id || null,
  });
  if (!place.success) throw notACursor();
  return { ...place.data, id };
}

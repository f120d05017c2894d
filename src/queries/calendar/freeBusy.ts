// When a person is busy, and nothing else of what their calendar says (RFC 5545, section 3.6.4).
import { sql } from 'slonik';
import { z } from 'zod';
import { occurrencesBetween } from '../../occurrences.ts';
import { calendarEventRows } from '../../tables/calendar.ts';
import { invalid } from '../../validation.ts';
import { instant, storedInstant } from '../../vocabulary.ts';
import { computed } from '../query.ts';

const LONGEST_DAYS = 400;

const row = calendarEventRows.row.pick({
  starts_at: true,
  ends_at: true,
  all_day: true,
  timezone: true,
  recurrence_rule: true,
  recurrence_exceptions: true,
  status: true,
  transparency: true,
});
type Row = z.output<typeof row>;

const period = z.object({ starts_at: storedInstant, ends_at: storedInstant, type: z.enum(['busy', 'busy_tentative']) });
type Period = z.output<typeof period>;

export const getFreeBusy = computed({
  name: 'getFreeBusy',
  route: 'GET /calendar/free-busy',
  summary: 'When you are busy',
  description: `The periods between \`from\` and \`to\` (at most ${LONGEST_DAYS} days later) in which something takes place that is not \`transparent\`, merged,
in order and cut to that range. What is \`tentative\` makes you \`busy_tentative\`, unless you are busy anyway.`,
  filters: { from: instant, to: instant },
  response: z.object({ from: storedInstant, to: storedInstant, periods: z.array(period) }),
  row,
  // An occurrence of a series may have been moved to before its beginning.
  sql: ({ from: own }, { from, to }) => sql.fragment`
    SELECT ${sql.join(
      Object.keys(row.shape).map((column) => sql.identifier(['t', column])),
      sql.fragment`, `,
    )} FROM ${own(calendarEventRows)} t
    WHERE t.status <> 'cancelled' AND (t.recurrence_rule IS NOT NULL OR (t.starts_at < ${to} AND t.ends_at > ${from}))`,
  answer: (rows, { from, to }) => {
    const days = (Date.parse(to) - Date.parse(from)) / 86_400_000;
    if (days <= 0) throw invalid([{ in: 'query', pointer: '/to', detail: 'must be after from' }]);
    if (days > LONGEST_DAYS) throw invalid([{ in: 'query', pointer: '/to', detail: `must be at most ${LONGEST_DAYS} days after from` }]);
    return { body: { from, to, periods: periodsOf(rows, from, to) } };
  },
});

function periodsOf(rows: readonly Row[], from: string, to: string): Period[] {
  const all = rows.flatMap((event) =>
    [...occurrencesBetween(event, from, to)].flatMap(({ starts_at, ends_at, changes }): Period[] => {
      const { status, transparency } = { ...event, ...changes };
      const cut = { starts_at: starts_at < from ? from : starts_at, ends_at: ends_at > to ? to : ends_at };
      if (transparency === 'transparent' || cut.starts_at >= cut.ends_at) return [];
      return [{ ...cut, type: status === 'tentative' ? 'busy_tentative' : 'busy' }];
    }),
  );
  const busy = merged(all.filter(({ type }) => type === 'busy'));
  const tentative = merged(all.filter(({ type }) => type === 'busy_tentative')).flatMap((each) => without(each, busy));
  return [...busy, ...tentative].sort((a, b) => (a.starts_at < b.starts_at ? -1 : 1));
}

function merged(periods: readonly Period[]): Period[] {
  const result: Period[] = [];
  for (const next of periods.toSorted((a, b) => (a.starts_at < b.starts_at ? -1 : 1))) {
    const last = result.at(-1);
    if (last && next.starts_at <= last.ends_at) {
      result[result.length - 1] = { ...last, ends_at: next.ends_at > last.ends_at ? next.ends_at : last.ends_at };
    } else result.push(next);
  }
  return result;
}

/** What is left of a period. @param others in order, none of them overlapping */
function without(period: Period, others: readonly Period[]): Period[] {
  let rest = period.starts_at;
  const left: Period[] = [];
  for (const { starts_at, ends_at } of others) {
    if (ends_at <= rest || starts_at >= period.ends_at) continue;
    if (starts_at > rest) left.push({ ...period, starts_at: rest, ends_at: starts_at });
    rest = ends_at;
  }
  return rest < period.ends_at ? [...left, { ...period, starts_at: rest }] : left;
}

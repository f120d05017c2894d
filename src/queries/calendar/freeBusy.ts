// When a person is busy, and nothing else of what their calendar says (RFC 5545, section 3.6.4).
import { sql } from 'slonik';
import { z } from 'zod';
import { calendarEventRows } from '../../tables/calendar.ts';
import { invalid } from '../../validation.ts';
import { instant, storedInstant } from '../../vocabulary.ts';
import { computed } from '../query.ts';
import { MOST_OCCURRENCES, period, periodsOf, busyRow as row } from './busyPeriods.ts';

const LONGEST_DAYS = 400;

export const getFreeBusy = computed({
  name: 'getFreeBusy',
  route: 'GET /calendar/free-busy',
  summary: 'When you are busy',
  description: `The periods between \`from\` and \`to\` (at most ${LONGEST_DAYS} days later) in which something takes place that is not \`transparent\`, merged,
in order and cut to that range. What is \`tentative\` makes you \`busy_tentative\`, unless you are busy anyway. A range in which more than ${MOST_OCCURRENCES}
things take place is refused.`,
  filters: { from: instant, to: instant },
  refuses: [422],
  response: z.object({ from: storedInstant, to: storedInstant, periods: z.array(period) }),
  row,
  // An occurrence of a series may have been moved to before its beginning.
  sql: ({ from: own }, { from, to }) => sql.fragment`
    SELECT ${sql.join(
      Object.keys(row.shape).map((column) => sql.identifier(['t', column])),
      sql.fragment`, `,
    )} FROM ${own(calendarEventRows)} t
    WHERE t.status <> 'cancelled' AND (t.recurrence_rule IS NOT NULL OR (t.starts_at < ${to} AND t.ends_at > ${from}))`,
  answer: async (rows, { from, to }) => {
    const days = (Date.parse(to) - Date.parse(from)) / 86_400_000;
    if (days <= 0) throw invalid([{ in: 'query', pointer: '/to', detail: 'must be after from' }]);
    if (days > LONGEST_DAYS) throw invalid([{ in: 'query', pointer: '/to', detail: `must be at most ${LONGEST_DAYS} days after from` }]);
    return { body: { from, to, periods: await periodsOf(rows, from, to) } };
  },
});

// What takes place, merged into the periods in which somebody is busy.
import { z } from 'zod';
import { breathing } from '../../breath.ts';
import { occurrencesBetween } from '../../occurrences.ts';
import { Problem } from '../../problem.ts';
import { calendarEventRows, whenItTakesPlace } from '../../tables/calendar.ts';
import { storedInstant } from '../../vocabulary.ts';

export const MOST_OCCURRENCES = 20_000;

export const busyRow = calendarEventRows.row.pick({
  ...whenItTakesPlace,
  status: true,
  transparency: true,
});
type Row = Omit<z.output<typeof busyRow>, 'recurrence_exceptions'> & {
  readonly recurrence_exceptions: Readonly<z.output<typeof busyRow>['recurrence_exceptions']>;
};

export const period = z.object({ starts_at: storedInstant, ends_at: storedInstant, type: z.enum(['busy', 'busy_tentative']) });
type Period = z.output<typeof period>;

/** @throws Problem 422 */
export async function periodsOf(rows: readonly Row[], from: string, to: string): Promise<Period[]> {
  const breathe = breathing();
  const all: Period[] = [];
  let occurrences = 0;
  for (const event of rows) {
    for (const { starts_at, ends_at, changes } of occurrencesBetween(event, from, to)) {
      await breathe();
      occurrences += 1;
      if (occurrences > MOST_OCCURRENCES) throw tooMany();
      const { status, transparency } = { ...event, ...changes };
      const cut = { starts_at: starts_at < from ? from : starts_at, ends_at: ends_at > to ? to : ends_at };
      if (transparency === 'transparent' || cut.starts_at >= cut.ends_at) continue;
      all.push({ ...cut, type: status === 'tentative' ? 'busy_tentative' : 'busy' });
    }
    await breathe();
  }
  const busy = merged(all.filter(({ type }) => type === 'busy'));
  const tentative = without(merged(all.filter(({ type }) => type === 'busy_tentative')), busy);
  return [...busy, ...tentative].sort((a, b) => (a.starts_at < b.starts_at ? -1 : 1));
}

function tooMany(): Problem {
  const detail = `More than ${MOST_OCCURRENCES} things take place; ask for a shorter range.`;
  return new Problem(422, 'too-many-occurrences', detail, { errors: [{ in: 'query', pointer: '/to', detail }] });
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

/** What is left of periods. @param others as they are in order, none of them overlapping */
function without(periods: readonly Period[], others: readonly Period[]): Period[] {
  let first = 0;
  return periods.flatMap((period) => {
    const left: Period[] = [];
    let rest = period.starts_at;
    while ((others[first]?.ends_at ?? period.ends_at) <= rest) first += 1;
    for (let index = first; ; index += 1) {
      const other = others[index];
      if (!other || other.starts_at >= period.ends_at) break;
      if (other.starts_at > rest) left.push({ ...period, starts_at: rest, ends_at: other.starts_at });
      rest = other.ends_at;
    }
    return rest < period.ends_at ? [...left, { ...period, starts_at: rest }] : left;
  });
}

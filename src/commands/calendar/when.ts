// When a calendar event takes place: from what a person says (points in time, or days of a zone) to what is kept, or what
// is wrong with it.
import { z } from 'zod';
import type { calendarEventScheduled, invitationAnswered, inviteeInvited } from '../../events/calendar.ts';
import { unprocessable } from '../../problem.ts';
import { recurrenceRule } from '../../recurrence.ts';
import { instant, type invitationResponse, storedInstant, timezone } from '../../vocabulary.ts';
import { dayOf, startOfDay } from '../../zonedTime.ts';

type Scheduled = z.output<typeof calendarEventScheduled.schema>;
export type CalendarEvent = Scheduled & { readonly owner_id: string; readonly invitations: readonly Invitation[] };
export type Invitation = z.output<typeof inviteeInvited.schema> & {
  readonly response: z.output<typeof invitationResponse>;
  readonly comment: string | null;
  /** Who said it the last time; null where nobody has. */
  readonly answered_by: z.output<typeof invitationAnswered.schema>['answered_by'] | null;
  /** Of the last event about it. */
  readonly revision: number;
};
export type When = Pick<Scheduled, 'starts_at' | 'ends_at' | 'all_day' | 'timezone' | 'recurrence_rule' | 'recurrence_exceptions'>;

/** So that a range has a bounded number of occurrences. */
const LONGEST_RECURRING_MS = 367 * 24 * 3_600_000;

/** A point in time, or a day (`2026-12-24`) where whole days are meant; which, shows once the event's zone is known. */
export const moment = z
  .string()
  .max(40)
  .transform((text, context) => {
    if (/^\d{4}-\d\d-\d\d$/.test(text) && z.iso.date().safeParse(text).success && !text.startsWith('0000')) return text;
    const point = instant.safeParse(text);
    // RFC 5545 knows nothing shorter than a second.
    if (point.success && point.data.endsWith('.000Z')) return point.data;
    context.addIssue({
      code: 'custom',
      message:
        'must be an RFC 3339 date-time with an offset, to the second (2026-12-24T18:00:00+01:00), or for whole days a date (2026-12-24)',
    });
    return z.NEVER;
  })
  .pipe(z.string());

export const times = {
  starts_at: moment,
  ends_at: moment,
  all_day: z.boolean(),
  timezone,
  recurrence_rule: recurrenceRule.nullable(),
};

const isDay = (said: string) => said.length === 10;

/** The point in time that is meant. @throws Problem 422 where a day is named and no whole days are meant, or the other way round */
export function pointOf(said: string, { all_day, timezone }: Pick<When, 'all_day' | 'timezone'>, pointer: string): string {
  if (isDay(said) && !all_day) {
    throw unprocessable('time-missing', 'This is a day; an event that does not take whole days needs a time.', pointer);
  }
  const point = isDay(said) ? startOfDay(Temporal.PlainDate.from(said), timezone) : said;
  // The first and the last day there are can be in another year elsewhere.
  if (!storedInstant.safeParse(point).success) throw unprocessable('out-of-time', 'Years are from 1 to 9999.', pointer);
  if (all_day && startOfDay(dayOf(point, timezone), timezone) !== point) {
    throw unprocessable('not-a-day', `An event of whole days begins and ends with a day in ${timezone}.`, pointer);
  }
  return point;
}

/** What a person says of when an event takes place, made of points in time. @throws Problem 422 */
export function resolved<Said extends Omit<When, 'recurrence_exceptions'>>(said: Said): Said {
  const times = { starts_at: pointOf(said.starts_at, said, '/starts_at'), ends_at: pointOf(said.ends_at, said, '/ends_at') };
  refuseEarlyEnd(times, said.all_day, '/ends_at');
  if (said.recurrence_rule !== null) {
    if (Date.parse(times.ends_at) - Date.parse(times.starts_at) > LONGEST_RECURRING_MS) {
      throw unprocessable('too-long-to-recur', 'What takes longer than a year cannot recur.', '/ends_at');
    }
    if (said.all_day && said.recurrence_rule.includes('FREQ=HOURLY')) {
      throw unprocessable('hourly-whole-days', 'Whole days cannot recur by the hour.', '/recurrence_rule');
    }
  }
  return { ...said, ...times };
}

/** @throws Problem 422 */
export function refuseEarlyEnd({ starts_at, ends_at }: Pick<When, 'starts_at' | 'ends_at'>, all_day: boolean, pointer: string): void {
  if (ends_at < starts_at) throw unprocessable('ends-before-start', 'An event cannot end before it starts.', pointer);
  if (all_day && ends_at === starts_at) {
    throw unprocessable('ends-before-start', 'Whole days end with the beginning of the day after the last one.', pointer);
  }
}

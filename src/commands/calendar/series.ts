// A calendar event that takes place again and again: its exceptions, which are the occurrences that are not as its rule
// has them. Each is named by when the rule has it, as RFC 5545 does (section 3.8.4.4).
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { calendarEventCancelled, calendarEventChanged, calendarEventRescheduled } from '../../events/calendar.ts';
import type { NewEvent } from '../../events/event.ts';
import { endOf, occurringAmong } from '../../occurrences.ts';
import { conflict, unprocessable } from '../../problem.ts';
import { MOST_EXCEPTIONS } from '../../recurrence.ts';
import { dayOf, instantOf, startOfDay, wallClock } from '../../zonedTime.ts';
import { changed } from '../patch.ts';
import { type CalendarEvent, moment, pointOf, refuseEarlyEnd, resolved, type When } from './when.ts';

/** The body's list. @param details what may be different about an occurrence, beside its times */
export const exceptions = <Details extends z.ZodRawShape>(details: Details) => {
  const changes = z.strictObject({ ...details, starts_at: moment, ends_at: moment }).exactPartial();
  return z.array(z.strictObject({ recurrence_id: moment, changes: changes.nullable() })).max(MOST_EXCEPTIONS);
};

type Exceptions = When['recurrence_exceptions'];
type Changes = NonNullable<Exceptions[number]['changes']>;
type Patch = { [Field in keyof When]?: When[Field] };

/** When an event takes place once `patch` is done to it. @throws Problem 422 */
export function rescheduled(event: When, { recurrence_exceptions, ...patch }: Patch): When {
  const said = whenOf({ ...event, ...patch });
  // Days stay the days they are, wherever they are spent.
  if (event.all_day && said.all_day && said.timezone !== event.timezone) {
    said.starts_at = patch.starts_at ?? sameDay(event.starts_at, event.timezone, said.timezone);
    said.ends_at = patch.ends_at ?? sameDay(event.ends_at, event.timezone, said.timezone);
  }
  const when = resolved(said);
  if (!recurrence_exceptions && isDeepStrictEqual(when, whenOf(event))) return when;
  return { ...when, recurrence_exceptions: recurrence_exceptions ? checked(recurrence_exceptions, when) : takenAlong(event, when) };
}

const sameDay = (instant: string, from: string, to: string) => startOfDay(dayOf(instant, from), to);

const whenOf = ({ starts_at, ends_at, all_day, timezone, recurrence_rule, recurrence_exceptions }: When): When => ({
  starts_at,
  ends_at,
  all_day,
  timezone,
  recurrence_rule,
  recurrence_exceptions,
});

/** Exceptions as they are kept, from what a person says. @throws Problem 422 */
function checked(said: Exceptions, when: When): Exceptions {
  const named = said.map(({ recurrence_id, changes }, index) => {
    const pointer = `/recurrence_exceptions/${index}`;
    return { recurrence_id: pointOf(recurrence_id, when, `${pointer}/recurrence_id`), changes, pointer };
  });
  const ids = named.map(({ recurrence_id }) => recurrence_id);
  const occurring = occurringAmong(when, ids);
  const kept = named.flatMap(({ recurrence_id, changes, pointer }, index): Exceptions => {
    if (!occurring.has(recurrence_id)) throw noSuchOccurrence(`${pointer}/recurrence_id`);
    if (ids.indexOf(recurrence_id) < index) {
      throw unprocessable('occurrence-named-twice', 'This occurrence is in the list twice.', `${pointer}/recurrence_id`);
    }
    const { starts_at, ends_at, ...details } = changes ?? {};
    const differs = changes && { ...details, ...timesOf(changes, recurrence_id, when, `${pointer}/changes`) };
    return differs && Object.keys(differs).length === 0 ? [] : [{ recurrence_id, changes: differs }];
  });
  return inOrder(kept);
}

/** When an occurrence begins and ends, or nothing where that is when the rule has it. @throws Problem 422 */
function timesOf({ starts_at, ends_at }: Changes, recurrence_id: string, when: When, pointer: string): Changes {
  const byRule = { starts_at: recurrence_id, ends_at: endOf(recurrence_id, when) };
  const times = {
    starts_at: starts_at === undefined ? byRule.starts_at : pointOf(starts_at, when, `${pointer}/starts_at`),
    ends_at: ends_at === undefined ? byRule.ends_at : pointOf(ends_at, when, `${pointer}/ends_at`),
  };
  refuseEarlyEnd(times, when.all_day, `${pointer}/ends_at`);
  return isDeepStrictEqual(times, byRule) ? {} : times;
}

/** The exceptions once the series takes place at other times: each goes along with its occurrence, where that is still one. */
function takenAlong(before: When, after: When): Exceptions {
  if (before.recurrence_exceptions.length === 0) return [];
  const shift = wallClock(before.starts_at, before.timezone).until(wallClock(after.starts_at, after.timezone));
  const isMoved = !shift.blank || before.timezone !== after.timezone;
  const moved = before.recurrence_exceptions.map(({ recurrence_id, changes }) => ({
    recurrence_id: isMoved ? instantOf(wallClock(recurrence_id, before.timezone).add(shift), after.timezone) : recurrence_id,
    changes: changes && takenAlongTimes(changes, before, after),
  }));
  const occurring = occurringAmong(
    after,
    moved.map(({ recurrence_id }) => recurrence_id),
  );
  return moved.filter(
    ({ recurrence_id, changes }) => occurring.has(recurrence_id) && (changes === null || Object.keys(changes).length > 0),
  );
}

/** What one occurrence was moved to stays where it is, but that days stay days. */
function takenAlongTimes({ starts_at, ends_at, ...details }: Changes, before: When, after: When): Changes {
  if (starts_at === undefined || ends_at === undefined || before.all_day !== after.all_day) return details;
  if (!after.all_day) return { ...details, starts_at, ends_at };
  return {
    ...details,
    starts_at: pointOf(sameDay(starts_at, before.timezone, after.timezone), after, '/timezone'),
    ends_at: pointOf(sameDay(ends_at, before.timezone, after.timezone), after, '/timezone'),
  };
}

/** One occurrence changes. @throws Problem */
export function changedOccurrence(event: CalendarEvent, said: string, patch: Changes): readonly NewEvent[] {
  const { recurrence_id, exception } = occurrenceOf(event, said);
  if (exception?.changes === null && patch.status === undefined) {
    throw conflict('occurrence-cancelled', 'This occurrence does not take place; give it a status first.', '/recurrence_id');
  }
  const { starts_at, ends_at, ...details } = patch;
  const { starts_at: oldStart, ends_at: oldEnd, ...oldDetails } = exception?.changes ?? {};
  const oldTimes = oldStart === undefined || oldEnd === undefined ? {} : { starts_at: oldStart, ends_at: oldEnd };
  const newTimes = { ...oldTimes, ...(starts_at !== undefined && { starts_at }), ...(ends_at !== undefined && { ends_at }) };
  const differs = changed(event, { ...oldDetails, ...details }) ?? {};

  const changedTo = withException(event, recurrence_id, { ...differs, ...oldTimes });
  const movedTo = withException(event, recurrence_id, { ...differs, ...timesOf(newTimes, recurrence_id, event, '') });
  return [
    ...(isDeepStrictEqual(changedTo, event.recurrence_exceptions)
      ? []
      : [calendarEventChanged({ recurrence_id, recurrence_exceptions: changedTo })]),
    ...(isDeepStrictEqual(movedTo, changedTo)
      ? []
      : [calendarEventRescheduled({ ...whenOf(event), recurrence_id, recurrence_exceptions: movedTo })]),
  ];
}

/** One occurrence does not take place. @throws Problem */
export function cancelledOccurrence(event: CalendarEvent, said: string): readonly NewEvent[] {
  const { recurrence_id, exception } = occurrenceOf(event, said);
  if (exception?.changes === null) return [];
  return [calendarEventCancelled({ recurrence_id, recurrence_exceptions: withException(event, recurrence_id, null) })];
}

/** @throws Problem 422 */
function occurrenceOf(event: CalendarEvent, said: string) {
  const recurrence_id = pointOf(said, event, '/recurrence_id');
  if (!occurringAmong(event, [recurrence_id]).has(recurrence_id)) throw noSuchOccurrence('/recurrence_id');
  return { recurrence_id, exception: event.recurrence_exceptions.find((exception) => exception.recurrence_id === recurrence_id) };
}

/** @param changes null: it does not take place; none: it is as the rule has it. @throws Problem 409 */
function withException({ recurrence_exceptions }: When, recurrence_id: string, changes: Changes | null): Exceptions {
  const others = recurrence_exceptions.filter((exception) => exception.recurrence_id !== recurrence_id);
  if (changes !== null && Object.keys(changes).length === 0) return others;
  if (others.length >= MOST_EXCEPTIONS) {
    throw conflict('too-many-exceptions', `A series can have ${MOST_EXCEPTIONS} exceptions.`);
  }
  return inOrder([...others, { recurrence_id, changes }]);
}

const inOrder = (exceptions: Exceptions) => exceptions.sort((a, b) => (a.recurrence_id < b.recurrence_id ? -1 : 1));

const noSuchOccurrence = (pointer: string) =>
  unprocessable(
    'no-such-occurrence',
    'The rule has no occurrence at this time (recurrence_exceptions name the time before any change).',
    pointer,
  );

// When: the dates, times and durations of RFC 5545, sections 3.3.4 to 3.3.6, as points in time.
import { instantOf, startOfDay, wallClock } from '../zonedTime.ts';
import { type Component, type Found, propertiesOf, Unreadable, valuesOf } from './contentLines.ts';
import type { Zones } from './zones.ts';

/** Which zones there are, and whose clock a time without one is of. */
export type Clocks = { readonly zones: Zones; readonly floating: string };

/** What a DATE or DATE-TIME says: a day, or what the clock of a zone shows. */
export type Moment = { readonly isDay: boolean; readonly clock: Temporal.PlainDateTime; readonly timezone: string };

export function momentOf(found: Found, clocks: Clocks): Moment {
  const [moment] = momentsOf(found, clocks);
  if (!moment) throw new Unreadable(found.line, 'time-unreadable', 'There is no time here.');
  return moment;
}

const WRITTEN = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d):(\d\d)(Z)?)?$/;

export function momentsOf(found: Found, { zones, floating }: Clocks): Moment[] {
  const { written, parameters, line } = found;
  return valuesOf(found).map((value, index) => {
    const [, year, month, day, hour, minute, second, isUtc] = WRITTEN.exec(String(value).replace(/T::$/, '')) ?? [];
    if (year === undefined) throw new Unreadable(line, 'time-unreadable', `“${written.split(',')[index] ?? ''}” is no date and no time.`);
    const tzid = parameters.get('tzid');
    const timezone = isUtc ? 'UTC' : tzid === undefined ? floating : zones.find(tzid);
    if (timezone === undefined)
      throw new Unreadable(
        line,
        'unknown-timezone',
        `There is no time zone called “${tzid}”, and the file does not say how its clock goes.`,
      );
    try {
      const time = { hour: Number(hour ?? 0), minute: Number(minute ?? 0), second: Math.min(Number(second ?? 0), 59) };
      const clock = Temporal.PlainDateTime.from(
        { year: Number(year), month: Number(month), day: Number(day), ...time },
        { overflow: 'reject' },
      );
      return { isDay: hour === undefined, clock, timezone };
    } catch {
      throw new Unreadable(line, 'time-unreadable', `There is no ${String(value)}.`);
    }
  });
}

/** @param zone whose days are meant */
export const pointOf = ({ isDay, clock, timezone }: Moment, zone: string): string =>
  isDay ? startOfDay(clock.toPlainDate(), zone) : instantOf(clock, timezone);

/** RFC 5545, section 3.6.1: without an end, a day is a day long and a point in time is a point. */
export function endOf(component: Component, begins: Moment, zone: string, clocks: Clocks): string {
  const start = pointOf(begins, zone);
  const [end] = propertiesOf(component, 'dtend');
  const nextDay = (day: Temporal.PlainDate) => startOfDay(day.add({ days: 1 }), zone);
  if (end) {
    const ends = momentOf(end, clocks);
    if (!begins.isDay) return pointOf(ends, begins.timezone);
    const day = ends.clock.toPlainDate();
    // A whole day that ends on the day it begins, as some write it, is that day.
    return Temporal.PlainDate.compare(day, begins.clock.toPlainDate()) === 0 ? nextDay(day) : startOfDay(day, zone);
  }
  const [duration] = propertiesOf(component, 'duration');
  if (duration) {
    const { days, seconds } = durationOf(duration);
    // Days go by the calendar, hours by the clock that never changes.
    const later = begins.isDay
      ? startOfDay(begins.clock.toPlainDate().add({ days: Math.max(1, days + Math.ceil(seconds / 86_400)) }), zone)
      : instantOf(wallClock(start, begins.timezone).add({ days }), begins.timezone);
    return begins.isDay ? later : new Date(Date.parse(later) + seconds * 1_000).toISOString();
  }
  return begins.isDay ? nextDay(begins.clock.toPlainDate()) : start;
}

const DURATION = /^([+-])?P(?:(\d{1,5})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,8})M)?(?:(\d{1,9})S)?)?$/;

export function durationOf(found: Found): { days: number; seconds: number } {
  const value = String(valuesOf(found)[0]);
  const parts = DURATION.exec(value);
  if (!parts) throw new Unreadable(found.line, 'duration-unreadable', `“${value}” is no duration.`);
  const [weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = parts.slice(2).map((part) => Number(part ?? 0));
  const sign = parts[1] === '-' ? -1 : 1;
  return { days: sign * (weeks * 7 + days), seconds: sign * (hours * 3_600 + minutes * 60 + seconds) };
}

// When something that recurs takes place (RFC 5545, section 3.3.10). A rule goes by the clock on the wall of its zone, so
// here days and seconds of that clock are counted, and only what comes out becomes points in time (zonedTime.ts says how,
// where the clock is put forward or back). What it costs is bounded by the time that is asked for: a rule is taken up
// there, not at its beginning; one with COUNT has to be followed from its beginning, for 200 years at the most.
import { parseRule, type Rule } from './recurrence.ts';
import { dayOf, instantOf, startOfDay, wallClock } from './zonedTime.ts';

/** When something takes place the first time, and by which rule again. */
export type Series = {
  readonly starts_at: string;
  readonly ends_at: string;
  readonly all_day: boolean;
  readonly timezone: string;
  readonly recurrence_rule: string | null;
};

/** One time that something takes place: `recurrence_id` is when its rule has it, and null where it has none. */
export type Occurrence = {
  readonly recurrence_id: string | null;
  readonly starts_at: string;
  readonly ends_at: string;
  readonly changes: Readonly<Record<string, unknown>>;
};

type Exceptions = readonly { readonly recurrence_id: string; readonly changes: Readonly<Record<string, unknown>> | null }[];

const DAY = 86_400;
const LONGEST_COUNT = 200 * 366 * DAY;
/** What lasts a year and begins in the year after it can still be said. */
const LAST_YEAR = 9998;

/** Whether something from one time until before another has to do with a range of the same kind. What takes no time is where it begins. */
const overlaps = (starts_at: string, ends_at: string, from: string, to: string) => starts_at < to && (ends_at > from || starts_at >= from);

/**
 * What takes place within a range, its end excluded, in order of beginning.
 * @param since leaves out what begins before this
 */
export function* occurrencesBetween(
  series: Series & { readonly recurrence_exceptions: Exceptions },
  from: string,
  to: string,
  since?: string,
): Generator<Occurrence> {
  const { starts_at, ends_at, recurrence_rule, recurrence_exceptions } = series;
  const isAsked = (each: Occurrence) =>
    overlaps(each.starts_at, each.ends_at, from, to) && (since === undefined || each.starts_at >= since);
  if (recurrence_rule === null) {
    yield* [{ recurrence_id: null, starts_at, ends_at, changes: {} }].filter(isAsked);
    return;
  }
  const excepted = new Set(recurrence_exceptions.map(({ recurrence_id }) => recurrence_id));
  const otherwise = recurrence_exceptions
    .flatMap(({ recurrence_id, changes }): Occurrence[] => {
      if (changes === null) return [];
      return [{ recurrence_id, starts_at: recurrence_id, ends_at: endOf(recurrence_id, series), ...timesIn(changes), changes }];
    })
    .filter(isAsked)
    .sort((a, b) => (a.starts_at < b.starts_at ? -1 : 1));
  for (const start of startsBetween(series, since ?? earlier(from, lengthOf(series)), to)) {
    const byRule = { recurrence_id: start, starts_at: start, ends_at: endOf(start, series), changes: {} };
    if (excepted.has(start) || !isAsked(byRule)) continue;
    while (otherwise[0] && otherwise[0].starts_at <= start) yield* otherwise.splice(0, 1);
    yield byRule;
  }
  yield* otherwise;
}

function timesIn({ starts_at, ends_at }: Readonly<Record<string, unknown>>): Partial<Pick<Occurrence, 'starts_at' | 'ends_at'>> {
  return typeof starts_at === 'string' && typeof ends_at === 'string' ? { starts_at, ends_at } : {};
}

/** When an occurrence ends that begins as its rule has it: after as many days, or after as long a time (section 3.8.5.3). */
export function endOf(start: string, series: Series): string {
  const { starts_at, ends_at, all_day, timezone } = series;
  if (!all_day) return new Date(Date.parse(start) + Date.parse(ends_at) - Date.parse(starts_at)).toISOString();
  return startOfDay(dayOf(start, timezone).add(dayOf(starts_at, timezone).until(dayOf(ends_at, timezone))), timezone);
}

/** In milliseconds, and a day more where whole days differ in length. */
const lengthOf = ({ starts_at, ends_at, all_day }: Series) => Date.parse(ends_at) - Date.parse(starts_at) + (all_day ? DAY * 1_000 : 0);

const earlier = (instant: string, milliseconds: number) =>
  new Date(Math.max(Date.parse(instant) - milliseconds, Date.parse('0001-01-01T00:00:00.000Z'))).toISOString();

/** Those of these times at which the rule has an occurrence. Only what the clock shows about then becomes points in time. */
export function occurringAmong(series: Series, times: readonly string[]): ReadonlySet<string> {
  const latest = times.toSorted().at(-1);
  if (series.recurrence_rule === null || latest === undefined) return new Set();
  const rule = parseRule(series.recurrence_rule);
  const isOver = endOfRule(rule, series);
  const begin = momentOf(wallClock(series.starts_at, series.timezone));
  const last = lastCounted(rule, series, begin, momentOf(wallClock(latest, series.timezone)) + DAY);
  const isOccurring = (time: string) => {
    if (time <= series.starts_at || isOver(time)) return time === series.starts_at;
    const shown = momentOf(wallClock(time, series.timezone));
    // Where the clock is put forward, what it skips comes out as later as it is put.
    const skipped = Math.abs(offsetAt(time, -DAY, series) - offsetAt(time, DAY, series));
    const isNear = (moment: number) => moment > begin && moment <= last && moment >= shown - skipped && moment <= shown;
    for (const set of sets(rule, series.all_day, begin, shown - skipped, shown)) {
      if (set.some((moment) => isNear(moment) && pointsAt(moment, series).includes(time))) return true;
    }
    return false;
  };
  return new Set([...new Set(times)].filter(isOccurring));
}

/** By how many seconds the clock is ahead of UTC so many seconds after a time. */
function offsetAt(time: string, later: number, { timezone }: Series): number {
  const at = Temporal.Instant.fromEpochMilliseconds(Date.parse(time) + later * 1_000);
  return at.toZonedDateTimeISO(timezone).offsetNanoseconds / 1e9;
}

/** The last moment that COUNT lets a rule have, or that it has until another. */
function lastCounted(rule: Rule, { all_day }: Series, begin: number, until: number): number {
  if (rule.count === undefined) return Number.POSITIVE_INFINITY;
  let left = rule.count - 1;
  let last = Number.NEGATIVE_INFINITY;
  for (const set of sets(rule, all_day, begin, begin, Math.min(until, begin + LONGEST_COUNT))) {
    const further = set.filter((moment) => moment > begin).slice(0, left);
    left -= further.length;
    last = further.at(-1) ?? last;
    if (left === 0) break;
  }
  return last;
}

/**
 * When occurrences begin as the rule has them, from one time until before another, in order. The first is when the series
 * begins, whether the rule says so or not. Two that a clock's being put forward lays upon each other are one.
 */
export function* startsBetween(series: Series, from: string, to: string): Generator<string> {
  const { starts_at, timezone, recurrence_rule } = series;
  if (starts_at >= from && starts_at < to) yield starts_at;
  if (recurrence_rule === null || starts_at >= to) return;
  const rule = parseRule(recurrence_rule);
  const isOver = endOfRule(rule, series);
  const begin = momentOf(wallClock(starts_at, timezone));
  // A clock is never put forward or back by more than a day.
  const first = momentOf(wallClock(from, timezone)) - DAY;
  const last = momentOf(wallClock(to, timezone)) + DAY;

  const isCounted = rule.count !== undefined;
  let left = isCounted ? rule.count - 1 : Number.POSITIVE_INFINITY;
  let before = new Set<string>();
  for (const set of sets(
    rule,
    series.all_day,
    begin,
    isCounted ? begin : first,
    isCounted ? Math.min(last, begin + LONGEST_COUNT) : last,
  )) {
    const further = set.filter((moment) => moment > begin).slice(0, left);
    left -= further.length;
    const points = new Set(
      further
        .filter((moment) => moment >= first && moment <= last)
        .flatMap((moment) => pointsAt(moment, series))
        .sort(),
    );
    for (const point of points) {
      if (isOver(point)) return;
      if (point >= from && point < to && point > starts_at && !before.has(point)) yield point;
    }
    if (left === 0) return;
    before = points;
  }
}

/** Whether a point in time is past the rule's UNTIL, which is included. */
function endOfRule({ until }: Rule, { timezone }: Series): (point: string) => boolean {
  if (until === undefined) return () => false;
  if ('instant' in until) {
    const last = until.instant.epochMilliseconds;
    return (point) => Date.parse(point) > last;
  }
  if ('day' in until) return (point) => Temporal.PlainDate.compare(dayOf(point, timezone), until.day) > 0;
  return (point) => Temporal.PlainDateTime.compare(wallClock(point, timezone), until.wallClock) > 0;
}

/** What a moment of the clock is in time: nothing where whole days are meant and the zone has no such day. */
function pointsAt(moment: number, { all_day, timezone }: Series): string[] {
  const shown = Temporal.PlainDateTime.from(new Date(moment * 1_000).toISOString().slice(0, 19));
  if (!all_day) return [instantOf(shown, timezone)];
  const point = startOfDay(shown.toPlainDate(), timezone);
  return dayOf(point, timezone).equals(shown.toPlainDate()) ? [point] : [];
}

// From here on there are no zones. A moment is seconds since 1970 as the clock shows them, and a day is numbered from then.

const momentOf = (shown: Temporal.PlainDateTime) => Math.floor(shown.toZonedDateTime('UTC').epochMilliseconds / 1_000);

type Day = {
  readonly number: number;
  readonly year: number;
  /** From 1. */
  readonly month: number;
  readonly monthDay: number;
  /** From Monday, which is 0. */
  readonly weekday: number;
};

function dayNumbered(number: number): Day {
  const date = new Date(number * DAY * 1_000);
  const [year, month, monthDay] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
  return { number, year, month, monthDay, weekday: (date.getUTCDay() + 6) % 7 };
}

/** @param month from 1; 13 is the next January */
const numberOf = (year: number, month: number, monthDay: number) => new Date(0).setUTCFullYear(year, month - 1, monthDay) / (DAY * 1_000);

/** The periods that a frequency counts in: the index of the one with a day, and the number of the day one begins with. */
type Periods = { readonly indexOf: (day: Day) => number; readonly begin: (index: number) => number };

function periodsOf({ frequency, weekStart }: Rule): Periods {
  if (frequency === 'YEARLY') return { indexOf: ({ year }) => year, begin: (year) => numberOf(year, 1, 1) };
  if (frequency === 'MONTHLY') {
    return { indexOf: ({ year, month }) => year * 12 + month - 1, begin: (index) => numberOf(Math.floor(index / 12), 1 + (index % 12), 1) };
  }
  // The first day of 1970 was a Thursday.
  if (frequency === 'WEEKLY') {
    return { indexOf: ({ number }) => Math.floor((number + 3 - weekStart) / 7), begin: (index) => index * 7 - 3 + weekStart };
  }
  return { indexOf: ({ number }) => number, begin: (number) => number };
}

/** The recurrence set of each period that has to do with the time from `first` to `last`, and is none before the beginning. */
function* sets(given: Rule, all_day: boolean, begin: number, first: number, last: number): Generator<readonly number[]> {
  const beginning = dayNumbered(Math.floor(begin / DAY));
  const rule = completed(given, beginning, begin - beginning.number * DAY, all_day);
  const hourly = rule.frequency === 'HOURLY' ? Math.floor(begin / 3_600) : undefined;
  const { indexOf, begin: beginOf } = periodsOf(rule);
  const step = hourly === undefined ? rule.interval : 1;
  const start = indexOf(beginning);
  const skipped = Math.max(0, Math.floor((indexOf(dayNumbered(Math.floor(first / DAY))) - start) / step));
  for (let index = start + skipped * step; beginOf(index) * DAY <= last; index += step) {
    const days: Day[] = [];
    for (let number = beginOf(index); number < beginOf(index + 1); number += 1) {
      const day = dayNumbered(number);
      if (day.year > LAST_YEAR) return;
      if (fits(day, rule)) days.push(day);
    }
    if (hourly === undefined)
      yield positioned(
        rule,
        days.flatMap(({ number }) => momentsOf(number, rule.hours, rule)),
      );
    else {
      // The hours of a day are handed on together, for a clock that is put forward can lay them upon each other.
      yield days.flatMap(({ number }) =>
        rule.hours
          .filter((hour) => (number * 24 + hour - hourly) % rule.interval === 0)
          .flatMap((hour) => positioned(rule, momentsOf(number, [hour], rule))),
      );
    }
  }
}

/** What a rule leaves open is as it is the first time. */
function completed(rule: Rule, { month, monthDay, weekday }: Day, second: number, all_day: boolean): Rule {
  const { frequency, months, weeks, yearDays, monthDays, weekdays } = rule;
  const saysNoDay = yearDays.length + monthDays.length + weekdays.length === 0;
  const or = (numbers: readonly number[], number: number) => (numbers.length > 0 ? numbers : [number]);
  const times = {
    hours: or(rule.hours, Math.floor(second / 3_600)),
    minutes: or(rule.minutes, Math.floor(second / 60) % 60),
    seconds: or(rule.seconds, second % 60),
    ...(frequency === 'HOURLY' && rule.hours.length === 0 && { hours: Array.from({ length: 24 }, (_, hour) => hour) }),
    // Whole days have no times (section 3.3.10).
    ...(all_day && { hours: [0], minutes: [0], seconds: [0] }),
  };
  const days = {
    ...((frequency === 'MONTHLY' || (frequency === 'YEARLY' && weeks.length === 0)) && saysNoDay && { monthDays: [monthDay] }),
    ...(frequency === 'YEARLY' && weeks.length === 0 && saysNoDay && { months: or(months, month) }),
    ...((frequency === 'WEEKLY' || weeks.length > 0) && saysNoDay && { weekdays: [{ ordinal: 0, weekday }] }),
  };
  return { ...rule, ...times, ...days };
}

const momentsOf = (day: number, hours: readonly number[], { minutes, seconds }: Rule) =>
  hours.flatMap((hour) => minutes.flatMap((minute) => seconds.map((second) => day * DAY + hour * 3_600 + minute * 60 + second)));

/** Those of a set that BYSETPOS picks. */
function positioned({ positions }: Rule, set: number[]): number[] {
  if (positions.length === 0) return set;
  const picked = positions.flatMap((position) => set.at(position > 0 ? position - 1 : position) ?? []);
  return [...new Set(picked)].sort((a, b) => a - b);
}

function fits(day: Day, rule: Rule): boolean {
  const { months, weeks, yearDays, monthDays, weekdays } = rule;
  if (months.length > 0 && !months.includes(day.month)) return false;
  if (monthDays.length > 0 && !isOneOf(monthDays, inMonth(day))) return false;
  if (weekdays.length > 0 && !weekdays.some((each) => isWeekday(day, each, rule))) return false;
  if (yearDays.length > 0 && !isOneOf(yearDays, inYear(day))) return false;
  return weeks.length === 0 || isOneOf(weeks, weekOf(day, rule.weekStart));
}

/** The how manieth of how many. */
type Place = { readonly place: number; readonly of: number };

const isOneOf = (numbers: readonly number[], { place, of }: Place) => numbers.includes(place) || numbers.includes(place - of - 1);

const inMonth = ({ year, month, monthDay }: Day): Place => ({
  place: monthDay,
  of: numberOf(year, month + 1, 1) - numberOf(year, month, 1),
});

function inYear({ number, year }: Day): Place {
  const begin = numberOf(year, 1, 1);
  return { place: number - begin + 1, of: numberOf(year + 1, 1, 1) - begin };
}

function isWeekday(day: Day, { ordinal, weekday }: Rule['weekdays'][number], { frequency, months }: Rule): boolean {
  if (day.weekday !== weekday) return false;
  if (ordinal === 0) return true;
  const { place, of } = frequency === 'MONTHLY' || months.length > 0 ? inMonth(day) : inYear(day);
  return ordinal === (ordinal > 0 ? Math.ceil(place / 7) : -Math.ceil((of - place + 1) / 7));
}

/** The week of a day, among those of the year that has most of its days. */
function weekOf({ number, weekday }: Day, weekStart: number): Place {
  // The fourth day of a week is in its year, and so are the fourth of January and the 28th of December.
  const fourth = number - ((weekday - weekStart + 7) % 7) + 3;
  const { year } = dayNumbered(fourth);
  const place = Math.floor((fourth - numberOf(year, 1, 1)) / 7) + 1;
  const last = dayNumbered(numberOf(year, 12, 28));
  const lastFourth = last.number - ((last.weekday - weekStart + 7) % 7) + 3;
  return { place, of: Math.floor((lastFourth - numberOf(year, 1, 1)) / 7) + 1 };
}

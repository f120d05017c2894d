// Recurrence rules (RFC 5545, section 3.3.10): what people hand in, and what it says. When a rule has something take place
// is in occurrences.ts. docs/decisions/0014 says why no library does either.
import { z } from 'zod';

export const WEEKDAYS = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'];
const FREQUENCIES = ['YEARLY', 'MONTHLY', 'WEEKLY', 'DAILY', 'HOURLY'] as const;

/** A rule in parts. Lists are empty where a part is not there; weekdays are numbered from Monday, which is 0. */
export type Rule = {
  readonly frequency: (typeof FREQUENCIES)[number];
  readonly interval: number;
  readonly count: number | undefined;
  readonly until: Until | undefined;
  readonly weekStart: number;
  readonly months: readonly number[];
  readonly weeks: readonly number[];
  readonly yearDays: readonly number[];
  readonly monthDays: readonly number[];
  /** `ordinal` 0: every one. */
  readonly weekdays: readonly { readonly ordinal: number; readonly weekday: number }[];
  readonly hours: readonly number[];
  readonly minutes: readonly number[];
  readonly seconds: readonly number[];
  readonly positions: readonly number[];
};

/** The last moment, which is included: a day, what the clock on the wall shows, or a point in time. */
export type Until =
  | { readonly day: Temporal.PlainDate }
  | { readonly wallClock: Temporal.PlainDateTime }
  | { readonly instant: Temporal.Instant };

/** The parts that are lists of numbers: the least and the greatest, and whether they can be counted from the end. */
const LISTS: Readonly<Record<string, readonly [least: number, greatest: number, fromEnd?: 'or from the end']>> = {
  BYMONTH: [1, 12],
  BYWEEKNO: [1, 53, 'or from the end'],
  BYYEARDAY: [1, 366, 'or from the end'],
  BYMONTHDAY: [1, 31, 'or from the end'],
  BYHOUR: [0, 23],
  BYMINUTE: [0, 59],
  BYSECOND: [0, 59],
  BYSETPOS: [1, 366, 'or from the end'],
};
const PARTS = new Set(['FREQ', 'INTERVAL', 'COUNT', 'UNTIL', 'WKST', 'BYDAY', ...Object.keys(LISTS)]);
/** Where the RFC allows a part, if not everywhere. */
const ONLY_IN: Readonly<Record<string, readonly Rule['frequency'][]>> = {
  BYWEEKNO: ['YEARLY'],
  BYYEARDAY: ['YEARLY', 'HOURLY'],
  BYMONTHDAY: ['YEARLY', 'MONTHLY', 'DAILY', 'HOURLY'],
};
const UNTIL = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?$/;
const BYDAY = /^([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)$/;
const MOST_A_DAY = 100;
/** How many occurrences of a series can be otherwise than its rule has them. */
export const MOST_EXCEPTIONS = 500;

/** A rule without its `RRULE:` prefix, such as `FREQ=WEEKLY;BYDAY=MO,WE`; upper-cased. */
export const recurrenceRule = z
  .string()
  .trim()
  .max(1_000)
  .toUpperCase()
  .superRefine((text, context) => {
    try {
      parseRule(text);
    } catch (error) {
      if (!(error instanceof RuleFault)) throw error;
      context.addIssue({ code: 'custom', message: `must be a recurrence rule (RFC 5545): ${error.message}` });
    }
  });

class RuleFault extends Error {}

/** @throws where it is none */
export function parseRule(text: string): Rule {
  const given = new Map<string, string>();
  for (const part of text.split(';')) {
    const [name = '', value, ...rest] = part.split('=');
    if (!PARTS.has(name) || !value || rest.length > 0) throw new RuleFault(`"${part.slice(0, 100)}" is not a part of one`);
    if (given.has(name)) throw new RuleFault(`${name} is given twice`);
    given.set(name, value);
  }
  const rule = {
    frequency: frequencyOf(given.get('FREQ')),
    interval: wholeNumber('INTERVAL', given) ?? 1,
    count: wholeNumber('COUNT', given),
    until: untilOf(given.get('UNTIL')),
    weekStart: weekdayOf(given.get('WKST') ?? 'MO'),
    months: numbers('BYMONTH', given),
    weeks: numbers('BYWEEKNO', given),
    yearDays: numbers('BYYEARDAY', given),
    monthDays: numbers('BYMONTHDAY', given),
    weekdays: weekdaysOf(given.get('BYDAY')),
    hours: numbers('BYHOUR', given),
    minutes: numbers('BYMINUTE', given),
    seconds: numbers('BYSECOND', given),
    positions: numbers('BYSETPOS', given),
  };
  const fault = misfit(rule, given);
  if (fault !== undefined) throw new RuleFault(fault);
  return rule;
}

/** What is wrong with a rule whose parts are right each by itself. */
function misfit(rule: Rule, given: ReadonlyMap<string, string>): string | undefined {
  const { frequency } = rule;
  if (rule.count !== undefined && rule.until !== undefined) return 'COUNT and UNTIL exclude each other';
  for (const [part, frequencies] of Object.entries(ONLY_IN)) {
    if (given.has(part) && !frequencies.includes(frequency)) return `${part} is not for FREQ=${frequency}`;
  }
  if (rule.weekdays.some(({ ordinal }) => ordinal !== 0)) {
    if (frequency !== 'YEARLY' && frequency !== 'MONTHLY') return `BYDAY takes no numbers with FREQ=${frequency}`;
    if (rule.weeks.length > 0) return 'BYDAY takes no numbers with BYWEEKNO';
  }
  const hours = frequency === 'HOURLY' ? 24 : Math.max(rule.hours.length, 1);
  if (hours * Math.max(rule.minutes.length, 1) * Math.max(rule.seconds.length, 1) > MOST_A_DAY) {
    return `it is more than ${MOST_A_DAY} times a day`;
  }
  return undefined;
}

function frequencyOf(text: string | undefined): Rule['frequency'] {
  if (text === undefined) throw new RuleFault('FREQ is missing');
  const frequency = FREQUENCIES.find((known) => known === text);
  if (!frequency) throw new RuleFault(`FREQ must be one of ${FREQUENCIES.join(', ')}`);
  return frequency;
}

function wholeNumber(part: string, given: ReadonlyMap<string, string>): number | undefined {
  const text = given.get(part);
  if (text === undefined) return undefined;
  if (!/^0*[1-9]\d{0,4}$/.test(text)) throw new RuleFault(`${part} must be a whole number from 1 to 99999`);
  return Number(text);
}

function numbers(part: string, given: ReadonlyMap<string, string>): readonly number[] {
  const [least = 0, greatest = 0, fromEnd] = LISTS[part] ?? [];
  const found = (given.get(part)?.split(',') ?? []).map((text) => {
    const number = /^[+-]?\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
    const size = fromEnd ? Math.abs(number) : number;
    if (size >= least && size <= greatest) return number;
    throw new RuleFault(`${part} must be from ${least} to ${greatest}${fromEnd ? `, or from -${greatest} to -${least}` : ''}`);
  });
  return [...new Set(found)].sort((a, b) => a - b);
}

function weekdaysOf(text: string | undefined): Rule['weekdays'] {
  return (text?.split(',') ?? []).map((day) => {
    const [matched, ordinal = '0', name = ''] = BYDAY.exec(day) ?? [];
    const isOrdinal = /[1-9]/.test(ordinal) && Math.abs(Number(ordinal)) <= 53;
    if (matched === undefined || (ordinal !== '0' && !isOrdinal)) throw new RuleFault(`"${day}" is no day of the week`);
    return { ordinal: Number(ordinal), weekday: weekdayOf(name) };
  });
}

function weekdayOf(name: string): number {
  if (!WEEKDAYS.includes(name)) throw new RuleFault(`WKST must be one of ${WEEKDAYS.join(', ')}`);
  return WEEKDAYS.indexOf(name);
}

function untilOf(text: string | undefined): Until | undefined {
  if (text === undefined) return undefined;
  const [, ...fields] = UNTIL.exec(text) ?? [];
  const [year, month, day, hour, minute, second] = fields.map(Number);
  try {
    const date = Temporal.PlainDate.from({ year: year ?? 0, month: month ?? 0, day: day ?? 0 }, { overflow: 'reject' });
    if (fields[3] === undefined) return { day: date };
    // A leap second is the last one before it.
    const time = { hour: hour ?? 0, minute: minute ?? 0, second: Math.min(second ?? 0, 59) };
    const wallClock = date.toPlainDateTime(Temporal.PlainTime.from(time, { overflow: 'reject' }));
    return fields[6] === 'Z' ? { instant: wallClock.toZonedDateTime('UTC').toInstant() } : { wallClock };
  } catch {
    throw new RuleFault('UNTIL must be a date or a time, such as 20261224T170000Z');
  }
}

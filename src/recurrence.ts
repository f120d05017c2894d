// Recurrence rules (RFC 5545, section 3.3.10) as people hand them in. ical.js reads rules, but takes an interval of zero,
// parts that it does not know and days that do not exist for granted, so what it lets through is checked first.
import ICAL from 'ical.js';
import { z } from 'zod';

const PARTS = new Set(
  'FREQ UNTIL COUNT INTERVAL BYSECOND BYMINUTE BYHOUR BYDAY BYMONTHDAY BYYEARDAY BYWEEKNO BYMONTH BYSETPOS WKST'.split(' '),
);
const UNTIL = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)Z?)?$/;

/** A rule without its `RRULE:` prefix, such as `FREQ=WEEKLY;BYDAY=MO,WE`; upper-cased. */
export const recurrenceRule = z
  .string()
  .trim()
  .max(1_000)
  .toUpperCase()
  .superRefine((rule, context) => {
    const fault = faultIn(rule);
    if (fault) context.addIssue({ code: 'custom', message: `must be a recurrence rule (RFC 5545): ${fault}` });
  });

function faultIn(rule: string): string | undefined {
  const parts = rule.split(';').map((part) => part.split('='));
  const names = parts.map(([name = '']) => name);
  const unknown = parts.find(([name = '', value, ...rest]) => !PARTS.has(name) || !value || rest.length > 0);
  if (unknown) return `"${unknown.join('=')}" is not a part of one`;
  if (new Set(names).size < names.length) return 'a part is given twice';
  const given = new Map(parts.map(([name = '', value = '']) => [name, value]));
  if (!given.has('FREQ')) return 'FREQ is missing';
  if (given.has('COUNT') && given.has('UNTIL')) return 'COUNT and UNTIL exclude each other';
  for (const name of ['COUNT', 'INTERVAL']) {
    const value = given.get(name);
    if (value !== undefined && !/^[1-9]\d{0,5}$/.test(value)) return `${name} must be a whole number of 1 or more`;
  }
  const until = given.get('UNTIL');
  if (until !== undefined && !isDate(until)) return 'UNTIL must be a date or a time in UTC';
  try {
    ICAL.Recur.fromString(rule);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function isDate(text: string): boolean {
  const [, year, month, day, hour = 0, minute = 0, second = 0] = (UNTIL.exec(text) ?? []).map(Number);
  if (year === undefined || month === undefined || day === undefined) return false;
  try {
    Temporal.PlainDateTime.from({ year, month, day, hour, minute, second: Math.min(second, 59) }, { overflow: 'reject' });
    return true;
  } catch {
    return false;
  }
}

// The dates of RFC 5322 section 3.3, with the obsolete forms of section 4.3. Date.parse takes them as well, but takes a good
// deal that is no date for one, and a time without a zone for one of where the server is.
import { instant } from '../../vocabulary.ts';

const DATE_TIME =
  /^(?:[a-z]+\.?,?\s+)?(\d{1,2})[\s-]+([a-z]{3})[a-z]*[\s-]+(\d{2,4})\s+(\d{1,2})\s*:\s*(\d{2})(?:\s*:\s*(\d{2})(?:\.\d+)?)?\s*([+-]\d{4}|[a-z]+)?/i;
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const ZONES: Readonly<Record<string, string>> = {
  EST: '-0500',
  EDT: '-0400',
  CST: '-0600',
  CDT: '-0500',
  MST: '-0700',
  MDT: '-0600',
  PST: '-0800',
  PDT: '-0700',
};

/** UTC with milliseconds; null where this is no date. A zone that is missing or unknown is UTC, as section 4.3 has it. */
export function dateIn(header: string | undefined): string | null {
  const said = (header ?? '')
    .slice(0, 1_000)
    .replaceAll(/\([^()]*\)/g, ' ')
    .trim();
  const [, day = '', monthName = '', year = '', hour = '', minute = '', second = '00', zone = ''] = DATE_TIME.exec(said) ?? [];
  const month = MONTHS.indexOf(monthName.toLowerCase()) + 1;
  if (month === 0) return null;
  const [sign, hours, minutes] = [
    /^([+-])(\d\d)(\d\d)$/.exec(zone) ?? /^([+-])(\d\d)(\d\d)$/.exec(ZONES[zone.toUpperCase()] ?? '+0000') ?? [],
  ].flatMap((found) => found.slice(1));
  const two = (number: string | number) => String(number).padStart(2, '0');
  // A leap second is in the minute that it ends.
  const time = [two(hour), minute, second === '60' ? '59' : second].join(':');
  return instant.safeParse(`${fullYear(year)}-${two(month)}-${two(day)}T${time}${sign}${hours}:${minutes}`).data ?? null;
}

/** Two digits are of 1950 to 2049; three were counted from 1900. */
function fullYear(year: string): string {
  const number = Number(year);
  if (year.length === 4) return year;
  return String(number + (year.length === 2 && number < 50 ? 2000 : 1900));
}

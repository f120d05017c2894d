// A zone of the IANA as a VTIMEZONE (RFC 5545, section 3.6.5), for who does not know it by its name: every change of its
// clock in a span of time, each by what the clock showed before.
export type Span = { readonly from: string; readonly to: string };

/** One change of the clock: when the clock of before shows what, and the offsets before and after. */
type Change = { readonly onset: Temporal.PlainDateTime; readonly from: string; readonly to: string };

/** @param span of what is told in this zone, from the first point in time to the last */
export function timezoneLines(zone: string, { from, to }: Span): string[] {
  const first = Temporal.Instant.from(from).toZonedDateTimeISO(zone);
  const last = Temporal.Instant.from(to);
  const changes: Change[] = [];
  let next = first.getTimeZoneTransition('previous');
  if (!next) changes.push({ onset: Temporal.PlainDateTime.from('1970-01-01'), from: first.offset, to: first.offset });
  next ??= first.getTimeZoneTransition('next');
  for (; next && Temporal.Instant.compare(next.toInstant(), last) <= 0; next = next.getTimeZoneTransition('next')) {
    // What the clock of before would have gone on to show. Its offset may have seconds, and is then no zone by itself.
    const before = next.subtract({ nanoseconds: 1 });
    changes.push({ onset: before.toPlainDateTime().add({ nanoseconds: 1 }), from: before.offset, to: next.offset });
  }
  const alike = Map.groupBy(changes, (change) => `${change.from} ${change.to}`);
  return ['BEGIN:VTIMEZONE', `TZID:${zone}`, ...[...alike.values()].flatMap(observances), 'END:VTIMEZONE'];
}

type Rule = (change: Change) => string;
const WEEKDAYS = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'];
const yearly = (nth: number, { month, dayOfWeek }: Temporal.PlainDateTime) =>
  `RRULE:FREQ=YEARLY;BYMONTH=${month};BYDAY=${nth}${WEEKDAYS[dayOfWeek - 1]}`;
/** The rules that a change can be of: its weekday is counted from the beginning of its month or from the end. */
const rules: readonly Rule[] = [
  ({ onset }) => yearly(Math.ceil(onset.day / 7), onset),
  ({ onset }) => yearly(-Math.ceil((onset.daysInMonth - onset.day + 1) / 7), onset),
];

/** Changes from one offset to another: each by itself, but those of the end that go by a rule, which are one. */
function observances(changes: readonly Change[]): string[] {
  const tails = rules.map((rule) => ({ rule, start: startOfTail(changes, rule) }));
  const { rule, start } = tails.reduce((one, other) => (other.start < one.start ? other : one));
  const goesOn = start < changes.length - 1;
  return changes.slice(0, start + 1).flatMap((change, index) => observance(change, goesOn && index === start ? [rule(change)] : []));
}

/** From where on there is a change by the rule every year. */
function startOfTail(changes: readonly Change[], rule: Rule): number {
  const isOneOfThem = (index: number) => {
    const [before, after] = changes.slice(index - 1, index + 1);
    if (!before || !after || before.onset.year + 1 !== after.onset.year) return false;
    return rule(before) === rule(after) && before.onset.toPlainTime().equals(after.onset.toPlainTime());
  };
  let start = changes.length - 1;
  while (isOneOfThem(start)) start -= 1;
  return start;
}

/** Put forward is daylight time, put back standard time. Offsets are as Temporal writes them: +05:30. */
function observance({ onset, from, to }: Change, rule: readonly string[]): string[] {
  const name = secondsOf(to) > secondsOf(from) ? 'DAYLIGHT' : 'STANDARD';
  return [
    `BEGIN:${name}`,
    `DTSTART:${writtenTime(onset)}`,
    ...rule,
    `TZOFFSETFROM:${from.replaceAll(':', '')}`,
    `TZOFFSETTO:${to.replaceAll(':', '')}`,
    `END:${name}`,
  ];
}

function secondsOf(offset: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = offset.slice(1).split(':').map(Number);
  return (offset.startsWith('-') ? -1 : 1) * (hours * 3_600 + minutes * 60 + seconds);
}

/** 20261124T190000 */
export const writtenTime = (clock: Temporal.PlainDateTime): string => clock.toString({ smallestUnit: 'second' }).replaceAll(/[-:]/g, '');

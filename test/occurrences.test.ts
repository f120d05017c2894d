// When something that recurs takes place: by cases that a calendar on the wall decides, and by random rules that another
// implementation, of other people, has to agree about.
import fc from 'fast-check';
import { RRuleTemporal } from 'rrule-temporal';
import { describe, expect, test, vi } from 'vitest';
import { endOf, occurrencesBetween, occurringAmong, type Series, startsBetween } from '../src/occurrences.ts';
import { recurrenceRule, WEEKDAYS } from '../src/recurrence.ts';
import { instantOf, startOfDay, wallClock } from '../src/zonedTime.ts';

/** An hour from when the clock of the zone shows this, by this rule. */
function series(timezone: string, starts: string, recurrence_rule: string): Series {
  const starts_at = instantOf(Temporal.PlainDateTime.from(starts), timezone);
  return { starts_at, ends_at: new Date(Date.parse(starts_at) + 3_600_000).toISOString(), all_day: false, timezone, recurrence_rule };
}

/** Whole days: the first from and until a day that is not one of them any more. */
function days(timezone: string, first: string, end: string, recurrence_rule: string): Series {
  const [starts_at, ends_at] = [startOfDay(Temporal.PlainDate.from(first), timezone), startOfDay(Temporal.PlainDate.from(end), timezone)];
  return { starts_at, ends_at, all_day: true, timezone, recurrence_rule };
}

const EVER = '9999-12-31T00:00:00.000Z';
const firstOf = (of: Series, number: number, to = EVER) => [...startsBetween(of, of.starts_at, to).take(number)];
/** What the clock on the wall shows when each begins. */
const shown = (of: Series, number: number, to?: string) =>
  firstOf(of, number, to).map((point) => String(wallClock(point, of.timezone)).slice(0, 16));
const dates = (rule: string, starts: string, number: number) =>
  shown(series('UTC', `${starts}T09:00`, rule), number).map((time) => time.slice(0, 10));

describe('the clock on the wall', () => {
  test.each([
    [
      'is kept where it is put forward, and a time that it skips is as late after the one before',
      series('Europe/Berlin', '2026-03-28T02:30', 'FREQ=DAILY'),
      ['2026-03-28T01:30:00.000Z', '2026-03-29T01:30:00.000Z', '2026-03-30T00:30:00.000Z'],
    ],
    [
      'is kept where it is put back, and of a time that it shows twice the first is meant',
      series('Europe/Berlin', '2026-10-24T02:30', 'FREQ=DAILY'),
      ['2026-10-24T00:30:00.000Z', '2026-10-25T00:30:00.000Z', '2026-10-26T01:30:00.000Z'],
    ],
    [
      'is New York’s',
      series('America/New_York', '2026-03-07T09:00', 'FREQ=DAILY'),
      ['2026-03-07T14:00:00.000Z', '2026-03-08T13:00:00.000Z', '2026-03-09T13:00:00.000Z'],
    ],
    [
      'is put forward by half an hour on Lord Howe',
      series('Australia/Lord_Howe', '2026-10-03T02:15', 'FREQ=DAILY'),
      ['2026-10-02T15:45:00.000Z', '2026-10-03T15:45:00.000Z', '2026-10-04T15:15:00.000Z'],
    ],
    [
      'is put back by half an hour on Lord Howe',
      series('Australia/Lord_Howe', '2026-04-04T01:45', 'FREQ=DAILY'),
      ['2026-04-03T14:45:00.000Z', '2026-04-04T14:45:00.000Z', '2026-04-05T15:15:00.000Z'],
    ],
    [
      'is put forward by a day in Apia, where the 30th of December 2011 is none of its own',
      series('Pacific/Apia', '2011-12-29T09:00', 'FREQ=DAILY'),
      ['2011-12-29T19:00:00.000Z', '2011-12-30T19:00:00.000Z', '2011-12-31T19:00:00.000Z'],
    ],
    [
      'lays two times of a day upon each other, which are one',
      series('Europe/Berlin', '2026-03-29T01:00', 'FREQ=HOURLY'),
      ['2026-03-29T00:00:00.000Z', '2026-03-29T01:00:00.000Z', '2026-03-29T02:00:00.000Z'],
    ],
    [
      'turns the order of two times around',
      series('Europe/Berlin', '2026-03-29T01:00', 'FREQ=DAILY;BYHOUR=2,3;BYMINUTE=30,0'),
      ['2026-03-29T00:00:00.000Z', '2026-03-29T01:00:00.000Z', '2026-03-29T01:30:00.000Z', '2026-03-30T00:00:00.000Z'],
    ],
  ])('%s', (_, of, points) => expect(firstOf(of, points.length)).toEqual(points));

  test('begins with the second of two times, if that is when the series begins', () => {
    const second = { ...series('Europe/Berlin', '2026-10-25T02:30', 'FREQ=DAILY'), starts_at: '2026-10-25T01:30:00.000Z' };
    expect(firstOf(second, 2)).toEqual(['2026-10-25T01:30:00.000Z', '2026-10-26T01:30:00.000Z']);
  });
});

describe('whole days', () => {
  test('are days of the zone, however long', () => {
    const weekend = days('Europe/Berlin', '2026-03-28', '2026-03-30', 'FREQ=WEEKLY');
    expect([
      ...occurrencesBetween({ ...weekend, recurrence_exceptions: [] }, '2026-03-01T00:00:00.000Z', '2026-04-06T00:00:00.000Z'),
    ]).toEqual([
      {
        recurrence_id: '2026-03-27T23:00:00.000Z',
        starts_at: '2026-03-27T23:00:00.000Z',
        ends_at: '2026-03-29T22:00:00.000Z',
        changes: {},
      },
      {
        recurrence_id: '2026-04-03T22:00:00.000Z',
        starts_at: '2026-04-03T22:00:00.000Z',
        ends_at: '2026-04-05T22:00:00.000Z',
        changes: {},
      },
    ]);
  });
  test('begin at one o’clock where the clock skips midnight', () =>
    expect(shown(days('Africa/Cairo', '2026-04-23', '2026-04-24', 'FREQ=DAILY'), 3)).toEqual([
      '2026-04-23T00:00',
      '2026-04-24T01:00',
      '2026-04-25T00:00',
    ]));
  test('are not, where the zone has no such day', () =>
    expect(shown(days('Pacific/Apia', '2011-12-29', '2011-12-30', 'FREQ=DAILY'), 3)).toEqual([
      '2011-12-29T00:00',
      '2011-12-31T00:00',
      '2012-01-01T00:00',
    ]));
  test('have no hours', () =>
    expect(shown(days('Asia/Tokyo', '2026-01-01', '2026-01-02', 'FREQ=DAILY;BYHOUR=9,10'), 2)).toEqual([
      '2026-01-01T00:00',
      '2026-01-02T00:00',
    ]));
});

describe('a rule', () => {
  test.each([
    ['counts the first one', 'FREQ=DAILY;COUNT=3', '2026-01-30', ['2026-01-30', '2026-01-31', '2026-02-01']],
    [
      'has the first day also where it skips that',
      'FREQ=WEEKLY;BYDAY=MO;COUNT=3',
      '2026-01-01',
      ['2026-01-01', '2026-01-05', '2026-01-12'],
    ],
    ['has no 31st in short months', 'FREQ=MONTHLY', '2026-01-31', ['2026-01-31', '2026-03-31', '2026-05-31']],
    ['has leap days', 'FREQ=YEARLY', '2096-02-29', ['2096-02-29', '2104-02-29', '2108-02-29']],
    ['skips years', 'FREQ=YEARLY;INTERVAL=3;BYMONTH=3,1', '2026-01-05', ['2026-01-05', '2026-03-05', '2029-01-05', '2029-03-05']],
    ['has the last Friday', 'FREQ=MONTHLY;BYDAY=-1FR', '2026-01-30', ['2026-01-30', '2026-02-27', '2026-03-27']],
    ['has the last working day', 'FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1', '2026-01-30', ['2026-01-30', '2026-02-27', '2026-03-31']],
    ['has Fridays the 13th', 'FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13', '2026-02-13', ['2026-02-13', '2026-03-13', '2026-11-13', '2027-08-13']],
    ['has the 20th Monday of a year', 'FREQ=YEARLY;BYDAY=20MO', '1997-05-19', ['1997-05-19', '1998-05-18', '1999-05-17']],
    ['has Mondays of week 20', 'FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO', '1997-05-12', ['1997-05-12', '1998-05-11', '1999-05-17']],
    ['has a week’s own day', 'FREQ=YEARLY;BYWEEKNO=20', '1997-05-12', ['1997-05-12', '1998-05-11', '1999-05-17']],
    ['has the last week', 'FREQ=YEARLY;BYWEEKNO=-1;BYDAY=SU', '2026-01-01', ['2026-01-01', '2027-01-03', '2028-01-02', '2028-12-31']],
    ['has the last day of a year', 'FREQ=YEARLY;BYYEARDAY=-1', '2026-12-31', ['2026-12-31', '2027-12-31', '2028-12-31']],
    [
      'begins weeks on Mondays',
      'FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU',
      '1997-08-05',
      ['1997-08-05', '1997-08-10', '1997-08-19', '1997-08-24'],
    ],
    [
      'begins weeks on Sundays',
      'FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU',
      '1997-08-05',
      ['1997-08-05', '1997-08-17', '1997-08-19', '1997-08-31'],
    ],
    [
      'elects a president',
      'FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8',
      '1996-11-05',
      ['1996-11-05', '2000-11-07', '2004-11-02'],
    ],
    ['ends with a day', 'FREQ=DAILY;UNTIL=20260103', '2026-01-01', ['2026-01-01', '2026-01-02', '2026-01-03']],
    ['ends with a time', 'FREQ=DAILY;UNTIL=20260103T085959', '2026-01-01', ['2026-01-01', '2026-01-02']],
    ['ends with a point in time', 'FREQ=DAILY;UNTIL=20260103T090000Z', '2026-01-01', ['2026-01-01', '2026-01-02', '2026-01-03']],
    ['has no 30th of February', 'FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=9', '2026-01-01', ['2026-01-01']],
  ])('%s', (_, rule, starts, expected) => {
    expect(recurrenceRule.parse(rule)).toBe(rule);
    const ends = rule.includes('COUNT') || rule.includes('UNTIL');
    expect(dates(rule, starts, ends ? 99 : expected.length)).toEqual(expected);
  });

  test('ends in the zone', () => {
    const evenings = (until: string) => shown(series('America/New_York', '2026-01-01T20:00', `FREQ=DAILY;UNTIL=${until}`), 9).length;
    expect([evenings('20260103'), evenings('20260103T200000'), evenings('20260104T010000Z'), evenings('20260104T005959Z')]).toEqual([
      3, 3, 3, 2,
    ]);
  });

  test.each([
    'FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30',
    'FREQ=YEARLY;BYWEEKNO=53;BYYEARDAY=100',
    'FREQ=HOURLY;INTERVAL=99999;BYHOUR=1;BYMONTH=2;BYMONTHDAY=30;COUNT=99999',
  ])('that has nothing more holds nobody up: %s', (rule) => {
    const begun = performance.now();
    expect([
      ...startsBetween(series('Europe/Berlin', '1926-01-01T09:00', rule), '2026-01-01T00:00:00.000Z', '2027-06-01T00:00:00.000Z'),
    ]).toEqual([]);
    expect(performance.now() - begun).toBeLessThan(500);
  });
});

describe('which of some times are occurrences', () => {
  test('is found where the clock skips them', () => {
    const nightly = series('Europe/Berlin', '2026-03-27T02:30', 'FREQ=DAILY;COUNT=4');
    const all = firstOf(nightly, 9);
    expect(all).toContain('2026-03-29T01:30:00.000Z');
    expect(occurringAmong(nightly, [...all, '2026-03-29T00:30:00.000Z', '2026-03-31T00:30:00.000Z'])).toEqual(new Set(all));
    const wholeDays = { ...series('America/Sao_Paulo', '2018-11-02T00:00', 'FREQ=DAILY;COUNT=5'), all_day: true };
    const days = firstOf(wholeDays, 9);
    expect(days).toContain('2018-11-04T03:00:00.000Z');
    expect(occurringAmong(wholeDays, [...days, '2018-11-04T02:00:00.000Z'])).toEqual(new Set(days));
  });
  test.each(['COUNT=99999', 'BYSECOND=0'])('makes points in time of these alone: %s', (part) => {
    const often = series('Europe/Berlin', '2026-01-01T09:00', `FREQ=HOURLY;BYMINUTE=0,15,30,45;${part}`);
    const late = ['2028-06-01T09:15:00.000Z', '2028-06-01T09:16:00.000Z', '2100-01-01T00:00:00.000Z'];
    const converted = vi.spyOn(Temporal.PlainDateTime, 'from');
    expect(occurringAmong(often, late)).toEqual(new Set(part.startsWith('COUNT') ? late.slice(0, 1) : [late[0], late[2]]));
    expect(converted.mock.calls.length).toBeLessThan(10);
    converted.mockRestore();
  });
});

describe('exceptions', () => {
  const daily = series('Europe/Berlin', '2026-03-02T09:00', 'FREQ=DAILY;COUNT=5');
  const at = (day: number, hour = 8) => `2026-03-0${day}T0${hour}:00:00.000Z`;
  const recurrence_exceptions = [
    { recurrence_id: at(3), changes: null },
    { recurrence_id: at(4), changes: { title: 'Other' } },
    { recurrence_id: at(5), changes: { starts_at: '2026-02-01T08:00:00.000Z', ends_at: '2026-02-01T09:00:00.000Z' } },
  ];
  const between = (from: string, to: string) =>
    [...occurrencesBetween({ ...daily, recurrence_exceptions }, from, to)].map(({ recurrence_id, starts_at, ...rest }) => [
      recurrence_id,
      starts_at,
      rest.changes,
    ]);

  test('do not take place, differ, or take place at another time', () => {
    expect(between(at(1), at(9))).toEqual([
      [at(2), at(2), {}],
      [at(4), at(4), { title: 'Other' }],
      [at(6), at(6), {}],
    ]);
    expect(between('2026-02-01T00:00:00.000Z', '2026-02-02T00:00:00.000Z').map(([id]) => id)).toEqual([at(5)]);
  });
});

describe('a range', () => {
  const weekly = { ...series('UTC', '2026-03-02T09:00', 'FREQ=WEEKLY'), recurrence_exceptions: [] };
  const found = (from: string, to: string, of: Series = weekly) =>
    [...occurrencesBetween({ ...of, recurrence_exceptions: [] }, from, to)].length;
  const moment = { ...weekly, ends_at: weekly.starts_at };
  const once = { ...weekly, recurrence_rule: null };

  test.each([weekly, once])('has what begins before its end and ends after its beginning', (of) => {
    expect(found('2026-03-02T10:00:00.000Z', '2026-03-03T00:00:00.000Z', of)).toBe(0);
    expect(found('2026-03-02T09:59:59.999Z', '2026-03-03T00:00:00.000Z', of)).toBe(1);
    expect(found('2026-03-01T00:00:00.000Z', '2026-03-02T09:00:00.000Z', of)).toBe(0);
    expect(found('2026-03-01T00:00:00.000Z', '2026-03-02T09:00:00.001Z', of)).toBe(1);
  });
  test('has what takes no time where it begins', () => {
    expect(found('2026-03-02T09:00:00.000Z', '2026-03-02T09:00:00.001Z', moment)).toBe(1);
    expect(found('2026-03-01T00:00:00.000Z', '2026-03-02T09:00:00.000Z', moment)).toBe(0);
  });
  test('has every one of what lasts longer than its interval', () => {
    const long = { ...series('UTC', '2026-03-02T09:00', 'FREQ=DAILY'), ends_at: '2026-03-05T09:00:00.000Z' };
    expect(found('2026-03-09T10:00:00.000Z', '2026-03-09T11:00:00.000Z', long)).toBe(3);
  });
});

// Random rules of all parts, in zones with and without summer time. Noon is never skipped nor shown twice, so that what
// two implementations make of that is no matter; what they make of everything else has to be the same.
const some = <Value>(values: readonly Value[], maxLength = 3) =>
  fc.option(fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength }));
const range = (least: number, greatest: number) => Array.from({ length: greatest - least + 1 }, (_, index) => least + index);
const signed = (greatest: number) => [...range(1, greatest), ...range(-greatest, -1)];
const numbered = [1, 2, 3, 4, 5, -1, -2, -5].flatMap((ordinal) => WEEKDAYS.map((day) => `${ordinal}${day}`));

const rules = fc.constantFrom('YEARLY', 'MONTHLY', 'WEEKLY', 'DAILY', 'HOURLY').chain((FREQ) =>
  fc.record({
    FREQ: fc.constant(FREQ),
    INTERVAL: fc.option(fc.integer({ min: 1, max: 5 })),
    WKST: fc.option(fc.constantFrom(...WEEKDAYS)),
    BYMONTH: some(range(1, 12)),
    BYWEEKNO: FREQ === 'YEARLY' ? some(signed(53)) : fc.constant(null),
    BYYEARDAY: FREQ === 'YEARLY' ? some(signed(366), 30) : fc.constant(null),
    BYMONTHDAY: FREQ === 'WEEKLY' ? fc.constant(null) : some(signed(31), 10),
    BYDAY: some(FREQ === 'MONTHLY' || FREQ === 'YEARLY' ? [...WEEKDAYS, ...numbered] : WEEKDAYS),
    BYHOUR: FREQ === 'HOURLY' ? some(range(0, 23), 5) : fc.constant(null),
    BYSETPOS: some(signed(4)),
    COUNT: fc.option(fc.integer({ min: 1, max: 40 })),
  }),
);
/** Parts that are left out at random, so that the rest is not always in each other's way. */
const written = fc.tuple(rules, fc.integer({ min: 0, max: 1023 })).map(([{ FREQ, ...parts }, mask]) => {
  const given = Object.entries(parts).filter(([, value], index) => value !== null && (mask >> index) & 1);
  return [`FREQ=${FREQ}`, ...given.map(([name, value]) => `${name}=${String(value)}`)].join(';');
});

const RUNS = Number(process.env.DAYBOOK_RANDOM_RULES ?? 200);

test(`${RUNS} random rules are what another implementation says`, () => {
  const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu');
  fc.assert(
    fc.property(written, zones, fc.integer({ min: 0, max: 20_000 }), fc.integer({ min: 0, max: 900 }), (rule, timezone, begin, later) => {
      fc.pre(recurrenceRule.safeParse(rule).success && isPlain(rule));
      // Hours are those of the clock to us, and as many hours of time to some.
      fc.pre(timezone === 'UTC' || !rule.includes('HOURLY'));
      const first = Temporal.PlainDate.from('1990-01-01').add({ days: begin });
      const ours = series(timezone, `${first}T12:00`, rule);
      const from = instantOf(first.add({ days: later }).toPlainDateTime(), timezone);
      const to = instantOf(first.add({ days: later + 400 }).toPlainDateTime(), timezone);
      const dtstart = Temporal.Instant.from(ours.starts_at).toZonedDateTimeISO(timezone);
      const theirs = new RRuleTemporal({ rruleString: rule, dtstart, includeDtstart: true, maxIterations: 1_000_000 })
        .between(new Date(from), new Date(to), true)
        .map((time) => time.toInstant().toString({ fractionalSecondDigits: 3 }))
        .filter((point) => point < to);
      expect([...startsBetween(ours, from, to)]).toEqual(theirs);
      expect(occurringAmong(ours, [...theirs, '2026-01-01T00:00:00.001Z'])).toEqual(new Set(theirs));
    }),
    { numRuns: RUNS },
  );
});

/**
 * Whether the other implementation takes it as RFC 5545 has it. It does not where BYYEARDAY has other days beside it, where
 * BYDAY has days with numbers beside days without or beside those of a month, nor where BYWEEKNO has any beside it but BYDAY.
 */
function isPlain(rule: string): boolean {
  const days = /BYDAY=([^;]*)/.exec(rule)?.[1]?.split(',') ?? [];
  const numbered = days.filter((day) => day.length > 2).length;
  const isOfMonth = rule.includes('BYMONTHDAY');
  if (rule.includes('BYYEARDAY')) return days.length === 0 && !isOfMonth && !rule.includes('BYWEEKNO');
  if (rule.includes('BYWEEKNO')) return days.length > 0 && !isOfMonth;
  return numbered === 0 || (numbered === days.length && !isOfMonth);
}

test('an occurrence takes as long as the first one, and as many days', () => {
  const night = { ...series('Europe/Berlin', '2026-01-01T23:30', 'FREQ=DAILY'), ends_at: '2026-01-02T04:30:00.000Z' };
  expect(endOf('2026-03-28T22:30:00.000Z', night)).toBe('2026-03-29T04:30:00.000Z');
  expect(endOf('2026-03-28T23:00:00.000Z', days('Europe/Berlin', '2026-01-01', '2026-01-02', 'FREQ=DAILY'))).toBe(
    '2026-03-29T22:00:00.000Z',
  );
});

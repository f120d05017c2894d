import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { recurrenceRule } from '../../src/recurrence.ts';
import { color, emailAddress, instant, jsonObject, locale, name, text, timezone, uuid, uuidV7 } from '../../src/vocabulary.ts';

const accepts = (schema: z.ZodType, cases: [given: unknown, kept: unknown][]) =>
  test.each(cases)('takes %j and keeps %j', (given, kept) => expect(schema.parse(given)).toEqual(kept));
const refuses = (schema: z.ZodType, cases: unknown[]) =>
  test.each(cases.map((given) => [given]))('refuses %j', (given) => expect(schema.safeParse(given).success).toBe(false));

describe('instant', () => {
  accepts(instant, [
    ['2026-11-24T07:08:03.123Z', '2026-11-24T07:08:03.123Z'],
    ['2026-11-24t08:08:03+01:00', '2026-11-24T07:08:03.000Z'],
    ['2026-11-24T07:08:03.123999999z', '2026-11-24T07:08:03.123Z'],
    ['2026-12-31T23:30:00-05:00', '2027-01-01T04:30:00.000Z'],
    ['2016-12-31T23:59:60Z', '2016-12-31T23:59:59.000Z'],
    ['2026-01-01T00:00:00-00:00', '2026-01-01T00:00:00.000Z'],
  ]);
  refuses(instant, [
    '2026-02-30T00:00:00Z',
    '2026-11-24T07:08:03',
    '2026-11-24T24:00:00Z',
    '2026-11-24',
    '2026-11-24 07:08:03Z',
    '2026-11-24T07:08Z',
    '2026-11-24T07:08:03.1234567891Z',
    '2026-11-24T07:08:03+01',
    '2026-11-24T07:08:03[Europe/Vienna]',
    '0000-01-01T00:00:00Z',
    '0001-01-01T00:00:00+01:00',
    '9999-12-31T23:59:59-01:00',
    1_795_000_000_000,
    '',
  ]);
  test('says what it wants', () => {
    const issues = instant.safeParse('tomorrow').error?.issues.map(({ message }) => message);
    expect(issues).toEqual(['must be an RFC 3339 date-time with an offset, such as 2026-11-24T07:08:03Z']);
  });
  test('keeps every date that JavaScript can write in four digits', () => {
    const dates = fc.date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true });
    fc.assert(
      fc.property(dates, (date) => {
        expect(instant.parse(date.toISOString())).toBe(date.toISOString());
      }),
    );
  });
});

describe('timezone', () => {
  accepts(timezone, [
    ['europe/vienna', 'Europe/Vienna'],
    ['Asia/Kolkata', 'Asia/Kolkata'],
    ['UTC', 'UTC'],
    ['Etc/GMT+3', 'Etc/GMT+3'],
  ]);
  refuses(timezone, ['+01:00', 'Mars/Olympus', '', '2026-11-24T07:08:03Z[Europe/Vienna]']);
});

describe('locale', () => {
  accepts(locale, [
    ['de-at', 'de-AT'],
    ['en', 'en'],
  ]);
  refuses(locale, ['', 'english please', 'de_AT']);
});

describe('addresses, colours and ids', () => {
  accepts(emailAddress, [[' Ada.Lovelace+x@Example.org ', 'Ada.Lovelace+x@Example.org']]);
  refuses(emailAddress, ['ada', 'ada@', `${'a'.repeat(250)}@example.org`, '']);
  accepts(color, [['#1F6FEB', '#1f6feb']]);
  refuses(color, ['red', '#fff', '1f6feb']);
  accepts(uuid, [['0192E3C0-0000-7000-8000-00000000000A', '0192e3c0-0000-7000-8000-00000000000a']]);
  refuses(uuidV7, ['5f0d9a6e-7f0b-4c39-9d0b-3e6f2f1f3d11', 'nonsense']);
});

describe('texts', () => {
  accepts(name, [['  Home ', 'Home']]);
  refuses(name, ['', '   ', 'x'.repeat(201), 'a\0b', 'half a pair \ud800']);
  accepts(text(5), [[' a\nb ', ' a\nb ']]);
  refuses(text(5), ['123456', '\0']);
  accepts(recurrenceRule, [['freq=weekly;byday=mo,we', 'FREQ=WEEKLY;BYDAY=MO,WE']]);
  refuses(recurrenceRule, [
    'every monday',
    'BYDAY=MO',
    'FREQ=DAILY;',
    'FREQ=DAILY\nX',
    'FREQ=DAILY;INTERVAL=0',
    'FREQ=DAILY;COUNT=1;UNTIL=20261124',
  ]);
  accepts(jsonObject, [
    [
      { a: [1, { b: null }], ü: 'x' },
      { a: [1, { b: null }], ü: 'x' },
    ],
  ]);
  test('refuses an object that is too deep, however deep', () => {
    const deep = JSON.parse(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`);
    expect(jsonObject.safeParse(deep).success).toBe(false);
  });
  refuses(jsonObject, [[], 'text', { a: Number.NaN }, { a: undefined }, { a: 'x\0' }, { 'k\0': 1 }, { a: { b: ['\udc00'] } }]);
});

// What is exported is iCalendar, and comes back as it was: shown with events at random, and by another reader of iCalendar.
import fc from 'fast-check';
import ICAL from 'ical.js';
import { expect, test } from 'vitest';
import { importedEvent } from '../../src/commands/calendar/event.ts';
import { readCalendar } from '../../src/icalendar/read.ts';
import { timezoneLines } from '../../src/icalendar/timezone.ts';
import { type WrittenEvent, writeCalendar } from '../../src/icalendar/write.ts';
import { endOf } from '../../src/occurrences.ts';
import { instantOf, startOfDay } from '../../src/zonedTime.ts';

const AT = '2026-03-04T05:06:07.890Z';
const id = (index: number) => `0192f0c1-0000-7000-8000-${String(index).padStart(12, '0')}`;
const choir: WrittenEvent = {
  id: id(1),
  title: 'Choir; with, marks \\ and a line that is so long that it has to be folded somewhere, be it in an Ümlaut or a 🎵',
  description: 'Two\nlines',
  location: null,
  starts_at: '2026-11-24T18:00:00.000Z',
  ends_at: '2026-11-24T20:00:00.000Z',
  all_day: false,
  timezone: 'Europe/Vienna',
  recurrence_rule: 'FREQ=WEEKLY;COUNT=4',
  recurrence_exceptions: [
    { recurrence_id: '2026-12-01T18:00:00.000Z', changes: { location: 'Church' } },
    { recurrence_id: '2026-12-08T18:00:00.000Z', changes: null },
  ],
  status: 'confirmed',
  visibility: 'private',
  transparency: 'opaque',
  organizer_email: 'ann@example.com',
  ical_uid: 'choir@example.com',
  conference_url: 'https://meet.example/choir',
  reminder_minutes: [60, 0],
  created_at: AT,
  updated_at: AT,
  version: 3,
  invitations: [
    { email: 'bob@example.com', display_name: 'Bob "the bass"', role: 'optional', response: 'accepted', comment: 'With\ncake' },
  ],
};

test('an event is written word for word', () => {
  const text = writeCalendar([{ ...choir, recurrence_rule: 'FREQ=WEEKLY;COUNT=4' }]);
  const lines = text.split('\r\n');
  expect(Math.max(...lines.map((line) => Buffer.byteLength(line)))).toBeLessThanOrEqual(75);
  const unfolded = text.replaceAll('\r\n ', '').split('\r\n');
  expect(unfolded.slice(0, 6)).toEqual([
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Daybook//Daybook//EN',
    'CALSCALE:GREGORIAN',
    'BEGIN:VTIMEZONE',
    'TZID:Europe/Vienna',
  ]);
  const events = unfolded.slice(unfolded.indexOf('BEGIN:VEVENT'));
  const own = [
    'STATUS:CONFIRMED',
    'CLASS:PRIVATE',
    'TRANSP:OPAQUE',
    'ORGANIZER:mailto:ann@example.com',
    `ATTENDEE;CN="Bob ^'the bass^'";ROLE=OPT-PARTICIPANT;PARTSTAT=ACCEPTED;X-RESPONSE-COMMENT="With^ncake":mailto:bob@example.com`,
    'CONFERENCE;VALUE=URI:https://meet.example/choir',
    ...['-PT60M', 'PT0S'].flatMap((trigger) => [
      'BEGIN:VALARM',
      'ACTION:DISPLAY',
      'DESCRIPTION:Choir\\; with\\, marks \\\\ and a line that is so long that it has to be folded somewhere\\, be it in an Ümlaut or a 🎵',
      `TRIGGER:${trigger}`,
      'END:VALARM',
    ]),
    'END:VEVENT',
  ];
  const head = [
    'BEGIN:VEVENT',
    'UID:choir@example.com',
    'DTSTAMP:20260304T050607Z',
    'CREATED:20260304T050607Z',
    'LAST-MODIFIED:20260304T050607Z',
    'SEQUENCE:3',
  ];
  const summary = [
    'SUMMARY:Choir\\; with\\, marks \\\\ and a line that is so long that it has to be folded somewhere\\, be it in an Ümlaut or a 🎵',
    'DESCRIPTION:Two\\nlines',
  ];
  expect(events).toEqual([
    ...head,
    'DTSTART;TZID=Europe/Vienna:20261124T190000',
    'DTEND;TZID=Europe/Vienna:20261124T210000',
    'RRULE:FREQ=WEEKLY;COUNT=4',
    'EXDATE;TZID=Europe/Vienna:20261208T190000',
    ...summary,
    ...own,
    ...head,
    'DTSTART;TZID=Europe/Vienna:20261201T190000',
    'DTEND;TZID=Europe/Vienna:20261201T210000',
    'RECURRENCE-ID;TZID=Europe/Vienna:20261201T190000',
    ...summary,
    'LOCATION:Church',
    ...own,
    'END:VCALENDAR',
    '',
  ]);
});

test.for([
  'Europe/Vienna',
  'America/New_York',
  'Australia/Lord_Howe',
  'Africa/Casablanca',
  'Asia/Kolkata',
  'America/Sao_Paulo',
  'Europe/Dublin',
])('another reader, who does not know %s, finds its clock in the file', (timezone) => {
  const event = { ...choir, timezone, recurrence_rule: 'FREQ=WEEKLY', recurrence_exceptions: [] };
  const parsed = new ICAL.Component(ICAL.parse(writeCalendar([event])));
  const zone = new ICAL.Timezone(parsed.getFirstSubcomponent('vtimezone') ?? new ICAL.Component('vtimezone'));
  let clock = Temporal.Instant.from(event.starts_at).toZonedDateTimeISO(timezone).toPlainDateTime();
  for (let day = 0; day < 20 * 365; day += 11) {
    clock = clock.add({ days: 11 });
    const offset = clock.toZonedDateTime(timezone).offsetNanoseconds / 1_000_000_000;
    expect([clock.toString(), zone.utcOffset(ICAL.Time.fromDateTimeString(clock.toString({ smallestUnit: 'second' })))]).toEqual([
      clock.toString(),
      offset,
    ]);
  }
});

const zones = fc.constantFrom(
  'UTC',
  'Europe/Vienna',
  'America/New_York',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Africa/Casablanca',
  'Pacific/Apia',
);
const text = fc
  .string({
    maxLength: 200,
    unit: fc.oneof(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }), fc.constantFrom('\n', ';', ',', '\\', '"', ':', ' ')),
  })
  // iCalendar has no word for a carriage return or another control character.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones
  .map((value) => value.replaceAll(/[\x00-\x09\x0B-\x1F\x7F-\x9F]/g, ''));
const prose = fc.option(
  text.filter((value) => value.trim() !== ''),
  { nil: null },
);
const title = text.map((value) => value.trim()).filter((value) => value !== '' && !value.includes('\n'));
const minutes = fc.uniqueArray(fc.nat(60 * 24 * 366), { maxLength: 4 }).map((list) => list.sort((a, b) => b - a));
const details = {
  title,
  description: prose,
  location: prose,
  visibility: fc.constantFrom('public' as const, 'private' as const, 'confidential' as const),
  transparency: fc.constantFrom('opaque' as const, 'transparent' as const),
  conference_url: fc.option(fc.webUrl({ withQueryParameters: true }), { nil: null }),
  reminder_minutes: minutes,
};
// Many of them in the hours in which clocks are changed.
const minute = fc.oneof(
  fc.integer({ min: 0, max: 60 * 24 * 700 }),
  fc.integer({ min: 60 * 24 * 297 + 60 * 23, max: 60 * 24 * 298 + 60 * 6 }),
);
const guest = fc.record({
  email: fc.constantFrom('bob@example.com', 'Cleo+calendar@example.com', "o'neil@example.com"),
  display_name: fc.option(
    title.filter((value) => value.length <= 200 && !value.includes('@')),
    { nil: null },
  ),
  role: fc.constantFrom('chair' as const, 'required' as const, 'optional' as const, 'informational' as const),
  response: fc.constantFrom('needs_action' as const, 'accepted' as const, 'declined' as const, 'tentative' as const),
  comment: fc.option(title, { nil: null }),
});

const event = fc
  .record({
    ...details,
    status: fc.constantFrom('confirmed' as const, 'tentative' as const, 'cancelled' as const),
    organizer_email: fc.option(fc.constant('ann@example.com'), { nil: null }),
    timezone: zones,
    all_day: fc.boolean(),
    minute,
    length: fc.integer({ min: 0, max: 60 * 30 }),
    rule: fc.option(fc.constantFrom('FREQ=DAILY', 'FREQ=DAILY;COUNT=9'), { nil: null }),
    differing: fc.uniqueArray(
      fc.record({
        day: fc.integer({ min: 0, max: 8 }),
        changes: fc.option(fc.record(details, { requiredKeys: [] }), { nil: null }),
        shift: fc.option(fc.integer({ min: 1, max: 300 }), { nil: undefined }),
      }),
      { selector: ({ day }) => day, maxLength: 3 },
    ),
    invitations: fc.uniqueArray(guest, { selector: ({ email }) => email }),
  })
  .map(({ minute, length, rule, differing, ...said }) => {
    const { all_day, timezone } = said;
    const first = Temporal.Instant.from('2026-01-01T00:00:00Z').add({ minutes: minute });
    const clock = first.toZonedDateTimeISO(timezone).toPlainDateTime();
    const at = (days: number) =>
      all_day ? startOfDay(clock.toPlainDate().add({ days }), timezone) : instantOf(clock.add({ days }), timezone);
    const starts_at = rule === null && !all_day ? first.toString({ fractionalSecondDigits: 3 }) : at(0);
    const plus = (instant: string, minutes: number) => new Date(Date.parse(instant) + minutes * 60_000).toISOString();
    const saidOfAll = new Map<string, unknown>(Object.entries(said));
    const recurrence_exceptions =
      rule === null
        ? []
        : differing.map(({ day, changes, shift }) => {
            const own = Object.fromEntries(
              Object.entries(changes ?? {}).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(saidOfAll.get(name))),
            );
            const moved =
              shift === undefined
                ? {}
                : all_day
                  ? { starts_at: at(day + 1), ends_at: at(day + 3) }
                  : { starts_at: plus(at(day), shift), ends_at: plus(at(day), shift + 7) };
            return { recurrence_id: at(day), changes: changes && { ...own, ...moved } };
          });
    return {
      ...said,
      starts_at,
      ends_at: all_day ? at(1 + Math.floor(length / 600)) : plus(starts_at, length),
      recurrence_rule: rule,
      recurrence_exceptions: recurrence_exceptions.filter(({ changes }) => changes === null || Object.keys(changes).length > 0),
    };
  });

/** An occurrence that was moved to one o’clock in New York, when the clock shows that for the second time. */
const movedToTheSecondOfTwo = {
  title: 'Night shift',
  description: null,
  location: null,
  visibility: 'public' as const,
  transparency: 'opaque' as const,
  conference_url: null,
  reminder_minutes: [],
  status: 'confirmed' as const,
  organizer_email: null,
  timezone: 'America/New_York' as const,
  all_day: false,
  invitations: [],
  starts_at: '2026-10-26T02:42:00.000Z',
  ends_at: '2026-10-26T02:42:00.000Z',
  recurrence_rule: 'FREQ=DAILY' as const,
  recurrence_exceptions: [
    {
      recurrence_id: '2026-11-01T02:42:00.000Z',
      changes: { starts_at: '2026-11-01T06:00:00.000Z', ends_at: '2026-11-01T06:07:00.000Z' },
    },
  ],
};

test('whatever is written, is read again as it was', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 4 }), async (events) => {
      const written = events.map(
        (each, index): WrittenEvent => ({ ...each, id: id(index), ical_uid: `uid, ${index}`, created_at: AT, updated_at: AT, version: 1 }),
      );
      const { events: read, unread, ignored } = await readCalendar(writeCalendar(written), 'Asia/Tokyo');
      expect({ unread, ignored }).toEqual({ unread: [], ignored: 0 });
      expect(read).toHaveLength(written.length);
      for (const [index, { id: _, invitations, created_at, updated_at, version, ...body }] of written.entries()) {
        const again = read[index];
        expect(again?.invitees).toEqual(invitations);
        expect(importedEvent.safeParse(again?.body).error?.issues ?? []).toEqual([]);
        const withTimes = body.recurrence_exceptions.map(({ recurrence_id, changes }) => ({
          recurrence_id,
          changes: changes && { starts_at: recurrence_id, ends_at: endOf(recurrence_id, body), ...changes },
        }));
        const inOrder = (list: readonly { recurrence_id: string }[] | undefined) =>
          [...(list ?? [])].sort((a, b) => a.recurrence_id.localeCompare(b.recurrence_id));
        expect({ ...again?.body, recurrence_exceptions: inOrder(again?.body.recurrence_exceptions) }).toEqual({
          ...body,
          recurrence_exceptions: inOrder(withTimes),
        });
      }
    }),
    { numRuns: 300, examples: [[[movedToTheSecondOfTwo]]] },
  );
});

test('a zone that had its last change when clocks went by the sun is told to the second', () => {
  expect(timezoneLines('Asia/Bangkok', { from: '2026-01-01T00:00:00.000Z', to: '2030-01-01T00:00:00.000Z' })).toEqual([
    'BEGIN:VTIMEZONE',
    'TZID:Asia/Bangkok',
    'BEGIN:DAYLIGHT',
    'DTSTART:19200401T000000',
    'TZOFFSETFROM:+064204',
    'TZOFFSETTO:+0700',
    'END:DAYLIGHT',
    'END:VTIMEZONE',
  ]);
});

// What is read of the iCalendar that is out there: how Google, Outlook, Apple and others write it, and how it is broken.
import { describe, expect, test, vi } from 'vitest';
import { readText } from '../../src/icalendar/contentLines.ts';
import { readCalendar } from '../../src/icalendar/read.ts';
import { Problem } from '../../src/problem.ts';
import { turnsDuring } from '../support/turns.ts';

const calendar = (...lines: string[]) =>
  ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Test//EN', ...lines, 'END:VCALENDAR', ''].join('\r\n');
const event = (...lines: string[]) => ['BEGIN:VEVENT', 'UID:one', 'DTSTAMP:20260101T000000Z', 'SUMMARY:Choir', ...lines, 'END:VEVENT'];
const read = (...lines: string[]) => readCalendar(calendar(...lines), 'Europe/Vienna');
const bodyOf = async (...lines: string[]) => {
  const { events, unread } = await read(...event(...lines));
  expect(unread).toEqual([]);
  expect(events).toHaveLength(1);
  return events[0]?.body;
};
const refusalOf = async (...lines: string[]) => {
  const { events, unread } = await read(...event(...lines));
  expect(events).toEqual([]);
  return unread[0];
};
const START = 'DTSTART;TZID=Europe/Vienna:20261124T190000';

test('an event says what it says, and what it leaves out is as RFC 5545 has it', async () => {
  expect(await bodyOf(START)).toEqual({
    title: 'Choir',
    description: null,
    location: null,
    status: 'confirmed',
    visibility: 'public',
    transparency: 'opaque',
    organizer_email: null,
    conference_url: null,
    reminder_minutes: [],
    ical_uid: 'one',
    recurrence_rule: null,
    recurrence_exceptions: [],
    all_day: false,
    timezone: 'Europe/Vienna',
    starts_at: '2026-11-24T18:00:00.000Z',
    ends_at: '2026-11-24T18:00:00.000Z',
  });
});

describe('times', () => {
  test.for([
    ['in UTC', ['DTSTART:20261124T180000Z', 'DTEND:20261124T190000Z'], 'UTC', '2026-11-24T18:00:00.000Z', '2026-11-24T19:00:00.000Z'],
    [
      'that float',
      ['DTSTART:20260724T190000', 'DTEND:20260724T200000'],
      'Europe/Vienna',
      '2026-07-24T17:00:00.000Z',
      '2026-07-24T18:00:00.000Z',
    ],
    ['with a duration', [START, 'DURATION:P1DT1H30M'], 'Europe/Vienna', '2026-11-24T18:00:00.000Z', '2026-11-25T19:30:00.000Z'],
    [
      'with days across a change of the clock',
      ['DTSTART;TZID=Europe/Vienna:20261024T190000', 'DURATION:P1D'],
      'Europe/Vienna',
      '2026-10-24T17:00:00.000Z',
      '2026-10-25T18:00:00.000Z',
    ],
    [
      'that the clock skips',
      ['DTSTART;TZID=Europe/Vienna:20260329T023000'],
      'Europe/Vienna',
      '2026-03-29T01:30:00.000Z',
      '2026-03-29T01:30:00.000Z',
    ],
    [
      'that the clock shows twice',
      ['DTSTART;TZID=Europe/Vienna:20261025T023000'],
      'Europe/Vienna',
      '2026-10-25T00:30:00.000Z',
      '2026-10-25T00:30:00.000Z',
    ],
    [
      'that end in another zone',
      [START, 'DTEND;TZID=America/New_York:20261124T190000'],
      'Europe/Vienna',
      '2026-11-24T18:00:00.000Z',
      '2026-11-25T00:00:00.000Z',
    ],
  ] as const)('%s', async ([, lines, timezone, starts_at, ends_at]) => {
    expect(await bodyOf(...lines)).toMatchObject({ all_day: false, timezone, starts_at, ends_at });
  });
  test.for([
    ['without an end', ['DTSTART;VALUE=DATE:20261224'], '2026-12-24T23:00:00.000Z'],
    ['that ends where it begins', ['DTSTART;VALUE=DATE:20261224', 'DTEND;VALUE=DATE:20261224'], '2026-12-24T23:00:00.000Z'],
    ['with an end', ['DTSTART;VALUE=DATE:20261224', 'DTEND;VALUE=DATE:20261227'], '2026-12-26T23:00:00.000Z'],
    ['with a duration', ['DTSTART;VALUE=DATE:20261224', 'DURATION:P3D'], '2026-12-26T23:00:00.000Z'],
    ['that does not say that it is one', ['DTSTART:20261224'], '2026-12-24T23:00:00.000Z'],
  ] as const)('of a day %s', async ([, lines, ends_at]) => {
    expect(await bodyOf(...lines)).toMatchObject({
      all_day: true,
      timezone: 'Europe/Vienna',
      starts_at: '2026-12-23T23:00:00.000Z',
      ends_at,
    });
  });
  test('float by the calendar’s own zone, where it has one', async () => {
    const { events } = await read('X-WR-TIMEZONE:America/New_York', ...event('DTSTART:20260724T190000'));
    expect(events[0]?.body).toMatchObject({ timezone: 'America/New_York', starts_at: '2026-07-24T23:00:00.000Z' });
  });
});

describe('zones', () => {
  const zoneOf = async (tzid: string, ...lines: string[]) => {
    const { events, unread } = await read(...lines, ...event(`DTSTART;TZID=${tzid}:20260724T190000`));
    return events[0]?.body.timezone ?? unread[0]?.code;
  };
  const definition = (tzid: string, ...lines: string[]) => [
    'BEGIN:VTIMEZONE',
    `TZID:${tzid}`,
    ...lines,
    'BEGIN:STANDARD',
    'DTSTART:16010101T030000',
    'TZOFFSETFROM:+0200',
    'TZOFFSETTO:+0100',
    'RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10',
    'END:STANDARD',
    'BEGIN:DAYLIGHT',
    'DTSTART:16010101T020000',
    'TZOFFSETFROM:+0100',
    'TZOFFSETTO:+0200',
    'RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3',
    'END:DAYLIGHT',
    'END:VTIMEZONE',
  ];
  test.for([
    ['Europe/Vienna', 'Europe/Vienna'],
    ['europe/vienna', 'Europe/Vienna'],
    ['"America/New_York"', 'America/New_York'],
    ['/mozilla.org/20050126_1/America/Indiana/Knox', 'America/Indiana/Knox'],
    ['/freeassociation.sourceforge.net/Europe/Berlin', 'Europe/Berlin'],
    ['W. Europe Standard Time', 'Europe/Vienna'],
    ['Pacific Standard Time', 'America/Los_Angeles'],
    ['India Standard Time', 'Asia/Calcutta'],
    ['Nowhere/Land', 'unknown-timezone'],
    ['', 'unknown-timezone'],
  ] as const)('%s is %s', async ([tzid, zone]) => {
    expect(await zoneOf(tzid)).toBe(zone);
  });
  test('of a name that nobody knows are those whose clock goes as the file says', async () => {
    expect(await zoneOf('Customized Time Zone', ...definition('Customized Time Zone'))).toBe('Europe/Vienna');
    expect(await zoneOf('Mine', ...definition('Mine', 'X-LIC-LOCATION:Europe/Paris'))).toBe('Europe/Paris');
  });
  test('of a clock that many have are the one whose city is named, or else the usual one', async () => {
    const cities = '(UTC+01:00) Amsterdam, Berlin, Rome';
    const ofFar = async (tzid: string) =>
      (await readCalendar(calendar(...definition(tzid), ...event(`DTSTART;TZID="${tzid}":20260724T190000`)), 'Asia/Tokyo')).events[0]?.body
        .timezone;
    expect(await ofFar(cities)).toBe('Europe/Amsterdam');
    expect(await ofFar('custom_Europe/Rome')).toBe('Europe/Rome');
    expect(await ofFar('Ours')).toBe('Europe/Berlin');
  });
  test('of a clock that has changed since are those whose clock went so when the first event was', async () => {
    const lines = definition('Old').map((line) =>
      line.replace('BYMONTH=10', 'BYMONTH=9').replaceAll('+0100', '+0300').replaceAll('+0200', '+0400'),
    );
    const zoneIn = async (year: number) => (await read(...lines, ...event(`DTSTART;TZID=Old:${year}0724T190000`))).events[0]?.body.timezone;
    expect(await zoneIn(1995)).toBe('Europe/Moscow');
    expect(await zoneIn(2026)).toBe(undefined);
  });
  test('of a clock that goes as none does are refused', async () => {
    const lines = definition('Odd').map((line) => line.replace('TZOFFSETTO:+0100', 'TZOFFSETTO:+0117'));
    expect(await zoneOf('Odd', ...lines)).toBe('unknown-timezone');
    expect(await zoneOf('Odd', 'BEGIN:VTIMEZONE', 'TZID:Odd', 'END:VTIMEZONE')).toBe('unknown-timezone');
  });
});

describe('a series', () => {
  const weekly = [START, 'DTEND;TZID=Europe/Vienna:20261124T210000', 'RRULE:FREQ=WEEKLY;COUNT=4'];
  const occurrence = (recurrence: string, ...lines: string[]) => event(recurrence, ...lines);

  test('leaves out what EXDATE names, in whatever way it does', async () => {
    const lines = ['EXDATE;TZID=Europe/Vienna:20261201T190000', 'EXDATE:20261208T180000Z', 'EXDATE;VALUE=DATE:20261215'];
    expect((await bodyOf(...weekly, ...lines))?.recurrence_exceptions).toEqual(
      ['2026-12-01T18:00:00.000Z', '2026-12-08T18:00:00.000Z', '2026-12-15T18:00:00.000Z'].map((recurrence_id) => ({
        recurrence_id,
        changes: null,
      })),
    );
  });
  test('has occurrences that are otherwise, in any order', async () => {
    const moved = occurrence(
      'RECURRENCE-ID;TZID=Europe/Vienna:20261201T190000',
      'DTSTART;TZID=Europe/Vienna:20261202T200000',
      'DTEND;TZID=Europe/Vienna:20261202T220000',
      'LOCATION:Church',
    );
    const cancelled = occurrence('RECURRENCE-ID;TZID=Europe/Vienna:20261208T190000', START, 'STATUS:CANCELLED');
    const { events } = await read(...moved, ...event(...weekly), ...cancelled);
    expect(events.map(({ body }) => body.recurrence_exceptions)).toEqual([
      [
        {
          recurrence_id: '2026-12-01T18:00:00.000Z',
          changes: { location: 'Church', starts_at: '2026-12-02T19:00:00.000Z', ends_at: '2026-12-02T21:00:00.000Z' },
        },
        { recurrence_id: '2026-12-08T18:00:00.000Z', changes: null },
      ],
    ]);
  });
  test('that is not in the file leaves its occurrences events of their own', async () => {
    const { events } = await read(...occurrence('RECURRENCE-ID;TZID=Europe/Vienna:20261201T190000', START));
    expect(events.map(({ uid, body }) => [uid, body.recurrence_rule, body.starts_at])).toEqual([
      ['one/2026-12-01T18:00:00.000Z', null, '2026-11-24T18:00:00.000Z'],
    ]);
  });
  test('that says which occurrence it is, has a rule all the same', async () => {
    const { events } = await read(...event('RECURRENCE-ID:19700101T010000Z', ...weekly));
    expect(events.map(({ uid, body }) => [uid, body.recurrence_rule])).toEqual([['one', 'FREQ=WEEKLY;COUNT=4']]);
  });
  test('that is there twice is what was said last', async () => {
    const { events } = await read(...event(...weekly, 'SEQUENCE:2', 'LOCATION:Church'), ...event(...weekly, 'SEQUENCE:1'));
    expect(events.map(({ body }) => body.location)).toEqual(['Church']);
  });
  test.for([
    ['RDATE;TZID=Europe/Vienna:20261130T190000', 'rdate-unsupported'],
    ['EXRULE:FREQ=DAILY', 'exrule-unsupported'],
    ['RRULE:FREQ=DAILY', 'rules-unsupported'],
    ['RECURRENCE-ID;RANGE=THISANDFUTURE:20261124T180000Z', 'range-unsupported'],
  ])('with %s is refused', async ([line = '', code]) => {
    expect(await refusalOf(...weekly, line)).toMatchObject({ uid: 'one', line: 11, code });
  });
});

describe('people', () => {
  test('are who is invited and what they say', async () => {
    const { events } = await read(
      ...event(
        START,
        'ORGANIZER;CN=Ann:MAILTO:ann@example.com',
        'ATTENDEE;CN="Li, Bob";ROLE=OPT-PARTICIPANT;PARTSTAT=ACCEPTED;X-NUM-GUESTS=0;X-RESPONSE-COMMENT="With ^n^\'cake^\'":mailto:Bob@example.com',
        'ATTENDEE;CUTYPE=ROOM;ROLE=NON-PARTICIPANT;CN=cleo@example.com:mailto:cleo@example.com',
        'ATTENDEE;EMAIL=dora@example.com;PARTSTAT=DELEGATED:urn:uuid:550e8400-e29b-41d4-a716-446655440000',
        'ATTENDEE;CN=Nobody:invalid:nomail',
      ),
    );
    expect(events[0]?.body.organizer_email).toBe('ann@example.com');
    expect(events[0]?.invitees).toEqual([
      { email: 'Bob@example.com', display_name: 'Li, Bob', role: 'optional', response: 'accepted', comment: 'With \n"cake"' },
      { email: 'cleo@example.com', display_name: null, role: 'informational', response: 'needs_action', comment: null },
      { email: 'dora@example.com', display_name: null, role: 'required', response: 'needs_action', comment: null },
    ]);
  });
});

test.each([
  'ORGANIZER:mailto:ann+choir@example.com',
  'ORGANIZER;CN=Ann:"mailto:ann+choir@example.com"',
  'ORGANIZER:"MAILTO: ann+choir@example.com "',
  'ORGANIZER:mailto:<ann+choir@example.com>',
  'ORGANIZER: ann+choir@example.com',
  'ORGANIZER:mailto:ann%2Bchoir%40example.com?subject=Choir',
  'ORGANIZER;EMAIL="ann+choir@example.com":mailto:100%',
])('an address is found in %s', async (line) => {
  expect(await bodyOf(START, line)).toMatchObject({ organizer_email: 'ann+choir@example.com' });
});

test('alarms are reminders, where they go off before the start', async () => {
  const alarm = (...lines: string[]) => ['BEGIN:VALARM', 'ACTION:DISPLAY', 'DESCRIPTION:Now', ...lines, 'END:VALARM'];
  const none = ['BEGIN:VALARM', 'ACTION:NONE', 'TRIGGER;VALUE=DATE-TIME:19760401T005545Z', 'END:VALARM'];
  const body = await bodyOf(
    START,
    'DURATION:PT1H',
    ...alarm('TRIGGER:-PT15M'),
    ...alarm('TRIGGER:-P1D'),
    ...alarm('TRIGGER;RELATED=START:PT0S'),
    ...alarm('TRIGGER;RELATED=END:-PT2H'),
    ...alarm('TRIGGER:PT10M'),
    ...alarm('TRIGGER;VALUE=DATE-TIME:20261124T170000Z'),
    ...alarm('TRIGGER:tomorrow'),
    ...alarm(),
    ...none,
  );
  expect(body?.reminder_minutes).toEqual([1_440, 60, 15, 0]);
});

describe('what is odd', () => {
  test('is taken where it can mean one thing only', async () => {
    const text = [
      '\uFEFFbegin:vcalendar',
      'BEGIN:VEVENT',
      'DTSTART:20261124T180000Z',
      'SUMMARY;LANGUAGE=de:Chor\\, Probe',
      ' \u{1F3B5} weiter',
      'DESCRIPTION:First',
      'and a second line, not folded',
      '',
      'CLASS:SECRET',
      'STATUS:MAYBE',
      'X-UNKNOWN;WHAT="a;b:c":d',
      'LOCATION',
      '',
      ' :Chur',
      ' ch',
      'TRANSP:TRANSPARENT',
      'CONFERENCE;VALUE=URI;FEATURE=VIDEO:https://meet.example/a',
      'END:VEVENT',
      'BEGIN:VTODO',
      'END:VTODO',
      'END:VCALENDAR',
    ].join('\n');
    const { events, unread, ignored } = await readCalendar(text, 'UTC');
    expect(unread).toEqual([]);
    expect(ignored).toBe(1);
    expect(events[0]?.body).toMatchObject({
      title: 'Chor, Probe\u{1F3B5} weiter',
      description: 'First\nand a second line, not folded',
      status: 'confirmed',
      location: 'Church',
      visibility: 'private',
      transparency: 'transparent',
      conference_url: 'https://meet.example/a',
    });
    // Without a UID it is known by what it says.
    expect((await readCalendar(text, 'UTC')).events[0]?.uid).toBe(events[0]?.uid);
  });
  test('is cancelled with the calendar that cancels', async () => {
    expect((await read('METHOD:CANCEL', ...event(START))).events[0]?.body.status).toBe('cancelled');
  });
});

describe('what cannot be understood', () => {
  test.for([
    [[], 4, 'start-missing'],
    [['DTSTART:soon'], 8, 'time-unreadable'],
    [['DTSTART:'], 8, 'time-unreadable'],
    [['DTSTART:20260231T100000'], 8, 'time-unreadable'],
    [['DTSTART;TZID=Nowhere:20260201T100000'], 8, 'unknown-timezone'],
    [[START, 'DURATION:long'], 9, 'duration-unreadable'],
    [[START, 'LOCATION;LANGUAGE'], 9, 'line-unreadable'],
  ] as const)('%j is refused with its line', async ([lines, line, code]) => {
    expect(await refusalOf(...lines)).toEqual({ uid: 'one', line, code, detail: expect.stringMatching(/.{10}/) });
  });
  test('is more than can be otherwise, and is refused before it is laid out', async () => {
    const exdates = (count: number) => Array.from({ length: count }, (_, index) => `EXDATE:${21000101 + index}T180000Z`);
    const rule = 'RRULE:FREQ=HOURLY;BYMINUTE=0,15,30,45;COUNT=99999';
    const refusal = { uid: 'one', line: 4, code: 'too-many-exceptions', detail: 'A series can have 500 occurrences that are otherwise.' };
    expect(await refusalOf(START, rule, `${'EXDATE:21000101T180000Z'}${',21000101T180000Z'.repeat(500)}`)).toEqual(refusal);
    expect(await refusalOf(START, rule, ...exdates(501))).toEqual(refusal);
    const others = Array.from({ length: 501 }, (_, index) => {
      const day = Temporal.PlainDate.from('2100-01-01').add({ days: index }).toString().replaceAll('-', '');
      return event(START, `RECURRENCE-ID:${day}T180000Z`);
    });
    expect((await read(...event(START, rule), ...others.flat())).unread).toEqual([refusal]);
  });
  test('says what is written there', async () => {
    expect(await refusalOf('DTSTART;VALUE=DATE:Next Year')).toMatchObject({ detail: '“Next Year” is no date and no time.' });
  });
  test('of one occurrence leaves the series', async () => {
    const backwards = event('RECURRENCE-ID:20261125T180000Z', 'DTSTART:20261125T180000Z', 'DTEND:20261125T170000Z');
    const { events, unread } = await read(...event(START, 'RRULE:FREQ=DAILY;COUNT=3'), ...backwards);
    expect(events.map(({ body }) => body.recurrence_exceptions)).toEqual([[]]);
    expect(unread).toEqual([{ uid: 'one', line: 11, code: 'ends-before-start', detail: 'An event cannot end before it starts.' }]);
  });
  test('is refused alone', async () => {
    const { events, unread } = await read(...event('DTSTART:soon'), ...event(START).map((line) => line.replace('UID:one', 'UID:two')));
    expect([events.map(({ uid }) => uid), unread.map(({ uid }) => uid)]).toEqual([['two'], ['one']]);
  });
  test.for([
    ['BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:cut', 'Line 2: BEGIN:VEVENT has no end.'],
    ['BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR', 'Line 3: END:VCALENDAR ends nothing.'],
    ['BEGIN:VCALENDAR\nMETHOD:REPLY\nEND:VCALENDAR', 'A calendar with METHOD:REPLY is a message about events, not the events.'],
  ])('as a whole: %j', async ([text = '', detail]) => {
    const read = () => readCalendar(text, 'UTC');
    await expect(read()).rejects.toThrow(Problem);
    await expect(read()).rejects.toThrow(detail);
  });
});

test('a file of too many events is refused before any is read', async () => {
  const one = event(START, 'RRULE:FREQ=HOURLY;COUNT=99999', 'EXDATE:21000101T180000Z').join('\n');
  const text = calendar(`${one}\n`.repeat(20_001));
  const converted = vi.spyOn(Temporal.PlainDateTime, 'from');
  await expect(readCalendar(text, 'UTC')).rejects.toMatchObject({ status: 422, code: 'too-many-events' });
  expect(converted).not.toHaveBeenCalled();
  converted.mockRestore();
});

test('between events others get their turn', async () => {
  const { turns } = await turnsDuring(() => read(...Array.from({ length: 100 }, () => event(START)).flat()));
  expect(turns).toBeGreaterThanOrEqual(90);
});

describe('bytes', () => {
  const chunks = async function* (...bytes: Uint8Array[]) {
    yield* bytes;
  };
  test.for([
    ['UTF-8', 'text/calendar', Buffer.from('Ö 🎵')],
    ['windows-1252 that does not say so', 'text/calendar', Buffer.from([0xd6])],
    ['what says that it is latin1', 'text/calendar; charset="iso-8859-1"; method=PUBLISH', Buffer.from([0xd6])],
    ['UTF-16', 'text/calendar', Buffer.from([0xff, 0xfe, 0xd6, 0x00])],
  ] as const)('are read as %s', async ([, type, bytes]) => {
    expect((await readText(chunks(bytes.subarray(0, 1), bytes.subarray(1)), type)).at(0)).toBe('Ö');
  });
  test('that are nothing are taken for a sign that cannot be read', async () => {
    expect(await readText(chunks(Buffer.from('a\0b')), 'text/calendar')).toBe('a\uFFFDb');
    expect(await readText(chunks(Buffer.from([0xd6, 0])), 'text/calendar')).toBe('Ö\uFFFD');
  });
  test('of no charset there is are refused', async () => {
    await expect(readText(chunks(Buffer.from('x')), 'text/calendar; charset=klingon')).rejects.toMatchObject({ status: 415 });
  });
});

// What is made of the calendars of others. Of each file: what is refused and why; of one that is imported also how many of its
// components are no events, how many events there are, and of the first ones the title, the time, the rule, the occurrences
// that are otherwise and the reminders.

export type Made =
  | { readonly refused: readonly string[] }
  | {
      readonly ignored: number;
      readonly refused: readonly string[];
      readonly count: number;
      readonly events: readonly (readonly [
        title: string,
        time: string,
        recurrence_rule: string | null,
        otherwise: readonly string[],
        reminder_minutes: readonly number[],
      ])[];
    };
type MadeOfAll = Readonly<Record<string, Made>>;

const ical: MadeOfAll = {
  test1: {
    ignored: 0,
    refused: ['Line 74: “Next Year” is no date and no time.'],
    count: 8,
    events: [
      ['Dyncon 2011', '2011-03-12T20:00:00.000Z to 2011-03-14T00:00:00.000Z, UTC', null, [], []],
      ['[Async]: Everything Express', '2011-03-24T00:00:00.000Z all day, UTC', null, [], []],
      ['JSConf US 2011', '2011-05-02T00:00:00.000Z all day, UTC', null, [], []],
      ['NodeConf 2011', '2011-05-05T00:00:00.000Z all day, UTC', null, [], []],
    ],
  },
  test10: {
    refused: [
      'Line 2: The event has no DTSTART.',
      'Line 8: The event has no DTSTART.',
      'Line 14: The event has no DTSTART.',
      'Line 20: The event has no DTSTART.',
      'Line 26: The event has no DTSTART.',
    ],
  },
  test11: { ignored: 1, refused: [], count: 0, events: [] },
  test12: {
    ignored: 0,
    refused: ['Line 11: An event cannot end before it starts.'],
    count: 1,
    events: [
      [
        'Treasure Hunting',
        '2015-07-06T19:00:00.000Z to 2015-07-06T20:00:00.000Z, America/Los_Angeles',
        'FREQ=DAILY;COUNT=10',
        ['2015-07-08T19:00:00.000Z not', '2015-07-10T19:00:00.000Z not'],
        [],
      ],
    ],
  },
  test13: {
    ignored: 0,
    refused: [],
    count: 1,
    events: [
      [
        'repeated',
        '2016-08-25T11:00:00.000Z to 2016-08-25T12:00:00.000Z, Europe/Kiev',
        'FREQ=DAILY;UNTIL=20160828T110000Z',
        ['2016-08-26T11:00:00.000Z title'],
        [],
      ],
    ],
  },
  test14: {
    ignored: 0,
    refused: [],
    count: 2,
    events: [
      [
        'Example of comma-separated exdates',
        '2017-02-16T15:00:00.000Z to 2017-02-17T01:00:00.000Z, US/Central',
        'FREQ=WEEKLY;WKST=SU;UNTIL=20170814T045959Z;INTERVAL=2;BYDAY=MO,TH',
        ['2017-07-06T14:00:00.000Z not', '2017-07-17T14:00:00.000Z not', '2017-07-20T14:00:00.000Z not', '2017-08-03T14:00:00.000Z not'],
        [],
      ],
      [
        'Example of exdate with bad times',
        '2017-08-14T14:00:00.000Z to 2017-08-15T00:00:00.000Z, UTC',
        'FREQ=WEEKLY;WKST=SU;INTERVAL=2;BYDAY=MO,TU',
        [],
        [],
      ],
    ],
  },
  test15: {
    ignored: 0,
    refused: [],
    count: 1,
    events: [['Test event', '2019-04-30T02:00:00.000Z to 2019-04-30T05:00:00.000Z, Asia/Bangkok', null, [], []]],
  },
  test2: {
    ignored: 5,
    refused: [],
    count: 3,
    events: [
      ['Coffee with Jason', '2002-10-28T22:00:00.000Z to 2002-10-28T23:00:00.000Z, US/Pacific', null, [], []],
      ['Code Review', '2002-11-27T20:00:00.000Z to 2002-11-27T21:00:00.000Z, US/Pacific', null, [], []],
      ['Dinner with T', '2002-12-17T04:00:00.000Z to 2002-12-17T05:00:00.000Z, US/Pacific', null, [], []],
    ],
  },
  test3: {
    ignored: 0,
    refused: [],
    count: 26,
    events: [
      [
        'The Big Bang Theory - S04E24 - The Roomate Transmogrfication',
        '2011-05-20T00:00:00.000Z to 2011-05-20T00:30:00.000Z, US/Eastern',
        null,
        [],
        [],
      ],
      [
        'The Big Bang Theory - S04E23 - The Engagement Reaction',
        '2011-05-13T00:00:00.000Z to 2011-05-13T00:30:00.000Z, US/Eastern',
        null,
        [],
        [],
      ],
      ['30 Rock - S05E23 - Respawn', '2011-05-06T02:00:00.000Z to 2011-05-06T02:30:00.000Z, US/Eastern', null, [], []],
      [
        'The Big Bang Theory - S04E22 - The Wildebeest Implementation',
        '2011-05-06T00:00:00.000Z to 2011-05-06T00:30:00.000Z, US/Eastern',
        null,
        [],
        [],
      ],
    ],
  },
  test4: {
    ignored: 0,
    refused: [],
    count: 47,
    events: [
      ['South San Francisco, CA, October 2011;', '2011-10-11T00:00:00.000Z all day, UTC', null, [], []],
      [
        'Directions from SFO to Embassy Suites San Francisco Airport - South San Francisco',
        '2011-10-11T10:05:00.000Z to 2011-10-11T11:05:00.000Z, UTC',
        null,
        [],
        [],
      ],
      ['US403 PHX to SFO', '2011-10-11T14:45:00.000Z to 2011-10-11T16:55:00.000Z, UTC', null, [], []],
      ['Pick-up Rental Car: Dollar Rent A Car', '2011-10-11T17:25:00.000Z to 2011-10-11T18:25:00.000Z, UTC', null, [], []],
    ],
  },
  test5: {
    ignored: 0,
    refused: [],
    count: 1,
    events: [
      ['Phoenix Drupal User Group Monthly Meetup', '2011-11-10T02:00:00.000Z to 2011-11-10T04:00:00.000Z, America/Phoenix', null, [], []],
    ],
  },
  test6: {
    ignored: 0,
    refused: [],
    count: 128,
    events: [
      ['foobar Summer 2011 starts!', '2011-08-04T00:00:00.000Z all day, UTC', null, [], []],
      ['Main entrance opened', '2011-08-04T00:00:00.000Z all day, UTC', null, [], []],
      ['Loading doors are opened', '2011-08-04T00:00:00.000Z all day, UTC', null, [], []],
      [
        'foobarTV broadcast starts',
        '2011-08-04T00:00:00.000Z all day, UTC',
        'FREQ=WEEKLY;BYDAY=MO,FR;INTERVAL=5;UNTIL=20130130T230000Z',
        [],
        [],
      ],
    ],
  },
  test7: {
    ignored: 0,
    refused: [],
    count: 1,
    events: [['Fête Nationale - Férié', '2012-07-14T00:00:00.000Z all day, UTC', 'FREQ=YEARLY', [], []]],
  },
  test8: { ignored: 2, refused: [], count: 0, events: [] },
  test9: {
    ignored: 0,
    refused: [],
    count: 1,
    events: [['Event with an alarm', '2013-04-18T18:00:00.000Z to 2013-04-18T19:00:00.000Z, America/Los_Angeles', null, [], [5]]],
  },
};

const icalendar: MadeOfAll = {
  evolution: {
    ignored: 0,
    refused: [],
    count: 1,
    events: [['Test summ', '2012-01-04T17:00:00.000Z to 2012-01-04T18:30:00.000Z, America/Los_Angeles', null, [], []]],
  },
  'icalendar-test': {
    ignored: 0,
    refused: [],
    count: 152,
    events: [
      ['Youth Soccer Sign ups', '2011-09-17T14:00:00.000Z to 2011-09-17T15:00:00.000Z, UTC', null, [], []],
      ['Girl Scout Cadettes', '2011-09-26T19:00:00.000Z to 2011-09-26T20:00:00.000Z, America/New_York', 'FREQ=WEEKLY;BYDAY=MO', [], []],
      ['Special School Board Meeting in Gilsum', '2011-09-20T23:00:00.000Z to 2011-09-21T00:00:00.000Z, UTC', null, [], []],
      [
        'Vacation Bible Camp',
        '2011-08-15T19:30:00.000Z to 2011-08-15T21:30:00.000Z, America/New_York',
        'FREQ=DAILY;UNTIL=20110819T193000Z',
        [],
        [],
      ],
    ],
  },
};

const python: MadeOfAll = {
  america_new_york: {
    ignored: 0,
    refused: [],
    count: 1,
    events: [['an event with a custom tz name', '2014-08-29T12:00:00.000Z to 2014-08-29T12:00:00.000Z, America/New_York', null, [], []]],
  },
  encoding: {
    ignored: 0,
    refused: [],
    count: 1,
    events: [['Non-ASCII Test: ÄÖÜ äöü €', '2010-10-10T10:00:00.000Z to 2010-10-10T12:00:00.000Z, UTC', null, [], []]],
  },
  issue_112_missing_tzinfo_on_exdate: {
    ignored: 0,
    refused: [],
    count: 1,
    events: [
      [
        'Market East Live!',
        '2013-09-07T16:00:00.000Z to 2013-09-07T21:00:00.000Z, America/New_York',
        'FREQ=WEEKLY;BYDAY=FR,SA;UNTIL=20131025T035959Z',
        ['2013-10-11T16:00:00.000Z not', '2013-10-12T16:00:00.000Z not'],
        [],
      ],
    ],
  },
  issue_53_parsing_failure: {
    ignored: 0,
    refused: [],
    count: 3,
    events: [
      ['DevOps DC Meetup', '2012-07-12T22:30:00.000Z to 2012-07-13T01:30:00.000Z, America/New_York', null, [], []],
      ['DevOps DC Meetup', '2012-09-11T22:30:00.000Z to 2012-09-12T01:30:00.000Z, America/New_York', null, [], []],
      ['DevOps DC Meetup', '2012-11-13T23:30:00.000Z to 2012-11-14T02:30:00.000Z, America/New_York', null, [], []],
    ],
  },
  multiple: {
    ignored: 0,
    refused: [],
    count: 3,
    events: [
      ['Christmas Day', '2003-12-25T00:00:00.000Z all day, UTC', null, [], []],
      ['Boxing Day', '2003-05-01T00:00:00.000Z all day, UTC', null, [], []],
      ['Christmas again!', '2003-12-25T00:00:00.000Z all day, UTC', null, [], []],
    ],
  },
  pacific_fiji: {
    ignored: 0,
    refused: [],
    count: 1,
    events: [['an event with a custom tz name', '2014-08-28T20:00:00.000Z to 2014-08-28T20:00:00.000Z, Pacific/Fiji', null, [], []]],
  },
  recurrence: {
    ignored: 0,
    refused: [],
    count: 2,
    events: [
      [
        'A recurring event with exdates',
        '1996-04-01T01:00:00.000Z to 1996-04-01T02:00:00.000Z, UTC',
        'FREQ=DAILY;COUNT=100',
        ['1996-04-02T01:00:00.000Z not', '1996-04-03T01:00:00.000Z not', '1996-04-04T01:00:00.000Z not'],
        [],
      ],
      [
        'A Recurring event with multiple exdates, one per line.',
        '2012-03-27T08:00:00.000Z to 2012-03-27T16:00:00.000Z, Europe/Vienna',
        'FREQ=WEEKLY;UNTIL=20120703T080000Z;BYDAY=TU',
        [
          '2012-04-03T08:00:00.000Z not',
          '2012-04-10T08:00:00.000Z not',
          '2012-04-17T08:00:00.000Z not',
          '2012-05-01T08:00:00.000Z not',
          '2012-05-29T08:00:00.000Z not',
        ],
        [],
      ],
    ],
  },
  time: { ignored: 0, refused: [], count: 0, events: [] },
  timezone_rdate: {
    ignored: 0,
    refused: [],
    count: 1,
    events: [['Untitled', '2012-02-13T09:00:00.000Z to 2012-02-13T09:00:00.000Z, Europe/Vaduz', null, [], []]],
  },
  timezone_same_start: {
    ignored: 0,
    refused: [],
    count: 1,
    events: [['Test 4', '2017-02-24T20:00:00.000Z to 2017-02-24T20:30:00.000Z, America/Los_Angeles', null, [], []]],
  },
  timezone_same_start_and_offset: { refused: ['Line 23: END:VCALENDARD ends nothing.'] },
  timezoned: {
    ignored: 0,
    refused: [],
    count: 1,
    events: [['artsprint 2012', '2012-02-13T09:00:00.000Z to 2012-02-17T17:00:00.000Z, Europe/Vienna', null, [], []]],
  },
  x_location: {
    ignored: 0,
    refused: [],
    count: 1,
    events: [
      ['Daily Sync', '2016-10-28T12:00:00.000Z to 2016-10-28T12:30:00.000Z, Europe/Zurich', 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR', [], []],
    ],
  },
};

export const made = { ical, icalendar, python };

const finer = (line: number) =>
  `Line ${line}: recurrence_rule: must be a recurrence rule (RFC 5545): FREQ must be one of YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY`;
/** What of KDE's is refused, and why. */
export const refusedOfKde: Readonly<Record<string, string>> = {
  KAlarm_TestCase03: finer(4),
  KAlarm_TestCase04: finer(4),
  KAlarm_TestCase09: finer(4),
  LibICal_TestCase48: finer(5),
  LibICal_TestCase49: finer(5),
  LibICal_TestCase51: finer(5),
  LibICal_TestCase57: 'Line 8: EXRULE: a rule of what does not take place cannot be kept.',
  RFC2445_RRULETest36: finer(24),
  RFC2445_RRULETest36U: finer(24),
  RFC2445_RRULETest37: finer(24),
  RFC2445_RRULETest39: finer(24),
  rdate: 'Line 12: RDATE: occurrences beside those of a rule cannot be kept.',
};

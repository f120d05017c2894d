import { expect, test } from 'vitest';
import { dateIn } from '../../../src/commands/emails/dates.ts';

test.each([
  ['Tue, 24 Nov 2026 08:09:10 +0100', '2026-11-24T07:09:10.000Z'],
  ['24 Nov 2026 08:09 -0330', '2026-11-24T11:39:00.000Z'],
  // RFC 5322 appendix A.5 and A.6.2.
  [
    'Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n               -0330 (Newfoundland Time)',
    '1969-02-14T03:02:00.000Z',
  ],
  ['21 Nov 97 09:55:06 GMT', '1997-11-21T09:55:06.000Z'],
  ['Fri, 21 Nov 1997 09(comment):   55  :  06 -0600', '1997-11-21T15:55:06.000Z'],
  ['Mon, 1 Jan 101 00:00:00 EST', '2001-01-01T05:00:00.000Z'],
  ['1 Jan 30 00:00 Z', '2030-01-01T00:00:00.000Z'],
  ['Sat, 31 Dec 2016 23:59:60 +0000', '2016-12-31T23:59:59.000Z'],
  ['Tuesday, 24-November-2026 8:09:10 PDT', '2026-11-24T15:09:10.000Z'],
  // Without a zone, or with one that nobody knows, it is UTC, wherever the server is.
  ['Tue, 24 Nov 2026 08:09:10', '2026-11-24T08:09:10.000Z'],
  ['Tue, 24 Nov 2026 08:09:10 MEZ', '2026-11-24T08:09:10.000Z'],
  ['31 Feb 2026 08:09:10 +0000', null],
  ['1 Jan 2026 25:00 +0000', null],
  ['yesterday', null],
  ['1', null],
  ['', null],
  [undefined, null],
])('%j is %j', (header, date) => expect(dateIn(header)).toBe(date));

// Calendar events as iCalendar (RFC 5545). What is read again (read.ts) is what was written: also what iCalendar has no
// word for, which is the zone of whole days, and of a time that the clock shows twice.
import type { z } from 'zod';
import { endOf } from '../occurrences.ts';
import type { calendarEventRows, calendarInvitationRows } from '../tables/calendar.ts';
import { dayOf, instantOf, wallClock } from '../zonedTime.ts';
import { timezoneLines, writtenTime } from './timezone.ts';

type EventRow = Omit<z.output<typeof calendarEventRows.row>, 'user_id'>;
type Guest = Pick<z.output<typeof calendarInvitationRows.row>, 'email' | 'display_name' | 'role' | 'response' | 'comment'>;
export type WrittenEvent = EventRow & { readonly invitations: readonly Guest[] };

/** How far the clock changes are written of what goes on for ever. */
const FOR_EVER_YEARS = 50;

export function writeCalendar(events: readonly WrittenEvent[]): string {
  const uids = new Set<string>();
  const components = events.flatMap((event) => {
    // Two may have been given one UID; in a file they would be one.
    const uid = uids.has(event.ical_uid) ? event.id : event.ical_uid;
    uids.add(uid);
    return writeEvent(event, uid);
  });
  return [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Daybook//Daybook//EN',
    'CALSCALE:GREGORIAN',
    ...zonesOf(events),
    ...components,
    'END:VCALENDAR',
  ]
    .map((line) => `${folded(line)}\r\n`)
    .join('');
}

/** At most 75 bytes a line, none of them in the middle of a letter (section 3.1). */
function folded(line: string): string {
  const parts: string[] = [];
  let part = '';
  let bytes = 0;
  for (const letter of line) {
    const size = Buffer.byteLength(letter);
    if (bytes + size > 75) {
      parts.push(part);
      part = ' ';
      bytes = 1;
    }
    part += letter;
    bytes += size;
  }
  return [...parts, part].join('\r\n');
}

function zonesOf(events: readonly WrittenEvent[]): string[] {
  const timed = events.filter(({ all_day, timezone }) => !all_day && timezone !== 'UTC');
  return [...Map.groupBy(timed, ({ timezone }) => timezone)].flatMap(([zone, alike]) => {
    const points = alike.flatMap((event) => [
      event.starts_at,
      event.ends_at,
      ...(event.recurrence_rule === null ? [] : [later(event.ends_at)]),
      ...event.recurrence_exceptions.flatMap(({ changes }) =>
        [changes?.starts_at, changes?.ends_at].flatMap((time) => (typeof time === 'string' ? [time] : [])),
      ),
    ]);
    const [from = '', ...more] = points.sort();
    return timezoneLines(zone, { from, to: more.at(-1) ?? from });
  });
}

const later = (instant: string) => {
  const year = Number(instant.slice(0, 4)) + FOR_EVER_YEARS;
  return `${String(Math.min(year, 9_999)).padStart(4, '0')}${instant.slice(4, 8)}01T00:00:00.000Z`;
};

/** The series, and a component for each occurrence that is otherwise. */
function writeEvent(event: WrittenEvent, uid: string): string[] {
  const time = timesOf(event);
  const gone = event.recurrence_exceptions.filter(({ changes }) => changes === null);
  const differing = event.recurrence_exceptions.flatMap(({ recurrence_id, changes }) => (changes ? [{ recurrence_id, changes }] : []));
  const rule = [
    ...(event.recurrence_rule === null ? [] : [`RRULE:${event.recurrence_rule}`]),
    ...gone.map(({ recurrence_id }) => time('EXDATE', recurrence_id)),
  ];
  return [
    ...component(event, uid, time, rule),
    ...differing.flatMap(({ recurrence_id, changes }) => {
      const byRule = { starts_at: recurrence_id, ends_at: endOf(recurrence_id, event) };
      return component({ ...event, ...byRule, ...changes }, uid, time, [time('RECURRENCE-ID', recurrence_id)]);
    }),
  ];
}

type Time = (name: string, instant: string) => string;

/** How the points in time of an event are written, all in one way. */
function timesOf({ all_day, timezone, starts_at }: EventRow): Time {
  if (all_day) return (name, instant) => `${name};VALUE=DATE:${dayOf(instant, timezone).toString().replaceAll('-', '')}`;
  if (timezone === 'UTC' || !isTold(starts_at, timezone)) return utc;
  return (name, instant) => `${name};TZID=${timezone}:${writtenTime(wallClock(instant, timezone))}`;
}

const utc: Time = (name, instant) => `${name}:${inUtc(instant)}`;

/** Whether what the clock shows says which point in time it is: of an hour that it shows twice, the first is meant. */
const isTold = (instant: string, timezone: string) => instantOf(wallClock(instant, timezone), timezone) === instant;

const inUtc = (instant: string) => `${writtenTime(wallClock(instant, 'UTC'))}Z`;

function component(event: WrittenEvent, uid: string, time: Time, rule: readonly string[]): string[] {
  const { starts_at, ends_at, all_day, timezone } = event;
  const isInZone = !all_day && timezone !== 'UTC' && isTold(starts_at, timezone);
  // An occurrence can be moved to where the clock of its series does not say when it is.
  const own = all_day || isInZone ? time : utc;
  const seconds = (Date.parse(ends_at) - Date.parse(starts_at)) / 1_000;
  return [
    'BEGIN:VEVENT',
    `UID:${escaped(uid)}`,
    `DTSTAMP:${inUtc(event.updated_at)}`,
    `CREATED:${inUtc(event.created_at)}`,
    `LAST-MODIFIED:${inUtc(event.updated_at)}`,
    `SEQUENCE:${event.version}`,
    own('DTSTART', starts_at),
    isInZone && !isTold(ends_at, timezone) ? `DURATION:PT${seconds}S` : own('DTEND', ends_at),
    ...rule,
    `SUMMARY:${escaped(event.title)}`,
    ...(event.description ? [`DESCRIPTION:${escaped(event.description)}`] : []),
    ...(event.location ? [`LOCATION:${escaped(event.location)}`] : []),
    `STATUS:${event.status.toUpperCase()}`,
    `CLASS:${event.visibility.toUpperCase()}`,
    `TRANSP:${event.transparency.toUpperCase()}`,
    ...(event.organizer_email === null ? [] : [`ORGANIZER:mailto:${event.organizer_email}`]),
    ...event.invitations.map(attendee),
    ...(event.conference_url === null ? [] : [`CONFERENCE;VALUE=URI:${event.conference_url}`]),
    ...(all_day || (timezone !== 'UTC' && !isInZone) ? [`X-DAYBOOK-TIMEZONE:${timezone}`] : []),
    ...event.reminder_minutes.flatMap((minutes) => [
      'BEGIN:VALARM',
      'ACTION:DISPLAY',
      `DESCRIPTION:${escaped(event.title)}`,
      `TRIGGER:${minutes === 0 ? 'PT0S' : `-PT${minutes}M`}`,
      'END:VALARM',
    ]),
    'END:VEVENT',
  ];
}

const roles = { chair: 'CHAIR', required: 'REQ-PARTICIPANT', optional: 'OPT-PARTICIPANT', informational: 'NON-PARTICIPANT' } as const;

function attendee({ email, display_name, role, response, comment }: Guest): string {
  return [
    'ATTENDEE',
    ...(display_name === null ? [] : [`CN=${parameter(display_name)}`]),
    `ROLE=${roles[role]}`,
    `PARTSTAT=${response.toUpperCase().replace('_', '-')}`,
    ...(comment ? [`X-RESPONSE-COMMENT=${parameter(comment)}`] : []),
  ]
    .join(';')
    .concat(`:mailto:${email}`);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: neither a text nor a parameter may have them (section 3.1)
const CONTROL = /[\x00-\x08\x0B-\x1F\x7F]/g;
const plain = (text: string) => text.replaceAll(/\r\n?/g, '\n').replaceAll(CONTROL, '');

/** Section 3.3.11. */
const escaped = (text: string) =>
  plain(text)
    .replaceAll(/[\\;,]/g, '\\$&')
    .replaceAll('\n', '\\n');

/** RFC 6868. */
const parameter = (text: string) => `"${plain(text).replaceAll('^', '^^').replaceAll('\n', '^n').replaceAll('"', "^'")}"`;

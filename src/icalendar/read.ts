// An iCalendar file (RFC 5545) as the bodies of requests: what a person would have said to put its events into the
// calendar. Nothing here decides whether that can be: it is said as it is written, or where it cannot be understood.
import { v5 } from 'uuid';
import { breathing } from '../breath.ts';
import { occurringAmong } from '../occurrences.ts';
import { unprocessable } from '../problem.ts';
import { MOST_EXCEPTIONS, recurrenceRule } from '../recurrence.ts';
import { emailAddress, timezone } from '../vocabulary.ts';
import { instantOf, startOfDay, wallClock } from '../zonedTime.ts';
import { type Component, type Found, propertiesOf, readComponents, textOf, Unreadable, valuesOf } from './contentLines.ts';
import { createZones, type Zones } from './zones.ts';

export const NAMELESS = 'Untitled';
const MOST_EVENTS = 20_000;
/** What may differ from one occurrence to the next. */
type Details = {
  readonly title: string;
  readonly description: string | null;
  readonly location: string | null;
  readonly status: 'confirmed' | 'tentative' | 'cancelled';
  readonly visibility: 'public' | 'private' | 'confidential';
  readonly transparency: 'opaque' | 'transparent';
  readonly conference_url: string | null;
  readonly reminder_minutes: readonly number[];
};
type Times = { readonly starts_at: string; readonly ends_at: string; readonly all_day: boolean; readonly timezone: string };
type Changes = Partial<Details & Pick<Times, 'starts_at' | 'ends_at'>>;

/** The body of the request, but that it was not validated. */
export type EventBody = Details &
  Times & {
    readonly organizer_email: string | null;
    readonly ical_uid: string;
    readonly recurrence_rule: string | null;
    readonly recurrence_exceptions: readonly { readonly recurrence_id: string; readonly changes: Changes | null }[];
  };
export type Invitee = {
  readonly email: string;
  readonly display_name: string | null;
  readonly role: 'chair' | 'required' | 'optional' | 'informational';
  readonly response: 'needs_action' | 'accepted' | 'declined' | 'tentative';
  readonly comment: string | null;
};
export type ReadEvent = {
  /** That of the body. An occurrence that came without the series it is of has one of its own. */
  readonly uid: string;
  readonly line: number;
  readonly body: EventBody;
  readonly invitees: readonly Invitee[];
};
export type Unread = { readonly uid: string | null; readonly line: number; readonly code: string; readonly detail: string };
export type ReadCalendar = {
  readonly events: readonly ReadEvent[];
  readonly unread: readonly Unread[];
  /** How many components there are of other kinds: tasks, journals. */
  readonly ignored: number;
};

/** @param ownTimezone whose clock a time without a zone is of. @throws Problem 422 where all of it is of no use */
export async function readCalendar(text: string, ownTimezone: string): Promise<ReadCalendar> {
  const calendars = readComponents(text);
  if (calendars.flatMap(vevents).length > MOST_EVENTS) {
    throw unprocessable('too-many-events', `A file can have ${MOST_EVENTS} events; import it in parts.`, '/icalendar');
  }
  const breathe = breathing();
  const read: ReadCalendar[] = [];
  for (const calendar of calendars) read.push(await readOne(calendar, ownTimezone, breathe));
  return {
    events: read.flatMap(({ events }) => events),
    unread: read.flatMap(({ unread }) => unread),
    ignored: read.reduce((sum, { ignored }) => sum + ignored, 0),
  };
}

const vevents = ({ components }: Component) => components.filter(({ name }) => name === 'vevent');

type Setting = { readonly zones: Zones; readonly floating: string; readonly isCancelling: boolean };

async function readOne(calendar: Component, ownTimezone: string, breathe: ReturnType<typeof breathing>): Promise<ReadCalendar> {
  const method = textOf(calendar, 'method')?.toUpperCase() ?? 'PUBLISH';
  if (!['PUBLISH', 'REQUEST', 'CANCEL', 'ADD'].includes(method)) {
    throw unprocessable('method-not-imported', `A calendar with METHOD:${method} is a message about events, not the events.`, '/icalendar');
  }
  const floating = timezone.safeParse(textOf(calendar, 'x-wr-timezone') ?? ownTimezone).data ?? ownTimezone;
  const setting = { zones: createZones(calendar, [floating, ownTimezone]), floating, isCancelling: method === 'CANCEL' };
  const unread: Unread[] = [];
  const readable = <T>(uid: string, read: () => T[]): T[] => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      unread.push({ uid, line: error.line, code: error.code, detail: error.message });
      return [];
    }
  };
  const parts: Part[] = [];
  for (const component of vevents(calendar)) {
    await breathe();
    const uid = attempt(() => textOf(component, 'uid'), null) ?? uidOf(component);
    parts.push(...readable(uid, () => [readPart(component, uid, setting)]));
  }
  const events: ReadEvent[] = [];
  for (const [uid, ofOne] of Map.groupBy(parts, ({ uid }) => uid)) {
    await breathe();
    events.push(...readable(uid, () => joined(ofOne)));
  }
  const ignored = calendar.components.filter(({ name }) => name !== 'vevent' && name !== 'vtimezone').length;
  return { events, unread, ignored };
}

function attempt<T>(work: () => T, otherwise: T): T {
  try {
    return work();
  } catch {
    return otherwise;
  }
}

const UIDS = 'f0a9e0a6-5d0b-4a3c-8a57-0f6f6ad3b0b4';
/** What has no name is named by what it says, so that it is the same one the next time. */
const uidOf = ({ lines }: Component): string =>
  v5(
    lines
      .filter(({ name }) => name !== 'dtstamp')
      .map(({ text }) => text)
      .join('\n'),
    UIDS,
  );

/** One VEVENT: an event, a series, or one occurrence of a series. */
type Part = {
  readonly uid: string;
  readonly line: number;
  readonly sequence: number;
  readonly recurrence_id: string | null;
  readonly isNamed: boolean;
  readonly event: Omit<EventBody, 'recurrence_exceptions'>;
  readonly exdates: readonly Moment[];
  readonly invitees: readonly Invitee[];
};

function readPart(component: Component, uid: string, setting: Setting): Part {
  for (const [name, what] of [
    ['rdate', 'occurrences beside those of a rule'],
    ['exrule', 'a rule of what does not take place'],
  ] as const) {
    const [line] = propertiesOf(component, name);
    if (line) throw new Unreadable(line.line, `${name}-unsupported`, `${name.toUpperCase()}: ${what} cannot be kept.`);
  }
  const exdates = component.lines.filter(({ name }) => name === 'exdate').flatMap(({ text }) => text.split(','));
  if (exdates.length > MOST_EXCEPTIONS) throw tooManyExceptions(component.line);
  const [start] = propertiesOf(component, 'dtstart');
  if (!start) throw new Unreadable(component.line, 'start-missing', 'The event has no DTSTART.');
  const begins = momentOf(start, setting);
  const own = timezone.safeParse(attempt(() => textOf(component, 'x-daybook-timezone'), null) ?? '').data;
  const zone = own ?? begins.timezone;
  const times = {
    all_day: begins.isDay,
    timezone: zone,
    starts_at: pointOf(begins, zone),
    ends_at: endOf(component, begins, zone, setting),
  };
  const [recurrence] = propertiesOf(component, 'recurrence-id');
  if (recurrence?.parameters.has('range')) {
    throw new Unreadable(recurrence.line, 'range-unsupported', 'A change of an occurrence and all that follow it cannot be kept.');
  }
  if (recurrence && times.ends_at < times.starts_at) {
    // Said here, so that it is refused alone and not the series with it.
    throw new Unreadable(component.line, 'ends-before-start', 'An event cannot end before it starts.');
  }
  const named = textOf(component, 'summary')?.trim();
  return {
    uid,
    line: component.line,
    sequence: numberOf(component, 'sequence'),
    recurrence_id: recurrence ? pointOf(momentOf(recurrence, setting), zone) : null,
    isNamed: named !== undefined,
    exdates: propertiesOf(component, 'exdate').flatMap((line) => momentsOf(line, setting)),
    invitees: inviteesOf(component),
    event: {
      title: named ?? NAMELESS,
      description: textOf(component, 'description'),
      location: textOf(component, 'location'),
      status: setting.isCancelling ? 'cancelled' : wordOf(component, 'status', statuses, 'confirmed'),
      // RFC 5545, section 3.8.1.3: what is not known is private.
      visibility: wordOf(component, 'class', visibilities, 'private', 'public'),
      transparency: wordOf(component, 'transp', transparencies, 'opaque'),
      organizer_email: organizerOf(component),
      conference_url: conferenceOf(component),
      reminder_minutes: remindersOf(component, times, setting),
      ical_uid: uid,
      recurrence_rule: ruleOf(component),
      ...times,
    },
  };
}

/** The parts of one UID: the latest of its series with what its occurrences say, and occurrences that are of no series here. @throws Unreadable */
function joined(parts: readonly Part[]): ReadEvent[] {
  const latest = (of: readonly Part[]) =>
    of.reduce<Part | undefined>((last, part) => (last && last.sequence > part.sequence ? last : part), undefined);
  const series = latest(parts.filter(({ recurrence_id }) => recurrence_id === null));
  const occurrences = [
    ...Map.groupBy(
      parts.filter(({ recurrence_id }) => recurrence_id !== null),
      ({ recurrence_id }) => recurrence_id,
    ).values(),
  ]
    .map(latest)
    .filter((part) => part !== undefined);
  const alone = ({ uid: uidOfSeries, recurrence_id, line, event, invitees }: Part): ReadEvent => {
    const uid = `${uidOfSeries}/${recurrence_id}`;
    return { uid, line, invitees, body: { ...event, ical_uid: uid, recurrence_rule: null, recurrence_exceptions: [] } };
  };
  if (!series) return occurrences.map(alone);
  const { event } = series;
  const without = series.exdates.map((moment) => excludedBy(moment, event));
  const named = [...without, ...occurrences.map(({ recurrence_id }) => recurrence_id ?? '')];
  if (named.length > MOST_EXCEPTIONS) throw tooManyExceptions(series.line);
  // What is wrong with a rule is for who validates it to say.
  const isRule = recurrenceRule.nullable().safeParse(event.recurrence_rule).success;
  const occurring = isRule ? occurringAmong(event, named) : new Set(named);
  const differing = new Map<string, Changes | null>();
  for (const recurrence_id of without) if (occurring.has(recurrence_id)) differing.set(recurrence_id, null);
  const strays: ReadEvent[] = [];
  for (const part of occurrences) {
    if (part.recurrence_id !== null && occurring.has(part.recurrence_id)) differing.set(part.recurrence_id, changesOf(part, event));
    else strays.push(alone(part));
  }
  const recurrence_exceptions = [...differing].map(([recurrence_id, changes]) => ({ recurrence_id, changes }));
  return [{ uid: series.uid, line: series.line, invitees: series.invitees, body: { ...event, recurrence_exceptions } }, ...strays];
}

const tooManyExceptions = (line: number) =>
  new Unreadable(line, 'too-many-exceptions', `A series can have ${MOST_EXCEPTIONS} occurrences that are otherwise.`);

const ownDetails = ['description', 'location', 'visibility', 'transparency', 'conference_url', 'reminder_minutes', 'status'] as const;

function changesOf({ event, isNamed }: Part, series: Part['event']): Changes | null {
  if (event.status === 'cancelled' && series.status !== 'cancelled') return null;
  const differs = Object.fromEntries(
    ownDetails.filter((name) => JSON.stringify(event[name]) !== JSON.stringify(series[name])).map((name) => [name, event[name]]),
  );
  return {
    ...differs,
    ...(isNamed && event.title !== series.title && { title: event.title }),
    starts_at: event.starts_at,
    ends_at: event.ends_at,
  };
}

/** A day says which occurrence, too, where there is one a day. */
const excludedBy = (moment: Moment, { all_day, timezone, starts_at }: Times): string => {
  if (!moment.isDay || all_day) return pointOf(moment, timezone);
  return instantOf(moment.clock.toPlainDate().toPlainDateTime(wallClock(starts_at, timezone).toPlainTime()), timezone);
};

/** What a DATE or DATE-TIME says: a day, or what the clock of a zone shows. */
type Moment = { readonly isDay: boolean; readonly clock: Temporal.PlainDateTime; readonly timezone: string };
function momentOf(found: Found, setting: Setting): Moment {
  const [moment] = momentsOf(found, setting);
  if (!moment) throw new Unreadable(found.line, 'time-unreadable', 'There is no time here.');
  return moment;
}

const WRITTEN = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d):(\d\d)(Z)?)?$/;

function momentsOf(found: Found, { zones, floating }: Setting): Moment[] {
  const { written, parameters, line } = found;
  return valuesOf(found).map((value, index) => {
    const [, year, month, day, hour, minute, second, isUtc] = WRITTEN.exec(String(value).replace(/T::$/, '')) ?? [];
    if (year === undefined) throw new Unreadable(line, 'time-unreadable', `“${written.split(',')[index] ?? ''}” is no date and no time.`);
    const tzid = parameters.get('tzid');
    const timezone = isUtc ? 'UTC' : tzid === undefined ? floating : zones.find(tzid);
    if (timezone === undefined)
      throw new Unreadable(
        line,
        'unknown-timezone',
        `There is no time zone called “${tzid}”, and the file does not say how its clock goes.`,
      );
    try {
      const time = { hour: Number(hour ?? 0), minute: Number(minute ?? 0), second: Math.min(Number(second ?? 0), 59) };
      const clock = Temporal.PlainDateTime.from(
        { year: Number(year), month: Number(month), day: Number(day), ...time },
        { overflow: 'reject' },
      );
      return { isDay: hour === undefined, clock, timezone };
    } catch {
      throw new Unreadable(line, 'time-unreadable', `There is no ${String(value)}.`);
    }
  });
}

/** @param zone whose days are meant */
const pointOf = ({ isDay, clock, timezone }: Moment, zone: string): string =>
  isDay ? startOfDay(clock.toPlainDate(), zone) : instantOf(clock, timezone);

/** RFC 5545, section 3.6.1: without an end, a day is a day long and a point in time is a point. */
function endOf(component: Component, begins: Moment, zone: string, setting: Setting): string {
  const start = pointOf(begins, zone);
  const [end] = propertiesOf(component, 'dtend');
  const nextDay = (day: Temporal.PlainDate) => startOfDay(day.add({ days: 1 }), zone);
  if (end) {
    const ends = momentOf(end, setting);
    if (!begins.isDay) return pointOf(ends, begins.timezone);
    const day = ends.clock.toPlainDate();
    // A whole day that ends on the day it begins, as some write it, is that day.
    return Temporal.PlainDate.compare(day, begins.clock.toPlainDate()) === 0 ? nextDay(day) : startOfDay(day, zone);
  }
  const [duration] = propertiesOf(component, 'duration');
  if (duration) {
    const { days, seconds } = durationOf(duration);
    // Days go by the calendar, hours by the clock that never changes.
    const later = begins.isDay
      ? startOfDay(begins.clock.toPlainDate().add({ days: Math.max(1, days + Math.ceil(seconds / 86_400)) }), zone)
      : instantOf(wallClock(start, begins.timezone).add({ days }), begins.timezone);
    return begins.isDay ? later : new Date(Date.parse(later) + seconds * 1_000).toISOString();
  }
  return begins.isDay ? nextDay(begins.clock.toPlainDate()) : start;
}

const DURATION = /^([+-])?P(?:(\d{1,5})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,8})M)?(?:(\d{1,9})S)?)?$/;

function durationOf(found: Found): { days: number; seconds: number } {
  const value = String(valuesOf(found)[0]);
  const parts = DURATION.exec(value);
  if (!parts) throw new Unreadable(found.line, 'duration-unreadable', `“${value}” is no duration.`);
  const [weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = parts.slice(2).map((part) => Number(part ?? 0));
  const sign = parts[1] === '-' ? -1 : 1;
  return { days: sign * (weeks * 7 + days), seconds: sign * (hours * 3_600 + minutes * 60 + seconds) };
}

const LONGEST_REMINDER_MINUTES = 366 * 24 * 60;
const MOST_REMINDERS = 20;

/** How many minutes before the start its alarms go off. One that cannot be told so (after the start, years before) is left out. */
function remindersOf(component: Component, { starts_at, ends_at }: Times, setting: Setting): number[] {
  const minutes = component.components
    .filter(({ name }) => name === 'valarm')
    .flatMap((alarm) => {
      const [trigger] = attempt(() => propertiesOf(alarm, 'trigger'), []);
      if (!trigger || attempt(() => textOf(alarm, 'action'), null)?.toUpperCase() === 'NONE') return [];
      return attempt(() => {
        if (trigger.property.type === 'date-time') {
          const goesOff = Date.parse(pointOf(momentOf(trigger, setting), setting.floating));
          return [(Date.parse(starts_at) - goesOff) / 60_000];
        }
        const { days, seconds } = durationOf(trigger);
        const isOfEnd = trigger.parameters.get('related')?.toUpperCase() === 'END';
        const length = (Date.parse(ends_at) - Date.parse(starts_at)) / 60_000;
        return [-(days * 1_440 + seconds / 60) - (isOfEnd ? length : 0)];
      }, []);
    })
    .map(Math.round)
    .filter((before) => before >= 0 && before <= LONGEST_REMINDER_MINUTES)
    // Minus nothing is nothing.
    .map((before) => before + 0);
  return [...new Set(minutes)].sort((a, b) => b - a).slice(0, MOST_REMINDERS);
}

function ruleOf(component: Component): string | null {
  const rules = component.lines.filter(({ name, text }) => name === 'rrule' && text.slice(6).trim() !== '');
  const [rule, second] = rules;
  if (second) throw new Unreadable(second.line, 'rules-unsupported', 'A second RRULE cannot be kept.');
  if (!rule) return null;
  return rule.text
    .slice(rule.text.lastIndexOf(':') + 1)
    .trim()
    .replace(/;+$/, '');
}

const numberOf = (component: Component, name: string): number => {
  const [found] = attempt(() => propertiesOf(component, name), []);
  const value = Number(found ? valuesOf(found)[0] : 0);
  return Number.isFinite(value) ? value : 0;
};

const statuses = { CONFIRMED: 'confirmed', TENTATIVE: 'tentative', CANCELLED: 'cancelled' } as const;
const visibilities = { PUBLIC: 'public', PRIVATE: 'private', CONFIDENTIAL: 'confidential' } as const;
const transparencies = { OPAQUE: 'opaque', TRANSPARENT: 'transparent' } as const;
const roles = { CHAIR: 'chair', 'REQ-PARTICIPANT': 'required', 'OPT-PARTICIPANT': 'optional', 'NON-PARTICIPANT': 'informational' } as const;
const responses = { 'NEEDS-ACTION': 'needs_action', ACCEPTED: 'accepted', DECLINED: 'declined', TENTATIVE: 'tentative' } as const;

const meaning = <Word>(words: Readonly<Record<string, Word>>, said: string | null | undefined): Word | undefined =>
  said ? words[said.trim().toUpperCase()] : undefined;

/** @param otherwise for a word that is not known, and where there is none unless `absent` says so */
function wordOf<Word>(
  component: Component,
  name: string,
  words: Readonly<Record<string, Word>>,
  otherwise: Word,
  absent = otherwise,
): Word {
  const said = textOf(component, name);
  return said === null ? absent : (meaning(words, said) ?? otherwise);
}

const organizerOf = (component: Component): string | null => {
  const [organizer] = attempt(() => propertiesOf(component, 'organizer'), []);
  return organizer ? addressOf(organizer) : null;
};

/** What is no address (a name in a directory, nothing at all) is none. */
function addressOf(found: Found): string | null {
  const value = String(valuesOf(found)[0]).replace(/^mailto:/i, '');
  return emailAddress.safeParse(value).data ?? emailAddress.safeParse(found.parameters.get('email') ?? '').data ?? null;
}

function inviteesOf(component: Component): Invitee[] {
  const invitees = new Map<string, Invitee>();
  for (const found of propertiesOf(component, 'attendee')) {
    const { parameters } = found;
    const email = addressOf(found);
    if (email === null) continue;
    const name = parameters.get('cn')?.trim().slice(0, 200).trim();
    const comment = parameters.get('x-response-comment')?.trim().slice(0, 2_000);
    invitees.set(email.toLowerCase(), {
      email,
      display_name: name && name.toLowerCase() !== email.toLowerCase() ? name : null,
      role: meaning(roles, parameters.get('role')) ?? 'required',
      response: meaning(responses, parameters.get('partstat')) ?? 'needs_action',
      comment: comment || null,
    });
  }
  return [...invitees.values()];
}

const conferences = ['conference', 'x-google-conference', 'x-microsoft-skypeteamsmeetingurl'];

/** RFC 7986, section 5.11, and what was used before it. */
function conferenceOf(component: Component): string | null {
  const links = conferences.map((name) => attempt(() => textOf(component, name), null)?.trim());
  return (
    links.find((link) => link !== undefined && /^(https?|tel|sips?|xmpp):/i.test(link) && URL.canParse(link) && link.length <= 2_000) ??
    null
  );
}

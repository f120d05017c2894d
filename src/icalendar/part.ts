// What one VEVENT says (RFC 5545, section 3.6.1): an event, a series, or one occurrence of a series.
import { MOST_EXCEPTIONS } from '../recurrence.ts';
import { emailAddress, timezone } from '../vocabulary.ts';
import { type Component, type Found, propertiesOf, textOf, Unreadable, valuesOf } from './contentLines.ts';
import { type Clocks, durationOf, endOf, type Moment, momentOf, momentsOf, pointOf } from './moments.ts';

const NAMELESS = 'Untitled';

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
export type Times = { readonly starts_at: string; readonly ends_at: string; readonly all_day: boolean; readonly timezone: string };
export type Changes = Partial<Details & Pick<Times, 'starts_at' | 'ends_at'>>;

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
export type Part = {
  readonly uid: string;
  readonly line: number;
  readonly sequence: number;
  readonly recurrence_id: string | null;
  readonly isNamed: boolean;
  readonly event: Omit<EventBody, 'recurrence_exceptions'>;
  readonly exdates: readonly Moment[];
  readonly invitees: readonly Invitee[];
};

/** What holds for all of a calendar. */
export type Setting = Clocks & { readonly isCancelling: boolean };

/** @throws Unreadable */
export function readPart(component: Component, uid: string, setting: Setting): Part {
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

export const tooManyExceptions = (line: number) =>
  new Unreadable(line, 'too-many-exceptions', `A series can have ${MOST_EXCEPTIONS} occurrences that are otherwise.`);

export function attempt<T>(work: () => T, otherwise: T): T {
  try {
    return work();
  } catch {
    return otherwise;
  }
}

const LONGEST_REMINDER_MINUTES = 366 * 24 * 60;
const MOST_REMINDERS = 20;

/** How many minutes before the start its alarms go off. One that cannot be told so (after the start, years before) is left out. */
function remindersOf(component: Component, { starts_at, ends_at }: Times, clocks: Clocks): number[] {
  const minutes = component.components
    .filter(({ name }) => name === 'valarm')
    .flatMap((alarm) => {
      const [trigger] = attempt(() => propertiesOf(alarm, 'trigger'), []);
      if (!trigger || attempt(() => textOf(alarm, 'action'), null)?.toUpperCase() === 'NONE') return [];
      return attempt(() => {
        if (trigger.property.type === 'date-time') {
          const goesOff = Date.parse(pointOf(momentOf(trigger, clocks), clocks.floating));
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
  // Some put all of it into quotes, or the address into angle brackets. A URI may have escapes, and headers after it (RFC 6068).
  const [, scheme, value = ''] =
    /^(mailto:)?\s*<?\s*(.*?)\s*>?$/i.exec(
      String(valuesOf(found)[0])
        .trim()
        .replace(/^"(.*)"$/, '$1')
        .trim(),
    ) ?? [];
  const address = scheme === undefined ? value : unescaped(value.replace(/\?.*/, ''));
  return emailAddress.safeParse(address).data ?? emailAddress.safeParse(found.parameters.get('email') ?? '').data ?? null;
}

function unescaped(uri: string): string {
  try {
    return decodeURIComponent(uri);
  } catch {
    return uri;
  }
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

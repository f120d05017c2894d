// An iCalendar file (RFC 5545) as the bodies of requests: what a person would have said to put its events into the
// calendar. Nothing here decides whether that can be: it is said as it is written, or where it cannot be understood.
import { v5 } from 'uuid';
import { breathing } from '../breath.ts';
import { unprocessable } from '../problem.ts';
import { timezone } from '../vocabulary.ts';
import { type Component, readComponents, textOf, Unreadable } from './contentLines.ts';
import { attempt, type Part, readPart } from './part.ts';
import { joined, type ReadEvent } from './series.ts';
import { createZones } from './zones.ts';

const MOST_EVENTS = 20_000;

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

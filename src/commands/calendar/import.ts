// A whole iCalendar file into the calendar, each of its events in a stream of its own. An event is known by its UID: what
// is there already changes to what the file says, so that a file can be imported again, after a crash as well.
import { isDeepStrictEqual } from 'node:util';
import { v5 } from 'uuid';
import { z } from 'zod';
import { calendarEventCancelled, invitationAnswered, inviteeInvited } from '../../events/calendar.ts';
import type { NewEvent } from '../../events/event.ts';
import { AppendTooLarge } from '../../eventstore/log.ts';
import { readText } from '../../icalendar/contentLines.ts';
import type { Invitee } from '../../icalendar/part.ts';
import { readCalendar } from '../../icalendar/read.ts';
import type { ReadEvent } from '../../icalendar/series.ts';
import { occurringAmong } from '../../occurrences.ts';
import { Problem } from '../../problem.ts';
import { validate } from '../../validation.ts';
import { uuid } from '../../vocabulary.ts';
import { dayOf } from '../../zonedTime.ts';
import { type CommandServices, command, type Decision, type Input, stampOf } from '../command.ts';
import { unauthorized } from '../users/standing.ts';
import { user } from '../users/user.ts';
import { calendarEvent, cancelCalendarEvent, changeCalendarEvent, importedEvent, scheduled } from './event.ts';
import { invitationIdOf, MOST_INVITEES, tooManyInvitees } from './invitations.ts';
import { type CalendarEvent, pointOf } from './when.ts';

const IMPORTED = '0d9be5a1-6a57-4c55-a0c4-3f1f5a2f6b38';
const AT_ONCE = 8;

const item = z.object({
  uid: z.string().nullable(),
  /** The event; null where it was refused. */
  id: uuid.nullable(),
  result: z.enum(['created', 'changed', 'unchanged', 'refused']),
  /** Where in the file it begins; of what was refused, the line that cannot be understood, if it is one. */
  line: z.int(),
  code: z.string().nullable(),
  detail: z.string().nullable(),
});
type Item = z.output<typeof item>;
type Done = Pick<Item, 'id' | 'result'>;
const count = z.int().nonnegative();
const response = z.object({ created: count, changed: count, unchanged: count, refused: count, ignored: count, items: z.array(item) });

export const importCalendar = command({
  route: 'POST /calendar/import',
  summary: 'Import an iCalendar file',
  description: `Takes the events of the file (RFC 5545), as \`text/calendar\` or within JSON: series with what is different about single
occurrences, alarms as reminders, attendees as invitations of which you note the answers (nobody is asked anything). An event is known by
its UID, so importing a file again makes nothing twice, and an occurrence that comes without its series changes the series that
is there. What cannot be understood or kept is refused alone, and says where it is; only where that is all there is, the answer is
422. \`ignored\` is how many tasks, journals and the like the file has.`,
  body: z.strictObject({
    icalendar: z.string().regex(/^\s*(?:\uFEFF\s*)?BEGIN:VCALENDAR\b/i, 'must be iCalendar, which begins with BEGIN:VCALENDAR'),
  }),
  bodies: {
    'text/calendar': {
      description: 'An .ics file',
      read: async (content, { contentType }) => ({ icalendar: await readText(content, contentType) }),
    },
  },
  example: {
    icalendar:
      'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//EN\r\nBEGIN:VEVENT\r\nUID:choir@example.com\r\nDTSTAMP:20261101T090000Z\r\nDTSTART;TZID=Europe/Vienna:20261124T190000\r\nDURATION:PT2H\r\nSUMMARY:Choir\r\nRRULE:FREQ=WEEKLY\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n',
  },
  aggregate: calendarEvent,
  creates: true,
  response: { schema: response, status: 200 },
  prepare: async (input, services) => {
    const me = (await services.folds.fresh(user, `${user.category}-${input.user.id}`)).state;
    if (!me) throw unauthorized();
    const { events, unread, ignored } = await readCalendar(input.body.icalendar, me.timezone);
    const items: Item[] = unread.map((each) => ({ ...each, id: null, result: 'refused' }));
    // What two calendars of the file say of one event is done in their order.
    const rest = Map.groupBy(events, ({ uid, occurrence }) => occurrence?.uid ?? uid).values();
    const work = async () => {
      for (const ofOne of rest) for (const event of ofOne) items.push(await imported(event, input, services));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    items.sort((a, b) => a.line - b.line);
    const counted = (result: Item['result']) => items.filter((each) => each.result === result).length;
    if (items.length > 0 && counted('refused') === items.length) throw allRefused(items);
    const [created, changed, unchanged, refused] = [counted('created'), counted('changed'), counted('unchanged'), counted('refused')];
    return {
      decide: () => [],
      respond: async () => ({ created, changed, unchanged, refused, ignored, items }),
    };
  },
});

const MOST_TOLD = 100;
const TOO_LARGE = 'This event is larger than the event log takes at once.';

const allRefused = (items: readonly Item[]) =>
  new Problem(422, 'nothing-imported', 'None of the events can be imported.', {
    errors: items
      .slice(0, MOST_TOLD)
      .map(({ line, detail }) => ({ in: 'body', pointer: '/icalendar', detail: `Line ${line}: ${detail ?? 'This cannot be imported.'}` })),
  });

/** One event of the file, done or refused by itself. Whatever is not its own fault (a store that is away) ends the import. */
async function imported(event: ReadEvent, input: Input, services: CommandServices): Promise<Item> {
  const { uid, line } = event;
  try {
    return { uid, line, ...(await putIntoCalendar(event, input, services)), code: null, detail: null };
  } catch (error) {
    if (error instanceof AppendTooLarge) return { uid, line, id: null, result: 'refused', code: 'too-large', detail: TOO_LARGE };
    if (!(error instanceof Problem) || error.status >= 500) throw error;
    const [field] = error.errors;
    const detail = field ? `${field.pointer.slice(1)}: ${field.detail}` : error.message;
    return { uid, line, id: null, result: 'refused', code: error.code, detail };
  }
}

async function putIntoCalendar(event: ReadEvent, input: Input, services: CommandServices): Promise<Done> {
  if (event.invitees.length > MOST_INVITEES) throw tooManyInvitees();
  const { ical_uid, ...body } = validate(importedEvent, event.body, 'body');
  const { occurrence } = event;
  if (occurrence) {
    let isOfSeries = false;
    const done = await changing(occurrence.uid, input, services, (known) => {
      const events = known && ofOccurrence(known, occurrence, body, input);
      isOfSeries = events !== undefined;
      return events ?? [];
    });
    if (isOfSeries) return done;
  }
  return changing(event.uid, input, services, (known, id) => [
    ...(known ? differences(known, body, input) : [scheduled(body, body.timezone ?? 'UTC', ical_uid)]),
    ...invitations(known, id, event.invitees, input.at),
  ]);
}

/** Decides about the event of this UID, which may not be there yet. */
async function changing(
  uid: string,
  input: Input,
  services: CommandServices,
  decide: (known: CalendarEvent | undefined, id: string) => readonly NewEvent[],
): Promise<Done> {
  for (let generation = 0; ; generation += 1) {
    const id = (generation === 0 && (await ownOf(uid, input, services))) || idOf(input.user.id, uid, generation);
    const seen: { result: Done['result'] | 'gone' } = { result: 'unchanged' };
    await services.transact(calendarEvent, id, stampOf(input), (known, revision) => {
      seen.result = known ? 'unchanged' : 'gone';
      if (!known && revision >= 0) return [];
      const events = decide(known, id);
      if (!known) seen.result = 'created';
      else if (events.length > 0) seen.result = 'changed';
      return events;
    });
    if (seen.result !== 'gone') return { id, result: seen.result };
  }
}

/** What is deleted stays so: in the file it is there again, as another. */
const idOf = (owner: string, uid: string, generation: number) => v5(JSON.stringify([owner, uid, generation]), IMPORTED);

/** The event that was made here, exported, and comes back: its UID is its id. */
async function ownOf(uid: string, { user: { id } }: Input, { folds }: CommandServices): Promise<string | undefined> {
  const own = uuid.safeParse(uid).data;
  if (own === undefined) return undefined;
  const { state } = await folds.fresh(calendarEvent, `${calendarEvent.category}-${own}`);
  return state?.owner_id === id && state.ical_uid === uid ? own : undefined;
}

type Body = Omit<z.output<typeof importedEvent>, 'ical_uid'>;

function differences(known: CalendarEvent, { id, status, timezone = known.timezone, ...said }: Body, input: Input): readonly NewEvent[] {
  if (status === 'cancelled') return known.status === 'cancelled' ? [] : [calendarEventCancelled({})];
  return eventsOf(changeCalendarEvent.decide(known, { ...input, params: { id: input.id }, body: { ...said, status, timezone } }));
}

/** What a file says of one occurrence of what is known; undefined where that has no such occurrence. @throws Problem */
function ofOccurrence(
  known: CalendarEvent,
  { recurrence_id: point, isNamed }: NonNullable<ReadEvent['occurrence']>,
  { title, description, location, status, visibility, transparency, conference_url, reminder_minutes, ...times }: Body,
  input: Input,
): readonly NewEvent[] | undefined {
  // Days are the same days in the zone of the series.
  const said = (time: string) => (known.all_day && times.all_day ? dayOf(time, times.timezone ?? 'UTC').toString() : time);
  const recurrence_id = pointOf(said(point), known, '/recurrence_id');
  if (!occurringAmong(known, [recurrence_id]).has(recurrence_id)) return undefined;
  const asked = { ...input, params: { id: input.id } };
  if (status === 'cancelled') return eventsOf(cancelCalendarEvent.decide(known, { ...asked, body: { recurrence_id } }));
  const details = { description, location, status, visibility, transparency, conference_url, reminder_minutes };
  const when = { starts_at: said(times.starts_at), ends_at: said(times.ends_at) };
  const body = { recurrence_id, ...(isNamed && { title }), ...details, ...when };
  return eventsOf(changeCalendarEvent.decide(known, { ...asked, body }));
}

/** What somebody has said here themselves stays what they said. @throws Problem 409 */
function invitations(known: CalendarEvent | undefined, event: string, invitees: readonly Invitee[], at: string): NewEvent[] {
  const invited = invitees.flatMap(({ role, response, comment, ...invitee }): NewEvent[] => {
    const invitation_id = invitationIdOf(event, invitee.email);
    const before = known?.invitations.find((each) => each.invitation_id === invitation_id);
    const asked = before ? [] : [inviteeInvited({ invitation_id, ...invitee, invitee_user_id: null, role })];
    const isNews = response !== 'needs_action' && !isDeepStrictEqual([before?.response, before?.comment], [response, comment]);
    if (before?.answered_by === 'invitee' || !isNews) return asked;
    const { email, display_name } = before ?? invitee;
    const answer = { invitation_id, email, display_name, response, comment, responded_at: at, answered_by: 'organizer' } as const;
    return [...asked, invitationAnswered(answer)];
  });
  const added = invited.filter(({ type }) => type === inviteeInvited.type).length;
  if (added > 0 && (known?.invitations.length ?? 0) + added > MOST_INVITEES) throw tooManyInvitees();
  return invited;
}

function eventsOf(decision: Decision): readonly NewEvent[] {
  if (decision instanceof Problem) throw decision;
  return 'type' in decision ? [decision] : decision;
}

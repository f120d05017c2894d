// What an import of an iCalendar file does, of files as the random requests have them: an event that is known by its UID becomes
// what the file says, and what is not there yet is made.
import { z } from 'zod';
import { changedAsAWhole, occurs, scheduled } from './calendar.ts';
import { type Context, type Happening, happen, type Routes } from './core.ts';
import { answered, invited, nameOf } from './invitations.ts';
import { type CalendarEventRow, own } from './rows.ts';

export const calendarImportRoutes: Routes = {
  'POST /calendar/import': (context) => {
    const { icalendar } = z.object({ icalendar: z.string() }).parse(context.body);
    // Of two with one UID, the later one.
    const events = new Map(
      icalendar
        .split('BEGIN:VEVENT')
        .slice(1)
        .map(readEvent)
        .map((event) => [event.uid, event]),
    );
    const refused = [...events.values()].filter((event) => imported(context, event) === 'refused').length;
    return events.size > 0 && refused === events.size ? 422 : 200;
  },
};

type Event = ReturnType<typeof readEvent>;

const statuses = z.enum(['confirmed', 'tentative', 'cancelled']);
const responses = z.enum(['needs_action', 'accepted', 'declined', 'tentative']);

function readEvent(text: string) {
  const lines = text.split('\r\n').map((line) => line.split(/:(.*)/s));
  const value = (name: string) => lines.find(([given]) => given === name)?.[1];
  const time = (name: string) => value(name)?.replace(/(....)(..)(..)T(..)(..)(..)Z/, '$1-$2-$3T$4:$5:$6.000Z') ?? '';
  return {
    uid: value('UID') ?? '',
    title: value('SUMMARY') ?? '',
    starts_at: time('DTSTART'),
    ends_at: time('DTEND'),
    recurrence_rule: value('RRULE') ?? null,
    without: time('EXDATE'),
    status: statuses.parse(value('STATUS')?.toLowerCase()),
    invitees: lines
      .filter(([name = '']) => name.startsWith('ATTENDEE;'))
      .map(([name = '', address = '']) => ({
        email: address.replace('mailto:', ''),
        response: responses.parse(
          name
            .replace(/.*PARTSTAT=/, '')
            .toLowerCase()
            .replace('-', '_'),
        ),
      })),
  };
}

const unsaid = {
  description: null,
  location: null,
  visibility: 'public',
  transparency: 'opaque',
  organizer_email: null,
  conference_url: null,
  reminder_minutes: [],
};

function imported(context: Context, file: Event): 'refused' | 'done' {
  const { model, caller, at } = context;
  const { rows, said } = model;
  const name = `${caller.id} ${file.uid}`;
  const mine = own(rows.calendar_events, file.uid, caller.id);
  const known = mine?.ical_uid === file.uid ? mine : own(rows.calendar_events, said.imports.get(name), caller.id);
  const id = known?.id ?? context.imported.get(file.uid) ?? '';
  const { title, status, starts_at, ends_at, recurrence_rule } = file;
  const series = { starts_at, ends_at, all_day: false, timezone: 'UTC', recurrence_rule, recurrence_exceptions: [] };
  const isWithout = file.without !== '' && occurs(series, file.without);
  const when = { ...series, recurrence_exceptions: isWithout ? [{ recurrence_id: file.without, changes: null }] : [] };
  const words = { ...unsaid, title, status };

  const decided = decide();
  if (decided === 422) return 'refused';
  happen(model, `calendarEvent-${id}`, caller, at, decided);
  const event = rows.calendar_events.get(id);
  if (!known) said.imports.set(name, id);
  for (const { email, response } of file.invitees)
    if (event) happen(model, `calendarEvent-${id}`, caller, at, answers(event, email, response));
  return 'done';

  function decide(): 422 | readonly Happening[] {
    if (!known) return scheduled(rows, caller.id, id, { ...words, ...when, ical_uid: file.uid });
    if (status !== 'cancelled') return changedAsAWhole(known, words, when);
    const apply: Happening['apply'] = ({ at, version }) => Object.assign(known, { status, updated_at: at, version });
    return known.status === 'cancelled' ? [] : [{ type: 'CalendarEventCancelled', about: ['event', id], apply }];
  }

  /** Nobody is asked anything, and what somebody has said here themselves stays what they said. */
  function answers(event: CalendarEventRow, email: string, response: Event['invitees'][number]['response']): Happening[] {
    const name = nameOf(event.id, email);
    const before = rows.calendar_invitations.get(name);
    const asked = before ? [] : invited(model, event, { email, display_name: null, role: 'required', invitee_user_id: null });
    const isNews = response !== 'needs_action' && (before?.response !== response || before.comment !== null);
    if (said.ownAnswers.has(name) || !isNews) return asked;
    return [...asked, ...answered(model, event, before?.email ?? email, caller, { response, comment: null, responded_at: at })];
  }
}

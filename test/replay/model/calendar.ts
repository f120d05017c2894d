// What requests about calendar events do. Rules are those of every day and every week, and zones those without summer time:
// what others make of more than that is test/occurrences.test.ts's.
import { z } from 'zod';
import { removeCalendarEvent } from './cascades.ts';
import { type Context, changes, commandOn, type Happening, type Refusal, type Routes, sorted } from './core.ts';
import { type CalendarEventRow, change, own, type Rows, stamped } from './rows.ts';

const nullable = z.string().nullable();
const ownDetails = {
  title: z.string().trim(),
  description: nullable,
  location: nullable,
  status: z.enum(['confirmed', 'tentative']),
  visibility: z.string(),
  transparency: z.string(),
  conference_url: nullable,
  reminder_minutes: z.array(z.number()).transform((minutes) => [...new Set(minutes)].sort((a, b) => b - a)),
};
const details = { ...ownDetails, organizer_email: nullable };
const exceptions = z.array(
  z.object({
    recurrence_id: z.string(),
    changes: z
      .object({ ...ownDetails, starts_at: z.string(), ends_at: z.string() })
      .exactPartial()
      .nullable(),
  }),
);
const times = {
  starts_at: z.string(),
  ends_at: z.string(),
  all_day: z.boolean(),
  timezone: z.string(),
  recurrence_rule: nullable,
  recurrence_exceptions: exceptions,
};
const newEvent = z.object({
  id: z.uuidv7().optional(),
  title: details.title,
  description: details.description.default(null),
  location: details.location.default(null),
  ...times,
  all_day: times.all_day.default(false),
  recurrence_rule: times.recurrence_rule.default(null),
  recurrence_exceptions: exceptions.default([]),
  status: z.enum(['confirmed', 'tentative', 'cancelled']).default('confirmed'),
  visibility: details.visibility.default('public'),
  transparency: details.transparency.default('opaque'),
  organizer_email: details.organizer_email.default(null),
  conference_url: details.conference_url.default(null),
  reminder_minutes: details.reminder_minutes.default([]),
});
const eventPatch = z.object({ recurrence_id: z.string(), ...details, ...times }).exactPartial();

type Exceptions = CalendarEventRow['recurrence_exceptions'];
type Changes = NonNullable<Exceptions[number]['changes']>;
type When = Pick<CalendarEventRow, 'starts_at' | 'ends_at' | 'all_day' | 'timezone' | 'recurrence_rule' | 'recurrence_exceptions'>;

const DAY = 86_400_000;
const ms = Date.parse;

export const calendarRoutes: Routes = {
  'POST /calendar/events': ({ model: { rows, streams }, caller, body, newId }) => {
    const { id: chosenId, ...event } = newEvent.parse(body);
    const id = newId(chosenId);
    return {
      creates: true,
      chosenId,
      stream: `calendarEvent-${id}`,
      isInUse: streams.has(`calendarEvent-${id}`),
      entity: () => own(rows.calendar_events, id, caller.id),
      content: [chosenId ?? null, event],
      decide: () => scheduled(rows, caller.id, id, { ...event, ical_uid: id }),
    };
  },
  'PATCH /calendar/events/:id': (request) => {
    const patch = eventPatch.parse(request.body);
    if (Object.keys(patch).every((field) => field === 'recurrence_id')) return 400;
    return onEvent(request, patch, (event) => {
      const { recurrence_id, starts_at, ends_at, all_day, timezone, recurrence_rule, recurrence_exceptions, ...said } = patch;
      if (event.status === 'cancelled' && (recurrence_id !== undefined || said.status === undefined)) return 409;
      if (recurrence_id !== undefined) {
        const ofTheWhole = [all_day, timezone, recurrence_rule, recurrence_exceptions, said.organizer_email];
        if (ofTheWhole.some((field) => field !== undefined)) return 422;
        const { organizer_email, ...own } = said;
        return changeOne(event, recurrence_id, own, { starts_at, ends_at });
      }
      return changedAsAWhole(event, said, patch);
    });
  },
  'POST /calendar/events/:id/cancel': (request) => {
    const { recurrence_id } = z.object({ recurrence_id: z.string().optional() }).parse(request.body);
    return onEvent(request, { recurrence_id }, (event) => {
      if (event.status === 'cancelled') return [];
      if (recurrence_id === undefined) return [becomes(event, 'CalendarEventCancelled', { status: 'cancelled' })];
      if (!occurs(event, recurrence_id)) return 422;
      if (exceptionAt(event, recurrence_id)?.changes === null) return [];
      return [becomes(event, 'CalendarEventCancelled', { recurrence_exceptions: withException(event, recurrence_id, null) })];
    });
  },
  'DELETE /calendar/events/:id': (request) => {
    const remove = ({ id }: CalendarEventRow): Happening[] => [
      { type: 'CalendarEventDeleted', about: ['event', id], apply: () => removeCalendarEvent(request.model.rows, id) },
    ];
    return onEvent(request, {}, remove, 'nothing');
  },
};

type Said = Omit<CalendarEventRow, 'id' | 'user_id' | 'created_at' | 'updated_at' | 'version'>;

export function scheduled({ calendar_events }: Rows, user_id: string, id: string, event: Said): 422 | readonly Happening[] {
  const when = whenOnceDone({ ...event, recurrence_exceptions: [] }, { recurrence_exceptions: event.recurrence_exceptions });
  if (when === 422) return 422;
  const apply: Happening['apply'] = (stamp) => calendar_events.set(id, { ...stamped(id, user_id, stamp), ...event, ...when });
  return [{ type: 'CalendarEventScheduled', about: ['event', id], apply }];
}

/** @param said what is not about when it takes place */
export function changedAsAWhole(event: CalendarEventRow, said: Partial<Said>, times: Partial<When>): 422 | readonly Happening[] {
  const when = whenOnceDone(event, times);
  if (when === 422) return 422;
  const words: Partial<CalendarEventRow> = changes(event, said);
  const moved: Partial<CalendarEventRow> = changes(event, when);
  return [
    ...(Object.keys(words).length > 0 ? [becomes(event, 'CalendarEventChanged', words)] : []),
    ...(Object.keys(moved).length > 0 ? [becomes(event, 'CalendarEventRescheduled', moved)] : []),
  ];
}

/** Each exception is of an occurrence of its series; a series that takes place at another time takes them along. */
function whenOnceDone(event: When, patch: Partial<When>): When | 422 {
  const { starts_at, ends_at, all_day, timezone, recurrence_rule, recurrence_exceptions } = { ...event, ...patch };
  const when = { starts_at, ends_at, all_day, timezone, recurrence_rule, recurrence_exceptions };
  if (!areRight(when, when)) return 422;
  if (patch.recurrence_exceptions) {
    const ids = recurrence_exceptions.map(({ recurrence_id }) => recurrence_id);
    if (ids.some((id, index) => !occurs(when, id) || ids.indexOf(id) < index)) return 422;
    const kept: Exceptions[number][] = [];
    for (const { recurrence_id, changes } of recurrence_exceptions) {
      const own = changes && ownTimes(when, recurrence_id, changes);
      if (own === 422) return 422;
      if (!own || Object.keys(own).length > 0) kept.push({ recurrence_id, changes: own });
    }
    return { ...when, recurrence_exceptions: inOrder(kept) };
  }
  const along = recurrence_exceptions.map(({ recurrence_id, changes }) => ({
    recurrence_id: new Date(ms(recurrence_id) + ms(starts_at) - ms(event.starts_at)).toISOString(),
    changes: changes && event.all_day !== all_day ? withoutTimes(changes) : changes,
  }));
  const isStill = ({ recurrence_id, changes }: Exceptions[number]) =>
    occurs(when, recurrence_id) && (changes === null || Object.keys(changes).length > 0);
  return { ...when, recurrence_exceptions: along.filter(isStill) };
}

function changeOne(event: CalendarEventRow, recurrence_id: string, said: Changes, times: Readonly<Record<string, string | undefined>>) {
  if (!occurs(event, recurrence_id)) return 422;
  const before = exceptionAt(event, recurrence_id);
  if (before?.changes === null && said.status === undefined) return 409;
  const { starts_at, ends_at } = { ...before?.changes, ...definedOf(times) };
  const old: Changes = before?.changes ?? {};
  const words: Changes = changes<Changes>(event, { ...withoutTimes(old), ...said });
  const moved = ownTimes(event, recurrence_id, {
    ...words,
    ...(starts_at !== undefined && { starts_at }),
    ...(ends_at !== undefined && { ends_at }),
  });
  if (moved === 422) return 422;
  const { starts_at: oldStart, ends_at: oldEnd } = old;
  const changed = withException(event, recurrence_id, {
    ...words,
    ...(oldStart !== undefined && { starts_at: oldStart }),
    ...(oldEnd !== undefined && { ends_at: oldEnd }),
  });
  const rescheduled = withException(event, recurrence_id, moved);
  return [
    ...(sorted(changed) === sorted(event.recurrence_exceptions)
      ? []
      : [becomes(event, 'CalendarEventChanged', { recurrence_exceptions: changed })]),
    ...(sorted(rescheduled) === sorted(changed)
      ? []
      : [becomes(event, 'CalendarEventRescheduled', { recurrence_exceptions: rescheduled })]),
  ];
}

const definedOf = (times: Record<string, string | undefined>): { starts_at?: string; ends_at?: string } => ({
  ...(times.starts_at !== undefined && { starts_at: times.starts_at }),
  ...(times.ends_at !== undefined && { ends_at: times.ends_at }),
});

const withoutTimes = ({ starts_at, ends_at, ...rest }: Changes): Changes => rest;

/** An occurrence that is at another time has both of its times. */
function ownTimes(when: When, recurrence_id: string, { starts_at, ends_at, ...rest }: Changes): Changes | 422 {
  const end = new Date(ms(recurrence_id) + ms(when.ends_at) - ms(when.starts_at)).toISOString();
  const times = { starts_at: starts_at ?? recurrence_id, ends_at: ends_at ?? end };
  if (!areRight(when, times)) return 422;
  return times.starts_at === recurrence_id && times.ends_at === end ? rest : { ...rest, ...times };
}

function areRight({ all_day }: When, { starts_at, ends_at }: { starts_at: string; ends_at: string }): boolean {
  if (!all_day) return ends_at >= starts_at;
  return ends_at > starts_at && ms(starts_at) % DAY === 0 && ms(ends_at) % DAY === 0;
}

export function occurs({ starts_at, recurrence_rule }: When, time: string): boolean {
  if (recurrence_rule === null) return false;
  const interval = recurrence_rule === 'FREQ=WEEKLY' ? 7 * DAY : DAY;
  return time >= starts_at && (ms(time) - ms(starts_at)) % interval === 0;
}

const exceptionAt = ({ recurrence_exceptions }: When, id: string) =>
  recurrence_exceptions.find(({ recurrence_id }) => recurrence_id === id);
const inOrder = (all: Exceptions) => all.toSorted((a, b) => (a.recurrence_id < b.recurrence_id ? -1 : 1));

function withException({ recurrence_exceptions }: When, recurrence_id: string, changes: Changes | null): Exceptions {
  const others = recurrence_exceptions.filter((each) => each.recurrence_id !== recurrence_id);
  return changes && Object.keys(changes).length === 0 ? others : inOrder([...others, { recurrence_id, changes }]);
}

export const becomes = (event: CalendarEventRow, type: string, set: Partial<CalendarEventRow>): Happening => ({
  type,
  about: ['event', event.id],
  apply: (stamp) => change(event, stamp, set),
});

function onEvent(request: Context, said: unknown, decide: (row: CalendarEventRow) => Refusal | readonly Happening[], answers?: 'nothing') {
  const { model, params, caller } = request;
  return commandOn(request, `calendarEvent-${params.id}`, own(model.rows.calendar_events, params.id, caller.id), said, decide, answers);
}

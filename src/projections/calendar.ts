// Calendar events as rows, and what happened to them as sentences.
import { calendarEventRows } from '../tables/calendar.ts';
import { insert, projection, remove, update } from './projection.ts';
import { quoted, teller } from './sentence.ts';

export const calendar = projection('calendar', 1, {
  CalendarEventScheduled: ({ id, data }) => insert(calendarEventRows, { id, ...data }),
  CalendarEventChanged: ({ id, data: { recurrence_id, ...data } }) => update(calendarEventRows, id, data),
  CalendarEventRescheduled: ({ id, data: { recurrence_id, ...when } }) => update(calendarEventRows, id, when),
  CalendarEventCancelled: ({ id, data: { recurrence_id, ...data } }) =>
    update(calendarEventRows, id, recurrence_id === undefined ? { status: 'cancelled' } : data),
  CalendarEventDeleted: ({ id }) => remove(calendarEventRows, { id }),
});

export const calendarEventSentences = teller('event', {
  CalendarEventScheduled: ({ data }) => `Scheduled the event${quoted(data.title)}`,
  CalendarEventChanged: ({ data: { recurrence_exceptions, description, ...details }, meta }) => ({
    summary: `Changed ${whichOf(details)}${quoted(meta.title)}`,
    details,
  }),
  CalendarEventRescheduled: ({ data: { recurrence_exceptions, ...details }, meta }) => ({
    summary: `Rescheduled ${whichOf(details)}${quoted(meta.title)}`,
    details,
  }),
  CalendarEventCancelled: ({ data: { recurrence_exceptions, ...details }, meta }) => ({
    summary: `Cancelled ${whichOf(details)}${quoted(meta.title)}`,
    details,
  }),
  CalendarEventDeleted: ({ meta }) => `Deleted the event${quoted(meta.title)}`,
});

const whichOf = ({ recurrence_id }: { recurrence_id?: string | undefined }) =>
  recurrence_id === undefined ? 'the event' : 'an occurrence of the event';

// Requests about calendar events.
import fc from 'fast-check';
import { body, type Fields, id, note, orNull, pick, request, text, type Weighted } from './said.ts';

// Few times, so that exceptions meet occurrences; in zones without summer time.
const hour = fc.constantFrom(
  '2026-03-02T00:00:00.000Z',
  '2026-03-02T09:00:00.000Z',
  '2026-03-03T09:00:00.000Z',
  '2026-03-09T00:00:00.000Z',
  '2026-03-09T09:00:00.000Z',
  '2026-03-16T09:00:00.000Z',
);
const occurrence: Fields = {
  title: text,
  description: note,
  location: note,
  status: fc.constantFrom('confirmed', 'tentative'),
  visibility: fc.constantFrom('public', 'private'),
  transparency: fc.constantFrom('opaque', 'transparent'),
  conference_url: orNull(fc.constantFrom('https://meet.example/1', 'tel:+431')),
  reminder_minutes: fc.constantFrom([], [60, 10, 60], [0]),
};
const event: Fields = {
  ...occurrence,
  all_day: fc.constantFrom(false, false, true),
  timezone: fc.constantFrom('UTC', 'Atlantic/Reykjavik'),
  recurrence_rule: fc.constantFrom('FREQ=DAILY', 'FREQ=DAILY', 'FREQ=WEEKLY', null),
  recurrence_exceptions: fc.array(
    fc.record({ recurrence_id: hour, changes: orNull(body({}, { title: text, starts_at: hour, ends_at: hour })) }),
    { maxLength: 2 },
  ),
  organizer_email: orNull(fc.constantFrom('Ada@example.org')),
};
const newEvent = request('POST /calendar/events', {
  needs: { title: text, starts_at: fc.constant('2026-03-02T09:00:00.000Z'), ends_at: hour, timezone: fc.constant('UTC') },
  may: { ...event, id: id('event') },
});
export const newSeries = newEvent.map((made) => ({
  ...made,
  body: { ...made.body, recurrence_rule: 'FREQ=DAILY', all_day: false, ends_at: '2026-03-02T09:00:00.000Z' },
}));

// The two who do most invite each other.
const address = fc.constantFrom('admin', 'ada', 'ADA', 'bob', 'nobody');
export const newInvitation = request('POST /calendar/events/:id/invitations', {
  needs: { email: address.map((name) => ({ mailbox: name })) },
  may: { display_name: orNull(fc.constant('Bob')), role: fc.constantFrom('required', 'optional') },
});
const file = fc.record({
  uid: fc.oneof(fc.constantFrom('one@t', 'two@t', 'three@t'), pick('event')),
  title: fc.constantFrom('Choir', 'Dinner'),
  starts_at: fc.constant('2026-03-02T09:00:00.000Z'),
  ends_at: hour,
  isDaily: fc.boolean(),
  without: orNull(hour),
  status: fc.constantFrom('CONFIRMED', 'CONFIRMED', 'TENTATIVE', 'CANCELLED'),
  attendees: fc.uniqueArray(fc.record({ mailbox: address, answer: fc.constantFrom('NEEDS-ACTION', 'ACCEPTED', 'DECLINED') }), {
    maxLength: 2,
    selector: ({ mailbox }) => mailbox.toLowerCase(),
  }),
});

export const newImport = request('POST /calendar/import', {
  needs: { icalendar: fc.array(file, { maxLength: 3 }).map((calendar) => ({ calendar })) },
});

export const calendarKinds: readonly Weighted[] = [
  [3, newEvent],
  [3, newSeries],
  [5, request('PATCH /calendar/events/:id', { may: { ...event, starts_at: hour, ends_at: hour } })],
  [2, request('PATCH /calendar/events/:id', { may: { starts_at: hour, recurrence_rule: event.recurrence_rule ?? text } })],
  [8, request('PATCH /calendar/events/:id', { needs: { recurrence_id: hour }, may: { ...occurrence, starts_at: hour, ends_at: hour } })],
  [1, request('PATCH /calendar/events/:id', { needs: { recurrence_id: hour }, may: event })],
  [4, request('POST /calendar/events/:id/cancel', { needs: { recurrence_id: hour } })],
  [1, request('POST /calendar/events/:id/cancel')],
  [1, request('DELETE /calendar/events/:id')],
  [7, newInvitation],
  [
    7,
    request('POST /calendar/events/:id/invitations/:invitation_id/answer', {
      needs: { response: fc.constantFrom('accepted', 'declined', 'tentative') },
      may: { comment: orNull(fc.constant('With cake')) },
    }),
  ],
  [2, request('DELETE /calendar/events/:id/invitations/:invitation_id')],
  [5, newImport],
];

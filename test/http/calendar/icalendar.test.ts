// Import and export over HTTP, word for word.
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { invitationIdOf } from '../../../src/commands/calendar/invitations.ts';
import { startDaybook, type TestDaybook } from '../../support/daybook.ts';
import { inject, type Person, pageOf, register, T0 } from '../../support/person.ts';

let daybook: TestDaybook;
beforeAll(async () => {
  vi.setSystemTime(T0);
  daybook = await startDaybook();
});
afterAll(() => daybook.close());
beforeEach(() => {
  vi.setSystemTime(T0);
});

const importing = (person: Person, text: string, type = 'text/calendar; charset=utf-8') =>
  inject(daybook.app, {
    method: 'POST',
    url: '/api/v1/calendar/import',
    headers: { authorization: `Bearer ${person.token}`, 'content-type': type },
    payload: text,
  });
const imported = z.object({
  created: z.number(),
  changed: z.number(),
  unchanged: z.number(),
  refused: z.number(),
  items: z.array(z.object({ uid: z.string(), id: z.string().nullable(), result: z.string() })),
});
const invited = z.object({ items: z.array(z.object({ email: z.string(), response: z.string() })) });
const idsOf = (body: unknown) => imported.parse(body).items.map(({ id }) => id ?? '');

const calendar = (...lines: string[]) =>
  ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Test//EN', ...lines, 'END:VCALENDAR', ''].join('\r\n');
const choir = (...more: string[]) => [
  'BEGIN:VEVENT',
  'UID:choir@example.com',
  'DTSTAMP:20260101T000000Z',
  'DTSTART;TZID=W. Europe Standard Time:21000401T190000',
  'DTEND;TZID=W. Europe Standard Time:21000401T210000',
  'RRULE:FREQ=WEEKLY;COUNT=4',
  'EXDATE;TZID=W. Europe Standard Time:21000408T190000',
  'ATTENDEE;CN=Bob;PARTSTAT=ACCEPTED:mailto:bob@example.com',
  ...more,
  'END:VEVENT',
];

test('a file is imported, event by event, and again without a change', async () => {
  const [ann, bob] = await Promise.all([register(daybook.app, 'Ann'), register(daybook.app, 'Bob', 'bob@example.com')]);
  const odd = ['BEGIN:VEVENT', 'UID:odd', 'SUMMARY:Odd', 'DTSTART:20261124T180000Z', 'DTEND:20261124T170000Z', 'END:VEVENT'];
  const soon = ['BEGIN:VEVENT', 'UID:soon', 'DTSTART:soon', 'END:VEVENT'];
  const text = calendar(...choir('SUMMARY:Choir'), ...odd, ...soon, 'BEGIN:VTODO', 'END:VTODO');
  const answer = await importing(ann, text);
  const [id = ''] = idsOf(answer.body);
  const refused = [
    {
      uid: 'odd',
      id: null,
      result: 'refused',
      line: 14,
      code: 'ends-before-start',
      detail: 'ends_at: An event cannot end before it starts.',
    },
    {
      uid: 'soon',
      id: null,
      result: 'refused',
      line: 22,
      code: 'time-unreadable',
      detail: '“soon” is no date and no time.',
    },
  ];
  const choirs = { uid: 'choir@example.com', id, line: 4, code: null, detail: null };
  expect({ status: answer.status, body: answer.body }).toEqual({
    status: 200,
    body: { created: 1, changed: 0, unchanged: 0, refused: 2, ignored: 1, items: [{ ...choirs, result: 'created' }, ...refused] },
  });
  expect(answer.headers['daybook-position']).toMatch(/^\d+$/);
  expect((await ann.get(`/calendar/events/${id}`)).body).toEqual({
    id,
    title: 'Choir',
    description: null,
    location: null,
    starts_at: '2100-04-01T17:00:00.000Z',
    ends_at: '2100-04-01T19:00:00.000Z',
    all_day: false,
    timezone: 'Europe/Berlin',
    recurrence_rule: 'FREQ=WEEKLY;COUNT=4',
    recurrence_exceptions: [{ recurrence_id: '2100-04-08T17:00:00.000Z', changes: null }],
    status: 'confirmed',
    visibility: 'public',
    transparency: 'opaque',
    organizer_email: null,
    ical_uid: 'choir@example.com',
    conference_url: null,
    reminder_minutes: [],
    created_at: T0,
    updated_at: T0,
    version: 2,
  });
  expect((await ann.get(`/calendar/events/${id}/invitations`)).body).toMatchObject({
    items: [{ email: 'bob@example.com', display_name: 'Bob', response: 'accepted' }],
  });
  // Nobody is asked by what somebody else imports.
  expect((await bob.get('/calendar/invitations')).body).toEqual({ items: [], next_cursor: null });
  expect((await bob.get(`/calendar/events/${id}`)).status).toBe(404);

  const before = await daybook.log.head();
  expect((await importing(ann, text)).body).toMatchObject({
    created: 0,
    changed: 0,
    unchanged: 1,
    items: [{ ...choirs, result: 'unchanged' }, {}, {}],
  });
  expect(await daybook.log.head()).toBe(before);

  const changed = await importing(ann, calendar(...choir('SUMMARY:Choir practice')));
  expect(changed.body).toMatchObject({ changed: 1, items: [{ id, result: 'changed' }] });
  expect((await ann.get(`/calendar/events/${id}`)).body).toMatchObject({ title: 'Choir practice', version: 3 });
  expect((await importing(ann, calendar('METHOD:CANCEL', ...choir()))).body).toMatchObject({ changed: 1 });
  expect((await ann.get(`/calendar/events/${id}`)).body).toMatchObject({ title: 'Choir practice', status: 'cancelled' });

  // Another person's file has events of their own.
  expect(idsOf((await importing(bob, text)).body)[0]).not.toBe(id);
});

test('what was deleted is there again once it is imported again', async () => {
  const ann = await register(daybook.app, 'Ann');
  const text = calendar(...choir('SUMMARY:Choir'));
  const [first = ''] = idsOf((await importing(ann, text)).body);
  await ann.delete(`/calendar/events/${first}`);
  const again = await importing(ann, text);
  expect(again.body).toMatchObject({ created: 1 });
  expect((await importing(ann, text)).body).toMatchObject({ unchanged: 1, items: [{ id: idsOf(again.body)[0] }] });
});

test('a file of which nothing can be imported is refused, and says where', async () => {
  const ann = await register(daybook.app, 'Ann');
  const detail = 'Line 4: The event has no DTSTART.';
  const { status, body } = await importing(ann, calendar('BEGIN:VEVENT', 'UID:one', 'END:VEVENT'));
  expect({ status, body }).toEqual({
    status: 422,
    body: {
      type: 'urn:daybook:problem:nothing-imported',
      title: 'Nothing imported',
      status: 422,
      detail: 'None of the events can be imported.',
      request_id: 'the-request',
      errors: [{ in: 'body', pointer: '/icalendar', detail }],
    },
  });
  expect((await importing(ann, 'BEGIN:VCALENDAR\nBEGIN:VEVENT\n')).body).toMatchObject({
    status: 422,
    errors: [{ in: 'body', pointer: '/icalendar', detail: 'Line 2: BEGIN:VEVENT has no end.' }],
  });
  expect(await importing(ann, 'Dear Ann,')).toMatchObject({ status: 400 });
  expect(await importing(ann, calendar())).toMatchObject({ status: 200, body: { created: 0, items: [] } });
  expect(await importing(ann, 'x', 'text/html')).toMatchObject({ status: 415 });
});

test('a calendar is exported, and imported by another person is the same', async () => {
  const [ann, bob] = await Promise.all([register(daybook.app, 'Ann'), register(daybook.app, 'Bob')]);
  const { body } = await ann.post('/calendar/events', {
    title: 'Christmas',
    starts_at: '2100-12-25',
    ends_at: '2100-12-27',
    all_day: true,
    timezone: 'Asia/Tokyo',
    reminder_minutes: [60],
  });
  const recurrence_rule = 'FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1';
  const payday = { title: 'Payday', starts_at: '2100-01-29T08:00:00.000Z', ends_at: '2100-01-29T09:00:00.000Z', timezone: 'Europe/Vienna' };
  expect(await ann.post('/calendar/events', { ...payday, recurrence_rule })).toMatchObject({ status: 201, body: { recurrence_rule } });
  await importing(ann, calendar(...choir('SUMMARY:Choir')));
  const answer = await ann.get('/calendar/export');
  expect(answer).toMatchObject({
    status: 200,
    headers: { 'content-type': 'text/calendar; charset=utf-8', 'content-disposition': 'attachment; filename=daybook.ics' },
  });
  const text = z.string().parse(answer.body);
  expect((await ann.get('/calendar/export', { 'if-none-match': String(answer.headers.etag) })).status).toBe(304);
  expect((await importing(ann, text)).body).toMatchObject({ unchanged: 3 });
  expect((await importing(bob, text)).body).toMatchObject({ created: 3 });
  const withoutOwn = (exported: unknown) =>
    z
      .string()
      .parse(exported)
      .replaceAll(/^(SEQUENCE|UID).*\r\n/gm, '');
  expect(withoutOwn((await bob.get('/calendar/export')).body)).toBe(withoutOwn(text));
  const springOf = async (person: Person) =>
    pageOf((await person.get('/calendar/events?from=2100-01-01T00:00:00Z&to=2100-06-01T00:00:00Z')).body)
      .items.filter(({ title }) => title === 'Payday')
      .map(({ starts_at, recurrence_rule }) => [starts_at, recurrence_rule]);
  // The last working day of a month: the last of February is a Sunday, and in summer it is seven in Greenwich.
  const days = ['2100-01-29T08', '2100-02-26T08', '2100-03-31T07', '2100-04-30T07', '2100-05-31T07'];
  expect(await springOf(ann)).toEqual(days.map((day) => [`${day}:00:00.000Z`, recurrence_rule]));
  expect(await springOf(bob)).toEqual(await springOf(ann));

  const { id } = z.object({ id: z.string() }).parse(body);
  const one = z.string().parse((await ann.get(`/calendar/events/${id}/export`)).body);
  expect(one.match(/BEGIN:VEVENT/g)).toHaveLength(1);
  expect((await bob.get(`/calendar/events/${id}/export`)).status).toBe(404);
});

test('what is made here has no UID of another: a second import of it would make a second event', async () => {
  const ann = await register(daybook.app, 'Ann');
  const dinner = { title: 'Dinner', starts_at: '2100-01-29T18:00:00Z', ends_at: '2100-01-29T20:00:00Z' };
  expect(await ann.post('/calendar/events', { ...dinner, ical_uid: 'a@b' })).toMatchObject({ status: 400 });
  await ann.post('/calendar/events', dinner);
  const text = z.string().parse((await ann.get('/calendar/export')).body);
  expect((await importing(ann, text)).body).toMatchObject({ created: 0, unchanged: 1 });
});

test('an occurrence that comes without its series is of the series that is there', async () => {
  const ann = await register(daybook.app, 'Ann');
  const { items } = imported.parse((await importing(ann, calendar(...choir('SUMMARY:Choir')))).body);
  const days = { title: 'Holidays', starts_at: '2100-04-05', ends_at: '2100-04-06', all_day: true, timezone: 'Asia/Tokyo' };
  const { body } = await ann.post('/calendar/events', { ...days, recurrence_rule: 'FREQ=DAILY;COUNT=2' });
  const id = z.object({ id: z.string() }).parse(body).id;
  const occurrence = (uid: string, ...lines: string[]) => ['BEGIN:VEVENT', `UID:${uid}`, ...lines, 'END:VEVENT'];
  const uid = 'choir@example.com';
  const moved = calendar(
    ...occurrence(uid, 'RECURRENCE-ID:21000415T170000Z', 'DTSTART:21000416T180000Z', 'DTEND:21000416T190000Z'),
    ...occurrence(id, 'RECURRENCE-ID;VALUE=DATE:21000406', 'DTSTART;VALUE=DATE:21000408', 'SUMMARY:Holiday'),
    ...occurrence(uid, 'RECURRENCE-ID:21000416T170000Z', 'DTSTART:21000420T180000Z', 'SUMMARY:Of no series'),
  );
  const cancelled = calendar('METHOD:CANCEL', ...occurrence(uid, 'RECURRENCE-ID:21000422T170000Z', 'DTSTART:21000422T170000Z'));
  expect((await importing(ann, moved)).body).toMatchObject({
    created: 1,
    changed: 2,
    items: [{ id: items[0]?.id, result: 'changed' }, { id }, { result: 'created' }],
  });
  expect((await importing(ann, cancelled)).body).toMatchObject({ created: 0, changed: 1, items: [{ id: items[0]?.id }] });
  const range = pageOf((await ann.get('/calendar/events?from=2100-04-01T00:00:00Z&to=2100-06-01T00:00:00Z')).body);
  expect(range.items.map(({ title, starts_at, ends_at }) => [title, starts_at, ends_at])).toEqual([
    ['Choir', '2100-04-01T17:00:00.000Z', '2100-04-01T19:00:00.000Z'],
    ['Holidays', '2100-04-04T15:00:00.000Z', '2100-04-05T15:00:00.000Z'],
    ['Holiday', '2100-04-07T15:00:00.000Z', '2100-04-08T15:00:00.000Z'],
    ['Choir', '2100-04-16T18:00:00.000Z', '2100-04-16T19:00:00.000Z'],
    ['Of no series', '2100-04-20T18:00:00.000Z', '2100-04-20T18:00:00.000Z'],
  ]);
  const before = await daybook.log.head();
  expect((await importing(ann, moved)).body).toMatchObject({ unchanged: 3 });
  expect((await importing(ann, cancelled)).body).toMatchObject({ unchanged: 1 });
  expect(await daybook.log.head()).toBe(before);
});

test('a thousand events are imported in one go', async () => {
  const ann = await register(daybook.app, 'Ann');
  const events = Array.from({ length: 1_000 }, (_, index) => [
    'BEGIN:VEVENT',
    `UID:${index}`,
    `SUMMARY:Event ${index}`,
    `DTSTART:2026010${1 + (index % 9)}T100000Z`,
    'END:VEVENT',
  ]).flat();
  expect((await importing(ann, calendar(...events))).body).toMatchObject({ created: 1_000, refused: 0 });
});

test('what an event cannot be is refused alone: of too many people, or too large', async () => {
  const ann = await register(daybook.app, 'Ann');
  const event = (uid: string, ...lines: string[]) => ['BEGIN:VEVENT', `UID:${uid}`, 'DTSTART:20260101T100000Z', ...lines, 'END:VEVENT'];
  const people = (from: number, count: number) =>
    Array.from({ length: count }, (_, index) => `ATTENDEE;PARTSTAT=ACCEPTED:mailto:${from + index}@example.com`);
  const changes = Array.from({ length: 20 }, (_, index) =>
    event('large', `RECURRENCE-ID:202601${String(index + 10)}T100000Z`, `DESCRIPTION:${'x'.repeat(60_000)}`),
  );
  const large = [...event('large', 'RRULE:FREQ=DAILY'), ...changes.flat()];
  const text = calendar(...event('many', ...people(0, 501)), ...large, ...event('full', ...people(0, 500)));
  const { status, body } = await importing(ann, text);
  expect({ status, body }).toMatchObject({
    status: 200,
    body: {
      created: 1,
      refused: 2,
      items: [
        { uid: 'many', id: null, result: 'refused', code: 'too-many-invitees' },
        { uid: 'large', id: null, result: 'refused', code: 'too-large' },
        { uid: 'full', result: 'created' },
      ],
    },
  });
  expect((await importing(ann, calendar(...event('full', ...people(0, 500))))).body).toMatchObject({ unchanged: 1 });
  expect((await importing(ann, calendar(...event('full', ...people(500, 1)), ...event('small')))).body).toMatchObject({
    created: 1,
    items: [{ uid: 'full', result: 'refused', code: 'too-many-invitees' }, {}],
  });
});

test('a file says of who has an account what it says of others, but not over what they have said themselves', async () => {
  const [ann, cleo] = await Promise.all([register(daybook.app, 'Ann'), register(daybook.app, 'Cleo', 'cleo@example.com')]);
  const meeting = (...attendees: string[]) =>
    calendar('BEGIN:VEVENT', 'UID:meeting', 'SUMMARY:Meeting', 'DTSTART:21000401T170000Z', ...attendees, 'END:VEVENT');
  const [id = ''] = idsOf((await importing(ann, meeting())).body);
  const emails = ['cleo@example.com', 'guest@example.com'];
  for (const email of emails) await ann.post(`/calendar/events/${id}/invitations`, { email });
  const answers = async () => {
    const { items } = invited.parse((await ann.get(`/calendar/events/${id}/invitations`)).body);
    return Object.fromEntries(items.map(({ email, response }) => [email, response]));
  };

  const answered = meeting(...emails.map((email) => `ATTENDEE;PARTSTAT=ACCEPTED:mailto:${email}`));
  expect((await importing(ann, answered)).body).toMatchObject({ changed: 1 });
  expect(await answers()).toEqual({ 'cleo@example.com': 'accepted', 'guest@example.com': 'accepted' });
  const cleos = `/calendar/events/${id}/invitations/${invitationIdOf(id, 'cleo@example.com')}`;
  expect((await cleo.post(`${cleos}/answer`, { response: 'declined' })).status).toBe(200);
  expect((await importing(ann, answered)).body).toMatchObject({ unchanged: 1 });
  expect(await answers()).toEqual({ 'cleo@example.com': 'declined', 'guest@example.com': 'accepted' });
});

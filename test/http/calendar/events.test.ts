// Calendar events over HTTP: whole answers, and nothing of them for anybody else.
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { startDaybook, type TestDaybook } from '../../support/daybook.ts';
import { idOf, NOT_FOUND, named, type Person, pageOf, register, T0, T1, T2 } from '../../support/person.ts';

let daybook: TestDaybook;
let ann: Person;
let bob: Person;

beforeAll(async () => {
  vi.setSystemTime(T0);
  daybook = await startDaybook();
  bob = await register(daybook.app, 'Bob');
});
afterAll(() => daybook.close());
beforeEach(async () => {
  vi.setSystemTime(T0);
  ann = await register(daybook.app, 'Ann');
});

const stamps = { created_at: T0, updated_at: T0, version: 0 };
const plain = {
  description: null,
  location: null,
  all_day: false,
  timezone: 'Europe/Vienna',
  recurrence_rule: null,
  recurrence_exceptions: [],
  status: 'confirmed',
  visibility: 'public',
  transparency: 'opaque',
  organizer_email: null,
  conference_url: null,
  reminder_minutes: [],
};
/** Tuesdays at seven, across the clock's being put back on 31 October 2100. */
const choir = {
  title: 'Choir',
  location: 'Town hall',
  starts_at: '2100-10-19T19:00:00+02:00',
  ends_at: '2100-10-19T21:00:00+02:00',
  timezone: 'Europe/Vienna',
  recurrence_rule: 'FREQ=WEEKLY;COUNT=4',
  reminder_minutes: [10, 60, 10],
};
const answered = {
  ...plain,
  ...choir,
  starts_at: '2100-10-19T17:00:00.000Z',
  ends_at: '2100-10-19T19:00:00.000Z',
  reminder_minutes: [60, 10],
};
const AUTUMN = 'from=2100-10-01T00:00:00Z&to=2100-12-01T00:00:00Z';

const made = async (id: string, body: object) => expect((await ann.post('/calendar/events', { id, ...body })).status).toBe(201);
const inAutumn = async (more = '', person = ann) => pageOf((await person.get(`/calendar/events?${AUTUMN}${more}`)).body);
const times = async (more = '') => (await inAutumn(more)).items.map(({ title, starts_at }) => `${String(title)} ${String(starts_at)}`);

test('an event is scheduled, changed, moved, cancelled and deleted', async () => {
  const id = idOf(1);
  const { status, headers, body } = await ann.post('/calendar/events', { id, ...choir });
  const whole = { id, ...stamps, ...answered, ical_uid: id };
  expect({ status, body }).toEqual({ status: 201, body: whole });
  expect(headers.location).toBe(`/api/v1/calendar/events/${id}`);
  expect((await ann.get(`/calendar/events/${id}`)).body).toEqual(whole);

  vi.setSystemTime(T1);
  const moved = await ann.patch(`/calendar/events/${id}`, { title: 'Big choir', ends_at: '2100-10-19T21:30:00+02:00' });
  const later = { ...whole, title: 'Big choir', ends_at: '2100-10-19T19:30:00.000Z', updated_at: T1, version: 2 };
  expect({ status: moved.status, body: moved.body }).toEqual({ status: 200, body: later });

  vi.setSystemTime(T2);
  const cancelled = await ann.post(`/calendar/events/${id}/cancel`);
  expect({ status: cancelled.status, body: cancelled.body }).toEqual({
    status: 200,
    body: { ...later, status: 'cancelled', updated_at: T2, version: 3 },
  });
  expect((await ann.post(`/calendar/events/${id}/cancel`)).headers.etag).toBe(cancelled.headers.etag);

  expect((await ann.delete(`/calendar/events/${id}`)).status).toBe(204);
  expect((await ann.get(`/calendar/events/${id}`)).body).toEqual(NOT_FOUND);
  expect(await inAutumn()).toEqual({ items: [], next_cursor: null });

  expect(named((await ann.get(`/calendar/events/${id}/history`)).body, { event: id })).toEqual({
    items: [
      {
        type: 'CalendarEventScheduled',
        summary: 'Scheduled the event “Choir”',
        at: T0,
        ...{ actor: 'user', correlation_id: 'the-request', caused_by: null },
        revision: 0,
        position: 'a position',
        changes: Object.entries({ ...answered, ical_uid: 'event' })
          .filter(([, to]) => to !== null)
          .map(([field, to]) => ({ field, from: null, to }))
          .sort((a, b) => FIELDS.indexOf(a.field) - FIELDS.indexOf(b.field)),
      },
      {
        type: 'CalendarEventChanged',
        summary: 'Changed the event “Big choir”',
        at: T1,
        ...{ actor: 'user', correlation_id: 'the-request', caused_by: null },
        revision: 1,
        position: 'a position',
        changes: [{ field: 'title', from: 'Choir', to: 'Big choir' }],
      },
      {
        type: 'CalendarEventRescheduled',
        summary: 'Rescheduled the event “Big choir”',
        at: T1,
        ...{ actor: 'user', correlation_id: 'the-request', caused_by: null },
        revision: 2,
        position: 'a position',
        changes: [{ field: 'ends_at', from: '2100-10-19T19:00:00.000Z', to: '2100-10-19T19:30:00.000Z' }],
      },
      {
        type: 'CalendarEventCancelled',
        summary: 'Cancelled the event “Big choir”',
        at: T2,
        ...{ actor: 'user', correlation_id: 'the-request', caused_by: null },
        revision: 3,
        position: 'a position',
        changes: [{ field: 'status', from: 'confirmed', to: 'cancelled' }],
      },
      {
        type: 'CalendarEventDeleted',
        summary: 'Deleted the event “Big choir”',
        at: T2,
        ...{ actor: 'user', correlation_id: 'the-request', caused_by: null },
        revision: 4,
        position: 'a position',
        changes: [],
      },
    ],
    next_cursor: null,
  });
  expect(pageOf((await ann.get(`/activities?entity_type=event&entity_id=${id}`)).body).items.map(({ summary }) => summary)).toEqual([
    'Deleted the event “Big choir”',
    'Cancelled the event “Big choir”',
    'Rescheduled the event “Big choir”',
    'Changed the event “Big choir”',
    'Scheduled the event “Choir”',
  ]);
});

const FIELDS = [
  'title',
  'description',
  'location',
  'status',
  'visibility',
  'transparency',
  'organizer_email',
  'conference_url',
  'reminder_minutes',
  'starts_at',
  'ends_at',
  'all_day',
  'timezone',
  'recurrence_rule',
  'recurrence_exceptions',
  'ical_uid',
];

describe('the range', () => {
  test('has each occurrence by the clock on the wall, with what is different about it', async () => {
    const id = idOf(2);
    await made(id, choir);
    const one = await ann.patch(`/calendar/events/${id}`, {
      recurrence_id: '2100-11-02T19:00:00+01:00',
      title: 'Rehearsal',
      starts_at: '2100-11-03T18:00:00+01:00',
      ends_at: '2100-11-03T20:00:00+01:00',
    });
    const exception = {
      recurrence_id: '2100-11-02T18:00:00.000Z',
      changes: { title: 'Rehearsal', starts_at: '2100-11-03T17:00:00.000Z', ends_at: '2100-11-03T19:00:00.000Z' },
    };
    const none = { recurrence_id: '2100-10-26T17:00:00.000Z', changes: null };
    expect(one.body).toMatchObject({ recurrence_exceptions: [exception], version: 2 });
    const off = await ann.post(`/calendar/events/${id}/cancel`, { recurrence_id: '2100-10-26T17:00:00Z' });
    expect(off.body).toMatchObject({ recurrence_exceptions: [none, exception], status: 'confirmed', version: 3 });

    const { recurrence_exceptions, ...rest } = answered;
    const occurrence = { id, ...stamps, ...rest, ical_uid: id, version: 3 };
    expect(await inAutumn()).toEqual({
      items: [
        { ...occurrence, recurrence_id: '2100-10-19T17:00:00.000Z' },
        { ...occurrence, ...exception.changes, recurrence_id: '2100-11-02T18:00:00.000Z' },
        {
          ...occurrence,
          starts_at: '2100-11-09T18:00:00.000Z',
          ends_at: '2100-11-09T20:00:00.000Z',
          recurrence_id: '2100-11-09T18:00:00.000Z',
        },
      ],
      next_cursor: null,
    });
    expect(await inAutumn('', bob)).toEqual({ items: [], next_cursor: null });

    const restored = await ann.patch(`/calendar/events/${id}`, { recurrence_id: '2100-10-26T17:00:00Z', status: 'confirmed' });
    expect(restored.body).toMatchObject({ recurrence_exceptions: [exception], version: 4 });
    expect(await times()).toEqual([
      'Choir 2100-10-19T17:00:00.000Z',
      'Choir 2100-10-26T17:00:00.000Z',
      'Rehearsal 2100-11-03T17:00:00.000Z',
      'Choir 2100-11-09T18:00:00.000Z',
    ]);
  });

  test('has whole days where they are days of the zone', async () => {
    const id = idOf(3);
    const holiday = { title: 'Holiday', starts_at: '2100-10-30', ends_at: '2100-11-02', all_day: true, timezone: 'Europe/Vienna' };
    const { body } = await ann.post('/calendar/events', { id, ...holiday });
    expect(body).toMatchObject({ starts_at: '2100-10-29T22:00:00.000Z', ends_at: '2100-11-01T23:00:00.000Z', all_day: true });
    const found = async (from: string, to: string) => pageOf((await ann.get(`/calendar/events?from=${from}&to=${to}`)).body).items.length;
    expect(await found('2100-10-29T00:00:00Z', '2100-10-29T22:00:00Z')).toBe(0);
    expect(await found('2100-10-29T00:00:00Z', '2100-10-29T22:00:01Z')).toBe(1);
    expect(await found('2100-11-01T22:59:59Z', '2100-12-01T00:00:00Z')).toBe(1);
    expect(await found('2100-11-01T23:00:00Z', '2100-12-01T00:00:00Z')).toBe(0);

    const elsewhere = await ann.patch(`/calendar/events/${id}`, { timezone: 'Pacific/Auckland' });
    expect(elsewhere.body).toMatchObject({ starts_at: '2100-10-29T11:00:00.000Z', ends_at: '2100-11-01T11:00:00.000Z' });
  });

  test('is filtered by status, as it is this time, and comes in pages', async () => {
    await made(idOf(4), { ...choir, recurrence_rule: 'FREQ=DAILY;COUNT=5' });
    await made(idOf(5), { ...choir, title: 'Dinner', status: 'tentative', recurrence_rule: null });
    await made(idOf(6), { ...choir, title: 'Lunch', status: 'cancelled' });
    await ann.patch(`/calendar/events/${idOf(4)}`, { recurrence_id: '2100-10-20T17:00:00Z', status: 'tentative' });
    await ann.patch(`/calendar/events/${idOf(4)}`, {
      recurrence_id: '2100-10-22T17:00:00Z',
      starts_at: '2100-10-18T17:00:00Z',
      ends_at: '2100-10-18T18:00:00Z',
    });
    const whole = await times();
    expect(whole).toEqual([
      'Choir 2100-10-18T17:00:00.000Z',
      'Choir 2100-10-19T17:00:00.000Z',
      'Dinner 2100-10-19T17:00:00.000Z',
      'Lunch 2100-10-19T17:00:00.000Z',
      'Choir 2100-10-20T17:00:00.000Z',
      'Choir 2100-10-21T17:00:00.000Z',
      'Choir 2100-10-23T17:00:00.000Z',
      'Lunch 2100-10-26T17:00:00.000Z',
      'Lunch 2100-11-02T18:00:00.000Z',
      'Lunch 2100-11-09T18:00:00.000Z',
    ]);
    expect(await times('&status=tentative')).toEqual(['Dinner 2100-10-19T17:00:00.000Z', 'Choir 2100-10-20T17:00:00.000Z']);
    expect((await times('&status=cancelled')).length).toBe(4);
    for (const limit of [1, 3]) {
      const paged: string[] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const page = await inAutumn(`&limit=${limit}${cursor && `&cursor=${cursor}`}`);
        expect(page.items.length).toBeLessThanOrEqual(limit);
        paged.push(...page.items.map(({ title, starts_at }) => `${String(title)} ${String(starts_at)}`));
        cursor = page.next_cursor;
      }
      expect(paged).toEqual(whole);
    }
  });

  test.each([
    ['that ends as it begins', 'from=2100-10-01T00:00:00Z&to=2100-10-01T00:00:00Z', 'must be after "from"'],
    ['of more than 400 days', 'from=2100-10-01T00:00:00Z&to=2101-11-06T00:00:00Z', 'must be at most 400 days after "from"'],
  ])('%s is refused', async (_, query, detail) => {
    const { status, body } = await ann.get(`/calendar/events?${query}`);
    expect({ status, body }).toMatchObject({ status: 400, body: { errors: [{ in: 'query', pointer: '/to', detail }] } });
  });
});

test('another person finds nothing of it', async () => {
  const id = idOf(7);
  await made(id, choir);
  for (const answer of [
    await bob.get(`/calendar/events/${id}`),
    await bob.get(`/calendar/events/${id}/history`),
    await bob.patch(`/calendar/events/${id}`, { title: 'Mine' }),
    await bob.post(`/calendar/events/${id}/cancel`),
    await bob.delete(`/calendar/events/${id}`),
  ]) {
    expect({ status: answer.status, body: answer.body }).toEqual({ status: 404, body: NOT_FOUND });
  }
});

test('the zone is that of the person, who says none', async () => {
  await ann.patch('/users/me', { timezone: 'Asia/Tokyo' });
  const { body } = await ann.post('/calendar/events', { title: 'Sushi', starts_at: '2100-10-30', ends_at: '2100-10-31', all_day: true });
  expect(body).toMatchObject({ timezone: 'Asia/Tokyo', starts_at: '2100-10-29T15:00:00.000Z' });
});

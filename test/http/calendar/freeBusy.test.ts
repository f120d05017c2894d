// When somebody is busy, word for word.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { periodsOf } from '../../../src/queries/calendar/busyPeriods.ts';
import { startDaybook, type TestDaybook } from '../../support/daybook.ts';
import { type Person, register } from '../../support/person.ts';
import { turnsDuring } from '../../support/turns.ts';

let daybook: TestDaybook;
beforeAll(async () => {
  daybook = await startDaybook();
});
afterAll(() => daybook.close());

const between = (person: Person, from: string, to: string) =>
  person.get(`/calendar/free-busy?from=${encodeURIComponent(from)}&to=${encodeURIComponent(to)}`);
const hold = async (person: Person, starts: string, ends: string, more: object = {}) => {
  const day = (time: string) => `2026-03-27T${time}:00+01:00`;
  const answer = await person.post('/calendar/events', {
    title: 'Something',
    starts_at: day(starts),
    ends_at: day(ends),
    timezone: 'Europe/Vienna',
    ...more,
  });
  expect(answer.status).toBe(201);
};

test('one is busy when something takes place, whatever it is', async () => {
  const [ann, bob] = await Promise.all([register(daybook.app, 'Ann'), register(daybook.app, 'Bob')]);
  await hold(ann, '09:00', '10:00', { visibility: 'confidential' });
  await hold(ann, '09:30', '10:30');
  await hold(ann, '10:30', '11:00');
  await hold(ann, '10:45', '11:45', { status: 'tentative' });
  await hold(ann, '11:30', '12:30', { status: 'tentative' });
  await hold(ann, '12:00', '12:15');
  await hold(ann, '13:00', '14:00', { transparency: 'transparent' });
  await hold(ann, '13:00', '14:00', { status: 'cancelled' });
  await hold(ann, '15:00', '15:00');
  await hold(ann, '17:30', '19:00');
  const answer = await between(ann, '2026-03-27T09:15:00+01:00', '2026-03-27T18:00:00+01:00');
  expect({ status: answer.status, body: answer.body }).toEqual({
    status: 200,
    body: {
      from: '2026-03-27T08:15:00.000Z',
      to: '2026-03-27T17:00:00.000Z',
      periods: [
        { starts_at: '2026-03-27T08:15:00.000Z', ends_at: '2026-03-27T10:00:00.000Z', type: 'busy' },
        { starts_at: '2026-03-27T10:00:00.000Z', ends_at: '2026-03-27T11:00:00.000Z', type: 'busy_tentative' },
        { starts_at: '2026-03-27T11:00:00.000Z', ends_at: '2026-03-27T11:15:00.000Z', type: 'busy' },
        { starts_at: '2026-03-27T11:15:00.000Z', ends_at: '2026-03-27T11:30:00.000Z', type: 'busy_tentative' },
        { starts_at: '2026-03-27T16:30:00.000Z', ends_at: '2026-03-27T17:00:00.000Z', type: 'busy' },
      ],
    },
  });
  expect((await between(bob, '2026-03-27T00:00:00Z', '2026-03-28T00:00:00Z')).body).toMatchObject({ periods: [] });
});

test('what recurs makes one busy again, by the clock of its zone, but where it is otherwise', async () => {
  const ann = await register(daybook.app, 'Ann');
  await hold(ann, '09:00', '10:00', {
    recurrence_rule: 'FREQ=DAILY;COUNT=6',
    recurrence_exceptions: [
      { recurrence_id: '2026-03-29T09:00:00+02:00', changes: null },
      { recurrence_id: '2026-03-30T09:00:00+02:00', changes: { transparency: 'transparent' } },
      {
        recurrence_id: '2026-03-31T09:00:00+02:00',
        changes: { starts_at: '2026-03-26T09:00:00+01:00', ends_at: '2026-03-26T10:00:00+01:00' },
      },
    ],
  });
  await hold(ann, '09:00', '10:00', {
    starts_at: '2026-04-02',
    ends_at: '2026-04-03',
    all_day: true,
  });
  const periods = (...times: string[]) =>
    times.map((time) => ({
      starts_at: `2026-${time}:00:00.000Z`,
      ends_at: `2026-${time.slice(0, 6)}${String(Number(time.slice(6)) + 1).padStart(2, '0')}:00:00.000Z`,
      type: 'busy',
    }));
  expect((await between(ann, '2026-03-01T00:00:00Z', '2026-05-01T00:00:00Z')).body).toMatchObject({
    periods: [
      ...periods('03-26T08', '03-27T08', '03-28T08', '04-01T07'),
      { starts_at: '2026-04-01T22:00:00.000Z', ends_at: '2026-04-02T22:00:00.000Z', type: 'busy' },
    ],
  });
});

test.for([
  ['2026-03-27T00:00:00Z', '2026-03-27T00:00:00Z', 'must be after from'],
  ['2026-03-27T00:00:00Z', '2028-03-27T00:00:00Z', 'must be at most 400 days after from'],
] as const)('from %s to %s is refused', async ([from, to, detail]) => {
  const ann = await register(daybook.app, 'Ann');
  expect((await between(ann, from, to)).body).toEqual({
    type: 'urn:daybook:problem:validation-failed',
    title: 'Validation failed',
    status: 400,
    detail: 'Some fields are missing or wrong.',
    request_id: 'the-request',
    errors: [{ in: 'query', pointer: '/to', detail }],
  });
});

const hourly = {
  starts_at: '2026-01-01T00:00:00.000Z',
  ends_at: '2026-01-01T00:30:00.000Z',
  all_day: false,
  timezone: 'UTC',
  recurrence_rule: 'FREQ=HOURLY',
  recurrence_exceptions: [],
  status: 'confirmed',
  transparency: 'opaque',
} as const;

test('within a series others get their turn', async () => {
  const { result: periods, turns } = await turnsDuring(() => periodsOf([hourly], '2026-02-01T00:00:00.000Z', '2026-02-11T00:00:00.000Z'));
  expect(periods).toHaveLength(240);
  expect(turns).toBeGreaterThanOrEqual(200);
});

test('what is tentative is cut by all that one is busy with', async () => {
  const long = { ...hourly, recurrence_rule: null, status: 'tentative' } as const;
  const tentative = [
    { ...long, ends_at: '2026-01-01T02:15:00.000Z' },
    { ...long, starts_at: '2026-01-01T02:20:00.000Z', ends_at: '2026-01-01T02:50:00.000Z' },
  ];
  const periods = await periodsOf([hourly, ...tentative], '2026-01-01T00:00:00.000Z', '2026-01-01T03:00:00.000Z');
  expect(periods.map(({ starts_at, ends_at, type }) => [starts_at.slice(11, 16), ends_at.slice(11, 16), type])).toEqual([
    ['00:00', '00:30', 'busy'],
    ['00:30', '01:00', 'busy_tentative'],
    ['01:00', '01:30', 'busy'],
    ['01:30', '02:00', 'busy_tentative'],
    ['02:00', '02:30', 'busy'],
    ['02:30', '02:50', 'busy_tentative'],
  ]);
});

test('more than can be told is refused', async () => {
  const ann = await register(daybook.app, 'Ann');
  await hold(ann, '09:00', '09:10', { recurrence_rule: 'FREQ=HOURLY;BYMINUTE=0,15,30,45' });
  const detail = 'More than 20000 things take place; ask for a shorter range.';
  expect(await between(ann, '2026-04-01T00:00:00Z', '2027-04-01T00:00:00Z')).toMatchObject({
    status: 422,
    body: { type: 'urn:daybook:problem:too-many-occurrences', errors: [{ in: 'query', pointer: '/to', detail }] },
  });
});

// Invitations as the two sides of them see them, word for word.
import { sql } from 'slonik';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { invitationIdOf } from '../../../src/commands/calendar/invitations.ts';
import { startDaybook, type TestDaybook } from '../../support/daybook.ts';
import { idOf, NOT_FOUND, type Person, pageOf, register, T0, T1, T2 } from '../../support/person.ts';

let daybook: TestDaybook;
let ann: Person;
let bob: Person;
let eve: Person;
const BOB = 'bob@example.com';

beforeAll(async () => {
  vi.setSystemTime(T0);
  daybook = await startDaybook();
  [ann, bob, eve] = await Promise.all([register(daybook.app, 'Ann'), register(daybook.app, 'Bob', BOB), register(daybook.app, 'Eve')]);
});
afterAll(() => daybook.close());
beforeEach(() => {
  vi.setSystemTime(T0);
});

const choir = {
  title: 'Choir',
  description: 'We meet at the organ.',
  location: 'Town hall',
  starts_at: '2100-04-01T17:00:00.000Z',
  ends_at: '2100-04-01T19:00:00.000Z',
  timezone: 'Europe/Vienna',
  recurrence_rule: 'FREQ=WEEKLY',
  organizer_email: 'ann@example.org',
  conference_url: 'https://meet.example/choir',
};
/** One occurrence is elsewhere, at a time when Ann wants another reminder, and one does not take place. */
const differing = { recurrence_id: '2100-04-08T17:00:00.000Z', changes: { location: 'Church' } };
const cancelled = { recurrence_id: '2100-04-15T17:00:00.000Z', changes: null };
const hold = async (id: string) => {
  const recurrence_exceptions = [{ ...differing, changes: { ...differing.changes, reminder_minutes: [5] } }, cancelled];
  const own = { reminder_minutes: [30], visibility: 'confidential', recurrence_exceptions };
  const answer = await ann.post('/calendar/events', { id, ...choir, ...own });
  expect(answer.status).toBe(201);
};
/** The same whether somebody has an account with that address or nobody. */
const invitation = (event_id: string, email: string) => ({
  id: invitationIdOf(event_id, email),
  event_id,
  email,
  display_name: null,
  role: 'required',
  response: 'needs_action',
  comment: null,
  responded_at: null,
  created_at: T0,
  updated_at: T0,
  version: 1,
});

test('who invites sees who is asked, and who is asked finds it and answers', async () => {
  const id = idOf(101);
  await hold(id);
  const bobs = invitation(id, BOB);
  const path = `/calendar/events/${id}/invitations/${bobs.id}`;
  const answer = await ann.post(`/calendar/events/${id}/invitations`, { email: BOB });
  expect(answer).toMatchObject({
    status: 201,
    headers: { location: `/api/v1${path}`, etag: expect.stringMatching(/^"1-[\w-]{16}"$/) },
    body: bobs,
  });
  vi.setSystemTime(T1);
  const guest = { email: 'Guest@example.net', display_name: 'A guest', role: 'optional' };
  const guests = { ...invitation(id, 'guest@example.net'), ...guest, created_at: T1, updated_at: T1, version: 2 };
  expect(await ann.post(`/calendar/events/${id}/invitations`, guest)).toMatchObject({ status: 201, body: guests });

  expect((await ann.get(`/calendar/events/${id}/invitations`)).body).toEqual({ items: [bobs, guests], next_cursor: null });
  expect((await ann.get(path)).body).toEqual(bobs);
  expect((await ann.get(`/calendar/events/${id}`)).body).toMatchObject({ version: 2, updated_at: T1 });

  const { body: to } = await bob.get('/calendar/invitations?response=needs_action');
  expect(to).toEqual({
    items: [
      {
        ...bobs,
        event: { ...choir, all_day: false, status: 'confirmed', organizer_name: 'Ann', recurrence_exceptions: [differing, cancelled] },
      },
    ],
    next_cursor: null,
  });
  expect((await bob.get(`/calendar/events/${id}/invitations`)).body).toEqual({ items: [bobs], next_cursor: null });
  expect((await bob.get(path)).body).toEqual(bobs);

  vi.setSystemTime(T2);
  const accepted = { ...bobs, response: 'accepted', comment: 'With cake', responded_at: T2, updated_at: T2, version: 3 };
  const said = await bob.post(`${path}/answer`, { response: 'accepted', comment: 'With cake' }, { 'if-match': '"1-"' });
  expect(said).toMatchObject({ status: 200, headers: { etag: expect.stringMatching(/^"3-/) }, body: accepted });
  expect((await ann.get(path)).body).toEqual(accepted);
  expect((await bob.get('/calendar/invitations?response=needs_action')).body).toEqual({ items: [], next_cursor: null });

  // Ann writes down what the guest, who has no account, told her.
  const noted = { ...guests, response: 'declined', comment: null, responded_at: T2, updated_at: T2, version: 4 };
  expect(await ann.post(`/calendar/events/${id}/invitations/${guests.id}/answer`, { response: 'declined' })).toMatchObject({
    status: 200,
    body: noted,
  });
  await ann.delete(path);
  const { body: history } = await ann.get(`/calendar/events/${id}/history`);
  // Not that Bob has an account: that is his to say.
  const asked = { response: 'needs_action', comment: null, responded_at: null };
  const forBob = { id: bobs.id, email: BOB, display_name: null, role: 'required', ...asked };
  const forGuest = { id: guests.id, ...guest, ...asked };
  const coming = { ...forBob, response: 'accepted', comment: 'With cake', responded_at: T2 };
  const declined = { ...forGuest, response: 'declined', responded_at: T2 };
  const change = (from: object | null, to: object | null) => [{ field: 'invitations', from, to }];
  expect(
    pageOf(history)
      .items.map(({ summary, changes }) => ({ summary, changes }))
      .slice(1),
  ).toEqual([
    { summary: `Invited ${BOB} to the event “Choir”`, changes: change(null, forBob) },
    { summary: 'Invited Guest@example.net to the event “Choir”', changes: change(null, forGuest) },
    { summary: `${BOB} comes to the event “Choir”`, changes: change(forBob, coming) },
    { summary: 'Noted that Guest@example.net does not come to the event “Choir”', changes: change(forGuest, declined) },
    { summary: `Took back the invitation of ${BOB} to the event “Choir”`, changes: change(coming, null) },
  ]);
});

test('who is invited gets at nothing else, and nobody else at anything', async () => {
  const id = idOf(201);
  await hold(id);
  await ann.post(`/calendar/events/${id}/invitations`, { email: BOB });
  await ann.post(`/calendar/events/${id}/invitations`, { email: 'guest@example.net' });
  const [bobs, guests] = [BOB, 'guest@example.net'].map((email) => `/calendar/events/${id}/invitations/${invitationIdOf(id, email)}`);
  const nothing = { status: 404, body: NOT_FOUND };
  const accepted = { response: 'accepted' };

  for (const path of [`/calendar/events/${id}`, `/calendar/events/${id}/history`, guests]) {
    expect(await bob.get(String(path))).toMatchObject(nothing);
  }
  expect(await bob.post(`${guests}/answer`, accepted)).toMatchObject(nothing);
  expect(await bob.delete(String(bobs))).toMatchObject(nothing);
  expect(await bob.patch(`/calendar/events/${id}`, { title: 'Mine' })).toMatchObject(nothing);
  expect(await bob.post(`/calendar/events/${id}/invitations`, { email: 'another@example.net' })).toMatchObject(nothing);
  expect((await bob.get('/calendar/events?from=2100-01-01T00:00:00Z&to=2100-12-31T00:00:00Z')).body).toMatchObject({ items: [] });

  for (const path of [`/calendar/events/${id}/invitations`, bobs, guests]) expect(await eve.get(String(path))).toMatchObject(nothing);
  expect(await eve.post(`${bobs}/answer`, accepted)).toMatchObject(nothing);
  expect(await eve.delete(String(bobs))).toMatchObject(nothing);
  expect((await eve.get('/calendar/invitations')).body).toEqual({ items: [], next_cursor: null });
});

test('an invitation that is taken back is gone for both, and can be made again', async () => {
  const id = idOf(301);
  await hold(id);
  const invite = () => ann.post(`/calendar/events/${id}/invitations`, { email: BOB });
  await invite();
  const path = `/calendar/events/${id}/invitations/${invitationIdOf(id, BOB)}`;
  await bob.post(`${path}/answer`, { response: 'tentative' });
  expect(await ann.delete(path)).toMatchObject({ status: 204, body: undefined });
  for (const person of [ann, bob]) expect((await person.get(path)).body).toEqual(NOT_FOUND);
  expect((await bob.get(`/calendar/events/${id}/invitations`)).body).toEqual(NOT_FOUND);
  expect(await bob.post(`${path}/answer`, { response: 'accepted' })).toMatchObject({ status: 404, body: NOT_FOUND });
  expect(await invite()).toMatchObject({ status: 201, body: { ...invitation(id, BOB), version: 4 } });
});

test('the same invitation again is the same, and as something else a conflict', async () => {
  const id = idOf(401);
  await hold(id);
  const invite = (body: object, headers = {}) => ann.post(`/calendar/events/${id}/invitations`, body, headers);
  const first = await invite({ email: BOB }, { 'idempotency-key': 'once' });
  expect(await invite({ email: BOB }, { 'idempotency-key': 'once' })).toMatchObject({ status: 201, body: first.body });
  expect(await invite({ email: BOB })).toMatchObject({ status: 201, body: first.body });
  expect(await invite({ email: 'BOB@example.com', role: 'chair' })).toMatchObject({
    status: 409,
    body: {
      type: 'urn:daybook:problem:already-invited',
      title: 'Already invited',
      status: 409,
      detail: 'There is an invitation for this address already.',
      request_id: 'the-request',
      errors: [{ in: 'body', pointer: '/email', detail: 'There is an invitation for this address already.' }],
    },
  });
  expect(await invite({ email: 'cleo@example.com' }, { 'idempotency-key': 'once' })).toMatchObject({ status: 422 });
});

test('a cancelled event takes no answers, a deleted one has no invitations', async () => {
  const id = idOf(501);
  await hold(id);
  await ann.post(`/calendar/events/${id}/invitations`, { email: BOB });
  const path = `/calendar/events/${id}/invitations/${invitationIdOf(id, BOB)}`;
  await ann.post(`/calendar/events/${id}/cancel`, {});
  expect(await bob.post(`${path}/answer`, { response: 'accepted' })).toMatchObject({
    status: 409,
    body: { type: 'urn:daybook:problem:event-cancelled', detail: 'The event is cancelled.' },
  });
  await ann.delete(`/calendar/events/${id}`);
  expect(await bob.post(`${path}/answer`, { response: 'accepted' })).toMatchObject({ status: 404, body: NOT_FOUND });
  for (const person of [ann, bob]) expect((await person.get(path)).body).toEqual(NOT_FOUND);
});

test('who leaves is no longer known to be invited, and whose event it was takes it along', async () => {
  const [cleo, dora] = await Promise.all([
    register(daybook.app, 'Cleo', 'cleo@example.com'),
    register(daybook.app, 'Dora', 'dora@example.com'),
  ]);
  const id = idOf(601);
  await cleo.post('/calendar/events', { id, ...choir });
  await cleo.post(`/calendar/events/${id}/invitations`, { email: 'dora@example.com' });
  await cleo.post(`/calendar/events/${id}/invitations`, { email: BOB });
  const leave = (person: Person) =>
    daybook.app.inject({
      method: 'DELETE',
      url: '/api/v1/users/me',
      headers: { authorization: `Bearer ${person.token}` },
      payload: { current_password: 'correct horse battery staple' },
    });
  const left = await leave(dora);
  expect(left.statusCode).toBe(204);
  const included = { 'daybook-position': String(left.headers['daybook-position']) };
  const doras = `/calendar/events/${id}/invitations/${invitationIdOf(id, 'dora@example.com')}`;
  expect((await cleo.get(doras, included)).body).toMatchObject({ email: 'dora@example.com', version: 1 });
  const invitees = await daybook.database.anyFirst(
    sql.type(z.object({ invitee_user_id: z.string().nullable() }))`
      SELECT invitee_user_id FROM calendar.calendar_invitations WHERE event_id = ${id} ORDER BY version`,
  );
  expect(invitees).toEqual([null, bob.id]);
  const alsoLeft = await leave(cleo);
  expect(alsoLeft.statusCode).toBe(204);
  const bobs = `/calendar/events/${id}/invitations/${invitationIdOf(id, BOB)}`;
  for (const headers of [{}, { 'if-match': '"0-"' }])
    expect(await bob.post(`${bobs}/answer`, { response: 'accepted' }, headers)).toMatchObject({ status: 404, body: NOT_FOUND });
  expect((await bob.get(bobs, { 'daybook-position': String(alsoLeft.headers['daybook-position']) })).body).toEqual(NOT_FOUND);
});

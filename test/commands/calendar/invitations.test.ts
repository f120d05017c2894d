// Decisions about who is invited, and who may say what.
import { describe, test } from 'vitest';
import { calendarEvent } from '../../../src/commands/calendar/event.ts';
import { answerCalendarInvitation, inviteToCalendarEvent, removeCalendarInvitation } from '../../../src/commands/calendar/invitation.ts';
import { invitationIdOf } from '../../../src/commands/calendar/invitations.ts';
import { emailClaim, emailKey } from '../../../src/commands/users/emailClaim.ts';
import { user } from '../../../src/commands/users/user.ts';
import {
  calendarEventCancelled,
  calendarEventDeleted,
  calendarEventScheduled,
  invitationAnswered,
  inviteeInvited,
  inviteeRemoved,
} from '../../../src/events/calendar.ts';
import type { NewEvent } from '../../../src/events/event.ts';
import { emailReserved, userDeleted, userEmailChanged, userRegistered } from '../../../src/events/users.ts';
import { deriveSecrets } from '../../../src/secrets.ts';
import { BEFORE, given, ID, ME, NOBODYS_ID, NOW, OTHER_ID, STRANGER } from '../../support/given.ts';

const BOB = 'bob@example.com';
const BOBS = invitationIdOf(ID, BOB);

const scheduled = calendarEventScheduled({
  title: 'Choir',
  description: null,
  location: null,
  starts_at: '2026-04-01T17:00:00.000Z',
  ends_at: '2026-04-01T19:00:00.000Z',
  all_day: false,
  timezone: 'Europe/Vienna',
  recurrence_rule: null,
  recurrence_exceptions: [],
  status: 'confirmed',
  visibility: 'public',
  transparency: 'opaque',
  organizer_email: null,
  ical_uid: ID,
  conference_url: null,
  reminder_minutes: [],
});
const invitee = { invitation_id: BOBS, email: BOB, display_name: null };
const invited = (invitee_user_id: string | null = null) => inviteeInvited({ ...invitee, invitee_user_id, role: 'required' });
const accepted = invitationAnswered({ ...invitee, response: 'accepted', comment: null, responded_at: BEFORE, answered_by: 'organizer' });

const registered = (email: string) =>
  userRegistered({ email, password_hash: 'a hash', display_name: 'Somebody', timezone: 'UTC', locale: 'en', role: 'user' });
const secrets = deriveSecrets('a master key of the tests, 32 bytes and more');
const claimed = emailReserved({ user_id: STRANGER, user_revision: -1 });

const givenEvent = (...events: NewEvent[]) => given(calendarEvent, [scheduled, ...events]).and(user, [registered('me@example.com')], ME);
const theirs = (...events: NewEvent[]) =>
  given(calendarEvent, [scheduled, ...events], ID, STRANGER).and(user, [registered(BOB)], STRANGER, STRANGER);
const bobs = { params: { id: ID, invitation_id: BOBS } };

describe('inviting', () => {
  test('names the address as it was written, and nobody where nobody has it', () =>
    givenEvent()
      .when(inviteToCalendarEvent, { email: ' Bob@Example.com ', display_name: 'Bob', role: 'chair' })
      .thenAppends([
        inviteeInvited({ invitation_id: BOBS, email: 'Bob@Example.com', display_name: 'Bob', invitee_user_id: null, role: 'chair' }),
      ]));
  test('finds who has an account with the address, whatever its case', () =>
    givenEvent()
      .and(emailClaim, [claimed], emailKey(secrets, BOB), STRANGER)
      .and(user, [registered('BOB@example.com')], STRANGER, STRANGER)
      .when(inviteToCalendarEvent, { email: BOB })
      .thenAppends([invited(STRANGER)]));
  test.for([
    ['has left it', [registered(BOB), userEmailChanged({ email: 'robert@example.com' })]],
    ['is gone', [registered(BOB), userDeleted({})]],
    ['never came', []],
  ] as const)('does not find who once claimed the address and %s', ([, events]) =>
    givenEvent()
      .and(emailClaim, [claimed], emailKey(secrets, BOB), STRANGER)
      .and(user, events, STRANGER, STRANGER)
      .when(inviteToCalendarEvent, { email: BOB })
      .thenAppends([invited(null)]),
  );
  test('again appends nothing', () =>
    givenEvent(invited(), accepted).when(inviteToCalendarEvent, { email: BOB, role: 'required' }).thenAppends([]));
  test('again as something else is refused', () =>
    givenEvent(invited())
      .when(inviteToCalendarEvent, { email: 'BOB@example.com', role: 'chair' })
      .thenRefuses(409, 'already-invited', '/email'));
  test('goes on after an invitation was taken back', () =>
    givenEvent(invited(), inviteeRemoved(invitee)).when(inviteToCalendarEvent, { email: BOB }).thenAppends([invited()]));
  test('is refused once the event is cancelled', () =>
    givenEvent(calendarEventCancelled({})).when(inviteToCalendarEvent, { email: BOB }).thenRefuses(409, 'event-cancelled'));
  test('is not possible to what is deleted, or somebody else’s', async () => {
    await givenEvent(calendarEventDeleted({})).when(inviteToCalendarEvent, { email: BOB }).thenRefuses(404, 'not-found');
    await theirs(invited(ME)).when(inviteToCalendarEvent, { email: 'cleo@example.com' }).thenRefuses(404, 'not-found');
  });
});

describe('answering', () => {
  const answer = { response: 'accepted', comment: 'With cake' };
  const answered = (answered_by: 'organizer' | 'invitee') =>
    invitationAnswered({ ...invitee, response: 'accepted', comment: 'With cake', responded_at: NOW, answered_by });

  test('is noted by whose event it is', () =>
    givenEvent(invited())
      .when(answerCalendarInvitation, answer, bobs)
      .thenAppends([answered('organizer')]));
  test('is up to who is invited', () =>
    theirs(invited(ME))
      .when(answerCalendarInvitation, answer, bobs)
      .thenAppends([answered('invitee')]));
  test('can be changed', () =>
    givenEvent(invited(), accepted)
      .when(answerCalendarInvitation, answer, bobs)
      .thenAppends([answered('organizer')]));
  test('the same again appends nothing', () =>
    givenEvent(invited(), accepted).when(answerCalendarInvitation, { response: 'accepted' }, bobs).thenAppends([]));
  test('is not for anybody else', async () => {
    await theirs(invited(STRANGER)).when(answerCalendarInvitation, answer, bobs).thenRefuses(404, 'not-found');
    await theirs(invited(null)).when(answerCalendarInvitation, answer, bobs).thenRefuses(404, 'not-found');
    await theirs(invited(ME), inviteeRemoved(invitee)).when(answerCalendarInvitation, answer, bobs).thenRefuses(404, 'not-found');
  });
  test('is not for an invitation that never was', () =>
    givenEvent(invited())
      .when(answerCalendarInvitation, answer, { params: { id: ID, invitation_id: NOBODYS_ID } })
      .thenRefuses(404, 'not-found'));
  test('is refused once the event is cancelled', () =>
    theirs(invited(ME), calendarEventCancelled({})).when(answerCalendarInvitation, answer, bobs).thenRefuses(409, 'event-cancelled'));
  test('finds nothing once the event is deleted, or whose it was is gone', async () => {
    await theirs(invited(ME), calendarEventDeleted({})).when(answerCalendarInvitation, answer, bobs).thenRefuses(404, 'not-found');
    await given(calendarEvent, [scheduled, invited(ME)], ID, STRANGER)
      .and(user, [registered(BOB), userDeleted({})], STRANGER, STRANGER)
      .when(answerCalendarInvitation, answer, bobs)
      .thenRefuses(404, 'not-found');
  });
  test('takes the revision of the invitation in If-Match, whatever else happens to the event', async () => {
    const cleo = inviteeInvited({
      invitation_id: OTHER_ID,
      email: 'cleo@example.com',
      display_name: null,
      invitee_user_id: null,
      role: 'required',
    });
    const when = (ifMatch: number) => givenEvent(invited(), cleo).when(answerCalendarInvitation, answer, { ...bobs, ifMatch: [ifMatch] });
    await when(1).thenAppends([answered('organizer')]);
    await when(2).thenRefuses(412, 'stale-revision');
  });
});

describe('taking back an invitation', () => {
  test('is possible, also of a cancelled event', () =>
    givenEvent(invited(), calendarEventCancelled({}))
      .when(removeCalendarInvitation, undefined, bobs)
      .thenAppends([inviteeRemoved(invitee)]));
  test('finds nothing the second time', () =>
    givenEvent(invited(), inviteeRemoved(invitee)).when(removeCalendarInvitation, undefined, bobs).thenRefuses(404, 'not-found'));
  test('is not for who is invited', () =>
    theirs(invited(ME)).when(removeCalendarInvitation, undefined, bobs).thenRefuses(404, 'not-found'));
});

import { describe, expect, test } from 'vitest';
import { calendarEventCancelled, invitationAnswered, inviteeInvited, inviteeRemoved } from '../../src/events/calendar.ts';
import { userDeleted } from '../../src/events/users.ts';
import { calendar, calendarEventSentences } from '../../src/projections/calendar.ts';
import { calendarEventRows, calendarInvitationRows } from '../../src/tables/calendar.ts';
import { AT, OWNER, recorded } from '../support/recorded.ts';

const ID = '0192f0c1-0000-7000-8000-000000000001';
const INVITATION = '5f0b1c5e-9a43-5d0e-8a7e-1f2d3c4b5a69';
const BOB = '0192f0c1-0000-7000-8000-00000000bbbb';
const stream = `calendarEvent-${ID}`;
const invitee = { invitation_id: INVITATION, email: 'bob@example.com', display_name: 'Bob' };
const happened = (event: Parameters<typeof recorded>[1]) => recorded(stream, event, 3, { title: 'Choir' });
/** What happens to an invitation is a change of its event, too. */
const ofTheEvent = { kind: 'update', table: calendarEventRows, id: ID, set: { updated_at: AT, version: 3 }, add: {}, isOwn: true };

describe('an invitation', () => {
  test.for([BOB, null])('is a row of the event, and told without whose address it is (%s)', (invitee_user_id) => {
    const invited = happened(inviteeInvited({ ...invitee, invitee_user_id, role: 'optional' }));
    const row = {
      id: INVITATION,
      user_id: OWNER,
      event_id: ID,
      invitee_user_id,
      email: 'bob@example.com',
      display_name: 'Bob',
      role: 'optional',
      response: 'needs_action',
      comment: null,
      responded_at: null,
      created_at: AT,
      updated_at: AT,
      version: 3,
    };
    expect(calendar.project(invited)).toEqual([{ kind: 'insert', table: calendarInvitationRows, row }, ofTheEvent]);
    expect(calendarEventSentences.tell(invited)).toEqual({
      entity_type: 'event',
      entity_id: ID,
      summary: 'Invited bob@example.com to the event “Choir”',
      details: { invitation_id: INVITATION, email: 'bob@example.com', role: 'optional' },
    });
  });

  test.for([
    ['accepted', 'invitee', 'bob@example.com comes to the event “Choir”'],
    ['declined', 'invitee', 'bob@example.com does not come to the event “Choir”'],
    ['tentative', 'organizer', 'Noted that bob@example.com may come to the event “Choir”'],
    ['needs_action', 'organizer', 'Noted that bob@example.com has not decided about the event “Choir”'],
  ] as const)('is %s by the %s', ([response, answered_by, summary]) => {
    const answer = { response, comment: 'With cake', responded_at: AT };
    const answered = happened(invitationAnswered({ ...invitee, ...answer, answered_by }));
    expect(calendar.project(answered)).toEqual([
      {
        kind: 'update',
        table: calendarInvitationRows,
        id: INVITATION,
        set: { ...answer, updated_at: AT, version: 3 },
        add: {},
        isOwn: true,
      },
      ofTheEvent,
    ]);
    expect(calendarEventSentences.tell(answered)).toEqual({
      entity_type: 'event',
      entity_id: ID,
      summary,
      details: { invitation_id: INVITATION, email: 'bob@example.com', response, comment: 'With cake', answered_by },
    });
  });

  test('that is taken back is no row', () => {
    const removed = happened(inviteeRemoved(invitee));
    expect(calendar.project(removed)).toEqual([
      { kind: 'remove', table: calendarInvitationRows, where: { id: INVITATION }, except: {} },
      ofTheEvent,
    ]);
    expect(calendarEventSentences.tell(removed)).toEqual({
      entity_type: 'event',
      entity_id: ID,
      summary: 'Took back the invitation of bob@example.com to the event “Choir”',
      details: { invitation_id: INVITATION, email: 'bob@example.com' },
    });
  });

  test('stays as it is when its event is cancelled', () => {
    expect(calendar.project(happened(calendarEventCancelled({}))).filter(({ table }) => table === calendarInvitationRows)).toEqual([]);
  });

  test('is nobody’s once who was invited has left, and at the version that it had', () => {
    expect(calendar.project(recorded(`user-${BOB}`, userDeleted({}), 7))).toEqual([
      {
        kind: 'updateWhere',
        table: calendarInvitationRows,
        where: { invitee_user_id: BOB },
        except: {},
        set: { invitee_user_id: null },
      },
    ]);
  });
});

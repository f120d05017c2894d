import { expect, test } from 'vitest';
import {
  sessionArchived,
  sessionContextChanged,
  sessionDeleted,
  sessionEnded,
  sessionRenamed,
  sessionResumed,
  sessionStarted,
} from '../../src/events/sessions.ts';
import { sessionSentences, sessions } from '../../src/projections/sessions.ts';
import { sessionRows } from '../../src/tables/sessions.ts';
import { AT, OWNER, recorded } from '../support/recorded.ts';

const ID = '0192f0c1-0000-7000-8000-000000000001';
const stream = `session-${ID}`;
const started = sessionStarted({ title: 'Plans', channel: 'web', context: { place: 'Vienna' } });
const ended = sessionEnded({ ended_at: '2026-03-04T05:06:07.000Z' });

test('a session that starts is a row', () => {
  expect(sessions.project(recorded(stream, started))).toEqual([
    {
      kind: 'insert',
      table: sessionRows,
      row: {
        id: ID,
        user_id: OWNER,
        title: 'Plans',
        channel: 'web',
        status: 'active',
        context: { place: 'Vienna' },
        message_count: 0,
        last_message_at: null,
        ended_at: null,
        created_at: AT,
        updated_at: AT,
        version: 0,
      },
    },
  ]);
});

test.each([
  [sessionRenamed({ title: null }), { title: null }],
  [sessionContextChanged({ context: { mood: 'calm' } }), { context: { mood: 'calm' } }],
  [sessionArchived({}), { status: 'archived' }],
  [sessionResumed({}), { status: 'active', ended_at: null }],
  [ended, { status: 'ended', ended_at: '2026-03-04T05:06:07.000Z' }],
])('$0.type changes it', (event, set) => {
  expect(sessions.project(recorded(stream, event, 3))).toEqual([
    { kind: 'update', table: sessionRows, id: ID, set: { ...set, updated_at: AT, version: 3 }, add: {}, isOwn: true },
  ]);
});

test('a session that is deleted is no row', () => {
  expect(sessions.project(recorded(stream, sessionDeleted({}), 1))).toEqual([
    { kind: 'remove', table: sessionRows, where: { id: ID }, except: {} },
  ]);
});

test.each([
  [started, 'Started the session “Plans”', { channel: 'web' }],
  [sessionRenamed({ title: 'Plans' }), 'Renamed the session to “Plans”', { title: 'Plans' }],
  [sessionRenamed({ title: null }), 'Took the title off the session', { title: null }],
  [sessionArchived({}), 'Archived the session “Plans”', {}],
  [sessionResumed({}), 'Resumed the session “Plans”', {}],
  [ended, 'Ended the session “Plans”', {}],
  [sessionDeleted({}), 'Deleted the session “Plans”', {}],
])('$0.type is told: $1', (event, summary, details) => {
  expect(sessionSentences.tell(recorded(stream, event, 1, { title: 'Plans' }))).toEqual({
    summary,
    details,
    entity_type: 'session',
    entity_id: ID,
  });
});

test('a session without a title is told of as one', () => {
  expect(sessionSentences.tell(recorded(stream, sessionArchived({}), 1))).toMatchObject({ summary: 'Archived the session' });
});

test('what the assistant notes for itself is not told', () => {
  expect(sessionSentences.tell(recorded(stream, sessionContextChanged({ context: {} }), 1))).toHaveProperty('silent');
});

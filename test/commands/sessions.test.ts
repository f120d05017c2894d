import { describe, test } from 'vitest';
import {
  archiveSession,
  changeSession,
  deleteSession,
  endSession,
  resumeSession,
  session,
  startSession,
} from '../../src/commands/sessions.ts';
import {
  sessionArchived,
  sessionContextChanged,
  sessionDeleted,
  sessionEnded,
  sessionRenamed,
  sessionResumed,
  sessionStarted,
} from '../../src/events/sessions.ts';
import { BEFORE, given, givenNothing, ID, NOW, STRANGER } from '../support/given.ts';

const started = sessionStarted({ title: 'Plans', channel: 'web', context: { place: 'Vienna' } });
const archived = sessionArchived({});
const ended = sessionEnded({ ended_at: BEFORE });

describe('starting a session', () => {
  test('needs nothing to be said', () =>
    givenNothing()
      .when(startSession, {})
      .thenAppends([sessionStarted({ title: null, channel: 'api', context: {} })]));
  test('keeps what is said', () =>
    givenNothing()
      .when(startSession, { title: ' Plans ', channel: 'web', context: { place: 'Vienna' } })
      .thenAppends([started]));
  test('needs an id that is not taken', () =>
    given(session, [started]).when(startSession, { id: ID, title: 'Plans' }).thenRefuses(409, 'id-in-use', '/id'));
});

describe('changing a session', () => {
  test('renames it', () =>
    given(session, [started])
      .when(changeSession, { title: 'Travel' })
      .thenAppends([sessionRenamed({ title: 'Travel' })]));
  test('takes its title off', () =>
    given(session, [started])
      .when(changeSession, { title: null })
      .thenAppends([sessionRenamed({ title: null })]));
  test('replaces its whole context', () =>
    given(session, [started])
      .when(changeSession, { context: { mood: 'calm' } })
      .thenAppends([sessionContextChanged({ context: { mood: 'calm' } })]));
  test('does both at once', () =>
    given(session, [started])
      .when(changeSession, { title: 'Travel', context: {} })
      .thenAppends([sessionRenamed({ title: 'Travel' }), sessionContextChanged({ context: {} })]));
  test('appends only what differs', () =>
    given(session, [started])
      .when(changeSession, { title: 'Plans', context: {} })
      .thenAppends([sessionContextChanged({ context: {} })]));
  test('to what it is appends nothing', () =>
    given(session, [started])
      .when(changeSession, { title: 'Plans', context: { place: 'Vienna' } })
      .thenAppends([]));
  test('is allowed once it has ended', () =>
    given(session, [started, ended])
      .when(changeSession, { title: 'Travel' })
      .thenAppends([sessionRenamed({ title: 'Travel' })]));
  test('needs something to change', () => given(session, [started]).when(changeSession, {}).thenRefuses(400, 'validation-failed', ''));
  test('takes a context of 64 KiB at most', () =>
    given(session, [started])
      .when(changeSession, { context: { note: 'ö'.repeat(32 * 1024) } })
      .thenRefuses(400, 'validation-failed', '/context'));
});

describe('archiving, resuming and ending a session', () => {
  test.each([
    ['an active one is archived', [], archiveSession, [archived]],
    ['an archived one already is', [archived], archiveSession, []],
    ['an active one is not resumed', [], resumeSession, []],
    ['an archived one is resumed', [archived], resumeSession, [sessionResumed({})]],
    ['an ended one is resumed', [ended], resumeSession, [sessionResumed({})]],
    ['an active one ends', [], endSession, [sessionEnded({ ended_at: NOW })]],
    ['an archived one ends', [archived], endSession, [sessionEnded({ ended_at: NOW })]],
    ['a resumed one ends', [ended, sessionResumed({})], endSession, [sessionEnded({ ended_at: NOW })]],
    ['an ended one already has', [ended], endSession, []],
  ])('%s', (_, before, command, after) =>
    given(session, [started, ...before])
      .when(command)
      .thenAppends(after),
  );
  test('an ended one is not archived', () => given(session, [started, ended]).when(archiveSession).thenRefuses(409, 'session-ended'));
});

describe('deleting a session', () => {
  test('is the end of it', () =>
    given(session, [started])
      .when(deleteSession)
      .thenAppends([sessionDeleted({})]));
  test('twice finds nothing', () =>
    given(session, [started, sessionDeleted({})])
      .when(deleteSession)
      .thenRefuses(404, 'not-found'));
});

test.each([changeSession, archiveSession, resumeSession, endSession, deleteSession])(
  'someone else’s session is none ($route)',
  (command) => {
    const body = command === changeSession ? { title: 'Mine' } : undefined;
    return given(session, [started], ID, STRANGER).when(command, body).thenRefuses(404, 'not-found');
  },
);

import { v5 } from 'uuid';
import { describe, test } from 'vitest';
import { message } from '../../src/commands/messages.ts';
import { changeRelationship, establishRelationship, relationship, removeRelationship } from '../../src/commands/relationships.ts';
import { session } from '../../src/commands/sessions.ts';
import { taskList } from '../../src/commands/tasks/list.ts';
import { task } from '../../src/commands/tasks/task.ts';
import { user } from '../../src/commands/users/user.ts';
import type { NewEvent } from '../../src/events/event.ts';
import { messageSent } from '../../src/events/messages.ts';
import { relationshipChanged, relationshipEstablished, relationshipRemoved } from '../../src/events/relationships.ts';
import { sessionDeleted, sessionStarted } from '../../src/events/sessions.ts';
import { taskCreated, taskDeleted, taskListCreated, taskListDeleted } from '../../src/events/tasks.ts';
import { userRegistered } from '../../src/events/users.ts';
import { entityType } from '../../src/vocabulary.ts';
import { given, ID, ME, NOBODYS_ID, OTHER_ID, STRANGER, THIRD_ID } from '../support/given.ts';

const list = taskListCreated({ name: 'Errands', description: null, color: null, position: 1, is_default: false });
const milk = taskCreated({
  list_id: null,
  parent_task_id: null,
  title: 'Buy milk',
  description: null,
  priority: 'none',
  start_at: null,
  due_at: null,
  remind_at: null,
  estimate_minutes: null,
  recurrence_rule: null,
  position: 1,
  source_type: null,
  source_id: null,
});
const started = sessionStarted({ title: null, channel: 'web', context: {} });
const said = messageSent({
  session_id: OTHER_ID,
  parent_message_id: null,
  role: 'user',
  content: 'Milk is out',
  content_type: 'text/plain',
  token_count: null,
  metadata: {},
});

const ends = { source_type: 'task', source_id: ID, target_type: 'message', target_id: THIRD_ID } as const;
const body = { ...ends, relation_type: 'derived_from' };
const established = relationshipEstablished({ ...body, strength: 1, metadata: {}, author: 'user' });
/** The id is for ever: another derivation would make a second relationship of each that there is. */
const RELATED = v5(JSON.stringify([ME, 'task', ID, 'derived_from', 'message', THIRD_ID]), '3c0f6a52-8f0b-4d6e-9a39-5b1e0d4f7c28');

const givenEnds = () => given(task, [milk]).and(session, [started], OTHER_ID).and(message, [said], THIRD_ID);
const givenRelated = (...events: NewEvent[]) => givenEnds().and(relationship, [established, ...events], RELATED);

describe('establishing a relationship', () => {
  test('needs its ends and what it is', () => givenEnds().when(establishRelationship, body).thenAppends([established]));
  test('keeps all that is said of it, and who said it', () =>
    givenEnds()
      .when(
        establishRelationship,
        { ...body, strength: 0.5, metadata: { because: 'it says so' } },
        { user: { id: ME, role: 'user', actor: 'assistant', login_id: OTHER_ID } },
      )
      .thenAppends([relationshipEstablished({ ...body, strength: 0.5, metadata: { because: 'it says so' }, author: 'assistant' })]));
  test('again appends nothing', () => givenRelated().when(establishRelationship, body).thenAppends([]));
  test('again leaves what is not said as it is', () =>
    givenRelated(relationshipChanged({ strength: 0.25, metadata: { a: 1 } }))
      .when(establishRelationship, body)
      .thenAppends([]));
  test('again with another strength changes that', () =>
    givenRelated(relationshipChanged({ metadata: { a: 1 } }))
      .when(establishRelationship, { ...body, strength: 0.25, metadata: { a: 1 } })
      .thenAppends([relationshipChanged({ strength: 0.25 })]));
  test('after it was removed begins anew', () =>
    givenRelated(relationshipChanged({ strength: 0.25 }), relationshipRemoved({}))
      .when(establishRelationship, body)
      .thenAppends([established]));
  test('of another type is another one', () =>
    givenRelated()
      .when(establishRelationship, { ...body, relation_type: 'mentions' })
      .thenAppends([relationshipEstablished({ ...body, relation_type: 'mentions', strength: 1, metadata: {}, author: 'user' })]));
  test('the other way round is another one', () => {
    const back = { ...body, source_type: 'message', source_id: THIRD_ID, target_type: 'task', target_id: ID } as const;
    return givenRelated()
      .when(establishRelationship, back)
      .thenAppends([relationshipEstablished({ ...back, strength: 1, metadata: {}, author: 'user' })]);
  });

  test.each([
    ['to itself', { ...body, target_type: 'task', target_id: ID }, '/target_id'],
    ['of a type with spaces', { ...body, relation_type: 'derived from' }, '/relation_type'],
    ['of a type in capitals', { ...body, relation_type: 'Mentions' }, '/relation_type'],
    ['of no type', { ...body, relation_type: '' }, '/relation_type'],
    ['stronger than wholly', { ...body, strength: 1.01 }, '/strength'],
    ['weaker than not at all', { ...body, strength: -0.01 }, '/strength'],
    ['by an author', { ...body, author: 'user' }, '/author'],
    ['from what nothing is', { ...body, source_type: 'label' }, '/source_type'],
  ])('is refused %s', (_, said, pointer) => givenEnds().when(establishRelationship, said).thenRefuses(400, 'validation-failed', pointer));

  test('may be between things of two kinds with one id', () => {
    const twins = { ...body, target_type: 'task_list', target_id: ID } as const;
    return given(task, [milk])
      .and(taskList, [list])
      .when(establishRelationship, twins)
      .thenAppends([relationshipEstablished({ ...twins, strength: 1, metadata: {}, author: 'user' })]);
  });
});

describe.each(entityType.options)('a %s as an end', (type) => {
  test.each([
    ['source', { source_type: type, source_id: NOBODYS_ID, target_type: 'task', target_id: ID }],
    ['target', { source_type: 'task', source_id: ID, target_type: type, target_id: NOBODYS_ID }],
  ])('that never was is refused as the %s', (end, ends) =>
    given(task, [milk])
      .when(establishRelationship, { ...ends, relation_type: 'about' })
      .thenRefuses(422, 'reference-not-found', `/${end}_id`),
  );
  test('is looked for among its own kind', async () => {
    // The same id, but of another kind.
    const other = type === 'task_list' ? { of: task, event: milk } : { of: taskList, event: list };
    await given(task, [milk])
      .and(other.of, [other.event], OTHER_ID)
      .when(establishRelationship, { source_type: 'task', source_id: ID, target_type: type, target_id: OTHER_ID, relation_type: 'about' })
      .thenRefuses(422, 'reference-not-found', '/target_id');
  });
});

const registered = userRegistered({
  email: 'me@example.com',
  display_name: 'Me',
  timezone: 'UTC',
  locale: 'en',
  role: 'user',
  password_hash: 'a hash',
});

describe('an end', () => {
  const mine = { source_type: 'user', source_id: ME, target_type: 'task', target_id: ID, relation_type: 'cares_about' } as const;
  test('can be oneself', () =>
    given(user, [registered], ME, ME)
      .and(task, [milk])
      .when(establishRelationship, mine)
      .thenAppends([relationshipEstablished({ ...mine, strength: 1, metadata: {}, author: 'user' })]));
  test('cannot be another person', () =>
    given(user, [registered], STRANGER, STRANGER)
      .and(task, [milk])
      .when(establishRelationship, { ...mine, source_id: STRANGER })
      .thenRefuses(422, 'reference-not-found', '/source_id'));
  test('cannot be someone else’s', () =>
    given(task, [milk], ID, STRANGER)
      .and(taskList, [list], OTHER_ID)
      .when(establishRelationship, {
        source_type: 'task_list',
        source_id: OTHER_ID,
        target_type: 'task',
        target_id: ID,
        relation_type: 'about',
      })
      .thenRefuses(422, 'reference-not-found', '/target_id'));
  test('cannot be deleted', () =>
    given(task, [milk, taskDeleted({})])
      .and(session, [started], OTHER_ID)
      .and(message, [said], THIRD_ID)
      .when(establishRelationship, body)
      .thenRefuses(422, 'reference-not-found', '/source_id'));
  test('cannot be part of what is deleted', () =>
    given(task, [milk])
      .and(session, [started, sessionDeleted({})], OTHER_ID)
      .and(message, [said], THIRD_ID)
      .when(establishRelationship, body)
      .thenRefuses(422, 'reference-not-found', '/target_id'));
});

describe('changing a relationship', () => {
  test('appends what differs', () =>
    givenRelated()
      .when(changeRelationship, { strength: 0.5, metadata: {} }, { params: { id: RELATED } })
      .thenAppends([relationshipChanged({ strength: 0.5 })]));
  test('to what it is appends nothing', () =>
    givenRelated(relationshipChanged({ strength: 0.5 }))
      .when(changeRelationship, { strength: 0.5 }, { params: { id: RELATED } })
      .thenAppends([]));
  test.each(['relation_type', 'source_id', 'author'])('leaves its %s alone', (field) =>
    givenRelated()
      .when(changeRelationship, { strength: 0.5, [field]: 'user' }, { params: { id: RELATED } })
      .thenRefuses(400, 'validation-failed', `/${field}`),
  );
});

test('removing a relationship is the end of it', async () => {
  await givenRelated()
    .when(removeRelationship, {}, { params: { id: RELATED } })
    .thenAppends([relationshipRemoved({})]);
  await givenRelated(relationshipRemoved({}))
    .when(removeRelationship, {}, { params: { id: RELATED } })
    .thenRefuses(404, 'not-found');
});

describe.each([
  ['changed', changeRelationship, { strength: 0.5 }],
  ['removed', removeRelationship, {}],
])('a relationship is not %s', (_, command, body) => {
  const request = { params: { id: RELATED } };
  test('once its source is gone', () =>
    given(task, [milk, taskDeleted({})])
      .and(session, [started], OTHER_ID)
      .and(message, [said], THIRD_ID)
      .and(relationship, [established], RELATED)
      .when(command, body, request)
      .thenRefuses(404, 'not-found'));
  test('once what its target is part of is gone', () =>
    given(task, [milk])
      .and(session, [started, sessionDeleted({})], OTHER_ID)
      .and(message, [said], THIRD_ID)
      .and(relationship, [established], RELATED)
      .when(command, body, request)
      .thenRefuses(404, 'not-found'));
  test('once one of its ends is gone, though another thing has that one’s id', () => {
    const twins = relationshipEstablished({
      source_type: 'task',
      source_id: ID,
      target_type: 'task_list',
      target_id: ID,
      relation_type: 'about',
      strength: 1,
      metadata: {},
      author: 'user',
    });
    return given(task, [milk])
      .and(taskList, [list, taskListDeleted({})])
      .and(relationship, [twins], RELATED)
      .when(command, body, request)
      .thenRefuses(404, 'not-found');
  });
  test('when it is someone else’s', () =>
    givenEnds().and(relationship, [established], RELATED, STRANGER).when(command, body, request).thenRefuses(404, 'not-found'));
});

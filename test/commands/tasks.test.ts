import { describe, test } from 'vitest';
import { message } from '../../src/commands/messages.ts';
import { session } from '../../src/commands/sessions.ts';
import { changeTaskLabel, createTaskLabel, deleteTaskLabel, taskLabels } from '../../src/commands/tasks/label.ts';
import {
  archiveTaskList,
  changeTaskList,
  createTaskList,
  deleteTaskList,
  restoreTaskList,
  taskList,
} from '../../src/commands/tasks/list.ts';
import {
  blockTask,
  cancelTask,
  changeTask,
  completeTask,
  createTask,
  deleteTask,
  labelTask,
  moveTask,
  remindTask,
  reopenTask,
  startTask,
  task,
  unlabelTask,
} from '../../src/commands/tasks/task.ts';
import type { NewEvent } from '../../src/events/event.ts';
import { messageDeleted, messageSent } from '../../src/events/messages.ts';
import { sessionDeleted, sessionStarted } from '../../src/events/sessions.ts';
import {
  taskBlocked,
  taskCancelled,
  taskChanged,
  taskCompleted,
  taskCreated,
  taskDeleted,
  taskLabelChanged,
  taskLabelCreated,
  taskLabelDeleted,
  taskLabelled,
  taskListArchived,
  taskListChanged,
  taskListCreated,
  taskListDeleted,
  taskListRestored,
  taskMoved,
  taskReminded,
  taskReopened,
  taskStarted,
  taskUnlabelled,
} from '../../src/events/tasks.ts';
import { BEFORE, given, givenNothing, ID, ME, NOBODYS_ID, NOW, OTHER_ID, STRANGER, THIRD_ID } from '../support/given.ts';

const AT_THE_END = Date.parse(NOW);

const errands = { name: 'Errands', description: null, color: '#1f6feb', position: 1, is_default: false };
const listCreated = taskListCreated(errands);

const milk = {
  title: 'Buy milk',
  description: null,
  priority: 'none',
  start_at: null,
  due_at: null,
  remind_at: null,
  estimate_minutes: null,
  recurrence_rule: null,
  list_id: null,
  parent_task_id: null,
  position: 1,
  source_type: null,
  source_id: null,
} as const;
const created = taskCreated(milk);
const under = (parent_task_id: string) => taskCreated({ ...milk, parent_task_id });

const urgent = taskLabelCreated({ label_id: THIRD_ID, name: 'Urgent', color: null });
const givenLabels = (...events: NewEvent[]) => given(taskLabels, [urgent, ...events], ME);
const givenTask = (...events: NewEvent[]) => given(task, [created, ...events]);

describe('a task list', () => {
  test('needs a name only', () =>
    givenNothing()
      .when(createTaskList, { name: ' Errands ' })
      .thenAppends([taskListCreated({ ...errands, color: null, position: AT_THE_END })]));
  test('changes in what differs', () =>
    given(taskList, [listCreated])
      .when(changeTaskList, { name: 'Errands', color: '#FF0000', position: 2 })
      .thenAppends([taskListChanged({ color: '#ff0000', position: 2 })]));
  test('changed to what it is stays so', () => given(taskList, [listCreated]).when(changeTaskList, errands).thenAppends([]));
  test('becomes the default once more, since another may have become it', () =>
    given(taskList, [taskListCreated({ ...errands, is_default: true })])
      .when(changeTaskList, { is_default: true })
      .thenAppends([taskListChanged({ is_default: true })]));
  test.each([
    ['is archived', [], archiveTaskList, [taskListArchived({})]],
    ['is archived once', [taskListArchived({})], archiveTaskList, []],
    ['is restored', [taskListArchived({})], restoreTaskList, [taskListRestored({})]],
    ['is restored once', [], restoreTaskList, []],
    ['is deleted', [], deleteTaskList, [taskListDeleted({})]],
  ])('%s', (_, before, command, after) =>
    given(taskList, [listCreated, ...before])
      .when(command)
      .thenAppends(after),
  );
  test.each([changeTaskList, archiveTaskList, restoreTaskList, deleteTaskList])('that is deleted is no more ($route)', (command) =>
    given(taskList, [listCreated, taskListDeleted({})])
      .when(command, command === changeTaskList ? { name: 'Chores' } : undefined)
      .thenRefuses(404, 'not-found'),
  );
});

describe('creating a task', () => {
  test('needs a title only', () =>
    givenNothing()
      .when(createTask, { title: 'Buy milk' })
      .thenAppends([taskCreated({ ...milk, position: AT_THE_END })]));
  test('keeps times in UTC', () =>
    givenNothing()
      .when(createTask, { title: 'Buy milk', position: 1, due_at: '2026-05-01T09:00:00+02:00' })
      .thenAppends([taskCreated({ ...milk, due_at: '2026-05-01T07:00:00.000Z' })]));
  test('files it in a list, under a task, with labels', () =>
    givenLabels()
      .and(taskList, [listCreated], ID)
      .and(task, [created], OTHER_ID)
      .when(createTask, { title: 'Buy milk', position: 1, list_id: ID, parent_task_id: OTHER_ID, label_ids: [THIRD_ID, THIRD_ID] })
      .thenAppends([taskCreated({ ...milk, list_id: ID, parent_task_id: OTHER_ID }), taskLabelled({ label_id: THIRD_ID })]));

  test.each([
    ['a list that is not', givenNothing(), { list_id: NOBODYS_ID }, '/list_id'],
    ['a list that is deleted', given(taskList, [listCreated, taskListDeleted({})]), { list_id: ID }, '/list_id'],
    ['someone else’s list', given(taskList, [listCreated], ID, STRANGER), { list_id: ID }, '/list_id'],
    ['a task that is not', givenNothing(), { parent_task_id: NOBODYS_ID }, '/parent_task_id'],
    ['someone else’s task', given(task, [created], ID, STRANGER), { parent_task_id: ID }, '/parent_task_id'],
    [
      'a task that went with the one above it',
      given(task, [created, taskDeleted({})], OTHER_ID).and(task, [under(OTHER_ID)], ID),
      { parent_task_id: ID },
      '/parent_task_id',
    ],
    ['a label that is not', givenLabels(), { label_ids: [THIRD_ID, NOBODYS_ID] }, '/label_ids/1'],
    ['a label that is deleted', givenLabels(taskLabelDeleted({ label_id: THIRD_ID })), { label_ids: [THIRD_ID] }, '/label_ids/0'],
  ])('is refused with %s', (_, before, body, pointer) =>
    before.when(createTask, { title: 'Buy milk', ...body }).thenRefuses(422, 'reference-not-found', pointer),
  );

  test('is refused in a list that is archived', () =>
    given(taskList, [listCreated, taskListArchived({})])
      .when(createTask, { title: 'Buy milk', list_id: ID })
      .thenRefuses(409, 'list-archived', '/list_id'));
  test('is refused below ten others', () => {
    const ids = Array.from({ length: 10 }, (_, index) => `0192f0c1-0000-7000-8000-0000000000f${index}`);
    const chain = ids.reduce(
      (before, id, index) => before.and(task, [index === 0 ? created : under(ids[index - 1] ?? '')], id),
      givenNothing(),
    );
    return chain.when(createTask, { title: 'Buy milk', parent_task_id: ids[9] }).thenRefuses(422, 'too-deep', '/parent_task_id');
  });
  test.each([
    ['due before it starts', { start_at: '2026-05-02T00:00:00Z', due_at: '2026-05-01T00:00:00Z' }, '/due_at'],
    ['from a source without an id', { source_type: 'message' }, '/source_id'],
    ['with an id of no source', { source_id: ID }, '/source_id'],
    ['due when nobody knows where', { due_at: '2026-05-01T00:00:00' }, '/due_at'],
  ])('is refused %s', (_, body, pointer) =>
    givenNothing()
      .when(createTask, { title: 'Buy milk', ...body })
      .thenRefuses(400, 'validation-failed', pointer),
  );
});

describe('a task that comes from a message', () => {
  const from = { title: 'Buy milk', position: 1, source_type: 'message', source_id: OTHER_ID } as const;
  const started = sessionStarted({ title: null, channel: 'web', context: {} });
  const said = {
    parent_message_id: null,
    role: 'user',
    content: 'Milk!',
    content_type: 'text/plain',
    token_count: null,
    metadata: {},
  } as const;
  const sent = messageSent({ session_id: ID, ...said });

  test('says so', () =>
    given(session, [started])
      .and(message, [sent], OTHER_ID)
      .when(createTask, from)
      .thenAppends([taskCreated({ ...milk, source_type: 'message', source_id: OTHER_ID })]));
  test.each([
    ['never was', givenNothing()],
    ['is deleted', given(session, [started]).and(message, [sent, messageDeleted({ session_id: ID })], OTHER_ID)],
    ['went with its session', given(session, [started, sessionDeleted({})]).and(message, [sent], OTHER_ID)],
    ['is someone else’s', given(session, [started], ID, STRANGER).and(message, [sent], OTHER_ID, STRANGER)],
  ])('is refused when the message %s', (_, before) => before.when(createTask, from).thenRefuses(422, 'reference-not-found', '/source_id'));
  test('is refused when it is an email, which cannot be there', () =>
    givenNothing()
      .when(createTask, { ...from, source_type: 'email' })
      .thenRefuses(422, 'reference-not-found', '/source_id'));
});

describe('changing a task', () => {
  test('appends what differs', () =>
    givenTask()
      .when(changeTask, { title: 'Buy oat milk', priority: 'none' })
      .thenAppends([taskChanged({ title: 'Buy oat milk' })]));
  test('to what it is appends nothing', () => givenTask().when(changeTask, { title: 'Buy milk', priority: 'none' }).thenAppends([]));
  test('is refused when it were due before its start', () =>
    givenTask(taskChanged({ start_at: '2026-05-02T00:00:00.000Z' }))
      .when(changeTask, { due_at: '2026-05-01T00:00:00Z' })
      .thenRefuses(422, 'due-before-start', '/due_at'));
  test('leaves its status to other commands', () =>
    givenTask().when(changeTask, { title: 'Buy milk', status: 'done' }).thenRefuses(400, 'validation-failed', '/status'));
});

describe('moving a task', () => {
  test('keeps what is not said', () =>
    givenTask()
      .and(taskList, [listCreated], OTHER_ID)
      .when(moveTask, { list_id: OTHER_ID })
      .thenAppends([taskMoved({ list_id: OTHER_ID, parent_task_id: null, position: 1 })]));
  test('to where it is appends nothing', () =>
    givenTask().when(moveTask, { list_id: null, parent_task_id: null, position: 1 }).thenAppends([]));
  test.each([
    ['itself', givenTask(), ID],
    ['a task of its own', givenTask().and(task, [under(ID)], OTHER_ID), OTHER_ID],
  ])('is refused under %s', (_, before, parent_task_id) =>
    before.when(moveTask, { parent_task_id }).thenRefuses(422, 'task-under-itself', '/parent_task_id'),
  );
  test('is refused into a list that is archived', () =>
    givenTask()
      .and(taskList, [listCreated, taskListArchived({})], OTHER_ID)
      .when(moveTask, { list_id: OTHER_ID })
      .thenRefuses(409, 'list-archived', '/list_id'));
  test('is refused to what is not', () =>
    givenTask().when(moveTask, { list_id: NOBODYS_ID }).thenRefuses(422, 'reference-not-found', '/list_id'));
});

describe('how far a task is', () => {
  const done = taskCompleted({ completed_at: BEFORE });
  test.each([
    ['todo → in progress', [], startTask, [taskStarted({})]],
    ['blocked → in progress', [taskBlocked({})], startTask, [taskStarted({})]],
    ['already in progress', [taskStarted({})], startTask, []],
    ['todo → blocked', [], blockTask, [taskBlocked({})]],
    ['already blocked', [taskBlocked({})], blockTask, []],
    ['todo → done', [], completeTask, [taskCompleted({ completed_at: NOW })]],
    ['already done', [done], completeTask, []],
    ['todo → cancelled', [], cancelTask, [taskCancelled({})]],
    ['already cancelled', [taskCancelled({})], cancelTask, []],
    ['done → todo', [done], reopenTask, [taskReopened({})]],
    ['cancelled → todo', [taskCancelled({})], reopenTask, [taskReopened({})]],
    ['already open', [taskStarted({})], reopenTask, []],
  ])('%s', (_, before, command, after) =>
    givenTask(...before)
      .when(command)
      .thenAppends(after),
  );

  test.each([
    [done, startTask, 'task-done'],
    [done, blockTask, 'task-done'],
    [done, cancelTask, 'task-done'],
    [taskCancelled({}), startTask, 'task-cancelled'],
    [taskCancelled({}), blockTask, 'task-cancelled'],
    [taskCancelled({}), completeTask, 'task-cancelled'],
  ])('after $0.type, $1.route is refused', (before, command, code) => givenTask(before).when(command).thenRefuses(409, code));
});

describe('reminding of a task', () => {
  const at = (remind_at: string) => taskChanged({ remind_at });
  const reminded = taskReminded({ reminded_at: BEFORE });
  test.each([
    ['when the time has come', [at(NOW)], [taskReminded({ reminded_at: NOW })]],
    ['not before', [at('2026-03-04T05:06:07.891Z')], []],
    ['not where there is no time for it', [], []],
    ['once', [at(BEFORE), reminded], []],
    ['again where the time was changed since', [at(BEFORE), reminded, at(NOW)], [taskReminded({ reminded_at: NOW })]],
    ['not again where something else was', [at(BEFORE), reminded, taskChanged({ title: 'Buy oat milk' })], []],
    ['not once it is done', [at(BEFORE), taskCompleted({ completed_at: BEFORE })], []],
    ['not once it is cancelled', [at(BEFORE), taskCancelled({})], []],
    ['when it is taken up again', [at(BEFORE), taskCancelled({}), taskReopened({})], [taskReminded({ reminded_at: NOW })]],
  ])('%s', (_, before, after) =>
    givenTask(...before)
      .when(remindTask)
      .thenAppends(after),
  );
});

describe('deleting a task', () => {
  test('is the end of it', () =>
    givenTask()
      .when(deleteTask)
      .thenAppends([taskDeleted({})]));
  test.each([
    ['it is deleted', given(task, [created, taskDeleted({})])],
    ['the one above it is deleted', given(task, [created, taskDeleted({})], OTHER_ID).and(task, [under(OTHER_ID)])],
    ['it is someone else’s', given(task, [created], ID, STRANGER)],
  ])('finds nothing when %s', (_, before) => before.when(deleteTask).thenRefuses(404, 'not-found'));
});

describe('the labels of a task', () => {
  const label = { params: { id: ID, label_id: THIRD_ID } };
  const labelled = taskLabelled({ label_id: THIRD_ID });
  test('are put on', () => givenLabels().and(task, [created]).when(labelTask, undefined, label).thenAppends([labelled]));
  test('are put on once', () => givenLabels().and(task, [created, labelled]).when(labelTask, undefined, label).thenAppends([]));
  test('are taken off', () =>
    givenTask(labelled)
      .when(unlabelTask, undefined, label)
      .thenAppends([taskUnlabelled({ label_id: THIRD_ID })]));
  test('are taken off once', () => givenTask().when(unlabelTask, undefined, label).thenAppends([]));
  test('must be there', () => givenTask().when(labelTask, undefined, label).thenRefuses(404, 'not-found'));
  test('are fifty at most, not counting those that are deleted', async () => {
    const ids = Array.from({ length: 51 }, (_, index) => `0192f0c1-0000-7000-8000-0000000001${String(index).padStart(2, '0')}`);
    const labels = ids.map((label_id) => taskLabelCreated({ label_id, name: `Label ${label_id}`, color: null }));
    const puts = ids.slice(0, 50).map((label_id) => taskLabelled({ label_id }));
    const next = { params: { id: ID, label_id: ids[50] } };
    await givenLabels(...labels)
      .and(task, [created, ...puts])
      .when(labelTask, undefined, next)
      .thenRefuses(409, 'too-many-labels');
    await givenLabels(...labels, taskLabelDeleted({ label_id: ids[0] ?? '' }))
      .and(task, [created, ...puts])
      .when(labelTask, undefined, next)
      .thenAppends([taskLabelled({ label_id: ids[50] ?? '' })]);
  });
});

describe('a task label', () => {
  const that = { params: { id: THIRD_ID } };
  test('is created', () =>
    givenNothing()
      .when(createTaskLabel, { id: OTHER_ID, name: 'Home', color: '#00ff00' })
      .thenAppends([taskLabelCreated({ label_id: OTHER_ID, name: 'Home', color: '#00ff00' })]));
  test('has a name that no other has, in whatever case', async () => {
    await givenLabels().when(createTaskLabel, { name: 'URGENT' }).thenRefuses(409, 'name-taken', '/name');
    await givenLabels(taskLabelCreated({ label_id: OTHER_ID, name: 'Home', color: null }))
      .when(changeTaskLabel, { name: 'home' }, that)
      .thenRefuses(409, 'name-taken', '/name');
  });
  test('may have the name of one that is deleted', () =>
    givenLabels(taskLabelDeleted({ label_id: THIRD_ID }))
      .when(createTaskLabel, { id: OTHER_ID, name: 'Urgent' })
      .thenAppends([taskLabelCreated({ label_id: OTHER_ID, name: 'Urgent', color: null })]));
  test('may change the case of its own name', () =>
    givenLabels()
      .when(changeTaskLabel, { name: 'URGENT', color: null }, that)
      .thenAppends([taskLabelChanged({ label_id: THIRD_ID, name: 'URGENT' })]));
  test('changed to what it is stays so', () => givenLabels().when(changeTaskLabel, { name: 'Urgent' }, that).thenAppends([]));
  test('is deleted, and then no more', async () => {
    const deleted = taskLabelDeleted({ label_id: THIRD_ID });
    await givenLabels().when(deleteTaskLabel, undefined, that).thenAppends([deleted]);
    await givenLabels(deleted).when(deleteTaskLabel, undefined, that).thenRefuses(404, 'not-found');
    await givenLabels(deleted).when(changeTaskLabel, { name: 'Home' }, that).thenRefuses(404, 'not-found');
  });
});

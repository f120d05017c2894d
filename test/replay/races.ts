// Random histories as no single writer would leave them: within each stream all is in order, but what one stream says of
// another may be late. So there are tasks in lists that were deleted meanwhile, moves that crossed and made a loop,
// messages to sessions that are gone, and people who left in the middle of it.
import fc from 'fast-check';
import type { NewEvent } from '../../src/events/event.ts';
import { messageDeleted, messageEdited, messageSent } from '../../src/events/messages.ts';
import { sessionDeleted, sessionEnded, sessionRenamed, sessionResumed, sessionStarted } from '../../src/events/sessions.ts';
import * as task from '../../src/events/tasks.ts';
import { loggedIn, loggedOut, userDeleted, userEmailChanged } from '../../src/events/users.ts';
import type { LoggedEvent } from '../../src/eventstore/log.ts';
import { ADA, BOB, beginHistory, idOf } from './history.ts';

const kinds = ['list', 'label', 'task', 'session', 'message', 'login'] as const;
const deeds = [
  'create',
  'create',
  'change',
  'change',
  'move',
  'move',
  'move',
  'turn',
  'turn',
  'label',
  'label',
  'unlabel',
  'delete',
] as const;

export const history = fc
  .array(
    fc.record({
      kind: fc.constantFrom(...kinds, 'task' as const, 'task' as const, 'task' as const, 'message' as const),
      deed: fc.constantFrom(...deeds),
      /** Which entity, and which others it is about. */
      which: fc.nat(5),
      other: fc.option(fc.nat(5), { nil: undefined, freq: 6 }),
      third: fc.option(fc.nat(5), { nil: undefined, freq: 3 }),
      leaves: fc.integer({ min: 0, max: 60 }).map((n) => n === 0),
    }),
    { minLength: 5, maxLength: 70, size: 'max' },
  )
  .map(eventsOf);

type Kind = (typeof kinds)[number];
type Wish = {
  readonly kind: Kind;
  readonly deed: (typeof deeds)[number];
  readonly which: number;
  readonly other: number | undefined;
  readonly third: number | undefined;
  readonly leaves: boolean;
};
type Entity = {
  readonly id: string;
  readonly stream: string;
  /** What it is part of: a task's parent, a message's session. */
  parent: Entity | undefined;
  isDeleted: boolean;
  /** Whether all it is part of was there when the last thing happened to it. Afterwards no command finds it. */
  wasThere: boolean;
  isClosed: boolean;
  readonly labels: Set<string>;
};

const streams = { list: 'taskList', task: 'task', session: 'session', message: 'message', login: 'login' } as const;

function eventsOf(wishes: readonly Wish[]): readonly LoggedEvent[] {
  const { events, append, now } = beginHistory();
  const all: Record<Kind, Entity[]> = { list: [], label: [], task: [], session: [], message: [], login: [] };
  /** One of those that there ever were. */
  const one = (kind: Kind, index: number | undefined) => (index === undefined ? undefined : all[kind][index % all[kind].length]);
  const idOfOne = (kind: Kind, index: number | undefined) => one(kind, index)?.id ?? null;

  function create({ kind, which, other, third }: Wish, name: string): void {
    const id = idOf(String(kinds.indexOf(kind)), all[kind].length);
    const parent = kind === 'task' ? one('task', other) : kind === 'message' ? one('session', which) : undefined;
    if (kind === 'message' && !parent) return;
    const position = 1;
    const made: Record<Kind, NewEvent> = {
      list: task.taskListCreated({ name, description: null, color: null, position, is_default: which > 2 }),
      label: task.taskLabelCreated({ label_id: id, name, color: null }),
      task: task.taskCreated({ ...blankTask, title: name, list_id: idOfOne('list', third), parent_task_id: parent?.id ?? null, position }),
      session: sessionStarted({ title: name, channel: 'web', context: {} }),
      message: messageSent({ ...blankMessage, session_id: parent?.id ?? id, parent_message_id: idOfOne('message', third), content: name }),
      login: loggedIn({ refresh_token_hash: 'a hash', expires_at: now(), actor: 'user', user_agent: null, user_revision: 0 }),
    };
    const stream = kind === 'label' ? `taskLabels-${ADA}` : `${streams[kind]}-${id}`;
    all[kind].push({ id, stream, parent, isDeleted: false, wasThere: isThere(parent), isClosed: false, labels: new Set() });
    append(stream, made[kind]);
  }

  function remove({ id, stream, parent }: Entity, kind: Kind): void {
    const removed: Record<Kind, NewEvent> = {
      list: task.taskListDeleted({}),
      label: task.taskLabelDeleted({ label_id: id }),
      task: task.taskDeleted({}),
      session: sessionDeleted({}),
      message: messageDeleted({ session_id: parent?.id ?? id }),
      login: loggedOut({}),
    };
    append(stream, removed[kind]);
  }

  function change(entity: Entity, { kind, deed, other, third }: Wish, name: string): void {
    const { id, stream, isClosed, labels } = entity;
    const label = one('label', other);
    const turns = deed === 'turn' && (kind === 'session' || kind === 'task');
    if (turns) entity.isClosed = !isClosed;
    if (kind === 'list') append(stream, task.taskListChanged(deed === 'change' ? { name } : { is_default: true }));
    if (kind === 'message') append(stream, messageEdited({ session_id: entity.parent?.id ?? id, content: name, edited_at: now() }));
    if (kind === 'session' && turns) append(stream, isClosed ? sessionResumed({}) : sessionEnded({ ended_at: now() }));
    if (kind === 'session' && !turns) append(stream, sessionRenamed({ title: name }));
    if (kind === 'label' && label && !label.isDeleted && label !== entity) {
      // Names that cross; neither is taken twice at any time.
      append(stream, task.taskLabelChanged({ label_id: id, name: `${name} for now` }));
      append(stream, task.taskLabelChanged({ label_id: label.id, name }));
    }
    if (kind !== 'task') return;
    if (turns) append(stream, isClosed ? task.taskReopened({}) : task.taskCompleted({ completed_at: now() }));
    if (deed === 'change') append(stream, task.taskChanged({ title: name }));
    if (deed === 'label' && label && !labels.has(label.id)) {
      labels.add(label.id);
      append(stream, task.taskLabelled({ label_id: label.id }));
    }
    if (deed === 'unlabel' && label && labels.delete(label.id)) append(stream, task.taskUnlabelled({ label_id: label.id }));
    const parent = one('task', other);
    if (deed === 'move' && parent !== entity) {
      entity.parent = parent;
      append(stream, task.taskMoved({ list_id: idOfOne('list', third), parent_task_id: parent?.id ?? null, position: events.length }));
    }
  }

  let isGone = false;
  for (const [number, wish] of wishes.entries()) {
    const { kind, deed, which, leaves } = wish;
    const name = `name ${number}`;
    const entity = one(kind, which);
    if (leaves && !isGone) {
      // An address is free for another in the same batch.
      append(`user-${ADA}`, which % 2 === 0 ? userDeleted({}) : userEmailChanged({ email: 'elsewhere@example.org' }));
      append(`user-${BOB}`, userEmailChanged({ email: 'ada@example.org' }), BOB);
      isGone = true;
    } else if (deed === 'create') create(wish, name);
    else if (entity?.wasThere && !entity.isDeleted) {
      if (deed === 'delete') remove(entity, kind);
      else change(entity, wish, name);
      entity.isDeleted = deed === 'delete';
      entity.wasThere = isThere(entity.parent);
    }
  }
  return events;
}

/** Whether a part of this would be there, as a command sees it. Moves that crossed may have made a loop. */
function isThere(entity: Entity | undefined): boolean {
  const seen = new Set<Entity>();
  for (let next = entity; next && !seen.has(next); next = next.parent) {
    if (next.isDeleted) return false;
    seen.add(next);
  }
  return true;
}

const blankMessage = { role: 'user', content_type: 'text/plain', token_count: null, metadata: {} } as const;
const blankTask = {
  description: null,
  priority: 'none' as const,
  start_at: null,
  due_at: null,
  remind_at: null,
  estimate_minutes: null,
  recurrence_rule: null,
  source_type: null,
  source_id: null,
};

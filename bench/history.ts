// What people who let an assistant help them leave behind in a log, made up: who asks and is answered, gets letters, has tasks
// and appointments, and throws some of it away. The same number of events is always the same history.
import { v7 } from 'uuid';
import { calendarEventRescheduled, calendarEventScheduled, inviteeInvited } from '../src/events/calendar.ts';
import { encode } from '../src/events/codec.ts';
import { documentContentChanged, documentCreated, documentDeleted } from '../src/events/documents.ts';
import { emailDeleted, emailDraftCreated, emailLabelsChanged, emailMarkedRead, emailMoved, emailReceived } from '../src/events/emails.ts';
import type { NewEvent } from '../src/events/event.ts';
import { integrationCallLogged } from '../src/events/integrations.ts';
import { llmRequestStarted, llmRequestSucceeded, messageDeleted, messageEdited, messageSent } from '../src/events/messages.ts';
import { relationshipEstablished } from '../src/events/relationships.ts';
import { sessionContextChanged, sessionDeleted, sessionStarted } from '../src/events/sessions.ts';
import {
  taskChanged,
  taskCompleted,
  taskCreated,
  taskDeleted,
  taskLabelCreated,
  taskLabelled,
  taskListCreated,
  taskStarted,
  taskUnlabelled,
} from '../src/events/tasks.ts';
import { loggedIn, tokensRefreshed, userRegistered } from '../src/events/users.ts';
import type { EventToAppend } from '../src/eventstore/log.ts';

export type Written = { readonly stream: string; readonly event: EventToAppend };

type Person = {
  readonly id: string;
  readonly login: string;
  readonly list: string;
  readonly labels: readonly string[];
  session: string | undefined;
  readonly messages: string[];
  readonly tasks: string[];
  readonly parents: Set<string>;
  readonly emails: string[];
  readonly documents: string[];
};

const EVENTS_A_PERSON = 5_000;

export function* history(count: number): Generator<Written> {
  let left = count;
  for (const written of lives(Math.max(2, Math.round(count / EVENTS_A_PERSON)))) {
    if (left === 0) return;
    left -= 1;
    yield written;
  }
}

/** Never ends: whoever's turn it is, does something. */
function* lives(size: number): Generator<Written> {
  const random = randomNumbers(1);
  let now = Date.UTC(2026, 0, 1);
  const people: Person[] = [];
  const below = (limit: number) => Math.floor(random() * limit);
  const chance = (part: number) => random() < part;
  const id = () => v7({ msecs: now, random: Uint8Array.from({ length: 16 }, () => below(256)) });
  const instant = (minutes = 0) => new Date(now + minutes * 60_000).toISOString();
  /** Few words are said often, many seldom. */
  const words = (some: number) =>
    Array.from({ length: 1 + below(2 * some) }, () => WORDS[Math.floor(WORDS.length * random() ** 3)]).join(' ');
  const some = (of: readonly string[]) => of[below(of.length)];
  const gone = (of: string[]) => of.splice(below(of.length), 1)[0];

  function say({ id: user_id }: { readonly id: string }, stream: string, event: NewEvent, title?: string): Written {
    now += 1_000 + below(20_000);
    const event_id = id();
    const meta = { user_id, actor: 'user' as const, at: instant(), $correlationId: event_id, $causationId: event_id };
    return { stream, event: { ...encode(event, title === undefined ? meta : { ...meta, title }), event_id } };
  }

  function* arrival(): Generator<Written> {
    const person: Person = {
      ...{ id: id(), login: id(), list: id(), labels: [id(), id(), id()], session: undefined },
      ...{ messages: [], tasks: [], parents: new Set(), emails: [], documents: [] },
    };
    const { login, list, labels } = person;
    const name = words(2);
    const user = `user-${person.id}`;
    const profile = { email: `${person.id}@example.org`, display_name: name, timezone: 'Europe/Vienna', locale: 'en' };
    yield say(person, user, userRegistered({ ...profile, role: 'user', password_hash: '$argon2id$' }), name);
    const token = { refresh_token_hash: 'a'.repeat(64), expires_at: instant(43_200) };
    yield say(person, `login-${login}`, loggedIn({ ...token, actor: 'user', user_agent: 'Mozilla/5.0 (X11; Linux)', user_revision: 0 }));
    const asked = { name: 'Inbox', description: null, color: null, position: 1, is_default: true };
    yield say(person, `taskList-${list}`, taskListCreated(asked), 'Inbox');
    for (const [at, label_id] of labels.entries())
      yield say(person, `taskLabels-${person.id}`, taskLabelCreated({ label_id, name: `${words(1)} ${at}`, color: '#1f6feb' }));
    people.push(person);
  }

  /** A question with the request that answers it, and the answer. */
  function* conversation(person: Person): Generator<Written> {
    if (person.session === undefined || chance(0.12)) {
      person.session = id();
      const title = words(4);
      yield say(person, `session-${person.session}`, sessionStarted({ title, channel: 'web', context: {} }), title);
    }
    const { session } = person;
    const said = { session_id: session, content_type: 'text/markdown', metadata: {} };
    const question = words(15);
    const asked = id();
    const turn = { ...said, parent_message_id: person.messages.at(-1) ?? null, token_count: 30 };
    yield say(person, `message-${asked}`, messageSent({ ...turn, role: 'user', content: question }), question.slice(0, 100));
    const request = id();
    const model = { provider: 'anthropic', model: 'assistant-4', purpose: 'chat' };
    const started = { session_id: session, message_id: asked, ...model, request: { temperature: 0.7 }, started_at: instant() };
    yield say(person, `llmRequest-${request}`, llmRequestStarted(started), model.model);
    const spent = { prompt_tokens: below(4_000), completion_tokens: below(900), cost_usd: below(9_000) / 1e6, latency_ms: below(9_000) };
    const succeeded = { ...spent, response: { stop_reason: 'end' }, completed_at: instant() };
    yield say(person, `llmRequest-${request}`, llmRequestSucceeded(succeeded), model.model);
    const answer = words(70);
    const answered = id();
    const reply = { ...said, parent_message_id: asked, token_count: 140 };
    yield say(person, `message-${answered}`, messageSent({ ...reply, role: 'assistant', content: answer }), answer.slice(0, 100));
    person.messages.push(asked, answered);
    if (chance(0.3)) yield say(person, `session-${session}`, sessionContextChanged({ context: { topic: words(3) } }));
    if (chance(0.03)) {
      const edited = { session_id: session, content: words(15), edited_at: instant() };
      yield say(person, `message-${asked}`, messageEdited(edited), 'edited');
    }
    if (chance(0.02)) {
      person.messages.length -= 2;
      yield say(person, `message-${answered}`, messageDeleted({ session_id: session }), 'deleted');
    }
    if (chance(0.005)) {
      person.session = undefined;
      person.messages.length = 0;
      yield say(person, `session-${session}`, sessionDeleted({}), 'deleted');
    }
  }

  function* letter(person: Person): Generator<Written> {
    const email = id();
    const subject = words(5);
    const body = words(110);
    const address = `${words(1).slice(0, 20)}@example.com`;
    const attachments = chance(0.2)
      ? [
          {
            filename: 'file.pdf',
            content_type: 'application/pdf',
            size_bytes: 40_000,
            content_id: null,
            is_inline: false,
            sha256: 'a'.repeat(64),
          },
        ]
      : [];
    const received = {
      ...{ message_id_header: `<${email}@example.com>`, thread_id: email, in_reply_to: null, references: [], from_address: address },
      ...{ from_name: words(2), to_addresses: [{ name: null, address: `${person.id}@example.org` }], cc_addresses: [], bcc_addresses: [] },
      ...{ subject, body_text: body, body_html: null, snippet: body.slice(0, 200), folder: 'inbox' as const, is_read: false },
      ...{ is_starred: false, importance: 'normal' as const, labels: [], sent_at: instant(), received_at: instant(), attachments },
    };
    yield say(person, `email-${email}`, emailReceived(received), subject);
    person.emails.push(email);
    if (chance(0.7)) yield say(person, `email-${email}`, emailMarkedRead({}), subject);
    if (chance(0.2)) yield say(person, `email-${email}`, emailMoved({ folder: 'archive' }), subject);
    if (chance(0.1)) yield say(person, `email-${email}`, emailLabelsChanged({ labels: [words(1)] }), subject);
    if (chance(0.05)) {
      const draft = { in_reply_to_email_id: email, to_addresses: [], cc_addresses: [], bcc_addresses: [], body_html: null };
      yield say(person, `emailDraft-${id()}`, emailDraftCreated({ ...draft, subject, body_text: words(60), author: 'assistant' }), subject);
    }
    const deleted = chance(0.1) ? gone(person.emails) : undefined;
    if (deleted !== undefined) yield say(person, `email-${deleted}`, emailDeleted({}), subject);
  }

  function* task(person: Person): Generator<Written> {
    const made = id();
    const title = words(5);
    const times = { start_at: null, due_at: instant(below(20_000)), remind_at: null, estimate_minutes: 30, recurrence_rule: null };
    const source_id = some(person.messages);
    const parent_task_id = chance(0.1) ? (some(person.tasks) ?? null) : null;
    if (parent_task_id !== null) person.parents.add(parent_task_id);
    const place = {
      ...{ list_id: person.list, parent_task_id, position: person.tasks.length },
      ...{ source_type: source_id === undefined ? null : ('message' as const), source_id: source_id ?? null },
    };
    const created = { title, description: chance(0.5) ? words(20) : null, priority: 'medium' as const, ...times, ...place };
    yield say(person, `task-${made}`, taskCreated(created), title);
    person.tasks.push(made);
    const label_id = some(person.labels) ?? '';
    if (chance(0.4)) yield say(person, `task-${made}`, taskLabelled({ label_id }), title);
    if (chance(0.3)) yield say(person, `task-${made}`, taskChanged({ due_at: instant(below(20_000)) }), title);
    if (chance(0.3)) yield say(person, `task-${made}`, taskStarted({}), title);
    const done = chance(0.7) ? some(person.tasks) : undefined;
    if (done !== undefined) yield say(person, `task-${done}`, taskCompleted({ completed_at: instant() }), title);
    if (chance(0.05)) yield say(person, `task-${made}`, taskUnlabelled({ label_id }), title);
    // What has subtasks is kept.
    const deleted = chance(0.1) ? some(person.tasks.filter((one) => !person.parents.has(one))) : undefined;
    if (deleted === undefined) return;
    person.tasks.splice(person.tasks.indexOf(deleted), 1);
    yield say(person, `task-${deleted}`, taskDeleted({}), title);
  }

  function* appointment(person: Person): Generator<Written> {
    const made = id();
    const title = words(4);
    const when = {
      all_day: false,
      timezone: 'Europe/Vienna',
      recurrence_rule: chance(0.1) ? 'FREQ=WEEKLY' : null,
      recurrence_exceptions: [],
    };
    const starts = below(40_000);
    const event = {
      ...{ title, description: chance(0.4) ? words(30) : null, location: words(2), status: 'confirmed' as const, ical_uid: made },
      ...{ visibility: 'private' as const, transparency: 'opaque' as const, organizer_email: null, conference_url: null },
      ...{ reminder_minutes: [15], starts_at: instant(starts), ends_at: instant(starts + 60), ...when },
    };
    yield say(person, `calendarEvent-${made}`, calendarEventScheduled(event), title);
    if (chance(0.3)) {
      const invited = { invitation_id: id(), email: `${words(1).slice(0, 20)}@example.com`, display_name: null };
      yield say(person, `calendarEvent-${made}`, inviteeInvited({ ...invited, invitee_user_id: null, role: 'required' }), title);
    }
    const later = { ...when, starts_at: instant(starts + 600), ends_at: instant(starts + 660) };
    if (chance(0.3)) yield say(person, `calendarEvent-${made}`, calendarEventRescheduled(later), title);
  }

  function* document(person: Person): Generator<Written> {
    const made = id();
    const title = words(4);
    const written = () => ({ content: words(250), size_bytes: 1_500, sha256: 'b'.repeat(64), word_count: 250 });
    const kind = { content_type: 'text/markdown', unread_because: null, language: 'en', source_url: null, status: 'active' as const };
    yield say(person, `document-${made}`, documentCreated({ title, ...kind, ...written() }), title);
    person.documents.push(made);
    if (chance(0.5)) yield say(person, `document-${made}`, documentContentChanged({ ...written(), revision_number: 2 }), title);
    const deleted = chance(0.05) ? gone(person.documents) : undefined;
    if (deleted !== undefined) yield say(person, `document-${deleted}`, documentDeleted({}), title);
  }

  function* relation(person: Person): Generator<Written> {
    const [source_id, target_id] = [some(person.tasks), some(person.emails)];
    if (source_id === undefined || target_id === undefined) return;
    const ends = {
      source_type: 'task' as const,
      source_id,
      target_type: 'email' as const,
      target_id,
      relation_type: `of_${below(1_000_000)}`,
    };
    const measure = { strength: 0.5, metadata: {}, author: 'assistant' as const };
    yield say(person, `relationship-${id()}`, relationshipEstablished({ ...ends, ...measure }), 'of');
  }

  function* call(person: Person): Generator<Written> {
    const logged = {
      ...{ log_id: id(), integration: 'google-calendar', operation: 'sync', direction: 'outbound' as const, status: 'succeeded' as const },
      ...{ http_status: 200, request: { page: 1 }, response: { items: below(20) }, error: null, duration_ms: below(900) },
    };
    yield say(
      person,
      `integration-${person.id}.google`,
      integrationCallLogged({ ...logged, correlation_id: null, occurred_at: instant() }),
    );
  }

  function* refresh(person: Person): Generator<Written> {
    const token = { refresh_token_hash: 'a'.repeat(64), expires_at: instant(43_200) };
    yield say(person, `login-${person.login}`, tokensRefreshed(token));
  }

  const doings = [
    ...Array(30).fill(conversation),
    ...Array(18).fill(letter),
    ...Array(16).fill(task),
    ...Array(7).fill(appointment),
    ...Array(4).fill(document),
    ...Array(7).fill(relation),
    ...Array(10).fill(call),
    ...Array(8).fill(refresh),
  ];
  for (let turn = 0; ; turn += 1) {
    // They do not all come on the first day.
    if (people.length < size && turn % 20 === 0) yield* arrival();
    const person = people[below(people.length)];
    if (person) yield* doings[below(doings.length)](person);
  }
}

/** Mulberry32. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const SYLLABLES = [
  'ba',
  'con',
  'der',
  'el',
  'fi',
  'gra',
  'hin',
  'is',
  'ka',
  'lo',
  'men',
  'nor',
  'ost',
  'pre',
  'ra',
  'sti',
  'tun',
  'ver',
  'wa',
  'zi',
];
const WORDS = SYLLABLES.flatMap((first) => SYLLABLES.flatMap((second) => SYLLABLES.map((third) => first + second + third)));

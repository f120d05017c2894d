// Random histories as in `races`, of what points at other things and outlives them, and of what is between two of them: letters
// and the drafts that answer them, model requests about messages, documents and their tags, relationships of any two things,
// and events to which somebody is invited who leaves.
import fc from 'fast-check';
import {
  calendarEventCancelled,
  calendarEventDeleted,
  calendarEventScheduled,
  invitationAnswered,
  inviteeInvited,
  inviteeRemoved,
} from '../../src/events/calendar.ts';
import * as document from '../../src/events/documents.ts';
import * as email from '../../src/events/emails.ts';
import type { NewEvent } from '../../src/events/event.ts';
import { llmRequestFailed, llmRequestStarted, messageDeleted, messageSent } from '../../src/events/messages.ts';
import { relationshipChanged, relationshipEstablished, relationshipRemoved } from '../../src/events/relationships.ts';
import { sessionDeleted, sessionStarted } from '../../src/events/sessions.ts';
import { userDeleted } from '../../src/events/users.ts';
import type { LoggedEvent } from '../../src/eventstore/log.ts';
import { ADA, BOB, beginHistory, idOf } from './history.ts';

const streams = {
  session: 'session',
  message: 'message',
  letter: 'email',
  draft: 'emailDraft',
  request: 'llmRequest',
  document: 'document',
  tag: 'documentTags',
  relation: 'relationship',
  event: 'calendarEvent',
} as const;
type Kind = keyof typeof streams;
const kinds = ['session', 'message', 'letter', 'draft', 'request', 'document', 'tag', 'relation', 'relation', 'event'] as const;
/** What relationships are between. */
const ends = { session: 'session', message: 'message', letter: 'email', draft: 'draft', document: 'document', event: 'event' } as const;
type EndKind = keyof typeof ends;
const endKinds = ['session', 'message', 'letter', 'draft', 'document', 'event'] as const;
const few = fc.nat(3);

export const moreHistory = fc
  .array(
    fc.record({
      kind: fc.constantFrom(...kinds),
      deed: fc.constantFrom('create', 'create', 'change', 'change', 'turn', 'delete'),
      which: few,
      other: fc.option(few, { nil: undefined, freq: 6 }),
      ends: fc.tuple(fc.constantFrom(...endKinds), fc.constantFrom(...endKinds)),
      leaves: fc.integer({ min: 0, max: 60 }).map((n) => n === 0),
    }),
    { minLength: 5, maxLength: 90, size: 'max' },
  )
  .map(eventsOf);

type Wish = {
  readonly kind: Kind;
  readonly deed: 'create' | 'change' | 'turn' | 'delete';
  readonly which: number;
  readonly other: number | undefined;
  readonly ends: readonly [EndKind, EndKind];
  readonly leaves: boolean;
};
/** `wasThere`: whether all it is part of was there when the last thing happened to it. Afterwards no command finds it. */
type Thing = { readonly id: string; readonly parts: readonly Thing[]; isDeleted: boolean; wasThere: boolean; readonly on: Set<string> };

function eventsOf(wishes: readonly Wish[]): readonly LoggedEvent[] {
  const { events, append, now } = beginHistory();
  const all = new Map<Kind, Thing[]>();
  const streamOf = (kind: Kind, { id }: Thing) => `${streams[kind]}-${kind === 'tag' ? ADA : id}`;
  const of = (kind: Kind) => all.get(kind) ?? [];
  const one = (kind: Kind, index: number | undefined) => (index === undefined ? undefined : of(kind)[index % of(kind).length]);
  const idOfOne = (kind: Kind, index: number | undefined) => one(kind, index)?.id ?? null;

  function create({ kind, which, other, ends: [source, target] }: Wish, name: string): void {
    const [from, to] = [one(source, which), one(target, other ?? which)];
    const session = one('session', which);
    const made: Record<Kind, () => NewEvent | undefined> = {
      session: () => sessionStarted({ title: name, channel: 'web', context: {} }),
      message: () =>
        session && messageSent({ ...blankMessage, session_id: session.id, parent_message_id: idOfOne('message', other), content: name }),
      letter: () => (which % 2 ? received(name) : email.emailSent({ ...letterOf(name), attachments: [] })),
      draft: () => email.emailDraftCreated({ ...blankDraft, subject: name, in_reply_to_email_id: idOfOne('letter', other) }),
      request: () =>
        llmRequestStarted({ ...blankRequest, session_id: session?.id ?? null, message_id: idOfOne('message', other), started_at: now() }),
      document: () => document.documentCreated({ ...blankDocument, title: name }),
      tag: () => document.documentTagCreated({ tag_id: idOf('7', of('tag').length), name, color: null }),
      relation: () =>
        from && to && from !== to
          ? relationshipEstablished({
              source_type: ends[source],
              source_id: from.id,
              target_type: ends[target],
              target_id: to.id,
              relation_type: name.replaceAll(/\W/g, '_'),
              strength: 1,
              metadata: {},
              author: 'user',
            })
          : undefined,
      event: () => calendarEventScheduled({ ...blankEvent, title: name, ical_uid: name, reminder_minutes: [], recurrence_exceptions: [] }),
    };
    const event = made[kind]();
    if (!event) return;
    const parts = kind === 'relation' ? [from, to] : kind === 'message' ? [session] : [];
    const thing: Thing = {
      id: idOf(String(kinds.indexOf(kind)), of(kind).length),
      parts: parts.filter((part) => part !== undefined),
      isDeleted: false,
      wasThere: true,
      on: new Set(),
    };
    thing.wasThere = thing.parts.every(isThere);
    all.set(kind, [...of(kind), thing]);
    append(streamOf(kind, thing), event);
  }

  function change(thing: Thing, { kind, deed, other }: Wish, name: string): void {
    const { id, on } = thing;
    const stream = streamOf(kind, thing);
    const say = (event: NewEvent) => append(stream, event);
    if (kind === 'letter') say(deed === 'turn' ? email.emailStarred({}) : email.emailLabelsChanged({ labels: [name] }));
    if (kind === 'draft' && deed === 'change') say(email.emailDraftChanged({ in_reply_to_email_id: idOfOne('letter', other) }));
    const sent = one('letter', other);
    if (kind === 'draft' && deed === 'turn' && sent) say(email.emailDraftSent({ sent_email_id: sent.id, refused_addresses: [] }));
    if (kind === 'request') say(llmRequestFailed({ ...spent, error: name, completed_at: now() }));
    if (kind === 'document' && deed === 'change') say(document.documentRenamed({ title: name }));
    const tag = one('tag', other);
    if (kind === 'document' && deed === 'turn' && tag) {
      const tag_id = tag.id;
      if (on.delete(tag_id)) say(document.documentUntagged({ tag_id }));
      else {
        on.add(tag_id);
        say(document.documentTagged({ tag_id }));
      }
    }
    if (kind === 'tag') say(document.documentTagChanged({ tag_id: id, name }));
    if (kind === 'relation') say(relationshipChanged({ strength: 0.5, metadata: { name } }));
    if (kind === 'event' && deed === 'change') {
      const invitee = { invitation_id: idOf('9', Number(id.slice(-4))), email: 'bob@example.org', display_name: null };
      const answer = { ...invitee, response: 'accepted', comment: name, responded_at: now(), answered_by: 'invitee' } as const;
      if (!on.has(invitee.email)) say(inviteeInvited({ ...invitee, invitee_user_id: BOB, role: 'required' }));
      else say(other === undefined ? inviteeRemoved(invitee) : invitationAnswered(answer));
      if (on.has(invitee.email) && other === undefined) on.delete(invitee.email);
      else on.add(invitee.email);
    }
    if (kind === 'event' && deed === 'turn') say(calendarEventCancelled({}));
  }

  const removed: Record<Kind, (thing: Thing) => NewEvent | undefined> = {
    session: () => sessionDeleted({}),
    message: ({ id, parts: [session] }) => messageDeleted({ session_id: session?.id ?? id }),
    letter: () => email.emailDeleted({}),
    draft: () => undefined,
    request: () => undefined,
    document: () => document.documentDeleted({}),
    tag: ({ id }) => document.documentTagDeleted({ tag_id: id }),
    relation: () => relationshipRemoved({}),
    event: () => calendarEventDeleted({}),
  };

  let isLeft = false;
  for (const [number, wish] of wishes.entries()) {
    const { kind, deed, which, leaves } = wish;
    const name = `name ${number}`;
    const thing = one(kind, which);
    if (leaves && !isLeft) {
      const who = which % 2 === 0 ? ADA : BOB;
      append(`user-${who}`, userDeleted({}), who);
      isLeft = true;
    } else if (deed === 'create') create(wish, name);
    else if (kind === 'letter' && thing?.isDeleted) {
      // It is recorded once more.
      append(streamOf(kind, thing), received(name));
      thing.isDeleted = false;
    } else if (thing?.wasThere && !thing.isDeleted) {
      const removal = deed === 'delete' ? removed[kind](thing) : undefined;
      if (removal) {
        append(streamOf(kind, thing), removal);
        thing.isDeleted = true;
      } else if (deed !== 'delete') change(thing, wish, name);
      thing.wasThere = thing.parts.every(isThere);
    }
  }
  return events;
}

const isThere = ({ isDeleted, parts }: Thing): boolean => !isDeleted && parts.every(isThere);

const blankMessage = { role: 'user', content_type: 'text/plain', token_count: null, metadata: {} } as const;
const recipients = { to_addresses: [], cc_addresses: [], bcc_addresses: [] };
const blankDraft = { ...recipients, body_text: null, body_html: null, author: 'user' } as const;
const blankLetter = {
  ...recipients,
  message_id_header: null,
  thread_id: idOf('8', 1),
  in_reply_to: null,
  from_address: 'ada@example.org',
  from_name: null,
  body_text: null,
  body_html: null,
  snippet: '',
  folder: 'inbox',
  is_read: false,
  is_starred: false,
  importance: 'normal',
  sent_at: null,
  received_at: null,
} as const;
const letterOf = (subject: string) => ({ ...blankLetter, subject, references: [], labels: [], attachments: [attachment] });
const received = (subject: string) => email.emailReceived(letterOf(subject));
const attachment = {
  filename: 'a.txt',
  content_type: 'text/plain',
  size_bytes: 1,
  content_id: null,
  is_inline: false,
  sha256: 'a'.repeat(64),
};
const blankRequest = { provider: 'openai', model: 'gpt-5-mini', purpose: null, request: null } as const;
const spent = { prompt_tokens: 1, completion_tokens: null, cost_usd: null, latency_ms: null, response: null } as const;
const blankDocument = {
  language: null,
  source_url: null,
  status: 'active',
  content: '',
  content_type: 'text/markdown',
  size_bytes: 0,
  sha256: 'b'.repeat(64),
  word_count: 0,
  unread_because: null,
} as const;
const blankEvent = {
  description: null,
  location: null,
  status: 'confirmed',
  visibility: 'private',
  transparency: 'opaque',
  organizer_email: null,
  conference_url: null,
  starts_at: '2026-03-04T19:00:00.000Z',
  ends_at: '2026-03-04T21:00:00.000Z',
  all_day: false,
  timezone: 'UTC',
  recurrence_rule: null,
} as const;

/** A letter is deleted, and recorded once more; in between comes what was said of it late. */
export const letterComesBack: readonly LoggedEvent[] = (() => {
  const { events, append } = beginHistory();
  const [letter, note, before, between] = [idOf('1', 1), idOf('2', 1), idOf('3', 1), idOf('3', 2)];
  const replying = { ...blankDraft, subject: 'Re: Hello' };
  append(`email-${letter}`, received('Hello'));
  append(`document-${note}`, document.documentCreated({ ...blankDocument, title: 'Notes' }));
  append(`emailDraft-${before}`, email.emailDraftCreated({ ...replying, in_reply_to_email_id: null }));
  append(`email-${letter}`, email.emailDeleted({}));
  append(`emailDraft-${before}`, email.emailDraftChanged({ in_reply_to_email_id: letter }));
  append(`emailDraft-${between}`, email.emailDraftCreated({ ...replying, in_reply_to_email_id: letter }));
  const relation = { relation_type: 'mentions', strength: 1, metadata: {}, author: 'user' } as const;
  const [source, target] = [{ source_type: 'email', source_id: letter } as const, { target_type: 'document', target_id: note } as const];
  append(`relationship-${idOf('4', 1)}`, relationshipEstablished({ ...source, ...target, ...relation }));
  append(`email-${letter}`, received('Hello'));
  return events;
})();

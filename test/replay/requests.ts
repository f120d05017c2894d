// Random requests, as data: ids are said by what they should be of, and found once the run has got there, so that a case
// that fails prints as something one can read and shrinks as a list.
import fc from 'fast-check';

export type Kind =
  | 'user'
  | 'login'
  | 'session'
  | 'message'
  | 'list'
  | 'task'
  | 'label'
  | 'document'
  | 'tag'
  | 'event'
  | 'email'
  | 'draft'
  | 'relationship'
  | 'llmRequest';

/** `own`: one of the caller's that is there. `deepest`: that of the caller's tasks with the most above it. `past`: one of theirs, be it gone or not. `any`: of anybody's. `nobody`: never was. */
export type Pick = { readonly pick: Kind; readonly of: 'own' | 'deepest' | 'past' | 'any' | 'nobody'; readonly rank: number };
/** An address of this run's own; the password that is right for the caller, or for an address; a refresh token of a login. */
export type Secret =
  | { readonly mailbox: string }
  | { readonly password: 'right' | 'wrong' }
  | { readonly refreshTokenOf: Pick; readonly state: 'latest' | 'used' | 'forged' };
export type Value = null | boolean | number | string | Pick | Secret | readonly Value[] | { readonly [name: string]: Value };

export type Said = {
  readonly who: Pick;
  readonly route: string;
  readonly ids: Readonly<Record<string, Pick>>;
  readonly body?: Readonly<Record<string, Value>> | undefined;
  readonly key?: string | undefined;
  readonly ifMatch?: 'current' | 'stale' | '*' | undefined;
  readonly prefersMinimal: boolean;
};
/** One that was sent before, word for word; or the same by somebody else. */
export type Again = { readonly again: number; readonly by?: Pick | undefined };
export type Step = Said | Again;

type Fields = Readonly<Record<string, fc.Arbitrary<Value>>>;
type Options = { readonly needs?: Fields; readonly may?: Fields; readonly key?: false };

const rank = fc.nat(200);
const pick = (kind: Kind): fc.Arbitrary<Pick> =>
  fc.record({
    pick: fc.constant(kind),
    of: fc.oneof(
      { weight: 24, arbitrary: fc.constant('own' as const) },
      { weight: 2, arbitrary: fc.constant('any' as const) },
      fc.constant('nobody' as const),
    ),
    rank,
  });
const parent: fc.Arbitrary<Pick> = fc.oneof(
  pick('task'),
  fc.record({ pick: fc.constant('task' as const), of: fc.constant('deepest' as const), rank: fc.constant(0) }),
);
const who: fc.Arbitrary<Pick> = fc.record({
  pick: fc.constant('login' as const),
  of: fc.oneof({ weight: 30, arbitrary: fc.constant('own' as const) }, fc.constant('any' as const)),
  // Most is done by two people: where everybody has little, little happens.
  rank: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(0, 1) }, rank),
});
const orNull = (value: fc.Arbitrary<Value>) => fc.option(value, { nil: null, freq: 2 });

/** A create names its entity itself now and then, at times by an id that is in use. */
const id = (kind: Kind) =>
  fc.record({
    pick: fc.constant(kind),
    of: fc.oneof(
      { weight: 3, arbitrary: fc.constant('nobody' as const) },
      fc.constant(kind === 'label' || kind === 'tag' ? ('past' as const) : ('any' as const)),
    ),
    rank,
  });

function request(route: string, { needs = {}, may = {}, key }: Options = {}): fc.Arbitrary<Said> {
  const names = [...route.matchAll(/:(\w+)/g)].map(([, name = '']) => name);
  const hasBody = Object.keys(needs).length + Object.keys(may).length > 0;
  return fc.record({
    who,
    route: fc.constant(route),
    ids: fc.record(Object.fromEntries(names.map((name) => [name, pick(kindOf(route, name))]))),
    body: hasBody ? body(needs, may) : fc.constant(undefined),
    // Few enough that some are used twice.
    key:
      key === false
        ? fc.constant(undefined)
        : fc.option(
            fc.nat(30).map((n) => `key-${n}`),
            { nil: undefined, freq: 2 },
          ),
    ifMatch: takesIfMatch.test(route) ? ifMatch : fc.constant(undefined),
    prefersMinimal: fc.constantFrom(true, true, false),
  });
}

const takesIfMatch = /^(PUT|PATCH|DELETE|POST \/(tasks|llm-requests)\/:id)(?!.*logins)/;
const ifMatch = fc.oneof(
  { weight: 6, arbitrary: fc.constant(undefined) },
  fc.constantFrom('current' as const, 'stale' as const, '*' as const),
);

/** All of `needs` and some of `may`; at least one field. */
function body(needs: Fields, may: Fields): fc.Arbitrary<Readonly<Record<string, Value>>> {
  const optional = fc.subarray(Object.keys(may), { minLength: Object.keys(needs).length === 0 ? 1 : 0 });
  return fc.tuple(fc.record(needs), fc.record(may), optional).map(([needed, possible, chosen]) => ({
    ...needed,
    ...Object.fromEntries(Object.entries(possible).filter(([name]) => chosen.includes(name))),
  }));
}

function kindOf(route: string, name: string): Kind {
  if (name === 'label_id') return 'label';
  if (name === 'tag_id') return 'tag';
  const [, collection = ''] = route.split('/');
  const kinds: Readonly<Record<string, Kind>> = {
    sessions: 'session',
    messages: 'message',
    'task-lists': 'list',
    tasks: 'task',
    'task-labels': 'label',
    emails: 'email',
    'email-drafts': 'draft',
    documents: 'document',
    'document-tags': 'tag',
    calendar: 'event',
    relationships: 'relationship',
    'llm-requests': 'llmRequest',
    auth: 'login',
    admin: 'user',
  };
  return kinds[collection] ?? 'task';
}

// Few words, so that names meet; with their cases, spaces and letters that fold in more than one way.
const word = fc.constantFrom(
  'Home',
  'HOME ',
  'home',
  'Work',
  'Straße',
  'STRASSE',
  'ΟΔΟΣ',
  'οδος',
  'οδοσ',
  'İstanbul',
  'i̇stanbul',
  'K',
  'k',
  '📌 pins',
);
const text = fc.oneof(
  word,
  fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }).filter((made) => made.trim() !== ''),
);
const note: fc.Arbitrary<Value> = orNull(fc.constantFrom('', 'a note', 'two\nlines', '"quoted" \\ and ☃'));
const color = orNull(fc.constantFrom('#1f6feb', '#FF8800', '#000000'));
const position = fc.constantFrom(0, -1, 1.5, 1e15, 0.1, 3);
const time = orNull(fc.constantFrom('2026-03-01T09:00:00.000Z', '2026-03-02T09:00:00.000Z', '2031-12-31T23:59:59.999Z'));
const object: fc.Arbitrary<Value> = fc.constantFrom(
  {},
  { place: 'Vienna' },
  { place: 'Graz', deep: { list: [1, null, 'two'] } },
  { b: 1, a: 2 },
  { a: 2, b: 1 },
);

const details: Fields = {
  description: note,
  priority: fc.constantFrom('none', 'low', 'medium', 'high', 'urgent'),
  start_at: time,
  due_at: time,
  remind_at: time,
  estimate_minutes: orNull(fc.constantFrom(0, 5, 90)),
  recurrence_rule: orNull(fc.constantFrom('FREQ=WEEKLY;BYDAY=MO', 'FREQ=DAILY')),
};
const source = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  pick('message').map((source_id): Readonly<Record<string, Value>> => ({ source_type: 'message', source_id })),
);
const list: Fields = { name: text, description: note, color, position, is_default: fc.boolean() };
const said: Fields = {
  content: text,
  content_type: fc.constantFrom('text/plain', 'text/markdown'),
  token_count: orNull(fc.constantFrom(0, 7, 4_000)),
  metadata: object,
};

const mailbox: fc.Arbitrary<Value> = fc.constantFrom('ada', 'ADA', 'bob', 'cleo', 'dora', 'nobody').map((name) => ({ mailbox: name }));
const password: fc.Arbitrary<Value> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ password: 'right' as const }) },
  fc.constant({ password: 'wrong' as const }),
);
const newPassword = fc.constantFrom('the first password', 'the second password');
const refreshToken: fc.Arbitrary<Value> = fc.record({
  refreshTokenOf: pick('login'),
  state: fc.oneof({ weight: 4, arbitrary: fc.constant('latest' as const) }, fc.constantFrom('used' as const, 'forged' as const)),
});
const profile: Fields = {
  display_name: text,
  timezone: fc.constantFrom('UTC', 'Europe/Vienna'),
  locale: fc.constantFrom('en', 'de-AT'),
  preferences: object,
};
const registering = (email: fc.Arbitrary<Value>) =>
  request('POST /auth/register', {
    needs: { email, password: newPassword, display_name: text },
    may: { timezone: profile.timezone ?? text, locale: profile.locale ?? text },
    key: false,
  });
const register = registering(mailbox);
const changeOfAddress = request('PATCH /users/me', { needs: { email: mailbox, current_password: password }, may: profile });

const newList = request('POST /task-lists', { needs: { name: text }, may: { ...list, id: id('list') } });
const newLabel = request('POST /task-labels', { needs: { name: word }, may: { color, id: id('label') } });
const newSession = request('POST /sessions', {
  may: { id: id('session'), title: orNull(text), channel: fc.constantFrom('web', 'cli', 'voice'), context: object },
});
const newTask = fc
  .tuple(
    request('POST /tasks', {
      needs: { title: text },
      may: {
        ...details,
        id: id('task'),
        list_id: orNull(pick('list')),
        parent_task_id: orNull(parent),
        position,
        label_ids: fc.array(pick('label'), { maxLength: 3 }),
      },
    }),
    source,
  )
  .map(([task, from]) => ({ ...task, body: { ...task.body, ...from } }));

const words = fc.constantFrom('', 'one', 'two words', 'Schöne  neue-Welt, 3 times!', "don't", '# A title\n\n- and a list\n');
const documentDetails: Fields = {
  content: words,
  content_type: fc.constantFrom('text/markdown', 'text/plain'),
  language: orNull(fc.constantFrom('de', 'en')),
  source_url: orNull(fc.constantFrom('https://example.org/', 'http://example.org/a?b#c')),
  status: fc.constantFrom('draft', 'active'),
};
const newDocument = request('POST /documents', {
  needs: { title: text },
  may: { ...documentDetails, id: id('document'), tag_ids: fc.array(pick('tag'), { maxLength: 3 }) },
});
const newTag = request('POST /document-tags', { needs: { name: word }, may: { color, id: id('tag') } });

// Few, so that the same come again, and answers before what they answer.
const messageId = fc.constantFrom('<1@t>', '<2@t>', '<3@t>', '<4@t>');
const marks: Fields = {
  folder: fc.constantFrom('inbox', 'sent', 'archive', 'trash'),
  is_read: fc.boolean(),
  is_starred: fc.boolean(),
  importance: fc.constantFrom('low', 'normal', 'high'),
  labels: fc.array(fc.constantFrom('Music', 'Fun', 'ΟΔΟΣ'), { maxLength: 3 }),
};
const newEmail = request('POST /emails', {
  needs: { direction: fc.constantFrom('inbound', 'outbound'), from_address: fc.constantFrom('ada@example.org', 'nobody', '') },
  may: {
    ...marks,
    id: id('email'),
    message_id_header: orNull(messageId),
    in_reply_to: orNull(messageId),
    references: fc.array(messageId, { maxLength: 2 }),
    to_addresses: fc.array(fc.constantFrom<Value>({ address: 'bob@example.com' }, { name: 'Cleo', address: 'cleo' }), { maxLength: 2 }),
    subject: note,
    body_text: note,
    sent_at: time,
    received_at: time,
    attachments: fc.array(
      fc.constantFrom<Value>({ content: 'aGk=' }, { content: '', filename: 'empty.txt' }, { content: 'aW1n', is_inline: true }),
      { maxLength: 2 },
    ),
  },
});
const recipients = fc.array(
  fc
    .record({ address: fc.constantFrom('ada@example.org', 'bob@example.org') })
    .chain(({ address }) =>
      fc.constantFrom<Readonly<Record<string, Value>>>({ address }, { name: 'Bob ', address }, { name: null, address }),
    ),
  { maxLength: 2 },
);
const letter: Fields = {
  to_addresses: recipients,
  cc_addresses: recipients,
  bcc_addresses: recipients,
  subject: orNull(fc.constantFrom('', 'Dinner', 'Ein schönes Essen')),
  body_text: note,
  body_html: orNull(fc.constantFrom('', '<p>At seven?</p>')),
};
const newDraft = request('POST /email-drafts', { needs: { to_addresses: recipients }, may: { ...letter, id: id('draft') } });
const ends = {
  user: 'user',
  session: 'session',
  message: 'message',
  event: 'event',
  email: 'email',
  draft: 'draft',
  document: 'document',
  task: 'task',
  task_list: 'list',
} as const;
const end = (name: 'source' | 'target'): fc.Arbitrary<Readonly<Record<string, Value>>> =>
  fc.oneof(...Object.entries(ends).map(([type, kind]) => pick(kind).map((id) => ({ [`${name}_type`]: type, [`${name}_id`]: id }))));
const measure: Fields = { strength: fc.constantFrom(0, 0.25, 1), metadata: object };
const newRelationship = fc
  .tuple(
    request('POST /relationships', { needs: { relation_type: fc.constantFrom('about', 'blocks') }, may: measure }),
    end('source'),
    end('target'),
  )
  .map(([relationship, source, target]) => ({ ...relationship, body: { ...relationship.body, ...source, ...target } }));

// Some of it secret; two that differ in nothing else are masked to the same.
const exchanged: fc.Arbitrary<Value> = fc.constantFrom(
  null,
  {},
  { prompt: 'Hello?', api_key: 'one secret' },
  { prompt: 'Hello?', api_key: 'another secret' },
  { url: 'https://example.org/?password=hunter2', headers: [{ Authorization: 'of mine', accept: '*/*' }] },
);
const mistake = fc.constantFrom('No answer', 'POST /?password=hunter2 was refused');
const newLlmRequest = request('POST /llm-requests', {
  needs: { provider: fc.constantFrom('openai', 'local'), model: fc.constantFrom('small', 'large') },
  may: {
    id: id('llmRequest'),
    session_id: orNull(pick('session')),
    message_id: orNull(pick('message')),
    purpose: orNull(word),
    request: exchanged,
    started_at: fc.constantFrom('2026-03-02T09:00:00.000Z', '2026-03-02T09:00:00.000Z', '2031-12-31T23:59:59.999Z'),
  },
});
const spent: Fields = {
  prompt_tokens: orNull(fc.constantFrom(0, 31)),
  completion_tokens: orNull(fc.constantFrom(0, 212)),
  cost_usd: orNull(fc.constantFrom(0, 0.000432, 12.5)),
  latency_ms: orNull(fc.constantFrom(0, 1_840)),
  response: exchanged,
  completed_at: fc.constantFrom('2026-03-01T09:00:00.000Z', '2026-03-03T09:00:00.000Z', '2032-01-01T00:00:00.000Z'),
};
// Few services and months, so that calls share streams, and keys meet calls of another month.
const newIntegrationLog = request('POST /integration-logs', {
  needs: {
    integration: fc.constantFrom('smtp', 'google-calendar'),
    operation: fc.constantFrom('events.list', 'send'),
    status: fc.constantFrom('succeeded', 'failed', 'retried', 'skipped'),
    occurred_at: fc.constantFrom('2026-02-28T23:59:59.999Z', '2026-03-01T00:00:00.000Z', '2026-03-02T09:00:00.000Z'),
  },
  may: {
    direction: fc.constantFrom('inbound', 'outbound'),
    http_status: orNull(fc.constantFrom(200, 429)),
    request: exchanged,
    response: exchanged,
    error: orNull(mistake),
    duration_ms: orNull(fc.constantFrom(0, 210)),
    correlation_id: orNull(fc.constantFrom('a', 'b')),
  },
});

/** Logins end in many ways, and none that has ended can be ended. */
const past: fc.Arbitrary<Pick> = fc.record({
  pick: fc.constant('login' as const),
  of: fc.constantFrom('own' as const, 'past' as const),
  rank,
});

// Few times, so that exceptions meet occurrences; in zones without summer time.
const hour = fc.constantFrom(
  '2026-03-02T00:00:00.000Z',
  '2026-03-02T09:00:00.000Z',
  '2026-03-03T09:00:00.000Z',
  '2026-03-09T00:00:00.000Z',
  '2026-03-09T09:00:00.000Z',
  '2026-03-16T09:00:00.000Z',
);
const occurrence: Fields = {
  title: text,
  description: note,
  location: note,
  status: fc.constantFrom('confirmed', 'tentative'),
  visibility: fc.constantFrom('public', 'private'),
  transparency: fc.constantFrom('opaque', 'transparent'),
  conference_url: orNull(fc.constantFrom('https://meet.example/1', 'tel:+431')),
  reminder_minutes: fc.constantFrom([], [60, 10, 60], [0]),
};
const event: Fields = {
  ...occurrence,
  all_day: fc.constantFrom(false, false, true),
  timezone: fc.constantFrom('UTC', 'Atlantic/Reykjavik'),
  recurrence_rule: fc.constantFrom('FREQ=DAILY', 'FREQ=DAILY', 'FREQ=WEEKLY', null),
  recurrence_exceptions: fc.array(
    fc.record({ recurrence_id: hour, changes: orNull(body({}, { title: text, starts_at: hour, ends_at: hour })) }),
    { maxLength: 2 },
  ),
  organizer_email: orNull(fc.constantFrom('Ada@example.org')),
};
const newEvent = request('POST /calendar/events', {
  needs: { title: text, starts_at: fc.constant('2026-03-02T09:00:00.000Z'), ends_at: hour, timezone: fc.constant('UTC') },
  may: { ...event, id: id('event'), ical_uid: fc.constant('a-uid') },
});
const newSeries = newEvent.map((made) => ({
  ...made,
  body: { ...made.body, recurrence_rule: 'FREQ=DAILY', all_day: false, ends_at: '2026-03-02T09:00:00.000Z' },
}));

const kinds: readonly (readonly [weight: number, fc.Arbitrary<Step>])[] = [
  [10, newTask],
  [5, request('PATCH /tasks/:id', { may: { title: text, ...details } })],
  [7, request('POST /tasks/:id/move', { may: { list_id: orNull(pick('list')), parent_task_id: orNull(parent), position } })],
  [2, request('POST /tasks/:id/start')],
  [2, request('POST /tasks/:id/block')],
  [4, request('POST /tasks/:id/complete')],
  [3, request('POST /tasks/:id/reopen')],
  [2, request('POST /tasks/:id/cancel')],
  [1, request('DELETE /tasks/:id')],
  [5, request('PUT /tasks/:id/labels/:label_id')],
  [3, request('DELETE /tasks/:id/labels/:label_id')],
  [4, newList],
  [3, request('PATCH /task-lists/:id', { may: list })],
  [2, request('POST /task-lists/:id/archive')],
  [2, request('POST /task-lists/:id/restore')],
  [1, request('DELETE /task-lists/:id')],
  [5, newLabel],
  [4, request('PATCH /task-labels/:id', { may: { name: word, color } })],
  [1, request('DELETE /task-labels/:id')],
  [4, newSession],
  [3, request('PATCH /sessions/:id', { may: { title: orNull(text), context: object } })],
  [1, request('POST /sessions/:id/archive')],
  [3, request('POST /sessions/:id/resume')],
  [1, request('POST /sessions/:id/end')],
  [0.4, request('DELETE /sessions/:id')],
  [
    9,
    request('POST /sessions/:id/messages', {
      needs: { role: fc.constantFrom('user', 'assistant', 'system', 'tool'), content: text },
      may: { ...said, id: id('message'), parent_message_id: orNull(pick('message')) },
    }),
  ],
  [4, request('PATCH /messages/:id', { may: said })],
  [2, request('DELETE /messages/:id')],
  [4, newDraft],
  [4, request('PATCH /email-drafts/:id', { may: letter })],
  [
    3,
    request('POST /email-drafts/:id/schedule', {
      needs: { send_at: fc.constantFrom('2026-03-01T09:00:00.000Z', '2031-12-31T23:59:59.999Z') },
    }),
  ],
  [3, request('POST /email-drafts/:id/unschedule')],
  [2, request('POST /email-drafts/:id/send', { may: { again: fc.boolean() } })],
  [1, request('DELETE /email-drafts/:id')],
  [6, newDocument],
  [8, request('PATCH /documents/:id', { may: { title: text, ...documentDetails } })],
  [2, request('POST /documents/:id/archive')],
  [3, request('POST /documents/:id/restore')],
  [1, request('DELETE /documents/:id')],
  [4, request('PUT /documents/:id/tags/:tag_id')],
  [3, request('DELETE /documents/:id/tags/:tag_id')],
  [4, newTag],
  [3, request('PATCH /document-tags/:id', { may: { name: word, color } })],
  [1, request('DELETE /document-tags/:id')],
  [3, newEvent],
  [3, newSeries],
  [5, request('PATCH /calendar/events/:id', { may: { ...event, starts_at: hour, ends_at: hour } })],
  [2, request('PATCH /calendar/events/:id', { may: { starts_at: hour, recurrence_rule: event.recurrence_rule ?? text } })],
  [8, request('PATCH /calendar/events/:id', { needs: { recurrence_id: hour }, may: { ...occurrence, starts_at: hour, ends_at: hour } })],
  [1, request('PATCH /calendar/events/:id', { needs: { recurrence_id: hour }, may: event })],
  [4, request('POST /calendar/events/:id/cancel', { needs: { recurrence_id: hour } })],
  [1, request('POST /calendar/events/:id/cancel')],
  [1, request('DELETE /calendar/events/:id')],
  [8, newEmail],
  [5, request('PATCH /emails/:id', { may: marks })],
  [2, request('DELETE /emails/:id')],
  [8, newRelationship],
  [3, request('PATCH /relationships/:id', { may: measure })],
  [2, request('DELETE /relationships/:id')],
  [6, newLlmRequest],
  [4, request('POST /llm-requests/:id/succeed', { may: spent })],
  [3, request('POST /llm-requests/:id/fail', { needs: { error: mistake }, may: spent })],
  [3, request('POST /llm-requests/:id/cancel', { may: spent })],
  [6, newIntegrationLog],
  [0.5, register],
  [
    2,
    request('POST /auth/login', { needs: { email: mailbox, password }, may: { actor: fc.constantFrom('user', 'assistant') }, key: false }),
  ],
  [2, request('POST /auth/refresh', { needs: { refresh_token: refreshToken }, key: false })],
  [0.3, request('POST /auth/logout')],
  [2, request('DELETE /auth/logins/:id').chain((said) => past.map((id) => ({ ...said, ids: { id } })))],
  [1, request('POST /auth/password', { needs: { current_password: password, new_password: newPassword } })],
  [3, request('PATCH /users/me', { may: profile })],
  [1, changeOfAddress],
  [0.2, request('DELETE /users/me', { needs: { current_password: password } })],
  [0.5, request('POST /admin/users/:id/suspend')],
  [2, request('POST /admin/users/:id/reinstate')],
  [14, fc.record({ again: rank, by: fc.option(who, { nil: undefined, freq: 9 }) })],
];

/** Those who are there at the start, and something of theirs to begin with. */
export const beginnings: fc.Arbitrary<Step[]> = fc.tuple(
  ...['admin', 'ada', 'bob'].map((name) => registering(fc.constant({ mailbox: name }))),
  ...[
    newTask,
    newList,
    newLabel,
    newSession,
    newTask,
    newTask,
    newList,
    newLabel,
    newSession,
    newTask,
    newTag,
    newDraft,
    newDocument,
    newDocument,
    newSeries,
  ],
);

export const steps = (maxLength: number): fc.Arbitrary<Step[]> =>
  fc.array(fc.oneof(...kinds.map(([weight, arbitrary]) => ({ weight: weight * 10, arbitrary }))), { minLength: 1, maxLength, size: 'max' });

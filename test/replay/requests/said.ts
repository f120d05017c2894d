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
  | 'invitation'
  | 'email'
  | 'draft'
  | 'relationship'
  | 'llmRequest';

/** `own`: one of the caller's that is there. `deepest`: that of the caller's tasks with the most above it. `past`: one of theirs, be it gone or not. `any`: of anybody's. `nobody`: never was. */
export type Pick = { readonly pick: Kind; readonly of: 'own' | 'deepest' | 'past' | 'any' | 'nobody'; readonly rank: number };
/** An address of this run's own, or a file with such; the password that is right for the caller, or for an address; a refresh token of a login. */
export type Secret =
  | { readonly mailbox: string }
  | { readonly password: 'right' | 'wrong' }
  | { readonly refreshTokenOf: Pick; readonly state: 'latest' | 'used' | 'forged' }
  | { readonly calendar: readonly FileEvent[] };
/** An event of an iCalendar file. `uid`: a word, or one of the caller's own events. */
export type FileEvent = {
  readonly uid: string | Pick;
  readonly title: string;
  readonly starts_at: string;
  readonly ends_at: string;
  readonly isDaily: boolean;
  readonly without: string | null;
  readonly status: string;
  readonly attendees: readonly { readonly mailbox: string; readonly answer: string }[];
};
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
type Again = { readonly again: number; readonly by?: Pick | undefined };
export type Step = Said | Again;
/** How often, beside the others. */
export type Weighted = readonly [weight: number, fc.Arbitrary<Step>];

export type Fields = Readonly<Record<string, fc.Arbitrary<Value>>>;
type Options = { readonly needs?: Fields; readonly may?: Fields; readonly key?: false };

export const rank = fc.nat(200);
export const pick = (kind: Kind): fc.Arbitrary<Pick> =>
  fc.record({
    pick: fc.constant(kind),
    of: fc.oneof(
      { weight: 24, arbitrary: fc.constant('own' as const) },
      { weight: 2, arbitrary: fc.constant('any' as const) },
      fc.constant('nobody' as const),
    ),
    rank,
  });
export const parent: fc.Arbitrary<Pick> = fc.oneof(
  pick('task'),
  fc.record({ pick: fc.constant('task' as const), of: fc.constant('deepest' as const), rank: fc.constant(0) }),
);
export const who: fc.Arbitrary<Pick> = fc.record({
  pick: fc.constant('login' as const),
  of: fc.oneof({ weight: 30, arbitrary: fc.constant('own' as const) }, fc.constant('any' as const)),
  // Most is done by two people: where everybody has little, little happens.
  rank: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(0, 1) }, rank),
});
export const orNull = (value: fc.Arbitrary<Value>) => fc.option(value, { nil: null, freq: 2 });

/** A create names its entity itself now and then, at times by an id that is in use. */
export const id = (kind: Kind) =>
  fc.record({
    pick: fc.constant(kind),
    of: fc.oneof(
      { weight: 3, arbitrary: fc.constant('nobody' as const) },
      fc.constant(kind === 'label' || kind === 'tag' ? ('past' as const) : ('any' as const)),
    ),
    rank,
  });

export function request(route: string, { needs = {}, may = {}, key }: Options = {}): fc.Arbitrary<Said> {
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

const takesIfMatch = /^(PUT|PATCH|DELETE|POST \/(tasks|llm-requests|calendar\/events)\/:id)(?!.*logins)/;
const ifMatch = fc.oneof(
  { weight: 6, arbitrary: fc.constant(undefined) },
  fc.constantFrom('current' as const, 'stale' as const, '*' as const),
);

/** All of `needs` and some of `may`; at least one field. */
export function body(needs: Fields, may: Fields): fc.Arbitrary<Readonly<Record<string, Value>>> {
  const optional = fc.subarray(Object.keys(may), { minLength: Object.keys(needs).length === 0 ? 1 : 0 });
  return fc.tuple(fc.record(needs), fc.record(may), optional).map(([needed, possible, chosen]) => ({
    ...needed,
    ...Object.fromEntries(Object.entries(possible).filter(([name]) => chosen.includes(name))),
  }));
}

function kindOf(route: string, name: string): Kind {
  if (name === 'label_id') return 'label';
  if (name === 'tag_id') return 'tag';
  if (name === 'invitation_id') return 'invitation';
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
export const word = fc.constantFrom(
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
export const text = fc.oneof(
  word,
  fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }).filter((made) => made.trim() !== ''),
);
export const note: fc.Arbitrary<Value> = orNull(fc.constantFrom('', 'a note', 'two\nlines', '"quoted" \\ and ☃'));
export const color = orNull(fc.constantFrom('#1f6feb', '#FF8800', '#000000'));
export const position = fc.constantFrom(0, -1, 1.5, 1e15, 0.1, 3);
export const time = orNull(fc.constantFrom('2026-03-01T09:00:00.000Z', '2026-03-02T09:00:00.000Z', '2031-12-31T23:59:59.999Z'));
export const object: fc.Arbitrary<Value> = fc.constantFrom(
  {},
  { place: 'Vienna' },
  { place: 'Graz', deep: { list: [1, null, 'two'] } },
  { b: 1, a: 2 },
  { a: 2, b: 1 },
);

// Some of it secret; two that differ in nothing else are masked to the same.
export const exchanged: fc.Arbitrary<Value> = fc.constantFrom(
  null,
  {},
  { prompt: 'Hello?', api_key: 'one secret' },
  { prompt: 'Hello?', api_key: 'another secret' },
  { url: 'https://example.org/?password=hunter2', headers: [{ Authorization: 'of mine', accept: '*/*' }] },
);
export const mistake = fc.constantFrom('No answer', 'POST /?password=hunter2 was refused');

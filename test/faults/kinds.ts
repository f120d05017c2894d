// What the writers write about, beside sessions and their messages: for each kind of thing how it is made, changed and
// deleted, and what it then has to be.
import type { Fields } from './notes.ts';

export type Change = {
  readonly method: 'PATCH' | 'POST';
  /** After the thing's own path. */
  readonly action?: string;
  readonly body?: Fields;
  /** What is otherwise after it. */
  readonly set: Fields;
};

export type Kind = {
  readonly collection: string;
  /** Where they are listed; without one each has to be asked for by its path. */
  readonly list?: string;
  /** `text` is in nothing else. */
  readonly made: (text: string) => { readonly body: Fields; readonly fields: Fields };
  /** Always something else than it is `now`, and one event. Undefined: there is no way on from here. */
  readonly changed: (now: Fields, text: string, random: () => number) => Change | undefined;
  readonly isDeleted: boolean;
  /** It is in a stream with others, so nobody can foretell its version. */
  readonly isShared?: true;
};

const titled = (title: string): Change => ({ method: 'PATCH', body: { title }, set: { title } });
const renamed = (name: string): Change => ({ method: 'PATCH', body: { name }, set: { name } });
const toggled = (now: Fields, there: readonly [action: string, status: string], back: readonly [action: string, status: string]) => {
  const [action, status] = now.status === there[1] ? back : there;
  return { method: 'POST', action, set: { status } } as const;
};

const named: Pick<Kind, 'made' | 'changed' | 'isDeleted' | 'isShared'> = {
  made: (name) => ({ body: { name }, fields: { name, color: null } }),
  changed: (_, name, random) =>
    random() < 0.5 ? renamed(name) : { method: 'PATCH', body: { name, color: '#1f6feb' }, set: { name, color: '#1f6feb' } },
  isDeleted: true,
  isShared: true,
};

export const kinds: readonly Kind[] = [
  {
    collection: '/tasks',
    list: '/tasks',
    made: (title) => ({ body: { title }, fields: { title, status: 'todo', label_ids: [] } }),
    changed: (now, text, random) => (random() < 0.5 ? titled(text) : toggled(now, ['complete', 'done'], ['reopen', 'todo'])),
    isDeleted: true,
  },
  {
    collection: '/documents',
    list: '/documents',
    made: (title) => ({
      body: { title, content: 'One' },
      fields: { title, status: 'active', revision_number: 1, word_count: 1, tag_ids: [] },
    }),
    changed: (now, text, random) => {
      if (now.status === 'archived' || random() < 0.3) return toggled(now, ['archive', 'archived'], ['restore', 'active']);
      if (random() < 0.5) return titled(text);
      const revision_number = Number(now.revision_number) + 1;
      return { method: 'PATCH', body: { content: `Revision ${revision_number}` }, set: { revision_number, word_count: 2 } };
    },
    isDeleted: true,
  },
  {
    collection: '/emails',
    list: '/emails',
    made: (subject) => ({
      body: { direction: 'inbound', from_address: 'ada@example.org', subject, body_text: subject },
      fields: { subject, folder: 'inbox', is_read: false, is_starred: false },
    }),
    changed: (now, _, random) => {
      const set = random() < 0.5 ? { is_read: !now.is_read } : { is_starred: !now.is_starred };
      return { method: 'PATCH', body: set, set };
    },
    isDeleted: true,
  },
  {
    collection: '/email-drafts',
    list: '/email-drafts',
    made: (subject) => ({ body: { subject }, fields: { subject, status: 'draft' } }),
    changed: (_, subject) => ({ method: 'PATCH', body: { subject }, set: { subject } }),
    isDeleted: false,
  },
  {
    collection: '/calendar/events',
    made: (title) => ({
      body: { title, starts_at: '2026-11-24T19:00:00+01:00', ends_at: '2026-11-24T21:00:00+01:00', timezone: 'Europe/Vienna' },
      fields: { title, status: 'confirmed' },
    }),
    changed: (now, text, random) => {
      if (now.status === 'cancelled') return undefined;
      return random() < 0.8 ? titled(text) : { method: 'POST', action: 'cancel', set: { status: 'cancelled' } };
    },
    isDeleted: true,
  },
  {
    collection: '/llm-requests',
    list: '/llm-requests',
    made: (purpose) => ({
      body: { provider: 'openai', model: 'a-model', purpose },
      fields: { purpose, status: 'pending' },
    }),
    changed: (now) => (now.status === 'pending' ? { method: 'POST', action: 'cancel', body: {}, set: { status: 'cancelled' } } : undefined),
    isDeleted: false,
  },
  {
    collection: '/task-lists',
    list: '/task-lists',
    made: (name) => ({ body: { name, position: 1 }, fields: { name, description: null, position: 1 } }),
    changed: (_, text, random) =>
      random() < 0.5 ? renamed(text) : { method: 'PATCH', body: { description: text }, set: { description: text } },
    isDeleted: true,
  },
  { collection: '/task-labels', list: '/task-labels', ...named },
  { collection: '/document-tags', list: '/document-tags', ...named },
  {
    collection: '/integration-logs',
    list: '/integration-logs',
    made: (operation) => ({
      body: { integration: 'weather', operation, status: 'succeeded', occurred_at: '2026-11-24T19:00:00Z' },
      fields: { operation, status: 'succeeded' },
    }),
    changed: () => undefined,
    isDeleted: false,
    isShared: true,
  },
];

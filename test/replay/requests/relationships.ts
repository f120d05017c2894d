// Requests about relationships.
import fc from 'fast-check';
import { type Fields, type Kind, object, type Pick, pick, request, type Said, type Value, type Weighted } from './said.ts';

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

/** What goes with an email, and what does not come back with it: one that is deleted can be recorded again. */
const first: Pick = { pick: 'login', of: 'own', rank: 0 };
const its = (kind: Kind): Pick => ({ pick: kind, of: 'own', rank: 0 });
const record: Said = {
  ...{ who: first, route: 'POST /emails', ids: {}, prefersMinimal: true },
  body: { direction: 'inbound', message_id_header: '<0@t>', from_address: 'ada@example.org' },
};
const mention: Said = {
  ...{ who: first, route: 'POST /relationships', ids: {}, prefersMinimal: false },
  body: { source_type: 'document', source_id: its('document'), target_type: 'email', target_id: its('email'), relation_type: 'about' },
};
const letGo: Said = { who: first, route: 'DELETE /emails/:id', ids: { id: its('email') }, prefersMinimal: false };
const document: Said = { who: first, route: 'POST /documents', ids: {}, body: { title: 'Notes', content: '' }, prefersMinimal: true };
export const mentionedAgain: readonly fc.Arbitrary<Said>[] = [document, record, mention, letGo, record, mention].map((said) =>
  fc.constant(said),
);

export const relationshipKinds: readonly Weighted[] = [
  [8, newRelationship],
  [3, request('PATCH /relationships/:id', { may: measure })],
  [2, request('DELETE /relationships/:id')],
];

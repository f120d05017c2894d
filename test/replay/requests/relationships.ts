// Requests about relationships.
import fc from 'fast-check';
import { type Fields, object, pick, request, type Value, type Weighted } from './said.ts';

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

export const relationshipKinds: readonly Weighted[] = [
  [8, newRelationship],
  [3, request('PATCH /relationships/:id', { may: measure })],
  [2, request('DELETE /relationships/:id')],
];

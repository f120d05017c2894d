import { expect, test } from 'vitest';
import { relationshipChanged, relationshipEstablished, relationshipRemoved } from '../../src/events/relationships.ts';
import { relationshipSentences, relationships } from '../../src/projections/relationships.ts';
import { relationshipRows } from '../../src/tables/relationships.ts';
import { AT, OWNER, recorded } from '../support/recorded.ts';

const ID = '0192f0c1-0000-5000-8000-000000000001';
const stream = `relationship-${ID}`;
const ends = {
  source_type: 'task',
  source_id: '0192f0c1-0000-7000-8000-000000000002',
  target_type: 'task_list',
  target_id: '0192f0c1-0000-7000-8000-000000000003',
  relation_type: 'belongs_to',
} as const;
const said = { ...ends, strength: 0.5, metadata: { a: 1 }, author: 'assistant' } as const;

test('a relationship that is established is a row, also when it was there before', () => {
  expect(relationships.project(recorded(stream, relationshipEstablished(said), 4))).toEqual([
    { kind: 'insert', table: relationshipRows, row: { id: ID, user_id: OWNER, ...said, created_at: AT, updated_at: AT, version: 4 } },
  ]);
});

test('a relationship that changes has what was said anew', () => {
  expect(relationships.project(recorded(stream, relationshipChanged({ strength: 0.25 }), 1))).toEqual([
    { kind: 'update', table: relationshipRows, id: ID, set: { strength: 0.25, updated_at: AT, version: 1 }, add: {}, isOwn: true },
  ]);
});

test('a relationship that is removed is no row', () => {
  expect(relationships.project(recorded(stream, relationshipRemoved({}), 1))).toEqual([
    { kind: 'remove', table: relationshipRows, where: { id: ID }, except: {} },
  ]);
});

test.each([
  [
    relationshipEstablished(said),
    'Established the relationship “task belongs to task list”',
    { ...ends, strength: 0.5, author: 'assistant' },
  ],
  [relationshipChanged({ strength: 0.25, metadata: {} }), 'Changed the relationship “task belongs to task list”', { strength: 0.25 }],
  [relationshipRemoved({}), 'Removed the relationship “task belongs to task list”', {}],
])('$0.type is told: $1', (event, summary, details) => {
  expect(relationshipSentences.tell(recorded(stream, event, 1, { title: 'task belongs to task list' }))).toEqual({
    summary,
    details,
    entity_type: 'relationship',
    entity_id: ID,
  });
});

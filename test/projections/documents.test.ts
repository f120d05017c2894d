import { describe, expect, test } from 'vitest';
import {
  documentArchived,
  documentContentChanged,
  documentCreated,
  documentDeleted,
  documentRenamed,
  documentRestored,
  documentTagChanged,
  documentTagCreated,
  documentTagDeleted,
  documentTagged,
  documentUntagged,
} from '../../src/events/documents.ts';
import { documentSentences, documents, documentTagSentences } from '../../src/projections/documents.ts';
import { documentRows, documentTagAssignmentRows, documentTagRows } from '../../src/tables/documents.ts';
import { AT, OWNER, recorded } from '../support/recorded.ts';

const ID = '0192f0c1-0000-7000-8000-000000000001';
const TAG = '0192f0c1-0000-7000-8000-000000000002';
const stamps = { user_id: OWNER, created_at: AT, updated_at: AT, version: 0 };
const changes = (category: string, event: Parameters<typeof recorded>[1], revision = 0) =>
  documents.project(recorded(`${category}-${ID}`, event, revision));
const updated = (table: typeof documentRows | typeof documentTagRows, id: string, set: Record<string, unknown>) => ({
  kind: 'update',
  table,
  id,
  set: { ...set, updated_at: AT, version: 3 },
  add: {},
  isOwn: true,
});

describe('a document', () => {
  const content = { content: 'To rest', content_type: 'text/markdown', size_bytes: 7, sha256: 'a'.repeat(64), word_count: 2 };
  const plan = { title: 'Plan', language: null, source_url: null, status: 'active', ...content } as const;
  const created = documentCreated({ ...plan, unread_because: null });
  const unread = { content: null, content_type: 'application/pdf', size_bytes: 7, sha256: 'b'.repeat(64), word_count: 0 };

  test('that is created is a row, without why a text is missing', () => {
    const inserted = { kind: 'insert', table: documentRows, row: { id: ID, ...plan, revision_number: 1, ...stamps } };
    expect(changes('document', created)).toEqual([inserted]);
  });
  test.each([
    [documentRenamed({ title: 'Better plan' }), { title: 'Better plan' }],
    [documentContentChanged({ ...unread, unread_because: 'damaged', revision_number: 2 }), { ...unread, revision_number: 2 }],
    [documentContentChanged({ language: 'en' }), { language: 'en' }],
    [documentArchived({}), { status: 'archived' }],
    [documentRestored({ status: 'draft' }), { status: 'draft' }],
  ])('changes with $0.type', (event, set) => {
    expect(changes('document', event, 3)).toEqual([updated(documentRows, ID, set)]);
  });
  test('that is deleted is no row', () => {
    expect(changes('document', documentDeleted({}))).toEqual([{ kind: 'remove', table: documentRows, where: { id: ID }, except: {} }]);
  });
  test('that gets a tag is joined to it, and is itself at a new version', () => {
    expect(changes('document', documentTagged({ tag_id: TAG }), 3)).toEqual([
      updated(documentRows, ID, {}),
      { kind: 'insert', table: documentTagAssignmentRows, row: { document_id: ID, tag_id: TAG, user_id: OWNER, created_at: AT } },
    ]);
    expect(changes('document', documentUntagged({ tag_id: TAG }), 3)).toEqual([
      updated(documentRows, ID, {}),
      { kind: 'remove', table: documentTagAssignmentRows, where: { document_id: ID, tag_id: TAG }, except: {} },
    ]);
  });

  const facts = { content_type: 'text/markdown', size_bytes: 7, word_count: 2 };
  const unreadFacts = { content_type: 'application/pdf', size_bytes: 7, word_count: 0 };
  test.each([
    [created, 'Created the document “Plan”', facts],
    [
      documentCreated({ ...plan, ...unread, unread_because: 'damaged' }),
      'Created the document “Plan”, whose text could not be read',
      { ...unreadFacts, unread_because: 'damaged' },
    ],
    [
      documentCreated({ ...plan, ...unread, unread_because: 'no_text' }),
      'Created the document “Plan”',
      { ...unreadFacts, unread_because: 'no_text' },
    ],
    [documentRenamed({ title: 'Plan' }), 'Renamed a document to “Plan”', {}],
    [
      documentContentChanged({ ...content, unread_because: null, revision_number: 2 }),
      'Rewrote the document “Plan”',
      { ...facts, revision_number: 2 },
    ],
    [
      documentContentChanged({ ...unread, unread_because: 'too_much', revision_number: 2 }),
      'Rewrote the document “Plan”, whose text would take too much to read',
      { ...unreadFacts, revision_number: 2, unread_because: 'too_much' },
    ],
    [documentContentChanged({ language: 'en' }), 'Changed the document “Plan”', { language: 'en' }],
    [documentArchived({}), 'Archived the document “Plan”', {}],
    [documentRestored({ status: 'active' }), 'Restored the document “Plan”', {}],
    [documentDeleted({}), 'Deleted the document “Plan”', {}],
    [documentTagged({ tag_id: TAG }), 'Tagged the document “Plan”', { tag_id: TAG }],
    [documentUntagged({ tag_id: TAG }), 'Took a tag off the document “Plan”', { tag_id: TAG }],
  ])('is told of with $0.type: $1', (event, summary, details) => {
    const told = documentSentences.tell(recorded(`document-${ID}`, event, 1, { title: 'Plan' }));
    expect(told).toEqual({ summary, details, entity_type: 'document', entity_id: ID });
  });
});

describe('a document tag', () => {
  test('that is created is a row', () => {
    expect(changes('documentTags', documentTagCreated({ tag_id: TAG, name: 'Travel', color: null }))).toEqual([
      { kind: 'insert', table: documentTagRows, row: { id: TAG, name: 'Travel', color: null, ...stamps } },
    ]);
  });
  test('that changes is at the version of the stream it shares', () => {
    expect(changes('documentTags', documentTagChanged({ tag_id: TAG, name: 'Trips' }), 3)).toEqual([
      updated(documentTagRows, TAG, { name: 'Trips' }),
    ]);
  });
  test('that is deleted is no row', () => {
    expect(changes('documentTags', documentTagDeleted({ tag_id: TAG }))).toEqual([
      { kind: 'remove', table: documentTagRows, where: { id: TAG }, except: {} },
    ]);
  });
  test.each([
    [documentTagCreated({ tag_id: TAG, name: 'Travel', color: null }), 'Created the tag “Travel”', {}],
    [documentTagChanged({ tag_id: TAG, color: '#ff0000' }), 'Changed the tag “Travel”', { color: '#ff0000' }],
    [documentTagDeleted({ tag_id: TAG }), 'Deleted the tag “Travel”', {}],
  ])('is told of with $0.type: $1', (event, summary, details) => {
    const told = documentTagSentences.tell(recorded(`documentTags-${OWNER}`, event, 1, { title: 'Travel' }));
    expect(told).toEqual({ summary, details, entity_type: 'document_tag', entity_id: TAG });
  });
});

import { createHash } from 'node:crypto';
import { describe, test } from 'vitest';
import {
  archiveDocument,
  changeDocument,
  createDocument,
  deleteDocument,
  document,
  restoreDocument,
  tagDocument,
  untagDocument,
} from '../../src/commands/documents/document.ts';
import { changeDocumentTag, createDocumentTag, deleteDocumentTag, documentTags } from '../../src/commands/documents/tag.ts';
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
import type { NewEvent } from '../../src/events/event.ts';
import { given, givenNothing, ID, ME, NOBODYS_ID, OTHER_ID, STRANGER, THIRD_ID } from '../support/given.ts';

/** What is known of a text that is short. */
const contentOf = (content: string, word_count: number) => ({
  content,
  size_bytes: Buffer.byteLength(content),
  sha256: createHash('sha256').update(content).digest('hex'),
  word_count,
  unread_because: null,
});
const markdown = 'text/markdown';
const details = { language: null, source_url: null, status: 'active' } as const;
const plan = { title: 'Plan', ...details, content_type: markdown, ...contentOf('# Plan\n\nTo rest.', 3) };
const created = documentCreated(plan);
const scan = documentCreated({ ...plan, content: null, content_type: 'image/png', word_count: 0, unread_because: 'no_text' });
const travel = documentTagCreated({ tag_id: THIRD_ID, name: 'Travel', color: null });
const tagged = documentTagged({ tag_id: THIRD_ID });

const givenDocument = (...events: NewEvent[]) => given(document, [created, ...events]);
const givenTags = (...events: NewEvent[]) => given(documentTags, [travel, ...events], ME);

describe('writing a document', () => {
  test('takes a title and a text, which is Markdown unless said otherwise', () =>
    givenNothing().when(createDocument, { title: ' Plan ', content: plan.content }).thenAppends([created]));
  test('may begin with nothing', () =>
    givenNothing()
      .when(createDocument, {
        title: 'Plan',
        content_type: 'text/plain',
        status: 'draft',
        language: 'DE-at',
        source_url: 'https://example.org/',
      })
      .thenAppends([
        documentCreated({
          ...{ title: 'Plan', language: 'de-AT', source_url: 'https://example.org/', status: 'draft', content_type: 'text/plain' },
          ...contentOf('', 0),
        }),
      ]));
  test('puts tags on it, each once', () =>
    givenTags()
      .when(createDocument, { title: 'Plan', content: plan.content, tag_ids: [THIRD_ID, THIRD_ID] })
      .thenAppends([created, tagged]));
  test('keeps the beginning of a long text in the event, and says how much there is', () => {
    const content = 'word '.repeat(100_000);
    return givenNothing()
      .when(createDocument, { title: 'Plan', content })
      .thenAppends([documentCreated({ ...plan, ...contentOf(content, 100_000), content: content.slice(0, 256 * 1024 - 2) })]);
  });
  test.each([
    ['never was', givenTags(), NOBODYS_ID],
    ['is deleted', givenTags(documentTagDeleted({ tag_id: THIRD_ID })), THIRD_ID],
    ['is someone else’s', given(documentTags, [travel], STRANGER, STRANGER), THIRD_ID],
  ])('is refused with a tag that %s', (_, before, tag) =>
    before.when(createDocument, { title: 'Plan', tag_ids: [tag] }).thenRefuses(422, 'reference-not-found', '/tag_ids/0'),
  );
  test.each([
    [{ content: 'text without a title' }, '/title'],
    [{ title: 'Plan', content_type: 'text/html' }, '/content_type'],
    [{ title: 'Plan', status: 'archived' }, '/status'],
    [{ title: 'Plan', source_url: 'javascript:alert(1)' }, '/source_url'],
    [{ title: 'Plan', language: 'not a language' }, '/language'],
  ])('is refused as %j', (body, pointer) => givenNothing().when(createDocument, body).thenRefuses(400, 'validation-failed', pointer));
});

describe('changing a document', () => {
  test('appends what differs: its name, and what it holds', () =>
    givenDocument()
      .when(changeDocument, { title: 'Better plan', content: 'To swim.', language: null })
      .thenAppends([
        documentRenamed({ title: 'Better plan' }),
        documentContentChanged({ content_type: markdown, ...contentOf('To swim.', 2), revision_number: 2 }),
      ]));
  test('to what it is appends nothing', () =>
    givenDocument()
      .when(changeDocument, { title: 'Plan', content: plan.content, content_type: markdown, status: 'active' })
      .thenAppends([]));
  test('counts the contents there were', () =>
    givenDocument(documentContentChanged({ content_type: markdown, ...contentOf('To swim.', 2), revision_number: 2 }))
      .when(changeDocument, { content: plan.content })
      .thenAppends([documentContentChanged({ content_type: markdown, ...contentOf(plan.content, 3), revision_number: 3 })]));
  test('in what is said of it makes no revision', () =>
    givenDocument()
      .when(changeDocument, { language: 'en', status: 'draft' })
      .thenAppends([documentContentChanged({ language: 'en', status: 'draft' })]));
  test('to a text of another type is a revision', () =>
    givenDocument()
      .when(changeDocument, { content_type: 'text/plain' })
      .thenAppends([documentContentChanged({ content_type: 'text/plain', revision_number: 2 })]));
  test('from a file to a text is a revision', () =>
    given(document, [scan])
      .when(changeDocument, { content: 'To swim.' })
      .thenAppends([documentContentChanged({ content_type: markdown, ...contentOf('To swim.', 2), revision_number: 2 })]));
  test('is refused where a file is to be called a text', () =>
    given(document, [scan]).when(changeDocument, { content_type: 'text/plain' }).thenRefuses(422, 'not-a-text', '/content_type'));
  test('is refused while it is archived, unless it is so already', async () => {
    await givenDocument(documentArchived({})).when(changeDocument, { title: 'Better plan' }).thenRefuses(409, 'document-archived');
    await givenDocument(documentArchived({})).when(changeDocument, { title: 'Plan', status: 'active' }).thenAppends([]);
  });
  test('is refused with nothing to change', () => givenDocument().when(changeDocument, {}).thenRefuses(400, 'validation-failed', ''));
});

describe('a document', () => {
  const draft = documentContentChanged({ status: 'draft' });
  test.each([
    ['is archived', [], archiveDocument, [documentArchived({})]],
    ['is archived once', [documentArchived({})], archiveDocument, []],
    ['is restored', [documentArchived({})], restoreDocument, [documentRestored({ status: 'active' })]],
    ['is restored as the draft that it was', [draft, documentArchived({})], restoreDocument, [documentRestored({ status: 'draft' })]],
    ['is restored once', [documentArchived({}), documentRestored({ status: 'active' })], restoreDocument, []],
    ['is deleted', [documentArchived({})], deleteDocument, [documentDeleted({})]],
  ])('%s', (_, before, command, after) =>
    givenDocument(...before)
      .when(command)
      .thenAppends(after),
  );
  test.each([changeDocument, archiveDocument, restoreDocument, deleteDocument])(
    'that is gone or someone else’s is not there ($route)',
    async (command) => {
      const body = command === changeDocument ? { title: 'Mine' } : undefined;
      await givenDocument(documentDeleted({})).when(command, body).thenRefuses(404, 'not-found');
      await given(document, [created], ID, STRANGER).when(command, body).thenRefuses(404, 'not-found');
    },
  );
});

describe('the tags of a document', () => {
  const tag = { params: { id: ID, tag_id: THIRD_ID } };
  test('are put on', () => givenTags().and(document, [created]).when(tagDocument, undefined, tag).thenAppends([tagged]));
  test('are put on once', () => givenTags().and(document, [created, tagged]).when(tagDocument, undefined, tag).thenAppends([]));
  test('are taken off', () =>
    givenDocument(tagged)
      .when(untagDocument, undefined, tag)
      .thenAppends([documentUntagged({ tag_id: THIRD_ID })]));
  test('are taken off once', () => givenDocument().when(untagDocument, undefined, tag).thenAppends([]));
  test('must be there', () => givenDocument().when(tagDocument, undefined, tag).thenRefuses(404, 'not-found'));
  test('are fifty at most, not counting those that are deleted', async () => {
    const ids = Array.from({ length: 51 }, (_, index) => `0192f0c1-0000-7000-8000-0000000001${String(index).padStart(2, '0')}`);
    const tags = ids.map((tag_id) => documentTagCreated({ tag_id, name: `Tag ${tag_id}`, color: null }));
    const puts = ids.slice(0, 50).map((tag_id) => documentTagged({ tag_id }));
    const next = { params: { id: ID, tag_id: ids[50] } };
    await givenTags(...tags)
      .and(document, [created, ...puts])
      .when(tagDocument, undefined, next)
      .thenRefuses(409, 'too-many-tags');
    await givenTags(...tags, documentTagDeleted({ tag_id: ids[0] ?? '' }))
      .and(document, [created, ...puts])
      .when(tagDocument, undefined, next)
      .thenAppends([documentTagged({ tag_id: ids[50] ?? '' })]);
  });
});

describe('a document tag', () => {
  const that = { params: { id: THIRD_ID } };
  test('is created', () =>
    givenNothing()
      .when(createDocumentTag, { id: OTHER_ID, name: 'Home', color: '#00FF00' })
      .thenAppends([documentTagCreated({ tag_id: OTHER_ID, name: 'Home', color: '#00ff00' })]));
  test('has a name that no other has, in whatever case', async () => {
    await givenTags().when(createDocumentTag, { name: 'TRAVEL' }).thenRefuses(409, 'name-taken', '/name');
    await givenTags(documentTagCreated({ tag_id: OTHER_ID, name: 'Home', color: null }))
      .when(changeDocumentTag, { name: 'home' }, that)
      .thenRefuses(409, 'name-taken', '/name');
  });
  test('may have the name of one that is deleted, and never its id', async () => {
    const deleted = documentTagDeleted({ tag_id: THIRD_ID });
    await givenTags(deleted)
      .when(createDocumentTag, { id: OTHER_ID, name: 'Travel' })
      .thenAppends([documentTagCreated({ tag_id: OTHER_ID, name: 'Travel', color: null })]);
    await givenTags(deleted).when(createDocumentTag, { id: THIRD_ID, name: 'Home' }).thenRefuses(409, 'id-in-use', '/id');
  });
  test('may change the case of its own name', () =>
    givenTags()
      .when(changeDocumentTag, { name: 'TRAVEL', color: null }, that)
      .thenAppends([documentTagChanged({ tag_id: THIRD_ID, name: 'TRAVEL' })]));
  test('changed to what it is stays so', () => givenTags().when(changeDocumentTag, { name: 'Travel' }, that).thenAppends([]));
  test('is deleted, and then no more', async () => {
    const deleted = documentTagDeleted({ tag_id: THIRD_ID });
    await givenTags().when(deleteDocumentTag, undefined, that).thenAppends([deleted]);
    await givenTags(deleted).when(deleteDocumentTag, undefined, that).thenRefuses(404, 'not-found');
    await givenTags(deleted).when(changeDocumentTag, { name: 'Home' }, that).thenRefuses(404, 'not-found');
  });
});

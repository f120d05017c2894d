// Documents and their tags as rows, and what happened to them as sentences.
import type { z } from 'zod';
import { documentRows, documentTagAssignmentRows, documentTagRows } from '../tables/documents.ts';
import type { unreadBecause } from '../vocabulary.ts';
import { insert, projection, remove, update } from './projection.ts';
import { quoted, teller } from './sentence.ts';

export const documents = projection('documents', 1, {
  DocumentCreated: ({ id, data: { unread_because, ...document } }) => insert(documentRows, { id, ...document, revision_number: 1 }),
  DocumentRenamed: ({ id, data }) => update(documentRows, id, data),
  DocumentContentChanged: ({ id, data: { unread_because, ...changes } }) => update(documentRows, id, changes),
  DocumentArchived: ({ id }) => update(documentRows, id, { status: 'archived' }),
  DocumentRestored: ({ id, data }) => update(documentRows, id, data),
  DocumentDeleted: ({ id }) => remove(documentRows, { id }),

  DocumentTagged: ({ id, data }) => [
    update(documentRows, id, {}),
    insert(documentTagAssignmentRows, { document_id: id, tag_id: data.tag_id }),
  ],
  DocumentUntagged: ({ id, data }) => [
    update(documentRows, id, {}),
    remove(documentTagAssignmentRows, { document_id: id, tag_id: data.tag_id }),
  ],

  DocumentTagCreated: ({ data: { tag_id, ...tag } }) => insert(documentTagRows, { id: tag_id, ...tag }),
  DocumentTagChanged: ({ data: { tag_id, ...changes } }) => update(documentTagRows, tag_id, changes),
  DocumentTagDeleted: ({ data }) => remove(documentTagRows, { id: data.tag_id }),
});

/** Of a file that has no text: that it has none, and why. */
const unread = (because: z.output<typeof unreadBecause> | null | undefined) =>
  because ? { no_text: '', damaged: ', whose text could not be read', too_much: ', whose text would take too much to read' }[because] : '';

export const documentSentences = teller('document', {
  DocumentCreated: ({ data: { title, content_type, size_bytes, word_count, unread_because } }) => ({
    summary: `Created the document${quoted(title)}${unread(unread_because)}`,
    details: { content_type, size_bytes, word_count, ...(unread_because && { unread_because }) },
  }),
  DocumentRenamed: ({ meta }) => `Renamed a document to${quoted(meta.title)}`,
  DocumentContentChanged: ({ data: { content, sha256, unread_because, ...details }, meta }) => ({
    summary: `${details.revision_number ? 'Rewrote' : 'Changed'} the document${quoted(meta.title)}${unread(unread_because)}`,
    details: { ...details, ...(unread_because && { unread_because }) },
  }),
  DocumentArchived: ({ meta }) => `Archived the document${quoted(meta.title)}`,
  DocumentRestored: ({ meta }) => `Restored the document${quoted(meta.title)}`,
  DocumentDeleted: ({ meta }) => `Deleted the document${quoted(meta.title)}`,
  DocumentTagged: ({ data, meta }) => ({ summary: `Tagged the document${quoted(meta.title)}`, details: { ...data } }),
  DocumentUntagged: ({ data, meta }) => ({ summary: `Took a tag off the document${quoted(meta.title)}`, details: { ...data } }),
});

export const documentTagSentences = teller(
  'document_tag',
  {
    DocumentTagCreated: ({ data }) => `Created the tag${quoted(data.name)}`,
    DocumentTagChanged: ({ data: { tag_id, ...details }, meta }) => ({ summary: `Changed the tag${quoted(meta.title)}`, details }),
    DocumentTagDeleted: ({ meta }) => `Deleted the tag${quoted(meta.title)}`,
  },
  ({ id, data }) => ('tag_id' in data ? data.tag_id : id),
);

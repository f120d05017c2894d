// Questions about documents and tags.
import { createHash } from 'node:crypto';
import { sql } from 'slonik';
import { z } from 'zod';
import { documentRows, documentTagAssignmentRows, documentTagRows } from '../tables/documents.ts';
import { documentStatus, locale, mediaType, uuid } from '../vocabulary.ts';
import { anyOf, columnsOf, inList, list, one, revisedFile, type Scope } from './query.ts';

const tagView = documentTagRows.row.omit({ user_id: true });
const documentView = documentRows.row
  .omit({ user_id: true })
  .extend({ tags: z.array(tagView.pick({ id: true, name: true, color: true })) });

const tags = ({ from }: Scope) => sql.fragment`(
  SELECT coalesce(jsonb_agg(jsonb_build_object('id', tag.id, 'name', tag.name, 'color', tag.color) ORDER BY tag.name_key), '[]')
  FROM ${from(documentTagAssignmentRows)} put JOIN ${from(documentTagRows)} tag ON tag.id = put.tag_id WHERE put.document_id = t.id) AS tags`;

export const getDocument = one({
  name: 'getDocument',
  route: 'GET /documents/:id',
  summary: 'A document',
  response: documentView,
  sql: (scope) =>
    sql.fragment`SELECT ${columnsOf(documentRows)}, ${tags(scope)} FROM ${scope.from(documentRows)} t WHERE t.id = ${scope.params.id ?? null}`,
});

export const listDocuments = list({
  name: 'listDocuments',
  route: 'GET /documents',
  summary: 'Documents, those that changed last first, without what is in them',
  item: documentView.omit({ content: true }),
  filters: {
    status: anyOf(documentStatus),
    tag_id: uuid.optional(),
    content_type: anyOf(mediaType),
    language: anyOf(locale),
  },
  sort: { table: documentRows, by: { updated_at: 'updated_at', created_at: 'created_at' }, default: '-updated_at' },
  columns: (scope) => sql.fragment`${columnsOf(documentRows, ['content'])}, ${tags(scope)}`,
  from: ({ from }) => sql.fragment`${from(documentRows)} t`,
  where: ({ status, tag_id, content_type, language }, { from }) => [
    inList('status', status),
    inList('content_type', content_type),
    inList('language', language),
    tag_id &&
      sql.fragment`EXISTS (SELECT FROM ${from(documentTagAssignmentRows)} put WHERE put.document_id = t.id AND put.tag_id = ${tag_id})`,
  ],
});

const ENDINGS: Readonly<Record<string, string>> = { 'text/markdown': '.md', 'text/plain': '.txt' };

export const getDocumentContent = revisedFile({
  name: 'getDocumentContent',
  route: 'GET /documents/:id/content',
  summary: 'What is in a document, to the byte',
  description: 'With `revision`, what was in it when it had this `revision_number`.',
  table: documentRows,
  number: 'revision_number',
  file: ({ title, content, content_type, sha256 }) => {
    // A text that is cut, or was read in a file, has another hash.
    const isAll = content !== null && createHash('sha256').update(content).digest('hex') === sha256;
    const ending = ENDINGS[content_type] ?? '';
    const filename = title.toLowerCase().endsWith(ending) ? title : title + ending;
    return { sha256, text: isAll ? content : null, content_type, filename };
  },
});

export const getDocumentTag = one({
  name: 'getDocumentTag',
  route: 'GET /document-tags/:id',
  summary: 'A document tag',
  response: tagView,
  sql: ({ params, from }) =>
    sql.fragment`SELECT ${columnsOf(documentTagRows)} FROM ${from(documentTagRows)} t WHERE t.id = ${params.id ?? null}`,
});

export const listDocumentTags = list({
  name: 'listDocumentTags',
  route: 'GET /document-tags',
  summary: 'Document tags',
  item: tagView,
  filters: {},
  sort: { table: documentTagRows, by: { name: 'name_key', created_at: 'created_at' }, default: 'name' },
  columns: () => columnsOf(documentTagRows),
  from: ({ from }) => sql.fragment`${from(documentTagRows)} t`,
});

// Texts and files, with tags.
import { z } from 'zod';
import { documentStatus, sha256, storedInstant, uuid } from '../vocabulary.ts';
import { common, count, table } from './table.ts';

export const documentRows = table('documents.documents', {
  ...common,
  title: z.string(),
  content: z.string().nullable(),
  content_type: z.string(),
  language: z.string().nullable(),
  source_url: z.string().nullable(),
  status: documentStatus,
  size_bytes: count,
  sha256,
  word_count: count,
  revision_number: z.int().positive(),
});

export const documentTagRows = table('documents.document_tags', { ...common, name: z.string(), color: z.string().nullable() });

export const documentTagAssignmentRows = table(
  'documents.document_tag_assignments',
  { document_id: uuid, tag_id: uuid, user_id: uuid, created_at: storedInstant },
  { key: ['document_id', 'tag_id'] },
);

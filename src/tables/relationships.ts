// What has to do with what, and what it means.
import { z } from 'zod';
import { entityType, relationshipAuthor, searchedType, sha256, storedInstant, uuid } from '../vocabulary.ts';
import { common, count, storedObject, table } from './table.ts';

export const relationshipRows = table(
  'relationships.relationships',
  {
    ...common,
    source_type: entityType,
    source_id: uuid,
    target_type: entityType,
    target_id: uuid,
    relation_type: z.string(),
    strength: z.number().min(0).max(1),
    author: relationshipAuthor,
    metadata: storedObject,
  },
  { pointers: ['source_id', 'target_id'] },
);

/** A view of all that can be related. Nothing is projected to it. */
export const entityRows = table('relationships.entities', {
  id: uuid,
  user_id: uuid,
  type: entityType,
  title: z.string().nullable(),
});

/** A view of all that can be searched. Nothing is projected to it. */
export const searchableRows = table('relationships.searchable', {
  id: uuid,
  user_id: uuid,
  type: searchedType,
  title: z.string().nullable(),
  body: z.string(),
  occurred_at: storedInstant,
});

export const entityEmbeddingRows = table('relationships.entity_embeddings', {
  ...common,
  entity_type: entityType,
  entity_id: uuid,
  chunk_index: count,
  content: z.string(),
  content_sha256: sha256,
  model: z.string(),
  dimensions: z.int().positive(),
  /** As pgvector writes it: [0.1,0.2]. Only the database computes with it. */
  embedding: z.string().regex(/^\[.+\]$/),
});

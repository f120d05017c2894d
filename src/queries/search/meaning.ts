// What means something like a question, whatever its words.
//
// Every vector of the caller's is compared, which finds what is nearest for certain; why there is no index: docs/decisions/0022.
import { type FragmentSqlToken, sql } from 'slonik';
import type { Question } from '../../embeddings/model.ts';
import { entityEmbeddingRows } from '../../tables/relationships.ts';
import type { Scope } from '../query.ts';

/**
 * The nearest things, each by the nearest of its chunks: type, id, chunk_id, similarity (1: the same), and from 1 the rank by it.
 * @param conditions of the chunks `e` that are compared
 */
export const byMeaning = ({ from }: Scope, { model, vector }: Question, conditions: FragmentSqlToken, most: number): FragmentSqlToken =>
  sql.fragment`
  SELECT nearest.*, row_number() OVER (ORDER BY similarity DESC, id) AS rank FROM (
    SELECT DISTINCT ON (e.entity_type, e.entity_id) e.entity_type AS type, e.entity_id AS id, e.id AS chunk_id,
      nullif(1 - (e.embedding <=> (SELECT ${JSON.stringify(vector)}::vector)), 'NaN') AS similarity
    FROM ${from(entityEmbeddingRows)} e WHERE e.model = ${model} AND ${conditions}
    ORDER BY e.entity_type, e.entity_id, similarity DESC NULLS LAST) nearest
  WHERE similarity IS NOT NULL ORDER BY similarity DESC, id LIMIT ${most}`;

// Relationships as rows, and what happened to them as sentences. A row goes with either end: sql/init.sql sees to that.
import { relationshipRows } from '../tables/relationships.ts';
import { insert, projection, remove, update } from './projection.ts';
import { quoted, teller } from './sentence.ts';

export const relationships = projection('relationships', 1, {
  RelationshipEstablished: ({ id, data }) => insert(relationshipRows, { id, ...data }),
  RelationshipChanged: ({ id, data }) => update(relationshipRows, id, data),
  RelationshipRemoved: ({ id }) => remove(relationshipRows, { id }),
});

export const relationshipSentences = teller('relationship', {
  RelationshipEstablished: ({ data: { metadata, ...details }, meta }) => ({
    summary: `Established the relationship${quoted(meta.title)}`,
    details,
  }),
  RelationshipChanged: ({ data: { metadata, ...details }, meta }) => ({
    summary: `Changed the relationship${quoted(meta.title)}`,
    details,
  }),
  RelationshipRemoved: ({ meta }) => `Removed the relationship${quoted(meta.title)}`,
});

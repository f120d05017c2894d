// What can happen to the relationship between two entities. Removed, it can be established again.
import { z } from 'zod';
import { entityType, relationshipAuthor, relationType, smallObject, strength, uuid } from '../vocabulary.ts';
import { event } from './event.ts';

const measure = { strength, metadata: smallObject };
export const relationshipEstablished = event('RelationshipEstablished', {
  source_type: entityType,
  source_id: uuid,
  target_type: entityType,
  target_id: uuid,
  relation_type: relationType,
  ...measure,
  author: relationshipAuthor,
});
export const relationshipChanged = event('RelationshipChanged', z.object(measure).exactPartial().shape);
export const relationshipRemoved = event('RelationshipRemoved', {});

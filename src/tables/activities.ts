// Every event a person would recognise, as a sentence.
import { z } from 'zod';
import { actor, storedInstant, uuid } from '../vocabulary.ts';
import { common, count, storedObject, table } from './table.ts';

export const activityRows = table('activities.activities', {
  ...common,
  actor,
  /** The event's type. */
  activity_type: z.string(),
  entity_type: z.string(),
  entity_id: uuid,
  summary: z.string(),
  details: storedObject,
  occurred_at: storedInstant,
  log_position: count,
});

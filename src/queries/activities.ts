// Questions about what happened.
import { sql } from 'slonik';
import { z } from 'zod';
import { activityRows } from '../tables/activities.ts';
import { activityEntityType, actor, instant, uuid } from '../vocabulary.ts';
import { columnsOf, list } from './query.ts';

export const listActivities = list({
  name: 'listActivities',
  route: 'GET /activities',
  summary: 'What happened, the latest first',
  item: activityRows.row.omit({ user_id: true }),
  filters: {
    entity_type: activityEntityType.optional(),
    entity_id: uuid.optional(),
    activity_type: z.string().max(200).optional(),
    actor: actor.optional(),
    since: instant.optional(),
    until: instant.optional(),
  },
  // The log's order: what one command made happen has one time.
  sort: { table: activityRows, by: { log_position: 'log_position' }, default: '-log_position' },
  columns: () => columnsOf(activityRows),
  from: ({ from }) => sql.fragment`${from(activityRows)} t`,
  where: ({ entity_type, entity_id, activity_type, actor, since, until }) => [
    entity_type !== undefined && sql.fragment`t.entity_type = ${entity_type}`,
    entity_id && sql.fragment`t.entity_id = ${entity_id}`,
    activity_type !== undefined && sql.fragment`t.activity_type = ${activity_type}`,
    actor && sql.fragment`t.actor = ${actor}`,
    since && sql.fragment`t.occurred_at >= ${since}`,
    until && sql.fragment`t.occurred_at < ${until}`,
  ],
});

// The person's timeline: every event they would recognise as one row with its sentence.
import type { AnyEvent } from '../events/index.ts';
import { activityRows } from '../tables/activities.ts';
import { insert, type Projection, stamped } from './projection.ts';
import type { Teller } from './sentence.ts';

export function activities(tellers: readonly Teller[]): Projection {
  const byType = new Map(tellers.flatMap((teller) => teller.eventTypes.map((type) => [type, teller] as const)));
  return {
    name: 'activities',
    version: 2,
    project: (event: AnyEvent) => {
      const told = byType.get(event.type)?.tell(event);
      if (!told || 'silent' in told) return [];
      const { actor, at } = event.meta;
      // One of each event, and so with its id.
      const id = event.event_id;
      const log_position = Number(event.position);
      return [stamped(insert(activityRows, { id, actor, activity_type: event.type, ...told, occurred_at: at, log_position }), event)];
    },
  };
}

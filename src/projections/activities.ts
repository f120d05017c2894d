// The person's timeline: every event they would recognise as one row with its sentence.
import { parse, v5 } from 'uuid';
import type { AnyEvent } from '../events/index.ts';
import { activityRows } from '../tables/activities.ts';
import { insert, type Projection, stamped } from './projection.ts';
import type { Teller } from './sentence.ts';

/** The namespace of activity ids, each made from its event's. As bytes, and so the event's: there are as many as there are events. */
const ACTIVITY_IDS = parse('5f1d6a0c-4c3e-4f7b-9b7a-3d2e8c9a1f60');

export function activities(tellers: readonly Teller[]): Projection {
  const byType = new Map(tellers.flatMap((teller) => teller.eventTypes.map((type) => [type, teller] as const)));
  return {
    name: 'activities',
    version: 1,
    project: (event: AnyEvent) => {
      const told = byType.get(event.type)?.tell(event);
      if (!told || 'silent' in told) return [];
      const { actor, at } = event.meta;
      const id = v5(Buffer.from(event.event_id), ACTIVITY_IDS);
      const log_position = Number(event.position);
      return [stamped(insert(activityRows, { id, actor, activity_type: event.type, ...told, occurred_at: at, log_position }), event)];
    },
  };
}

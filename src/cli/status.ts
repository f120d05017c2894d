// What `daybook status` says.
import type { DatabasePool } from 'slonik';
import type { EventLog } from '../eventstore/log.ts';
import { standings } from '../policies/standing.ts';
import { readCheckpoint } from '../projections/applier.ts';
import { type ParkedEvent, parkedEvents } from '../projections/control.ts';
import { projections } from '../projections/index.ts';
import { reasonToRebuild } from '../projections/rebuild.ts';

export const parkedLines = (events: readonly ParkedEvent[]): readonly string[] => [
  events.length === 0 ? 'No event is parked.' : `${events.length} events are parked:`,
  ...events.map(({ stream, revision, event_type, error }) => `  ${event_type} at ${stream}@${revision}: ${error}`),
];

export async function statusLines(log: EventLog, database: DatabasePool): Promise<string[]> {
  const head = await log.head();
  const reason = await reasonToRebuild(log, database, projections);
  if (reason !== undefined) return [`Event log: up to position ${head ?? 'none'}.`, `Read model: to be built, since ${reason}.`];
  const { position } = await readCheckpoint(database, 'live');
  return [
    `Event log: up to position ${head ?? 'none'}.`,
    `Read model: up to position ${position ?? 'none'}${position === head ? ', which is all' : ''}.`,
    ...parkedLines(await parkedEvents(database, -1, null)),
    ...(await policyLines(log)),
  ];
}

async function policyLines(log: EventLog): Promise<string[]> {
  const lines: string[] = [];
  for (const { name, lag_events, lag_seconds, set_aside } of await standings(log)) {
    const lag =
      lag_events === 0 ? 'is done with all there is' : `has ${lag_events} events to look at, the oldest for ${lag_seconds.toFixed(1)} s`;
    lines.push(`Policy ${name}: ${lag}${set_aside.length === 0 ? '.' : `; ${set_aside.length} are set aside and tried again:`}`);
    for (const position of set_aside) {
      const event = await log.eventAt(position);
      lines.push(`  ${event ? `${event.type} at ${event.stream}@${event.revision}` : `nothing that is still there, at ${position}`}`);
    }
  }
  return lines;
}

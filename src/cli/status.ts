// What `daybook status` says.
import type { DatabasePool } from 'slonik';
import { embeddingStandings } from '../embeddings/standing.ts';
import type { Lag } from '../eventstore/lag.ts';
import type { EventLog } from '../eventstore/log.ts';
import { standings } from '../policies/standing.ts';
import { isThere } from '../postgres/readModel.ts';
import { readCheckpoint } from '../projections/applier.ts';
import { type ParkedEvent, parkedEvents, pausedSince } from '../projections/control.ts';
import { projections } from '../projections/index.ts';
import { reasonToRebuild } from '../projections/rebuild.ts';

export const parkedLines = (events: readonly ParkedEvent[]): readonly string[] => [
  events.length === 0 ? 'No event is parked.' : `${events.length} events are parked:`,
  ...events.map(({ stream, revision, event_type, error }) => `  ${event_type} at ${stream}@${revision}: ${error.replaceAll(/\s+/g, ' ')}`),
];

const lagOf = ({ lag_events, lag_seconds }: Lag) =>
  lag_events === 0 ? 'is done with all there is' : `has ${lag_events} events to look at, the oldest for ${lag_seconds.toFixed(1)} s`;

export const policyLine = ({ name, set_aside, ...lag }: Lag & { readonly name: string; readonly set_aside: readonly unknown[] }) =>
  `Policy ${name}: ${lagOf(lag)}${set_aside.length === 0 ? '.' : `; ${set_aside.length} are set aside and tried again:`}`;

/** @param status how it is, where it is not only that it has something to do or not */
export function embedderLine(
  { model, is_complete, set_aside, ...lag }: Lag & { readonly model: string; readonly is_complete: boolean; readonly set_aside: number },
  status?: string,
) {
  const aside = set_aside === 0 ? '' : `; ${set_aside} texts are set aside and tried again`;
  return `Embedder ${model}: ${status === undefined ? '' : `${status}, `}${lagOf(lag)}${aside}${is_complete ? '' : '; not complete yet'}.`;
}

export async function statusLines(log: EventLog, database: DatabasePool): Promise<string[]> {
  const head = await log.head();
  const isPaused = (await isThere(database, 'live')) && (await pausedSince(database)) !== null;
  const paused = isPaused ? ['It is paused.'] : [];
  const reason = await reasonToRebuild(log, database, projections);
  if (reason !== undefined) return [`Event log: up to position ${head ?? 'none'}.`, `Read model: to be built, since ${reason}.`, ...paused];
  const { position } = await readCheckpoint(database, 'live');
  return [
    `Event log: up to position ${head ?? 'none'}.`,
    `Read model: up to position ${position ?? 'none'}${position === head ? ', which is all' : ''}.`,
    ...parkedLines(await parkedEvents(database, -1, null)),
    ...paused,
    ...(await policyLines(log)),
    ...(await embeddingStandings(log, database)).map((standing) => embedderLine(standing, standing.is_paused ? 'paused' : undefined)),
  ];
}

async function policyLines(log: EventLog): Promise<string[]> {
  const lines: string[] = [];
  for (const policy of await standings(log)) {
    lines.push(policyLine(policy));
    for (const position of policy.set_aside) {
      const event = await log.eventAt(position);
      lines.push(`  ${event ? `${event.type} at ${event.stream}@${event.revision}` : `nothing that is still there, at ${position}`}`);
    }
  }
  return lines;
}

// Where the models are, for who wonders whether what was written is embedded.
import type { DatabasePool } from 'slonik';
import type { EventLog } from '../eventstore/log.ts';
import { waitingFor } from './follower.ts';
import { storedModels } from './models.ts';
import { placeOf } from './place.ts';
import { versionOf } from './schema.ts';
import { countAside } from './setAside.ts';

export type EmbeddingStanding = {
  readonly model: string;
  readonly position: bigint | null;
  /** What may have to be embedded yet, of the next 10,000 events of the log, and how long the oldest of that has waited. */
  readonly lag_events: number;
  readonly lag_seconds: number;
  readonly is_complete: boolean;
  readonly set_aside: number;
};

const MOST_READ = 10_000;

/** The one that is wanted comes first; none where there was never an embedder. */
export async function embeddingStandings(log: EventLog, database: DatabasePool): Promise<readonly EmbeddingStanding[]> {
  if ((await versionOf(database)) === null) return [];
  const standings: EmbeddingStanding[] = [];
  for (const { name, complete_at } of await storedModels(database)) {
    const position = (await placeOf(database, name))?.position ?? null;
    const { events, since_ms } = await waitingFor(log, position, MOST_READ);
    standings.push({
      ...{ model: name, position, lag_events: events, is_complete: complete_at !== null, set_aside: await countAside(database, name) },
      lag_seconds: since_ms === undefined ? 0 : Math.max(0, (Date.now() - since_ms) / 1_000),
    });
  }
  return standings;
}

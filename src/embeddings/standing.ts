// Where the models are, for who wonders whether what was written is embedded.
import type { DatabasePool } from 'slonik';
import { z } from 'zod';
import { type Lag, lagOf } from '../eventstore/lag.ts';
import type { EventLog } from '../eventstore/log.ts';
import { storedModels } from './models.ts';
import { placeOf } from './place.ts';
import { versionOf } from './schema.ts';
import { countAside } from './setAside.ts';
import { concernsEmbedders } from './texts.ts';

/** How it is, as the API tells and the command line reads. */
export const embeddingState = z.object({
  model: z.string(),
  position: z.int().nullable(),
  lag_events: z.int().meta({ description: 'What may have to be embedded yet, of the next 10,000 events of the log' }),
  lag_seconds: z.number().meta({ description: 'How long the oldest of that has waited' }),
  is_complete: z.boolean().meta({ description: 'Whether it has embedded all there is; another that it replaces serves until then' }),
  set_aside: z.int().meta({ description: 'How many texts it refuses, which are tried again, ever more rarely' }),
  status: z.string().meta({ description: 'Of the embedder in this process; `elsewhere` where it has none, or another one works' }),
  rate: z.number().nullable().meta({ description: 'Events per second that this process has embedded, over the last minute' }),
  last_error: z.string().nullable().meta({ description: 'Why it is degraded or waits, for admins' }),
});
export type EmbeddingState = z.output<typeof embeddingState>;

export type EmbeddingStanding = Lag & {
  readonly model: string;
  readonly position: bigint | null;
  readonly is_complete: boolean;
  readonly is_paused: boolean;
  readonly set_aside: number;
};

/** The one that is wanted comes first; none where there was never an embedder. */
export async function embeddingStandings(log: EventLog, database: DatabasePool): Promise<readonly EmbeddingStanding[]> {
  if ((await versionOf(database)) === null) return [];
  const standings: EmbeddingStanding[] = [];
  for (const { name, complete_at, paused_at } of await storedModels(database)) {
    const position = (await placeOf(database, name))?.position ?? null;
    standings.push({
      ...{ model: name, position, is_complete: complete_at !== null, is_paused: paused_at !== null },
      ...{ ...(await lagOf(log, position, { concerns: concernsEmbedders })), set_aside: await countAside(database, name) },
    });
  }
  return standings;
}

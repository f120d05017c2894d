// Where the policies are, as the log has it: for who wonders whether what is to follow from an event has followed.
import { z } from 'zod';
import { type Lag, lagOf } from '../eventstore/lag.ts';
import type { EventLog } from '../eventstore/log.ts';
import { followed } from './index.ts';
import { readCheckpoint } from './policy.ts';

/** How one is, as the API tells and the command line reads. */
export const policyState = z.object({
  name: z.string(),
  position: z.int().nullable(),
  lag_events: z.int().meta({ description: 'What it has still to look at, of the next 10,000 events of the log' }),
  lag_seconds: z.number().meta({ description: 'How long the oldest of that has waited' }),
  set_aside: z.array(z.int()).meta({ description: 'Positions of events that it failed at and tries again, ever more rarely' }),
  status: z.string(),
  last_error: z.string().nullable().meta({ description: 'Why it is degraded or waits, for admins' }),
});

export type Standing = Lag & {
  readonly name: string;
  /** Of the last event that it is done with; null before the first. */
  readonly position: bigint | null;
  /** The positions of events that it failed at and tries again, ever more rarely. */
  readonly set_aside: readonly bigint[];
};

/** Only those that were ever started. */
export async function standings(log: EventLog, policies = followed): Promise<readonly Standing[]> {
  const found = await Promise.all(
    policies.map(async ({ name, eventTypes }) => {
      const checkpoint = await readCheckpoint(log, name);
      if (!checkpoint) return [];
      const { position, aside } = checkpoint;
      return [{ name, position, ...(await lagOf(log, position, { concerns: ({ type }) => eventTypes.has(type) })), set_aside: aside }];
    }),
  );
  return found.flat();
}

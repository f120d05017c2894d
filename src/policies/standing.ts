// Where the policies are, as the log has it: for who wonders whether what is to follow from an event has followed.
import type { EventLog } from '../eventstore/log.ts';
import { followed } from './index.ts';
import { readCheckpoint } from './policy.ts';

export type Standing = {
  readonly name: string;
  /** Of the last event that it is done with; null before the first. */
  readonly position: bigint | null;
  /** What it has still to look at, of the next 10,000 events of the log, and how long the oldest of that has waited. */
  readonly lag_events: number;
  readonly lag_seconds: number;
  /** The positions of events that it failed at and tries again, ever more rarely. */
  readonly set_aside: readonly bigint[];
};

const MOST_READ = 10_000;

/** Only those that were ever started. */
export async function standings(log: EventLog, policies = followed): Promise<readonly Standing[]> {
  const found = await Promise.all(
    policies.map(async ({ name, eventTypes }) => {
      const checkpoint = await readCheckpoint(log, name);
      const after = checkpoint?.position ?? -1n;
      return checkpoint ? [{ name, eventTypes, checkpoint, after, waiting: { events: 0, sinceMs: Number.POSITIVE_INFINITY } }] : [];
    }),
  );
  const started = found.flat();
  const [furthest = -1n] = started.map(({ after }) => after).toSorted((one, other) => Number(one - other));
  let read = 0;
  for await (const { position, type, appended_ms } of log.readAll(furthest < 0n ? null : furthest)) {
    for (const { eventTypes, after, waiting } of started) {
      if (position <= after || !eventTypes.has(type)) continue;
      waiting.events += 1;
      waiting.sinceMs = Math.min(waiting.sinceMs, appended_ms);
    }
    read += 1;
    if (read === MOST_READ) break;
  }
  return started.map(({ name, checkpoint, waiting: { events, sinceMs } }) => ({
    name,
    position: checkpoint.position,
    lag_events: events,
    lag_seconds: events === 0 ? 0 : Math.max(0, (Date.now() - sinceMs) / 1_000),
    set_aside: checkpoint.aside,
  }));
}

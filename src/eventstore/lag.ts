// How far somebody who follows the log is behind it.
import type { EventLog, LoggedEvent } from './log.ts';

export type Lag = {
  /** What there is still to look at, of as much of the log as was read for that. */
  readonly lag_events: number;
  /** How long the oldest of it has waited; 0 where there is none. */
  readonly lag_seconds: number;
};

/** Whoever is further behind than this is far behind, and that is all that anybody wants to know. */
const MOST_READ = 10_000;

/**
 * @param position of the last event that is done with; null before the first
 * @param concerns whether there is anything to do for an event
 * @param most how much of the log is read
 */
export async function lagOf(
  log: EventLog,
  position: bigint | null,
  { concerns = () => true, most = MOST_READ }: { readonly concerns?: (event: LoggedEvent) => boolean; readonly most?: number } = {},
): Promise<Lag> {
  let lag_events = 0;
  let lag_seconds = 0;
  let read = 0;
  for await (const event of log.readAll(position)) {
    if (concerns(event)) {
      if (lag_events === 0) lag_seconds = Math.max(0, (Date.now() - event.appended_ms) / 1_000);
      lag_events += 1;
    }
    read += 1;
    if (read === most) break;
  }
  return { lag_events, lag_seconds };
}

// Notices that the log was restored from an older backup under a process that went on. What such a process remembers (states of
// streams, how far a policy has got, what somebody was told) may be of what is no longer there, and nothing else would say so.
import { type EventLog, type LoggedEvent, LogUnavailable } from './log.ts';

/** The log has not the last event that this process knows of. To go on is to start again. */
export class LogSetBack extends LogUnavailable {
  constructor(position: bigint) {
    super('', false);
    this.message = `The event log is older than what this process has seen of it (position ${position}), as if restored from a backup`;
  }
}

/**
 * The same log, which looks whether the last event that was seen of it is still there before anybody follows it: nobody restores a
 * log whose followers are not cut off. From then on it fails them all.
 */
export function noticingSetBack(log: EventLog, onSetBack: (error: LogSetBack) => void): EventLog {
  /** An append that was sent twice may be answered with the place of any of its events. */
  let last: { readonly position: bigint; readonly ids: readonly string[] } | undefined;
  const see = (position: bigint, ids: readonly string[]) => {
    if (last === undefined || position > last.position) last = { position, ids };
  };
  async function* seen(events: AsyncIterable<LoggedEvent>) {
    for await (const event of events) {
      see(event.position, [event.event_id]);
      yield event;
    }
  }
  async function look(): Promise<void> {
    const known = last;
    if (known === undefined || known.ids.includes((await log.eventAt(known.position))?.event_id ?? '')) return;
    const error = new LogSetBack(known.position);
    onSetBack(error);
    throw error;
  }
  return {
    ...log,
    append: async (stream, expected, events) => {
      const appended = await log.append(stream, expected, events);
      see(
        appended.position,
        events.map(({ event_id }) => event_id),
      );
      return appended;
    },
    readStream: (...args) => seen(log.readStream(...args)),
    readStreamBackwards: (...args) => seen(log.readStreamBackwards(...args)),
    readAll: (after) => seen(log.readAll(after)),
    async *subscribeToAll(...args) {
      await look();
      yield* seen(log.subscribeToAll(...args));
    },
  };
}

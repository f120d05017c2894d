// Which log this is: an id in its own first event, so that a read model is never continued from another log.
import { v7 } from 'uuid';
import { z } from 'zod';
import { type EventLog, WrongExpectedRevision } from './log.ts';

const STREAM = 'daybook-log';
const logIdentified = z.object({ log_id: z.uuid() });

/** The id of the log, given to it by whoever asks first. */
export async function identifyLog(log: EventLog): Promise<string> {
  for await (const { data } of log.readStream(STREAM, 0)) return logIdentified.parse(data).log_id;
  try {
    await log.append(STREAM, -1, [{ event_id: v7(), type: 'LogIdentified', data: { log_id: v7() }, metadata: {} }]);
  } catch (error) {
    // Another process was first; its id is the one.
    if (!(error instanceof WrongExpectedRevision)) throw error;
  }
  return identifyLog(log);
}

// Which log this is, and whose: an id in an event of its own, so that a read model is never continued from another log, and
// a check of the MASTER_KEY that its streams are named with, so that no process goes on with another.
import { randomUUIDv7 } from 'node:crypto';
import { z } from 'zod';
import type { Secrets } from '../secrets.ts';
import { type EventLog, WrongExpectedRevision } from './log.ts';

const logIdentified = z.object({ log_id: z.uuid() });
const masterKeyChecked = z.object({ check: z.string() });

/** The id of the log, given to it by whoever asks first. */
export async function identifyLog(log: EventLog): Promise<string> {
  const data = await beginningOf(log, 'daybook-log', 'LogIdentified', { log_id: randomUUIDv7() });
  return logIdentified.parse(data).log_id;
}

/** @throws where the log was begun with another MASTER_KEY: nobody's address would be known, and each could be taken again */
export async function holdToMasterKey(log: EventLog, secrets: Secrets): Promise<void> {
  const check = secrets.hmac('master-key-check', 'daybook');
  const data = await beginningOf(log, 'daybook-key', 'MasterKeyChecked', { check });
  if (masterKeyChecked.parse(data).check !== check) {
    throw new Error('MASTER_KEY is not the one that this event log was begun with (if it is unset, the data folder has another)');
  }
}

/** What the first event of a stream says; this one is appended where there is none. Of several who come at once, one is first. */
async function beginningOf(log: EventLog, stream: string, type: string, data: Record<string, unknown>): Promise<unknown> {
  for await (const first of log.readStream(stream, 0)) return first.data;
  try {
    await log.append(stream, -1, [{ event_id: randomUUIDv7(), type, data, metadata: {} }]);
  } catch (error) {
    if (!(error instanceof WrongExpectedRevision)) throw error;
  }
  return beginningOf(log, stream, type, data);
}

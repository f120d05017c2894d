// The event log without a network: the file, what is known of its streams, the one writer, the reads, and word of new commits.
import { announceCommits } from './commits.ts';
import { Failure } from './failures.ts';
import { readsOf } from './reads.ts';
import { sentence } from './reasons.ts';
import { openStorage, type Storage } from './storage.ts';
import { trackStreams } from './streams.ts';
import { startWriter } from './writer.ts';

export type EventLog = ReturnType<typeof openLog>;

/** Opens the log in a directory. Throws an error of one sentence when it cannot be used. */
export function openLog(directory: string) {
  const storage = openStorage(directory);
  try {
    return logOn(storage);
  } catch (error) {
    storage.close();
    const reason = error instanceof Failure ? `${error.message} (${storage.file}); restore a backup` : sentence(error, storage.file);
    throw new Error(reason, { cause: error });
  }
}

function logOn(storage: Storage) {
  const streams = trackStreams(storage);
  const commits = announceCommits();
  const writer = startWriter(storage, streams, commits.announce);
  return {
    storage,
    streams,
    commits,
    writer,
    reads: readsOf(storage, streams, writer.head),
    /** Writes and answers what is queued, and closes the file with nothing left in its WAL. */
    close(): void {
      writer.finish();
      storage.close();
    },
  };
}

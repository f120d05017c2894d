// Stores that fail where a test says so, as a crash at that point would look to what comes after it.
import type { CommonQueryMethods, DatabasePool } from 'slonik';
import { type EventLog, LogUnavailable } from '../../src/eventstore/log.ts';

/**
 * Fails once, before its `at`-th step (from 1): a step is the beginning of a transaction, each query in it, its commit, and what
 * follows, and so are what comes before and after a batch that is one statement.
 */
export function failingAt(database: DatabasePool, at: number): { readonly database: DatabasePool; readonly hasFailed: () => boolean } {
  let steps = 0;
  const step = () => {
    steps += 1;
    if (steps === at) throw new Error(`crashed before step ${at}`);
  };
  const transaction: DatabasePool['transaction'] = async (work, retries) => {
    step();
    const result = await database.transaction(async (inner) => {
      const query: CommonQueryMethods['query'] = (statement) => {
        step();
        return inner.query(statement);
      };
      const done = await work({ ...inner, query });
      step();
      return done;
    }, retries);
    step();
    return result;
  };
  const one: DatabasePool['one'] = async (statement) => {
    if (!statement.sql.trimStart().startsWith('WITH moved')) return database.one(statement);
    step();
    const row = await database.one(statement);
    step();
    return row;
  };
  return { database: { ...database, transaction, one }, hasFailed: () => steps >= at };
}

/** A log whose subscriptions end after a number of events each. */
export const endingAfter = (log: EventLog, events: number): EventLog => ({
  ...log,
  async *subscribeToAll(after, signal, prefixes) {
    let count = 0;
    for await (const event of log.subscribeToAll(after, signal, prefixes)) {
      yield event;
      count += 1;
      if (count === events) throw new LogUnavailable(new Error('gone'), false);
    }
  },
});

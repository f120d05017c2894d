// A fresh embedded log and a client of it for the tests of one file; both are gone after them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  type AllStreamSubscription,
  EventStoreDBClient,
  type JSONEventType,
  jsonEvent,
  type ResolvedEvent,
  type StreamSubscription,
} from '@eventstore/db-client';
import { afterAll, beforeAll } from 'vitest';
import { type EmbeddedEventStore, startEmbeddedEventStore } from '../../src/eventstore/embedded/embedded.ts';

export function temporaryDirectory(): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'daybook-log-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** What the tests of a file share. The fields are there once the tests run. */
export function withLog(): { log: EmbeddedEventStore; client: EventStoreDBClient } {
  const directory = temporaryDirectory();
  let log: EmbeddedEventStore | undefined;
  let client: EventStoreDBClient | undefined;
  beforeAll(async () => {
    log = await startEmbeddedEventStore({ directory });
    client = EventStoreDBClient.connectionString(log.connectionString);
  });
  afterAll(() => log?.close());
  const started = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('The log has not started');
    return value;
  };
  return {
    get log() {
      return started(log);
    },
    get client() {
      return started(client);
    },
  };
}

let streams = 0;
export const newStream = (): string => `stream-${process.pid}-${++streams}`;

export const event = (type: string, data: JSONEventType['data'] = {}, id?: string) => jsonEvent(id ? { type, data, id } : { type, data });
export const events = (count: number, type = 'Counted') => Array.from({ length: count }, (_, n) => event(type, { n }));

/** Reads to the end; `pick` says what of each event matters. */
export async function collect<T>(read: AsyncIterable<ResolvedEvent>, pick: (resolved: ResolvedEvent) => T): Promise<T[]> {
  const picked: T[] = [];
  for await (const resolved of read) picked.push(pick(resolved));
  return picked;
}

export const typeOf = ({ event: read }: ResolvedEvent): string | undefined => read?.type;
export const revisionOf = ({ event: read }: ResolvedEvent): number => Number(read?.revision);

/** What a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
  throw new Error('It did not fail');
}

/** Events of a subscription as they come: `next` waits for one, in order. */
export function arrivals(subscription: StreamSubscription | AllStreamSubscription): {
  next(): Promise<ResolvedEvent | 'caughtUp' | Error>;
  seen: (ResolvedEvent | 'caughtUp' | Error)[];
} {
  const seen: (ResolvedEvent | 'caughtUp' | Error)[] = [];
  const waiting: (() => void)[] = [];
  let taken = 0;
  const add = (arrival: ResolvedEvent | 'caughtUp' | Error) => {
    seen.push(arrival);
    waiting.shift()?.();
  };
  subscription.on('data', add);
  subscription.on('error', add);
  subscription.on('caughtUp', () => add('caughtUp'));
  return {
    seen,
    async next() {
      const index = taken++;
      if (seen.length <= index) await new Promise<void>((resolve) => waiting.push(resolve));
      const arrival = seen[index];
      if (arrival === undefined) throw new Error('Nothing arrived');
      return arrival;
    },
  };
}

// A log that is not there: a cluster of which no node is found.
import { afterAll, expect, test, vi } from 'vitest';
import { connectEventLog, LogUnavailable } from '../../src/eventstore/log.ts';

const log = connectEventLog('esdb+discover://127.0.0.1:1?tls=false&maxDiscoverAttempts=1');
const unhandled = vi.fn();
process.on('unhandledRejection', unhandled);
afterAll(() => process.off('unhandledRejection', unhandled));

test('reads, appends and subscriptions say that it is away', async () => {
  await expect(log.head()).rejects.toThrow(LogUnavailable);
  await expect(log.append('thing-1', -1, [])).rejects.toThrow(LogUnavailable);
  const { signal } = new AbortController();
  await expect(Array.fromAsync(log.subscribeToAll(null, signal))).rejects.toThrow(LogUnavailable);
});

test('a subscription that is left while its connection is sought ends without a word', async () => {
  const leaving = new AbortController();
  setTimeout(() => leaving.abort(), 1);
  expect(await Array.fromAsync(log.subscribeToAll(null, leaving.signal))).toEqual([]);
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(unhandled).not.toHaveBeenCalled();
});

// Which log it is, and that nobody goes on with it under another MASTER_KEY.
import { expect, test } from 'vitest';
import { holdToMasterKey, identifyLog } from '../../src/eventstore/identity.ts';
import { deriveSecrets } from '../../src/secrets.ts';
import { createMemoryLog } from '../support/memoryLog.ts';

test('a log has one id, whoever asks, and however many at once', async () => {
  const log = createMemoryLog();
  const ids = await Promise.all(Array.from({ length: 5 }, () => identifyLog(log)));
  expect(new Set(ids).size).toBe(1);
  expect(await identifyLog(createMemoryLog())).not.toBe(ids[0]);
});

test('a log keeps to the MASTER_KEY that it was begun with, without telling it', async () => {
  const log = createMemoryLog();
  const key = 'a master key of the tests, 32 bytes and more';
  await holdToMasterKey(log, deriveSecrets(key));
  await holdToMasterKey(log, deriveSecrets(key));
  await expect(holdToMasterKey(log, deriveSecrets('another master key, of 32 bytes and more'))).rejects.toThrow(
    /^MASTER_KEY is not the one/,
  );
  expect(log.events).toHaveLength(1);
  expect(JSON.stringify(log.events.map(({ data }) => data))).not.toContain(key);
});

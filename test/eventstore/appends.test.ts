// Appends through both calls of the protocol: what is expected of the stream, what is a repeat, and what is refused.
import { randomUUID } from 'node:crypto';
import {
  ANY,
  type AppendExpectedRevision,
  type AppendToStreamOptions,
  binaryEvent,
  DeadlineExceededError,
  EventStoreDBClient,
  MaxAppendSizeExceededError,
  NO_STREAM,
  STREAM_EXISTS,
  StreamDeletedError,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import { describe, expect, test } from 'vitest';
import { collect, event, events, failureOf, newStream, typeOf, withLog } from './support.ts';

const shared = withLog();

// The client uses the single call as soon as there are credentials, which an insecure connection then leaves out.
const calls: Record<string, AppendToStreamOptions> = {
  BatchAppend: {},
  Append: { credentials: { username: 'nobody', password: 'nothing' } },
};

describe.each(Object.entries(calls))('%s', (_name, options) => {
  const append = (stream: string, what: ReturnType<typeof event>[], expectedRevision: AppendExpectedRevision = ANY) =>
    shared.client.appendToStream(stream, what, { ...options, expectedRevision });

  test('answers with the revision and the position of the last event', async () => {
    const stream = newStream();
    await append(stream, events(3));
    const answer = await append(stream, events(2));
    const last = (await collect(shared.client.readStream(stream), ({ event: read }) => read)).at(-1);
    expect(answer).toEqual({ success: true, nextExpectedRevision: 4n, position: last?.position });
  });

  test.each([
    ['no stream', NO_STREAM, 3],
    ['an older revision', 1n, 3],
    ['a revision that is not there yet', 7n, 3],
    ['an existing stream where there is none', STREAM_EXISTS, 0],
    ['a revision where there is none', 0n, 0],
  ] as const)('refuses when %s was expected', async (_what, expected, have) => {
    const stream = newStream();
    if (have) await append(stream, events(have));
    const error = await failureOf(append(stream, events(1), expected));
    expect(error).toBeInstanceOf(WrongExpectedVersionError);
    expect(error).toMatchObject({ streamName: stream, expectedVersion: expected, actualVersion: have ? BigInt(have - 1) : 'no_stream' });
    expect(have ? await collect(shared.client.readStream(stream), typeOf) : []).toHaveLength(have);
  });

  test.each([
    ['nothing', ANY, 2],
    ['that the stream exists', STREAM_EXISTS, 2],
    ['the right revision', 1n, 2],
    ['no stream', NO_STREAM, 0],
  ] as const)('accepts when %s was expected', async (_what, expected, have) => {
    const stream = newStream();
    if (have) await append(stream, events(have));
    expect(await append(stream, events(1), expected)).toMatchObject({ success: true, nextExpectedRevision: BigInt(have) });
  });

  test('a stream with only metadata exists', async () => {
    const stream = newStream();
    await shared.client.setStreamMetadata(stream, { maxCount: 5 });
    expect(await append(stream, events(1), STREAM_EXISTS)).toMatchObject({ nextExpectedRevision: 0n });
  });

  const repeats: [string, AppendExpectedRevision][] = [
    ['any', ANY],
    ['stream_exists', STREAM_EXISTS],
    ['the revision then', 0n],
  ];

  describe.each(repeats)('expecting %s', (_what, expected) => {
    test('a repeat answers as the first did and stores nothing', async () => {
      const stream = newStream();
      await append(stream, events(1));
      const two = [event('A', {}, randomUUID()), event('B', {}, randomUUID())];
      const first = await append(stream, two, expected);
      await append(stream, [event('Later')]);
      expect(await append(stream, two, expected)).toEqual(first);
      expect(await collect(shared.client.readStream(stream), typeOf)).toEqual(['Counted', 'A', 'B', 'Later']);
    });

    test('the first part of an earlier append is a repeat', async () => {
      const stream = newStream();
      await append(stream, events(1));
      const [one, two] = [event('A', {}, randomUUID()), event('B', {}, randomUUID())];
      await append(stream, [one, two], expected);
      expect(await append(stream, [one], expected)).toMatchObject({ nextExpectedRevision: 1n });
    });

    test('a repeat with something new after it is refused whole', async () => {
      const stream = newStream();
      await append(stream, events(1));
      const one = event('A', {}, randomUUID());
      await append(stream, [one], expected);
      expect(await failureOf(append(stream, [one, event('New')], expected))).toBeInstanceOf(WrongExpectedVersionError);
      expect(await collect(shared.client.readStream(stream), typeOf)).toEqual(['Counted', 'A']);
    });
  });

  test('something new with a repeat after it is stored when any revision will do', async () => {
    const stream = newStream();
    const one = event('A', {}, randomUUID());
    await append(stream, [one]);
    await append(stream, [event('New'), one]);
    expect(await collect(shared.client.readStream(stream), typeOf)).toEqual(['A', 'New', 'A']);
  });

  test('the same id in another stream is no repeat', async () => {
    const one = event('A', {}, randomUUID());
    const [here, there] = [newStream(), newStream()];
    await append(here, [one]);
    await append(there, [one]);
    expect(await collect(shared.client.readStream(there), typeOf)).toEqual(['A']);
  });

  test('repeats that come together with the first store it once', async () => {
    const stream = newStream();
    const one = event('A', {}, randomUUID());
    const answers = await Promise.all(Array.from({ length: 20 }, () => append(stream, [one], NO_STREAM)));
    expect(new Set(answers.map(({ position }) => position?.commit)).size).toBe(1);
    expect(await collect(shared.client.readStream(stream), typeOf)).toEqual(['A']);
  });

  test('of writers who expect the same revision one wins', async () => {
    const stream = newStream();
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => append(stream, events(1), NO_STREAM)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('more than a mebibyte of data is refused, and nothing of it stored', async () => {
    const stream = newStream();
    const half = () => event('Half', { text: 'x'.repeat(512 * 1024) });
    const error = await failureOf(append(stream, [half(), half()]));
    expect(error).toBeInstanceOf(MaxAppendSizeExceededError);
    expect(error).toMatchObject({ maxAppendSize: 1024 * 1024 });
    await append(stream, [half()], NO_STREAM);
  });

  test('exactly a mebibyte is stored', async () => {
    const stream = newStream();
    const data = new Uint8Array(1024 * 1024).fill(7);
    await shared.client.appendToStream(stream, binaryEvent({ type: 'Whole', data }), options);
    const [read] = await collect(shared.client.readStream(stream), ({ event: one }) => one?.data);
    expect(read).toEqual(data);
  });

  test('a tombstone ends a stream', async () => {
    const stream = newStream();
    await append(stream, events(1));
    await shared.client.tombstoneStream(stream);
    const error = await failureOf(append(stream, events(1)));
    expect(error).toBeInstanceOf(StreamDeletedError);
    expect(error).toMatchObject({ streamName: stream });
  });

  test('an append of nothing changes nothing', async () => {
    const stream = newStream();
    await append(stream, events(2));
    expect(await append(stream, [])).toMatchObject({ success: true, nextExpectedRevision: 1n });
    expect(await collect(shared.client.readStream(stream), typeOf)).toHaveLength(2);
  });
});

test('an append whose deadline has passed is not written', async () => {
  const late = EventStoreDBClient.connectionString(`${shared.log.connectionString}&defaultDeadline=1`);
  const stream = newStream();
  await shared.client.appendToStream(stream, events(1));
  // The client takes the deadline from its clock at the call; a large append takes it longer than that to send.
  const large = Array.from({ length: 500 }, () => event('Large', { text: 'x'.repeat(2000) }));
  expect(await failureOf(late.appendToStream(stream, large))).toBeInstanceOf(DeadlineExceededError);
  expect(await collect(shared.client.readStream(stream), typeOf)).toEqual(['Counted']);
});

test('an append in many parts is one append', async () => {
  const stream = newStream();
  const answer = await shared.client.appendToStream(stream, events(500), { batchAppendSize: 1000 });
  expect(answer).toMatchObject({ nextExpectedRevision: 499n });
  expect(await collect(shared.client.readStream(stream), ({ event: read }) => read?.data)).toEqual(
    Array.from({ length: 500 }, (_, n) => ({ n })),
  );
});

test('names and data in any script come back as they went', async () => {
  const stream = `${newStream()}-ключ-鍵-🔑`;
  await shared.client.appendToStream(stream, event('Sœur', { text: 'naïve ✓ 鍵 🔑' }));
  expect(await collect(shared.client.readStream(stream), ({ event: read }) => [read?.streamId, read?.type, read?.data])).toEqual([
    [stream, 'Sœur', { text: 'naïve ✓ 鍵 🔑' }],
  ]);
  await shared.client.tombstoneStream(stream);
  expect(await failureOf(shared.client.appendToStream(stream, events(1)))).toMatchObject({ streamName: stream });
});

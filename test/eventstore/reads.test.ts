// Reads of streams and of $all: directions, limits, what metadata and deletion leave to see, and links.
import {
  BACKWARDS,
  END,
  jsonEvent,
  START,
  StreamDeletedError,
  StreamNotFoundError,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { openLog } from '../../src/eventstore/embedded/log.ts';
import { subscribeToStream } from '../../src/eventstore/embedded/subscriptions.ts';
import type { Outcome } from '../../src/eventstore/embedded/writer.ts';
import { collect, event, events, failureOf, newStream, revisionOf, temporaryDirectory, typeOf, withLog } from './support.ts';

const shared = withLog();

async function streamOf(count: number): Promise<string> {
  const stream = newStream();
  await shared.client.appendToStream(stream, events(count));
  return stream;
}

describe('a stream', () => {
  test.each([
    ['all of it', {}, [0, 1, 2, 3, 4]],
    ['from a revision', { fromRevision: 3n }, [3, 4]],
    ['from a revision, some', { fromRevision: 1n, maxCount: 2 }, [1, 2]],
    ['beyond the end', { fromRevision: 9n }, []],
    ['backwards', { fromRevision: END, direction: BACKWARDS }, [4, 3, 2, 1, 0]],
    ['backwards from a revision', { fromRevision: 2n, direction: BACKWARDS }, [2, 1, 0]],
    ['backwards from beyond the end', { fromRevision: 9n, direction: BACKWARDS, maxCount: 2 }, [4, 3]],
    ['backwards from the start', { fromRevision: START, direction: BACKWARDS }, [0]],
    ['from the largest revision there can be', { fromRevision: 0xffffffffffffffffn, direction: BACKWARDS, maxCount: 1 }, [4]],
  ] as const)('%s', async (_what, options, revisions) => {
    expect(await collect(shared.client.readStream(await streamOf(5), options), revisionOf)).toEqual(revisions);
  });

  test('longer than a page, in both directions', async () => {
    const stream = await streamOf(1500);
    const forwards = Array.from({ length: 1500 }, (_, revision) => revision);
    expect(await collect(shared.client.readStream(stream), revisionOf)).toEqual(forwards);
    expect(await collect(shared.client.readStream(stream, { fromRevision: END, direction: BACKWARDS }), revisionOf)).toEqual(
      forwards.toReversed(),
    );
    expect(await collect(shared.client.readStream(stream, { maxCount: 700 }), revisionOf)).toEqual(forwards.slice(0, 700));
  });

  test('whose events are larger than a page', async () => {
    const stream = newStream();
    for (let n = 0; n < 5; n += 1) await shared.client.appendToStream(stream, event('Large', { n, text: 'x'.repeat(900_000) }));
    expect(await collect(shared.client.readStream(stream), revisionOf)).toEqual([0, 1, 2, 3, 4]);
  });
});

describe('metadata', () => {
  test('$maxCount and $tb hide older events, in both directions', async () => {
    const stream = await streamOf(6);
    await shared.client.setStreamMetadata(stream, { maxCount: 4 });
    expect(await collect(shared.client.readStream(stream), revisionOf)).toEqual([2, 3, 4, 5]);
    await shared.client.setStreamMetadata(stream, { maxCount: 4, truncateBefore: 5 });
    expect(await collect(shared.client.readStream(stream), revisionOf)).toEqual([5]);
    expect(await collect(shared.client.readStream(stream, { fromRevision: END, direction: BACKWARDS }), revisionOf)).toEqual([5]);
    await shared.client.appendToStream(stream, events(1), { expectedRevision: 5n });
    expect(await collect(shared.client.readStream(stream), revisionOf)).toEqual([5, 6]);
  });

  test('a stream whose every event is hidden is empty, not missing', async () => {
    const stream = await streamOf(3);
    await shared.client.setStreamMetadata(stream, { truncateBefore: 3 });
    expect(await collect(shared.client.readStream(stream), revisionOf)).toEqual([]);
  });

  test('comes back as it was set, access control and other properties too; only the newest counts', async () => {
    const stream = await streamOf(1);
    const metadata = { maxAge: 60, cacheControl: 5, acl: { readRoles: ['a', 'b'], writeRoles: ['c'] }, purpose: { of: 'ours' } };
    await shared.client.setStreamMetadata(stream, { maxCount: 1 });
    await shared.client.setStreamMetadata(stream, metadata, { expectedRevision: 0n });
    expect(await shared.client.getStreamMetadata(stream)).toMatchObject({ metadata });
    expect(await collect(shared.client.readStream(`$$${stream}`), revisionOf)).toEqual([1]);
  });

  test('that is not JSON sets nothing', async () => {
    const stream = await streamOf(2);
    await shared.client.appendToStream(`$$${stream}`, jsonEvent({ type: '$metadata', data: 'nothing' }));
    expect(await collect(shared.client.readStream(stream), revisionOf)).toEqual([0, 1]);
  });
});

describe('$maxAge', () => {
  afterEach(() => vi.useRealTimers());

  test('hides what is older, by the time of the append', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2030, 0, 1) });
    const log = openLog(temporaryDirectory());
    const append = (stream: string, type: string, data: object) =>
      new Promise<Outcome>((answer) => {
        const id = Buffer.from(crypto.randomUUID().replaceAll('-', ''), 'hex');
        const one = { id, type, isJson: true, data: Buffer.from(JSON.stringify(data)), metadata: new Uint8Array() };
        log.writer.submit({ stream, expected: -2, change: { is: 'append', events: [one] }, answer });
      });
    const seen = () => log.reads.stream('s', 0, 100).events.map(({ type }) => type);
    const seenBackwards = () => log.reads.streamBackwards('s', 100, 100).events.map(({ type }) => type);
    const subscribed = async () => {
      const over = new AbortController();
      const sent: string[] = [];
      const call = {
        over: over.signal,
        isOverShare: () => false,
        ready: async () => undefined,
        send: (message: Buffer) => void sent.push(message.toString()),
      };
      const subscription = subscribeToStream(log, call, 's', 0, ({ type }) => Buffer.from(type));
      await new Promise((resolve) => setImmediate(resolve));
      over.abort();
      await subscription;
      return sent.slice(1, -1); // between the confirmation and having caught up
    };
    await append('$$s', '$metadata', { $maxAge: 10 });
    await append('s', 'First', {});
    vi.advanceTimersByTime(6000);
    await append('s', 'Second', {});
    expect(seen()).toEqual(['First', 'Second']);
    expect(await subscribed()).toEqual(['First', 'Second']);
    vi.advanceTimersByTime(6000);
    expect(seen()).toEqual(['Second']);
    expect(seenBackwards()).toEqual(['Second']);
    expect(await subscribed()).toEqual(['Second']);
    vi.advanceTimersByTime(6000);
    expect(seen()).toEqual([]);
    expect(log.reads.all(0, 100).events).toHaveLength(3);
    log.close();
  });
});

describe('deletion', () => {
  test('a deleted stream is not found until it is written again, and goes on where it was', async () => {
    const stream = await streamOf(3);
    await shared.client.deleteStream(stream, { expectedRevision: 2n });
    expect(await failureOf(collect(shared.client.readStream(stream), typeOf))).toBeInstanceOf(StreamNotFoundError);
    expect(await failureOf(shared.client.appendToStream(stream, events(1), { expectedRevision: 'stream_exists' }))).toBeInstanceOf(
      StreamDeletedError,
    );
    expect(await shared.client.appendToStream(stream, events(2), { expectedRevision: 2n })).toMatchObject({ nextExpectedRevision: 4n });
    expect(await collect(shared.client.readStream(stream), revisionOf)).toEqual([3, 4]);
    expect(await shared.client.getStreamMetadata(stream)).toMatchObject({ metadata: { truncateBefore: 3 } });
  });

  test('metadata set on a deleted stream brings it back, empty', async () => {
    const stream = await streamOf(3);
    await shared.client.deleteStream(stream);
    expect(await shared.client.setStreamMetadata(stream, { maxCount: 9 })).toMatchObject({ nextExpectedRevision: 1n });
    expect(await collect(shared.client.readStream(stream), revisionOf)).toEqual([]);
    expect(await shared.client.getStreamMetadata(stream)).toMatchObject({ metadata: { maxCount: 9, truncateBefore: 3 } });
  });

  test.each(['deleteStream', 'tombstoneStream'] as const)('%s keeps to the expected revision', async (remove) => {
    const stream = await streamOf(3);
    for (const expectedRevision of [1n, 7n, 'no_stream'] as const) {
      const error = await failureOf(shared.client[remove](stream, { expectedRevision }));
      expect(error).toBeInstanceOf(WrongExpectedVersionError);
      expect(error).toMatchObject({ streamName: stream, actualVersion: 2n });
    }
    expect(await shared.client[remove](stream, { expectedRevision: 2n })).toMatchObject({ position: { commit: expect.any(BigInt) } });
  });

  test('a stream that never was cannot be deleted, but can be closed for good', async () => {
    const stream = newStream();
    expect(await failureOf(shared.client.deleteStream(stream))).toBeInstanceOf(WrongExpectedVersionError);
    await shared.client.tombstoneStream(stream);
    expect(await failureOf(collect(shared.client.readStream(stream), typeOf))).toBeInstanceOf(StreamDeletedError);
    expect(await failureOf(shared.client.getStreamMetadata(stream))).toBeInstanceOf(StreamDeletedError);
  });
});

describe('$all', () => {
  test('is every event in one order, from a position on and before one', async () => {
    const [one, two] = [newStream(), newStream()];
    const first = await shared.client.appendToStream(one, events(2));
    const second = await shared.client.appendToStream(two, events(2));
    const third = await shared.client.appendToStream(one, events(1));
    const position = first.position ?? { commit: 0n, prepare: 0n };
    const last = third.position ?? { commit: 0n, prepare: 0n };
    const pick = ({ event: read, commitPosition }: { event?: { streamId: string; revision: bigint }; commitPosition?: bigint }) =>
      [read?.streamId, Number(read?.revision), commitPosition] as const;
    const forwards = await collect(shared.client.readAll({ fromPosition: position, maxCount: 4 }), pick);
    expect(forwards.map(([stream, revision]) => [stream, revision])).toEqual([
      [one, 1],
      [two, 0],
      [two, 1],
      [one, 2],
    ]);
    expect(forwards[2]?.[2]).toBe(second.position?.commit);
    const backwards = await collect(shared.client.readAll({ fromPosition: last, direction: BACKWARDS, maxCount: 3 }), pick);
    expect(backwards).toEqual(forwards.slice(0, 3).toReversed());
  });

  test('from its end forwards, and from its start backwards, there is nothing', async () => {
    await streamOf(1);
    expect(await collect(shared.client.readAll({ fromPosition: END }), typeOf)).toEqual([]);
    expect(await collect(shared.client.readAll({ fromPosition: START, direction: BACKWARDS }), typeOf)).toEqual([]);
  });
});

describe('links', () => {
  const link = (target: string) => jsonEvent({ type: '$>', data: target });

  test('are resolved where that is asked for, and led nowhere by what is gone', async () => {
    const [target, gone, links] = [await streamOf(2), await streamOf(1), newStream()];
    await shared.client.deleteStream(gone);
    // The real server's projections write a link's target bare; JSON would put it in quotes.
    const bare = (text: string) => ({
      ...link(text),
      contentType: 'application/octet-stream' as const,
      data: new TextEncoder().encode(text),
    });
    for (const text of [`1@${target}`, `0@${gone}`, `9@${target}`, 'nonsense']) await shared.client.appendToStream(links, bare(text));
    const pick = ({
      event: read,
      link: by,
      commitPosition,
    }: {
      event?: { revision: bigint; streamId: string };
      link?: { revision: bigint; position?: { commit: bigint } };
      commitPosition?: bigint;
    }) => ({
      event: read && [read.streamId, Number(read.revision)],
      link: by && Number(by.revision),
      isAtLink: by !== undefined && by.position?.commit === commitPosition,
    });
    expect(await collect(shared.client.readStream(links, { resolveLinkTos: true }), pick)).toEqual([
      { event: [target, 1], link: 0, isAtLink: true },
      { event: undefined, link: 1, isAtLink: true },
      { event: undefined, link: 2, isAtLink: true },
      { event: undefined, link: 3, isAtLink: true },
    ]);
    expect(await collect(shared.client.readStream(links, { maxCount: 1 }), pick)).toEqual([
      { event: [links, 0], link: undefined, isAtLink: false },
    ]);
  });
});

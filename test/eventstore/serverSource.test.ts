// More of what a real server answers, of the kind that was observed of one (`golden.test.ts`). Here it follows from its source, of
// which each part names the class (in EventStore.Core of github.com/EventStore/EventStore, as of 24.6), and from what the client makes
// of it. "Inferred" is what several parts of the source do together, and nobody has seen yet.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  ANY,
  type AppendExpectedRevision,
  type AppendResult,
  type AppendToStreamOptions,
  BACKWARDS,
  binaryEvent,
  END,
  EventStoreDBClient,
  FORWARDS,
  jsonEvent,
  NO_STREAM,
  persistentSubscriptionToAllSettingsFromDefaults,
  persistentSubscriptionToStreamSettingsFromDefaults,
  type ResolvedEvent,
  START,
  STREAM_EXISTS,
  StreamDeletedError,
  StreamNotFoundError,
  streamNameFilter,
  UnknownError,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import { describe, expect, test } from 'vitest';
import { ANY as NO_EXPECTATION } from '../../src/eventstore/embedded/events.ts';
import { openLog } from '../../src/eventstore/embedded/log.ts';
import { subscribeToStream } from '../../src/eventstore/embedded/subscriptions.ts';
import type { Outcome } from '../../src/eventstore/embedded/writer.ts';
import { arrivals, collect, event, events, failureOf, newStream, revisionOf, temporaryDirectory, typeOf, withLog } from './support.ts';

const shared = withLog();

/** What came of a change of a stream, in a word or two. */
async function outcomeOf(change: Promise<Partial<AppendResult>>): Promise<string> {
  try {
    const { nextExpectedRevision, position } = await change;
    const revision = nextExpectedRevision === undefined ? '' : ` ${nextExpectedRevision}`;
    return `ok${revision}${position ? '' : ', no position'}`;
  } catch (error) {
    if (error instanceof StreamDeletedError) return 'deleted';
    if (error instanceof WrongExpectedVersionError) return `wrong ${error.actualVersion}`;
    throw error;
  }
}

async function typesOf(seen: ReturnType<typeof arrivals>, count: number): Promise<(string | undefined)[]> {
  const types: (string | undefined)[] = [];
  while (types.length < count) {
    const arrival = await seen.next();
    if (arrival instanceof Error) throw arrival;
    types.push(arrival === 'caughtUp' ? arrival : arrival.event?.type);
  }
  return types;
}

/** Streams as they can be found, made anew for each test. */
const states = {
  'never written': async () => {},
  'has metadata only': async (stream: string) => void (await shared.client.setStreamMetadata(stream, { cacheControl: 5 })),
  'has three events': async (stream: string) => void (await shared.client.appendToStream(stream, events(3))),
  'was deleted': async (stream: string) => {
    await shared.client.appendToStream(stream, events(3));
    await shared.client.deleteStream(stream);
  },
  'had metadata only, and was deleted': async (stream: string) => {
    await states['has metadata only'](stream);
    await shared.client.deleteStream(stream);
  },
  'was deleted and written again': async (stream: string) => {
    await states['was deleted'](stream);
    await shared.client.appendToStream(stream, events(1));
  },
  'has a tombstone': async (stream: string) => {
    await shared.client.appendToStream(stream, events(3));
    await shared.client.tombstoneStream(stream);
  },
};

const calls: [string, AppendToStreamOptions][] = [
  ['BatchAppend', {}],
  ['Append', { credentials: { username: 'nobody', password: 'nothing' } }],
];

// IndexWriter.CheckCommit. Outcomes are in the order of `expectations`.
describe.each(calls)('%s to a stream that', (_call, options) => {
  const expectations = [ANY, NO_STREAM, STREAM_EXISTS, 0n, 2n, 3n] as const;
  test.each([
    ['never written', ['ok 0', 'ok 0', 'wrong no_stream', 'wrong no_stream', 'wrong no_stream', 'wrong no_stream']],
    ['has metadata only', ['ok 0', 'ok 0', 'ok 0', 'wrong no_stream', 'wrong no_stream', 'wrong no_stream']],
    ['has three events', ['ok 3', 'wrong 2', 'ok 3', 'wrong 2', 'ok 3', 'wrong 2']],
    ['was deleted', ['ok 3', 'ok 3', 'deleted', 'wrong 2', 'ok 3', 'wrong 2']],
    ['had metadata only, and was deleted', ['ok 0', 'ok 0', 'deleted', 'wrong no_stream', 'wrong no_stream', 'wrong no_stream']],
    ['was deleted and written again', ['ok 4', 'wrong 3', 'ok 4', 'wrong 3', 'wrong 3', 'ok 4']],
    ['has a tombstone', ['deleted', 'deleted', 'deleted', 'deleted', 'deleted', 'deleted']],
  ] as const)('%s', async (state, outcomes) => {
    const found: string[] = [];
    for (const expectedRevision of expectations) {
      const stream = newStream();
      await states[state](stream);
      found.push(await outcomeOf(shared.client.appendToStream(stream, event('A'), { ...options, expectedRevision })));
    }
    expect(found).toEqual(outcomes);
  });
});

// StorageWriterService, WriteDelete: as an append of one event, and a stream that never was has nothing to delete.
describe.each([
  ['deleteStream', 'wrong -1', 'wrong -1'],
  ['tombstoneStream', 'ok', 'ok'],
] as const)('%s of a stream that', (remove, neverAny, neverNone) => {
  const expectations = [ANY, NO_STREAM, 1n, 2n, 3n] as const;
  test.each([
    ['never written', [neverAny, neverNone, 'wrong -1', 'wrong -1', 'wrong -1']],
    ['has metadata only', ['ok', 'ok', 'wrong -1', 'wrong -1', 'wrong -1']],
    ['has three events', ['ok', 'wrong 2', 'wrong 2', 'ok', 'wrong 2']],
    ['was deleted', ['ok', 'ok', 'wrong 2', 'ok', 'wrong 2']],
    ['had metadata only, and was deleted', ['ok', 'ok', 'wrong -1', 'wrong -1', 'wrong -1']],
    ['was deleted and written again', ['ok', 'wrong 3', 'wrong 3', 'wrong 3', 'ok']],
    ['has a tombstone', ['deleted', 'deleted', 'deleted', 'deleted', 'deleted']],
  ] as const)('%s', async (state, outcomes) => {
    const found: string[] = [];
    for (const expectedRevision of expectations) {
      const stream = newStream();
      await states[state](stream);
      found.push(await outcomeOf(shared.client[remove](stream, { expectedRevision })));
    }
    expect(found).toEqual(outcomes);
  });
});

// IndexWriter.CheckCommit again, where it looks for the events of an append in the stream. Its position is told where a read would find
// the last of them (IndexReader.ReadEvent; RequestManagerBase.ReturnCommitAt; BatchAppendResp.Success.Completed).
describe.each(calls)('%s of events that may be there already', (_call, options) => {
  const ids = new Map(['a', 'b', 'c'].map((name) => [name, randomUUID()]));
  const named = (names: string): ReturnType<typeof event>[] => [...names].map((name) => event(name, {}, ids.get(name) ?? randomUUID()));

  async function found(before: (stream: string) => Promise<unknown>, names: string, expectedRevision: AppendExpectedRevision) {
    const stream = newStream();
    await shared.client.appendToStream(stream, named('abc'), { expectedRevision: NO_STREAM });
    await before(stream);
    const outcome = await outcomeOf(shared.client.appendToStream(stream, named(names), { ...options, expectedRevision }));
    const { position } = await shared.client.appendToStream(stream, event('Last'));
    const all = shared.client.readAll({ fromPosition: position ?? END, direction: BACKWARDS, maxCount: 10 });
    const stored = await collect(all, ({ event: read }) => (read?.streamId === stream ? read.type : ''));
    return [outcome, stored.toReversed().join('')];
  }
  const nothing = async () => undefined;

  test.each([
    ['abc', NO_STREAM, 'ok 2', 'abc'],
    ['a', NO_STREAM, 'ok 0', 'abc'],
    ['b', NO_STREAM, 'wrong 2', 'abc'],
    ['abcx', NO_STREAM, 'wrong 2', 'abc'],
    ['bc', 0n, 'ok 2', 'abc'],
    ['c', 1n, 'ok 2', 'abc'],
    ['cx', 1n, 'wrong 2', 'abc'],
    ['bx', 0n, 'wrong 2', 'abc'],
    ['cb', 0n, 'wrong 2', 'abc'],
    // At the stream's own revision nothing is looked for: the event is there twice then.
    ['c', 2n, 'ok 3', 'abcc'],
    ['a', ANY, 'ok 0', 'abc'],
    ['bc', ANY, 'ok 2', 'abc'],
    ['ca', ANY, 'ok 0', 'abc'],
    ['ax', ANY, 'wrong 2', 'abc'],
    ['xa', ANY, 'ok 4', 'abcxa'],
    ['abc', STREAM_EXISTS, 'ok 2', 'abc'],
    ['xc', STREAM_EXISTS, 'ok 4', 'abcxc'],
    ['', ANY, 'ok 2', 'abc'],
    ['', 2n, 'ok 2', 'abc'],
    ['', 1n, 'wrong 2', 'abc'],
    ['', NO_STREAM, 'wrong 2', 'abc'],
  ] as const)('%j, where %s is expected: %s', async (names, expected, outcome, stored) => {
    expect(await found(nothing, names, expected)).toEqual([outcome, expect.stringMatching(new RegExp(`${stored}$`))]);
  });

  test.each([
    ['hidden by $maxCount', (stream: string) => shared.client.setStreamMetadata(stream, { maxCount: 1 })],
    ['hidden by $tb', (stream: string) => shared.client.setStreamMetadata(stream, { truncateBefore: 2 })],
  ])('%s, a repeat is one still, but says no position', async (_how, hide) => {
    expect(await found(hide, 'ab', NO_STREAM)).toEqual(['ok 1, no position', expect.stringContaining('abc')]);
    expect(await found(hide, 'ab', ANY)).toEqual(['ok 1, no position', expect.stringContaining('abc')]);
    expect(await found(hide, 'bc', 0n)).toEqual(['ok 2', expect.stringContaining('abc')]);
  });

  test('in a deleted stream, a repeat does not bring it back, and anything else does', async () => {
    const stream = newStream();
    const append = (names: string, expectedRevision: AppendExpectedRevision) =>
      outcomeOf(shared.client.appendToStream(stream, named(names), { ...options, expectedRevision }));
    await append('abc', NO_STREAM);
    await shared.client.deleteStream(stream);
    expect(await append('abc', NO_STREAM)).toBe('ok 2, no position');
    expect(await append('abc', ANY)).toBe('ok 2, no position');
    expect(await failureOf(collect(shared.client.readStream(stream), typeOf))).toBeInstanceOf(StreamNotFoundError);
    expect(await append('axc', NO_STREAM)).toBe('wrong 2');
    expect(await append('xabc', NO_STREAM)).toBe('ok 6');
    expect(await collect(shared.client.readStream(stream), typeOf)).toEqual(['x', 'a', 'b', 'c']);
  });
});

// AppendResp and BatchAppendResp tell both revisions apart from what is no revision; the client makes a value of the failure when told to.
test.each(calls)('%s says what it found instead, as an error or as a value', async (_call, options) => {
  const soft = EventStoreDBClient.connectionString(`${shared.log.connectionString}&throwOnAppendFailure=false`);
  const stream = newStream();
  for (const expectedRevision of [STREAM_EXISTS, 4n] as const) {
    const error = await failureOf(shared.client.appendToStream(stream, event('A'), { ...options, expectedRevision }));
    expect(error).toMatchObject({ streamName: stream, expectedVersion: expectedRevision, actualVersion: 'no_stream' });
    const value = await soft.appendToStream(stream, event('A'), { ...options, expectedRevision });
    expect(value).toEqual({ success: false, nextExpectedRevision: -1n, position: undefined });
  }
  await shared.client.tombstoneStream(stream);
  expect(await failureOf(soft.appendToStream(stream, event('A'), options))).toBeInstanceOf(StreamDeletedError);
  await soft.dispose();
});

// Data.Event: neither may be empty.
test.each(calls)('%s refuses an event without id or type, and stores none of the others', async (_call, options) => {
  const stream = newStream();
  for (const none of [event('A', {}, '00000000-0000-0000-0000-000000000000'), event('')]) {
    expect(await failureOf(shared.client.appendToStream(stream, [event('A'), none], options))).toBeInstanceOf(UnknownError);
  }
  expect(await failureOf(collect(shared.client.readStream(stream), typeOf))).toBeInstanceOf(StreamNotFoundError);
});

// SystemStreams.IsInvalidStream
test.each(calls)('%s to a stream without a name is refused', async (_call, options) => {
  for (const name of ['', '$$']) {
    expect(await failureOf(shared.client.appendToStream(name, event('A'), options))).toBeInstanceOf(UnknownError);
  }
});

describe('a read of a stream', () => {
  // IndexReader.ReadStreamEventsForward and Backward: hidden below 6 by $tb, of ten.
  test.each([
    [{ fromRevision: START }, [6, 7, 8, 9]],
    [{ fromRevision: 3n, maxCount: 2 }, [6, 7]],
    [{ fromRevision: 8n }, [8, 9]],
    [{ fromRevision: 10n }, []],
    [{ fromRevision: 9_007_199_254_740_993n }, []],
    [{ direction: BACKWARDS, fromRevision: END }, [9, 8, 7, 6]],
    [{ direction: BACKWARDS, fromRevision: 7n }, [7, 6]],
    [{ direction: BACKWARDS, fromRevision: 5n }, []],
    [{ direction: BACKWARDS, fromRevision: START }, []],
    [{ direction: BACKWARDS, fromRevision: 40n, maxCount: 3 }, [9, 8, 7]],
    [{ direction: BACKWARDS, fromRevision: 0xffffffffffffffffn, maxCount: 1 }, [9]],
  ] as const)('of which the beginning is hidden: %o', async (options, revisions) => {
    const stream = newStream();
    await shared.client.appendToStream(stream, events(10));
    await shared.client.setStreamMetadata(stream, { truncateBefore: 6 });
    expect(await collect(shared.client.readStream(stream, options), revisionOf)).toEqual(revisions);
  });

  // IndexReader.ReadStreamEventsForward wants a revision and a count, StreamRevision.ToInt64 makes -1 of the end, and
  // Enumerator.ReadStreamForwards tells what StorageReaderWorker made of that.
  test.each([
    ['forwards from the end', { fromRevision: END, direction: FORWARDS }],
    ['forwards from the revision that means the end', { fromRevision: 0xffffffffffffffffn }],
    ['of no events', { maxCount: 0 }],
    ['of no events, backwards', { maxCount: 0, fromRevision: END, direction: BACKWARDS }],
  ] as const)('%s is an error, whether there is a stream or not', async (_what, options) => {
    const stream = newStream();
    const read = () => failureOf(collect(shared.client.readStream(stream, options), typeOf));
    for (const make of [async () => {}, () => shared.client.appendToStream(stream, events(3))]) {
      await make();
      const error = await read();
      expect(error).toBeInstanceOf(UnknownError);
      expect(error).toMatchObject({ code: 2, message: '2 UNKNOWN: Unexpected ReadStreamResult: Error' });
    }
  });

  test.each([
    ['has metadata only', StreamNotFoundError],
    ['was deleted', StreamNotFoundError],
    ['has a tombstone', StreamDeletedError],
  ] as const)('that %s fails in both directions', async (state, error) => {
    const stream = newStream();
    await states[state](stream);
    for (const options of [{}, { direction: BACKWARDS, fromRevision: END }, { fromRevision: 50n }] as const) {
      const failure = await failureOf(collect(shared.client.readStream(stream, options), typeOf));
      expect(failure).toBeInstanceOf(error);
      expect(failure).toMatchObject({ streamName: stream });
    }
  });

  // None of these is kept by the server; projections would fill the last two.
  test.each(['$all', '$streams', '$ce-thing', '$et-Thing'])('called %s finds none', async (name) => {
    expect(await failureOf(collect(shared.client.readStream(name), typeOf))).toBeInstanceOf(StreamNotFoundError);
  });
});

/** A log without a network, and an append to it of data as they are: the client makes JSON of all that says it is JSON. */
function bareLog() {
  const log = openLog(temporaryDirectory());
  const append = (stream: string, type: string, data = '{}', isJson = true): Promise<Outcome> =>
    new Promise((answer) => {
      const id = Buffer.from(randomUUID().replaceAll('-', ''), 'hex');
      const proposed = { id, type, isJson, data: Buffer.from(data), metadata: new Uint8Array() };
      log.writer.submit({ stream, expected: NO_EXPECTATION, change: { is: 'append', events: [proposed] }, answer });
    });
  const shown = (stream: string) => log.reads.stream(stream, 0, 100).events.map(({ revision }) => revision);
  const remove = (stream: string, is: 'delete' | 'tombstone' = 'delete'): Promise<Outcome> =>
    new Promise((answer) => log.writer.submit({ stream, expected: NO_EXPECTATION, change: { is }, answer }));
  return { log, append, shown, remove };
}

describe('metadata', () => {
  // StreamMetadata.FromJsonReader, and IndexReader.GetStreamMetadataUncached: what is left to see of five events.
  test.each([
    ['{"$maxCount":2}', [3, 4]],
    ['{"$maxCount":0}', [0, 1, 2, 3, 4]],
    ['{"$maxCount":-1,"$tb":3}', [3, 4]],
    ['{"$maxCount":"2","$tb":3}', [0, 1, 2, 3, 4]],
    ['{"$maxCount":2.5,"$tb":3}', [0, 1, 2, 3, 4]],
    ['{"$cacheControl":"long","$tb":3}', [0, 1, 2, 3, 4]],
    ['{"$maxAge":1000,"$tb":1,"$maxCount":2,"mine":{"$tb":"x"}}', [3, 4]],
    ['{"$tb":9007199254740991}', []],
    // What JavaScript makes of the largest 64-bit integer is larger than that.
    ['{"$tb":9223372036854776000}', [0, 1, 2, 3, 4]],
    ['[{"$tb":3}]', [0, 1, 2, 3, 4]],
    ['{"$tb":3', [0, 1, 2, 3, 4]],
    ['', [0, 1, 2, 3, 4]],
  ])('%s', async (text, revisions) => {
    const { log, append, shown } = bareLog();
    for (let n = 0; n < 5; n += 1) await append('s', 'Counted');
    await append('$$s', '$metadata', text);
    expect(shown('s')).toEqual(revisions);
    await append('$$s', '$metadata', '{"$tb":4}', false);
    expect(shown('s')).toEqual([0, 1, 2, 3, 4]);
    log.close();
  });

  // StorageWriterService.SoftUndeleteMetastream: a second `$metadata`, unless there is no JSON to put the new beginning into.
  test.each([
    ['{"mine":1}', ['{"$tb":9223372036854775807}', '{"mine":1}', '{"mine":1,"$tb":2}'], [2]],
    ['{"$tb":0}', ['{"$tb":9223372036854775807}', '{"$tb":0}', '{"$tb":2}'], [2]],
    ['{"mine"', ['{"$tb":9223372036854775807}', '{"mine"'], [0, 1, 2]],
  ])('%s, set on a deleted stream', async (text, metadata, revisions) => {
    const { log, append, shown, remove } = bareLog();
    await append('s', 'A');
    await append('s', 'B');
    await remove('s');
    await append('$$s', '$metadata', text);
    await append('s', 'C');
    const all = log.reads.all(0, 100).events;
    expect(all.flatMap(({ type, data }) => (type === '$metadata' ? [Buffer.from(data).toString()] : []))).toEqual(metadata);
    expect(shown('s')).toEqual(revisions);
    log.close();
  });

  // An append to a stream like any other (the client's setStreamMetadata.js), of which the newest event counts (IndexReader).
  test('is a stream with revisions, and is asked for as the client asks', async () => {
    const stream = newStream();
    const set = (expectedRevision: AppendExpectedRevision) =>
      outcomeOf(shared.client.setStreamMetadata(stream, { maxCount: 3, mine: [1, { two: null }] }, { expectedRevision }));
    expect(await set(0n)).toBe('wrong no_stream');
    expect(await set(NO_STREAM)).toBe('ok 0');
    expect(await set(NO_STREAM)).toBe('wrong 0');
    expect(await set(0n)).toBe('ok 1');
    expect(await set(STREAM_EXISTS)).toBe('ok 2');
    expect(await collect(shared.client.readStream(`$$${stream}`), revisionOf)).toEqual([2]);
    expect(await shared.client.getStreamMetadata(stream)).toEqual({
      streamName: stream,
      metadata: { maxCount: 3, mine: [1, { two: null }] },
      metastreamRevision: expect.any(BigInt),
    });
    await shared.client.deleteStream(stream);
    expect((await shared.client.getStreamMetadata(stream)).metadata).toEqual({ truncateBefore: 2 ** 63 });
    await shared.client.tombstoneStream(stream);
    expect(await failureOf(shared.client.getStreamMetadata(stream))).toMatchObject({ streamName: `$$${stream}` });
    expect(await set(ANY)).toBe('deleted');
  });

  // IndexReader and IndexWriter count revisions as if nothing were hidden.
  test('that hides everything leaves the numbers as they are', async () => {
    const stream = newStream();
    await shared.client.appendToStream(stream, events(3));
    await shared.client.setStreamMetadata(stream, { truncateBefore: 100 });
    expect(await collect(shared.client.readStream(stream), revisionOf)).toEqual([]);
    expect(await outcomeOf(shared.client.appendToStream(stream, event('A'), { expectedRevision: NO_STREAM }))).toBe('wrong 2');
    expect(await outcomeOf(shared.client.appendToStream(stream, event('A'), { expectedRevision: 2n }))).toBe('ok 3');
    expect(await collect(shared.client.readStream(stream), revisionOf)).toEqual([]);
    await shared.client.setStreamMetadata(stream, {});
    expect(await collect(shared.client.readStream(stream), revisionOf)).toEqual([0, 1, 2, 3]);
  });
});

describe('links', () => {
  const link = (text: string) => binaryEvent({ type: '$>', data: new TextEncoder().encode(text) });
  const pick = ({ event: read, link: by }: ResolvedEvent) => [read && `${read.type} ${read.revision}`, by && `${by.type} ${by.revision}`];

  // StorageReaderWorker.ResolveLinkToEvent: the number before the first @, the stream after it, in IndexReader.ReadEvent.
  test('lead to what a read of their target shows, one step far', async () => {
    const [kept, counted, truncated, deleted, tombstoned, links] = Array.from({ length: 6 }, () => `${newStream()}@home`);
    if (!kept || !counted || !truncated || !deleted || !tombstoned || !links) throw new Error('There are six');
    for (const stream of [kept, counted, truncated, deleted, tombstoned]) await shared.client.appendToStream(stream, events(3));
    await shared.client.setStreamMetadata(counted, { maxCount: 1 });
    await shared.client.setStreamMetadata(truncated, { truncateBefore: 1 });
    await shared.client.deleteStream(deleted);
    await shared.client.tombstoneStream(tombstoned);
    const targets = [
      [`0@${kept}`, 'Counted 0'],
      [`3@${kept}`, undefined],
      [`1@${counted}`, undefined],
      [`2@${counted}`, 'Counted 2'],
      [`0@${truncated}`, undefined],
      [`1@${truncated}`, 'Counted 1'],
      [`0@${deleted}`, undefined],
      [`0@${tombstoned}`, undefined],
      [`0@$$${counted}`, '$metadata 0'],
      [`0@${links}`, '$> 0'],
      ['0@', undefined],
      [`@${kept}`, undefined],
      [`one@${kept}`, undefined],
      ['', undefined],
    ] as const;
    for (const [text] of targets) await shared.client.appendToStream(links, link(text));
    // JSON has quotes, and these are no part of a number.
    await shared.client.appendToStream(links, jsonEvent({ type: '$>', data: `0@${kept}` }));
    const expected = [...targets.map(([, target]) => target), undefined].map((target, n) => [target, `$> ${n}`]);
    expect(await collect(shared.client.readStream(links, { resolveLinkTos: true }), pick)).toEqual(expected);
    const backwards = { resolveLinkTos: true, direction: BACKWARDS, fromRevision: END } as const;
    expect(await collect(shared.client.readStream(links, backwards), pick)).toEqual(expected.toReversed());
    expect(await collect(shared.client.readStream(links), pick)).toEqual(expected.map(([, by]) => [by, undefined]));
  });

  // ResolvedEvent: each event has its own position, and the pair that of the link.
  test('keep their place beside that of their target, in $all and in a filtered subscription as well', async () => {
    const [target, links] = [newStream(), newStream()];
    const { position: of } = await shared.client.appendToStream(target, event('Target'));
    const { position: at } = await shared.client.appendToStream(links, link(`0@${target}`));
    const resolved = { commitPosition: at?.commit, event: { type: 'Target', position: of }, link: { type: '$>', position: at } };
    const all = shared.client.readAll({ fromPosition: at ?? END, maxCount: 1, resolveLinkTos: true });
    expect(await collect(all, (read) => read)).toMatchObject([resolved]);
    expect(await collect(shared.client.readStream(links, { resolveLinkTos: true }), (read) => read)).toMatchObject([resolved]);
    // The filter is asked about the link.
    const filter = streamNameFilter({ prefixes: [links] });
    const subscription = shared.client.subscribeToAll({ fromPosition: of ?? START, resolveLinkTos: true, filter });
    expect(await arrivals(subscription).next()).toMatchObject(resolved);
    await subscription.unsubscribe();
  });
});

// ReadAll goes by the position of each record in the log; what is asked for from a position begins with it, and what is asked for
// backwards from it begins before it (AllReader).
test('$all shows what is hidden in its stream, deletions and tombstones, as they are written', async () => {
  const stream = newStream();
  const { position } = await shared.client.appendToStream(stream, events(2));
  await shared.client.setStreamMetadata(stream, { maxCount: 1 });
  await shared.client.deleteStream(stream);
  await shared.client.appendToStream(stream, event('Again'));
  await shared.client.tombstoneStream(stream);
  const pick = ({ event: read }: ResolvedEvent) => [read?.streamId, read?.revision, read?.type, read?.isJson, read?.data];
  expect(await collect(shared.client.readAll({ fromPosition: position ?? END }), pick)).toEqual([
    [stream, 1n, 'Counted', true, { n: 1 }],
    [`$$${stream}`, 0n, '$metadata', true, { $maxCount: 1 }],
    [`$$${stream}`, 1n, '$metadata', true, { $tb: 2 ** 63 }],
    [stream, 2n, 'Again', true, {}],
    [`$$${stream}`, 2n, '$metadata', true, { $tb: 2 }],
    [stream, 2n ** 63n - 1n, '$streamDeleted', false, new Uint8Array()],
  ]);
});

// Data of any length and kind come back as they went, under any name; JSON is what says that it is (convertGrpcEvent.js).
test('events without data, with data of other kinds, and under names of other kinds', async () => {
  const stream = `${newStream()} with spaces/slashes?and=more#%41\n"quotes"`;
  const sent = [
    jsonEvent({ type: 'a type with spaces', data: {}, metadata: { $correlationId: 'c', nested: { deep: [null] } } }),
    jsonEvent({ type: 'T'.repeat(1000), data: 'just a text' }),
    jsonEvent({ type: 'list', data: [1, 'two', null, { three: 3 }] }),
    binaryEvent({ type: 'empty', data: new Uint8Array() }),
    binaryEvent({ type: 'bytes', data: Uint8Array.from([0, 255]), metadata: Uint8Array.from([254]) }),
  ];
  await shared.client.appendToStream(stream, sent);
  const pick = ({ event: read }: ResolvedEvent) => ({
    stream: read?.streamId,
    id: read?.id,
    type: read?.type,
    data: read?.data,
    metadata: read?.metadata,
  });
  expect(await collect(shared.client.readStream(stream), pick)).toEqual(
    sent.map(({ id, type, data, metadata }) => ({ stream, id, type, data, metadata })),
  );
  await shared.client.deleteStream(stream);
  expect(await failureOf(collect(shared.client.readStream(stream), typeOf))).toMatchObject({ streamName: stream });
});

describe('a subscription to a stream', () => {
  // Enumerator.StreamSubscription: reads on until there is something, keeps to what is after its revision, then says so.
  test.each([
    ['from a revision that it has not reached', { fromRevision: 5n }, ['caughtUp', 'Six']],
    ['from its last revision', { fromRevision: 2n }, ['caughtUp', 'Three', 'Four', 'Five', 'Six']],
    ['from its end', { fromRevision: END }, ['caughtUp', 'Three', 'Four', 'Five', 'Six']],
    ['from the revision that means the end', { fromRevision: 0xffffffffffffffffn }, ['caughtUp', 'Three', 'Four', 'Five', 'Six']],
    ['from its start', { fromRevision: START }, ['Counted', 'Counted', 'Counted', 'caughtUp', 'Three', 'Four', 'Five', 'Six']],
  ] as const)('%s', async (_what, options, expected) => {
    const stream = newStream();
    await shared.client.appendToStream(stream, events(3));
    const subscription = shared.client.subscribeToStream(stream, options);
    const seen = arrivals(subscription);
    await new Promise((resolve) => subscription.once('caughtUp', resolve));
    for (const type of ['Three', 'Four', 'Five', 'Six']) await shared.client.appendToStream(stream, event(type));
    expect(await typesOf(seen, expected.length)).toEqual(expected);
    await subscription.unsubscribe();
  });

  test('goes on through a deletion, and shows what is written after it', async () => {
    const stream = newStream();
    await shared.client.appendToStream(stream, events(2));
    const subscription = shared.client.subscribeToStream(stream);
    const seen = arrivals(subscription);
    expect(await typesOf(seen, 3)).toEqual(['Counted', 'Counted', 'caughtUp']);
    await shared.client.deleteStream(stream);
    await shared.client.appendToStream(stream, event('Again'));
    expect(await typesOf(seen, 1)).toEqual(['Again']);
    await shared.client.tombstoneStream(stream);
    expect(await seen.next()).toBeInstanceOf(StreamDeletedError);
  });

  test('does not show what was hidden when it caught up', async () => {
    const stream = newStream();
    await shared.client.appendToStream(stream, events(3));
    await shared.client.setStreamMetadata(stream, { truncateBefore: 100 });
    const subscription = shared.client.subscribeToStream(stream);
    const seen = arrivals(subscription);
    expect(await seen.next()).toBe('caughtUp');
    await shared.client.appendToStream(stream, event('A'));
    expect(await typesOf(seen, 1)).toEqual(['A']);
    await subscription.unsubscribe();
  });

  test('that is deleted waits for it, and has caught up with it once metadata bring it back', async () => {
    const stream = newStream();
    await states['was deleted'](stream);
    const subscription = shared.client.subscribeToStream(stream);
    const seen = arrivals(subscription);
    await new Promise((resolve) => subscription.once('confirmation', resolve));
    expect(seen.seen).toEqual([]);
    await shared.client.setStreamMetadata(stream, { cacheControl: 5 });
    expect(await seen.next()).toBe('caughtUp');
    await shared.client.appendToStream(stream, event('A'));
    expect(await typesOf(seen, 1)).toEqual(['A']);
    await subscription.unsubscribe();
  });

  // SubscriptionsService.ProcessEventCommited sends every event that is committed; only what is read is looked at for metadata.
  test('that has caught up has all that is written, also what is hidden before it could be sent', async () => {
    const { log, append, remove } = bareLog();
    const sent: string[] = [];
    const over = new AbortController();
    const call = {
      over: over.signal,
      isOverShare: () => false,
      ready: async () => undefined,
      send: (message: Buffer) => void sent.push(message.toString('latin1')),
    };
    await append('s', 'First');
    const subscription = subscribeToStream(log, call, 's', 0, ({ type }) => Buffer.from(type));
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    await turn();
    sent.length = 0;
    // Each of these is one commit.
    await Promise.all([append('s', 'A'), append('s', 'B'), append('$$s', '$metadata', '{"$maxCount":1}'), append('s', 'C')]);
    await turn();
    expect(sent.splice(0)).toEqual(['A', 'B', 'C']);
    await Promise.all([append('s', 'D'), append('$$s', '$metadata', '{"$tb":100}'), append('s', 'E')]);
    await turn();
    expect(sent.splice(0)).toEqual(['D', 'E']);
    await Promise.all([append('s', 'F'), remove('s'), append('s', 'G')]);
    await turn();
    expect(sent.splice(0)).toEqual(['F', 'G']);
    await Promise.all([append('s', 'H'), remove('s', 'tombstone')]);
    expect(await failureOf(subscription)).toMatchObject({ message: "Event stream 's' is deleted." });
    expect(sent).toEqual(['H']);
    log.close();
  });

  // Inferred: SubscriptionsService confirms it, and nothing reads the stream.
  test('from the end of one with a tombstone is confirmed, and nothing comes', async () => {
    const stream = newStream();
    await states['has a tombstone'](stream);
    const subscription = shared.client.subscribeToStream(stream, { fromRevision: END });
    const seen = arrivals(subscription);
    expect(await seen.next()).toBe('caughtUp');
    await shared.client.appendToStream(newStream(), event('Elsewhere'));
    await subscription.unsubscribe();
    expect(seen.seen).toEqual(['caughtUp']);
  });

  test('to its metadata, and to what projections would write, is one like any other', async () => {
    const stream = newStream();
    const subscription = shared.client.subscribeToStream(`$$${stream}`);
    const seen = arrivals(subscription);
    await shared.client.setStreamMetadata(stream, { maxCount: 1 });
    expect(await typesOf(seen, 2)).toEqual(['$metadata', 'caughtUp']);
    await shared.client.deleteStream(stream);
    expect(await typesOf(seen, 1)).toEqual(['$metadata']);
    await subscription.unsubscribe();
  });
});

describe('a subscription to $all', () => {
  // Inferred: Enumerator.AllSubscription skips only what it has sent already, and what is live is not asked for its position.
  test.each([
    ['unfiltered', undefined],
    ['filtered', streamNameFilter({ prefixes: ['stream-'] })],
  ])('from a position that was not reached, %s, begins with what is new', async (_how, filter) => {
    const subscription = shared.client.subscribeToAll({
      fromPosition: { commit: 2n ** 40n, prepare: 2n ** 40n },
      ...(filter && { filter }),
    });
    const seen = arrivals(subscription);
    expect(await typesOf(seen, 1)).toEqual(['caughtUp']);
    await shared.client.appendToStream(newStream(), event('New'));
    expect(await typesOf(seen, 1)).toEqual(['New']);
    await subscription.unsubscribe();
  });

  // EventFilter: no prefix fits anything where there is none, and an empty expression is none.
  test.each([
    ['no prefixes', streamNameFilter({ prefixes: [] })],
    ['an empty expression', streamNameFilter({ regex: '' })],
  ])('with a filter of %s shows nothing', async (_what, filter) => {
    await shared.client.appendToStream(newStream(), event('A'));
    const subscription = shared.client.subscribeToAll({ fromPosition: START, filter });
    expect(await typesOf(arrivals(subscription), 1)).toEqual(['caughtUp']);
    await subscription.unsubscribe();
  });
});

// ServerFeatures.cs: the client looks there for what a server can do, and goes other ways for what it does not find.
test('what only a real server has says so through every method of the client', async () => {
  const { client } = shared;
  const toStream = persistentSubscriptionToStreamSettingsFromDefaults();
  const toAll = persistentSubscriptionToAllSettingsFromDefaults();
  const failures = await Promise.all(
    [
      client.createPersistentSubscriptionToStream('s', 'g', toStream),
      client.createPersistentSubscriptionToAll('g', toAll),
      client.updatePersistentSubscriptionToStream('s', 'g', toStream),
      client.updatePersistentSubscriptionToAll('g', toAll),
      client.deletePersistentSubscriptionToStream('s', 'g'),
      client.deletePersistentSubscriptionToAll('g'),
      client.getPersistentSubscriptionToStreamInfo('s', 'g'),
      client.getPersistentSubscriptionToAllInfo('g'),
      client.listPersistentSubscriptionsToStream('s'),
      client.listPersistentSubscriptionsToAll(),
      client.listAllPersistentSubscriptions(),
      client.replayParkedMessagesToStream('s', 'g'),
      client.replayParkedMessagesToAll('g'),
      client.restartPersistentSubscriptionSubsystem(),
      once(client.subscribeToPersistentSubscriptionToStream('s', 'g'), 'data'),
      once(client.subscribeToPersistentSubscriptionToAll('g'), 'data'),
      client.createProjection('p', 'fromAll()', { trackEmittedStreams: true }),
      client.updateProjection('p', 'fromAll()'),
      client.deleteProjection('p'),
      client.enableProjection('p'),
      client.disableProjection('p'),
      client.abortProjection('p'),
      client.resetProjection('p'),
      client.getProjectionState('p'),
      client.getProjectionResult('p'),
      client.getProjectionStatus('p'),
      client.listProjections(),
      client.restartSubsystem(),
    ].map(failureOf),
  );
  for (const [index, failure] of failures.entries()) {
    expect(failure, `the ${index}th`).toMatchObject({ code: 12, message: expect.stringContaining('run EventStoreDB or KurrentDB') });
  }
});

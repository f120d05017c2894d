// Subscriptions: no event missed or twice across the boundary of history and live, filters, checkpoints, and slow readers.
import {
  eventTypeFilter,
  excludeSystemEvents,
  jsonEvent,
  type ResolvedEvent,
  START,
  StreamDeletedError,
  streamNameFilter,
} from '@eventstore/db-client';
import { describe, expect, test } from 'vitest';
import { arrivals, collect, event, events, failureOf, newStream, withLog } from './support.ts';

const shared = withLog();

type Arrivals = ReturnType<typeof arrivals>;

async function nextTypes(from: Arrivals, count: number): Promise<(string | undefined)[]> {
  const types: (string | undefined)[] = [];
  for (let index = 0; index < count; index += 1) {
    const arrival = await from.next();
    if (arrival instanceof Error) throw arrival;
    types.push(arrival === 'caughtUp' ? arrival : arrival.event?.type);
  }
  return types;
}

const revisions = (seen: Arrivals['seen']): number[] =>
  seen.flatMap((arrival) =>
    arrival === 'caughtUp' || arrival instanceof Error ? [] : [Number((arrival.link ?? arrival.event)?.revision)],
  );

describe('a stream', () => {
  test('history, caught up once, then live', async () => {
    const stream = newStream();
    await shared.client.appendToStream(stream, [event('A'), event('B')]);
    const subscription = shared.client.subscribeToStream(stream, { fromRevision: START });
    const seen = arrivals(subscription);
    expect(await nextTypes(seen, 3)).toEqual(['A', 'B', 'caughtUp']);
    await shared.client.appendToStream(stream, event('C'));
    await shared.client.appendToStream(stream, event('D'));
    expect(await nextTypes(seen, 2)).toEqual(['C', 'D']);
    await subscription.unsubscribe();
  });

  test('begins after a revision, or with what is new', async () => {
    const stream = newStream();
    await shared.client.appendToStream(stream, [event('A'), event('B')]);
    const after = shared.client.subscribeToStream(stream, { fromRevision: 0n });
    const fromEnd = shared.client.subscribeToStream(stream, { fromRevision: 'end' });
    const [seenAfter, seenFromEnd] = [arrivals(after), arrivals(fromEnd)];
    expect(await nextTypes(seenAfter, 2)).toEqual(['B', 'caughtUp']);
    expect(await nextTypes(seenFromEnd, 1)).toEqual(['caughtUp']);
    await shared.client.appendToStream(stream, event('C'));
    expect(await nextTypes(seenAfter, 1)).toEqual(['C']);
    expect(await nextTypes(seenFromEnd, 1)).toEqual(['C']);
    await after.unsubscribe();
    await fromEnd.unsubscribe();
  });

  test('that does not exist yet is waited for, and one that was deleted too', async () => {
    const stream = newStream();
    const subscription = shared.client.subscribeToStream(stream, { fromRevision: START });
    const seen = arrivals(subscription);
    await new Promise((resolve) => subscription.once('confirmation', resolve));
    await shared.client.appendToStream(stream, event('A'));
    expect(await nextTypes(seen, 2)).toEqual(['A', 'caughtUp']);
    await shared.client.deleteStream(stream);
    await shared.client.appendToStream(stream, event('B'));
    expect(await nextTypes(seen, 1)).toEqual(['B']);
    await subscription.unsubscribe();
  });

  test('with a tombstone ends its subscriptions, live or new', async () => {
    const stream = newStream();
    await shared.client.appendToStream(stream, event('A'));
    const live = arrivals(shared.client.subscribeToStream(stream, { fromRevision: START }));
    expect(await nextTypes(live, 2)).toEqual(['A', 'caughtUp']);
    await shared.client.tombstoneStream(stream);
    expect(await live.next()).toBeInstanceOf(StreamDeletedError);
    expect(await arrivals(shared.client.subscribeToStream(stream)).next()).toBeInstanceOf(StreamDeletedError);
  });

  test.each([{ maxCount: 2 }, { truncateBefore: 3 }])('shows what its metadata leave: %j', async (metadata) => {
    const stream = newStream();
    await shared.client.appendToStream(stream, events(5));
    await shared.client.setStreamMetadata(stream, metadata);
    const subscription = shared.client.subscribeToStream(stream, { fromRevision: START });
    const seen = arrivals(subscription);
    await nextTypes(seen, 3);
    expect(revisions(seen.seen)).toEqual([3, 4]);
    await subscription.unsubscribe();
  });

  test('links are resolved', async () => {
    const [target, links] = [newStream(), newStream()];
    await shared.client.appendToStream(target, event('Target'));
    const subscription = shared.client.subscribeToStream(links, { fromRevision: START, resolveLinkTos: true });
    const seen = arrivals(subscription);
    const data = new TextEncoder().encode(`0@${target}`);
    await shared.client.appendToStream(links, { ...jsonEvent({ type: '$>', data: {} }), contentType: 'application/octet-stream', data });
    expect(await seen.next()).toMatchObject({ event: { type: 'Target' }, link: { streamId: links } });
    await subscription.unsubscribe();
  });
});

test('no event is missed or comes twice while writers and subscribers come and go', async () => {
  const prefix = `busy-${newStream()}`;
  const filter = () => streamNameFilter({ prefixes: [prefix] });
  const writers = 16;
  const appends = 40;
  const total = writers * appends * 2;
  const positions: bigint[][] = [];
  const subscribe = async () => {
    const subscription = shared.client.subscribeToAll({ fromPosition: START, filter: filter() });
    const seen: bigint[] = [];
    positions.push(seen);
    await new Promise<void>((resolve, reject) => {
      subscription.on('error', reject);
      subscription.on('data', ({ commitPosition }: ResolvedEvent) => {
        seen.push(commitPosition ?? 0n);
        if (seen.length === total) resolve();
      });
    });
    await subscription.unsubscribe();
  };
  const subscribers = [subscribe()];
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      for (let index = 0; index < appends; index += 1) {
        await shared.client.appendToStream(`${prefix}-${writer}`, events(2));
        if (writer === 0 && index % 8 === 0) subscribers.push(subscribe());
      }
    }),
  );
  await Promise.all(subscribers);
  const [first = []] = positions;
  expect(first.every((position, index) => index === 0 || position > (first[index - 1] ?? 0n))).toBe(true);
  for (const other of positions) expect(other).toEqual(first);
});

describe('filters of $all', () => {
  test.each([
    ['prefixes of streams', (id: string) => streamNameFilter({ prefixes: [`b-${id}`, `a-${id}`] }), ['Apple', 'Bear', '$System']],
    ['an expression on streams', (id: string) => streamNameFilter({ regex: `^[ac]-${id}$` }), ['Apple', 'Cat']],
    ['prefixes of types', (id: string) => eventTypeFilter({ prefixes: [`${id}A`, `${id}C`] }), ['Apple', 'Cat']],
    ['an expression on types', (id: string) => eventTypeFilter({ regex: `${id}.*a` }), ['Bear', 'Cat']],
  ] as const)('by %s', async (_what, filterOf, expected) => {
    const id = newStream();
    for (const [stream, type] of [
      ['a', 'Apple'],
      ['b', 'Bear'],
      ['c', 'Cat'],
      ['b', '$System'],
    ] as const) {
      await shared.client.appendToStream(`${stream}-${id}`, event(type.startsWith('$') ? type : `${id}${type}`));
    }
    const subscription = shared.client.subscribeToAll({ fromPosition: START, filter: filterOf(id) });
    const seen = arrivals(subscription);
    const types = await nextTypes(seen, expected.length + 1);
    expect(types.map((type) => type?.replace(id, ''))).toEqual([...expected, 'caughtUp']);
    await subscription.unsubscribe();
  });

  test('without system events', async () => {
    const { position } = await shared.client.appendToStream(newStream(), event('Before'));
    await shared.client.setStreamMetadata(newStream(), { maxCount: 1 });
    await shared.client.appendToStream(newStream(), event('After'));
    const subscription = shared.client.subscribeToAll({ fromPosition: position ?? START, filter: excludeSystemEvents() });
    expect(await nextTypes(arrivals(subscription), 2)).toEqual(['After', 'caughtUp']);
    await subscription.unsubscribe();
  });

  test('a pattern that could take forever takes no time; one outside RE2 is refused', async () => {
    await shared.client.appendToStream(`${'a'.repeat(200)}-${newStream()}`, event('A'));
    const hostile = shared.client.subscribeToAll({ fromPosition: START, filter: streamNameFilter({ regex: '^(a+)+$' }) });
    expect(await nextTypes(arrivals(hostile), 1)).toEqual(['caughtUp']);
    await hostile.unsubscribe();
    const refused = await failureOf(collect(shared.client.subscribeToAll({ filter: streamNameFilter({ regex: '(?=a)' }) }), () => 0));
    expect(refused.message).toContain('linear time');
  });

  test('checkpoints come every so many events, and one can go on from them', async () => {
    const stream = newStream();
    const start = await shared.client.appendToStream(newStream(), event('Before'));
    await shared.client.appendToStream(newStream(), events(100, 'Noise'));
    await shared.client.appendToStream(stream, event('Wanted'));
    const checkpoints: bigint[] = [];
    const filter = (prefix: string) =>
      streamNameFilter({
        prefixes: [prefix],
        maxSearchWindow: 10,
        checkpointInterval: 2,
        checkpointReached: (_, { commit }) => void checkpoints.push(commit),
      });
    const subscription = shared.client.subscribeToAll({ fromPosition: start.position ?? START, filter: filter('none') });
    expect(await nextTypes(arrivals(subscription), 1)).toEqual(['caughtUp']);
    await subscription.unsubscribe();
    const begin = start.position?.commit ?? 0n;
    expect(checkpoints).toEqual([20n, 40n, 60n, 80n, 100n].map((considered) => begin + considered));
    const commit = checkpoints.at(-1) ?? 0n;
    const resumed = shared.client.subscribeToAll({ fromPosition: { commit, prepare: commit }, filter: filter(stream) });
    expect(await nextTypes(arrivals(resumed), 2)).toEqual(['Wanted', 'caughtUp']);
    await resumed.unsubscribe();
  });
});

test('a reader that takes nothing holds up nobody, and has all when it does', async () => {
  const stream = newStream();
  const text = 'x'.repeat(20_000);
  for (let index = 0; index < 20; index += 1) {
    await shared.client.appendToStream(
      stream,
      Array.from({ length: 50 }, (_, n) => event('Large', { n: index * 50 + n, text })),
    );
  }
  const slow = shared.client.subscribeToStream(stream, { fromRevision: START }, { highWaterMark: 1 });
  await new Promise((resolve) => slow.once('confirmation', resolve));
  slow.pause();
  await shared.client.appendToStream(stream, event('Last', { n: 1000 }));
  expect(await collect(shared.client.readStream(stream, { maxCount: 1 }), ({ event: read }) => read?.type)).toEqual(['Large']);
  const numbers: unknown[] = [];
  for await (const { event: read } of slow) {
    const data = read?.data;
    numbers.push(typeof data === 'object' && 'n' in data ? data.n : undefined);
    if (numbers.length === 1001) break;
  }
  expect(numbers).toEqual(Array.from({ length: 1001 }, (_, n) => n));
  await slow.unsubscribe();
});

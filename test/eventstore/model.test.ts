// Random changes of two streams, against a model that says in a few lines what the real server's source says in many: which appends,
// deletions and tombstones are taken (IndexWriter.CheckCommit, StorageWriterService), what reads show then (IndexReader), and what a
// subscriber who came at some time has seen (Enumerator.StreamSubscription). DAYBOOK_RANDOM_COMMANDS says how many there are.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ANY, type ExpectedRevision, NO_STREAM, STREAM_EXISTS } from '../../src/eventstore/embedded/events.ts';
import { type EventLog, openLog } from '../../src/eventstore/embedded/log.ts';
import { isReadable, isTombstoned } from '../../src/eventstore/embedded/streams.ts';
import { subscribeToStream } from '../../src/eventstore/embedded/subscriptions.ts';
import type { Outcome } from '../../src/eventstore/embedded/writer.ts';
import { temporaryDirectory } from './support.ts';

type Name = 's' | 't';
type Metadata = { $maxCount?: number; $tb?: number };
type Step =
  | { do: 'append'; to: Name; events: string[]; expected: ExpectedRevision }
  | { do: 'delete' | 'tombstone'; to: Name; expected: ExpectedRevision }
  | { do: 'describe'; to: Name; metadata: Metadata }
  | { do: 'subscribe'; to: Name; from: number | undefined }
  | { do: 'reopen' };

const to = fc.constantFrom<Name>('s', 't');
const expected = fc.oneof(fc.constantFrom(ANY, NO_STREAM, STREAM_EXISTS), fc.nat(5));
// Few ids, so that they come again in every combination.
const ids = fc.array(fc.constantFrom(...'abcdefghij'), { maxLength: 3 });
const metadata: fc.Arbitrary<Metadata> = fc.record({ $maxCount: fc.integer({ min: 1, max: 3 }), $tb: fc.nat(6) }, { requiredKeys: [] });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ do: fc.constant('append' as const), to, events: ids, expected }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), to, expected }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('tombstone' as const), to, expected: fc.nat(4) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('describe' as const), to, metadata }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('subscribe' as const), to, from: fc.option(fc.nat(4), { nil: undefined }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const) }) },
);

/** What the model knows: of each stream all that was ever written, and of each id where it was written last. */
class Model {
  readonly streams = {
    s: { written: [] as string[], metadata: undefined as Metadata | undefined, isDeleted: false, hasTombstone: false },
    t: { written: [] as string[], metadata: undefined as Metadata | undefined, isDeleted: false, hasTombstone: false },
  };
  readonly committed = new Map<string, string>();

  exists = (name: Name) => this.streams[name].written.length > 0 && !this.streams[name].isDeleted;

  /** The revisions that a read shows. */
  shown(name: Name): number[] {
    const { written, metadata: { $maxCount = Number.POSITIVE_INFINITY, $tb = 0 } = {} } = this.streams[name];
    return written.flatMap((_, revision) => (revision >= $tb && revision >= written.length - $maxCount ? [revision] : []));
  }

  /** 'new', a repeat up to a revision, or why not. */
  check(name: Name, expects: ExpectedRevision, events: readonly string[]): 'new' | 'deleted' | 'wrong' | number {
    const { written, metadata, isDeleted, hasTombstone } = this.streams[name];
    const current = written.length - 1;
    if (hasTombstone) return 'deleted';
    if (expects === STREAM_EXISTS && isDeleted) return 'deleted';
    if (expects === STREAM_EXISTS && current < 0 && !metadata) return 'wrong';
    if (expects === ANY || expects === STREAM_EXISTS) {
      const places = events.map((id) => this.committed.get(id)?.split('@') ?? []);
      const isHere = places.map(([, stream]) => stream === name);
      if (!isHere[0]) return 'new';
      return isHere.every(Boolean) ? Number(places.at(-1)?.[0]) : 'wrong';
    }
    if (expects > current) return 'wrong';
    if (expects === current) return 'new';
    const isRepeated = events.map((id, index) => written[expects + 1 + index] === id);
    if (isRepeated.length > 0 && isRepeated.every(Boolean)) return expects + events.length;
    return events.length > 0 && !isRepeated[0] && expects === NO_STREAM && isDeleted ? 'new' : 'wrong';
  }

  append(name: Name, expects: ExpectedRevision, events: readonly string[]): string {
    const stream = this.streams[name];
    const decision = this.check(name, expects, events);
    if (typeof decision === 'number') {
      return `ok ${decision}${this.exists(name) && this.shown(name).includes(decision) ? '' : ', no position'}`;
    }
    if (decision !== 'new') return decision === 'wrong' ? `wrong ${stream.written.length - 1}` : decision;
    if (stream.isDeleted) Object.assign(stream, { isDeleted: false, metadata: { $tb: stream.written.length } });
    for (const id of events) this.committed.set(id, `${stream.written.push(id) - 1}@${name}`);
    return `ok ${stream.written.length - 1}`;
  }

  remove(name: Name, is: 'delete' | 'tombstone', expects: ExpectedRevision): string {
    const stream = this.streams[name];
    const decision = this.check(name, expects, ['an id of its own']);
    if (decision === 'deleted') return decision;
    const isNothing = is === 'delete' && stream.written.length === 0 && !stream.metadata;
    if (decision !== 'new' || isNothing) return `wrong ${stream.written.length - 1}`;
    if (is === 'delete') Object.assign(stream, { isDeleted: true, metadata: {} });
    else stream.hasTombstone = true;
    return 'ok';
  }

  describe(name: Name, metadata: Metadata): string {
    const stream = this.streams[name];
    if (stream.hasTombstone) return 'deleted';
    Object.assign(stream, { isDeleted: false, metadata: stream.isDeleted ? { ...metadata, $tb: stream.written.length } : metadata });
    return 'ok';
  }
}

/** A subscriber of the model: it waits for the stream, takes what is shown then, and from there on all that is written. */
class ModelSubscriber {
  readonly seen: string[] = [];
  readonly #model: Model;
  readonly #name: Name;
  #next: number;
  #isLive: boolean;
  readonly #isLate: boolean;

  constructor(model: Model, name: Name, from: number | undefined) {
    this.#model = model;
    this.#name = name;
    this.#next = from ?? model.streams[name].written.length;
    this.#isLive = false;
    this.#isLate = from === undefined && model.streams[name].hasTombstone;
    this.look(from === undefined);
  }

  look(isFromEnd = false): void {
    const { written, hasTombstone } = this.#model.streams[this.#name];
    if (this.#isLate) {
      if (isFromEnd) this.seen.push('caught up');
      return;
    }
    if (this.seen.at(-1) === 'deleted') return;
    if (!this.#isLive && !isFromEnd && hasTombstone) return void this.seen.push('deleted');
    if (!this.#isLive) {
      if (!isFromEnd && !this.#model.exists(this.#name)) return;
      for (const revision of isFromEnd ? [] : this.#model.shown(this.#name)) if (revision >= this.#next) this.seen.push(String(revision));
      this.seen.push('caught up');
      this.#isLive = true;
      this.#next = Math.max(this.#next, written.length);
    }
    for (; this.#next < written.length; this.#next += 1) this.seen.push(String(this.#next));
    if (hasTombstone) this.seen.push('deleted');
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** The log under the same steps. `run` keeps the streams and ids of one run apart from those of the others. */
class Subject {
  readonly #directory = temporaryDirectory();
  log: EventLog = openLog(this.#directory);
  run = 0;

  reopen(): void {
    this.log.close();
    this.log = openLog(this.#directory);
  }

  nameOf = (name: Name) => `${name}-${this.run}`;
  #id = (letter: string) => Buffer.from(`${letter}${String(this.run).padStart(15, '0')}`);

  #submit(
    stream: string,
    expects: ExpectedRevision,
    change: 'delete' | 'tombstone' | readonly { id: Buffer; type: string; data: Buffer }[],
  ) {
    return new Promise<Outcome>((answer) => {
      const as =
        typeof change === 'string'
          ? { is: change }
          : { is: 'append' as const, events: change.map((event) => ({ ...event, isJson: true, metadata: Buffer.alloc(0) })) };
      this.log.writer.submit({ stream, expected: expects, change: as, answer });
    });
  }

  #say(outcome: Outcome, withRevision: boolean): string {
    if (outcome.is === 'wrong revision') return `wrong ${outcome.current}`;
    if (outcome.is !== 'written') return outcome.is;
    return `ok${withRevision ? ` ${outcome.revision}` : ''}${outcome.position === 0 ? ', no position' : ''}`;
  }

  async append(name: Name, expects: ExpectedRevision, events: readonly string[]): Promise<string> {
    const proposed = events.map((letter) => ({ id: this.#id(letter), type: 'T', data: Buffer.from('{}') }));
    const outcome = await this.#submit(this.nameOf(name), expects, proposed);
    // What an append of nothing is answered with is the log's end, and there is none before the first event.
    return events.length === 0 ? this.#say(outcome, true).replace(', no position', '') : this.#say(outcome, true);
  }

  async remove(name: Name, is: 'delete' | 'tombstone', expects: ExpectedRevision): Promise<string> {
    return this.#say(await this.#submit(this.nameOf(name), expects, is), false);
  }

  async describe(name: Name, described: Metadata): Promise<string> {
    const event = {
      id: Buffer.from(crypto.randomUUID().replaceAll('-', ''), 'hex'),
      type: '$metadata',
      data: Buffer.from(JSON.stringify(described)),
    };
    return this.#say(await this.#submit(`$$${this.nameOf(name)}`, ANY, [event]), false);
  }

  shown(name: Name): number[] | string {
    const stream = this.log.streams.get(this.nameOf(name));
    if (isTombstoned(stream)) return 'deleted';
    if (!isReadable(stream)) return 'not found';
    const forwards = this.log.reads.stream(stream.name, 0, 100).events.map(({ revision }) => revision);
    const backwards = this.log.reads.streamBackwards(stream.name, 1000, 100).events.map(({ revision }) => revision);
    expect(backwards).toEqual(forwards.toReversed());
    return forwards;
  }

  subscribe(name: Name, from: number | undefined, seen: string[], over: AbortSignal): void {
    let isConfirmed = false;
    const send = (message: Buffer) => {
      const text = message.toString('latin1');
      if (isConfirmed) seen.push(text.startsWith('#') ? text.slice(1) : 'caught up');
      isConfirmed = true;
    };
    const call = { over, isOverShare: () => false, ready: turn, send };
    const encode = ({ revision }: { revision: number }) => Buffer.from(`#${revision}`);
    subscribeToStream(this.log, call, this.nameOf(name), from, encode).catch((error: Error) => {
      seen.push(error.message.includes('is deleted') ? 'deleted' : error.message);
    });
  }
}

test('random appends, deletions and metadata do what the source of the real server says, and subscribers see it', async () => {
  const subject = new Subject();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30, size: 'max' }), async (steps) => {
      subject.run += 1;
      const model = new Model();
      const over = new AbortController();
      let subscribers: { model: ModelSubscriber; seen: string[] }[] = [];
      for (const one of steps) {
        if (one.do === 'append')
          expect(await subject.append(one.to, one.expected, one.events)).toBe(model.append(one.to, one.expected, one.events));
        else if (one.do === 'describe') expect(await subject.describe(one.to, one.metadata)).toBe(model.describe(one.to, one.metadata));
        else if (one.do === 'subscribe') {
          const seen: string[] = [];
          subject.subscribe(one.to, one.from, seen, over.signal);
          subscribers.push({ model: new ModelSubscriber(model, one.to, one.from), seen });
        } else if (one.do === 'reopen') {
          subscribers = [];
          subject.reopen();
        } else expect(await subject.remove(one.to, one.do, one.expected)).toBe(model.remove(one.to, one.do, one.expected));
        await turn();
        await turn();
        await turn();
        for (const name of ['s', 't'] as const) {
          const expected = model.streams[name].hasTombstone ? 'deleted' : model.exists(name) ? model.shown(name) : 'not found';
          expect(subject.shown(name)).toEqual(expected);
        }
        for (const { model: expected, seen } of subscribers) {
          expected.look();
          expect(seen).toEqual(expected.seen);
        }
      }
      over.abort();
    }),
    { numRuns: Math.ceil(Number(process.env.DAYBOOK_RANDOM_COMMANDS ?? 1_000) / 20) },
  );
  subject.log.close();
}, 120_000);

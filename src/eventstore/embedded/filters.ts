// Filters of a read of $all: by the stream's name or the event's type, by prefixes or by a regular expression. Expressions run
// in time linear in what they are matched with (RE2's syntax), so that no pattern can stall the log; and each name is
// matched once, for names are few beside events.
import type { ReadReq } from '@eventstore/db-client/generated/streams_pb.js';
import { RE2JS } from 're2js';
import type { StoredEvent } from './events.ts';
import { invalidArgument } from './failures.ts';
import type { Streams } from './streams.ts';

/** `checkpointEvery` is in events considered, whether or not they match. */
export type Filter = { matches: (event: StoredEvent) => boolean; checkpointEvery: number };

const defaultWindow = 32;
const rememberedNames = 10_000;

export function filterOf(options: ReadReq.Options.FilterOptions, streams: Streams): Filter {
  const window = options.hasMax() ? options.getMax() : defaultWindow;
  const checkpointEvery = Math.max(1, window) * Math.max(1, options.getCheckpointintervalmultiplier());
  const byStream = options.getStreamIdentifier();
  if (byStream) {
    const test = remembering<number>(tester(byStream), (stream) => streams.nameOf(stream));
    return { matches: ({ stream }) => test(stream), checkpointEvery };
  }
  const byType = options.getEventType();
  if (!byType) throw invalidArgument('The filter names neither streams nor event types');
  const test = remembering<string>(tester(byType), (type) => type);
  return { matches: ({ type }) => test(type), checkpointEvery };
}

function tester(expression: ReadReq.Options.FilterOptions.Expression): (name: string) => boolean {
  const regex = expression.getRegex();
  if (regex === '') {
    const prefixes = expression.getPrefixList();
    return (name) => prefixes.some((prefix) => name.startsWith(prefix));
  }
  let pattern: RE2JS;
  try {
    pattern = RE2JS.compile(regex);
  } catch (error) {
    throw invalidArgument(
      `The filter's regular expression is not one that runs in linear time (RE2): ${error instanceof Error ? error.message : error}`,
    );
  }
  return (name) => pattern.matcher(name).find();
}

function remembering<T>(test: (name: string) => boolean, nameOf: (key: T) => string): (key: T) => boolean {
  const known = new Map<T, boolean>();
  return (key) => {
    let matches = known.get(key);
    if (matches === undefined) {
      matches = test(nameOf(key));
      if (known.size >= rememberedNames) known.clear();
      known.set(key, matches);
    }
    return matches;
  };
}

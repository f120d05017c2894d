// Filters of a read of $all: by the stream's name or the event's type, by prefixes or by a regular expression. Expressions run
// in time linear in what they are matched with (RE2's syntax) and have a limit to their size, so that no pattern can stall the
// log; and each name is matched once, for names are few beside events.
import type { ReadReq } from '@eventstore/db-client/generated/streams_pb.js';
import { RE2JS } from 're2js';
import type { StoredEvent } from './events.ts';
import { type Failure, invalidArgument } from './failures.ts';
import { boundedCache, type Streams } from './streams.ts';

/** `checkpointEvery` is in events considered, whether or not they match. */
export type Filter = { matches: (event: StoredEvent) => boolean; checkpointEvery: number };

const defaultWindow = 32;
const rememberedNames = 10_000;
const rememberedCharacters = 1_000_000;

/**
 * The largest filter: characters of its prefixes or expression, and steps of the program that an expression becomes. A character of
 * a name costs up to 50 ns for each step, and a name is matched in one go: so it has a limit, too.
 */
const maximumCharacters = 2_048;
const maximumSteps = 500;
const maximumStepsOfAName = 500_000;
/** An expression is not even made into a program when its repetitions could make it this large. */
const maximumRepeated = 20_000;

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
    checkSize(prefixes.reduce((size, prefix) => size + Math.max(1, prefix.length), 0));
    return (name) => prefixes.some((prefix) => name.startsWith(prefix));
  }
  checkSize(regex.length);
  const pattern = compiled(regex);
  const steps = pattern.programSize();
  if (steps > maximumSteps) throw tooLarge();
  return (name) => {
    if (steps * name.length > maximumStepsOfAName) throw invalidArgument(`The filter is too large for a name of ${name.length} characters`);
    return pattern.matcher(name).find();
  };
}

function checkSize(characters: number): void {
  if (characters > maximumCharacters) throw invalidArgument(`A filter has at most ${maximumCharacters} characters, and this ${characters}`);
}

function compiled(regex: string): RE2JS {
  if (repeatedSize(regex) > maximumRepeated) throw tooLarge();
  try {
    return RE2JS.compile(regex);
  } catch (error) {
    throw invalidArgument(
      `The filter's regular expression is not one that runs in linear time (RE2): ${error instanceof Error ? error.message : error}`,
    );
  }
}

const tooLarge = (): Failure =>
  invalidArgument(`The filter's regular expression is too large: its repetitions and alternatives make more than ${maximumSteps} steps`);

/** How large an expression is at most with its counted repetitions written out: that of a group repeats no more than all before it. */
function repeatedSize(regex: string): number {
  let size = 0;
  let end = 0;
  for (const { 0: repetition, 1: least, 2: most, index } of regex.matchAll(/\{(\d+),?(\d*)\}/g)) {
    const times = Math.max(1, Number(least), Number(most));
    size += index - end;
    size = regex[index - 1] === ')' ? size * times : size + times;
    end = index + repetition.length;
  }
  return size + regex.length - end;
}

function remembering<T>(test: (name: string) => boolean, nameOf: (key: T) => string): (key: T) => boolean {
  const known = boundedCache<T, boolean>(rememberedNames, rememberedCharacters);
  return (key) => {
    let matches = known.get(key);
    if (matches === undefined) {
      const name = nameOf(key);
      matches = test(name);
      known.set(key, matches, name.length);
    }
    return matches;
  };
}

// The model that comes with Daybook, and how texts are cut for any model.
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { chunksOf } from '../../src/embeddings/chunks.ts';
import { localModel } from '../../src/embeddings/localModel.ts';

const local = localModel();
const asked = { userId: 'ada', correlationId: 'test', isWaitedFor: false };
const model = { ...local, embed: (texts: readonly string[]) => local.embed(texts, asked) };
afterAll(() => model.close());

const product = (one: readonly number[] = [], other: readonly number[] = []) =>
  one.reduce((sum, value, index) => sum + value * (other[index] ?? 0), 0);

describe('the local model', () => {
  test('has what means alike nearer than what does not, without a word in common', { timeout: 60_000 }, async () => {
    const [question, near, far] = await model.embed(['my tooth hurts', 'call the dentist', 'quarterly budget spreadsheet']);
    expect([question?.length, near?.length]).toEqual([512, 512]);
    expect(product(question, question)).toBeCloseTo(1, 3);
    expect(product(question, near)).toBeGreaterThan(product(question, far) + 0.1);
  });

  test('answers each who asks with theirs, also at once, and about nothing with nothing', { timeout: 60_000 }, async () => {
    const [alone, none, others] = await Promise.all([
      model.embed(['boat']),
      model.embed([]),
      model.embed(['house', 'boat', '', '\u{1f600}', '日本', ' ', '\u{200b}', '\0', '。']),
    ]);
    expect(none).toEqual([]);
    expect(others).toHaveLength(9);
    expect(product(alone[0], others[1])).toBeCloseTo(1, 3);
    expect(product(alone[0], others[0])).toBeLessThan(0.95);
  });

  test('starts again after its thread has ended', { timeout: 60_000 }, async () => {
    const under = model.embed(['boat']);
    await model.close();
    await expect(under).rejects.toThrow('ended');
    expect(await model.embed(['boat'])).toHaveLength(1);
  });
});

describe('a text is cut', () => {
  test('not at all where it is short, and to nothing where there is none', () => {
    expect(chunksOf('  Call\n the dentist ')).toEqual(['Call the dentist']);
    expect(chunksOf(' \n ')).toEqual([]);
  });

  test('between words, each piece with the end of the one before it', () => {
    const words = Array.from({ length: 500 }, (_, index) => `word${index}`);
    const chunks = chunksOf(words.join(' ')).map((chunk) => chunk.split(' '));
    expect(chunks.length).toBeGreaterThan(3);
    expect(chunks.flat().filter((word) => !words.includes(word))).toEqual([]);
    for (const [index, chunk] of chunks.slice(1).entries()) {
      const overlap = chunks[index]?.slice(chunks[index]?.indexOf(chunk[0] ?? '')) ?? [];
      expect(overlap.length).toBeGreaterThan(10);
      expect(chunk.slice(0, overlap.length)).toEqual(overlap);
    }
  });

  test('into short pieces that have all of it, whatever it is', () => {
    const characters = fc.array(fc.constantFrom('a', 'b', ' ', '\u{1f600}', 'é', '\n'), { maxLength: 5_000 }).map((all) => all.join(''));
    // As long as a piece, what two pieces have in common, and what is between.
    const words = fc.array(fc.integer({ min: 1, max: 1_200 }), { maxLength: 12 }).map(wordsOf);
    fc.assert(
      fc.property(fc.oneof(characters, words), (text) => isCut(text)),
      { numRuns: 200 },
    );
  });

  test('to an end, also where a long word follows a short beginning', () => {
    for (let first = 1; first <= 320; first += 1) isCut(wordsOf([first, 900]));
  });
});

/** Nowhere the same, so that a piece of it is in one place. */
const LETTERS = Array.from({ length: 6_000 }, (_, index) => index.toString(36)).join('-');

/** Words of these lengths. */
function wordsOf(lengths: readonly number[]): string {
  let used = 0;
  const words = lengths.map((length) => {
    used += length;
    return LETTERS.slice(used - length, used);
  });
  return words.join(' ');
}

function isCut(text: string): void {
  const whole = text.replaceAll(/\s+/g, ' ').trim();
  let reached = 0;
  for (const chunk of chunksOf(text)) {
    expect(chunk.length).toBeLessThanOrEqual(1_000);
    expect(chunk.isWellFormed()).toBe(true);
    const at = whole.indexOf(chunk, Math.max(0, reached - 400));
    expect(at).toBeGreaterThanOrEqual(0);
    expect(at).toBeLessThanOrEqual(reached + 1);
    reached = Math.max(reached, at + chunk.length);
  }
  expect(reached).toBe(whole.length);
}

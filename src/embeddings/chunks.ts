// How a text is cut for a model.

/** A model takes in a paragraph or two; of what is longer, its vector would say little. */
const CHUNK = 1_000;
const OVERLAP = 150;

/**
 * A text in pieces of at most `CHUNK` characters. Each begins some characters before the last one's end, so that a thought is
 * whole in one of them. They are cut between words, where there are any, and never within a character.
 */
export function chunksOf(text: string): readonly string[] {
  const chunks: string[] = [];
  const whole = text.replaceAll(/\s+/g, ' ').trim();
  for (let begin = 0; begin < whole.length; ) {
    const end = whole.length - begin <= CHUNK ? whole.length : cutBefore(whole, begin + CHUNK, begin + OVERLAP);
    chunks.push(whole.slice(begin, end).trim());
    if (end === whole.length) break;
    // Later than this one's in any case, or there would be no end.
    begin = cutBefore(whole, end - OVERLAP, Math.max(begin, end - 2 * OVERLAP));
  }
  return chunks;
}

/** The last place up to `at` at which a word begins; where there is none after `least`, `at`, or just before it within a character. */
function cutBefore(text: string, at: number, least: number): number {
  const words = text.slice(least + 1, at);
  if (words.includes(' ')) return least + words.lastIndexOf(' ') + 2;
  return /^[\udc00-\udfff]/.test(text.slice(at, at + 1)) ? at - 1 : at;
}

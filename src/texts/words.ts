// What counts as a word, and how much of a text an event carries.

/** As much of a text as goes into an event, as JSON has it; the whole of a longer one is in the blob store. */
export const MAX_TEXT_BYTES = 256 * 1024;

/** Words as Unicode has them (UAX 29), in whatever script. Takes some 20 ms for 100,000 characters. */
export function countWords(text: string): number {
  // Not made before it is needed: the first one loads its dictionaries.
  const words = new Intl.Segmenter('und', { granularity: 'word' });
  let count = 0;
  for (const { isWordLike } of words.segment(text)) if (isWordLike) count += 1;
  return count;
}

const sizeOf = (text: string) => Buffer.byteLength(JSON.stringify(text));

/** The text, or as much of its beginning as an event carries, whole characters only. */
export function beginningOf(text: string): string {
  let beginning = text;
  for (let size = sizeOf(text); size > MAX_TEXT_BYTES; size = sizeOf(beginning)) {
    // Less by the share it is over, and one character at least: few passes, for what is to be left out is left out.
    const length = Math.min(beginning.length - 1, Math.floor((beginning.length * MAX_TEXT_BYTES) / size));
    beginning = beginning.slice(0, beginning.codePointAt(length - 1) === beginning.charCodeAt(length - 1) ? length : length - 1);
  }
  return beginning;
}

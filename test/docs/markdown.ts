// Reads what a Markdown file shows, for tests that hold it to its word.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const read = (file: string): string => readFileSync(join(root, file), 'utf8');

/** All of the project's own Markdown files, by their path in it. */
export const documents: readonly string[] = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

/** The text under a heading, up to the next one of its level or above. Fails where there is no such heading. */
export function section(markdown: string, heading: string): string {
  const level = heading.indexOf(' ');
  const [, after] = `\n${markdown}`.split(`\n${heading}\n`);
  if (after === undefined) throw new Error(`there is no heading "${heading}"`);
  // A comment in a shell block looks like a heading of the first level; no block here has one.
  return after.split(new RegExp(`\n#{1,${level}} `))[0] ?? '';
}

export type Block = { readonly language: string; readonly text: string };

/** The fenced blocks, in their order. */
export const blocks = (markdown: string): Block[] =>
  [...markdown.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language = '', text = '']) => ({ language, text }));

/** The rows of all tables, without their headings; each row its cells. */
export function rows(markdown: string): string[][] {
  const lines = markdown.split('\n').filter((line) => line.startsWith('|'));
  const isRule = (line: string | undefined) => line !== undefined && /^[|:\s-]+$/.test(line);
  return lines
    .filter((line, index) => !isRule(line) && !isRule(lines[index + 1]))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
}

/** What a text has in backticks. */
export const quoted = (text: string): string[] => [...text.matchAll(/`([^`\n]+)`/g)].map(([, word = '']) => word);

/** The items of the lists in a section: the words in backticks of an item's first line, and its text. */
export const items = (markdown: string, heading: string) =>
  [...section(markdown, heading).matchAll(/^- (.*(?:\n {2}.*)*)/gm)].map(([, text = '']) => ({
    words: quoted(text.split('\n')[0] ?? ''),
    text: text.replaceAll(/\s+/g, ' '),
  }));

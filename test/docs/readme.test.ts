// Holds the documents to what is there: the settings, and every file that one of them names.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { settingsTable } from '../../src/config.ts';
import { blocks, documents, quoted, read, root, rows, section } from './markdown.ts';

test('the README lists every setting, its default and its meaning', () => {
  const listed = rows(section(read('README.md'), '## Settings'));
  const code = (text: string) => (text === '' ? '' : `\`${text}\``);
  expect(listed).toEqual(settingsTable().map(({ name, default: value, meaning }) => [code(name), code(value), meaning]));
});

test('the README shows the commands of package.json', () => {
  const { scripts } = JSON.parse(read('package.json'));
  const shown = [...read('README.md').matchAll(/\bnpm (?:run )?([\w:]+)/g)].map(([, name = '']) => name).filter((name) => name in scripts);
  expect(new Set(shown)).toEqual(new Set(['start', 'test', 'daybook', 'bench:replay', 'bench:search']));
});

describe.for(documents)('%s', (document) => {
  const text = read(document);

  test('links to what is there', () => {
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target).filter((target) => !/^https?:/.test(target));
    const broken = links.filter((target) => {
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? document : join(dirname(document), path);
      return !existsSync(join(root, file)) || (anchor !== undefined && !anchorsOf(read(file)).includes(anchor));
    });
    expect(broken).toEqual([]);
  });

  test('names files that are there', () => {
    const named = quoted(text).filter((word) => /^(src|sql|test|docs|bench|scripts|\.ci)\/[\w./-]+$/.test(word));
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});

test('docs/architecture.md shows a command that is there', () => {
  const shown = blocks(read('docs/architecture.md')).filter(({ language }) => language === 'ts');
  expect(shown).toHaveLength(1);
  for (const { text } of shown) expect(read('src/commands/tasks/task.ts')).toContain(text);
});

/** The anchors of a document's headings, as they are made for a page. */
const anchorsOf = (text: string) =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  );

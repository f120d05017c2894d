// Holds docs/domain.md to the code: every table and event is on the page, and what is on the page is there. Its routes are held to
// what is served, in test/http/apiPage.test.ts.
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { commands } from '../../src/commands/index.ts';
import { eventDefinitions } from '../../src/events/index.ts';
import { tables } from '../../src/tables/index.ts';
import { items, read } from './markdown.ts';

const page = read('docs/domain.md');
const sorted = (words: Iterable<string>) => [...words].sort();

describe('tables', () => {
  const listed = items(page, '## Tables').filter(({ words: [first = ''] }) => /^\w+\.\w+$/.test(first));

  test('are those of sql/init.sql', () => {
    const made = [...read('sql/init.sql').matchAll(/^CREATE TABLE (\S+)/gm)].map(([, name = '']) => name);
    expect(sorted(listed.map(({ words: [name = ''] }) => name))).toEqual(sorted(made));
  });

  test.for(tables.filter(({ schema }) => schema !== 'daybook'))('$qualified has the columns and values it is said to have', (table) => {
    const item = listed.find(({ words: [name] }) => name === table.qualified);
    const shared = ['id', 'user_id', 'created_at', 'updated_at', 'version'];
    expect(item?.words.slice(1)).toEqual(expect.arrayContaining(Object.keys(table.row.shape).filter((column) => !shared.includes(column))));
    expect(item?.words.slice(1).filter((column) => !(column in table.row.shape))).toEqual([]);
    for (const [column, schema] of Object.entries(table.row.shape)) {
      const type = schema instanceof z.ZodNullable ? schema.unwrap() : schema;
      if (type instanceof z.ZodEnum && column !== 'target_type' && column !== 'entity_type') {
        expect(item?.text).toContain(`\`${column}\`: ${type.options.join(', ')}`);
      }
    }
  });
});

describe('events', () => {
  const listed = items(page, '## Events');

  test('are all there, and no others', () => {
    expect(sorted(listed.flatMap(({ words }) => words.slice(1)))).toEqual(sorted(eventDefinitions.keys()));
  });

  test('are in streams that commands append to', () => {
    const categories = listed.map(({ words: [stream = ''] }) => stream.split('-')[0]);
    expect([...commands.values()].map(({ category }) => category).filter((category) => !categories.includes(category))).toEqual([]);
  });
});

// Holds docs/domain.md to the code: every table, event and route is on the page, and what is on the page is there, unless it
// is marked as planned; then it is not.
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { commands } from '../../src/commands/index.ts';
import { eventDefinitions } from '../../src/events/index.ts';
import { PREFIX } from '../../src/http/routes.ts';
import { tables } from '../../src/tables/index.ts';
import { startDaybook, type TestDaybook } from '../support/daybook.ts';
import { quoted, read, section } from './markdown.ts';

const page = read('docs/domain.md');
const PLANNED = '_planned_ ';

/** The items of the lists in a section: the words in backticks of an item's first line, and its text. */
const items = (heading: string) =>
  [...section(page, heading).matchAll(/^- (.*(?:\n {2}.*)*)/gm)].map(([, text = '']) => ({
    isPlanned: text.startsWith(PLANNED),
    words: quoted(text.split('\n')[0] ?? ''),
    text: text.replaceAll(/\s+/g, ' '),
  }));

const sorted = (words: Iterable<string>) => [...words].sort();

describe('tables', () => {
  const listed = items('## Tables').filter(({ words: [first = ''] }) => /^\w+\.\w+$/.test(first));

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
  const listed = items('## Events');
  const types = (isPlanned: boolean) => listed.filter((item) => item.isPlanned === isPlanned).flatMap(({ words }) => words.slice(1));

  test('are all there, and no others', () => {
    expect(sorted(types(false))).toEqual(sorted(eventDefinitions.keys()));
  });

  test('that are planned are not there yet', () => {
    expect(types(true).filter((type) => eventDefinitions.has(type))).toEqual([]);
  });

  test('are in streams that commands append to', () => {
    const categories = listed.filter(({ isPlanned }) => !isPlanned).map(({ words: [stream = ''] }) => stream.split('-')[0]);
    expect([...commands.values()].map(({ category }) => category).filter((category) => !categories.includes(category))).toEqual([]);
  });
});

describe('routes', () => {
  const listed = items('## Routes');
  const routes = (isPlanned: boolean) => listed.filter((item) => item.isPlanned === isPlanned).flatMap(({ words }) => words);
  let daybook: TestDaybook;
  let served: string[];

  beforeAll(async () => {
    daybook = await startDaybook();
    served = servedBy(daybook.app);
  });
  afterAll(() => daybook.close());

  test('are all there, and no others', () => {
    expect(sorted(routes(false))).toEqual(sorted(served));
  });

  test('that are planned are not there yet', () => {
    expect(routes(true).filter((route) => served.includes(route))).toEqual([]);
  });
});

const openApi = z.object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) });

/** `GET /tasks/:id` for each operation of the API page. */
const servedBy = (app: FastifyInstance): string[] =>
  Object.entries(openApi.parse(app.swagger()).paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path.replace(PREFIX, '').replaceAll(/\{(\w+)\}/g, ':$1')}`),
  );

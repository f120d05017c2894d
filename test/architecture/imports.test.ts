// Who may import whom. Types count as much as values: what a file knows of, it depends on.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => `src/${name}`);

type Import = { readonly from: string; readonly to: string };

const imports: readonly Import[] = files.flatMap((from) =>
  [
    ...readFileSync(join(root, from), 'utf8').matchAll(
      /^(?:import|export)\b[^;']*?from '(\.[^']*)'|\bimport\('(\.[^']*)'\)|^import '(\.[^']*)'/gm,
    ),
  ].map(([, clause, dynamic, bare]) => ({ from, to: join(dirname(from), clause ?? dynamic ?? bare ?? '') })),
);

/** The folder under src, or the file itself where it lies there. */
const layerOf = (file: string): string => file.split('/')[1] ?? '';
const show = ({ from, to }: Import) => `${from} → ${to}`;
const between = (from: readonly string[], to: readonly string[]) =>
  imports.filter((each) => from.includes(layerOf(each.from)) && to.includes(layerOf(each.to))).map(show);

const contexts = 'users sessions messages emails calendar documents tasks relationships activities integrations'.split(' ');
/** A slice is what one context has in a layer: src/commands/tasks/list.ts, src/events/tasks.ts. */
const isSlice = (file: string) => {
  const [, layer = '', name = ''] = file.split('/');
  return ['events', 'commands', 'projections', 'tables', 'queries'].includes(layer) && contexts.includes(name.replace(/\.ts$/, ''));
};

test('imports are found, and are of files that exist', () => {
  expect(imports.length).toBeGreaterThan(250);
  expect(imports.filter(({ to }) => !files.includes(to)).map(show)).toEqual([]);
});

describe('imports go one way', () => {
  test('the vocabulary of events and the tables know nothing of who uses them', () => {
    const users = ['commands', 'projections', 'queries', 'http', 'policies', 'cli', 'postgres', 'stores.ts', 'daybook.ts', 'main.ts'];
    expect(between(['events'], [...users, 'tables'])).toEqual([]);
    expect(between(['tables'], [...users, 'events'])).toEqual([]);
  });

  test('commands and projections import events, and never each other or queries', () => {
    expect(between(['commands'], ['projections', 'queries'])).toEqual([]);
    expect(between(['projections'], ['commands', 'queries'])).toEqual([]);
  });

  test('queries never see an event', () => {
    expect(between(['queries'], ['events', 'commands', 'projections', 'eventstore'])).toEqual([]);
  });

  test('nothing below HTTP imports it', () => {
    const above = ['http', 'daybook.ts', 'main.ts'];
    expect(
      between(
        [...new Set(files.map(layerOf))].filter((layer) => !above.includes(layer)),
        ['http'],
      ),
    ).toEqual([]);
  });

  test('only http, policies, cli, daybook.ts and main.ts see both sides', () => {
    const seesBoth = [...new Set(files.map(layerOf))].filter((layer) => {
      const seen = new Set(imports.filter(({ from }) => layerOf(from) === layer).map(({ to }) => layerOf(to)));
      const reads = seen.has('queries') || seen.has('projections');
      return (layer === 'commands' || seen.has('commands')) && (reads || layer === 'queries' || layer === 'projections');
    });
    expect(seesBoth.filter((layer) => !['http', 'policies', 'cli', 'daybook.ts', 'main.ts'].includes(layer))).toEqual([]);
  });
});

describe('machinery', () => {
  const machinery = [
    ...['command.ts', 'handle.ts', 'folds.ts', 'aggregate.ts', 'patch.ts'].map((name) => `src/commands/${name}`),
    ...[
      'projection.ts',
      'changes.ts',
      'statements.ts',
      'projector.ts',
      'applier.ts',
      'batches.ts',
      'rebuild.ts',
      'next.ts',
      'beside.ts',
      'builder.ts',
      'control.ts',
      'progress.ts',
      'sentence.ts',
    ].map((name) => `src/projections/${name}`),
    ...['query.ts', 'cursor.ts'].map((name) => `src/queries/${name}`),
  ];

  test('is where this test looks for it', () => {
    expect(machinery.filter((file) => !files.includes(file))).toEqual([]);
  });

  test('imports no slice', () => {
    // Who owns rows is the one thing of a context that the flush has to know: a deleted person's row stays, as the owner of nothing.
    const known = 'src/projections/changes.ts → src/tables/users.ts';
    expect(
      imports
        .filter(({ from, to }) => machinery.includes(from) && isSlice(to))
        .map(show)
        .filter((each) => each !== known),
    ).toEqual([]);
  });

  test('imports no list of slices but the events it decodes and the tables it fills', () => {
    const lists = ['commands', 'projections', 'queries'].map((layer) => `src/${layer}/index.ts`);
    expect(imports.filter(({ from, to }) => machinery.includes(from) && lists.includes(to)).map(show)).toEqual([]);
  });
});

test('the model that random commands are held against is written from docs/domain.md alone', () => {
  const folder = join(root, 'test/replay/model');
  const sources = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
  expect(sources.length).toBeGreaterThan(5);
  for (const source of sources) expect(source).not.toMatch(/from '[^']*\/src\/(commands|projections|tables|queries)\//);
});

test('what is embedded is imported only where stores are opened, and by the command line', () => {
  const embedded = /^src\/(eventstore|postgres)\/embedded\//;
  expect(
    imports
      .filter(
        ({ from, to }) =>
          embedded.test(to) && !embedded.test(from) && !['src/stores.ts', 'src/main.ts'].includes(from) && layerOf(from) !== 'cli',
      )
      .map(show),
  ).toEqual([]);
});

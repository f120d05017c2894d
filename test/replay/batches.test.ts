// However a history is cut into batches, the rows come out as they do event by event: also where streams raced with each
// other. Nothing is parked, ever.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LoggedEvent } from '../../src/eventstore/log.ts';
import { createPool } from '../../src/postgres/pool.ts';
import { testDatabase } from '../support/postgres.ts';
import { ADA, BOB } from './history.ts';
import { letterComesBack, moreHistory } from './moreRaces.ts';
import { history } from './races.ts';
import { makeReadModel, parkedEvents, rowsInBatches } from './tables.ts';

const RUNS = Math.ceil(Number(process.env.DAYBOOK_RANDOM_COMMANDS ?? 1_000) / 120);
const SEED = Number(process.env.DAYBOOK_RANDOM_SEED ?? Date.now() % 2 ** 31);

let database: Awaited<ReturnType<typeof createPool>>;
let close: () => Promise<void>;

beforeAll(async () => {
  const postgres = await testDatabase();
  database = await createPool(postgres.url);
  await makeReadModel(database);
  close = async () => {
    await database.end();
    await postgres.close();
  };
});
afterAll(() => close());

test.for([
  ['tasks and messages', history],
  ['the other contexts', moreHistory],
] as const)(
  `${RUNS} random histories of %s give the same rows in any batches (DAYBOOK_RANDOM_SEED=${SEED})`,
  {
    timeout: 60_000 + RUNS * 5_000,
  },
  async ([, history]) => {
    const cuts = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 });
    const property = fc.asyncProperty(history, cuts, async (events, sizes) => {
      const rows = (batches: readonly number[], trustsFrom?: number) => rowsInBatches(database, events, [ADA, BOB], batches, trustsFrom);
      const oneByOne = await rows([1]);
      expect(await parkedEvents(database), told(events)).toEqual([]);
      for (const batches of [[events.length], sizes])
        expect(await rows(batches), `in batches of ${batches}\n${told(events)}`).toEqual(oneByOne);
      expect(await rows(sizes, 1), `in trusting batches of ${sizes}\n${told(events)}`).toEqual(oneByOne);
    });
    await fc.assert(property, { seed: SEED, numRuns: RUNS, unbiased: true, endOnFailure: process.env.DAYBOOK_RANDOM_SHRINK === 'no' });
  },
);

test('what came late, when that was gone which it points to, does without, though it comes back', async () => {
  const rows = (sizes: readonly number[], trustsFrom?: number) => rowsInBatches(database, letterComesBack, [ADA, BOB], sizes, trustsFrom);
  const oneByOne = await rows([1]);
  expect(oneByOne).not.toContainEqual(expect.objectContaining({ table: 'relationships.relationships' }));
  // At once, from the deletion on, and from after it.
  for (const sizes of [[10], [5, 10], [6, 10]])
    for (const trustsFrom of [undefined, 1]) expect(await rows(sizes, trustsFrom)).toEqual(oneByOne);
});

const told = (events: readonly LoggedEvent[]) =>
  events.map(({ stream, type, data }) => `${stream} ${type} ${JSON.stringify(data)}`).join('\n');

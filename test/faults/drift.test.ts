// The proof that the tables are what the log gives: it finds what is not, and disturbs nobody.
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'slonik';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isThere } from '../../src/postgres/readModel.ts';
import { projections } from '../../src/projections/index.ts';
import { rebuild } from '../../src/projections/rebuild.ts';
import { verifyProjections } from '../../src/projections/verify.ts';
import { startDaybook, type TestDaybook } from '../support/daybook.ts';
import { idOf, type Person, register } from '../support/person.ts';

/** Each is a rebuild that begins at another moment. */
const ROUNDS = Math.ceil(Number(process.env.DAYBOOK_FAULT_ROUNDS ?? 15) / 5);

let daybook: TestDaybook;
let person: Person;

beforeAll(async () => {
  daybook = await startDaybook();
  person = await register(daybook.app);
  for (const [n, title] of ['Milk', 'Bread', 'Salt'].entries()) await person.post('/tasks', { id: idOf(n), title });
});
afterAll(() => daybook.close());

const wrong = async () =>
  (await verifyProjections(daybook.log, daybook.database, projections))
    .filter(({ differing }) => differing.length > 0)
    .map(({ table, differing }) => ({ table, differing }));

test('finds nothing where nothing is wrong, also while people write, and leaves nothing behind', async () => {
  let isOver = false;
  const writing = (async () => {
    for (let n = 0; !isOver; n += 1) expect((await person.post('/documents', { title: `${n}`, content: 'text' })).status).toBe(201);
  })();
  const found = await verifyProjections(daybook.log, daybook.database, projections);
  isOver = true;
  await writing;
  expect(found.flatMap(({ differing }) => differing)).toEqual([]);
  expect(found.find(({ table }) => table === 'tasks.tasks')).toMatchObject({ rows: 3, hash: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(found.length).toBe(20);
  expect(await isThere(daybook.database, 'next')).toBe(false);
});

test('a rebuild that begins meanwhile takes the place of what is built to be compared, and is never ended by it', {
  timeout: 10_000 + ROUNDS * 5_000,
}, async () => {
  const said = { verified: 0, replaced: 0 };
  for (const afterMs of Array.from({ length: ROUNDS }, (_, round) => (round * 600) / ROUNDS)) {
    const verifying = verifyProjections(daybook.log, daybook.database, projections).then(
      (found) => {
        expect(found.flatMap(({ differing }) => differing)).toEqual([]);
        said.verified += 1;
      },
      (error: unknown) => {
        expect(String(error)).toMatch(/: (a rebuild has taken the place of|a read model is being built already)/);
        said.replaced += 1;
      },
    );
    await delay(afterMs);
    await rebuild(daybook.log, daybook.database, projections, () => {});
    await verifying;
    expect(await isThere(daybook.database, 'next')).toBe(false);
  }
  expect(said.replaced).toBeGreaterThan(0);
});

test('names the rows that are other, missing or too many, and metrics say that there are', async () => {
  await daybook.database.query(sql.unsafe`UPDATE tasks.tasks SET title = 'Butter' WHERE id = ${idOf(0)}`);
  expect(await wrong()).toEqual([{ table: 'tasks.tasks', differing: [idOf(0)] }]);
  await daybook.database.query(sql.unsafe`DELETE FROM tasks.tasks WHERE id = ${idOf(1)}`);
  await daybook.database.query(sql.unsafe`UPDATE tasks.tasks SET id = ${idOf(9)} WHERE id = ${idOf(2)}`);
  expect(await wrong()).toEqual([{ table: 'tasks.tasks', differing: [idOf(0), idOf(1), idOf(2), idOf(9)] }]);
  await daybook.builder?.verify();
  expect((await daybook.app.inject('/metrics')).body).toMatch(/^daybook_verification_differing_tables 1$/m);
});

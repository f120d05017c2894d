import { expect, test } from 'vitest';
import { createWaitingList } from '../../src/projections/progress.ts';

const NEVER_MS = 2 ** 31 - 1;

test('what is gathered while nobody waits is wanted as soon as somebody does, and at once where somebody did before', async () => {
  const list = createWaitingList();
  const wanted = list.untilWanted(NEVER_MS);
  const reached = list.reached(1n, NEVER_MS);
  await wanted;
  await list.untilWanted(NEVER_MS);
  list.advance(1n);
  expect(await reached).toBe(true);
  await list.untilWanted(1);
});

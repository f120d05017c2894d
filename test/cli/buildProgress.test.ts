import { expect, test } from 'vitest';
import { buildLines } from '../../src/cli/buildProgress.ts';

test('a build says every two seconds how far it is, how fast, and how long it will take', () => {
  let ms = 0;
  const lineOf = buildLines(() => ms);
  const at = (seconds: number, events: number, position: number | null) => {
    ms = seconds * 1_000;
    return lineOf({ events, position, head: 999n });
  };
  expect(at(0, 0, null)).toBeUndefined();
  expect(at(2, 0, null)).toBe('0% · 0 events · ?/s · ? s left');
  // Its clock begins with the first events, which are not counted: what they took is not known.
  expect(at(3, 10, 10)).toBeUndefined();
  expect(at(5, 250, 249)).toBe('24% · 250 events · 120/s · 6 s left');
  expect(at(6.9, 500, 499)).toBeUndefined();
  expect(at(7, 500, 499)).toBe('49% · 500 events · 123/s · 4 s left');
  expect(at(11, 1_000, 999)).toBe('100% · 1000 events · 124/s · 0 s left');
});

test('where there is nothing in the log, nothing is promised', () => {
  let ms = 0;
  const lineOf = buildLines(() => ms);
  ms = 2_000;
  expect(lineOf({ events: 0, position: null, head: 0 })).toBe('0% · 0 events · ?/s · ? s left');
});

test('a clock that goes on between two looks at it makes no rate of nothing', () => {
  let ms = 0;
  const lineOf = buildLines(() => {
    ms += 1e-3;
    return ms;
  });
  ms = 2_000;
  expect(lineOf({ events: 2_249, position: 999, head: 999 })).toBe('100% · 2249 events · ?/s · ? s left');
});

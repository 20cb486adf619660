import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { endingWith } from '../../support/ending-with';

// This is the served file, not its source.
const { curveOf } = await import(/* @vite-ignore */ pathToFileURL('dist/site/curve.js').href);

const BOX = { width: 288, height: 100 };

/** Returns the points of a line. */
const pointsOf = (line: string) =>
  line
    .slice(1)
    .split('L')
    .map((point) => point.split(' ').map(Number));

/** Returns a day that ends with these counts. */
const dayOf = (...counts: readonly number[]) => endingWith(counts);

it.each([
  ['no people', dayOf(), 0],
  ['one person', dayOf(1), 1],
  ['a peak', dayOf(33, ...Array(100).fill(0)), 0],
  ['a steady crowd', Array(288).fill(17), 17],
  ['a million', Array(288).fill(1_234_567), 1_234_567],
  ['more people than the history knows', dayOf(), 1_234_567],
])('the line of a day fills the width and stays in its box: %s', (_, counts, count) => {
  const points = pointsOf(curveOf(counts, count, BOX).line);
  expect(points).toHaveLength(288);
  expect(points[0]?.[0]).toBe(0);
  expect(points.at(-1)?.[0]).toBe(288);
  for (const [, y = Number.NaN] of points) {
    expect(y).toBeGreaterThanOrEqual(0);
    expect(y).toBeLessThanOrEqual(100);
  }
});

it('the line of no people is at the bottom, and the line of a steady crowd at the top', () => {
  expect(new Set(pointsOf(curveOf(dayOf(), 0, BOX).line).map(([, y]) => y))).toEqual(new Set([100]));
  expect(new Set(pointsOf(curveOf(Array(288).fill(17), 17, BOX).line).map(([, y]) => y))).toEqual(
    new Set([0]),
  );
});

it('the line of one person reaches a third of the height, and a visit of five minutes is visible', () => {
  const steady = pointsOf(curveOf(Array(288).fill(1), 1, BOX).line);
  expect(steady[0]?.[1]).toBeCloseTo(66.7, 1);
  const short = pointsOf(curveOf(dayOf(1, ...Array(50).fill(0)), 0, BOX).line);
  expect(Math.min(...short.map(([, y]) => y ?? 0))).toBeLessThan(97);
});

it('the point of now has the height of the current count, also after a crowd has left', () => {
  const end = (count: number) => pointsOf(curveOf(dayOf(17), count, BOX).line).at(-1)?.[1] ?? 0;
  expect(end(1)).toBeGreaterThan(end(17));
});

it('the point of now is the right end of the line, and is higher with two people', () => {
  const { line, area, now } = curveOf(dayOf(), 2, BOX);
  const [x, y = Number.NaN] = pointsOf(line).at(-1) ?? [];
  expect(now).toBe(`M${x?.toFixed(1)} ${y.toFixed(1)}h0`);
  expect(y).toBeLessThan(70);
  expect(area).toBe(`${line}V100H0Z`);
});

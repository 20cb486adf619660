import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HISTORY_STEP_MS, HISTORY_STEPS } from '../../../../src/limits';
import { HistorySteps } from '../../../../src/presence/room/history-steps';
import { START } from '../../../support/fake-runtime';
import { HistoryList } from '../../../support/history-list';

const DAY = HISTORY_STEPS * HISTORY_STEP_MS;
const MINUTE = 60_000;

/** The counts of the last `length` steps. The running step is the last one. */
const lastCounts = (steps: HistorySteps, now: number, length: number) =>
  steps.answer(now).counts.slice(-length);

describe('the history of a room', () => {
  it('a new history has 288 zeros, no visits, and a peak of zero at the start of the running step', () => {
    const { counts, peak, visits, stepMs, timestamp } = new HistorySteps([]).answer(START + 1);
    expect(counts).toEqual(Array.from({ length: 288 }, () => 0));
    expect({ peak, visits, stepMs, timestamp }).toEqual({
      peak: { count: 0, at: START },
      visits: 0,
      stepMs: 300_000,
      timestamp: START + 1,
    });
  });

  it('a step holds the largest count within it, also if that is the count at its start', () => {
    const steps = new HistorySteps([]);
    for (const [minute, count] of [
      [0, 3],
      [1, 7],
      [4, 2],
      [6, 1],
      [10, 4],
    ] as const)
      steps.setCount(count, START + minute * MINUTE);
    expect(lastCounts(steps, START + 10 * MINUTE, 4)).toEqual([0, 7, 2, 4]);
  });

  it('a steady count adds no further rows, and every later step has that count', () => {
    const steps = new HistorySteps([]);
    steps.setCount(12, START);
    for (let n = 1; n < 3 * HISTORY_STEPS; n += 1) steps.setCount(12, START + n * HISTORY_STEP_MS);
    expect(steps.rows.size).toBe(1);
    expect(new Set(steps.answer(START + 3 * DAY).counts)).toEqual(new Set([12]));
  });

  it('a history of a week keeps one row for each step of the last day, and the latest row before it', () => {
    const steps = new HistorySteps([]);
    for (let n = 0; n < 7 * HISTORY_STEPS; n += 1) steps.setCount(n % 9, START + n * HISTORY_STEP_MS);
    expect(steps.rows.size).toBe(HISTORY_STEPS + 1);
  });

  it('the peak is the largest count, at the start of the latest step with that count', () => {
    const steps = new HistorySteps([]);
    for (const [n, count] of [0, 5, 2, 5, 1].entries()) steps.setCount(count, START + n * HISTORY_STEP_MS);
    expect(steps.answer(START + DAY / 2).peak).toEqual({ count: 5, at: START + 4 * HISTORY_STEP_MS });
  });

  it('a visit counts for 24 hours', () => {
    const steps = new HistorySteps([]);
    steps.addVisits(3, START);
    steps.addVisits(2, START + HISTORY_STEP_MS);
    expect(steps.answer(START + DAY - 1).visits).toBe(5);
    expect(steps.answer(START + DAY).visits).toBe(2);
    expect(steps.answer(START + DAY + HISTORY_STEP_MS).visits).toBe(0);
  });

  it('a history equals a plain list of counts and visits, also after restarts and steps of the clock', () => {
    const eventOf = (otherMs: fc.Arbitrary<number>) =>
      fc.record({
        passedMs: fc.oneof(
          { weight: 6, arbitrary: fc.nat(2 * HISTORY_STEP_MS) },
          { weight: 1, arbitrary: otherMs },
        ),
        count: fc.option(fc.nat(5)),
        visits: fc.nat(2),
        restarts: fc.boolean(),
      });
    // A list of events steps back or passes days, never both. After both, the history lacks hours of the plain list.
    const backwards = eventOf(fc.integer({ min: -5 * HISTORY_STEP_MS, max: -1 }));
    const days = eventOf(fc.nat(2 * DAY));
    const eventLists = fc.oneof(...[backwards, days].map((event) => fc.array(event, { maxLength: 60 })));
    void fc.assert(
      fc.property(eventLists, (events) => {
        let steps = new HistorySteps([]);
        const list = new HistoryList();
        let now = START;
        for (const { passedMs, count, visits, restarts } of events) {
          now += passedMs;
          if (restarts) steps = new HistorySteps([...steps.rows.values()]);
          for (const history of [steps, list]) {
            history.addVisits(visits, now);
            history.setCount(count ?? list.count, now);
          }
          expect(steps.answer(now)).toMatchObject(list.answer(now));
        }
      }),
    );
  });
});

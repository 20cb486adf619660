import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HISTORY_STEP_MS, HISTORY_STEPS } from '../../../../src/limits';
import { HistorySteps } from '../../../../src/presence/room/history-steps';
import { START } from '../../../support/fake-runtime';
import { HistoryList } from '../../../support/history-list';

const DAY = HISTORY_STEPS * HISTORY_STEP_MS;
const MINUTE = 60_000;

/** The counts of the last steps, the running one last. */
const lastCounts = (steps: HistorySteps, now: number, length: number) =>
  steps.answer(now).counts.slice(-length);

describe('the history of a room', () => {
  it('a new history has 288 zeros, no visits, and its peak is now', () => {
    const { counts, peak, visits, stepMs, timestamp } = new HistorySteps([]).answer(START + 1);
    expect(counts).toEqual(Array.from({ length: 288 }, () => 0));
    expect({ peak, visits, stepMs, timestamp }).toEqual({
      peak: { count: 0, at: START },
      visits: 0,
      stepMs: 300_000,
      timestamp: START + 1,
    });
  });

  it('a step has the most sessions at once, also those that it began with', () => {
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

  it('a steady crowd has no further rows, and every later step has its count', () => {
    const steps = new HistorySteps([]);
    steps.setCount(12, START);
    for (let n = 1; n < 3 * HISTORY_STEPS; n += 1) steps.setCount(12, START + n * HISTORY_STEP_MS);
    expect(steps.rows.size).toBe(1);
    expect(new Set(steps.answer(START + 3 * DAY).counts)).toEqual(new Set([12]));
  });

  it('a history of a week has at most one row for each step of a day, and the latest one before that day', () => {
    const steps = new HistorySteps([]);
    for (let n = 0; n < 7 * HISTORY_STEPS; n += 1) steps.setCount(n % 9, START + n * HISTORY_STEP_MS);
    expect(steps.rows.size).toBe(HISTORY_STEPS + 1);
  });

  it('the peak is the largest count, at the start of the latest step that has it', () => {
    const steps = new HistorySteps([]);
    for (const [n, count] of [0, 5, 2, 5, 1].entries()) steps.setCount(count, START + n * HISTORY_STEP_MS);
    expect(steps.answer(START + DAY / 2).peak).toEqual({ count: 5, at: START + 4 * HISTORY_STEP_MS });
  });

  it('visits of a day ago and earlier are not among the visits', () => {
    const steps = new HistorySteps([]);
    steps.addVisits(3, START);
    steps.addVisits(2, START + HISTORY_STEP_MS);
    expect(steps.answer(START + DAY - 1).visits).toBe(5);
    expect(steps.answer(START + DAY).visits).toBe(2);
    expect(steps.answer(START + DAY + HISTORY_STEP_MS).visits).toBe(0);
  });

  it('a history is equal to a plain list of times, counts and visits, also after restarts and with a clock that steps', () => {
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
    // A clock that steps back after a day can lack the hours before that day, so no world has both.
    const backwards = eventOf(fc.integer({ min: -5 * HISTORY_STEP_MS, max: -1 }));
    const days = eventOf(fc.nat(2 * DAY));
    const worlds = fc.oneof(...[backwards, days].map((event) => fc.array(event, { maxLength: 60 })));
    void fc.assert(
      fc.property(worlds, (events) => {
        let steps = new HistorySteps([]);
        const list = new HistoryList();
        let now = START;
        for (const { passedMs, count, visits, restarts } of events) {
          now += passedMs;
          if (restarts) steps = new HistorySteps([...steps.rows.values()]);
          for (const one of [steps, list]) {
            one.addVisits(visits, now);
            one.setCount(count ?? list.count, now);
          }
          expect(steps.answer(now)).toMatchObject(list.answer(now));
        }
      }),
    );
  });
});

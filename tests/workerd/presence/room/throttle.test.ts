import { beforeEach, expect, it } from 'vitest';
import { Throttle } from '../../../../src/presence/room/throttle';
import { FakeRuntime, START } from '../../../support/fake-runtime';

let runtime: FakeRuntime;
let runs: number[];
const failures: unknown[] = [];
const report = (_trouble: string, cause: unknown) => void failures.push(cause);
beforeEach(() => {
  runtime = new FakeRuntime();
  runs = [];
});

const newThrottle = (lastRunAt?: number) =>
  new Throttle({
    intervalMs: 1_000,
    runtime,
    report,
    task: () => runs.push(runtime.now() - START),
    lastRunAt,
  });

it('a throttle runs a task at once, and later at most once per interval, however often it is scheduled', async () => {
  const throttle = newThrottle();
  for (let n = 0; n < 25; n += 1) {
    throttle.schedule();
    await runtime.advance(100);
  }
  await runtime.advance(1_000);
  expect(runs).toEqual([0, 1_000, 2_000, 3_500]);
});

it('a throttle runs a task at once after an interval without a run', async () => {
  const throttle = newThrottle();
  throttle.schedule();
  await runtime.advance(1_000);
  throttle.schedule();
  expect(runs).toEqual([0, 1_000]);
});

it('a task that is scheduled once runs once', async () => {
  newThrottle().schedule();
  await runtime.advance(10_000);
  expect(runs).toEqual([0]);
});

it('a throttle waits for an interval since the last run before a restart', async () => {
  newThrottle(START - 400).schedule();
  await runtime.advance(599);
  expect(runs).toEqual([]);
  await runtime.advance(1);
  expect(runs).toEqual([600]);
});

it('a clock that steps back does not make a throttle wait for more than an interval', async () => {
  newThrottle(START + 60_000).schedule();
  await runtime.advance(1_000);
  expect(runs).toEqual([1_000]);
});

it('a task that schedules itself runs again after an interval', async () => {
  const throttle: Throttle = new Throttle({
    intervalMs: 1_000,
    runtime,
    report,
    task: () => {
      runs.push(runtime.now() - START);
      if (runs.length < 3) throttle.schedule();
    },
  });
  throttle.schedule();
  for (let n = 0; n < 4; n += 1) await runtime.advance(1_000);
  expect(runs).toEqual([0, 1_000, 2_000]);
});

it('a task that throws after a wait is reported, and runs again', async () => {
  const error = new Error('The task failed.');
  let isBroken = false;
  const throttle = new Throttle({
    intervalMs: 1_000,
    runtime,
    report,
    task: () => {
      if (isBroken) throw error;
      runs.push(runtime.now() - START);
    },
  });
  throttle.schedule();
  throttle.schedule();
  isBroken = true;
  await runtime.advance(1_000);
  expect(failures).toEqual([error]);
  isBroken = false;
  throttle.schedule();
  await runtime.advance(1_000);
  expect(runs).toEqual([0, 2_000]);
});

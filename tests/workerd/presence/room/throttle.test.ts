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

const throttle = (lastRunAt?: number) =>
  new Throttle({
    intervalMs: 1_000,
    runtime,
    report,
    task: () => runs.push(runtime.now() - START),
    lastRunAt,
  });

it('the first run comes at once, and later runs an interval apart, however often the task is scheduled', async () => {
  const saves = throttle();
  for (let n = 0; n < 25; n += 1) {
    saves.schedule();
    await runtime.advance(100);
  }
  await runtime.advance(1_000);
  expect(runs).toEqual([0, 1_000, 2_000, 3_500]);
});

it('a run after a quiet interval comes at once', async () => {
  const saves = throttle();
  saves.schedule();
  await runtime.advance(1_000);
  saves.schedule();
  expect(runs).toEqual([0, 1_000]);
});

it('a task that was not scheduled does not run', async () => {
  throttle().schedule();
  await runtime.advance(10_000);
  expect(runs).toEqual([0]);
});

it('the last run before a restart counts', async () => {
  throttle(START - 400).schedule();
  await runtime.advance(599);
  expect(runs).toEqual([]);
  await runtime.advance(1);
  expect(runs).toEqual([600]);
});

it('a clock that steps back does not lengthen the wait', async () => {
  throttle(START + 60_000).schedule();
  await runtime.advance(1_000);
  expect(runs).toEqual([1_000]);
});

it('a task that schedules itself runs again after an interval', async () => {
  const saves: Throttle = new Throttle({
    intervalMs: 1_000,
    runtime,
    report,
    task: () => {
      runs.push(runtime.now() - START);
      if (runs.length < 3) saves.schedule();
    },
  });
  saves.schedule();
  for (let n = 0; n < 4; n += 1) await runtime.advance(1_000);
  expect(runs).toEqual([0, 1_000, 2_000]);
});

it('a task that throws after a wait is reported, and runs again', async () => {
  const error = new Error('The task failed.');
  let isBroken = false;
  const saves = new Throttle({
    intervalMs: 1_000,
    runtime,
    report,
    task: () => {
      if (isBroken) throw error;
      runs.push(runtime.now() - START);
    },
  });
  saves.schedule();
  saves.schedule();
  isBroken = true;
  await runtime.advance(1_000);
  expect(failures).toEqual([error]);
  isBroken = false;
  saves.schedule();
  await runtime.advance(1_000);
  expect(runs).toEqual([0, 2_000]);
});

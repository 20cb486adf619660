import { beforeEach, describe, expect, it } from 'vitest';
import { DailyQuota } from '../../../../src/presence/kv/daily-quota';

const NOON = Date.UTC(2026, 0, 1, 12);
const MIDNIGHT = Date.UTC(2026, 0, 2);
const USED_UP = 'KV put() limit exceeded for the day.';

let now: number;
let runs: number;
let quota: DailyQuota;
beforeEach(() => {
  now = NOON;
  runs = 0;
  quota = new DailyQuota(() => now);
});

const run = (trouble?: string) =>
  quota.run(() => {
    runs += 1;
    return trouble === undefined ? Promise.resolve('done') : Promise.reject(new Error(trouble));
  });

describe('a daily quota', () => {
  it('a quota runs each operation after an error that is no daily limit, and rejects with that error', async () => {
    expect(await run()).toBe('done');
    await expect(run('KV PUT failed: 429 Too Many Requests')).rejects.toThrow('429');
    expect(await run()).toBe('done');
  });

  it('a quota that is used up runs no operation until 1 minute past midnight UTC', async () => {
    now = MIDNIGHT - 1_000;
    await expect(run(USED_UP)).rejects.toThrow('limit exceeded');
    now = MIDNIGHT + 59_999;
    await expect(run()).rejects.toThrow('A daily limit of KV is used up.');
    expect(runs).toBe(1);
    now = MIDNIGHT + 60_000;
    expect(await run()).toBe('done');
  });

  it('a quota that is used up runs one operation an hour, because the plan may change', async () => {
    await expect(run(USED_UP)).rejects.toThrow('limit exceeded');
    now = NOON + 3_599_999;
    await expect(run()).rejects.toThrow('A daily limit of KV is used up.');
    now = NOON + 3_600_000;
    await expect(run(USED_UP)).rejects.toThrow('limit exceeded');
    now = NOON + 7_200_000;
    expect(await run()).toBe('done');
  });

  it('a quota that KV refuses 10 s after midnight runs the next operation 1 minute after midnight', async () => {
    now = MIDNIGHT + 10_000;
    await expect(run(USED_UP)).rejects.toThrow('limit exceeded');
    now = MIDNIGHT + 59_999;
    await expect(run()).rejects.toThrow('A daily limit of KV is used up.');
    now = MIDNIGHT + 60_000;
    expect(await run()).toBe('done');
  });
});

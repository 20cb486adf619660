import { beforeEach, describe, expect, it } from 'vitest';
import { DailyQuota } from '../../src/presence/daily-quota';

const NOON = Date.UTC(2026, 0, 1, 12);
const MIDNIGHT = Date.UTC(2026, 0, 2);

let now: number;
let asked: number;
let quota: DailyQuota;
beforeEach(() => {
  now = NOON;
  asked = 0;
  quota = new DailyQuota(() => now);
});

const ask = (trouble?: string) =>
  quota.run(() => {
    asked += 1;
    return trouble === undefined ? Promise.resolve('done') : Promise.reject(new Error(trouble));
  });

describe('a daily quota', () => {
  it('lets everything through, also errors that are not about it', async () => {
    expect(await ask()).toBe('done');
    await expect(ask('KV PUT failed: 429 Too Many Requests')).rejects.toThrow('429');
    expect(await ask()).toBe('done');
  });

  it('asks no more until a minute past midnight UTC once the daily limit is reached', async () => {
    await expect(ask('KV put() limit exceeded for the day.')).rejects.toThrow('limit exceeded');
    now = MIDNIGHT + 59_999;
    await expect(ask()).rejects.toThrow('Used up until midnight UTC');
    expect(asked).toBe(1);
    now = MIDNIGHT + 60_000;
    expect(await ask()).toBe('done');
  });
});

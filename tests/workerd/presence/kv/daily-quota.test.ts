import { beforeEach, describe, expect, it } from 'vitest';
import { DailyQuota } from '../../../../src/presence/kv/daily-quota';

const NOON = Date.UTC(2026, 0, 1, 12);
const MIDNIGHT = Date.UTC(2026, 0, 2);
const USED_UP = 'KV put() limit exceeded for the day.';

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

  it('that is used up asks KV no more until a minute past the next midnight UTC', async () => {
    now = MIDNIGHT - 1_000;
    await expect(ask(USED_UP)).rejects.toThrow('limit exceeded');
    now = MIDNIGHT + 59_999;
    await expect(ask()).rejects.toThrow('A daily limit of KV is used up.');
    expect(asked).toBe(1);
    now = MIDNIGHT + 60_000;
    expect(await ask()).toBe('done');
  });

  it('that is used up asks KV again after an hour, whether or not the limit is raised', async () => {
    await expect(ask(USED_UP)).rejects.toThrow('limit exceeded');
    now = NOON + 3_599_999;
    await expect(ask()).rejects.toThrow('A daily limit of KV is used up.');
    now = NOON + 3_600_000;
    await expect(ask(USED_UP)).rejects.toThrow('limit exceeded');
    now = NOON + 7_200_000;
    expect(await ask()).toBe('done');
  });

  it('that KV refuses ten seconds after midnight, still for the day before, is asked a minute after it', async () => {
    now = MIDNIGHT + 10_000;
    await expect(ask(USED_UP)).rejects.toThrow('limit exceeded');
    now = MIDNIGHT + 59_999;
    await expect(ask()).rejects.toThrow('A daily limit of KV is used up.');
    now = MIDNIGHT + 60_000;
    expect(await ask()).toBe('done');
  });
});

import { env } from 'cloudflare:workers';
import { beforeEach, expect, it } from 'vitest';
import { ZERO_COUNTS } from '../../../../src/presence/session';
import { type FakeRuntime, START } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
import type { TroubledKv } from '../../../support/troubled-kv';
import { KvSite, TIMING } from './kv-site';

const [ANNA, BEN] = [sessionId(1), sessionId(2)];

let site: KvSite;
let runtime: FakeRuntime;
let kv: TroubledKv;
beforeEach(async () => {
  site = await KvSite.open();
  ({ runtime, kv } = site);
});

it('other locations count by their summaries until these end', async () => {
  await site.join('fra').heartbeat(ANNA, 'release');
  const here = site.join();
  expect((await here.heartbeat(BEN, 'gratitude')).moods).toEqual({
    ...ZERO_COUNTS,
    gratitude: 1,
    release: 1,
  });
  await runtime.advance(TIMING.leaseMs + TIMING.aloneExtensionMs - 1);
  kv.trouble.list = 'throws';
  expect(await here.count()).toBe(1);
  await runtime.advance(1);
  expect(await here.count()).toBe(0);
});

it('the first answer counts other locations, also when the list takes longer than the read', async () => {
  await site.join('fra').heartbeat(ANNA);
  kv.trouble.list = 'lags';
  kv.trouble.getOpened = 'throws';
  expect((await site.join().heartbeat(BEN)).count).toBe(2);
});

it('a replica repeats a failed listing at the next sync', async () => {
  const here = site.join();
  kv.trouble.list = 'throws';
  kv.trouble.getOpened = 'throws';
  await here.heartbeat(ANNA);
  expect(await here.count()).toBe(1);
  expect(site.reports).toContain('the other locations could not be listed');
  delete kv.trouble.list;
  await site.join('fra').heartbeat(BEN);
  await site.sync(here);
  expect(await here.count()).toBe(2);
});

it('a replica ignores foreign keys, keys without a valid summary and summaries of the future', async () => {
  const hostile = [
    { at: START, moods: { gratitude: -1, presence: 0, release: 0, connection: 0 } },
    { at: START, moods: { gratitude: 1 } },
    { at: 'now', moods: ZERO_COUNTS },
    'text',
  ];
  await env.PRESENCE_KV.put(
    'presence:sessions',
    JSON.stringify({ [ANNA]: { mood: 'presence', lastSeen: START } }),
  );
  for (const [n, metadata] of hostile.entries())
    await env.PRESENCE_KV.put(`presence:sessions:x${n}`, '{}', { metadata });
  await env.PRESENCE_KV.put('presence:sessions:fra', '{}', {
    metadata: { at: 9e12, until: 9e12 + TIMING.leaseMs, moods: { ...ZERO_COUNTS, release: 2 } },
  });
  await env.PRESENCE_KV.put('another-app:fra', '{}', {
    metadata: { at: START, until: START + TIMING.leaseMs, moods: { ...ZERO_COUNTS, release: 2 } },
  });
  const here = site.join();
  expect((await here.heartbeat(BEN)).moods).toEqual({ ...ZERO_COUNTS, presence: 1 });
});

it('a listing that hangs delays no session of the own location', async () => {
  const [here, there] = [site.join(), site.join()];
  kv.trouble.list = 'hangs';
  await site.afterWaiting(Promise.all([here.heartbeat(ANNA), there.heartbeat(BEN)]));
  await runtime.advance(TIMING.syncIntervalMs);
  await site.afterWaiting(here.presence());
  expect(await here.count()).toBe(2);
  expect(here.trouble).toBe('list-failed');
});

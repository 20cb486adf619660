import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { KvHub } from '../../../../src/presence/kv/kv-hub';
import { LocationSummary } from '../../../../src/presence/kv/location-summaries';
import { ZERO_COUNTS } from '../../../../src/presence/session';
import { kvTiming } from '../../../../src/presence/timing';
import { type FakeRuntime, START } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
import { SyncedReplica } from '../../../support/synced-replica';
import type { TroubledKv } from '../../../support/troubled-kv';
import { KEY, KvSite, stored, TIMING } from './kv-site';

const [ANNA, BEN, CARL] = [sessionId(1), sessionId(2), sessionId(3)];

let site: KvSite;
let runtime: FakeRuntime;
let kv: TroubledKv;
beforeEach(async () => {
  site = await KvSite.open();
  ({ runtime, kv } = site);
});

describe('the stored value', () => {
  it('is the documented map under the key of the location, with its summary as metadata', async () => {
    const replica = site.join('AMS');
    await replica.heartbeat(ANNA, 'gratitude');
    await replica.heartbeat(BEN, 'release');
    await replica.leave(BEN);
    await site.join().heartbeat(CARL, 'connection');
    await site.sync(replica);
    await site.sync(replica);
    expect(await stored()).toEqual({
      value: {
        [ANNA]: { mood: 'gratitude', lastSeen: START },
        [BEN]: { mood: null, lastSeen: START + 1 },
        [CARL]: { mood: 'connection', lastSeen: START },
      },
      metadata: {
        at: START + 20_000,
        until: START + 20_000 + TIMING.leaseMs,
        moods: { ...ZERO_COUNTS, gratitude: 1, connection: 1 },
        marksRest: true,
      },
      cacheStatus: null,
    });
  });

  it('stands under the bare key where no location is known', async () => {
    await site.join(null).heartbeat(ANNA);
    expect((await stored('presence:sessions')).value).toHaveProperty(ANNA);
  });

  it('stands under the key of the location that a later request brings, and loses no session', async () => {
    const hub = new KvHub({ kv: kv.store, timing: TIMING, runtime, report: () => undefined });
    const replica = new SyncedReplica(hub, TIMING, runtime);
    await replica.heartbeat(ANNA);
    hub.locate('ams');
    await site.sync(replica);
    expect((await stored()).value).toHaveProperty(ANNA);
    expect(await site.join().count()).toBe(1);
    await site.join('fra').heartbeat(BEN);
    await runtime.advance(100_000);
    await replica.heartbeat(ANNA);
    expect(await replica.count()).toBe(2);
  });

  it('is cleaned up by KV no earlier than the lease and than TTL and grace', async () => {
    expect(TIMING).toMatchObject({ leaseMs: 220_000, leaseExtensionMs: 80_000, expirationTtlSeconds: 300 });
    expect(kvTiming(600_000, 60_000)).toMatchObject({
      leaseMs: 700_000,
      leaseExtensionMs: 0,
      expirationTtlSeconds: 840,
    });
    await site.join().heartbeat(ANNA);
    const [key] = (await env.PRESENCE_KV.list()).keys;
    expect((key?.expiration ?? 0) - Date.now() / 1000).toBeGreaterThan(290);
  });

  it('no longer holds who is older than TTL and grace', async () => {
    const replica = site.join();
    await replica.heartbeat(ANNA);
    await runtime.advance(TIMING.refreshMs + TIMING.leaseExtensionMs);
    await replica.heartbeat(BEN);
    expect(Object.keys((await stored()).value as object)).toEqual([BEN]);
  });

  it('is never written by a replica that only reads, nor for a leave that nobody knew', async () => {
    const reader = site.join();
    await site.join().heartbeat(ANNA);
    kv.operations.put = 0;
    await site.sync(reader);
    expect(await reader.count()).toBe(1);
    for (let round = 0; round < 5; round += 1) {
      await reader.leave(BEN);
      await site.sync(reader);
    }
    expect(kv.operations).toMatchObject({ get: 7, put: 0 });
  });
});

it.each([1, 2, 5, 10, 20, 49, 50, 60])(
  'with a sync every %d s a replica rests no longer than version 1.0 accepts',
  (seconds) => {
    expect(kvTiming(30_000, seconds * 1000).leaseExtensionMs).toBeLessThanOrEqual(
      Math.max(100_000 - 2_000 * seconds, 0),
    );
  },
);

describe('a write', () => {
  it('is not made where nobody is', async () => {
    await site.join().presence();
    expect(kv.operations).toMatchObject({ get: 1, put: 0 });
  });

  it('is made by a fresh replica that holds somebody, though others wrote the same of him', async () => {
    await site.join().heartbeat(ANNA);
    await runtime.advance(10_000);
    await site.join().heartbeat(ANNA);
    expect((await stored()).value).toEqual({
      [ANNA]: { mood: 'presence', lastSeen: START + 10_000, rests: true },
    });
  });

  it('leaves out who is older than TTL and grace, and nobody who is younger', async () => {
    const record = (lastSeen: number) => ({ mood: 'presence', lastSeen });
    const keptFrom = START - TIMING.remoteTtlMs;
    await env.PRESENCE_KV.put(KEY, JSON.stringify({ [ANNA]: record(keptFrom), [BEN]: record(keptFrom + 1) }));
    await site.join().heartbeat(CARL);
    expect(Object.keys((await stored()).value as object).sort()).toEqual([BEN, CARL]);
  });

  it('that fails shows as degraded, and one that is refused does not', async () => {
    const replica = site.join();
    kv.trouble.put = 'refuses';
    await replica.heartbeat(ANNA);
    expect(replica.store.health().trouble).toBeUndefined();
    kv.trouble.put = 'throws';
    await site.sync(replica);
    expect(replica.store.health().trouble).toBe('sync-failed');
  });

  const restsAfter = async (replica: SyncedReplica) => {
    const { metadata } = await stored();
    const { at, until } = LocationSummary.parse(metadata);
    expect(at).toBe(runtime.now());
    await replica.idle();
    return until - at > TIMING.leaseMs;
  };

  it.each([
    [20, true],
    [21, false],
  ])(
    'says of %d people who are alone in the runtime whether their replica rests: %j',
    async (people, rests) => {
      const replica = site.join();
      await replica.presence();
      for (let n = 1; n <= people; n += 1) await replica.heartbeat(sessionId(n));
      await site.sync(replica);
      expect(await restsAfter(replica)).toBe(rests);
    },
  );

  it('says of no rest where KV shows nobody whether others rest', async () => {
    const { get, put, list } = kv.store;
    const replica = site.join('ams', { get, put, list } as typeof kv.store);
    await replica.heartbeat(ANNA);
    expect(await restsAfter(replica)).toBe(false);
  });

  it('is never later than the one before it has said', async () => {
    const [here, there] = [site.join(), site.join()];
    await there.heartbeat(BEN);
    await here.heartbeat(ANNA);
    let last = LocationSummary.parse((await stored()).metadata);
    let rested = 0;
    while (runtime.now() < START + 300_000) {
      await site.sync(here);
      await here.heartbeat(ANNA);
      const { metadata } = await stored();
      const next = LocationSummary.parse(metadata);
      const leaseExtensionMs = last.until - last.at - TIMING.leaseMs;
      expect(runtime.now() - last.at).toBeLessThanOrEqual(TIMING.refreshMs + leaseExtensionMs);
      if (next.at > last.at) rested += leaseExtensionMs;
      last = next;
    }
    expect(rested).toBeGreaterThan(0);
  });

  it.each([
    ['an older one that promised none', { at: START - 1, until: START - 1 + TIMING.leaseMs }],
    [
      'one of somebody else, who wrote since and promised one',
      { at: START + 1, until: START + 1 + TIMING.leaseMs + TIMING.leaseExtensionMs },
    ],
    ['none at all', undefined],
  ])('is made in time if the summary that says of our rest is not there, but %s', async (_what, summary) => {
    const here = site.join();
    await here.heartbeat(ANNA);
    const value = (await env.PRESENCE_KV.get(KEY)) ?? '';
    const metadata = summary && { ...summary, moods: { ...ZERO_COUNTS, presence: 1 } };
    await env.PRESENCE_KV.put(KEY, value, { metadata });
    kv.operations.put = 0;
    await site.sync(here);
    await site.sync(here);
    expect(kv.operations.put).toBe(1);
  });
});

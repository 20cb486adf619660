import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { LocationSummary } from '../../../../src/presence/kv/location-summaries';
import { totalOf, ZERO_COUNTS } from '../../../../src/presence/session';
import { type FakeRuntime, START } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
import type { SyncedReplica } from '../../../support/synced-replica';
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

describe('peers', () => {
  it('expire each in its time, whatever order they are stored in', async () => {
    const record = (lastSeen: number) => ({ mood: 'presence', lastSeen });
    const value = { [ANNA]: record(START), [BEN]: record(START - 20_000) };
    await env.PRESENCE_KV.put(KEY, JSON.stringify(value));
    const replica = site.join();
    expect(await replica.count()).toBe(2);
    kv.all = 'throws';
    await runtime.advance(TIMING.remoteTtlMs - 20_000);
    expect(await replica.count()).toBe(1);
    await runtime.advance(20_000);
    expect(await replica.count()).toBe(0);
  });

  it('of a writer that rests, since it was alone in the runtime, count until it will have spoken again', async () => {
    const [here, reader] = [site.join(), site.join()];
    await here.heartbeat(ANNA);
    kv.operations.put = 0;
    for (let waitedMs = 20_000; waitedMs < TIMING.refreshMs + TIMING.leaseExtensionMs; waitedMs += 20_000) {
      await site.sync(here);
      await here.heartbeat(ANNA);
      await site.sync(reader);
      expect(await reader.count()).toBe(1);
    }
    expect(kv.operations.put).toBe(0);
    await site.sync(here);
    await here.heartbeat(ANNA);
    await site.sync(here);
    expect(kv.operations.put).toBe(1);
  });

  it('of a writer that rests are told of all that changed as soon as somebody comes to another isolate', async () => {
    const [here, there] = [site.join(), site.join()];
    await here.heartbeat(ANNA);
    await here.heartbeat(BEN);
    await site.sync(here);
    expect(await there.count()).toBe(1);
    await there.heartbeat(CARL);
    await site.sync(there);
    await here.heartbeat(ANNA);
    await here.heartbeat(BEN);
    await site.sync(here);
    expect(Object.keys((await stored()).value as object).sort()).toEqual([ANNA, BEN, CARL]);
  });

  it.each([
    ['at the first read', 0],
    ['at the second', 1],
  ])(
    'of a writer that says that it rests count for longer, whatever else is read: %s',
    async (_name, nth) => {
      const value = JSON.stringify({ [ANNA]: { mood: 'presence', lastSeen: START } });
      const rests = {
        at: START,
        until: START + TIMING.leaseMs + TIMING.leaseExtensionMs,
        moods: { ...ZERO_COUNTS, presence: 1 },
      };
      const reader = site.join();
      for (const round of [0, 1]) {
        await env.PRESENCE_KV.put(KEY, value, round === nth ? { metadata: rests } : {});
        await site.sync(reader);
      }
      await env.PRESENCE_KV.delete(KEY);
      await runtime.advance(START + TIMING.remoteTtlMs + TIMING.leaseExtensionMs - 1 - runtime.now());
      expect(await reader.count()).toBe(1);
      await runtime.advance(1);
      expect(await reader.count()).toBe(0);
    },
  );

  it('that left or expired here do not come back from what this replica wrote before it rested', async () => {
    const replica = site.join();
    await replica.heartbeat(ANNA);
    await replica.heartbeat(BEN);
    await runtime.advance(5_000);
    await replica.leave(ANNA);
    while (runtime.now() < START + 200_000) {
      await site.sync(replica);
      expect(await replica.count()).toBe(runtime.now() < START + TIMING.ttlMs ? 1 : 0);
    }
  });
});

describe('an isolate that rests, alone with its sessions,', () => {
  const TEN = Array.from({ length: 10 }, (_, n) => sessionId(100 + n));
  let writer: SyncedReplica;
  const beatAll = async () => {
    for (const id of TEN) await writer.heartbeat(id);
  };
  beforeEach(async () => {
    writer = site.join();
    await writer.presence();
    await beatAll();
    await site.sync(writer);
  });

  it('keeps all its sessions for readers when another isolate writes the key for a new one', async () => {
    kv.operations.put = 0;
    for (let waitedMs = 0; waitedMs < 90_000; waitedMs += 10_000) {
      await beatAll();
      await site.sync(writer);
    }
    expect(kv.operations.put).toBe(0);
    const second = site.join();
    await second.heartbeat(ANNA);
    await second.heartbeat(BEN);
    await site.sync(second);
    const third = site.join();
    expect(await third.count()).toBe(12);
    expect(await second.count()).toBe(12);
    const { metadata } = await stored();
    expect(totalOf(LocationSummary.parse(metadata).moods)).toBe(12);
  });

  it('takes back a session that falls silent: readers count it for TTL and grace, and never write it again', async () => {
    const [silent = '', ...others] = TEN;
    const silentSince = runtime.now() - TIMING.syncIntervalMs;
    const reader = site.join();
    expect(await reader.count()).toBe(10);
    while (runtime.now() < silentSince + TIMING.remoteTtlMs + TIMING.refreshMs + TIMING.leaseExtensionMs) {
      await runtime.advance(TIMING.syncIntervalMs);
      for (const id of others) await writer.heartbeat(id);
      const before = await stored();
      expect(await reader.count()).toBe(runtime.now() < silentSince + TIMING.remoteTtlMs ? 10 : 9);
      expect(await stored()).toEqual(before);
    }
    expect((await stored()).value).not.toHaveProperty(silent);
  });

  it('takes back a session that leaves, at its next sync', async () => {
    const [leaver = ''] = TEN;
    await writer.leave(leaver);
    await site.sync(writer);
    expect((await stored()).value).toMatchObject({ [leaver]: { mood: null } });
    expect(await site.join().count()).toBe(9);
  });

  it('is believed also where version 1.0 wrote, which says so in the summary only', async () => {
    const { value, metadata } = await stored();
    const { at, until, moods } = LocationSummary.parse(metadata);
    expect(until - at).toBe(TIMING.leaseMs + TIMING.leaseExtensionMs);
    const ids = Object.keys(value as object);
    const older = Object.fromEntries(ids.map((id) => [id, { mood: 'presence', lastSeen: at }]));
    await env.PRESENCE_KV.put(KEY, JSON.stringify(older), { metadata: { at, until, moods } });
    await runtime.advance(TIMING.remoteTtlMs + 10_000);
    expect(await site.join().count()).toBe(10);
  });
});

describe('a replica without sessions', () => {
  it('writes when stored sessions have expired, so that other locations count them no more', async () => {
    await site.join().heartbeat(ANNA);
    const reader = site.join();
    await reader.count();
    await runtime.advance(TIMING.remoteTtlMs + TIMING.leaseExtensionMs - 10_000);
    kv.operations.put = 0;
    await site.sync(reader);
    await site.sync(reader);
    expect(kv.operations.put).toBe(1);
    expect(totalOf(LocationSummary.parse((await stored()).metadata).moods)).toBe(0);
  });
});

describe('a read that is older than the one before', () => {
  it('loses nobody: neither for this replica, nor in what it writes', async () => {
    const [here, there] = [site.join(), site.join()];
    const none = (await env.PRESENCE_KV.get(KEY)) ?? '{}';
    await there.heartbeat(BEN, 'release');
    await here.heartbeat(ANNA);
    expect(await here.count()).toBe(2);
    // Visibility at home is usual, and not guaranteed.
    await env.PRESENCE_KV.put(KEY, none);
    await site.sync(here);
    expect(await here.count()).toBe(2);
    expect(await site.join().count()).toBe(2);
  });

  it('revives nobody who has left elsewhere', async () => {
    const [here, there] = [site.join(), site.join()];
    await there.heartbeat(BEN, 'release');
    const old = (await env.PRESENCE_KV.get(KEY)) ?? '';
    await there.leave(BEN);
    await here.heartbeat(ANNA);
    await site.sync(there);
    await site.sync(here);
    expect(await here.count()).toBe(1);
    await here.heartbeat(ANNA);
    // Nor does it if the leave comes here once more, as a page may send it twice when it closes.
    await here.leave(BEN);
    await env.PRESENCE_KV.put(KEY, old);
    await site.sync(here);
    expect(await here.count()).toBe(1);
    expect(await site.join().count()).toBe(1);
  });
});

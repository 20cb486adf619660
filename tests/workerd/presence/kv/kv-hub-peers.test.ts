import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { KvHub } from '../../../../src/presence/kv/kv-hub';
import { ZERO_COUNTS } from '../../../../src/presence/session';
import { kvTiming } from '../../../../src/presence/timing';
import { type FakeRuntime, START } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
import { SyncedReplica } from '../../../support/synced-replica';
import type { TroubledKv } from '../../../support/troubled-kv';
import { KEY, KvSite, stored, TIMING } from './kv-site';
import { loneWriter, sendHeartbeats, syncedCount } from './lone-writer';

const [ANNA, BEN, CARL] = [sessionId(1), sessionId(2), sessionId(3)];
const SECOND = 1_000;

let site: KvSite;
let runtime: FakeRuntime;
let kv: TroubledKv;
beforeEach(async () => {
  site = await KvSite.open();
  ({ runtime, kv } = site);
});

describe('remote sessions', () => {
  it('each remote session expires at its own time, in any order of the stored value', async () => {
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

  const ALONE = { metadata: { at: START, until: START + TIMING.leaseMs + TIMING.aloneExtensionMs } };
  const TOGETHER = { metadata: { at: START, until: START + TIMING.leaseMs } };
  it.each([
    ['whose writer was alone', 150_000, false, ALONE],
    ['with rests', 150_000, true, TOGETHER],
    ['with rests, whose writer was alone,', 150_000, true, ALONE],
    ['with rests and without a summary', 150_000, true, {}],
    ['whose writer was not alone', 70_000, false, TOGETHER],
    ['without a summary', 70_000, false, {}],
  ] as const)(
    'a remote session %s counts for %d ms, and not longer after a later read',
    async (_what, countsMs, rests, { metadata }: { metadata?: object }) => {
      const moods = { ...ZERO_COUNTS, presence: 1 };
      const value = { [ANNA]: { mood: 'presence', lastSeen: START, ...(rests && { rests }) } };
      const options = metadata && { metadata: { ...metadata, moods } };
      await env.PRESENCE_KV.put(KEY, JSON.stringify(value), options);
      const [reader, later] = [site.join(), site.join()];
      await reader.presence();
      await runtime.advance(countsMs - 2);
      await later.presence();
      await runtime.advance(1);
      expect([await reader.count(), await later.count()]).toEqual([1, 1]);
      await runtime.advance(1);
      expect([await reader.count(), await later.count()]).toEqual([0, 0]);
    },
  );

  it.each([
    ['first', 0],
    ['second', 1],
  ])(
    'a session keeps its longer time when only the %s of two reads has the session with rests',
    async (_name, nth) => {
      const session = { mood: 'presence', lastSeen: START };
      const reader = site.join();
      for (const round of [0, 1]) {
        const value = { [ANNA]: round === nth ? { ...session, rests: true } : session };
        await env.PRESENCE_KV.put(KEY, JSON.stringify(value));
        await site.sync(reader);
      }
      await env.PRESENCE_KV.delete(KEY);
      await runtime.advance(START + TIMING.tombstoneTtlMs - 1 - runtime.now());
      expect(await reader.count()).toBe(1);
      await runtime.advance(1);
      expect(await reader.count()).toBe(0);
    },
  );

  it('a reader counts the session of a replica that is alone at each sync between two writes', async () => {
    const [here, reader] = [site.join(), site.join()];
    await here.heartbeat(ANNA);
    for (let elapsedMs = 0; elapsedMs < 300 * SECOND; elapsedMs += 10 * SECOND) {
      await runtime.advance(10 * SECOND);
      await here.heartbeat(ANNA);
      expect(await reader.count()).toBe(1);
      expect(await site.join().count()).toBe(1);
    }
  });

  it.each([30, 180])(
    'the sessions of a replica that stops end after remoteTtlMs although the other replica is alone: TTL %d s',
    async (ttlSeconds) => {
      const timing = kvTiming(ttlSeconds * SECOND, 10 * SECOND);
      const join = () => {
        const hub = new KvHub({ kv: kv.store, timing, runtime, report: () => undefined });
        hub.locate('ams');
        return new SyncedReplica(hub, timing, runtime);
      };
      const [here, there] = [join(), join()];
      await there.heartbeat(BEN);
      await runtime.advance(1);
      await here.heartbeat(ANNA);
      const lastSeen = runtime.now();
      while (runtime.now() < lastSeen + timing.remoteTtlMs) {
        await runtime.advance(5 * SECOND);
        await there.heartbeat(BEN);
      }
      expect(await there.count()).toBe(1);
      expect(await join().count()).toBe(1);
    },
  );

  it('sessions that left or expired do not return from an earlier write of their own replica', async () => {
    const replica = site.join();
    await replica.heartbeat(ANNA);
    await replica.heartbeat(BEN);
    await runtime.advance(5_000);
    await replica.leave(ANNA);
    while (runtime.now() < START + 300_000) {
      await site.sync(replica);
      expect(await replica.count()).toBe(runtime.now() < START + TIMING.ttlMs ? 1 : 0);
    }
  });
});

describe('many sessions at one replica', () => {
  it.each(
    [10, 30].flatMap((sessionCount) =>
      [30, 45, 70, 99.999].map((seconds) => [sessionCount, seconds] as const),
    ),
  )(
    'all replicas count %d sessions of a replica that was alone when another one writes %d s after its refresh',
    async (sessionCount, seconds) => {
      const { writer, writerKv, ids } = await loneWriter(site, sessionCount);
      const third = site.join();
      expect(await third.count()).toBe(sessionCount);
      const wroteAt = runtime.now();
      writerKv.operations.put = 0;
      while (runtime.now() < wroteAt + seconds * SECOND) {
        const leftMs = wroteAt + seconds * SECOND - runtime.now();
        await runtime.advance(Math.min(leftMs, TIMING.syncIntervalMs));
        await sendHeartbeats(writer, ids);
      }
      expect(writerKv.operations.put).toBe(0);
      const second = site.join();
      await second.heartbeat(ANNA);
      const extended = { mood: 'presence', lastSeen: expect.any(Number), rests: true };
      expect((await stored()).value).toMatchObject(Object.fromEntries(ids.map((id) => [id, extended])));
      // The first replica writes nothing for 40 s, so its sessions count only by the writes of the second one.
      writerKv.all = 'throws';
      for (let elapsedSeconds = 0; elapsedSeconds < 40; elapsedSeconds += 5) {
        for (const reader of [second, third, site.join()])
          expect(await syncedCount(reader), `after ${elapsedSeconds} s`).toBe(sessionCount + 1);
        await runtime.advance(5 * SECOND);
        await sendHeartbeats(writer, ids);
        await second.heartbeat(ANNA);
      }
      writerKv.all = undefined;
      for (let round = 0; round < 12; round += 1) {
        await runtime.advance(TIMING.syncIntervalMs);
        await sendHeartbeats(writer, ids);
        await second.heartbeat(ANNA);
        for (const reader of [writer, second, third, site.join()])
          expect(await syncedCount(reader)).toBe(sessionCount + 1);
        expect(presentIn((await stored()).value)).toBe(sessionCount + 1);
      }
    },
  );

  const presentIn = (value: unknown) =>
    Object.values(value as Record<string, { mood: unknown }>).filter(({ mood }) => mood !== null).length;

  it('a replica writes its sessions again after a second one wrote the key from an older read', async () => {
    const [here, there] = [site.join(), site.join()];
    await here.heartbeat(ANNA);
    await here.heartbeat(BEN);
    await site.sync(here);
    await there.heartbeat(CARL);
    await site.sync(there);
    await here.heartbeat(ANNA);
    await here.heartbeat(BEN);
    await site.sync(here);
    expect(Object.keys((await stored()).value as object).sort()).toEqual([ANNA, BEN, CARL]);
  });

  it('a replica with 30 sessions writes a leave at its next sync', async () => {
    const { writer, ids } = await loneWriter(site, 30);
    const [leaver = ''] = ids;
    await writer.leave(leaver);
    await site.sync(writer);
    expect((await stored()).value).toMatchObject({ [leaver]: { mood: null } });
    expect(await site.join().count()).toBe(29);
  });
});

describe('reads of an older value', () => {
  it('a session stays at its readers and in the next write when KV returns an older value', async () => {
    const [here, there] = [site.join(), site.join()];
    const emptyValue = (await env.PRESENCE_KV.get(KEY)) ?? '{}';
    await there.heartbeat(BEN, 'release');
    await here.heartbeat(ANNA);
    expect(await here.count()).toBe(2);
    // KV does not guarantee that a location reads its own last write.
    await env.PRESENCE_KV.put(KEY, emptyValue);
    await site.sync(here);
    expect(await here.count()).toBe(2);
    expect(await site.join().count()).toBe(2);
  });

  it.each([
    ['once', false],
    ['twice', true],
  ])('a session that left %s does not return when KV returns an older value', async (_times, leavesTwice) => {
    const [here, there] = [site.join(), site.join()];
    await there.heartbeat(BEN, 'release');
    const oldValue = (await env.PRESENCE_KV.get(KEY)) ?? '';
    await there.leave(BEN);
    await here.heartbeat(ANNA);
    await site.sync(there);
    await site.sync(here);
    expect(await here.count()).toBe(1);
    await here.heartbeat(ANNA);
    // A page may send its leave twice when it closes.
    if (leavesTwice) await here.leave(BEN);
    await env.PRESENCE_KV.put(KEY, oldValue);
    await site.sync(here);
    expect(await here.count()).toBe(1);
    expect(await site.join().count()).toBe(1);
  });
});

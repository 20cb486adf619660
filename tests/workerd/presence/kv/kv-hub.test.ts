import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { KvHub } from '../../../../src/presence/kv/kv-hub';
import { LocationSummary } from '../../../../src/presence/kv/location-summaries';
import { ZERO_COUNTS } from '../../../../src/presence/session';
import { type FakeRuntime, START } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
import { SyncedReplica } from '../../../support/synced-replica';
import { OPENED_PREFIX, type TroubledKv } from '../../../support/troubled-kv';
import { extensionOf, KEY, KvSite, stored, storedSummary, TIMING, unnamedSessionIds } from './kv-site';

const [ANNA, BEN, CARL] = [sessionId(1), sessionId(2), sessionId(3)];

let site: KvSite;
let runtime: FakeRuntime;
let kv: TroubledKv;
beforeEach(async () => {
  site = await KvSite.open();
  ({ runtime, kv } = site);
});

describe('stored value', () => {
  it('the value of a location is a map of its sessions, with its summary as metadata', async () => {
    const replica = site.join('AMS');
    await replica.heartbeat(ANNA, 'gratitude');
    await replica.heartbeat(BEN, 'release');
    await replica.leave(BEN);
    await runtime.advance(1);
    await site.join().heartbeat(CARL, 'connection');
    await site.sync(replica);
    await site.sync(replica);
    expect(await stored()).toEqual({
      value: {
        [ANNA]: { mood: 'gratitude', lastSeen: START },
        [BEN]: { mood: null, lastSeen: START + 1 },
        [CARL]: { mood: 'connection', lastSeen: START + 1 },
      },
      metadata: {
        at: START + 20_001,
        until: START + 20_001 + TIMING.leaseMs,
        moods: { ...ZERO_COUNTS, gratitude: 1, connection: 1 },
        marksRest: true,
      },
      cacheStatus: null,
    });
  });

  it('a replica that knows no location uses the bare key', async () => {
    await site.join(null).heartbeat(ANNA);
    expect((await stored('presence:sessions')).value).toHaveProperty(ANNA);
  });

  it('a replica that gets its location later moves to the key of that location and loses no session', async () => {
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

  it('the key of a location and its opened keys stay in KV for expirationTtlSeconds', async () => {
    const earliest = Math.floor(Date.now() / 1000) + TIMING.expirationTtlSeconds;
    await site.join().heartbeat(ANNA);
    const latest = Math.ceil(Date.now() / 1000) + TIMING.expirationTtlSeconds;
    const { keys } = await env.PRESENCE_KV.list();
    expect(keys.filter(({ name }) => name === KEY)).toHaveLength(1);
    expect(keys.filter(({ name }) => name.startsWith(OPENED_PREFIX))).toHaveLength(2);
    for (const { expiration } of keys) {
      expect(expiration).toBeGreaterThanOrEqual(earliest);
      expect(expiration).toBeLessThanOrEqual(latest);
    }
  });

  it('a write leaves out own sessions after tombstoneTtlMs', async () => {
    const replica = site.join();
    await replica.heartbeat(ANNA);
    await runtime.advance(TIMING.tombstoneTtlMs);
    await replica.heartbeat(BEN);
    expect(Object.keys((await stored()).value as object)).toEqual([BEN]);
  });

  it('a write leaves out a remote session from the millisecond at which it stops counting', async () => {
    const record = (lastSeen: number) => ({ mood: 'presence', lastSeen });
    const keptFrom = START - TIMING.remoteTtlMs;
    await env.PRESENCE_KV.put(KEY, JSON.stringify({ [ANNA]: record(keptFrom), [BEN]: record(keptFrom + 1) }));
    await site.join().heartbeat(CARL);
    expect(Object.keys((await stored()).value as object).sort()).toEqual([BEN, CARL]);
  });
});

describe('writes', () => {
  it('a replica that finds no session does not write', async () => {
    await site.join().presence();
    expect(kv.operations).toMatchObject({ get: 1, put: 0, putOpened: 0 });
  });

  it('a replica without sessions does not write for remote sessions or leaves for unknown sessions', async () => {
    const { replica: reader, kv: observed } = site.joinObserved();
    await site.join().heartbeat(ANNA);
    await site.sync(reader);
    expect(await reader.count()).toBe(1);
    for (let round = 0; round < 5; round += 1) {
      await reader.leave(BEN);
      await site.sync(reader);
    }
    expect(observed.operations).toMatchObject({ get: 6, put: 0, putOpened: 0 });
  });

  it('a fresh replica writes its session although another replica stored it in the same mood', async () => {
    await site.join().heartbeat(ANNA);
    await runtime.advance(10_000);
    await site.join().heartbeat(ANNA);
    expect((await stored()).value).toEqual({ [ANNA]: { mood: 'presence', lastSeen: START + 10_000 } });
  });

  it('a refused write is no trouble, and a failed write is trouble', async () => {
    const replica = site.join();
    kv.trouble.put = 'refuses';
    await replica.heartbeat(ANNA);
    expect(replica.trouble).toBeUndefined();
    kv.trouble.put = 'throws';
    await site.sync(replica);
    expect(replica.trouble).toBe('sync-failed');
  });
});

describe('a replica that is alone', () => {
  /** Sends a heartbeat of each session in each of `intervals` sync intervals, and lets the replica sync. */
  async function runIntervals(
    replica: SyncedReplica,
    ids: readonly string[],
    intervals: number,
  ): Promise<void> {
    for (let interval = 0; interval < intervals; interval += 1) {
      await runtime.advance(TIMING.syncIntervalMs);
      for (const id of ids) await replica.heartbeat(id);
    }
  }

  const timesOf = ({ summaries }: TroubledKv) =>
    summaries.map((summary) => LocationSummary.parse(summary).at);
  const extensionsOf = ({ summaries }: TroubledKv) =>
    summaries.map((summary) => extensionOf(LocationSummary.parse(summary)));
  const gapsOf = (times: readonly number[]) => times.slice(1).map((at, n) => at - (times[n] ?? 0));

  it.each([1, 40, 41, 60])(
    'a replica that is alone with %d sessions writes them every 100 s, and each summary shows that',
    async (sessionCount) => {
      const { replica, kv: observed } = site.joinObserved();
      await runIntervals(replica, unnamedSessionIds(sessionCount), 55);
      const refreshes = timesOf(observed).filter((at) => at > START + 50_000);
      expect(gapsOf(refreshes)).toEqual([100_000, 100_000, 100_000, 100_000]);
      expect(new Set(extensionsOf(observed))).toEqual(new Set([TIMING.aloneExtensionMs]));
    },
  );

  it.each([
    ['a session starts', async (replica: SyncedReplica) => replica.heartbeat(BEN), { presence: 46 }],
    [
      'a session leaves',
      async (replica: SyncedReplica) => replica.leave(unnamedSessionIds(1)[0] ?? ''),
      { presence: 44 },
    ],
    [
      'a session changes its mood',
      async (replica: SyncedReplica) => replica.heartbeat(unnamedSessionIds(1)[0] ?? '', 'release'),
      { presence: 44, release: 1 },
    ],
  ])(
    'a replica that is alone with 45 sessions writes at its next sync when %s',
    async (_what, change, moods) => {
      const replica = site.join();
      await runIntervals(replica, unnamedSessionIds(45), 4);
      const before = await storedSummary();
      await change(replica);
      await site.sync(replica);
      const after = await storedSummary();
      expect(after.moods).toEqual({ ...ZERO_COUNTS, ...moods });
      expect(after.at - before.at).toBeLessThan(TIMING.refreshMs + TIMING.aloneExtensionMs);
      expect(extensionOf(after)).toBe(TIMING.aloneExtensionMs);
    },
  );

  it('a replica without getWithMetadata never counts as alone, and writes every 20 s with the usual lease', async () => {
    const { get, put, list } = kv.store;
    const replica = site.join('ams', { get, put, list });
    await runIntervals(replica, [ANNA], 22);
    expect(gapsOf(timesOf(kv))).toEqual(Array.from({ length: 10 }, () => TIMING.refreshMs));
    expect(new Set(extensionsOf(kv))).toEqual(new Set([0]));
  });

  it.each(['stops', 'loses its session'])(
    'a replica writes in the time that its last write allows while another one starts and %s',
    async (end) => {
      const { replica: here, kv: observed } = site.joinObserved();
      const [there, reader] = [site.join(), site.join()];
      /** Writes of the first replica in this phase: the time since the last write, and the extension. */
      let writes: { afterMs: number; extensionMs: number }[] = [];
      let lastAt = Number.NaN;
      const phase = async (intervals: number, step: () => Promise<unknown>) => {
        writes = [];
        for (let interval = 0; interval < intervals; interval += 1) {
          await runtime.advance(TIMING.syncIntervalMs);
          await step();
          await here.heartbeat(ANNA, 'gratitude');
          for (const summary of observed.summaries.splice(0)) {
            const parsed = LocationSummary.parse(summary);
            writes.push({ afterMs: parsed.at - lastAt, extensionMs: extensionOf(parsed) });
            lastAt = parsed.at;
          }
          expect((await reader.presence()).moods.gratitude, `${runtime.now() - START} ms`).toBe(1);
        }
      };
      const alone = { afterMs: 100_000, extensionMs: 80_000 };
      const together = { afterMs: 20_000, extensionMs: 0 };
      await here.heartbeat(ANNA, 'gratitude');
      await phase(34, async () => undefined);
      expect(writes.slice(-2)).toEqual([alone, alone]);
      await phase(20, () => there.heartbeat(BEN, 'release'));
      // The second replica starts 40 s after the last write.
      expect(writes.slice(0, 4)).toEqual([{ ...together, afterMs: 50_000 }, together, together, together]);
      if (end === 'loses its session') await there.leave(BEN);
      await phase(50, async () => end === 'loses its session' && (await there.presence()));
      const first = writes.findIndex(({ extensionMs }) => extensionMs > 0);
      expect(writes.slice(0, first)).toEqual(Array.from({ length: first }, () => together));
      expect(writes.slice(first)).toEqual([{ ...alone, afterMs: 20_000 }, alone, alone, alone, alone]);
    },
  );
});

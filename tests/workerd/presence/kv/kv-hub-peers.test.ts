import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { KvHub } from '../../../../src/presence/kv/kv-hub';
import { ZERO_COUNTS } from '../../../../src/presence/session';
import { kvTiming } from '../../../../src/presence/timing';
import { type FakeRuntime, START } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
import { SyncedReplica } from '../../../support/synced-replica';
import type { TroubledKv } from '../../../support/troubled-kv';
import { extensionOf, KEY, KvSite, stored, storedSummary, TIMING, unnamedSessionIds } from './kv-site';

const [ANNA, BEN, CARL] = [sessionId(1), sessionId(2), sessionId(3)];
const SECOND = 1_000;

let site: KvSite;
let runtime: FakeRuntime;
let kv: TroubledKv;
beforeEach(async () => {
  site = await KvSite.open();
  ({ runtime, kv } = site);
});

async function heartbeats(replica: SyncedReplica, ids: readonly string[]): Promise<void> {
  for (const id of ids) await replica.heartbeat(id);
}

/** Runs the sync that is due, and returns the count after it. */
async function syncedCount(replica: SyncedReplica): Promise<number> {
  await replica.presence();
  return replica.count();
}

/** Returns a replica with `sessionCount` sessions, which has been alone for 100 s and has just refreshed the key. */
async function replicaAloneWith(sessionCount: number) {
  const observed = site.joinObserved();
  const ids = unnamedSessionIds(sessionCount);
  const { replica: writer } = observed;
  // The first heartbeat opens the location. The next refresh writes the other sessions.
  await heartbeats(writer, ids);
  for (let elapsedMs = 0; elapsedMs < 100 * SECOND; elapsedMs += TIMING.syncIntervalMs) {
    await runtime.advance(TIMING.syncIntervalMs);
    await heartbeats(writer, ids);
  }
  // With few sessions the refresh is 100 s after the first heartbeat, with many 100 s after the first sync.
  while ((await storedSummary()).at < runtime.now()) {
    await runtime.advance(TIMING.syncIntervalMs);
    await heartbeats(writer, ids);
  }
  expect(extensionOf(await storedSummary())).toBe(TIMING.aloneExtensionMs);
  return { writer, writerKv: observed.kv, ids };
}

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
    ['whose summary shows that the writer was alone', 150_000, false, ALONE],
    ['with rests', 150_000, true, TOGETHER],
    ['with rests, whose summary shows that the writer was alone,', 150_000, true, ALONE],
    ['with rests and without a summary', 150_000, true, {}],
    ['whose summary shows that the writer was not alone', 70_000, false, TOGETHER],
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
      const { writer, writerKv, ids } = await replicaAloneWith(sessionCount);
      const third = site.join();
      expect(await third.count()).toBe(sessionCount);
      const wroteAt = runtime.now();
      writerKv.operations.put = 0;
      while (runtime.now() < wroteAt + seconds * SECOND) {
        const leftMs = wroteAt + seconds * SECOND - runtime.now();
        await runtime.advance(Math.min(leftMs, TIMING.syncIntervalMs));
        await heartbeats(writer, ids);
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
        await heartbeats(writer, ids);
        await second.heartbeat(ANNA);
      }
      writerKv.all = undefined;
      for (let round = 0; round < 12; round += 1) {
        await runtime.advance(TIMING.syncIntervalMs);
        await heartbeats(writer, ids);
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
    const { writer, ids } = await replicaAloneWith(30);
    const [leaver = ''] = ids;
    await writer.leave(leaver);
    await site.sync(writer);
    expect((await stored()).value).toMatchObject({ [leaver]: { mood: null } });
    expect(await site.join().count()).toBe(29);
  });
});

describe('expired sessions', () => {
  it.each([10, 50])(
    'a replica with %d sessions writes the tombstone of an expired one, and readers do not revive it',
    async (sessionCount) => {
      const { writer, ids } = await replicaAloneWith(sessionCount);
      const [ended = '', ...others] = ids;
      const lastSeen = runtime.now();
      const readers = [site.joinObserved(), site.joinObserved()];
      for (const { replica } of readers) expect(await replica.count()).toBe(sessionCount);
      const tombstone = { mood: null, lastSeen: lastSeen + 1 };
      let endedAfterMs = Number.NaN;
      while (runtime.now() < lastSeen + 2 * TIMING.tombstoneTtlMs) {
        await runtime.advance(TIMING.syncIntervalMs);
        await heartbeats(writer, others);
        const { value } = await stored();
        const record = (value as Record<string, object>)[ended];
        const elapsedMs = runtime.now() - lastSeen;
        if (Number.isNaN(endedAfterMs) && elapsedMs >= TIMING.ttlMs) endedAfterMs = elapsedMs;
        if (Number.isNaN(endedAfterMs)) expect(record).toEqual({ mood: 'presence', lastSeen, rests: true });
        // Otherwise a copy that still counts revives the session.
        else if (elapsedMs < TIMING.tombstoneTtlMs) expect(record).toEqual(tombstone);
        const isPresent = Number.isNaN(endedAfterMs);
        for (const { replica } of readers)
          expect(await syncedCount(replica)).toBe(isPresent ? sessionCount : sessionCount - 1);
      }
      expect((await stored()).value).not.toHaveProperty(ended);
      for (const { kv: readerKv } of readers) expect(readerKv.operations.put).toBe(0);
    },
  );

  it.each(['has read the tombstone', 'has not read the tombstone'])(
    'a reader that %s does not write its older copy with its own first session',
    async (what) => {
      const { writer, ids } = await replicaAloneWith(30);
      const [ended = '', ...others] = ids;
      const lastSeen = runtime.now();
      const [reader, third] = [site.join(), site.join()];
      for (const replica of [reader, third]) expect(await replica.count()).toBe(30);
      const older = await env.PRESENCE_KV.getWithMetadata(KEY);
      while (runtime.now() < lastSeen + TIMING.ttlMs) {
        await runtime.advance(TIMING.syncIntervalMs);
        await heartbeats(writer, others);
      }
      expect((await stored()).value).toMatchObject({ [ended]: { mood: null } });
      await third.presence();
      if (what === 'has read the tombstone') {
        await reader.presence();
        // KV sometimes returns an older value than before.
        await env.PRESENCE_KV.put(KEY, older.value ?? '', { metadata: older.metadata });
        await runtime.advance(TIMING.syncIntervalMs);
      }
      await reader.heartbeat(ANNA);
      await site.sync(reader);
      expect((await stored()).value).toMatchObject({
        [ANNA]: { mood: 'presence' },
        [ended]: { mood: null, lastSeen: lastSeen + 1 },
      });
      for (let round = 0; round < 16; round += 1) {
        for (const replica of [reader, third, site.join()]) expect(await syncedCount(replica)).toBe(30);
        await heartbeats(writer, others);
        await reader.heartbeat(ANNA);
        await runtime.advance(TIMING.syncIntervalMs);
      }
    },
  );

  it('an owner writes its tombstone again after a reader wrote the session from an older value', async () => {
    const { writer, ids } = await replicaAloneWith(30);
    const [ended = '', ...others] = ids;
    const older = await env.PRESENCE_KV.getWithMetadata(KEY);
    for (let elapsedMs = 0; elapsedMs < TIMING.ttlMs; elapsedMs += TIMING.syncIntervalMs) {
      await runtime.advance(TIMING.syncIntervalMs);
      await heartbeats(writer, others);
    }
    await env.PRESENCE_KV.put(KEY, older.value ?? '', { metadata: older.metadata });
    const reader = site.join();
    await reader.heartbeat(ANNA);
    expect((await stored()).value).toMatchObject({ [ended]: { mood: 'presence' } });
    await site.sync(writer);
    expect((await stored()).value).toMatchObject({ [ended]: { mood: null }, [ANNA]: { mood: 'presence' } });
    await site.sync(reader);
    expect(await reader.count()).toBe(30);
  });

  it('a tombstone of an expired session does not end it at a replica with a later heartbeat', async () => {
    const [here, there] = [site.join(), site.join()];
    await here.heartbeat(ANNA);
    await runtime.advance(29 * SECOND);
    await there.heartbeat(ANNA, 'release');
    for (let round = 0; round < 10; round += 1) {
      await site.sync(here);
      await there.heartbeat(ANNA, 'release');
      for (const replica of [here, there]) expect((await replica.presence()).moods.release).toBe(1);
    }
  });

  it('a replica without sessions writes a summary without the stored sessions that have expired', async () => {
    await site.join().heartbeat(ANNA);
    const { replica: reader, kv: observed } = site.joinObserved();
    await reader.count();
    await runtime.advance(TIMING.tombstoneTtlMs - 10_000);
    await site.sync(reader);
    await site.sync(reader);
    expect(observed.operations.put).toBe(1);
    expect((await storedSummary()).moods).toEqual(ZERO_COUNTS);
  });
});

describe('sessions that move', () => {
  const MOVES = {
    'once from A to B': () => 'B',
    'between A and B with each heartbeat': (nth: number) => (nth % 2 === 0 ? 'A' : 'B'),
    'between A and B with every third heartbeat': (nth: number) =>
      Math.floor(nth / 3) % 2 === 0 ? 'B' : 'A',
    'to B for 60 s, and back to A': (nth: number) => (nth <= 6 ? 'B' : 'A'),
  } as const;
  const CASES = Object.keys(MOVES).flatMap((move) =>
    [1, 30].flatMap((sessionCount) =>
      [0.001, 5, 11, 14].map((seconds) => [move as keyof typeof MOVES, sessionCount, seconds] as const),
    ),
  );

  it.each(CASES)(
    'a session that moves %s counts at B and at a third replica: B holds %d sessions and wrote %d s before',
    async (move, sessionCount, seconds) => {
      const { writer: b, ids } = await replicaAloneWith(sessionCount);
      const [a, third] = [site.join(), site.join()];
      /** B syncs every 12.5 s and the others every 10 s. Otherwise no refresh of B is just before the move. */
      const atB = async (request: () => Promise<unknown>) => {
        runtime.randomNumber = 1;
        await request();
        runtime.randomNumber = 0.5;
      };
      await atB(() => b.presence());
      await third.presence();
      const movesAt = runtime.now() + seconds * SECOND;
      while (runtime.now() < movesAt) {
        await runtime.advance(Math.min(SECOND, movesAt - runtime.now()));
        await atB(() => b.presence());
      }
      await a.heartbeat(ANNA, 'release');
      // B and the third replica count the session after their next syncs.
      for (let round = 0; round < 10; round += 1) {
        await runtime.advance(SECOND);
        for (const replica of [a, third]) await replica.presence();
        await atB(() => b.presence());
      }
      const expected = { ...ZERO_COUNTS, presence: sessionCount, release: 1 };
      let missingSeconds = 0;
      for (let second = 0; second < 200; second += 1) {
        if (second % 10 === 0) {
          const isAtA = MOVES[move](1 + second / 10) === 'A';
          if (isAtA) await a.heartbeat(ANNA, 'release');
          else await atB(() => b.heartbeat(ANNA, 'release'));
          await atB(() => heartbeats(b, ids));
        }
        // The first answer is from before a sync that is due, the second one from after it.
        for (let request = 0; request < 2; request += 1) {
          expect((await third.presence()).moods, `at the third replica after ${second} s`).toEqual(expected);
          await atB(async () =>
            expect((await b.presence()).moods, `at B after ${second} s`).toEqual(expected),
          );
        }
        // The session expires at A up to one sync interval before A reads the record of B.
        await a.presence();
        const isMissingAtA = (await a.presence()).moods.release === 0;
        missingSeconds = isMissingAtA ? missingSeconds + 1 : 0;
        expect(missingSeconds, `at A after ${second} s`).toBeLessThanOrEqual(10);
        await runtime.advance(SECOND);
      }
    },
  );
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

  it('a session that left at another replica does not return when KV returns an older value', async () => {
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
    await here.leave(BEN);
    await env.PRESENCE_KV.put(KEY, oldValue);
    await site.sync(here);
    expect(await here.count()).toBe(1);
    expect(await site.join().count()).toBe(1);
  });
});

import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { KvHub } from '../../../../src/presence/kv/kv-hub';
import { ZERO_COUNTS } from '../../../../src/presence/session';
import { kvTiming } from '../../../../src/presence/timing';
import { type FakeRuntime, START } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
import { SyncedReplica } from '../../../support/synced-replica';
import type { TroubledKv } from '../../../support/troubled-kv';
import { crowdOf, extensionOf, KEY, KvSite, stored, storedSummary, TIMING } from './kv-site';

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

/** The count after the sync that is due. */
async function syncedCount(replica: SyncedReplica): Promise<number> {
  await replica.presence();
  return replica.count();
}

/** So many sessions at one replica, which has been alone for so long that it may write changes, and has just written. */
async function crowdAlone(people: number) {
  const observed = site.joinObserved();
  const crowd = crowdOf(people);
  const { replica: writer } = observed;
  // The first heartbeat opens the location. The second round is written at the next refresh.
  await heartbeats(writer, crowd);
  for (let elapsedMs = 0; elapsedMs < 100 * SECOND; elapsedMs += TIMING.syncIntervalMs) {
    await runtime.advance(TIMING.syncIntervalMs);
    await heartbeats(writer, crowd);
  }
  // A small crowd writes 100 s after the first heartbeat, a large crowd 100 s after its first sync.
  while ((await storedSummary()).at < runtime.now()) {
    await runtime.advance(TIMING.syncIntervalMs);
    await heartbeats(writer, crowd);
  }
  expect(extensionOf(await storedSummary())).toBe(TIMING.aloneExtensionMs);
  return { writer, writerKv: observed.kv, crowd };
}

describe('remote sessions', () => {
  it('remote sessions expire each at its time, in whatever order they are stored', async () => {
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
    ['its summary says that the writer was alone', false, ALONE, 150_000],
    ['it has rests itself', true, TOGETHER, 150_000],
    ['both say so', true, ALONE, 150_000],
    ['it has rests and there is no summary', true, {}, 150_000],
    ['neither says that its writer was alone', false, TOGETHER, 70_000],
    ['there is no summary', false, {}, 70_000],
  ] as const)(
    'a remote session counts for the right time, and not longer after a later read, where %s',
    async (_what, rests, { metadata }: { metadata?: object }, countsMs) => {
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
  ])('a session keeps its longer time when only the %s of two reads has it', async (_name, nth) => {
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
  });

  it('a reader counts the session of a replica that is alone at each moment between two of its writes', async () => {
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
    'the sessions of a replica that vanishes end after TTL and grace although the other replica is alone by then: TTL %d s',
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

describe('a crowd at one replica', () => {
  it.each([10, 30].flatMap((people) => [30, 45, 70, 99.999].map((seconds) => [people, seconds] as const)))(
    'no replica loses a crowd of %d at a replica that was alone when a second replica writes %d s after its refresh',
    async (people, seconds) => {
      const { writer, writerKv, crowd } = await crowdAlone(people);
      const third = site.join();
      expect(await third.count()).toBe(people);
      const wroteAt = runtime.now();
      writerKv.operations.put = 0;
      while (runtime.now() < wroteAt + seconds * SECOND) {
        const leftMs = wroteAt + seconds * SECOND - runtime.now();
        await runtime.advance(Math.min(leftMs, TIMING.syncIntervalMs));
        await heartbeats(writer, crowd);
      }
      expect(writerKv.operations.put).toBe(0);
      const second = site.join();
      await second.heartbeat(ANNA);
      const extended = { mood: 'presence', lastSeen: expect.any(Number), rests: true };
      expect((await stored()).value).toMatchObject(Object.fromEntries(crowd.map((id) => [id, extended])));
      // The first replica cannot write for 40 s, so its sessions count only by what the second one stores.
      writerKv.all = 'throws';
      for (let elapsedSeconds = 0; elapsedSeconds < 40; elapsedSeconds += 5) {
        for (const reader of [second, third, site.join()])
          expect(await syncedCount(reader), `after ${elapsedSeconds} s`).toBe(people + 1);
        await runtime.advance(5 * SECOND);
        await heartbeats(writer, crowd);
        await second.heartbeat(ANNA);
      }
      writerKv.all = undefined;
      for (let round = 0; round < 12; round += 1) {
        await runtime.advance(TIMING.syncIntervalMs);
        await heartbeats(writer, crowd);
        await second.heartbeat(ANNA);
        for (const reader of [writer, second, third, site.join()])
          expect(await syncedCount(reader)).toBe(people + 1);
        expect(presentIn((await stored()).value)).toBe(people + 1);
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

  it('a leave reaches the value at the next sync of a replica with 30 sessions', async () => {
    const { writer, crowd } = await crowdAlone(30);
    const [leaver = ''] = crowd;
    await writer.leave(leaver);
    await site.sync(writer);
    expect((await stored()).value).toMatchObject({ [leaver]: { mood: null } });
    expect(await site.join().count()).toBe(29);
  });
});

describe('a session that expires', () => {
  it.each([10, 50])(
    'a session that expires at a replica with %d sessions gets a tombstone at the next sync, and readers without sessions never write it back',
    async (people) => {
      const { writer, crowd } = await crowdAlone(people);
      const [ended = '', ...others] = crowd;
      const lastSeen = runtime.now();
      const readers = [site.joinObserved(), site.joinObserved()];
      for (const { replica } of readers) expect(await replica.count()).toBe(people);
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
        // The tombstone stays at least as long as any copy counts.
        else if (elapsedMs < TIMING.tombstoneTtlMs) expect(record).toEqual(tombstone);
        const isPresent = Number.isNaN(endedAfterMs);
        for (const { replica } of readers)
          expect(await syncedCount(replica)).toBe(isPresent ? people : people - 1);
      }
      expect((await stored()).value).not.toHaveProperty(ended);
      for (const { kv: readerKv } of readers) expect(readerKv.operations.put).toBe(0);
    },
  );

  it.each(['has read the tombstone', 'has not read the tombstone'])(
    'a reader with an older copy that %s does not write the session back with its own first session',
    async (what) => {
      const { writer, crowd } = await crowdAlone(30);
      const [ended = '', ...others] = crowd;
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
        // KV may return an older value than before.
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

  it('an owner stores its tombstone again at its next sync after a reader wrote the session back from an old value of KV', async () => {
    const { writer, crowd } = await crowdAlone(30);
    const [ended = '', ...others] = crowd;
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

  it('a tombstone of an expired session does not end it where a later heartbeat came to another replica', async () => {
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

  it('a replica without sessions writes when stored sessions have expired, otherwise other locations keep counting them', async () => {
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

describe('a session that moves between replicas', () => {
  const MOVES = {
    'once from A to B': () => 'B',
    'between A and B with each heartbeat': (beat: number) => (beat % 2 === 0 ? 'A' : 'B'),
    'between A and B with every third heartbeat': (beat: number) =>
      Math.floor(beat / 3) % 2 === 0 ? 'B' : 'A',
    'to B for 60 s, and back to A': (beat: number) => (beat <= 6 ? 'B' : 'A'),
  } as const;
  const CASES = Object.keys(MOVES).flatMap((move) =>
    [1, 30].flatMap((people) =>
      [0.001, 5, 11, 14].map((seconds) => [move as keyof typeof MOVES, people, seconds] as const),
    ),
  );

  it.each(CASES)(
    'a session that moves %s counts at each moment at B and at a third replica, while B holds %d sessions and wrote %d s before',
    async (move, people, seconds) => {
      const { writer: b, crowd } = await crowdAlone(people);
      const [a, watcher] = [site.join(), site.join()];
      /** B syncs every 12.5 s and the others every 10 s, otherwise the last refresh before the move is never just before it. */
      const atB = async (request: () => Promise<unknown>) => {
        runtime.luck = 1;
        await request();
        runtime.luck = 0.5;
      };
      await atB(() => b.presence());
      await watcher.presence();
      const movesAt = runtime.now() + seconds * SECOND;
      while (runtime.now() < movesAt) {
        await runtime.advance(Math.min(SECOND, movesAt - runtime.now()));
        await atB(() => b.presence());
      }
      await a.heartbeat(ANNA, 'release');
      // B and the watcher count the session from their next syncs on.
      for (let round = 0; round < 10; round += 1) {
        await runtime.advance(SECOND);
        for (const replica of [a, watcher]) await replica.presence();
        await atB(() => b.presence());
      }
      const expected = { ...ZERO_COUNTS, presence: people, release: 1 };
      let missingSeconds = 0;
      for (let second = 0; second < 200; second += 1) {
        if (second % 10 === 0) {
          const isAtA = MOVES[move](1 + second / 10) === 'A';
          if (isAtA) await a.heartbeat(ANNA, 'release');
          else await atB(() => b.heartbeat(ANNA, 'release'));
          await atB(() => heartbeats(b, crowd));
        }
        // Before and after a sync that is due.
        for (let request = 0; request < 2; request += 1) {
          expect((await watcher.presence()).moods, `at C after ${second} s`).toEqual(expected);
          await atB(async () =>
            expect((await b.presence()).moods, `at B after ${second} s`).toEqual(expected),
          );
        }
        // The session expires at A up to a sync before A reads that B has it.
        await a.presence();
        const isMissingAtA = (await a.presence()).moods.release === 0;
        missingSeconds = isMissingAtA ? missingSeconds + 1 : 0;
        expect(missingSeconds, `at A after ${second} s`).toBeLessThanOrEqual(10);
        await runtime.advance(SECOND);
      }
    },
  );
});

describe('a read that is older than the read before', () => {
  it('a session stays, for its readers and in the next write, when KV returns an older value', async () => {
    const [here, there] = [site.join(), site.join()];
    const none = (await env.PRESENCE_KV.get(KEY)) ?? '{}';
    await there.heartbeat(BEN, 'release');
    await here.heartbeat(ANNA);
    expect(await here.count()).toBe(2);
    // KV usually returns a write at once in its own location, and does not guarantee it.
    await env.PRESENCE_KV.put(KEY, none);
    await site.sync(here);
    expect(await here.count()).toBe(2);
    expect(await site.join().count()).toBe(2);
  });

  it('a session that left at another replica does not return when KV returns an older value', async () => {
    const [here, there] = [site.join(), site.join()];
    await there.heartbeat(BEN, 'release');
    const old = (await env.PRESENCE_KV.get(KEY)) ?? '';
    await there.leave(BEN);
    await here.heartbeat(ANNA);
    await site.sync(there);
    await site.sync(here);
    expect(await here.count()).toBe(1);
    await here.heartbeat(ANNA);
    // A page may send its leave twice when it closes.
    await here.leave(BEN);
    await env.PRESENCE_KV.put(KEY, old);
    await site.sync(here);
    expect(await here.count()).toBe(1);
    expect(await site.join().count()).toBe(1);
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Hub } from '../../../src/presence/hub';
import { ZERO_COUNTS } from '../../../src/presence/session';
import { DEFAULT_CHANNEL, sessionKey } from '../../../src/presence/session-key';
import type { Timing } from '../../../src/presence/timing';
import { FakeRuntime } from '../../support/fake-runtime';
import { sessionId } from '../../support/session-id';
import { SyncedReplica } from '../../support/synced-replica';

/** The namespace or the room in which the hubs of a test exchange sessions. */
export interface HubSite {
  readonly timing: Timing;
  /** A session whose replica stopped counts at least this long after its last heartbeat, and at most `remoteTtlMs` (ms). */
  readonly orphanMs: number;
  /** Returns a hub for one more replica at this site. */
  join(): Hub;
  /** Makes every call of the hubs fail until `heal`. */
  breakDown(): void;
  heal(): void;
}

/**
 * Tests what each hub guarantees to its replicas, with the sessions of one channel.
 *
 * @param open Returns an empty site.
 * @param channel The channel of the sessions. Each test checks that every other channel stays empty.
 */
export function hubContract(
  name: string,
  open: (runtime: FakeRuntime) => Promise<HubSite>,
  channel = DEFAULT_CHANNEL,
): void {
  describe(`${name}: replicas that share a hub`, () => {
    const [ANNA, BEN, CARL] = [key(1), key(2), key(3)];
    function key(n: number): string {
      return sessionKey(channel, sessionId(n));
    }

    let runtime: FakeRuntime;
    let site: HubSite;
    let here: SyncedReplica;
    let there: SyncedReplica;

    beforeEach(async () => {
      runtime = new FakeRuntime();
      site = await open(runtime);
      here = join();
      there = join();
    });

    afterEach(async () => {
      for (const other of ['', 'lobby', 'post-7'].filter((one) => one !== channel))
        for (const replica of [here, there]) expect(await replica.count(other)).toBe(0);
    });

    const join = () => new SyncedReplica(site.join(), site.timing, runtime);

    /** Moves the clock by a sync interval, and lets the replicas sync one after the other. */
    async function syncAll(...replicas: readonly SyncedReplica[]): Promise<void> {
      await runtime.advance(site.timing.syncIntervalMs);
      for (const replica of replicas) await replica.presence(channel);
    }

    /** Gives each replica one session, and lets each read what the other one wrote. */
    async function countEachOther(): Promise<void> {
      for (let round = 0; round < 4; round += 1) {
        await here.heartbeat(ANNA);
        await there.heartbeat(BEN);
        await syncAll(here, there);
      }
      await here.heartbeat(ANNA);
      await there.heartbeat(BEN);
    }

    it('two replicas count the same sessions within two syncs', async () => {
      await here.heartbeat(ANNA, 'gratitude');
      await there.heartbeat(BEN, 'release');
      await syncAll(here, there);
      await syncAll(here, there);
      const expected = { ...ZERO_COUNTS, gratitude: 1, release: 1 };
      expect((await here.presence(channel)).moods).toEqual(expected);
      expect((await there.presence(channel)).moods).toEqual(expected);
    });

    it('a fresh replica counts all sessions in its first answer', async () => {
      await here.heartbeat(ANNA);
      await syncAll(here);
      expect(await join().count(channel)).toBe(1);
    });

    it('a session with heartbeats at both replicas counts once, in its last mood', async () => {
      await here.heartbeat(ANNA, 'gratitude');
      await syncAll(here);
      await there.heartbeat(ANNA, 'release');
      await syncAll(there, here);
      await syncAll(there, here);
      expect((await here.presence(channel)).moods).toEqual({ ...ZERO_COUNTS, release: 1 });
      expect((await there.presence(channel)).moods).toEqual({ ...ZERO_COUNTS, release: 1 });
    });

    it('the answer to a heartbeat counts a session of another replica once', async () => {
      await here.heartbeat(ANNA, 'gratitude');
      await syncAll(here, there);
      expect((await there.heartbeat(ANNA, 'release')).moods).toEqual({ ...ZERO_COUNTS, release: 1 });
    });

    it('a session that alternates between two replicas counts once at both', async () => {
      for (let round = 0; round < 4; round += 1) {
        await here.heartbeat(ANNA);
        await syncAll(here, there);
        await there.heartbeat(ANNA);
        await syncAll(here, there);
        expect(await here.count(channel)).toBe(1);
        expect(await there.count(channel)).toBe(1);
      }
    });

    it('a session that left does not return from the older copy of another replica', async () => {
      await here.heartbeat(ANNA);
      await here.heartbeat(BEN);
      await syncAll(here, there);
      await here.leave(ANNA);
      for (let round = 0; round < 3; round += 1) {
        await here.heartbeat(BEN);
        await there.heartbeat(CARL);
        // The replica with the old copy writes first and last.
        await syncAll(there, here, there);
      }
      expect(await here.count(channel)).toBe(2);
      expect(await there.count(channel)).toBe(2);
    });

    it('a leave at one replica ends a session of the other one at both', async () => {
      await here.heartbeat(ANNA);
      await syncAll(here, there);
      await there.leave(ANNA);
      await syncAll(there, here);
      await syncAll(there, here);
      expect(await there.count(channel)).toBe(0);
      expect(await here.count(channel)).toBe(0);
    });

    it('a heartbeat after a leave counts at both replicas', async () => {
      await here.heartbeat(ANNA);
      await syncAll(here, there);
      await there.leave(ANNA);
      await there.heartbeat(ANNA, 'release');
      await syncAll(there, here);
      await syncAll(there, here);
      expect((await here.presence(channel)).moods).toEqual({ ...ZERO_COUNTS, release: 1 });
      expect((await there.presence(channel)).moods).toEqual({ ...ZERO_COUNTS, release: 1 });
    });

    it('the sessions of a replica that stops count for the guaranteed time, and then end', async () => {
      await countEachOther();
      const lastSeen = runtime.now();
      // Otherwise the replica stops before it writes its last heartbeat.
      await syncAll(here, there);
      await syncAll(here, there);
      const guaranteedUntil = lastSeen + site.orphanMs - 1;
      while (runtime.now() < guaranteedUntil) {
        await runtime.advance(Math.min(site.timing.ttlMs / 3, guaranteedUntil - runtime.now()));
        await there.heartbeat(BEN);
        expect(await there.count(channel)).toBe(2);
      }
      const countedUntil = lastSeen + site.timing.remoteTtlMs;
      while (runtime.now() < countedUntil) {
        await runtime.advance(Math.min(site.timing.ttlMs / 3, countedUntil - runtime.now()));
        await there.heartbeat(BEN);
      }
      expect(await there.count(channel)).toBe(1);
    });

    it('an expired session does not return', async () => {
      // A replica that knows no other one ends its expired sessions at once.
      await countEachOther();
      const expiresAt = runtime.now() + site.timing.ttlMs;
      while (runtime.now() < expiresAt + site.timing.tombstoneTtlMs) {
        await here.heartbeat(CARL);
        await there.heartbeat(BEN);
        await syncAll(here, there);
        if (runtime.now() >= expiresAt) expect(await here.count(channel)).toBe(2);
      }
      expect(await there.count(channel)).toBe(2);
    });

    it('replicas keep their sessions while the hub fails, and count the same within two syncs after that', async () => {
      await here.heartbeat(ANNA);
      await there.heartbeat(BEN);
      site.breakDown();
      for (let round = 0; round < 5; round += 1) {
        await syncAll(here, there);
        expect(await here.count(channel)).toBeGreaterThanOrEqual(1);
        expect(await there.count(channel)).toBeGreaterThanOrEqual(1);
        await here.heartbeat(ANNA);
        await there.heartbeat(BEN);
      }
      await there.heartbeat(CARL);
      site.heal();
      await syncAll(here, there);
      await syncAll(here, there);
      expect(await here.count(channel)).toBe(3);
      expect(await there.count(channel)).toBe(3);
    });

    it('a replica has synced only after the hub has answered', async () => {
      site.breakDown();
      await here.presence(channel);
      expect(here.sessions.hasSynced).toBe(false);
      site.heal();
      await syncAll(here);
      expect(here.sessions.hasSynced).toBe(true);
    });

    it('remote sessions expire while the hub fails', async () => {
      await countEachOther();
      await syncAll(here, there);
      expect(await there.count(channel)).toBe(2);
      site.breakDown();
      await runtime.advance(site.timing.remoteTtlMs);
      expect(await there.count(channel)).toBe(0);
    });
  });
}

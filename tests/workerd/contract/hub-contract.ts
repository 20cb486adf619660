import { beforeEach, describe, expect, it } from 'vitest';
import type { Hub } from '../../../src/presence/hub';
import { ZERO_COUNTS } from '../../../src/presence/session';
import type { Timing } from '../../../src/presence/timing';
import { FakeRuntime } from '../../support/fake-runtime';
import { sessionId } from '../../support/session-id';
import { SyncedReplica } from '../../support/synced-replica';

/** A place where hubs meet, as a test needs it. */
export interface HubSite {
  readonly timing: Timing;
  /** For so long after its last heartbeat a session is surely counted that only a replica heard which vanished since (ms). */
  readonly orphanMs: number;
  /** A hub for one more replica at this site. */
  join(): Hub;
  /** Makes every call to the hub fail, until `heal`. */
  breakDown(): void;
  heal(): void;
}

const [ANNA, BEN, CARL] = [sessionId(1), sessionId(2), sessionId(3)];

/** What every engine promises, seen through the replicas that use it. `open` makes an empty site. */
export function hubContract(name: string, open: (runtime: FakeRuntime) => Promise<HubSite>): void {
  describe(`${name}: replicas that share a hub`, () => {
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

    const join = () => new SyncedReplica(site.join(), site.timing, runtime);

    /** One sync interval passes, and every replica syncs, one after the other. */
    async function syncAll(...replicas: readonly SyncedReplica[]): Promise<void> {
      await runtime.advance(site.timing.syncIntervalMs);
      for (const replica of replicas) await replica.presence();
    }

    /** Anna is here and Ben is there, and both replicas have written what they hold for the other one to read. */
    async function meet(): Promise<void> {
      for (let round = 0; round < 4; round += 1) {
        await here.heartbeat(ANNA);
        await there.heartbeat(BEN);
        await syncAll(here, there);
      }
      await here.heartbeat(ANNA);
      await there.heartbeat(BEN);
    }

    it('agree on who is here within two syncs', async () => {
      await here.heartbeat(ANNA, 'gratitude');
      await there.heartbeat(BEN, 'release');
      await syncAll(here, there);
      await syncAll(here, there);
      const expected = { ...ZERO_COUNTS, gratitude: 1, release: 1 };
      expect((await here.presence()).moods).toEqual(expected);
      expect((await there.presence()).moods).toEqual(expected);
    });

    it('show a fresh one everybody at its first answer', async () => {
      await here.heartbeat(ANNA);
      await syncAll(here);
      expect(await join().count()).toBe(1);
    });

    it('count a session once that both have heard', async () => {
      await here.heartbeat(ANNA, 'gratitude');
      await syncAll(here);
      await there.heartbeat(ANNA, 'release');
      await syncAll(there, here);
      await syncAll(there, here);
      expect((await here.presence()).moods).toEqual({ ...ZERO_COUNTS, release: 1 });
      expect((await there.presence()).moods).toEqual({ ...ZERO_COUNTS, release: 1 });
    });

    it('count a session once at the very answer to its heartbeat here, when it was known from there', async () => {
      await here.heartbeat(ANNA, 'gratitude');
      await syncAll(here, there);
      expect((await there.heartbeat(ANNA, 'release')).moods).toEqual({ ...ZERO_COUNTS, release: 1 });
    });

    it('count a session once that goes to and fro', async () => {
      for (let round = 0; round < 4; round += 1) {
        await here.heartbeat(ANNA);
        await syncAll(here, there);
        await there.heartbeat(ANNA);
        await syncAll(here, there);
        expect(await here.count()).toBe(1);
        expect(await there.count()).toBe(1);
      }
    });

    it('do not bring back who has left, however old the copy the others hold', async () => {
      await here.heartbeat(ANNA);
      await here.heartbeat(BEN);
      await syncAll(here, there);
      await here.leave(ANNA);
      for (let round = 0; round < 3; round += 1) {
        await here.heartbeat(BEN);
        await there.heartbeat(CARL);
        // The one with the old copy writes first, and then once more.
        await syncAll(there, here, there);
      }
      expect(await here.count()).toBe(2);
      expect(await there.count()).toBe(2);
    });

    it('let a leave that came elsewhere end a session', async () => {
      await here.heartbeat(ANNA);
      await syncAll(here, there);
      await there.leave(ANNA);
      await syncAll(there, here);
      await syncAll(there, here);
      expect(await there.count()).toBe(0);
      expect(await here.count()).toBe(0);
    });

    it('let who left elsewhere come back', async () => {
      await here.heartbeat(ANNA);
      await syncAll(here, there);
      await there.leave(ANNA);
      await there.heartbeat(ANNA, 'release');
      await syncAll(there, here);
      await syncAll(there, here);
      expect((await here.presence()).moods).toEqual({ ...ZERO_COUNTS, release: 1 });
      expect((await there.presence()).moods).toEqual({ ...ZERO_COUNTS, release: 1 });
    });

    it('keep counting the sessions of one that vanished, for the TTL and a grace, and then no more', async () => {
      await meet();
      // What `here` heard last it told a refresh later at the latest; then it is no more.
      const heardAt = runtime.now();
      await syncAll(here, there);
      await syncAll(here, there);
      const surelyUntil = heardAt + site.orphanMs - 1;
      while (runtime.now() < surelyUntil) {
        await runtime.advance(Math.min(site.timing.ttlMs / 3, surelyUntil - runtime.now()));
        await there.heartbeat(BEN);
        expect(await there.count()).toBe(2);
      }
      await runtime.advance(heardAt + site.timing.remoteTtlMs - runtime.now());
      expect(await there.count()).toBe(1);
    });

    it('do not let an expired session come back', async () => {
      await here.heartbeat(ANNA);
      await syncAll(here, there);
      await runtime.advance(site.timing.ttlMs - site.timing.syncIntervalMs);
      expect(await here.count()).toBe(0);
      const forgottenAt = runtime.now() + site.timing.tombstoneTtlMs;
      while (runtime.now() < forgottenAt) {
        await here.heartbeat(BEN);
        await there.heartbeat(CARL);
        await syncAll(here, there);
        expect((await here.presence()).count).toBeLessThanOrEqual(2);
      }
      expect(await here.count()).toBe(2);
      expect(await there.count()).toBe(2);
    });

    it('lose nobody while the hub is away, and agree again within two syncs after it is back', async () => {
      await here.heartbeat(ANNA);
      await there.heartbeat(BEN);
      site.breakDown();
      for (let round = 0; round < 5; round += 1) {
        await syncAll(here, there);
        expect(await here.count()).toBeGreaterThanOrEqual(1);
        expect(await there.count()).toBeGreaterThanOrEqual(1);
        await here.heartbeat(ANNA);
        await there.heartbeat(BEN);
      }
      await there.heartbeat(CARL);
      site.heal();
      await syncAll(here, there);
      await syncAll(here, there);
      expect(await here.count()).toBe(3);
      expect(await there.count()).toBe(3);
    });

    it('know whether they have heard from the hub, which they have not while it is away', async () => {
      site.breakDown();
      await here.presence();
      expect(here.sessions.hasSynced).toBe(false);
      site.heal();
      await syncAll(here);
      expect(here.sessions.hasSynced).toBe(true);
    });

    it('freeze no count while the hub is away', async () => {
      await meet();
      await syncAll(here, there);
      expect(await there.count()).toBe(2);
      site.breakDown();
      await runtime.advance(site.timing.remoteTtlMs);
      expect(await there.count()).toBe(0);
    });
  });
}

import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import type { LocationSummary } from '../../../../src/presence/kv/location-summaries';
import { ZERO_COUNTS } from '../../../../src/presence/session';
import { type FakeRuntime, START } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
import type { SyncedReplica } from '../../../support/synced-replica';
import { OPENED_PREFIX, type TroubledKv } from '../../../support/troubled-kv';
import { hostileOpened } from './hostile-opened';
import { KEY, KvSite, stored, storedSummary, TIMING, unnamedSessionIds } from './kv-site';

const [ANNA, BEN, CARL] = [sessionId(1), sessionId(2), sessionId(3)];

let site: KvSite;
let runtime: FakeRuntime;
let kv: TroubledKv;
beforeEach(async () => {
  site = await KvSite.open();
  ({ runtime, kv } = site);
});

/** Returns the opened keys, in which new locations find each other, with their values. */
async function openedKeys(): Promise<ReadonlyMap<string, unknown>> {
  const { keys } = await env.PRESENCE_KV.list({ prefix: OPENED_PREFIX });
  const values = keys.map(async ({ name }) => [name, await env.PRESENCE_KV.get(name, 'json')] as const);
  return new Map(await Promise.all(values));
}

const ALL_OPENED_KEYS = [0, 1].flatMap((group) =>
  [0, 1, 2, 3].map((index) => `${OPENED_PREFIX}${group}:${index}`),
);

const summaryOf = (sessionCount: number, at = START): LocationSummary => ({
  at,
  until: at + TIMING.leaseMs,
  moods: { ...ZERO_COUNTS, release: sessionCount },
});

/** Writes the text to all opened keys. */
async function putOpened(text: string): Promise<void> {
  for (const key of ALL_OPENED_KEYS) await env.PRESENCE_KV.put(key, text);
}

/** Returns a replica with one session, whose next listing is due 40 s later or more. */
async function replicaThatListed() {
  const observed = site.joinObserved('fra');
  await observed.replica.heartbeat(BEN, 'gratitude');
  await site.sync(observed.replica);
  expect(observed.kv.operations.list).toBe(1);
  return observed;
}

/** Sends a heartbeat in each of `intervals` sync intervals, and lets the replica sync. */
async function runIntervals(replica: SyncedReplica, intervals: number): Promise<void> {
  for (let interval = 0; interval < intervals; interval += 1) {
    await runtime.advance(TIMING.syncIntervalMs);
    await replica.heartbeat(BEN, 'gratitude');
    await replica.presence();
  }
}

describe('newly opened locations', () => {
  it.each(['AMS', 'fra', 'sin', 'X', '0123456789abcdef'])(
    'the first write of the location %s also writes its summary to one opened key of each group',
    async (location) => {
      await site.join(location).heartbeat(ANNA, 'release');
      const key = `presence:sessions:${location.toLowerCase()}`;
      const entry = { [key]: await storedMetadata(key) };
      const opened = await openedKeys();
      expect([...opened.values()]).toEqual([entry, entry]);
      const names = [...opened.keys()].sort();
      expect(names[0]).toMatch(/^presence:opened:0:[0-3]$/);
      expect(names[1]).toMatch(/^presence:opened:1:[0-3]$/);
    },
  );

  const storedMetadata = async (key: string) => (await stored(key)).metadata;

  it('a location writes its opened keys once, and not at later writes or from a second isolate', async () => {
    const [here, second] = [site.join(), site.join()];
    await here.heartbeat(ANNA);
    expect(kv.operations.putOpened).toBe(2);
    for (let round = 0; round < 25; round += 1) {
      await runtime.advance(TIMING.syncIntervalMs);
      await here.heartbeat(ANNA);
      await second.heartbeat(BEN);
    }
    expect(kv.operations.putOpened).toBe(2);
  });

  it('a location that opens again after all its sessions have ended writes its opened keys again', async () => {
    await site.join().heartbeat(ANNA);
    await runtime.advance(TIMING.tombstoneTtlMs);
    await site.join().heartbeat(ANNA);
    expect(kv.operations.putOpened).toBe(4);
    const entries = [...(await openedKeys()).values()] as Record<string, LocationSummary>[];
    expect(entries.map((entry) => entry[KEY]?.at)).toEqual([runtime.now(), runtime.now()]);
  });

  it('a replica counts a newly opened location although its next listing is not due', async () => {
    const { replica: here, kv: observed } = await replicaThatListed();
    await site.join().heartbeat(ANNA, 'release');
    await runIntervals(here, 2);
    expect((await here.presence()).moods).toEqual({ ...ZERO_COUNTS, gratitude: 1, release: 1 });
    expect(observed.operations.list).toBe(1);
  });

  it('a location in a list and in the opened keys counts once, and not longer than its summary', async () => {
    const { replica: here, kv: observed } = await replicaThatListed();
    const there = site.join();
    await there.heartbeat(ANNA, 'release');
    await runIntervals(here, 2);
    const lists = observed.operations.list;
    for (let round = 0; round < 20; round += 1) {
      await there.heartbeat(ANNA, 'release');
      await runIntervals(here, 1);
      expect((await here.presence()).moods).toEqual({ ...ZERO_COUNTS, gratitude: 1, release: 1 });
    }
    expect(observed.operations.list).toBeGreaterThan(lists);
    const { until } = await storedSummary();
    while (runtime.now() < until) await runIntervals(here, 1);
    expect((await here.presence()).moods).toEqual({ ...ZERO_COUNTS, gratitude: 1 });
  });

  it('two locations that write the same opened keys one after the other both count', async () => {
    const names = await namesWithSameKeys();
    for (const [n, name] of names.entries()) await site.join(name).heartbeat(sessionId(10 + n), 'release');
    expect((await openedKeys()).size).toBe(2);
    kv.trouble.list = 'throws';
    expect((await site.join('zrh').presence()).moods).toEqual({ ...ZERO_COUNTS, release: 2 });
  });

  /** Returns the names of two locations that write the same two opened keys. */
  async function namesWithSameKeys(): Promise<readonly string[]> {
    const byKeys = new Map<string, string>();
    for (let n = 0; ; n += 1) {
      const name = `x${n}`;
      await site.join(name).heartbeat(sessionId(900 + n));
      const keys = [...(await openedKeys()).keys()].sort().join();
      const other = byKeys.get(keys);
      site = await KvSite.open();
      ({ runtime, kv } = site);
      if (other !== undefined) return [other, name];
      byKeys.set(keys, name);
    }
  }

  it('a write of an opened key keeps the entries of other locations until they end', async () => {
    const current = ['presence:sessions:cdg', summaryOf(1)] as const;
    const ended = ['presence:sessions:lhr', summaryOf(1, START - TIMING.leaseMs)] as const;
    const endless = ['presence:sessions:zrh', { ...summaryOf(1), until: 9e12 }] as const;
    await putOpened(JSON.stringify(Object.fromEntries([current, ended, endless])));
    await site.join().heartbeat(ANNA);
    const written = [...(await openedKeys()).values()].filter((entry) => KEY in (entry as object));
    expect(written.map((entry) => Object.keys(entry as object))).toEqual([
      [current[0], KEY],
      [current[0], KEY],
    ]);
  });

  it.each([
    ['20 sessions here', 20, 0, { gets: true, puts: 2 }],
    ['21 sessions here', 21, 0, { gets: false, puts: 0 }],
    ['11 sessions here and 9 elsewhere', 11, 9, { gets: true, puts: 2 }],
    ['11 sessions here and 10 elsewhere', 11, 10, { gets: false, puts: 0 }],
  ])(
    'a replica uses opened keys only with at most 20 sessions everywhere: %s',
    async (_what, here, elsewhere, expected) => {
      const { replica, kv: observed } = site.joinObserved();
      if (elsewhere > 0)
        await env.PRESENCE_KV.put('presence:sessions:fra', '{}', { metadata: summaryOf(elsewhere) });
      await replica.presence();
      const ids = unnamedSessionIds(here);
      for (const id of ids) await replica.heartbeat(id);
      observed.operations.getOpened = 0;
      await site.sync(replica);
      // Each write of an opened key reads that key first.
      expect(observed.operations.getOpened - observed.operations.putOpened > 0).toBe(expected.gets);
      expect(observed.operations.putOpened).toBe(expected.puts);
      expect(observed.operations.put).toBe(1);
      expect((await openedKeys()).size).toBe(expected.puts);
    },
  );

  it.each([
    ['getOpened', 'throws'],
    ['getOpened', 'refuses'],
    ['getOpened', 'lags'],
    ['putOpened', 'throws'],
    ['putOpened', 'refuses'],
    ['putOpened', 'lags'],
  ] as const)('a sync succeeds without trouble when %s %s', async (operation, trouble) => {
    await env.PRESENCE_KV.put('presence:sessions:fra', '{}', { metadata: summaryOf(1) });
    const { replica, kv: observed } = site.joinObserved();
    observed.trouble[operation] = trouble;
    await site.afterWaiting(replica.presence());
    for (let round = 0; round < 3; round += 1) {
      await runtime.advance(TIMING.syncIntervalMs);
      await site.afterWaiting(replica.heartbeat(ANNA));
      expect(await replica.count()).toBe(2);
      expect(replica.trouble).toBeUndefined();
    }
    expect(replica.reports).toEqual([]);
    expect((await stored()).value).toHaveProperty(ANNA);
    const failures = new Set(site.reports);
    expect([...failures]).toEqual(
      trouble === 'throws' || trouble === 'refuses' ? ['new locations could not be read or written'] : [],
    );
    expect(await site.join().count()).toBe(2);
  });

  it('a sync of a reader ends without trouble when getOpened hangs', async () => {
    const reader = site.join();
    kv.trouble.getOpened = 'hangs';
    await site.afterWaiting(reader.presence());
    await runtime.advance(TIMING.syncIntervalMs);
    await site.afterWaiting(reader.presence());
    expect(reader.trouble).toBeUndefined();
    expect(reader.reports).toEqual([]);
  });

  it.each(['getOpened', 'putOpened'] as const)(
    'the first write of a location ends without trouble when %s hangs',
    async (operation) => {
      const replica = site.join();
      await replica.presence();
      kv.trouble[operation] = 'hangs';
      const defer = () => undefined;
      await runtime.advance(TIMING.syncIntervalMs);
      const answer = replica.store.countHeartbeat(ANNA, 'presence', defer);
      for (let second = 0; second < 25; second += 1) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        await runtime.advance(1_000);
      }
      expect((await answer).count).toBe(1);
      expect((await stored()).value).toHaveProperty(ANNA);
      await site.afterWaiting(Promise.resolve(replica.store.presence(defer)));
      expect(replica.reports).toEqual([]);
    },
  );

  const CDG = 'presence:sessions:cdg';
  it.each(hostileOpened(KEY, START))(
    'a hostile value of all opened keys changes no count: %s',
    async (_what, hostile) => {
      await putOpened(hostile);
      const here = site.join();
      expect((await here.heartbeat(ANNA)).moods).toEqual({ ...ZERO_COUNTS, presence: 1 });
      for (let round = 0; round < 5; round += 1) {
        await site.sync(here);
        await here.heartbeat(ANNA);
        expect(await here.count()).toBe(1);
      }
      expect(here.trouble).toBeUndefined();
      expect(site.reports).toEqual([]);
      // The first write has replaced the values of its two keys.
      const texts = await Promise.all(ALL_OPENED_KEYS.map((key) => env.PRESENCE_KV.get(key)));
      expect(texts.filter((text) => text === hostile)).toHaveLength(6);
    },
  );

  it('a valid entry of an opened key counts beside hostile ones', async () => {
    await putOpened(
      JSON.stringify({ x: 1, [CDG]: summaryOf(3), [KEY]: summaryOf(5), 'presence:sessions:y': null }),
    );
    const here = site.join();
    expect((await here.heartbeat(ANNA)).moods).toEqual({ ...ZERO_COUNTS, presence: 1, release: 3 });
  });

  it('a location does not count by its own entry, also if a replica gets its location late', async () => {
    await site.join().heartbeat(ANNA);
    const late = site.join();
    await runIntervals(late, 1);
    expect(await late.count()).toBe(2);
    kv.trouble.list = 'throws';
    const hub = site.hub(null);
    const replica = site.joinHub(hub);
    expect(await replica.count()).toBe(1);
    await replica.heartbeat(CARL);
    hub.locate('ams');
    for (let round = 0; round < 6; round += 1) {
      await runtime.advance(TIMING.syncIntervalMs);
      await late.heartbeat(BEN);
      await replica.heartbeat(CARL);
      // The fresh replica reads the session of ANNA only from the key of the location.
      expect(await replica.count()).toBe(3);
    }
  });
});

import { describe, expect, it } from 'vitest';
import { KV_CACHE_TTL_SECONDS, OPENED_CHARS_MAX } from '../../../../src/limits';
import { LocationSummaries } from '../../../../src/presence/kv/location-summaries';
import { GROUPS, OpenedLocations } from '../../../../src/presence/kv/opened-locations';
import { ZERO_COUNTS } from '../../../../src/presence/session';
import { kvTiming } from '../../../../src/presence/timing';
import { hostileOpened } from './hostile-opened';

const NOW = 1_000_000;
const CACHE_MS = KV_CACHE_TTL_SECONDS * 1000;
const [FRA, SIN] = ['presence:sessions:fra', 'presence:sessions:sin'];
const SUMMARY = { at: NOW, until: NOW + 220_000, moods: { ...ZERO_COUNTS, release: 5 } };
/** Keys of enough locations to use each pair of opened keys. */
const LOCATIONS = Array.from({ length: 2_000 }, (_, n) => `presence:sessions:${n.toString(36)}x`);

/** Returns an isolate whose KV is a plain map. */
function isolate(kv = new Map<string, string>()) {
  const reads: string[] = [];
  const opened = new OpenedLocations(
    async (key) => {
      reads.push(key);
      return kv.get(key) ?? null;
    },
    async (key, text) => void kv.set(key, text),
    300_000,
  );
  /** Reads both groups, after the cache time of all earlier reads. */
  let readAt = NOW;
  const readAll = async () => {
    readAt += CACHE_MS;
    return [...(await opened.read(readAt)), ...(await opened.read(readAt))];
  };
  return { kv, reads, opened, readAll };
}

/** Returns the opened keys that a location writes. */
async function keysOf(location: string): Promise<readonly string[]> {
  const { kv, opened } = isolate();
  await opened.add(location, SUMMARY);
  return [...kv.keys()];
}

/** Returns a location whose opened keys pass the check. */
async function locationWhere(check: (keys: readonly string[]) => boolean): Promise<string> {
  for (const name of LOCATIONS) if (check(await keysOf(name))) return name;
  throw new Error('No location passes the check.');
}

describe('reads', () => {
  const groupOf = (key: string) => Number(key.split(':')[2]);

  it('a reader reads the four keys of each group in turns, each group at most every 30 s', async () => {
    const { reads, opened } = isolate();
    const groups: number[][] = [];
    for (const now of [0, 10_000, 20_000, 29_999, 30_000, 39_999, 40_000, 50_000, 60_000]) {
      reads.length = 0;
      await opened.read(now);
      expect(new Set(reads).size).toBe(reads.length === 0 ? 0 : 4);
      groups.push([...new Set(reads.map(groupOf))]);
    }
    expect(groups).toEqual([[0], [1], [], [], [0], [], [1], [], [0]]);
  });

  it('a reader that pauses next reads the group that it read least recently', async () => {
    const { reads, opened } = isolate();
    for (const now of [0, 10_000]) await opened.read(now);
    reads.length = 0;
    await opened.read(500_000);
    expect(reads.map(groupOf)).toEqual([0, 0, 0, 0]);
  });

  it('a read returns nothing while no location has opened', async () => {
    expect(await isolate().readAll()).toEqual([]);
  });

  it('a read and a write reject when KV rejects', async () => {
    const fail = () => Promise.reject(new Error('KV is unavailable'));
    const opened = new OpenedLocations(fail, fail, 300_000);
    await expect(opened.read(0)).rejects.toThrow('KV is unavailable');
    await expect(opened.add(FRA, SUMMARY)).rejects.toThrow('KV is unavailable');
    const unwritable = new OpenedLocations(() => Promise.resolve(null), fail, 300_000);
    await expect(unwritable.add(FRA, SUMMARY)).rejects.toThrow('KV is unavailable');
  });
});

describe('writes', () => {
  it('a reader finds an added location in both groups', async () => {
    for (const location of [
      FRA,
      SIN,
      'presence:sessions:ams',
      'presence:sessions',
      ...LOCATIONS.slice(0, 50),
    ]) {
      const writer = isolate();
      await writer.opened.add(location, SUMMARY);
      const reader = isolate(writer.kv);
      expect(await reader.opened.read(NOW)).toEqual([[location, SUMMARY]]);
      expect(await reader.opened.read(NOW + 1)).toEqual([[location, SUMMARY]]);
    }
  });

  it('each location writes two keys, and none with the prefix that version 1.0 lists', async () => {
    for (const name of LOCATIONS) {
      const keys = await keysOf(name);
      expect(keys).toHaveLength(GROUPS);
      for (const key of keys) expect(key.startsWith('presence:sessions:')).toBe(false);
    }
  });

  it('locations use all 16 pairs of keys, each pair at least half as often as the mean', async () => {
    const uses = new Map<string, number>();
    for (const name of LOCATIONS) {
      const pair = (await keysOf(name)).join();
      uses.set(pair, (uses.get(pair) ?? 0) + 1);
    }
    expect(uses.size).toBe(16);
    for (const used of uses.values()) expect(used).toBeGreaterThan(LOCATIONS.length / 16 / 2);
  });

  it('two locations that share both keys are both stored', async () => {
    const both = (await keysOf(FRA)).join();
    const other = await locationWhere((keys) => keys.join() === both);
    const kv = new Map<string, string>();
    await isolate(kv).opened.add(FRA, SUMMARY);
    await isolate(kv).opened.add(other, { ...SUMMARY, at: NOW + 1 });
    const entries = [
      [FRA, SUMMARY],
      [other, { ...SUMMARY, at: NOW + 1 }],
    ];
    expect(await isolate(kv).readAll()).toEqual([...entries, ...entries]);
  });

  it('a reader finds two locations that write a shared key at once, by the other group', async () => {
    const [first, second] = await keysOf(FRA);
    const other = await locationWhere((keys) => keys[0] === first && keys[1] !== second);
    const kv = new Map<string, string>();
    await Promise.all([FRA, other].map((location) => isolate(kv).opened.add(location, SUMMARY)));
    const locations = (await isolate(kv).readAll()).map(([location]) => location);
    expect(new Set(locations)).toEqual(new Set([FRA, other]));
  });

  it('a location that opens again replaces its summary', async () => {
    const { opened, readAll } = isolate();
    await opened.add(FRA, SUMMARY);
    const later = { ...SUMMARY, at: NOW + 1 };
    await opened.add(FRA, later);
    expect(await readAll()).toEqual([
      [FRA, later],
      [FRA, later],
    ]);
  });

  it.each([
    ['keeps a summary that counts for 1 ms more', { ...SUMMARY, at: NOW - 9, until: NOW + 1 }, true],
    ['drops a summary that has ended', { ...SUMMARY, at: NOW - 9, until: NOW }, false],
    ['drops a summary with a longer lease than any', { ...SUMMARY, until: NOW + 305_001 }, false],
    ['drops a summary without moods', { at: NOW, until: NOW + 9_000 }, false],
    ['drops a summary with a broken time', { ...SUMMARY, until: 'late' }, false],
    ['drops a text', 'text', false],
    ['drops null', null, false],
  ])('a write of an opened key %s', async (_what, other, isKept) => {
    const { kv, opened, readAll } = isolate();
    for (const key of await keysOf(FRA)) kv.set(key, JSON.stringify({ [SIN]: other }));
    await opened.add(FRA, SUMMARY);
    const entries = [...(isKept ? [[SIN, other]] : []), [FRA, SUMMARY]];
    expect(await readAll()).toEqual([...entries, ...entries]);
  });
});

describe('hostile values', () => {
  it.each(hostileOpened(FRA, NOW))('an opened key that holds %s adds no session', async (_what, value) => {
    const { kv, opened, readAll } = isolate();
    const keys = [0, 1].flatMap((group) => [0, 1, 2, 3].map((n) => `presence:opened:${group}:${n}`));
    for (const key of keys) kv.set(key, value);
    const others = new LocationSummaries('presence:sessions:', FRA, kvTiming(30_000, 10_000));
    others.add(await readAll(), NOW);
    expect(others.counts(NOW)).toEqual(ZERO_COUNTS);
    const own = { ...SUMMARY, at: NOW + 1 };
    await opened.add(FRA, own);
    const written = [...kv.values()].filter((text) => text !== value);
    expect(written).toHaveLength(GROUPS);
    for (const text of written) expect(JSON.parse(text)).toMatchObject({ [FRA]: own });
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it('a reader accepts a value of 8,192 characters', async () => {
    const { kv, readAll } = isolate();
    kv.set('presence:opened:0:0', JSON.stringify({ [SIN]: SUMMARY }).padEnd(OPENED_CHARS_MAX));
    expect(await readAll()).toEqual([[SIN, SUMMARY]]);
  });

  it('a reader reads the other keys beside a hostile one', async () => {
    const { kv, opened, readAll } = isolate();
    await opened.add(FRA, SUMMARY);
    const [first] = await keysOf(FRA);
    for (let n = 0; n < 4; n += 1)
      if (`presence:opened:0:${n}` !== first) kv.set(`presence:opened:0:${n}`, '[');
    expect(await readAll()).toHaveLength(GROUPS);
  });
});

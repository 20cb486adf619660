import { type KeyLister, LocationSummaries } from '../../../../src/presence/kv/location-summaries';
import { ZERO_COUNTS } from '../../../../src/presence/session';
import { kvTiming } from '../../../../src/presence/timing';

export type Listed = Awaited<ReturnType<KeyLister['list']>>;

export const TIMING = kvTiming(30_000, 10_000);
export const LEASE_MS = 220_000;
export const ALONE_LEASE_MS = 300_000;
export const FRA = 'presence:sessions:fra';

/** Returns these pages, and then the last one again. Local KV never returns cached, stale or endless lists. */
export function lister(pages: readonly Listed[]): KeyLister & { calls: number } {
  const stub = {
    calls: 0,
    list: () => {
      const page = pages[Math.min(stub.calls, pages.length - 1)];
      stub.calls += 1;
      return Promise.resolve(page);
    },
  };
  return stub as KeyLister & { calls: number };
}

/** Makes a lister of a function. */
export const listerOf = (list: () => Promise<unknown>) => ({ list: list as KeyLister['list'] });
export const failing = listerOf(() => Promise.reject(new Error('KV is unavailable')));

export const summary = (at: number, release: number, leaseMs = LEASE_MS) => ({
  at,
  until: at + leaseMs,
  moods: { ...ZERO_COUNTS, release },
});

export const pageOf = (...entries: readonly (readonly [string, unknown])[]): Listed => ({
  keys: entries.map(([name, metadata]) => ({ name, metadata })),
  list_complete: true,
  cacheStatus: null,
});
export const page = (at: number, release: number, leaseMs?: number) =>
  pageOf([FRA, summary(at, release, leaseMs)]);

export const summaries = () => new LocationSummaries('presence:sessions:', 'presence:sessions:ams', TIMING);

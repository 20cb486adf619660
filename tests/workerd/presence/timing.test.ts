import { expect, it } from 'vitest';
import { hubSettings } from '../../../src/config';
import { isWriterAlone, LocationSummary } from '../../../src/presence/kv/location-summaries';
import { ZERO_COUNTS } from '../../../src/presence/session';
import { type KvTiming, kvTiming } from '../../../src/presence/timing';

const TTLS = Array.from({ length: 599 }, (_, n) => n + 2);

/** Checks the times on KV for all TTLs that the settings allow, each with nine sync intervals from 1 to 60 s. */
function checkAll(check: (timing: KvTiming, settings: string) => void): void {
  for (const ttl of TTLS) {
    for (const interval of [1, 2, 3, 7, 10, 49, 50, 51, 60])
      check(kvTiming(ttl * 1000, interval * 1000), `TTL ${ttl}, interval ${interval}`);
  }
}

it('a reader accepts a summary with every TTL and sync interval that the settings allow', () =>
  checkAll(({ leaseMs, aloneExtensionMs }, settings) => {
    const summary = { at: 1, until: 1 + leaseMs + aloneExtensionMs, moods: ZERO_COUNTS };
    expect(LocationSummary.safeParse(summary).success, settings).toBe(true);
  }));

it('a summary shows that its writer is alone if refreshMs is below 100 s', () =>
  checkAll((timing, settings) => {
    const summary = { at: 1, until: 1 + timing.leaseMs, moods: ZERO_COUNTS };
    expect(isWriterAlone(summary, timing), settings).toBe(false);
    const until = summary.until + timing.aloneExtensionMs;
    expect(isWriterAlone({ ...summary, until }, timing), settings).toBe(timing.refreshMs < 100_000);
  }));

it('a replica that is alone refreshes every 100 s, or every refreshMs if that is longer', () =>
  checkAll(({ refreshMs, aloneExtensionMs }, settings) => {
    expect(refreshMs + aloneExtensionMs, settings).toBe(Math.max(100_000, refreshMs));
  }));

it('an owner ends an expired session after the TTL, and before its copies stop counting', () =>
  checkAll(({ ttlMs, endAfterMs, remoteTtlMs }, settings) => {
    expect(endAfterMs, settings).toBeGreaterThanOrEqual(ttlMs);
    expect(endAfterMs, settings).toBeLessThan(remoteTtlMs);
  }));

it('an owner ends no moved session before a third of its TTL, two syncs and a refresh have passed', () =>
  checkAll(({ ttlMs, endAfterMs, refreshMs, syncIntervalMs }, settings) => {
    expect(endAfterMs, settings).toBeGreaterThanOrEqual(ttlMs / 3 + refreshMs + 2 * syncIntervalMs);
  }));

it('a replica remembers a tombstone as long as the longest copy counts', () =>
  checkAll(({ tombstoneTtlMs, remoteTtlMs, aloneExtensionMs }, settings) => {
    expect(tombstoneTtlMs, settings).toBe(remoteTtlMs + aloneExtensionMs);
  }));

it('KV keeps a key until neither its sessions nor its summary count', () =>
  checkAll(({ expirationTtlSeconds, leaseMs, tombstoneTtlMs, aloneExtensionMs }, settings) => {
    const countsMs = Math.max(leaseMs + aloneExtensionMs, tombstoneTtlMs);
    expect(expirationTtlSeconds * 1000, settings).toBeGreaterThanOrEqual(countsMs);
  }));

it('a TTL of 600 s and a sync interval of 60 s give a lease of 700 s, and an expiration after 840 s', () => {
  const times = { refreshMs: 120_000, aloneExtensionMs: 0, leaseMs: 700_000, expirationTtlSeconds: 840 };
  expect(kvTiming(600_000, 60_000)).toMatchObject(times);
});

it.each(['kv', 'durable-object'] as const)('all times on %s are whole ms above zero', (hub) => {
  for (const ttl of TTLS) {
    for (const interval of [undefined, 1, 2, 7, 60]) {
      const { timing } = hubSettings(hub, ttl * 1000, interval && interval * 1000);
      for (const [name, value] of Object.entries(timing)) {
        if (typeof value !== 'number' || name === 'aloneExtensionMs') continue;
        expect(Number.isInteger(value) && value > 0, `${name} with a TTL of ${ttl}`).toBe(true);
      }
    }
  }
});

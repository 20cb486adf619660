import { expect, it } from 'vitest';
import { hubSettings } from '../../../src/config';
import { LocationSummary } from '../../../src/presence/kv/location-summaries';
import { ZERO_COUNTS } from '../../../src/presence/session';
import { kvTiming } from '../../../src/presence/timing';

const TTLS = Array.from({ length: 599 }, (_, n) => n + 2);

it('a summary can be read with every TTL and sync interval that a start accepts', () => {
  for (const ttl of TTLS) {
    for (const interval of [1, 2, 3, 7, 10, 60]) {
      const { leaseMs, leaseExtensionMs } = kvTiming(ttl * 1000, interval * 1000);
      const summary = { at: 1, until: 1 + leaseMs + leaseExtensionMs, moods: ZERO_COUNTS };
      expect(LocationSummary.safeParse(summary).success, `TTL ${ttl}, interval ${interval}`).toBe(true);
    }
  }
});

it.each(['kv', 'durable-object'] as const)('all times on %s are whole ms above zero', (hub) => {
  for (const ttl of TTLS) {
    for (const interval of [undefined, 1, 2, 7, 60]) {
      const { timing } = hubSettings(hub, ttl * 1000, interval && interval * 1000);
      for (const [name, value] of Object.entries(timing)) {
        if (typeof value !== 'number' || name === 'leaseExtensionMs') continue;
        expect(Number.isInteger(value) && value > 0, `${name} with a TTL of ${ttl}`).toBe(true);
      }
    }
  }
});

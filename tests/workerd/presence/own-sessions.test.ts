import { expect, it } from 'vitest';
import { OwnSessions } from '../../../src/presence/own-sessions';
import { kvTiming } from '../../../src/presence/timing';
import { sessionId } from '../../support/session-id';

const TIMING = kvTiming(30_000, 10_000);
const idsOf = (own: OwnSessions) => [...own].map(([id]) => id);

/** Returns `count` expired sessions. Each sent one heartbeat, 1 ms after the session before it. */
function expiredSessions(count: number, endedMax: number): OwnSessions {
  const own = new OwnSessions(TIMING, endedMax);
  for (let n = 0; n < count; n += 1) own.add(sessionId(n), 'presence', n);
  own.expire(count + TIMING.ttlMs);
  return own;
}

it('an iteration returns the tombstones of left and of expired sessions before the present ones', () => {
  const own = new OwnSessions(TIMING, 10);
  own.add(sessionId(1), 'presence', 0);
  own.expire(TIMING.ttlMs);
  for (const n of [2, 3]) own.add(sessionId(n), 'presence', TIMING.ttlMs);
  own.leave(sessionId(3), TIMING.ttlMs + 1);
  own.endExpired(0);
  expect(idsOf(own)).toEqual([3, 1, 2].map(sessionId));
});

it('expired sessions with a heartbeat up to endedBy become tombstones in the order of their heartbeats', () => {
  const own = expiredSessions(5, 10);
  expect(own.recordsSize).toBe(0);
  own.endExpired(2);
  expect(idsOf(own)).toEqual([0, 1, 2].map(sessionId));
  expect([0, 1, 2, 3, 4].map((n) => own.getExpired(sessionId(n)) !== undefined)).toEqual([
    false,
    false,
    false,
    true,
    true,
  ]);
});

it('expired sessions and their tombstones together stay within the limit', () => {
  const own = expiredSessions(12, 8);
  own.endExpired(100);
  expect(own.recordsSize).toBe(8);
  for (const n of [20, 21]) own.add(sessionId(n), 'presence', TIMING.ttlMs);
  for (const n of [20, 21]) own.leave(sessionId(n), TIMING.ttlMs);
  expect(own.recordsSize).toBe(8);
});

it('a tombstone of an expired session is not in the outbox, because each write to KV has all sessions', () => {
  const own = expiredSessions(1, 8);
  own.endExpired(100);
  expect(own.outbox(0).size).toBe(0);
});

import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { CLOCK_SKEW_MAX_MS, ROOM_CHANGES_MAX, ROOM_EXPIRY_STEP_MS } from '../../../../src/limits';
import { MOODS } from '../../../../src/moods';
import { RoomSessions } from '../../../../src/presence/room/room-sessions';
import { type Mood, overrules, type SessionRecord, ZERO_COUNTS } from '../../../../src/presence/session';
import { sessionId } from '../../../support/session-id';
import { expire, noSockets, record } from './records';
import { TTL } from './room-replica';

const [ANNA, BEN] = [sessionId(1), sessionId(2)];

describe('the sessions of a room', () => {
  it('a session ends at most one step later than a TTL after its heartbeat, also if its record arrived late', () => {
    const room = new RoomSessions(TTL, 0);
    room.merge(ANNA, record('presence', 10_000), 10_000);
    room.merge(BEN, record('release', 2_000), 11_000);
    expect(expire(room, 31_999)).toEqual([]);
    expect(expire(room, 32_000 + ROOM_EXPIRY_STEP_MS)).toEqual([BEN]);
    expect(expire(room, 39_999)).toEqual([]);
    expect(expire(room, 40_000 + ROOM_EXPIRY_STEP_MS)).toEqual([ANNA]);
    expect(room.counts).toEqual(ZERO_COUNTS);
  });

  it('a session ends a TTL after its last heartbeat, also if the clock stepped back before that heartbeat', () => {
    const room = new RoomSessions(TTL, 10_000);
    room.heartbeat(ANNA, 'presence', 10_000);
    room.heartbeat(ANNA, 'presence', 5_000);
    expect(room.nextEnd(5_000)).toBe(5_000 + TTL);
    expect(expire(room, 4_999 + TTL)).toEqual([]);
    expect(expire(room, 5_000 + TTL)).toEqual([ANNA]);
  });

  it('a session whose end moves forward is in one step only', () => {
    const room = new RoomSessions(TTL, 10_000);
    room.heartbeat(ANNA, 'presence', 10_000);
    // The clock stepped back.
    room.heartbeat(ANNA, 'presence', 5_000);
    room.heartbeat(ANNA, 'presence', 20_000);
    const checked = vi.fn(noSockets);
    expect(expire(room, 20_000 + TTL, checked)).toEqual([ANNA]);
    // The room checks the session in the step of its earliest end, and in that of its true end.
    expect(checked).toHaveBeenCalledTimes(2);
  });

  it('two sessions with the same end both end in the step of that end', () => {
    const room = new RoomSessions(TTL, 0);
    room.heartbeat(ANNA, 'presence', 0);
    room.heartbeat(BEN, 'release', 0);
    expect(expire(room, TTL - 1)).toEqual([]);
    expect(expire(room, TTL)).toEqual([ANNA, BEN]);
  });

  it('a tombstone holds for a TTL, and its expiry is no change', () => {
    const room = new RoomSessions(TTL, 0);
    room.heartbeat(ANNA, 'presence', 0);
    room.leave(ANNA, 20_000);
    expect(room.counts).toEqual(ZERO_COUNTS);
    expect(expire(room, 49_999)).toEqual([]);
    expect(room.merge(ANNA, record('presence', 19_999), 49_999)).toBe('outdated');
    expect(expire(room, 50_000)).toEqual([]);
    expect(room.get(ANNA)).toBeUndefined();
    expect(room.changeCount).toBe(2);
    expect(room.counts).toEqual(ZERO_COUNTS);
  });

  it('a session whose sockets were seen within the TTL does not end', () => {
    const room = new RoomSessions(TTL, 0);
    room.heartbeat(ANNA, 'presence', 0);
    expect(expire(room, 31_000, () => 20_000)).toEqual([]);
    expect(room.get(ANNA)).toMatchObject(record('presence', 20_000));
    expect(expire(room, 51_000)).toEqual([ANNA]);
  });

  it('a heartbeat of a known session in the same mood is no change', () => {
    const room = new RoomSessions(TTL, 0);
    for (let n = 1; n <= 100; n += 1) room.merge(ANNA, record('presence', n), n);
    expect(room.changeCount).toBe(1);
    room.merge(ANNA, record('release', 200), 200);
    expect([...(room.changesSince(1) ?? [])]).toEqual([ANNA]);
    room.leave(ANNA, 300);
    expect(room.changeCount).toBe(3);
    expect(room.changesSince(3)).toEqual(new Set());
  });

  it('a room has no changes since a version that is too old or in the future', () => {
    const room = new RoomSessions(TTL, 0);
    const change = (n: number) => room.heartbeat(sessionId(n % 100), MOODS[n % 3] as Mood, 0);
    for (let n = 0; n < ROOM_CHANGES_MAX; n += 1) change(n);
    expect(room.changesSince(0)?.size).toBe(100);
    change(ROOM_CHANGES_MAX);
    expect(room.changesSince(0)).toBeUndefined();
    expect(room.changeCount).toBe(ROOM_CHANGES_MAX + 1);
    expect(room.changesSince(room.changeCount)).toEqual(new Set());
    expect(room.changesSince(room.changeCount - 1)?.size).toBe(1);
    expect(room.changesSince(room.changeCount + 1)).toBeUndefined();
  });

  it('a merge returns whether the record was applied, the same, outdated or expired', () => {
    const room = new RoomSessions(TTL, 0);
    expect(room.merge(ANNA, record('presence', 5_000), 5_000)).toBe('applied');
    expect(room.merge(ANNA, record('presence', 5_000), 5_000)).toBe('same');
    expect(room.merge(ANNA, record('release', 4_000), 5_000)).toBe('outdated');
    expect(room.merge(ANNA, record(null, 5_000), 5_000)).toBe('outdated');
    expect(room.merge(ANNA, record(null, 5_001), 5_001)).toBe('applied');
    expect(room.merge(ANNA, record('presence', 5_000), 5_001)).toBe('outdated');
    expect(room.merge(BEN, record('presence', 5_000), 5_000 + TTL)).toBe('expired');
  });

  it('a merge limits a time in the future to the largest clock skew', () => {
    const room = new RoomSessions(TTL, 0);
    room.merge(ANNA, record('presence', 9e12), 1_000);
    expect(room.get(ANNA)?.lastSeen).toBe(1_000 + CLOCK_SKEW_MAX_MS);
    expect(expire(room, 1_000 + TTL + ROOM_EXPIRY_STEP_MS)).toEqual([ANNA]);
  });

  it('the next end is the earliest end of a present session, also if its record arrived last', () => {
    const room = new RoomSessions(TTL, 0);
    expect(room.nextEnd(0)).toBeUndefined();
    room.heartbeat(ANNA, 'presence', 2_000);
    expect(room.nextEnd(2_000)).toBe(2_000 + TTL);
    room.merge(BEN, record('presence', 900), 3_000);
    expect(room.nextEnd(3_000)).toBe(1_000 + TTL);
    room.leave(ANNA, 3_000);
    room.leave(BEN, 3_000);
    expect(room.nextEnd(3_000)).toBeUndefined();
  });

  it('the next end is exact in the first call, after it has passed, and after `forgetNextEnd`', () => {
    const room = new RoomSessions(TTL, 0);
    room.heartbeat(ANNA, 'presence', 1_000);
    room.heartbeat(BEN, 'presence', 2_000);
    room.heartbeat(ANNA, 'presence', 10_000);
    expect(room.nextEnd(10_000)).toBe(2_000 + TTL);
    room.heartbeat(BEN, 'release', 20_000);
    // The session of BEN now ends later. The room updates the next end only after the old one has passed.
    expect(room.nextEnd(31_999)).toBe(2_000 + TTL);
    expect(room.nextEnd(32_000)).toBe(10_000 + TTL);
    room.leave(ANNA, 33_000);
    room.forgetNextEnd();
    expect(room.nextEnd(33_000)).toBe(20_000 + TTL);
  });

  it('the next end is never after the step of the earliest true end, and is that step after `forgetNextEnd`', () => {
    void fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3), fc.nat(12_000), fc.boolean())), (events) => {
        const room = new RoomSessions(TTL, 0);
        const ends = new Map<string, number>();
        const earliestStepEnd = () =>
          Math.ceil(Math.min(...ends.values()) / ROOM_EXPIRY_STEP_MS) * ROOM_EXPIRY_STEP_MS;
        let now = 0;
        for (const [n, ms, readsNextEnd] of events) {
          now += ms;
          for (const key of expire(room, now)) ends.delete(key);
          room.heartbeat(sessionId(n), 'presence', now);
          ends.set(sessionId(n), now + TTL);
          if (!readsNextEnd) continue;
          const next = room.nextEnd(now);
          expect(next).toBeGreaterThan(now);
          expect(next).toBeLessThanOrEqual(earliestStepEnd());
        }
        room.forgetNextEnd();
        expect(room.nextEnd(now) ?? Number.POSITIVE_INFINITY).toBe(earliestStepEnd());
      }),
    );
  });

  it('`nextEnd` walks over all sessions only in its first call and after the end has passed', () => {
    const room = new RoomSessions(TTL, 0);
    const walk = vi.spyOn(Map.prototype, 'values');
    for (let n = 0; n < 100; n += 1) {
      room.heartbeat(sessionId(n), 'presence', n);
      room.nextEnd(n);
    }
    expect(walk).toHaveBeenCalledTimes(1);
    room.nextEnd(TTL);
    expect(walk).toHaveBeenCalledTimes(2);
    walk.mockRestore();
  });

  it('no session ends early when the clock steps back', () => {
    const room = new RoomSessions(TTL, 100_000);
    room.heartbeat(ANNA, 'presence', 100_000);
    expect(expire(room, 90_000)).toEqual([]);
    room.heartbeat(BEN, 'release', 90_000);
    expect(expire(room, 120_000 + ROOM_EXPIRY_STEP_MS)).toEqual([BEN]);
    expect(expire(room, 130_000 + ROOM_EXPIRY_STEP_MS)).toEqual([ANNA]);
  });

  it('a session ends although the clock stepped back by more than the TTL', () => {
    const room = new RoomSessions(TTL, 100_000);
    room.heartbeat(ANNA, 'presence', 60_000);
    expect(expire(room, 100_000 + ROOM_EXPIRY_STEP_MS)).toEqual([ANNA]);
  });
});

type Step =
  | { readonly kind: 'merge'; readonly id: string; readonly mood: Mood | null; readonly ago: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'follow' };

const steps = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('merge' as const),
      id: fc.integer({ min: 1, max: 5 }).map(sessionId),
      mood: fc.constantFrom(...MOODS, null),
      ago: fc.integer({ min: -100, max: 40_000 }),
    }),
    fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 40_000 }) }),
    fc.record({ kind: fc.constant('follow' as const) }),
  ),
  { maxLength: 60 },
);

it('a room has the sessions of a plain list, and so has a replica that follows its changes', () => {
  void fc.assert(
    fc.property(steps, (all: readonly Step[]) => {
      let now = 1_000_000;
      const room = new RoomSessions(TTL, now);
      const list = new Map<string, SessionRecord & { readonly expiresAt: number }>();
      const follower = new Map<string, Mood>();
      let followed = 0;
      const follow = () => {
        for (const id of room.changesSince(followed) ?? []) {
          const mood = room.get(id)?.mood ?? null;
          if (mood === null) follower.delete(id);
          else follower.set(id, mood);
        }
        followed = room.changeCount;
      };
      for (const step of all) {
        if (step.kind === 'wait') now += step.ms;
        expire(room, now);
        for (const [id, { expiresAt }] of list) if (expiresAt <= now) list.delete(id);
        if (step.kind === 'merge') {
          const record = { mood: step.mood, lastSeen: now - step.ago };
          const known = list.get(step.id);
          // Otherwise a clock that is ahead lengthens the session.
          const expiresAt = Math.min(record.lastSeen, now) + TTL;
          room.merge(step.id, record, now);
          const isLater = known === undefined || overrules(record, known);
          if (expiresAt > now && isLater) list.set(step.id, { ...record, expiresAt });
        }
        if (step.kind === 'follow') follow();
      }
      // At the start of a step the room has ended all sessions with earlier ends.
      now = Math.ceil(now / ROOM_EXPIRY_STEP_MS) * ROOM_EXPIRY_STEP_MS;
      expire(room, now);
      for (const [id, { expiresAt }] of list) if (expiresAt <= now) list.delete(id);
      follow();
      const present = [...list].filter(([, { mood }]) => mood !== null);
      const sorted = (entries: Iterable<readonly [string, Mood | null]>) => [...entries].sort();
      expect(sorted([...room.present].map(([id, { mood }]) => [id, mood]))).toEqual(
        sorted(present.map(([id, { mood }]) => [id, mood])),
      );
      expect(sorted(follower)).toEqual(sorted(present.map(([id, { mood }]) => [id, mood])));
      for (const mood of MOODS) {
        expect(room.counts[mood]).toBe(present.filter(([, record]) => record.mood === mood).length);
      }
    }),
  );
});

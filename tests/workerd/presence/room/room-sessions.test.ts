import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLOCK_SKEW_MAX_MS, ROOM_EXPIRY_STEP_MS, ROOM_NEWS_MAX } from '../../../../src/limits';
import { RoomSessions } from '../../../../src/presence/room/room-sessions';
import { MOODS, type Mood, NOBODY, overrules, type SessionRecord } from '../../../../src/presence/session';
import { sessionId } from '../../../support/session-id';

const TTL = 30_000;
const [ANNA, BEN] = [sessionId(1), sessionId(2)];
const silent = () => undefined;
const heard = (mood: Mood | null, lastSeen: number): SessionRecord => ({ mood, lastSeen });

describe('the sessions of a room', () => {
  it('end a TTL after the heartbeat, however late it was told, and one step later at most', () => {
    const room = new RoomSessions(TTL, 0);
    room.learn(ANNA, heard('presence', 10_000), 10_000);
    room.learn(BEN, heard('release', 2_000), 11_000);
    expect(room.expire(31_999, silent)).toEqual([]);
    expect(room.expire(32_000 + ROOM_EXPIRY_STEP_MS, silent)).toEqual([BEN]);
    expect(room.expire(39_999, silent)).toEqual([]);
    expect(room.expire(40_000 + ROOM_EXPIRY_STEP_MS, silent)).toEqual([ANNA]);
    expect(room.counts).toEqual(NOBODY);
  });

  it('all end that end at the same time, and as soon as it is over', () => {
    const room = new RoomSessions(TTL, 0);
    room.touch(ANNA, 'presence', 0);
    room.touch(BEN, 'release', 0);
    expect(room.expire(TTL - 1, silent)).toEqual([]);
    expect(room.expire(TTL, silent)).toEqual([ANNA, BEN]);
  });

  it('that were left are remembered for a TTL more, and then forgotten without news', () => {
    const room = new RoomSessions(TTL, 0);
    room.touch(ANNA, 'presence', 0);
    room.touch(ANNA, null, 20_000);
    expect(room.counts).toEqual(NOBODY);
    expect(room.expire(49_999, silent)).toEqual([]);
    expect(room.learn(ANNA, heard('presence', 19_999), 49_999)).toBe('later');
    expect(room.expire(50_000, silent)).toEqual([]);
    expect(room.get(ANNA)).toBeUndefined();
    expect(room.newsCount).toBe(2);
    expect(room.counts).toEqual(NOBODY);
  });

  it('do not end before somebody has been asked who may have heard of them', () => {
    const room = new RoomSessions(TTL, 0);
    room.touch(ANNA, 'presence', 0);
    expect(room.expire(31_000, () => 20_000)).toEqual([]);
    expect(room.get(ANNA)).toEqual(heard('presence', 20_000));
    expect(room.expire(51_000, silent)).toEqual([ANNA]);
  });

  it('are told of once, however often somebody is heard', () => {
    const room = new RoomSessions(TTL, 0);
    for (let n = 1; n <= 100; n += 1) room.learn(ANNA, heard('presence', n), n);
    expect(room.newsCount).toBe(1);
    room.learn(ANNA, heard('release', 200), 200);
    expect([...(room.newsSince(1) ?? [])]).toEqual([ANNA]);
    room.touch(ANNA, null, 300);
    expect(room.newsCount).toBe(3);
    expect(room.newsSince(3)).toEqual(new Set());
  });

  it('are all told to who has missed too much', () => {
    const room = new RoomSessions(TTL, 0);
    const change = (n: number) => room.touch(sessionId(n % 100), MOODS[n % 3] as Mood, 0);
    for (let n = 0; n < ROOM_NEWS_MAX; n += 1) change(n);
    expect(room.newsSince(0)?.size).toBe(100);
    change(ROOM_NEWS_MAX);
    expect(room.newsSince(0)).toBeUndefined();
    expect(room.newsCount).toBe(ROOM_NEWS_MAX + 1);
    expect(room.newsSince(room.newsCount)).toEqual(new Set());
    expect(room.newsSince(room.newsCount - 1)?.size).toBe(1);
    expect(room.newsSince(room.newsCount + 1)).toBeUndefined();
  });

  it('say which of two words is the later one', () => {
    const room = new RoomSessions(TTL, 0);
    expect(room.learn(ANNA, heard('presence', 5_000), 5_000)).toBe('new');
    expect(room.learn(ANNA, heard('presence', 5_000), 5_000)).toBe('known');
    expect(room.learn(ANNA, heard('release', 4_000), 5_000)).toBe('later');
    expect(room.learn(ANNA, heard(null, 5_000), 5_000)).toBe('later');
    expect(room.learn(ANNA, heard(null, 5_001), 5_001)).toBe('new');
    expect(room.learn(ANNA, heard('presence', 5_000), 5_001)).toBe('later');
    expect(room.learn(BEN, heard('presence', 5_000), 5_000 + TTL)).toBe('over');
  });

  it('believe no time that lies further ahead than a clock can be wrong', () => {
    const room = new RoomSessions(TTL, 0);
    room.learn(ANNA, heard('presence', 9e12), 1_000);
    expect(room.get(ANNA)?.lastSeen).toBe(1_000 + CLOCK_SKEW_MAX_MS);
    expect(room.expire(1_000 + TTL + ROOM_EXPIRY_STEP_MS, silent)).toEqual([ANNA]);
  });

  it('say when the next one ends, whoever has left', () => {
    const room = new RoomSessions(TTL, 0);
    expect(room.findNextEnd()).toBeUndefined();
    room.touch(ANNA, 'presence', 1_000);
    room.touch(BEN, 'presence', 2_000);
    expect(room.findNextEnd()).toBe(1_000 + TTL);
    room.touch(ANNA, null, 3_000);
    expect(room.findNextEnd()).toBe(2_000 + TTL);
    room.touch(BEN, 'presence', 10_000);
    expect(room.findNextEnd()).toBe(10_000 + TTL);
  });

  it('say when the first of those ends who came since they were asked last', () => {
    const room = new RoomSessions(TTL, 0);
    room.touch(ANNA, 'presence', 1_000);
    expect(room.newcomersEnd).toBe(1_000 + TTL);
    expect(room.findNextEnd()).toBe(1_000 + TTL);
    expect(room.newcomersEnd).toBeUndefined();
    room.touch(ANNA, 'release', 2_000);
    expect(room.newcomersEnd).toBeUndefined();
    room.learn(BEN, heard('presence', 2_000), 3_000);
    room.touch(sessionId(3), 'presence', 3_000);
    expect(room.newcomersEnd).toBe(2_000 + TTL);
  });

  it('stand still while a clock that stepped back catches up', () => {
    const room = new RoomSessions(TTL, 100_000);
    room.touch(ANNA, 'presence', 100_000);
    expect(room.expire(90_000, silent)).toEqual([]);
    room.touch(BEN, 'release', 90_000);
    expect(room.expire(120_000 + ROOM_EXPIRY_STEP_MS, silent)).toEqual([BEN]);
    expect(room.expire(130_000 + ROOM_EXPIRY_STEP_MS, silent)).toEqual([ANNA]);
  });

  it('end also if the clock stepped back by more than they live', () => {
    const room = new RoomSessions(TTL, 100_000);
    room.touch(ANNA, 'presence', 60_000);
    expect(room.expire(100_000 + ROOM_EXPIRY_STEP_MS, silent)).toEqual([ANNA]);
  });
});

type Step =
  | { readonly kind: 'learn'; readonly id: string; readonly mood: Mood | null; readonly ago: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'follow' };

const steps = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('learn' as const),
      id: fc.integer({ min: 1, max: 5 }).map(sessionId),
      mood: fc.constantFrom(...MOODS, null),
      ago: fc.integer({ min: -100, max: 40_000 }),
    }),
    fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 40_000 }) }),
    fc.record({ kind: fc.constant('follow' as const) }),
  ),
  { maxLength: 60 },
);

it('who follows the news knows what the room knows, and the room knows what a naive list says', () => {
  void fc.assert(
    fc.property(steps, (all: readonly Step[]) => {
      let now = 1_000_000;
      const room = new RoomSessions(TTL, now);
      const list = new Map<string, SessionRecord & { readonly endsAt: number }>();
      const follower = new Map<string, Mood>();
      let followed = 0;
      const follow = () => {
        for (const id of room.newsSince(followed) ?? []) {
          const mood = room.get(id)?.mood ?? null;
          if (mood === null) follower.delete(id);
          else follower.set(id, mood);
        }
        followed = room.newsCount;
      };
      for (const step of all) {
        if (step.kind === 'wait') now += step.ms;
        room.expire(now, silent);
        for (const [id, { endsAt }] of list) if (endsAt <= now) list.delete(id);
        if (step.kind === 'learn') {
          const record = { mood: step.mood, lastSeen: now - step.ago };
          const known = list.get(step.id);
          // A clock that is ahead makes nobody stay for longer.
          const endsAt = Math.min(record.lastSeen, now) + TTL;
          room.learn(step.id, record, now);
          const isLater = known === undefined || overrules(record, known);
          if (endsAt > now && isLater) list.set(step.id, { ...record, endsAt });
        }
        if (step.kind === 'follow') follow();
      }
      // At the start of a step the room has seen all that has ended before.
      now = Math.ceil(now / ROOM_EXPIRY_STEP_MS) * ROOM_EXPIRY_STEP_MS;
      room.expire(now, silent);
      for (const [id, { endsAt }] of list) if (endsAt <= now) list.delete(id);
      follow();
      const here = [...list].filter(([, { mood }]) => mood !== null);
      const sorted = (entries: Iterable<readonly [string, Mood | null]>) => [...entries].sort();
      expect(sorted([...room.listAll()].map(([id, { mood }]) => [id, mood]))).toEqual(
        sorted(here.map(([id, { mood }]) => [id, mood])),
      );
      expect(sorted(follower)).toEqual(sorted(here.map(([id, { mood }]) => [id, mood])));
      for (const mood of MOODS) {
        expect(room.counts[mood]).toBe(here.filter(([, record]) => record.mood === mood).length);
      }
    }),
  );
});

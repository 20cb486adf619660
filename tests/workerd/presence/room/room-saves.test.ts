import { beforeEach, describe, expect, it } from 'vitest';
import { ROOM_SAVE_INTERVAL_MS, ROOM_UNSAVED_MAX } from '../../../../src/limits';
import { RoomSaver } from '../../../../src/presence/room/room-saver';
import { RoomSessions } from '../../../../src/presence/room/room-sessions';
import { type SessionRecord, ZERO_COUNTS } from '../../../../src/presence/session';
import { type FakeRuntime, START } from '../../../support/fake-runtime';
import { NO_HISTORY } from '../../../support/no-history';
import { sessionId } from '../../../support/session-id';
import type { MemoryJournal } from './memory-journal';
import { MemoryRoom, TTL } from './memory-room';

const [ANNA, BEN] = [sessionId(1), sessionId(2)];

let place: MemoryRoom;
let runtime: FakeRuntime;
let journal: MemoryJournal;
beforeEach(() => {
  place = new MemoryRoom();
  ({ runtime, journal } = place);
});

const savedIds = () => journal.saved.map(({ sessions }) => [...sessions.keys()]);

/** Heartbeats of now, of so many sessions. */
function crowd(count: number): Readonly<Record<string, SessionRecord>> {
  const record = { mood: 'presence', lastSeen: runtime.now() } as const;
  return Object.fromEntries(Array.from({ length: count }, (_, n) => [sessionId(n), record]));
}

describe('a save', () => {
  it('a room saves the first change at once, then the changes at most once in five seconds', async () => {
    place.heartbeat(ANNA);
    expect(savedIds()).toEqual([[ANNA]]);
    for (let second = 0; second < 60; second += 1) {
      await runtime.advance(1_000);
      place.heartbeat(BEN, second % 2 === 0 ? 'presence' : 'release');
    }
    const times = journal.saved.map(({ savedAt }) => savedAt);
    for (const [index, time] of times.slice(1).entries()) {
      expect(time - (times[index] ?? 0)).toBeGreaterThanOrEqual(ROOM_SAVE_INTERVAL_MS);
    }
    expect(times.length).toBeGreaterThan(10);
    expect(journal.saved.slice(1).every(({ sessions }) => !sessions.has(ANNA))).toBe(true);
  });

  it('a restarted room waits for the rest of the five seconds', async () => {
    place.heartbeat(ANNA);
    await runtime.advance(1_000);
    place.restart();
    place.heartbeat(BEN);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS - 1_001);
    expect(savedIds()).toEqual([[ANNA]]);
    await runtime.advance(1);
    expect(savedIds()).toEqual([[ANNA], [BEN]]);
  });

  it('a room saves nothing while nothing changes', async () => {
    place.heartbeat(ANNA);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    for (let second = 0; second < 20; second += 1) {
      await runtime.advance(1_000);
      place.sync();
    }
    expect(savedIds()).toEqual([[ANNA]]);
  });

  it('a room saves nothing before the first update, and nothing for an update that it knows', async () => {
    place.sync();
    expect(journal.saved).toEqual([]);
    const update = { [ANNA]: { mood: 'presence', lastSeen: START } } as const;
    place.sync(update);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    const saves = journal.saved.length;
    place.sync(update);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(journal.saved).toHaveLength(saves);
  });

  it('an alarm saves nothing of a socket without a new ping', async () => {
    place.join(ANNA);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    const saves = journal.saved.length;
    place.room.applyPings();
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(journal.saved).toHaveLength(saves);
  });

  it('a room saves nothing of a session that expired before the save', async () => {
    place.heartbeat(ANNA);
    place.sync({ [BEN]: { mood: 'presence', lastSeen: START - TTL + 1_000 } });
    await runtime.advance(2_000);
    place.sync();
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(savedIds().flat()).toEqual([ANNA]);
  });

  it.each([
    ['with a watcher', 1],
    ['without a watcher', 0],
  ])('a room saves the last change, though no call follows: %s', async (_when, watchers) => {
    for (let n = 0; n < watchers; n += 1) place.open();
    place.heartbeat(ANNA);
    await runtime.advance(1_000);
    place.heartbeat(BEN);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS - 1_000);
    expect(savedIds().at(-1)).toEqual([BEN]);
  });

  it('a room saves each full row at once, and the rest within five seconds', async () => {
    const updates = crowd(2.5 * ROOM_UNSAVED_MAX);
    place.heartbeat(ANNA);
    place.sync(updates);
    expect(savedIds().map(({ length }) => length)).toEqual([1, ROOM_UNSAVED_MAX, ROOM_UNSAVED_MAX]);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(new Set(savedIds().flat()).size).toBe(2.5 * ROOM_UNSAVED_MAX);
    place.restart();
    expect(place.room.counts.presence).toBe(2.5 * ROOM_UNSAVED_MAX);
  });

  it('a row that was saved early leaves nothing for the end of the five seconds', async () => {
    place.sync(crowd(ROOM_UNSAVED_MAX));
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    place.heartbeat(sessionId(0));
    await runtime.advance(1_000);
    place.heartbeat(sessionId(0));
    const saves = journal.saved.length;
    place.sync(crowd(ROOM_UNSAVED_MAX));
    expect(journal.saved).toHaveLength(saves + 1);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(journal.saved).toHaveLength(saves + 1);
  });
});

describe('a save that throws', () => {
  it('a sync, a socket message and an alarm succeed although the save throws, and each failed save is reported', async () => {
    journal.fails = true;
    expect(place.heartbeat(ANNA).version.number).toBe(1);
    expect(place.reports).toEqual(['the room could not save; the next save tries again']);
    const socket = place.join(BEN);
    expect(socket.isOpen).toBe(true);
    // This save runs after a wait, where nothing could catch its error.
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(place.reports).toHaveLength(2);
    place.room.applyPings();
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(place.room.counts.presence).toBe(2);
    expect(place.reports).toHaveLength(3);
  });

  it('the next save after a failed one saves its sessions and its counts, though no session changed since', async () => {
    journal.fails = true;
    place.heartbeat(ANNA);
    journal.fails = false;
    await runtime.advance(1_000);
    place.sync();
    expect(journal.saved).toEqual([]);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS - 1_000);
    expect(savedIds()).toEqual([[ANNA]]);
    expect(journal.saved[0]?.lastBroadcasts.get('')?.presence).toBe(1);
    place.restart();
    expect(place.room.counts.presence).toBe(1);
  });

  it('a room that cannot save tries once in five seconds and once per full row', async () => {
    journal.fails = true;
    for (let second = 0; second < 20; second += 1) {
      place.sync(crowd(2 * ROOM_UNSAVED_MAX));
      await runtime.advance(1_000);
    }
    // Two more for the two rows that fill up once.
    expect(journal.attempts).toBeLessThanOrEqual(20 / 5 + 1 + 2);
    journal.fails = false;
    place.sync();
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(savedIds().at(-1)).toHaveLength(2 * ROOM_UNSAVED_MAX);
    // From then on a full row is saved at once again.
    const saves = journal.saved.length;
    place.sync(crowd(ROOM_UNSAVED_MAX));
    expect(journal.saved).toHaveLength(saves + 1);
  });

  it('counts of a broadcast whose save failed are in the next save', async () => {
    place.open();
    place.heartbeat(ANNA);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS - 500);
    place.heartbeat(BEN);
    await runtime.advance(100);
    place.heartbeat(ANNA, 'release');
    await runtime.advance(400);
    expect(savedIds().at(-1)).toEqual([BEN, ANNA]);
    // The broadcast of the second change comes after the save of its sessions.
    await runtime.advance(500);
    journal.fails = true;
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(place.reports).toHaveLength(1);
    journal.fails = false;
    place.sync();
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(journal.saved.at(-1)).toMatchObject({
      sessions: new Map(),
      lastBroadcasts: new Map([['', { ...ZERO_COUNTS, presence: 1, release: 1 }]]),
    });
  });

  it('a saver that cannot save drops the ids of sessions that the room no longer has', () => {
    journal.fails = true;
    const sessions = new RoomSessions(TTL, START);
    const broadcasts = { revision: 0, last: () => new Map() };
    const saver = new RoomSaver({
      runtime,
      journal,
      sessions,
      broadcasts,
      history: () => new Map(),
      historyStore: NO_HISTORY,
      report: () => undefined,
    });
    for (let n = 1; n < ROOM_UNSAVED_MAX; n += 1) saver.add(sessionId(n));
    saver.schedule();
    expect(journal.attempts).toBe(1);
    // Otherwise this session would fill a row, and be saved at once.
    saver.add(sessionId(0));
    expect(journal.attempts).toBe(1);
  });

  it('a room that cannot save stops trying when no calls come, so that it can hibernate', async () => {
    journal.fails = true;
    place.heartbeat(ANNA);
    for (let n = 0; n < 5; n += 1) await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(journal.attempts).toBeLessThanOrEqual(2);
  });

  it('a save that fails once is done again after five seconds, though no call follows', async () => {
    place.heartbeat(ANNA);
    place.heartbeat(BEN);
    journal.fails = true;
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    journal.fails = false;
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(savedIds()).toEqual([[ANNA], [BEN]]);
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { ROOM_SAVE_INTERVAL_MS, ROOM_UNSAVED_MAX } from '../../../../src/limits';
import { RoomSaver } from '../../../../src/presence/room/room-saver';
import { RoomSessions } from '../../../../src/presence/room/room-sessions';
import { type SessionRecord, ZERO_COUNTS } from '../../../../src/presence/session';
import { type FakeRuntime, START } from '../../../support/fake-runtime';
import { NO_HISTORY } from '../../../support/no-history';
import { sessionId } from '../../../support/session-id';
import type { MemoryJournal } from './memory-journal';
import { MemoryRoom } from './memory-room';
import { TTL } from './room-replica';

const [ANNA, BEN] = [sessionId(1), sessionId(2)];

let memoryRoom: MemoryRoom;
let runtime: FakeRuntime;
let journal: MemoryJournal;
beforeEach(() => {
  memoryRoom = new MemoryRoom();
  ({ runtime, journal } = memoryRoom);
});

const savedIds = () => journal.saved.map(({ sessions }) => [...sessions.keys()]);

/** Returns heartbeats of `count` sessions at the current time. */
function heartbeatsOf(count: number): Readonly<Record<string, SessionRecord>> {
  const record = { mood: 'presence', lastSeen: runtime.now() } as const;
  return Object.fromEntries(Array.from({ length: count }, (_, n) => [sessionId(n), record]));
}

describe('a save', () => {
  it('a room saves the first change at once, then the changes at most once in five seconds', async () => {
    memoryRoom.heartbeat(ANNA);
    expect(savedIds()).toEqual([[ANNA]]);
    for (let second = 0; second < 60; second += 1) {
      await runtime.advance(1_000);
      memoryRoom.heartbeat(BEN, second % 2 === 0 ? 'presence' : 'release');
    }
    const times = journal.saved.map(({ savedAt }) => savedAt);
    for (const [index, time] of times.slice(1).entries()) {
      expect(time - (times[index] ?? 0)).toBeGreaterThanOrEqual(ROOM_SAVE_INTERVAL_MS);
    }
    expect(times.length).toBeGreaterThan(10);
    expect(journal.saved.slice(1).every(({ sessions }) => !sessions.has(ANNA))).toBe(true);
  });

  it('a restarted room saves its next change five seconds after the last save', async () => {
    memoryRoom.heartbeat(ANNA);
    await runtime.advance(1_000);
    memoryRoom.restart();
    memoryRoom.heartbeat(BEN);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS - 1_001);
    expect(savedIds()).toEqual([[ANNA]]);
    await runtime.advance(1);
    expect(savedIds()).toEqual([[ANNA], [BEN]]);
  });

  it('a room saves nothing while nothing changes', async () => {
    memoryRoom.heartbeat(ANNA);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    for (let second = 0; second < 20; second += 1) {
      await runtime.advance(1_000);
      memoryRoom.sync();
    }
    expect(savedIds()).toEqual([[ANNA]]);
  });

  it('a room saves nothing before the first update, and nothing for an update that it knows', async () => {
    memoryRoom.sync();
    expect(journal.saved).toEqual([]);
    const update = { [ANNA]: { mood: 'presence', lastSeen: START } } as const;
    memoryRoom.sync(update);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    const saves = journal.saved.length;
    memoryRoom.sync(update);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(journal.saved).toHaveLength(saves);
  });

  it('an alarm saves no session whose socket has no new ping', async () => {
    memoryRoom.join(ANNA);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    const saves = journal.saved.length;
    memoryRoom.room.applyPings();
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(journal.saved).toHaveLength(saves);
  });

  it('a room saves no session that expired before the save', async () => {
    memoryRoom.heartbeat(ANNA);
    memoryRoom.sync({ [BEN]: { mood: 'presence', lastSeen: START - TTL + 1_000 } });
    await runtime.advance(2_000);
    memoryRoom.sync();
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(savedIds().flat()).toEqual([ANNA]);
  });

  it.each([
    ['with a watcher', 1],
    ['without a watcher', 0],
  ])('a room %s saves the last change without a further call', async (_when, watchers) => {
    for (let n = 0; n < watchers; n += 1) memoryRoom.open();
    memoryRoom.heartbeat(ANNA);
    await runtime.advance(1_000);
    memoryRoom.heartbeat(BEN);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS - 1_000);
    expect(savedIds().at(-1)).toEqual([BEN]);
  });

  it('a room saves each full row at once, and the rest within five seconds', async () => {
    const updates = heartbeatsOf(2.5 * ROOM_UNSAVED_MAX);
    memoryRoom.heartbeat(ANNA);
    memoryRoom.sync(updates);
    expect(savedIds().map(({ length }) => length)).toEqual([1, ROOM_UNSAVED_MAX, ROOM_UNSAVED_MAX]);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(new Set(savedIds().flat()).size).toBe(2.5 * ROOM_UNSAVED_MAX);
    memoryRoom.restart();
    expect(memoryRoom.room.counts.presence).toBe(2.5 * ROOM_UNSAVED_MAX);
  });

  it('an early save of a full row leaves nothing to save at the end of the five seconds', async () => {
    memoryRoom.sync(heartbeatsOf(ROOM_UNSAVED_MAX));
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    memoryRoom.heartbeat(sessionId(0));
    await runtime.advance(1_000);
    memoryRoom.heartbeat(sessionId(0));
    const saves = journal.saved.length;
    memoryRoom.sync(heartbeatsOf(ROOM_UNSAVED_MAX));
    expect(journal.saved).toHaveLength(saves + 1);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(journal.saved).toHaveLength(saves + 1);
  });
});

describe('a save that throws', () => {
  it('a sync, a socket message and an alarm succeed although the save throws, and each failed save is reported', async () => {
    journal.fails = true;
    expect(memoryRoom.heartbeat(ANNA).version.number).toBe(1);
    expect(memoryRoom.reports).toEqual(['the room could not save; the next save tries again']);
    const socket = memoryRoom.join(BEN);
    expect(socket.isOpen).toBe(true);
    // This save runs in a timer, where no caller catches its error.
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(memoryRoom.reports).toHaveLength(2);
    memoryRoom.room.applyPings();
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(memoryRoom.room.counts.presence).toBe(2);
    expect(memoryRoom.reports).toHaveLength(3);
  });

  it('the save after a failed one contains its sessions and counts, although no session changed since', async () => {
    journal.fails = true;
    memoryRoom.heartbeat(ANNA);
    journal.fails = false;
    await runtime.advance(1_000);
    memoryRoom.sync();
    expect(journal.saved).toEqual([]);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS - 1_000);
    expect(savedIds()).toEqual([[ANNA]]);
    expect(journal.saved[0]?.lastBroadcasts.get('')?.presence).toBe(1);
    memoryRoom.restart();
    expect(memoryRoom.room.counts.presence).toBe(1);
  });

  it('a room that cannot save tries once in five seconds and once per full row', async () => {
    journal.fails = true;
    for (let second = 0; second < 20; second += 1) {
      memoryRoom.sync(heartbeatsOf(2 * ROOM_UNSAVED_MAX));
      await runtime.advance(1_000);
    }
    // Each of the two rows fills up once, with one more attempt.
    expect(journal.attempts).toBe(20 / 5 + 1 + 2);
    journal.fails = false;
    memoryRoom.sync();
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(savedIds().at(-1)).toHaveLength(2 * ROOM_UNSAVED_MAX);
    // Now the room saves a full row at once again.
    const saves = journal.saved.length;
    memoryRoom.sync(heartbeatsOf(ROOM_UNSAVED_MAX));
    expect(journal.saved).toHaveLength(saves + 1);
  });

  it('the next save contains the counts of a broadcast whose save failed', async () => {
    memoryRoom.open();
    memoryRoom.heartbeat(ANNA);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS - 500);
    memoryRoom.heartbeat(BEN);
    await runtime.advance(100);
    memoryRoom.heartbeat(ANNA, 'release');
    await runtime.advance(400);
    expect(savedIds().at(-1)).toEqual([BEN, ANNA]);
    // The broadcast of the second change follows the save of its sessions.
    await runtime.advance(500);
    journal.fails = true;
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(memoryRoom.reports).toHaveLength(1);
    journal.fails = false;
    memoryRoom.sync();
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

  it('a room that cannot save makes two attempts without further calls, so that it can hibernate', async () => {
    journal.fails = true;
    memoryRoom.heartbeat(ANNA);
    for (let n = 0; n < 5; n += 1) await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(journal.attempts).toBe(2);
  });

  it('a failed save runs again after five seconds without a further call', async () => {
    memoryRoom.heartbeat(ANNA);
    memoryRoom.heartbeat(BEN);
    journal.fails = true;
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    journal.fails = false;
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(savedIds()).toEqual([[ANNA], [BEN]]);
  });
});

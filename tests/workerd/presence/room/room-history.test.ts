import { beforeEach, describe, expect, it } from 'vitest';
import {
  HISTORY_STEP_MS,
  ROOM_EXPIRY_STEP_MS,
  ROOM_SAVE_INTERVAL_MS,
  ROOM_UNSAVED_MAX,
} from '../../../../src/limits';
import { HANDOVER_CODE } from '../../../../src/presence/room/socket-message';
import { sessionKey } from '../../../../src/presence/session-key';
import type { FakeRuntime } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
import type { FakeSocket } from './fake-socket';
import { MemoryRoom, TTL } from './memory-room';

const [ANNA, BEN, CLEO] = [sessionId(1), sessionId(2), sessionId(3)];
const HOUR = 3_600_000;

let place: MemoryRoom;
let runtime: FakeRuntime;
beforeEach(() => {
  place = new MemoryRoom();
  ({ runtime } = place);
});

const visits = () => place.room.history().visits;
/** The counts of the last steps, the running one last. */
const lastCounts = (length: number) => place.room.history().counts.slice(-length);

/** Lets the timers of a save run. */
const saved = () => runtime.advance(ROOM_SAVE_INTERVAL_MS);

/** Sockets ping for a time. Their object hibernates, and starts anew with each alarm. */
async function pings(sockets: readonly FakeSocket[], ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 25_000) {
    await runtime.advance(25_000 - ROOM_SAVE_INTERVAL_MS);
    for (const socket of sockets) socket.lastPingAt = runtime.now() - 3_000;
    place.restart(sockets);
    await saved();
  }
}

describe('the visits', () => {
  it('each session that comes is a visit, by HTTP or by a socket', () => {
    place.heartbeat(ANNA);
    place.join(BEN);
    expect(visits()).toBe(2);
  });

  it('a session that moves to another replica, or also opens a socket, is no other visit', async () => {
    place.heartbeat(ANNA);
    await runtime.advance(10_000);
    place.heartbeat(ANNA);
    place.join(ANNA);
    expect(visits()).toBe(1);
  });

  it('a session that changes its mood is no other visit', async () => {
    place.heartbeat(ANNA, 'presence');
    await runtime.advance(1_000);
    place.heartbeat(ANNA, 'release');
    expect(visits()).toBe(1);
  });

  it.each([
    ['a socket that reconnects', undefined],
    ['a tab that hands its session over to another one', HANDOVER_CODE],
  ])('%s is no other visit', async (_which, code) => {
    place.close(place.join(ANNA), code);
    await runtime.advance(1_000);
    place.join(ANNA);
    expect(visits()).toBe(1);
  });

  it('a session that comes back within the TTL of its leave is no other visit, and later it is one', async () => {
    place.heartbeat(ANNA);
    await runtime.advance(1_000);
    place.leave(ANNA);
    await runtime.advance(TTL - 1);
    place.heartbeat(ANNA);
    expect(visits()).toBe(1);
    place.leave(ANNA);
    await runtime.advance(TTL + 1);
    place.heartbeat(ANNA);
    expect(visits()).toBe(2);
  });

  it('a session that comes back after it expired is another visit', async () => {
    place.heartbeat(ANNA);
    await runtime.advance(TTL + ROOM_EXPIRY_STEP_MS);
    place.heartbeat(ANNA);
    expect(visits()).toBe(2);
  });

  it('a session in a named channel is no visit, and is in no count', () => {
    place.heartbeat(sessionKey('lobby', ANNA));
    expect(place.room.history()).toMatchObject({ visits: 0, peak: { count: 0 } });
  });

  it('a session whose leave came before its first heartbeat is a visit when it comes back', async () => {
    place.leave(ANNA);
    expect(visits()).toBe(0);
    await runtime.advance(1_000);
    place.heartbeat(ANNA);
    expect(visits()).toBe(1);
    place.leave(ANNA);
    place.heartbeat(ANNA);
    expect(visits()).toBe(1);
  });

  it('a session on a socket that pings is no other visit when the object is replaced, and the socket breaks', async () => {
    const socket = place.join(ANNA);
    await saved();
    await pings([socket], HOUR);
    place.restart([]);
    await runtime.advance(1_500);
    place.join(ANNA);
    expect(visits()).toBe(1);
  });

  it('the sessions that a room of version 1.0 saved are visits, and count', async () => {
    place.heartbeat(ANNA);
    await saved();
    place.history.write(new Map());
    await runtime.advance(TTL / 2);
    place.restart([]);
    expect(place.room.history()).toMatchObject({ visits: 1, peak: { count: 1 } });
  });

  it('a session whose ping a sync has noticed is no other visit when the object is replaced, and the socket breaks', async () => {
    const socket = place.join(ANNA);
    await saved();
    await runtime.advance(25_000 - ROOM_SAVE_INTERVAL_MS);
    socket.lastPingAt = runtime.now();
    await runtime.advance(5_250);
    place.heartbeat(BEN);
    await runtime.advance(500);
    place.room.applyPings();
    await saved();
    place.restart([]);
    place.join(ANNA);
    expect(visits()).toBe(2);
  });

  it('a history that could not be saved is saved five seconds later', async () => {
    place.history.fails = true;
    place.heartbeat(ANNA);
    place.history.fails = false;
    await saved();
    place.restart([]);
    expect(visits()).toBe(1);
    expect(place.journal.saved).toHaveLength(1);
  });

  it('a save in the middle of a sync has the visits of its sessions', async () => {
    place.heartbeat(ANNA);
    await runtime.advance(1_000);
    const now = runtime.now();
    const crowd = Array.from({ length: ROOM_UNSAVED_MAX }, (_, n) => [
      sessionId(n),
      { mood: 'presence', lastSeen: now },
    ]);
    place.sync(Object.fromEntries(crowd));
    place.restart([]);
    expect(visits()).toBe(ROOM_UNSAVED_MAX);
  });

  it('the sessions of a restarted room are no other visits, also those of sockets', async () => {
    place.heartbeat(ANNA);
    place.join(BEN);
    await saved();
    place.restart();
    place.heartbeat(ANNA);
    expect(visits()).toBe(2);
  });

  it('a session that a crash lost before its save comes again, and is one visit', async () => {
    place.heartbeat(ANNA);
    await runtime.advance(1_000);
    place.heartbeat(BEN);
    place.restart([]);
    expect(visits()).toBe(1);
    place.heartbeat(BEN);
    expect(visits()).toBe(2);
  });
});

describe('the counts', () => {
  it('sessions that come and go in one sync are not present at once', async () => {
    place.heartbeat(ANNA);
    await runtime.advance(1_000);
    const now = runtime.now();
    place.sync({ [BEN]: { mood: 'presence', lastSeen: now }, [ANNA]: { mood: null, lastSeen: now } });
    expect(place.room.history().peak.count).toBe(1);
  });

  it.each([
    ['that stays in memory', () => undefined],
    ['that restarts', () => place.restart([])],
  ])(
    'sessions that expire while no call comes end at their own time, in a room %s',
    async (_which, restart) => {
      place.heartbeat(ANNA);
      place.heartbeat(BEN);
      await saved();
      await runtime.advance(3 * HOUR);
      restart();
      expect(lastCounts(4)).toEqual([0, 0, 0, 0]);
      expect(lastCounts(37)).toEqual([2, ...Array.from({ length: 36 }, () => 0)]);
    },
  );

  it('a session ends a TTL after its last heartbeat, and not after an earlier one', async () => {
    await runtime.advance(HISTORY_STEP_MS - 55_000);
    for (let n = 0; n < 4; n += 1) {
      place.heartbeat(ANNA);
      await runtime.advance(10_000);
    }
    await runtime.advance(2 * HISTORY_STEP_MS - 1);
    expect(lastCounts(3)).toEqual([1, 1, 0]);
  });

  it('a session on a socket whose alarm is late ends a TTL after its last ping', async () => {
    const socket = place.join(ANNA);
    await saved();
    await runtime.advance(HISTORY_STEP_MS - 35_000 - ROOM_SAVE_INTERVAL_MS);
    place.send(socket, { mood: 'release' });
    socket.lastPingAt = runtime.now() + 10_000;
    await runtime.advance(HISTORY_STEP_MS);
    place.room.applyPings();
    expect(lastCounts(2)).toEqual([1, 1]);
    await runtime.advance(HISTORY_STEP_MS);
    expect(lastCounts(2)).toEqual([1, 0]);
  });

  it('a session that expires in the next step is in the count of that step too, after a restart', async () => {
    await runtime.advance(HISTORY_STEP_MS - 20_000);
    place.heartbeat(ANNA);
    await saved();
    await runtime.advance(HISTORY_STEP_MS);
    place.restart([]);
    expect(lastCounts(2)).toEqual([1, 1]);
    await runtime.advance(HISTORY_STEP_MS);
    expect(lastCounts(3)).toEqual([1, 1, 0]);
  });

  it('a crowd on sockets that ping keeps its count in each step, and writes one row, whatever the restarts', async () => {
    const sockets = [place.join(ANNA), place.join(BEN)];
    await saved();
    await pings(sockets, HOUR);
    expect(lastCounts(12)).toEqual(Array.from({ length: 12 }, () => 2));
    expect(visits()).toBe(2);
    expect(place.history.read()).toHaveLength(1);
    // Its close starts the object anew, which no longer has the socket.
    place.restart(sockets.slice(1));
    for (const socket of sockets) place.close(socket);
    expect(lastCounts(13)).toEqual(Array.from({ length: 13 }, () => 2));
    await runtime.advance(HISTORY_STEP_MS);
    expect(lastCounts(2)).toEqual([2, 0]);
  });

  it('a day ago is forgotten, and older rows are deleted', async () => {
    place.heartbeat(ANNA);
    await runtime.advance(25 * HOUR);
    place.heartbeat(BEN);
    await saved();
    expect(place.room.history()).toMatchObject({ visits: 1, peak: { count: 1 } });
    await runtime.advance(25 * HOUR);
    place.heartbeat(CLEO);
    await saved();
    expect(place.history.read().length).toBeLessThanOrEqual(2);
  });

  it('a room whose clock steps back shows what came later in the current step', async () => {
    await runtime.advance(2 * HISTORY_STEP_MS);
    place.heartbeat(ANNA);
    place.heartbeat(BEN);
    await runtime.advance(-HISTORY_STEP_MS);
    place.leave(BEN);
    expect(lastCounts(2)).toEqual([0, 2]);
    expect(visits()).toBe(2);
  });

  it('a room that starts with a clock before its last save has the same history', async () => {
    await runtime.advance(2 * HISTORY_STEP_MS);
    place.heartbeat(ANNA);
    await saved();
    await runtime.advance(-HISTORY_STEP_MS);
    place.restart([]);
    expect(lastCounts(2)).toEqual([0, 1]);
    expect(visits()).toBe(1);
  });

  it('a history alone starts no save', async () => {
    place.heartbeat(ANNA);
    await saved();
    const saves = place.journal.saved.length;
    await runtime.advance(HOUR);
    place.room.history();
    await saved();
    expect(place.journal.saved).toHaveLength(saves);
  });
});

import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ROOM_SAVE_INTERVAL_MS } from '../../../../src/limits';
import { answerToWire, reportFromWire, type WireReport } from '../../../../src/presence/room/room-protocol';
import { RoomSessions } from '../../../../src/presence/room/room-sessions';
import { ZERO_COUNTS } from '../../../../src/presence/session';
import { type FakeRuntime, START } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
import { MemoryRoom } from './memory-room';
import { roomReplica, TTL } from './room-replica';

const [ANNA, BEN] = [sessionId(1), sessionId(2)];

let memoryRoom: MemoryRoom;
let runtime: FakeRuntime;
beforeEach(() => {
  memoryRoom = new MemoryRoom();
  ({ runtime } = memoryRoom);
});

describe('a sync', () => {
  it('a replica receives a snapshot, then the changes, and a snapshot again after a restart of the room', () => {
    memoryRoom.heartbeat(ANNA);
    const first = memoryRoom.sync();
    expect(first.isSnapshot).toBe(true);
    expect([...first.sessions.keys()]).toEqual([ANNA]);
    memoryRoom.heartbeat(BEN);
    const second = memoryRoom.sync({}, first.version);
    expect(second.isSnapshot).toBe(false);
    expect([...second.sessions.keys()]).toEqual([BEN]);
    memoryRoom.restart();
    const third = memoryRoom.sync({}, second.version);
    expect(third.isSnapshot).toBe(true);
    expect(third.version.epoch).not.toBe(second.version.epoch);
    expect(third.sessions.size).toBe(1);
  });

  it('a replica does not receive the updates that it sent', () => {
    const { version } = memoryRoom.sync();
    const answer = memoryRoom.sync({ [ANNA]: { mood: 'presence', lastSeen: START } }, version);
    expect(answer.sessions.size).toBe(0);
    expect(memoryRoom.sync({}, answer.version).sessions.size).toBe(0);
    const left = { [BEN]: { mood: null, lastSeen: START } };
    expect(memoryRoom.sync(left, answer.version).sessions.size).toBe(0);
  });

  it('the answer to an outdated update contains the later record, and no expired session', () => {
    const { version } = memoryRoom.heartbeat(ANNA);
    const older = {
      [ANNA]: { mood: 'presence', lastSeen: START - 5_000 },
      [BEN]: { mood: null, lastSeen: START - TTL },
    } as const;
    const answer = memoryRoom.sync(older, version);
    expect(answer.sessions).toEqual(new Map([[ANNA, { mood: 'presence', lastSeen: START }]]));
  });

  it('a replica receives an expiry with its next sync, without another call before', async () => {
    const { version } = memoryRoom.heartbeat(ANNA);
    await runtime.advance(TTL);
    expect(memoryRoom.sync({}, version).sessions.get(ANNA)?.mood).toBeNull();
  });
});

describe('a full room', () => {
  const fillRoom = () => vi.spyOn(RoomSessions.prototype, 'isFull', 'get').mockReturnValue(true);

  it('a full room marks its answers as full, and reports each refusal', () => {
    expect(memoryRoom.heartbeat(ANNA).isFull).toBe(false);
    expect(memoryRoom.reports).toEqual([]);
    const full = fillRoom();
    const { version, isFull, sessions } = memoryRoom.heartbeat(BEN);
    expect(isFull).toBe(true);
    expect([...sessions.keys()]).toEqual([ANNA]);
    expect(memoryRoom.reports).toHaveLength(1);
    expect(memoryRoom.sync({}, version)).toMatchObject({ isFull: true, isSnapshot: false });
    expect(memoryRoom.reports).toHaveLength(1);
    full.mockRestore();
    expect(memoryRoom.sync({}, version).isFull).toBe(false);
  });

  it('a full room saves no refused session', async () => {
    memoryRoom.heartbeat(ANNA);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    const saves = memoryRoom.journal.saved.length;
    const full = fillRoom();
    memoryRoom.join(BEN, 'release');
    memoryRoom.heartbeat(sessionId(3));
    memoryRoom.join(ANNA);
    full.mockRestore();
    expect(memoryRoom.reports).toHaveLength(2);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(memoryRoom.journal.saved.slice(saves).flatMap(({ sessions }) => [...sessions.keys()])).toEqual([
      ANNA,
    ]);
  });

  it('a room accepts a refused session with a later heartbeat, and until then its own replica counts it', async () => {
    const sync = async (report: WireReport) => answerToWire(memoryRoom.room.sync(reportFromWire(report)));
    const here = roomReplica(() => ({ sync }), runtime);
    await here.presence();
    const full = fillRoom();
    await here.heartbeat(ANNA);
    await runtime.advance(1_500);
    expect(await here.count()).toBe(1);
    expect(memoryRoom.room.counts).toEqual(ZERO_COUNTS);
    full.mockRestore();
    await runtime.advance(10_000);
    await here.heartbeat(ANNA);
    await runtime.advance(1_500);
    expect(await here.count()).toBe(1);
    expect(memoryRoom.room.counts.presence).toBe(1);
  });
});

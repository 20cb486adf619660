import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ROOM_SAVE_INTERVAL_MS } from '../../../../src/limits';
import { RoomHub } from '../../../../src/presence/room/room-hub';
import { answerToWire, reportFromWire, type WireReport } from '../../../../src/presence/room/room-protocol';
import { RoomSessions } from '../../../../src/presence/room/room-sessions';
import { ZERO_COUNTS } from '../../../../src/presence/session';
import { roomTiming } from '../../../../src/presence/timing';
import { type FakeRuntime, START } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
import { SyncedReplica } from '../../../support/synced-replica';
import { MemoryRoom, TTL } from './memory-room';

const [ANNA, BEN] = [sessionId(1), sessionId(2)];

let place: MemoryRoom;
let runtime: FakeRuntime;
beforeEach(() => {
  place = new MemoryRoom();
  ({ runtime } = place);
});

describe('a sync', () => {
  it('a replica receives a snapshot, then the changes, and a snapshot again after the room lost its memory', () => {
    place.heartbeat(ANNA);
    const first = place.sync();
    expect(first.isSnapshot).toBe(true);
    expect([...first.sessions.keys()]).toEqual([ANNA]);
    place.heartbeat(BEN);
    const second = place.sync({}, first.version);
    expect(second.isSnapshot).toBe(false);
    expect([...second.sessions.keys()]).toEqual([BEN]);
    place.restart();
    const third = place.sync({}, second.version);
    expect(third.isSnapshot).toBe(true);
    expect(third.version.epoch).not.toBe(second.version.epoch);
    expect(third.sessions.size).toBe(1);
  });

  it('a replica does not receive the updates that it sent', () => {
    const { version } = place.sync();
    const answer = place.sync({ [ANNA]: { mood: 'presence', lastSeen: START } }, version);
    expect(answer.sessions.size).toBe(0);
    expect(place.sync({}, answer.version).sessions.size).toBe(0);
    const left = { [BEN]: { mood: null, lastSeen: START } };
    expect(place.sync(left, answer.version).sessions.size).toBe(0);
  });

  it('the answer to an outdated update contains the later record, and nothing of a session that expired', () => {
    const { version } = place.heartbeat(ANNA);
    const older = {
      [ANNA]: { mood: 'presence', lastSeen: START - 5_000 },
      [BEN]: { mood: null, lastSeen: START - TTL },
    } as const;
    const answer = place.sync(older, version);
    expect(answer.sessions).toEqual(new Map([[ANNA, { mood: 'presence', lastSeen: START }]]));
  });

  it('a replica receives an expiry, though no other call came since', async () => {
    const { version } = place.heartbeat(ANNA);
    await runtime.advance(TTL);
    expect(place.sync({}, version).sessions.get(ANNA)?.mood).toBeNull();
  });
});

describe('a full room', () => {
  const fillRoom = () => vi.spyOn(RoomSessions.prototype, 'isFull', 'get').mockReturnValue(true);

  it('a full room says so in its answers, and reports each refusal', () => {
    expect(place.heartbeat(ANNA).isFull).toBe(false);
    expect(place.reports).toEqual([]);
    const full = fillRoom();
    const { version, isFull, sessions } = place.heartbeat(BEN);
    expect(isFull).toBe(true);
    expect([...sessions.keys()]).toEqual([ANNA]);
    expect(place.reports).toHaveLength(1);
    expect(place.sync({}, version)).toMatchObject({ isFull: true, isSnapshot: false });
    expect(place.reports).toHaveLength(1);
    full.mockRestore();
    expect(place.sync({}, version).isFull).toBe(false);
  });

  it('a full room saves nothing of the sessions that it refused', async () => {
    place.heartbeat(ANNA);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    const saves = place.journal.saved.length;
    const full = fillRoom();
    place.join(BEN, 'release');
    place.heartbeat(sessionId(3));
    place.join(ANNA);
    full.mockRestore();
    expect(place.reports).toHaveLength(2);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(place.journal.saved.slice(saves).flatMap(({ sessions }) => [...sessions.keys()])).toEqual([ANNA]);
  });

  it('a room accepts a refused session with its next heartbeat, and until then its own replica counts it', async () => {
    const timing = roomTiming(TTL, 1_000);
    const here = new SyncedReplica(
      new RoomHub({ room: () => stub, timing, runtime, hasChannels: true }),
      timing,
      runtime,
    );
    const stub = {
      sync: async (report: WireReport) => answerToWire(place.room.sync(reportFromWire(report))),
    };
    await here.presence();
    const full = fillRoom();
    await here.heartbeat(ANNA);
    await runtime.advance(1_500);
    expect(await here.count()).toBe(1);
    expect(place.room.counts).toEqual(ZERO_COUNTS);
    full.mockRestore();
    await runtime.advance(10_000);
    await here.heartbeat(ANNA);
    await runtime.advance(1_500);
    expect(await here.count()).toBe(1);
    expect(place.room.counts.presence).toBe(1);
  });
});

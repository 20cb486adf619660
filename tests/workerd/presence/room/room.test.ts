import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ROOM_SAVE_INTERVAL_MS, ROOM_UNSAVED_MAX } from '../../../../src/limits';
import { RoomHub } from '../../../../src/presence/room/room-hub';
import type { RoomReport } from '../../../../src/presence/room/room-protocol';
import { RoomSessions } from '../../../../src/presence/room/room-sessions';
import { NOBODY } from '../../../../src/presence/session';
import { roomTiming } from '../../../../src/presence/timing';
import { type FakeRuntime, START } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
import { SyncedReplica } from '../../../support/synced-replica';
import type { MemoryJournal } from './memory-journal';
import { MemoryRoom, TTL } from './memory-room';
import type { ScriptedAudience } from './scripted-audience';

const [ANNA, BEN] = [sessionId(1), sessionId(2)];

let place: MemoryRoom;
let runtime: FakeRuntime;
let journal: MemoryJournal;
let audience: ScriptedAudience;
beforeEach(() => {
  place = new MemoryRoom();
  ({ runtime, journal, audience } = place);
});

describe('a room', () => {
  it('tells a replica all, then what is new, and after it has lost its memory all again', () => {
    place.hear(ANNA);
    const first = place.room.sync({ known: undefined, heard: new Map() });
    expect(first).toMatchObject({ isAll: true });
    expect([...first.sessions.keys()]).toEqual([ANNA]);
    place.hear(BEN);
    const second = place.room.sync({ known: first.version, heard: new Map() });
    expect(second).toMatchObject({ isAll: false });
    expect([...second.sessions.keys()]).toEqual([BEN]);
    place.restart();
    const third = place.room.sync({ known: second.version, heard: new Map() });
    expect(third.isAll).toBe(true);
    expect(third.version.epoch).not.toBe(second.version.epoch);
    expect(third.sessions.size).toBe(1);
  });

  it('does not tell a replica what it has just told itself', () => {
    const { version } = place.room.sync({ known: undefined, heard: new Map() });
    const own = new Map([[ANNA, { mood: 'presence', lastSeen: runtime.now() }]] as const);
    const answer = place.room.sync({ known: version, heard: own });
    expect(answer.sessions.size).toBe(0);
    expect(place.room.sync({ known: answer.version, heard: new Map() }).sessions.size).toBe(0);
    const left = new Map([[BEN, { mood: null, lastSeen: runtime.now() }]]);
    expect(place.room.sync({ known: answer.version, heard: left }).sessions.size).toBe(0);
  });

  it('says of a session that a replica asks for whether it was heard later, and of one that is gone nothing', () => {
    const { version } = place.hear(ANNA);
    const older = new Map([
      [ANNA, { mood: 'presence', lastSeen: START - 5_000 }],
      [BEN, { mood: null, lastSeen: START - TTL }],
    ] as const);
    const answer = place.room.sync({ known: version, heard: older });
    expect(answer.sessions).toEqual(new Map([[ANNA, { mood: 'presence', lastSeen: START }]]));
  });

  it('tells a replica of who has ended, though nobody else has asked since', async () => {
    const { version } = place.hear(ANNA);
    await runtime.advance(TTL);
    const { sessions } = place.room.sync({ known: version, heard: new Map() });
    expect(sessions.get(ANNA)?.mood).toBeNull();
  });
});

describe('the next end', () => {
  it('is that of whoever was heard first, and then of those who came since', () => {
    expect(place.room.findNextEnd()).toBeUndefined();
    place.hear(ANNA);
    expect(place.room.newcomersEnd).toBe(START + TTL);
    expect(place.room.findNextEnd()).toBe(START + TTL);
    expect(place.room.newcomersEnd).toBeUndefined();
  });
});

describe('what a room saves', () => {
  it('is what has changed, at once, and then at most once in five seconds', async () => {
    place.hear(ANNA);
    expect(journal.saved.map(({ sessions }) => [...sessions.keys()])).toEqual([[ANNA]]);
    for (let second = 0; second < 60; second += 1) {
      await runtime.advance(1_000);
      place.hear(BEN, second % 2 === 0 ? 'presence' : 'release');
    }
    const times = journal.saved.map(({ savedAt }) => savedAt);
    for (const [index, time] of times.slice(1).entries()) {
      expect(time - (times[index] ?? 0)).toBeGreaterThanOrEqual(ROOM_SAVE_INTERVAL_MS);
    }
    expect(times.length).toBeGreaterThan(10);
    expect(journal.saved.slice(1).every(({ sessions }) => !sessions.has(ANNA))).toBe(true);
  });

  it('is nothing while nothing changes', async () => {
    place.hear(ANNA);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    const before = journal.saved.length;
    for (let second = 0; second < 20; second += 1) {
      await runtime.advance(1_000);
      place.room.sync({ known: undefined, heard: new Map() });
    }
    expect(journal.saved).toHaveLength(before);
  });

  it('is nothing for what it knows already, and nothing before anything has come', async () => {
    place.room.sync({ known: undefined, heard: new Map() });
    expect(journal.saved).toEqual([]);
    audience.size = 0;
    const told = new Map([[ANNA, { mood: 'presence', lastSeen: START }]] as const);
    place.room.sync({ known: undefined, heard: told });
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    place.room.expire();
    const before = journal.saved.length;
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    place.room.sync({ known: undefined, heard: told });
    place.room.heard(told);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(journal.saved).toHaveLength(before);
  });

  it('is nothing of who has ended before it could be saved', async () => {
    place.hear(ANNA);
    const late = { mood: 'presence', lastSeen: START - TTL + 1_000 } as const;
    place.room.sync({ known: undefined, heard: new Map([[BEN, late]]) });
    await runtime.advance(2_000);
    place.room.expire();
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(journal.saved.flatMap(({ sessions }) => [...sessions.keys()])).toEqual([ANNA]);
  });

  it('is also what came last, though nobody asks any more', async () => {
    place.hear(ANNA);
    await runtime.advance(1_000);
    place.hear(BEN);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS - 1_000);
    expect(journal.saved.at(-1)?.sessions.has(BEN)).toBe(true);
  });

  it('is also what came last where nobody watches', async () => {
    audience.size = 0;
    place.hear(ANNA);
    await runtime.advance(1_000);
    place.hear(BEN);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS - 1_000);
    expect(journal.saved.at(-1)?.sessions.has(BEN)).toBe(true);
  });

  it('is a row at once when so many sessions have changed that they fill it, and the rest within five seconds', async () => {
    const crowd = new Map(
      Array.from({ length: 2.5 * ROOM_UNSAVED_MAX }, (_, n) => [
        sessionId(n),
        { mood: 'presence', lastSeen: runtime.now() } as const,
      ]),
    );
    place.hear(ANNA);
    place.room.sync({ known: undefined, heard: crowd });
    expect(journal.saved.slice(1).map(({ sessions }) => sessions.size)).toEqual([
      ROOM_UNSAVED_MAX,
      ROOM_UNSAVED_MAX,
    ]);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(new Set(journal.saved.flatMap(({ sessions }) => [...sessions.keys()])).size).toBe(crowd.size);
    place.restart();
    expect(place.room.counts.presence).toBe(crowd.size);
  });

  it('is written once: a row that was full early leaves nothing for the end of the five seconds', async () => {
    const ids = Array.from({ length: ROOM_UNSAVED_MAX }, (_, n) => sessionId(n));
    const heartbeats = () =>
      new Map(ids.map((id) => [id, { mood: 'presence', lastSeen: runtime.now() } as const]));
    place.room.sync({ known: undefined, heard: heartbeats() });
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    place.hear(sessionId(0));
    await runtime.advance(1_000);
    place.hear(sessionId(0));
    const before = journal.saved.length;
    place.room.sync({ known: undefined, heard: heartbeats() });
    expect(journal.saved).toHaveLength(before + 1);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(journal.saved).toHaveLength(before + 1);
  });
});

describe('a full room', () => {
  const full = () => vi.spyOn(RoomSessions.prototype, 'isFull', 'get').mockReturnValue(true);
  const heartbeat = (id: string) => new Map([[id, { mood: 'presence', lastSeen: runtime.now() }]] as const);

  it('says so in its answer and in the log, and otherwise says nothing', () => {
    expect(place.hear(ANNA)).not.toHaveProperty('isFull');
    expect(place.reports).toEqual([]);
    const spy = full();
    const { version, isFull, sessions } = place.room.sync({ known: undefined, heard: heartbeat(BEN) });
    expect(isFull).toBe(true);
    expect([...sessions.keys()]).toEqual([ANNA]);
    expect(place.reports).toHaveLength(1);
    expect(place.room.sync({ known: version, heard: new Map() })).toMatchObject({
      isFull: true,
      isAll: false,
    });
    expect(place.reports).toHaveLength(1);
    spy.mockRestore();
    expect(place.room.sync({ known: version, heard: new Map() })).not.toHaveProperty('isFull');
  });

  it('refuses a new session of a live socket, and saves nothing of it', async () => {
    place.hear(ANNA);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    const saved = journal.saved.length;
    const spy = full();
    expect(place.room.touch(BEN, 'release')).toBeUndefined();
    expect(place.room.touch(ANNA, 'presence')).toBe(runtime.now());
    place.room.heard(heartbeat(sessionId(3)));
    spy.mockRestore();
    expect(audience.turnedAway).toEqual([sessionId(3)]);
    expect(place.reports).toHaveLength(2);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(journal.saved.slice(saved).flatMap(({ sessions }) => [...sessions.keys()])).toEqual([ANNA]);
  });

  it('takes in a refused session with its next heartbeat, and until then its own replica counts it', async () => {
    const timing = roomTiming(TTL, 1_000);
    const here = new SyncedReplica(new RoomHub({ room: () => stub, timing, runtime }), timing, runtime);
    const stub = { sync: async (report: RoomReport) => place.room.sync(report) };
    await here.presence();
    const spy = full();
    await here.heartbeat(ANNA);
    await runtime.advance(1_500);
    expect(await here.count()).toBe(1);
    expect(place.room.counts).toEqual(NOBODY);
    spy.mockRestore();
    await runtime.advance(10_000);
    await here.heartbeat(ANNA);
    await runtime.advance(1_500);
    expect(await here.count()).toBe(1);
    expect(place.room.counts.presence).toBe(1);
  });
});

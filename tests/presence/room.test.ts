import { beforeEach, describe, expect, it } from 'vitest';
import { LIVE_TELL_INTERVAL_MS, ROOM_SAVE_INTERVAL_MS } from '../../src/limits';
import { type Audience, type Journal, Room } from '../../src/presence/room';
import type { SessionRecords } from '../../src/presence/session';
import { type Mood, type MoodCounts, NOBODY } from '../../src/presence/session';
import { FakeWorld, START } from '../fake-world';
import { sessionId } from '../session-id';

const TTL = 30_000;
const [ANNA, BEN] = [sessionId(1), sessionId(2)];

class MemoryJournal implements Journal {
  readonly saved: { sessions: SessionRecords; savedAt: number; told: MoodCounts }[] = [];
  readonly #world: FakeWorld;

  constructor(world: FakeWorld) {
    this.#world = world;
  }

  read() {
    const last = this.saved.at(-1);
    const sessions = this.saved.map((row) => row.sessions);
    return { sessions, savedAt: last?.savedAt, told: last?.told };
  }

  append(sessions: SessionRecords, told: MoodCounts): void {
    this.saved.push({ sessions, savedAt: this.#world.now(), told });
  }
}

class ScriptedAudience implements Audience {
  size = 1;
  readonly told: MoodCounts[] = [];
  readonly gone: string[] = [];
  readonly heard = new Map<string, number>();

  tell(counts: MoodCounts): void {
    this.told.push({ ...counts });
  }

  heardAt(id: string): number | undefined {
    return this.heard.get(id);
  }

  noted(): void {}

  ended(id: string): void {
    this.gone.push(id);
  }
}

let world: FakeWorld;
let journal: MemoryJournal;
let audience: ScriptedAudience;
let epochs = 0;
let room: Room;
const open = () => new Room({ ttlMs: TTL, world, epoch: String(epochs++), journal, audience });

beforeEach(() => {
  world = new FakeWorld();
  journal = new MemoryJournal(world);
  audience = new ScriptedAudience();
  room = open();
});

const hear = (id: string, mood: Mood | null = 'presence') =>
  room.sync({ known: undefined, heard: new Map([[id, { mood, lastSeen: world.now() }]]) });

describe('a room', () => {
  it('tells a replica all, then what is new, and after it has lost its memory all again', () => {
    hear(ANNA);
    const first = room.sync({ known: undefined, heard: new Map() });
    expect(first).toMatchObject({ isAll: true });
    expect([...first.sessions.keys()]).toEqual([ANNA]);
    hear(BEN);
    const second = room.sync({ known: first.version, heard: new Map() });
    expect(second).toMatchObject({ isAll: false });
    expect([...second.sessions.keys()]).toEqual([BEN]);
    room = open();
    const third = room.sync({ known: second.version, heard: new Map() });
    expect(third.isAll).toBe(true);
    expect(third.version.epoch).not.toBe(second.version.epoch);
    expect(third.sessions.size).toBe(1);
  });

  it('does not tell a replica what it has just told itself', () => {
    const { version } = room.sync({ known: undefined, heard: new Map() });
    const own = new Map([[ANNA, { mood: 'presence', lastSeen: world.now() }]] as const);
    const answer = room.sync({ known: version, heard: own });
    expect(answer.sessions.size).toBe(0);
    expect(room.sync({ known: answer.version, heard: new Map() }).sessions.size).toBe(0);
    const left = new Map([[BEN, { mood: null, lastSeen: world.now() }]]);
    expect(room.sync({ known: answer.version, heard: left }).sessions.size).toBe(0);
  });

  it('says of a session that a replica asks for whether it was heard later, and of one that is gone nothing', () => {
    const { version } = hear(ANNA);
    const older = new Map([
      [ANNA, { mood: 'presence', lastSeen: START - 5_000 }],
      [BEN, { mood: null, lastSeen: START - TTL }],
    ] as const);
    const answer = room.sync({ known: version, heard: older });
    expect(answer.sessions).toEqual(new Map([[ANNA, { mood: 'presence', lastSeen: START }]]));
  });

  it('tells a replica of who has ended, though nobody else has asked since', async () => {
    const { version } = hear(ANNA);
    await world.advance(TTL);
    const { sessions } = room.sync({ known: version, heard: new Map() });
    expect(sessions.get(ANNA)?.mood).toBeNull();
  });
});

describe('the next end', () => {
  it('is that of whoever was heard first, and then of those who came since', () => {
    expect(room.findNextEnd()).toBeUndefined();
    hear(ANNA);
    expect(room.newcomersEnd).toBe(START + TTL);
    expect(room.findNextEnd()).toBe(START + TTL);
    expect(room.newcomersEnd).toBeUndefined();
  });
});

describe('what a room saves', () => {
  it('is what has changed, at once, and then at most once in five seconds', async () => {
    hear(ANNA);
    expect(journal.saved.map(({ sessions }) => [...sessions.keys()])).toEqual([[ANNA]]);
    for (let second = 0; second < 60; second += 1) {
      await world.advance(1_000);
      hear(BEN, second % 2 === 0 ? 'presence' : 'release');
    }
    const times = journal.saved.map(({ savedAt }) => savedAt);
    for (const [index, time] of times.slice(1).entries()) {
      expect(time - (times[index] ?? 0)).toBeGreaterThanOrEqual(ROOM_SAVE_INTERVAL_MS);
    }
    expect(times.length).toBeGreaterThan(10);
    expect(journal.saved.slice(1).every(({ sessions }) => !sessions.has(ANNA))).toBe(true);
  });

  it('is nothing while nothing changes', async () => {
    hear(ANNA);
    await world.advance(ROOM_SAVE_INTERVAL_MS);
    const before = journal.saved.length;
    for (let second = 0; second < 20; second += 1) {
      await world.advance(1_000);
      room.sync({ known: undefined, heard: new Map() });
    }
    expect(journal.saved).toHaveLength(before);
  });

  it('is nothing for what it knows already, and nothing before anything has come', async () => {
    room.sync({ known: undefined, heard: new Map() });
    expect(journal.saved).toEqual([]);
    audience.size = 0;
    const told = new Map([[ANNA, { mood: 'presence', lastSeen: START }]] as const);
    room.sync({ known: undefined, heard: told });
    await world.advance(ROOM_SAVE_INTERVAL_MS);
    room.expire();
    const before = journal.saved.length;
    await world.advance(ROOM_SAVE_INTERVAL_MS);
    room.sync({ known: undefined, heard: told });
    room.heard(told);
    await world.advance(ROOM_SAVE_INTERVAL_MS);
    expect(journal.saved).toHaveLength(before);
  });

  it('is nothing of who has ended before it could be saved', async () => {
    hear(ANNA);
    const late = { mood: 'presence', lastSeen: START - TTL + 1_000 } as const;
    room.sync({ known: undefined, heard: new Map([[BEN, late]]) });
    await world.advance(2_000);
    room.expire();
    await world.advance(ROOM_SAVE_INTERVAL_MS);
    expect(journal.saved.flatMap(({ sessions }) => [...sessions.keys()])).toEqual([ANNA]);
  });

  it('is also what came last, though nobody asks any more', async () => {
    hear(ANNA);
    await world.advance(1_000);
    hear(BEN);
    await world.advance(ROOM_SAVE_INTERVAL_MS - 1_000);
    expect(journal.saved.at(-1)?.sessions.has(BEN)).toBe(true);
  });

  it('is also what came last where nobody watches', async () => {
    audience.size = 0;
    hear(ANNA);
    await world.advance(1_000);
    hear(BEN);
    await world.advance(ROOM_SAVE_INTERVAL_MS - 1_000);
    expect(journal.saved.at(-1)?.sessions.has(BEN)).toBe(true);
  });
});

describe('the audience of a room', () => {
  it('is told at once, then at most once a second', async () => {
    hear(ANNA);
    await world.advance(0);
    expect(audience.told).toEqual([{ ...NOBODY, presence: 1 }]);
    for (let n = 0; n < 30; n += 1) {
      await world.advance(LIVE_TELL_INTERVAL_MS / 10);
      hear(ANNA, n % 2 === 0 ? 'release' : 'presence');
    }
    await world.advance(LIVE_TELL_INTERVAL_MS);
    expect(audience.told.length).toBeLessThanOrEqual(5);
    expect(audience.told.at(-1)).toEqual({ ...NOBODY, presence: 1 });
  });

  it('is told of a change a second after it was told last, however short before the change came', async () => {
    hear(ANNA);
    await world.advance(0);
    await world.advance(LIVE_TELL_INTERVAL_MS - 100);
    hear(BEN);
    await world.advance(99);
    expect(audience.told).toHaveLength(1);
    await world.advance(1);
    expect(audience.told).toHaveLength(2);
  });

  it('is told nothing while nothing changes', async () => {
    room.expire();
    await world.advance(LIVE_TELL_INTERVAL_MS);
    audience.size = 0;
    hear(ANNA);
    audience.size = 1;
    // Who has just come was shown the counts when he came.
    room.expire();
    await world.advance(LIVE_TELL_INTERVAL_MS);
    expect(audience.told).toEqual([]);
  });

  it('is told of counts that are again what they were, for somebody who came meanwhile was shown others', async () => {
    hear(ANNA);
    await world.advance(0);
    hear(ANNA, 'release');
    await world.advance(1);
    hear(ANNA, 'presence');
    await world.advance(LIVE_TELL_INTERVAL_MS);
    expect(audience.told).toEqual([
      { ...NOBODY, presence: 1 },
      { ...NOBODY, presence: 1 },
    ]);
  });

  it('that came to a room nobody watched is told of changes after the room has lost its memory', async () => {
    audience.size = 0;
    hear(ANNA);
    await world.advance(TTL + 250);
    room.expire();
    await world.advance(ROOM_SAVE_INTERVAL_MS);
    audience.size = 1;
    room = open();
    hear(ANNA);
    await world.advance(LIVE_TELL_INTERVAL_MS);
    expect(audience.told.at(-1)).toEqual({ ...NOBODY, presence: 1 });
  });

  it('keeps whom it hears, whatever another tab says', async () => {
    hear(ANNA);
    audience.heard.set(ANNA, START);
    await world.advance(1_000);
    const { sessions } = room.sync({
      known: undefined,
      heard: new Map([[ANNA, { mood: null, lastSeen: START + 1_000 }]]),
    });
    expect(sessions.get(ANNA)).toEqual({ mood: 'presence', lastSeen: START + 1_001 });
  });

  it('keeps whom it hears, and the replica that tells of the leave learns so', async () => {
    const { version } = hear(ANNA);
    audience.heard.set(ANNA, START);
    await world.advance(1_000);
    const left = { mood: null, lastSeen: START + 1_000 };
    const { sessions } = room.sync({ known: version, heard: new Map([[ANNA, left]]) });
    expect(sessions.get(ANNA)?.mood).toBe('presence');
  });

  it('keeps nobody who was last heard a TTL ago, and nobody whom the room does not know', async () => {
    audience.heard.set(ANNA, START);
    audience.heard.set(BEN, START + TTL);
    await world.advance(TTL - 1_000);
    hear(ANNA);
    await world.advance(1_000);
    hear(ANNA, null);
    hear(BEN, null);
    expect(room.counts).toEqual(NOBODY);
    expect(room.get(BEN)?.mood).toBeNull();
  });

  it('has the mood that another tab tells, and an old leave is no sign of life', async () => {
    hear(ANNA);
    audience.heard.set(ANNA, START);
    await world.advance(1_000);
    hear(ANNA, 'release');
    expect(room.counts).toEqual({ ...NOBODY, release: 1 });
    const old = { mood: null, lastSeen: START + 500 };
    room.sync({ known: undefined, heard: new Map([[ANNA, old]]) });
    expect(room.get(ANNA)).toEqual({ mood: 'release', lastSeen: START + 1_000 });
  });

  it('tells of guests that the room has lost: they count, are told of and saved, and known ones keep their mood', async () => {
    hear(BEN, 'release');
    await world.advance(0);
    const guest = (lastSeen: number) => ({ mood: 'presence', lastSeen }) as const;
    room.heard(
      new Map([
        [ANNA, guest(START)],
        [BEN, guest(START + 1)],
      ]),
    );
    const counts = { ...NOBODY, presence: 1, release: 1 };
    expect(room.counts).toEqual(counts);
    expect(audience.gone).toEqual([]);
    await world.advance(ROOM_SAVE_INTERVAL_MS);
    expect(audience.told.at(-1)).toEqual(counts);
    expect([...(journal.saved.at(-1)?.sessions.keys() ?? [])].sort()).toEqual([ANNA, BEN]);
  });

  it('does not make a saved leave later than it was', async () => {
    hear(ANNA);
    await world.advance(ROOM_SAVE_INTERVAL_MS);
    const leftAt = world.now();
    hear(ANNA, null);
    await world.advance(ROOM_SAVE_INTERVAL_MS);
    audience.heard.set(ANNA, world.now());
    room = open();
    room.sync({ known: undefined, heard: new Map([[ANNA, { mood: 'presence', lastSeen: leftAt + 1 }]]) });
    expect(room.counts).toEqual({ ...NOBODY, presence: 1 });
  });

  it('is told whose time was over before the room woke up', () => {
    room.heard(new Map([[ANNA, { mood: 'presence', lastSeen: START - TTL }]]));
    expect(audience.gone).toEqual([ANNA]);
    expect(room.counts).toEqual(NOBODY);
  });

  it('keeps the mood that was saved of somebody whom it has heard since', async () => {
    hear(ANNA, 'release');
    audience.heard.set(ANNA, START + 20_000);
    await world.advance(TTL);
    room = open();
    expect(room.counts).toEqual({ ...NOBODY, release: 1 });
  });

  it('is told of who has ended while the room had no memory', async () => {
    hear(ANNA);
    await world.advance(ROOM_SAVE_INTERVAL_MS);
    await world.advance(TTL);
    room = open();
    room.expire();
    await world.advance(0);
    expect(audience.told.at(-1)).toEqual(NOBODY);
  });

  it('is asked before somebody ends, and told who has', async () => {
    hear(ANNA);
    hear(BEN);
    audience.heard.set(ANNA, START + 20_000);
    await world.advance(TTL + 250);
    room.expire();
    expect(audience.gone).toEqual([BEN]);
    expect(room.counts.presence).toBe(1);
  });

  it('makes no work while it is empty', async () => {
    audience.size = 0;
    hear(ANNA);
    await world.advance(LIVE_TELL_INTERVAL_MS);
    expect(audience.told).toEqual([]);
    await world.advance(ROOM_SAVE_INTERVAL_MS);
    expect(journal.saved).toHaveLength(1);
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { LIVE_TELL_INTERVAL_MS, ROOM_SAVE_INTERVAL_MS } from '../../../../src/limits';
import { NOBODY } from '../../../../src/presence/session';
import { type FakeRuntime, START } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
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

describe('the audience of a room', () => {
  it('is told at once, then at most once a second', async () => {
    place.hear(ANNA);
    await runtime.advance(0);
    expect(audience.told).toEqual([{ ...NOBODY, presence: 1 }]);
    for (let n = 0; n < 30; n += 1) {
      await runtime.advance(LIVE_TELL_INTERVAL_MS / 10);
      place.hear(ANNA, n % 2 === 0 ? 'release' : 'presence');
    }
    await runtime.advance(LIVE_TELL_INTERVAL_MS);
    expect(audience.told.length).toBeLessThanOrEqual(5);
    expect(audience.told.at(-1)).toEqual({ ...NOBODY, presence: 1 });
  });

  it('is told of a change a second after it was told last, however short before the change came', async () => {
    place.hear(ANNA);
    await runtime.advance(0);
    await runtime.advance(LIVE_TELL_INTERVAL_MS - 100);
    place.hear(BEN);
    await runtime.advance(99);
    expect(audience.told).toHaveLength(1);
    await runtime.advance(1);
    expect(audience.told).toHaveLength(2);
  });

  it('is told nothing while nothing changes', async () => {
    place.room.expire();
    await runtime.advance(LIVE_TELL_INTERVAL_MS);
    audience.size = 0;
    place.hear(ANNA);
    audience.size = 1;
    // Who has just come was shown the counts when he came.
    place.room.expire();
    await runtime.advance(LIVE_TELL_INTERVAL_MS);
    expect(audience.told).toEqual([]);
  });

  it('is told of counts that are again what they were, for somebody who came meanwhile was shown others', async () => {
    place.hear(ANNA);
    await runtime.advance(0);
    place.hear(ANNA, 'release');
    await runtime.advance(1);
    place.hear(ANNA, 'presence');
    await runtime.advance(LIVE_TELL_INTERVAL_MS);
    expect(audience.told).toEqual([
      { ...NOBODY, presence: 1 },
      { ...NOBODY, presence: 1 },
    ]);
  });

  it('that came to a room nobody watched is told of changes after the room has lost its memory', async () => {
    audience.size = 0;
    place.hear(ANNA);
    await runtime.advance(TTL + 250);
    place.room.expire();
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    audience.size = 1;
    place.restart();
    place.hear(ANNA);
    await runtime.advance(LIVE_TELL_INTERVAL_MS);
    expect(audience.told.at(-1)).toEqual({ ...NOBODY, presence: 1 });
  });

  it('keeps whom it hears, whatever another tab says', async () => {
    place.hear(ANNA);
    audience.heard.set(ANNA, START);
    await runtime.advance(1_000);
    const { sessions } = place.room.sync({
      known: undefined,
      heard: new Map([[ANNA, { mood: null, lastSeen: START + 1_000 }]]),
    });
    expect(sessions.get(ANNA)).toEqual({ mood: 'presence', lastSeen: START + 1_001 });
  });

  it('keeps whom it hears, and the replica that tells of the leave learns so', async () => {
    const { version } = place.hear(ANNA);
    audience.heard.set(ANNA, START);
    await runtime.advance(1_000);
    const left = { mood: null, lastSeen: START + 1_000 };
    const { sessions } = place.room.sync({ known: version, heard: new Map([[ANNA, left]]) });
    expect(sessions.get(ANNA)?.mood).toBe('presence');
  });

  it('keeps nobody who was last heard a TTL ago, and nobody whom the room does not know', async () => {
    audience.heard.set(ANNA, START);
    audience.heard.set(BEN, START + TTL);
    await runtime.advance(TTL - 1_000);
    place.hear(ANNA);
    await runtime.advance(1_000);
    place.hear(ANNA, null);
    place.hear(BEN, null);
    expect(place.room.counts).toEqual(NOBODY);
    expect(place.room.get(BEN)?.mood).toBeNull();
  });

  it('has the mood that another tab tells, and an old leave is no sign of life', async () => {
    place.hear(ANNA);
    audience.heard.set(ANNA, START);
    await runtime.advance(1_000);
    place.hear(ANNA, 'release');
    expect(place.room.counts).toEqual({ ...NOBODY, release: 1 });
    const old = { mood: null, lastSeen: START + 500 };
    place.room.sync({ known: undefined, heard: new Map([[ANNA, old]]) });
    expect(place.room.get(ANNA)).toEqual({ mood: 'release', lastSeen: START + 1_000 });
  });

  it('tells of guests that the room has lost: they count, are told of and saved, and known ones keep their mood', async () => {
    place.hear(BEN, 'release');
    await runtime.advance(0);
    const guest = (lastSeen: number) => ({ mood: 'presence', lastSeen }) as const;
    place.room.heard(
      new Map([
        [ANNA, guest(START)],
        [BEN, guest(START + 1)],
      ]),
    );
    const counts = { ...NOBODY, presence: 1, release: 1 };
    expect(place.room.counts).toEqual(counts);
    expect(audience.gone).toEqual([]);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(audience.told.at(-1)).toEqual(counts);
    expect([...(journal.saved.at(-1)?.sessions.keys() ?? [])].sort()).toEqual([ANNA, BEN]);
  });

  it('does not make a saved leave later than it was', async () => {
    place.hear(ANNA);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    const leftAt = runtime.now();
    place.hear(ANNA, null);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    audience.heard.set(ANNA, runtime.now());
    place.restart();
    place.room.sync({
      known: undefined,
      heard: new Map([[ANNA, { mood: 'presence', lastSeen: leftAt + 1 }]]),
    });
    expect(place.room.counts).toEqual({ ...NOBODY, presence: 1 });
  });

  it('is told whose time was over before the room woke up', () => {
    place.room.heard(new Map([[ANNA, { mood: 'presence', lastSeen: START - TTL }]]));
    expect(audience.gone).toEqual([ANNA]);
    expect(place.room.counts).toEqual(NOBODY);
  });

  it('keeps the mood that was saved of somebody whom it has heard since', async () => {
    place.hear(ANNA, 'release');
    audience.heard.set(ANNA, START + 20_000);
    await runtime.advance(TTL);
    place.restart();
    expect(place.room.counts).toEqual({ ...NOBODY, release: 1 });
  });

  it('is told of who has ended while the room had no memory', async () => {
    place.hear(ANNA);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    await runtime.advance(TTL);
    place.restart();
    place.room.expire();
    await runtime.advance(0);
    expect(audience.told.at(-1)).toEqual(NOBODY);
  });

  it('is asked before somebody ends, and told who has', async () => {
    place.hear(ANNA);
    place.hear(BEN);
    audience.heard.set(ANNA, START + 20_000);
    await runtime.advance(TTL + 250);
    place.room.expire();
    expect(audience.gone).toEqual([BEN]);
    expect(place.room.counts.presence).toBe(1);
  });

  it('makes no work while it is empty', async () => {
    audience.size = 0;
    place.hear(ANNA);
    await runtime.advance(LIVE_TELL_INTERVAL_MS);
    expect(audience.told).toEqual([]);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(journal.saved).toHaveLength(1);
  });
});

import { reset, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { ROOM_ROW_SESSIONS_MAX } from '../../src/limits';
import { RoomJournal } from '../../src/presence/room-journal';
import { ROOM_NAME } from '../../src/presence/room-protocol';
import { NOBODY, type SessionRecord } from '../../src/presence/session';
import { sessionId } from '../session-id';

const TTL = 30_000;

it('a journal puts no more people into a row than fit, and reads all of them, until they are a TTL old', async () => {
  await reset();
  await runInDurableObject(env.PRESENCE_ROOM.getByName(ROOM_NAME), (_room, { storage }) => {
    let now = 1_000_000;
    const journal = new RoomJournal(storage.sql, TTL, () => now);
    const record: SessionRecord = { mood: 'presence', lastSeen: now };
    const all = Array.from({ length: 2 * ROOM_ROW_SESSIONS_MAX }, (_, n) => [sessionId(n), record] as const);
    journal.append(new Map(all), { ...NOBODY, presence: all.length });
    const { sessions, savedAt, told } = journal.read();
    expect(sessions.map(({ size }) => size)).toEqual([ROOM_ROW_SESSIONS_MAX, ROOM_ROW_SESSIONS_MAX]);
    expect(new Map(sessions.flatMap((row) => [...row]))).toEqual(new Map(all));
    expect(savedAt).toBe(now);
    expect(told).toEqual({ ...NOBODY, presence: all.length });
    now += TTL;
    journal.append(new Map(), NOBODY);
    expect(journal.read()).toEqual({ sessions: [new Map()], savedAt: now, told: NOBODY });
  });
});

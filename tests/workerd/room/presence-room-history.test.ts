import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { HISTORY_STEP_MS, ROOM_SAVE_INTERVAL_MS } from '../../../src/limits';
import { sessionId } from '../../support/session-id';
import { RealRoom, SECOND } from './real-room';
import { RoomClient } from './room-client';

const [ANNA, BEN] = [sessionId(1), sessionId(2)];

let room: RealRoom;
beforeEach(async () => {
  room = await RealRoom.open();
  // The test starts with a step of the history.
  await room.pass(HISTORY_STEP_MS - (Date.now() % HISTORY_STEP_MS));
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const afterSave = () => room.pass(ROOM_SAVE_INTERVAL_MS);

/** Reads the counts of the last three steps, and the visits. */
async function lastHistory() {
  const { counts, visits } = await room.stub.history();
  return { counts: counts.slice(-3), visits };
}

it('a history survives hibernation and a crash', async () => {
  const here = room.join();
  await here.heartbeat(ANNA);
  await here.heartbeat(BEN);
  await room.pass(SECOND);
  await here.presence();
  await afterSave();
  await room.hibernate();
  expect(await lastHistory()).toEqual({ counts: [0, 0, 2], visits: 2 });
  await room.pass(HISTORY_STEP_MS);
  await room.crash();
  expect(await lastHistory()).toEqual({ counts: [0, 2, 0], visits: 2 });
});

it('a session that leaves and starts again within one sync is one visit', async () => {
  const here = room.join();
  for (let round = 0; round < 3; round += 1) {
    await here.heartbeat(ANNA);
    await here.leave(ANNA);
    await room.pass(SECOND);
    await here.presence();
  }
  await here.heartbeat(ANNA);
  await room.pass(SECOND);
  await here.presence();
  expect((await lastHistory()).visits).toBe(1);
});

it('a session that expires during hibernation ends in the history at its own time', async () => {
  const here = room.join();
  await room.pass(HISTORY_STEP_MS - 20 * SECOND);
  await here.heartbeat(ANNA);
  await room.pass(SECOND);
  await here.presence();
  await afterSave();
  await room.hibernate();
  await room.pass(2 * HISTORY_STEP_MS);
  expect(await lastHistory()).toEqual({ counts: [1, 1, 0], visits: 1 });
});

it('a session on a pinging socket counts in each step of 20 minutes, and ends with the close of its socket', async () => {
  const start = Date.now();
  await room.inside((state) => {
    state.getWebSocketAutoResponseTimestamp = () => new Date(Date.now() - (Date.now() % (10 * SECOND)));
  });
  const client = await RoomClient.open(room);
  await client.send({ sessionId: ANNA, mood: 'presence' });
  while (Date.now() < start + 4 * HISTORY_STEP_MS) {
    await room.pass(10 * SECOND);
    if (((await room.alarmAt()) ?? 0) <= Date.now()) await room.runAlarm();
  }
  const { counts, visits } = await room.stub.history();
  expect(counts.slice(-5)).toEqual(Array.from({ length: 5 }, () => 1));
  expect(visits).toBe(1);
  await client.close();
  await room.pass(HISTORY_STEP_MS);
  expect((await lastHistory()).counts).toEqual([1, 1, 0]);
  await afterSave();
  const rows = await room.inside(({ storage: { sql } }) => sql.exec('SELECT * FROM history').toArray());
  expect(rows).toHaveLength(2);
});

it('a read of the history of an empty room sets no alarm, and writes no row', async () => {
  await room.stub.history();
  await afterSave();
  expect(await room.alarmAt()).toBeNull();
  const rows = await room.inside(({ storage: { sql } }) => sql.exec('SELECT * FROM history').toArray());
  expect(rows).toEqual([]);
});

it('a room ignores and reports rows of its history that it cannot read', async () => {
  const here = room.join();
  await here.heartbeat(ANNA);
  await room.pass(SECOND);
  await here.presence();
  await afterSave();
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  await room.inside(({ storage: { sql } }) => void sql.exec("UPDATE history SET most = 'many'"));
  await room.hibernate();
  // A room without a history counts its sessions as visits.
  expect((await lastHistory()).visits).toBe(1);
  expect(warn.mock.calls.join()).toContain('1 stored steps of the history could not be read');
  await here.heartbeat(BEN);
  await room.pass(SECOND);
  await here.presence();
  await afterSave();
  const rows = await room.inside(({ storage: { sql } }) => sql.exec('SELECT most FROM history').toArray());
  expect(rows).toEqual([{ most: expect.any(Number) }]);
});

it('a failed write of the history does not delay a save of sessions', async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  const here = room.join();
  await room.inside(({ storage: { sql } }) => {
    const exec = sql.exec.bind(sql);
    sql.exec = ((query: string, ...bindings: unknown[]) => {
      if (query.startsWith('INSERT INTO history')) throw new Error('SQLITE_FULL');
      return exec(query, ...bindings);
    }) as SqlStorage['exec'];
  });
  await here.heartbeat(ANNA);
  await room.pass(SECOND);
  await here.presence();
  await afterSave();
  await room.crash();
  expect((await room.join().presence()).count).toBe(1);
});

import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { HISTORY_STEP_MS, ROOM_SAVE_INTERVAL_MS } from '../../../src/limits';
import { sessionId } from '../../support/session-id';
import { RealRoom, SECOND } from './real-room';
import { RoomClient } from './room-client';

const [ANNA, BEN] = [sessionId(1), sessionId(2)];

let room: RealRoom;
beforeEach(async () => {
  room = await RealRoom.open();
  // A step begins.
  await room.pass(HISTORY_STEP_MS - (Date.now() % HISTORY_STEP_MS));
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const saved = () => room.pass(ROOM_SAVE_INTERVAL_MS);

/** The last three counts, and the visits. */
async function history() {
  const { counts, visits } = await room.stub.history();
  return { counts: counts.slice(-3), visits };
}

it('a history survives hibernation and a crash', async () => {
  const here = room.join();
  await here.heartbeat(ANNA);
  await here.heartbeat(BEN);
  await room.pass(SECOND);
  await here.presence();
  await saved();
  await room.hibernate();
  expect(await history()).toEqual({ counts: [0, 0, 2], visits: 2 });
  await room.pass(HISTORY_STEP_MS);
  await room.crash();
  expect(await history()).toEqual({ counts: [0, 2, 0], visits: 2 });
});

it('pages that are left and entered again within one sync are one visit', async () => {
  const here = room.join();
  for (let page = 0; page < 3; page += 1) {
    await here.heartbeat(ANNA);
    await here.leave(ANNA);
    await room.pass(SECOND);
    await here.presence();
  }
  await here.heartbeat(ANNA);
  await room.pass(SECOND);
  await here.presence();
  expect((await history()).visits).toBe(1);
});

it('sessions that expire while the object hibernates end in the history at their own time', async () => {
  const here = room.join();
  await room.pass(HISTORY_STEP_MS - 20 * SECOND);
  await here.heartbeat(ANNA);
  await room.pass(SECOND);
  await here.presence();
  await saved();
  await room.hibernate();
  await room.pass(2 * HISTORY_STEP_MS);
  expect(await history()).toEqual({ counts: [1, 1, 0], visits: 1 });
});

it('a socket that hibernates for twenty minutes keeps its count, and its close ends it now', async () => {
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
  expect((await history()).counts).toEqual([1, 1, 0]);
  await saved();
  const rows = await room.inside(({ storage: { sql } }) => sql.exec('SELECT * FROM history').toArray());
  expect(rows).toHaveLength(2);
});

it('reading the history of an empty room sets no alarm, and writes nothing', async () => {
  await room.stub.history();
  await saved();
  expect(await room.alarmAt()).toBeNull();
  const rows = await room.inside(({ storage: { sql } }) => sql.exec('SELECT * FROM history').toArray());
  expect(rows).toEqual([]);
});

it('rows of the history that cannot be read are left out, and reported', async () => {
  const here = room.join();
  await here.heartbeat(ANNA);
  await room.pass(SECOND);
  await here.presence();
  await saved();
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  await room.inside(({ storage: { sql } }) => void sql.exec("UPDATE history SET most = 'many'"));
  await room.hibernate();
  // Without a history its sessions are visits.
  expect((await history()).visits).toBe(1);
  expect(warn.mock.calls.join()).toContain('1 stored steps of the history could not be read');
  await here.heartbeat(BEN);
  await room.pass(SECOND);
  await here.presence();
  await saved();
  const rows = await room.inside(({ storage: { sql } }) => sql.exec('SELECT most FROM history').toArray());
  expect(rows).toEqual([{ most: expect.any(Number) }]);
});

it('a history that cannot be written delays no save of sessions', async () => {
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
  await saved();
  await room.crash();
  expect((await room.join().presence()).count).toBe(1);
});

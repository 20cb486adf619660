import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ROOM_ALARM_GAP_MS, ROOM_SAVE_INTERVAL_MS } from '../../../src/limits';
import { sessionId } from '../../support/session-id';
import { TTL } from '../presence/room/room-replica';
import { RealRoom, SECOND } from './real-room';
import { delivered, RoomClient } from './room-client';

const [ANNA, BEN] = [sessionId(1), sessionId(2)];

let room: RealRoom;
beforeEach(async () => {
  room = await RealRoom.open();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Returns a list of the times for which the room sets an alarm from now on (ms). */
async function watchAlarms(): Promise<readonly unknown[]> {
  const alarms: unknown[] = [];
  await room.inside(({ storage }) => {
    const setAlarm = storage.setAlarm.bind(storage);
    storage.setAlarm = (at) => {
      alarms.push(at);
      return setAlarm(at);
    };
  });
  return alarms;
}

it('an alarm at the end of a session sends the new counts to the sockets', async () => {
  const watcher = await RoomClient.open(room);
  await room.join().heartbeat(ANNA);
  await room.pass(SECOND);
  await delivered(room);
  expect(watcher.last?.count).toBe(1);
  await room.pass(ROOM_SAVE_INTERVAL_MS);
  await room.hibernate();
  vi.setSystemTime((await room.alarmAt()) ?? 0);
  expect(await room.runAlarm()).toBe(true);
  await room.pass(SECOND);
  await delivered(room);
  expect(watcher.last?.count).toBe(0);
  // No session is left, so no alarm is set.
  expect(await room.runAlarm()).toBe(false);
});

it('an alarm closes a socket without pings after hibernation, and no alarm remains', async () => {
  const anna = await RoomClient.open(room);
  await anna.send({ sessionId: ANNA, mood: 'gratitude' });
  await room.pass(ROOM_SAVE_INTERVAL_MS);
  await room.hibernate();
  vi.setSystemTime((await room.alarmAt()) ?? 0);
  await room.hibernate();
  expect(await room.runAlarm()).toBe(true);
  expect(await anna.closed.promise).toMatchObject({ code: 1008 });
  expect(await room.alarmAt()).toBeNull();
});

it('a room sets its alarm earlier for a session whose record arrived late', async () => {
  await RoomClient.open(room);
  await room.join().heartbeat(ANNA);
  await room.pass(SECOND);
  const first = (await room.alarmAt()) ?? 0;
  const late = { mood: 'presence', lastSeen: Date.now() - 20 * SECOND } as const;
  await room.stub.sync({ known: undefined, heard: new Map([[BEN, late]]) });
  expect(first - ((await room.alarmAt()) ?? 0)).toBeGreaterThan(15 * SECOND);
});

it('a socket that opens sets the alarm for the end that follows from the last heartbeat', async () => {
  const watcher = await RoomClient.open(room);
  const here = room.join();
  await here.heartbeat(ANNA);
  await watcher.close();
  await room.inside(({ storage }) => storage.deleteAlarm());
  await room.hibernate();
  await room.pass(20 * SECOND);
  await here.heartbeat(ANNA);
  await room.pass(5 * SECOND);
  await here.presence();
  await RoomClient.open(room);
  expect(((await room.alarmAt()) ?? 0) - Date.now()).toBeGreaterThan(24 * SECOND);
});

it('a room sets its alarm at least one second ahead', async () => {
  await RoomClient.open(room);
  const late = { mood: 'presence', lastSeen: Date.now() - TTL + 300 } as const;
  await room.stub.sync({ known: undefined, heard: new Map([[BEN, late]]) });
  expect((await room.alarmAt()) ?? 0).toBeGreaterThanOrEqual(Date.now() + ROOM_ALARM_GAP_MS);
});

it('later sessions neither delay the alarm nor set it again', async () => {
  await RoomClient.open(room);
  const alarms = await watchAlarms();
  const here = room.join();
  await here.heartbeat(ANNA);
  await room.join().heartbeat(BEN);
  const first = await room.alarmAt();
  await room.pass(5 * SECOND);
  await room.join().heartbeat(sessionId(3));
  expect(await room.alarmAt()).toBe(first);
  expect(alarms).toEqual([first]);
});

it('a room does not set the alarm again after hibernation', async () => {
  await RoomClient.open(room);
  const here = room.join();
  await here.heartbeat(ANNA);
  await room.pass(ROOM_SAVE_INTERVAL_MS);
  await room.hibernate();
  const alarms = await watchAlarms();
  await here.heartbeat(ANNA);
  await room.pass(SECOND);
  await here.presence();
  expect(alarms).toEqual([]);
});

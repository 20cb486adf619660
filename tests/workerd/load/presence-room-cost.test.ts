import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MOODS } from '../../../src/moods';
import type { Mood } from '../../../src/presence/session';
import { SOCKETS_AN_HOUR } from '../../../tools/simulator/usage';
import { sessionId } from '../../support/session-id';
import { RealRoom, SECOND } from '../room/real-room';
import { RoomClient } from '../room/room-client';

const moodOf = (n: number): Mood => MOODS[n % MOODS.length] ?? 'presence';

let room: RealRoom;
beforeEach(async () => {
  room = await RealRoom.open();
});
afterEach(() => void vi.useRealTimers());

/** Starts to count the rows that the room writes and deletes, as the platform bills them. Returns a reader of the count. */
async function startRowCount(): Promise<() => number> {
  let rows = 0;
  await room.inside(({ storage: { sql } }) => {
    const exec = sql.exec.bind(sql);
    sql.exec = ((query: string, ...bindings: unknown[]) => {
      const cursor = exec(query, ...bindings);
      rows += cursor.rowsWritten;
      return cursor;
    }) as SqlStorage['exec'];
  });
  return () => rows;
}

// docs/scale.md has these figures.
describe('the cost of a room', () => {
  const NOTHING = { calls: 0, alarms: 0, rows: 0 };

  /** Runs the room for `minutes`, with its timers and its alarms when they are due. Returns the figures for one hour. */
  async function costPerHour(minutes: number, tickMs: number, tick: (n: number) => Promise<void>) {
    let alarms = 0;
    const rows = await startRowCount();
    const callsBefore = room.calls;
    for (let n = 0; n < (minutes * 60 * SECOND) / tickMs; n += 1) {
      await room.pass(tickMs);
      await tick(n);
      if (((await room.alarmAt()) ?? Number.POSITIVE_INFINITY) > Date.now()) continue;
      await room.runAlarm();
      alarms += 1;
    }
    const perHour = (count: number) => Math.round((count * 60) / minutes);
    // A set alarm also writes a row.
    return {
      calls: perHour(room.calls - callsBefore),
      alarms: perHour(alarms),
      rows: perHour(rows() + alarms),
    };
  }

  it('an empty room sets no alarm and writes no row', async () => {
    expect(await costPerHour(60, 60 * SECOND, async () => undefined)).toEqual(NOTHING);
  });

  it('a room with a watcher and no session sets no alarm and writes no row', async () => {
    await RoomClient.open(room);
    expect(await costPerHour(60, 60 * SECOND, async () => undefined)).toEqual(NOTHING);
  });

  it('100 sessions on live sockets cost one alarm in 20 to 30 s, with three rows each', async () => {
    // Each socket pings every ten seconds of the test's clock.
    await room.inside((state) => {
      state.getWebSocketAutoResponseTimestamp = () => new Date(Date.now() - (Date.now() % (10 * SECOND)));
    });
    const clients = await Promise.all(Array.from({ length: 100 }, () => RoomClient.open(room)));
    for (const [n, client] of clients.entries())
      await client.send({ sessionId: sessionId(n), mood: moodOf(n) });
    await room.pass(60 * SECOND);
    const { calls, alarms, rows } = await costPerHour(60, 5 * SECOND, async () => undefined);
    expect(clients[0]?.last?.count).toBe(100);
    expect(calls).toBe(0);
    // The number of alarms depends on the time of the first ping within ten seconds.
    expect(alarms).toBeGreaterThanOrEqual(SOCKETS_AN_HOUR.alarms - 1);
    expect(alarms).toBeLessThanOrEqual(1.5 * SOCKETS_AN_HOUR.alarms);
    expect(rows / alarms).toBe(SOCKETS_AN_HOUR.rows / SOCKETS_AN_HOUR.alarms);
  });

  it('300 changing sessions at three isolates cost each isolate a call a second, and the room 3 rows in 5 s', async () => {
    const isolates = [room.join(), room.join(), room.join()];
    const { calls, alarms, rows } = await costPerHour(5, SECOND, async (second) => {
      // Each session sends one heartbeat, and every ten seconds 300 new sessions replace the old ones.
      const place = 30 * (second % 10);
      const generation = 300 * Math.floor(second / 10);
      for (let k = 0; k < 30; k += 1) {
        await isolates[k % 3]?.heartbeat(sessionId(generation + place + k), moodOf(k));
      }
    });
    expect(calls).toBeGreaterThan(10_000);
    expect(calls).toBeLessThanOrEqual(3 * 3_600);
    expect(alarms).toBe(0);
    expect(rows).toBeGreaterThan(1_000);
    // A save writes and deletes a row of the journal, and writes the row of the running step of the history.
    expect(rows).toBeLessThanOrEqual(3 * (3_600 / 5) + 6);
  }, 20_000);
});

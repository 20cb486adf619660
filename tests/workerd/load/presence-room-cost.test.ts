import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MOODS, type Mood } from '../../../src/presence/session';
import { SOCKETS_AN_HOUR } from '../../../tools/simulator/usage';
import { sessionId } from '../../support/session-id';
import { Guest } from '../room/guest';
import { RealRoom, SECOND } from '../room/real-room';

const moodOf = (n: number): Mood => MOODS[n % MOODS.length] ?? 'presence';

let room: RealRoom;
beforeEach(async () => {
  room = await RealRoom.open();
});
afterEach(() => void vi.useRealTimers());

/** Counts the rows that the journal writes and deletes, as they are billed. */
async function countRows(): Promise<() => number> {
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

// These figures stand in docs/scale.md.
describe('what a room costs in an hour', () => {
  const NOTHING = { calls: 0, alarms: 0, rows: 0 };

  /** The hour as the platform would have it: the object's timers run, and its alarm when it is due. */
  async function hour(minutes: number, tickMs: number, tick: (n: number) => Promise<void>) {
    let alarms = 0;
    const rows = await countRows();
    const callsBefore = room.calls;
    for (let n = 0; n < (minutes * 60 * SECOND) / tickMs; n += 1) {
      await room.pass(tickMs);
      await tick(n);
      if (((await room.alarmAt()) ?? Number.POSITIVE_INFINITY) > Date.now()) continue;
      await room.runAlarm();
      alarms += 1;
    }
    const perHour = (count: number) => Math.round((count * 60) / minutes);
    // Setting an alarm writes a row, too.
    return {
      calls: perHour(room.calls - callsBefore),
      alarms: perHour(alarms),
      rows: perHour(rows() + alarms),
    };
  }

  it('with nobody in it: no alarm, no row', async () => {
    expect(await hour(60, 60 * SECOND, async () => undefined)).toEqual(NOTHING);
  });

  it('with nobody in it but somebody who watches: no alarm, no row', async () => {
    await Guest.open(room);
    expect(await hour(60, 60 * SECOND, async () => undefined)).toEqual(NOTHING);
  });

  it('with 100 people on live sockets that come to stay: an alarm every 20 to 30 s, and three rows each', async () => {
    // Pings by the test's clock: each socket's last one came up to ten seconds ago.
    await room.inside((state) => {
      state.getWebSocketAutoResponseTimestamp = () => new Date(Date.now() - (Date.now() % (10 * SECOND)));
    });
    const guests = await Promise.all(Array.from({ length: 100 }, () => Guest.open(room)));
    for (const [n, guest] of guests.entries()) await guest.send({ sessionId: sessionId(n), mood: moodOf(n) });
    await room.pass(60 * SECOND);
    const { calls, alarms, rows } = await hour(60, 5 * SECOND, async () => undefined);
    expect(guests[0]?.last?.count).toBe(100);
    expect(calls).toBe(0);
    // It depends on when in the ten seconds between two pings the first one comes.
    expect(alarms).toBeGreaterThanOrEqual(SOCKETS_AN_HOUR.alarms - 1);
    expect(alarms).toBeLessThanOrEqual(1.5 * SOCKETS_AN_HOUR.alarms);
    expect(rows / alarms).toBe(SOCKETS_AN_HOUR.rows / SOCKETS_AN_HOUR.alarms);
  });

  it('with 300 people who beat through three isolates, come and go: a call a second for each isolate, two rows in five seconds', async () => {
    const isolates = [room.join(), room.join(), room.join()];
    const { calls, alarms, rows } = await hour(10, SECOND, async (second) => {
      // Everybody beats every ten seconds, and every ten seconds everybody is somebody else.
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
    expect(rows).toBeLessThanOrEqual(2 * (3_600 / 5) + 6);
  }, 20_000);
});

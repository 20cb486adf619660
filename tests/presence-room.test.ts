import {
  abortAllDurableObjects,
  evictDurableObject,
  reset,
  runDurableObjectAlarm,
  runInDurableObject,
} from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ROOM_ALARM_GAP_MS, ROOM_EXPIRY_STEP_MS, ROOM_SAVE_INTERVAL_MS } from '../src/limits';
import { RoomHub } from '../src/presence/room-hub';
import { ROOM_NAME } from '../src/presence/room-protocol';
import { MOODS, type Mood, PresenceState } from '../src/presence/session';
import { roomTiming } from '../src/presence/timing';
import type { PresenceRoom } from '../src/presence-room';
import { FakeWorld } from './fake-world';
import { TroubledRoom } from './presence/troubled-room';
import { Replica } from './replica';
import { sessionId } from './session-id';
import { SOCKETS_AN_HOUR } from './simulation/usage';

const SECOND = 1_000;
const TIMING = roomTiming(30 * SECOND, SECOND);
const [ANNA, BEN] = [sessionId(1), sessionId(2)];

const stub = () => env.PRESENCE_ROOM.getByName(ROOM_NAME);

let world: FakeWorld;
let room: TroubledRoom;
const join = () => new Replica(new RoomHub({ room: () => room, timing: TIMING, world }), TIMING, world);

beforeEach(async () => {
  // The reset may miss an object that hibernates, as the test before has left it; then its people would still be here.
  await inside(() => undefined);
  await reset();
  // The object's clock and timers are the test's. They begin now, so that no alarm set by them comes due by itself.
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout'] });
  world = new FakeWorld(Date.now());
  room = new TroubledRoom(stub);
});
afterEach(() => void vi.useRealTimers());

/** Anything in the object's own context. */
const inside = <Result>(look: (state: DurableObjectState) => Result) =>
  runInDurableObject(stub(), (_room: PresenceRoom, state) => look(state));

/** Time passes, for the object's timers too: they run in its context, as on the platform. */
async function pass(ms: number): Promise<void> {
  await inside(() => vi.advanceTimersByTime(ms));
  await world.advance(ms);
}

/** The object hibernates: it is gone from memory, and its timers with it. Rejects if it does so already. */
async function hibernate(): Promise<void> {
  await evictDurableObject(stub());
  forgetTimers();
}

/** The object crashes, and its sockets break. */
async function crash(): Promise<void> {
  await abortAllDurableObjects();
  forgetTimers();
}

function forgetTimers(): void {
  const now = Date.now();
  // This sets the clock back, too.
  vi.clearAllTimers();
  vi.setSystemTime(now);
}

const alarmAt = () => inside(({ storage }) => storage.getAlarm());

/** Counts the rows that the journal writes and deletes, as they are billed. */
async function countRows(): Promise<() => number> {
  let rows = 0;
  await inside(({ storage: { sql } }) => {
    const exec = sql.exec.bind(sql);
    sql.exec = ((query: string, ...bindings: unknown[]) => {
      const cursor = exec(query, ...bindings);
      rows += cursor.rowsWritten;
      return cursor;
    }) as SqlStorage['exec'];
  });
  return () => rows;
}

/** Keeps the times for which the object sets an alarm from now on. */
async function watchAlarms(): Promise<readonly unknown[]> {
  const alarms: unknown[] = [];
  await inside(({ storage }) => {
    const setAlarm = storage.setAlarm.bind(storage);
    storage.setAlarm = (at) => {
      alarms.push(at);
      return setAlarm(at);
    };
  });
  return alarms;
}

/** A live socket straight to the object, and what it was told. */
class Guest {
  readonly states: PresenceState[] = [];
  readonly closed = Promise.withResolvers<{ code: number; reason: string }>();
  #ponged: () => void = () => undefined;
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      if (data === 'pong') this.#ponged();
      else this.states.push(PresenceState.parse(JSON.parse(String(data))));
    });
    socket.addEventListener('close', ({ code, reason }) => this.closed.resolve({ code, reason }));
    socket.accept();
  }

  static async open(): Promise<Guest> {
    const response = await stub().fetch('http://room/', { headers: { Upgrade: 'websocket' } });
    if (response.webSocket === null) throw new Error('No socket.');
    return new Guest(response.webSocket);
  }

  async send(message: string | object): Promise<void> {
    this.#socket.send(typeof message === 'string' ? message : JSON.stringify(message));
    await delivered();
  }

  /** Sends a ping and waits for the answer. */
  ping(): Promise<void> {
    return new Promise((resolve) => {
      this.#ponged = resolve;
      this.#socket.send('ping');
    });
  }

  async close(): Promise<void> {
    this.#socket.close(1000);
    await delivered();
  }

  get last(): PresenceState | undefined {
    return this.states.at(-1);
  }
}

/** What was sent to the object has arrived, and what it sent has come back. */
async function delivered(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await inside(() => undefined);
}

describe('a room that has lost its memory', () => {
  it('shows a fresh replica everybody at its first answer', async () => {
    const here = join();
    await here.heartbeat(ANNA, 'gratitude');
    await hibernate();
    expect((await join().presence()).moods).toMatchObject({ gratitude: 1 });
  });

  it('shows a replica that knew it the right count at once, too', async () => {
    const [here, there] = [join(), join()];
    await here.heartbeat(ANNA);
    await there.heartbeat(BEN);
    await pass(SECOND);
    await here.presence();
    expect(await here.count()).toBe(2);
    await hibernate();
    await pass(SECOND);
    expect(await here.count()).toBe(2);
    expect(await there.count()).toBe(2);
  });

  it('learns from a replica what it had not saved, and brings back nobody who has left', async () => {
    const here = join();
    await here.heartbeat(ANNA);
    // The first change is saved at once, what comes in the next five seconds is not.
    await pass(SECOND);
    await here.heartbeat(BEN);
    await here.leave(ANNA);
    await pass(SECOND);
    await here.presence();
    await crash();
    await pass(SECOND);
    await here.presence();
    expect((await join().presence()).count).toBe(1);
  });

  it('has saved by itself what changed last, five seconds later', async () => {
    const here = join();
    await here.heartbeat(ANNA);
    await pass(SECOND);
    await here.heartbeat(BEN);
    await pass(ROOM_SAVE_INTERVAL_MS);
    await crash();
    expect(await join().count()).toBe(2);
  });

  it('does not count for longer whom it saved', async () => {
    await join().heartbeat(ANNA);
    await pass(20 * SECOND);
    await hibernate();
    await pass(9 * SECOND);
    expect(await join().count()).toBe(1);
    await pass(SECOND + 250);
    expect(await join().count()).toBe(0);
  });

  it('begins anew if what it saved cannot be read', async () => {
    await join().heartbeat(ANNA);
    await inside(({ storage }) =>
      storage.sql.exec("UPDATE journal SET sessions = '{\"x\": 1', told = 'nothing'"),
    );
    await hibernate();
    const here = join();
    expect(await here.count()).toBe(0);
    expect((await here.heartbeat(BEN)).count).toBe(1);
  });
});

describe('a room that hibernates', () => {
  it('finds its sockets, moods and counts intact', async () => {
    const [anna, ben, watcher] = [await Guest.open(), await Guest.open(), await Guest.open()];
    await anna.send({ sessionId: ANNA, mood: 'gratitude' });
    await ben.send({ sessionId: BEN, mood: 'release' });
    await pass(SECOND);
    await hibernate();
    expect((await join().presence()).moods).toMatchObject({ gratitude: 1, release: 1 });
    await ben.send({ mood: 'connection' });
    await pass(SECOND);
    await delivered();
    expect(watcher.last?.moods).toMatchObject({ gratitude: 1, release: 0, connection: 1 });
    await hibernate();
    await anna.close();
    await pass(SECOND);
    await delivered();
    expect(watcher.last?.moods).toMatchObject({ gratitude: 0, connection: 1 });
    expect(ben.states.filter(({ count }) => count === 2)).not.toHaveLength(0);
  });

  it('tells nobody twice what it told before', async () => {
    const [anna, watcher] = [await Guest.open(), await Guest.open()];
    await anna.send({ sessionId: ANNA, mood: 'gratitude' });
    await pass(SECOND);
    await pass(ROOM_SAVE_INTERVAL_MS);
    const told = watcher.states.length;
    await hibernate();
    await pass(20 * SECOND);
    await anna.send({ mood: 'gratitude' });
    await pass(SECOND);
    await delivered();
    expect(watcher.states).toHaveLength(told);
  });

  it('answers ping without waking up', async () => {
    const anna = await Guest.open();
    await anna.send({ sessionId: ANNA, mood: 'gratitude' });
    await hibernate();
    await anna.ping();
    await expect(hibernate()).rejects.toThrow();
  });

  it('is woken by an alarm when somebody falls silent, and tells those who watch', async () => {
    const watcher = await Guest.open();
    await join().heartbeat(ANNA);
    await pass(SECOND);
    await delivered();
    expect(watcher.last?.count).toBe(1);
    await pass(ROOM_SAVE_INTERVAL_MS);
    await hibernate();
    vi.setSystemTime((await alarmAt()) ?? 0);
    expect(await runDurableObjectAlarm(stub())).toBe(true);
    await pass(SECOND);
    await delivered();
    expect(watcher.last?.count).toBe(0);
    // Nobody is here any more, so nothing is to be waited for.
    expect(await runDurableObjectAlarm(stub())).toBe(false);
  });
});

describe('a guest', () => {
  it('who has fallen silent while the room hibernated is closed, and no alarm is left', async () => {
    const anna = await Guest.open();
    await anna.send({ sessionId: ANNA, mood: 'gratitude' });
    await pass(ROOM_SAVE_INTERVAL_MS);
    await hibernate();
    vi.setSystemTime((await alarmAt()) ?? 0);
    await hibernate();
    expect(await runDurableObjectAlarm(stub())).toBe(true);
    expect(await anna.closed.promise).toMatchObject({ code: 1008 });
    expect(await alarmAt()).toBeNull();
  });

  it('with two sockets is here until both have closed, and then no longer', async () => {
    const [first, second] = [await Guest.open(), await Guest.open()];
    await first.send({ sessionId: ANNA, mood: 'gratitude' });
    await pass(5 * SECOND);
    await second.send({ sessionId: ANNA, mood: 'gratitude' });
    await pass(SECOND);
    await second.close();
    expect(await join().count()).toBe(1);
    await first.close();
    expect(await join().count()).toBe(0);
  });

  it('whose socket breaks has left', async () => {
    const anna = await Guest.open();
    await anna.send({ sessionId: ANNA, mood: 'gratitude' });
    expect(await join().count()).toBe(1);
    await runInDurableObject(stub(), (object: PresenceRoom, state) => {
      for (const socket of state.getWebSockets()) object.webSocketError(socket);
    });
    expect(await join().count()).toBe(0);
  });

  it('is shown nobody who has ended, though the room has not looked since', async () => {
    await join().heartbeat(ANNA);
    await pass(TIMING.ttlMs + ROOM_EXPIRY_STEP_MS);
    const watcher = await Guest.open();
    await delivered();
    expect(watcher.states.map(({ count }) => count)).toEqual([0]);
  });

  it('is told that his closing has been heard', async () => {
    const anna = await Guest.open();
    await anna.send({ sessionId: ANNA, mood: 'gratitude' });
    await hibernate();
    await anna.close();
    expect(await anna.closed.promise).toMatchObject({ code: 1000 });
    expect(await join().count()).toBe(0);
  });
});

describe('the alarm', () => {
  it('comes earlier for a session that was told late', async () => {
    await Guest.open();
    await join().heartbeat(ANNA);
    await pass(SECOND);
    const first = (await alarmAt()) ?? 0;
    const late = { mood: 'presence', lastSeen: Date.now() - 20 * SECOND } as const;
    await stub().sync({ known: undefined, heard: new Map([[BEN, late]]) });
    expect(first - ((await alarmAt()) ?? 0)).toBeGreaterThan(15 * SECOND);
  });

  it('comes no sooner than in a second', async () => {
    await Guest.open();
    const late = { mood: 'presence', lastSeen: Date.now() - TIMING.ttlMs + 300 } as const;
    await stub().sync({ known: undefined, heard: new Map([[BEN, late]]) });
    expect((await alarmAt()) ?? 0).toBeGreaterThanOrEqual(Date.now() + ROOM_ALARM_GAP_MS);
  });

  it('is neither put off nor set anew by those who come after it was set', async () => {
    await Guest.open();
    const alarms = await watchAlarms();
    const here = join();
    await here.heartbeat(ANNA);
    await join().heartbeat(BEN);
    const first = await alarmAt();
    await pass(5 * SECOND);
    await join().heartbeat(sessionId(3));
    expect(await alarmAt()).toBe(first);
    expect(alarms).toEqual([first]);
  });

  it('is not set anew by a room that has hibernated', async () => {
    await Guest.open();
    const here = join();
    await here.heartbeat(ANNA);
    await pass(ROOM_SAVE_INTERVAL_MS);
    await hibernate();
    const alarms = await watchAlarms();
    await here.heartbeat(ANNA);
    await pass(SECOND);
    await here.presence();
    expect(alarms).toEqual([]);
  });
});

// These figures stand in docs/scale.md.
describe('what a room costs in an hour', () => {
  const NOTHING = { calls: 0, alarms: 0, rows: 0 };

  /** The hour as the platform would have it: the object's timers run, and its alarm when it is due. */
  async function hour(minutes: number, tickMs: number, tick: (n: number) => Promise<void>) {
    let alarms = 0;
    const rows = await countRows();
    const callsBefore = room.calls;
    for (let n = 0; n < (minutes * 60 * SECOND) / tickMs; n += 1) {
      await pass(tickMs);
      await tick(n);
      if (((await alarmAt()) ?? Number.POSITIVE_INFINITY) > Date.now()) continue;
      await runDurableObjectAlarm(stub());
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
    await Guest.open();
    expect(await hour(60, 60 * SECOND, async () => undefined)).toEqual(NOTHING);
  });

  it('with 100 people on live sockets that come to stay: an alarm every 20 to 30 s, and three rows each', async () => {
    // Pings by the test's clock: each socket's last one came up to ten seconds ago.
    await inside((state) => {
      state.getWebSocketAutoResponseTimestamp = () => new Date(Date.now() - (Date.now() % (10 * SECOND)));
    });
    const guests = await Promise.all(Array.from({ length: 100 }, () => Guest.open()));
    for (const [n, guest] of guests.entries()) await guest.send({ sessionId: sessionId(n), mood: moodOf(n) });
    await pass(60 * SECOND);
    const { calls, alarms, rows } = await hour(60, 5 * SECOND, async () => undefined);
    expect(guests[0]?.last?.count).toBe(100);
    expect(calls).toBe(0);
    // It depends on when in the ten seconds between two pings the first one comes.
    expect(alarms).toBeGreaterThanOrEqual(SOCKETS_AN_HOUR.alarms - 1);
    expect(alarms).toBeLessThanOrEqual(1.5 * SOCKETS_AN_HOUR.alarms);
    expect(rows / alarms).toBe(SOCKETS_AN_HOUR.rows / SOCKETS_AN_HOUR.alarms);
  });

  it('with 300 people who beat through three isolates, come and go: a call a second for each isolate, two rows in five seconds', async () => {
    const isolates = [join(), join(), join()];
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

const moodOf = (n: number): Mood => MOODS[n % MOODS.length] ?? 'presence';

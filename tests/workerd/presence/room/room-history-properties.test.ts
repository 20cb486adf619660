import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  HISTORY_STEP_MS,
  HISTORY_STEPS,
  ROOM_EXPIRY_STEP_MS,
  ROOM_SAVE_INTERVAL_MS,
} from '../../../../src/limits';
import type { Mood } from '../../../../src/presence/session';
import { HistoryList } from '../../../support/history-list';
import { sessionId } from '../../../support/session-id';
import type { FakeSocket } from './fake-socket';
import { MemoryRoom } from './memory-room';
import { TTL } from './room-replica';

const HOUR = 3_600_000;

/** A room with sessions by HTTP, and the expected history. */
class HttpModel {
  readonly memoryRoom = new MemoryRoom();
  readonly #list = new HistoryList();
  /** When each present session ends (ms). */
  readonly #endOf = new Map<number, number>();
  /** Until when the return of a session that left is not a new visit (ms). */
  readonly #tombstoneUntil = new Map<number, number>();

  get #now(): number {
    return this.memoryRoom.runtime.now();
  }

  /** Sends one sync with these heartbeats and leaves at the current time. */
  sync(heartbeats: readonly number[], leaves: readonly number[] = []): void {
    this.#expire();
    const now = this.#now;
    const isVisit = (n: number) => !this.#endOf.has(n) && (this.#tombstoneUntil.get(n) ?? 0) <= now;
    this.#list.addVisits(heartbeats.filter(isVisit).length, now);
    for (const n of heartbeats)
      this.#endOf.set(n, Math.ceil((now + TTL) / ROOM_EXPIRY_STEP_MS) * ROOM_EXPIRY_STEP_MS);
    for (const n of leaves) {
      this.#endOf.delete(n);
      this.#tombstoneUntil.set(n, now + TTL);
    }
    this.#list.setCount(this.#endOf.size, now);
    const records = (list: readonly number[], mood: Mood | null) =>
      list.map((n) => [sessionId(n), { mood, lastSeen: now }] as const);
    this.memoryRoom.sync(Object.fromEntries([...records(heartbeats, 'presence'), ...records(leaves, null)]));
  }

  isPresent(n: number): boolean {
    return (this.#endOf.get(n) ?? 0) > this.#now;
  }

  check(): void {
    this.#expire();
    const { room } = this.memoryRoom;
    expect(room.history()).toMatchObject(this.#list.answer(this.#now));
  }

  #expire(): void {
    const ends = [...this.#endOf].filter(([, end]) => end <= this.#now).sort(([, a], [, b]) => a - b);
    for (const [n, end] of ends) {
      this.#endOf.delete(n);
      this.#list.setCount(this.#endOf.size, end);
    }
  }
}

it('a history equals a plain list of all events, also with hours without a call and restarts after saves', async () => {
  const event = fc.record({
    n: fc.nat(4),
    leaves: fc.boolean(),
    restarts: fc.constantFrom('before', 'after', 'never'),
    passedMs: fc.oneof(fc.nat(20_000), fc.nat(20_000), fc.nat(2 * HISTORY_STEP_MS), fc.nat(3 * HOUR)),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 40 }), async (events) => {
      const model = new HttpModel();
      for (const { n, leaves, restarts, passedMs } of events) {
        await model.memoryRoom.runtime.advance(ROOM_SAVE_INTERVAL_MS);
        if (restarts === 'before') model.memoryRoom.restart([]);
        await model.memoryRoom.runtime.advance(passedMs);
        if (restarts === 'after') model.memoryRoom.restart([]);
        if (leaves && model.isPresent(n)) model.sync([], [n]);
        else model.sync([n]);
      }
      model.check();
    }),
  );
});

/** A room with sessions on sockets that ping, and the expected history. The room hibernates, and each alarm runs when it is due. */
class SocketModel {
  readonly #memoryRoom = new MemoryRoom();
  readonly #list = new HistoryList();
  /** The open socket of each session. */
  readonly #sockets = new Map<number, FakeSocket>();
  /** The sessions whose sockets no longer ping. */
  readonly #withoutPing = new Set<number>();
  /** When each present session ends without a further ping (ms). */
  readonly #endOf = new Map<number, number>();
  /** Until when the return of a session that left is not a new visit (ms). */
  readonly #tombstoneUntil = new Map<number, number>();

  get #now(): number {
    return this.#memoryRoom.runtime.now();
  }

  join(n: number): void {
    if (!this.#endOf.has(n) && (this.#tombstoneUntil.get(n) ?? 0) <= this.#now)
      this.#list.addVisits(1, this.#now);
    this.#sockets.set(n, this.#memoryRoom.join(sessionId(n)));
    this.#withoutPing.delete(n);
    this.#endOf.set(n, this.#now + TTL);
    this.#list.setCount(this.#endOf.size, this.#now);
  }

  isPresent(n: number): boolean {
    return this.#endOf.has(n);
  }

  close(n: number): void {
    const socket = this.#sockets.get(n);
    if (socket === undefined) return;
    socket.isOpen = false;
    this.#memoryRoom.close(socket);
    this.#sockets.delete(n);
    this.#endOf.delete(n);
    this.#tombstoneUntil.set(n, this.#now + TTL);
    this.#list.setCount(this.#endOf.size, this.#now);
  }

  stopPinging(n: number): void {
    this.#withoutPing.add(n);
  }

  /** Advances the clock. Sockets ping every ten seconds. */
  async pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
      for (let part = 0; part < 4; part += 1) {
        await this.#memoryRoom.runtime.advance(ROOM_EXPIRY_STEP_MS);
        this.#end();
        const { room } = this.#memoryRoom;
        if ((room.nextEnd() ?? Number.POSITIVE_INFINITY) <= this.#now) room.applyPings();
      }
      if (Math.floor(this.#now / 1_000) % 10 > 0) continue;
      for (const [n, socket] of this.#sockets) {
        if (this.#withoutPing.has(n)) continue;
        socket.lastPingAt = this.#now;
        this.#endOf.set(n, this.#now + TTL);
      }
    }
  }

  hibernate(): void {
    this.#memoryRoom.restart();
  }

  check(): void {
    expect(this.#memoryRoom.room.history()).toMatchObject(this.#list.answer(this.#now));
  }

  #end(): void {
    for (const [n, end] of this.#endOf) {
      if (Math.ceil(end / ROOM_EXPIRY_STEP_MS) * ROOM_EXPIRY_STEP_MS > this.#now) continue;
      this.#endOf.delete(n);
      this.#sockets.delete(n);
      this.#list.setCount(this.#endOf.size, this.#now);
    }
  }
}

it('a history of sockets that ping, stop pinging or close equals a plain list, also with hibernation', async () => {
  const event = fc.record({
    n: fc.nat(3),
    kind: fc.constantFrom('close', 'stop pinging', 'stay'),
    hibernates: fc.boolean(),
    seconds: fc.oneof(fc.integer({ min: 6, max: 40 }), fc.integer({ min: 6, max: 200 })),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 20 }), async (events) => {
      const model = new SocketModel();
      for (const { n, kind, hibernates, seconds } of events) {
        if (!model.isPresent(n)) model.join(n);
        else if (kind === 'close') model.close(n);
        else if (kind === 'stop pinging') model.stopPinging(n);
        await model.pass(seconds);
        if (hibernates) model.hibernate();
      }
      model.check();
    }),
    { numRuns: 40 },
  );
});

it('a history of 20 sessions over 24 hours with a restart every ten minutes equals a plain list', async () => {
  const model = new HttpModel();
  const TICK_MS = 20_000;
  const SESSIONS = Array.from({ length: 20 }, (_, n) => n);
  // Each session is present for 3 to 13 minutes of 61. Three of four sessions leave, and the others expire.
  const isPresentIn = (n: number, minute: number) => (minute * (n + 3) + 7 * n) % 61 < 3 + n / 2;
  for (let passed = 0; passed < HISTORY_STEPS * HISTORY_STEP_MS; passed += TICK_MS) {
    await model.memoryRoom.runtime.advance(TICK_MS);
    const present = SESSIONS.filter((n) => isPresentIn(n, Math.floor(passed / 60_000)));
    model.sync(
      present,
      SESSIONS.filter((n) => !present.includes(n) && n % 4 > 0 && model.isPresent(n)),
    );
    if (passed % (30 * TICK_MS) === 0) {
      await model.memoryRoom.runtime.advance(ROOM_SAVE_INTERVAL_MS);
      model.memoryRoom.restart([]);
    }
    // A comparison takes longer than the simulation of an hour, so the test compares every six hours.
    if (passed % (6 * HOUR) === 0) model.check();
  }
  model.check();
  expect(model.memoryRoom.room.history().visits).toBeGreaterThan(1_000);
});

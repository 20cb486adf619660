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
import { MemoryRoom, TTL } from './memory-room';

const HOUR = 3_600_000;

/** Sessions that come, stay and go by HTTP, and what the history must be. */
class Day {
  readonly place = new MemoryRoom();
  readonly #list = new HistoryList();
  /** When each present session ends, and until when it would be no other visit (ms). */
  readonly #endOf = new Map<number, number>();
  readonly #knownUntil = new Map<number, number>();

  get #now(): number {
    return this.place.runtime.now();
  }

  /** One sync with a heartbeat of now of the first ones, and a leave of the others. */
  sync(beating: readonly number[], leaving: readonly number[] = []): void {
    this.#expire();
    const now = this.#now;
    const isVisit = (n: number) => !this.#endOf.has(n) && (this.#knownUntil.get(n) ?? 0) <= now;
    this.#list.addVisits(beating.filter(isVisit).length, now);
    for (const n of beating)
      this.#endOf.set(n, Math.ceil((now + TTL) / ROOM_EXPIRY_STEP_MS) * ROOM_EXPIRY_STEP_MS);
    for (const n of leaving) {
      this.#endOf.delete(n);
      this.#knownUntil.set(n, now + TTL);
    }
    this.#list.setCount(this.#endOf.size, now);
    const records = (list: readonly number[], mood: Mood | null) =>
      list.map((n) => [sessionId(n), { mood, lastSeen: now }] as const);
    this.place.sync(Object.fromEntries([...records(beating, 'presence'), ...records(leaving, null)]));
  }

  isPresent(n: number): boolean {
    return (this.#endOf.get(n) ?? 0) > this.#now;
  }

  check(): void {
    this.#expire();
    const { room } = this.place;
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

it('a history is equal to a plain list of all that happened, with hours without a call, and restarts after each save', async () => {
  const event = fc.record({
    n: fc.nat(4),
    leaves: fc.boolean(),
    restarts: fc.constantFrom('before', 'after', 'never'),
    passedMs: fc.oneof(fc.nat(20_000), fc.nat(20_000), fc.nat(2 * HISTORY_STEP_MS), fc.nat(3 * HOUR)),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 40 }), async (events) => {
      const day = new Day();
      for (const { n, leaves, restarts, passedMs } of events) {
        await day.place.runtime.advance(ROOM_SAVE_INTERVAL_MS);
        if (restarts === 'before') day.place.restart([]);
        await day.place.runtime.advance(passedMs);
        if (restarts === 'after') day.place.restart([]);
        if (leaves && day.isPresent(n)) day.sync([], [n]);
        else day.sync([n]);
      }
      day.check();
    }),
  );
});

/** Sessions on sockets that ping, whose object hibernates, and what the history must be. Each alarm comes when it is due. */
class SocketDay {
  readonly #place = new MemoryRoom();
  readonly #list = new HistoryList();
  /** The open sockets, by person. Some of them ping no more. */
  readonly #sockets = new Map<number, FakeSocket>();
  readonly #withoutPing = new Set<number>();
  /** When each present session ends unless it pings, and until when its return is no other visit (ms). */
  readonly #endOf = new Map<number, number>();
  readonly #knownUntil = new Map<number, number>();

  get #now(): number {
    return this.#place.runtime.now();
  }

  join(n: number): void {
    if (!this.#endOf.has(n) && (this.#knownUntil.get(n) ?? 0) <= this.#now)
      this.#list.addVisits(1, this.#now);
    this.#sockets.set(n, this.#place.join(sessionId(n)));
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
    this.#place.close(socket);
    this.#sockets.delete(n);
    this.#endOf.delete(n);
    this.#knownUntil.set(n, this.#now + TTL);
    this.#list.setCount(this.#endOf.size, this.#now);
  }

  stopPinging(n: number): void {
    this.#withoutPing.add(n);
  }

  /** Sockets ping every ten seconds. */
  async pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
      for (let part = 0; part < 4; part += 1) {
        await this.#place.runtime.advance(ROOM_EXPIRY_STEP_MS);
        this.#end();
        const { room } = this.#place;
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
    this.#place.restart();
  }

  check(): void {
    expect(this.#place.room.history()).toMatchObject(this.#list.answer(this.#now));
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

it('a history of sockets that ping, stop pinging or close is equal to a plain list, whatever the hibernations', async () => {
  const event = fc.record({
    n: fc.nat(3),
    kind: fc.constantFrom('close', 'stop pinging', 'stay'),
    hibernates: fc.boolean(),
    seconds: fc.oneof(fc.integer({ min: 6, max: 40 }), fc.integer({ min: 6, max: 200 })),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 20 }), async (events) => {
      const day = new SocketDay();
      for (const { n, kind, hibernates, seconds } of events) {
        if (!day.isPresent(n)) day.join(n);
        else if (kind === 'close') day.close(n);
        else if (kind === 'stop pinging') day.stopPinging(n);
        await day.pass(seconds);
        if (hibernates) day.hibernate();
      }
      day.check();
    }),
    { numRuns: 40 },
  );
});

it('24 hours of 20 people who come and go, with a restart every ten minutes, are equal to a plain list', async () => {
  const day = new Day();
  const TICK = 20_000;
  const PEOPLE = Array.from({ length: 20 }, (_, n) => n);
  // Each person is here for some minutes of the hour. Three of four leave, and the others expire.
  const isHere = (n: number, minute: number) => (minute * (n + 3) + 7 * n) % 61 < 3 + n / 2;
  for (let passed = 0; passed < HISTORY_STEPS * HISTORY_STEP_MS; passed += TICK) {
    await day.place.runtime.advance(TICK);
    const here = PEOPLE.filter((n) => isHere(n, Math.floor(passed / 60_000)));
    day.sync(
      here,
      PEOPLE.filter((n) => !here.includes(n) && n % 4 > 0 && day.isPresent(n)),
    );
    if (passed % (30 * TICK) === 0) {
      await day.place.runtime.advance(ROOM_SAVE_INTERVAL_MS);
      day.place.restart([]);
    }
    // A comparison takes longer than an hour of this day.
    if (passed % (6 * HOUR) === 0) day.check();
  }
  day.check();
  expect(day.place.room.history().visits).toBeGreaterThan(1_000);
});

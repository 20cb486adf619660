import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { ROOM_EXPIRY_STEP_MS } from '../../../../src/limits';
import { MOODS } from '../../../../src/moods';
import { Room } from '../../../../src/presence/room/room';
import { HANDOVER_CODE } from '../../../../src/presence/room/socket-message';
import { totalOf, ZERO_COUNTS } from '../../../../src/presence/session';
import { FakeRuntime } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
import { FakeSocket } from './fake-socket';
import { MemoryJournal } from './memory-journal';

const TTL = 30_000;
/** An object hibernates ten seconds after its last event. By then its timers have run. */
const IDLE_MS = 12_000;

/** A socket, and what the test expects of its session. */
class ExpectedSocket extends FakeSocket {
  /** `seenAt`: the last message or ping. `refreshedAt`: the last time that may also keep the session. */
  session: { readonly id: string; seenAt: number; refreshedAt: number } | undefined;
}

/** A room with its sockets, which hibernates when the test says so, and a plain list of the sessions that must be present. */
class Place {
  readonly runtime = new FakeRuntime();
  readonly #journal = new MemoryJournal(this.runtime);
  readonly #heartbeats = new Map<string, number>();
  /** The sessions of sockets that closed with a handover. They continue as if each socket had its last message or ping only. */
  #handedOver: NonNullable<ExpectedSocket['session']>[] = [];
  readonly #sockets: ExpectedSocket[] = [];
  readonly #late = new Set<string>();
  #epoch = 0;
  #room = this.#startRoom();

  get open(): readonly ExpectedSocket[] {
    return this.#sockets.filter(({ isOpen }) => isOpen);
  }

  openSocket(): void {
    const socket = new ExpectedSocket();
    this.#sockets.push(socket);
    this.#room.open(socket);
  }

  join(socket: ExpectedSocket, id: string, mood: number): void {
    if (socket.session?.id !== id) this.#endSession(socket);
    this.#room.receive(socket, JSON.stringify({ sessionId: id, mood: MOODS[mood] }));
    if (socket.isOpen) socket.session = { id, seenAt: this.runtime.now(), refreshedAt: 0 };
  }

  ping(socket: ExpectedSocket): void {
    socket.lastPingAt = this.runtime.now();
    // A session that pings again after a TTL may be closed already, or not.
    const { session } = socket;
    if (session && session.seenAt + TTL > this.runtime.now()) session.seenAt = this.runtime.now();
    else if (session) this.#late.add(session.id);
  }

  close(socket: ExpectedSocket): void {
    socket.isOpen = false;
    this.#endSession(socket);
    this.#room.close(socket, 1000);
  }

  handOver(socket: ExpectedSocket): void {
    socket.isOpen = false;
    const { session } = socket;
    if (session) {
      this.#handedOver.push(session);
      for (const other of this.#sessionsOf(session.id))
        other.refreshedAt = Math.max(other.refreshedAt, session.refreshedAt, session.seenAt);
    }
    this.#room.close(socket, HANDOVER_CODE);
  }

  heartbeat(id: string, mood: number): void {
    this.#heartbeats.set(id, this.runtime.now());
    this.#sync(id, mood);
  }

  leave(id: string): void {
    this.#end(id);
    // A leave refreshes a session with a live socket, and may keep it if the room hibernates soon.
    for (const { session } of this.open) if (session?.id === id) session.refreshedAt = this.runtime.now();
    this.#sync(id, undefined);
  }

  alarm(): void {
    this.#room.applyPings();
  }

  async hibernate(): Promise<void> {
    await this.wait(IDLE_MS);
    this.#epoch += 1;
    this.#room = this.#startRoom();
  }

  async wait(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 100) await this.runtime.advance(100);
  }

  /** Every session that must be present is counted, and none that must have ended. */
  check(): void {
    const { sessions: present } = this.#room.sync({ since: undefined, updates: [], hasChannels: true });
    const now = this.runtime.now();
    for (const id of IDS) {
      if (this.#late.has(id)) continue;
      const sessions = [...this.#sessionsOf(id), ...this.#handedOver.filter((one) => one.id === id)];
      const seenAt = Math.max(this.#heartbeats.get(id) ?? 0, ...sessions.map((session) => session.seenAt));
      const refreshedAt = Math.max(seenAt, ...sessions.map((session) => session.refreshedAt));
      const isCounted = present.has(id);
      if (seenAt + TTL > now) expect(isCounted, `${id} is present`).toBe(true);
      if (refreshedAt + TTL + ROOM_EXPIRY_STEP_MS <= now) expect(isCounted, `${id} has ended`).toBe(false);
    }
    expect(totalOf(this.#room.counts)).toBe(present.size);
  }

  /** After the last broadcast all sockets have the counts of the room. */
  async checkSockets(): Promise<void> {
    await this.wait(2_000);
    for (const { last } of this.open) expect(last?.moods ?? ZERO_COUNTS).toEqual(this.#room.counts);
  }

  /** A socket that ends also ends its session, unless another socket has that, or a heartbeat by HTTP came later. */
  #endSession({ session }: ExpectedSocket): void {
    if (!session) return;
    const other = this.open.find((one) => one.session !== session && one.session?.id === session.id)?.session;
    if (other) other.refreshedAt = Math.max(other.refreshedAt, session.refreshedAt, session.seenAt);
    else if ((this.#heartbeats.get(session.id) ?? 0) <= Math.max(session.seenAt, session.refreshedAt))
      this.#end(session.id);
  }

  #end(id: string): void {
    this.#heartbeats.delete(id);
    this.#handedOver = this.#handedOver.filter((session) => session.id !== id);
  }

  /** The sessions of the open sockets with this id. */
  #sessionsOf(id: string) {
    return this.open.flatMap(({ session }) => (session?.id === id ? [session] : []));
  }

  #sync(id: string, mood: number | undefined): void {
    const record = { mood: mood === undefined ? null : (MOODS[mood] ?? null), lastSeen: this.runtime.now() };
    this.#room.sync({ since: undefined, updates: [[id, record]], hasChannels: true });
  }

  #startRoom(): Room {
    const epoch = this.#epoch;
    // The timers of a hibernated object never run.
    const sleep = async (ms: number) => {
      await this.runtime.sleep(ms);
      if (epoch !== this.#epoch) await new Promise(() => undefined);
    };
    return new Room({
      ttlMs: TTL,
      runtime: { now: this.runtime.now, sleep },
      epoch: String(epoch),
      journal: this.#journal,
      sockets: this.open,
      report: () => undefined,
    });
  }
}

const IDS = [1, 2, 3].map(sessionId);
const id = fc.constantFrom(...IDS);
const mood = fc.nat(3);
const place = fc.nat(3);
const step = fc.oneof(
  fc.record({ does: fc.constantFrom('open', 'hibernate', 'alarm') }),
  fc.record({ does: fc.constant('join'), place, id, mood }),
  fc.record({ does: fc.constantFrom('ping', 'ping', 'close', 'handOver'), place }),
  fc.record({ does: fc.constantFrom('heartbeat', 'leave'), id, mood }),
  fc.record({ does: fc.constant('wait'), ms: fc.constantFrom(0, 100, 900, 5_000, 9_000, 20_000) }),
);
type Step = { does: string; place?: number; id?: string; mood?: number; ms?: number };

it('sockets, pings, heartbeats, leaves and hibernation in any order lose no session, keep none too long, and all sockets agree', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 50, size: 'max' }), async (steps: Step[]) => {
      const here = new Place();
      for (const { does, place = 0, id = '', mood = 0, ms = 0 } of steps) {
        const socket = here.open[place];
        if (does === 'open' && here.open.length < 4) here.openSocket();
        if (does === 'join' && socket) here.join(socket, id, mood);
        if (does === 'ping' && socket) here.ping(socket);
        if (does === 'close' && socket) here.close(socket);
        if (does === 'handOver' && socket) here.handOver(socket);
        if (does === 'heartbeat') here.heartbeat(id, mood);
        if (does === 'leave') here.leave(id);
        if (does === 'alarm') here.alarm();
        if (does === 'hibernate') await here.hibernate();
        if (does === 'wait') await here.wait(ms);
        // Another test has events within a few milliseconds: there the order decides the times.
        await here.runtime.advance(5);
        here.check();
      }
      await here.checkSockets();
    }),
    { numRuns: 1_000 },
  );
}, 30_000);

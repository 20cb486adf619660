import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { ROOM_EXPIRY_STEP_MS } from '../../../../src/limits';
import { MOODS } from '../../../../src/moods';
import { Room } from '../../../../src/presence/room/room';
import { HANDOVER_CODE } from '../../../../src/presence/room/socket-message';
import { totalOf, ZERO_COUNTS } from '../../../../src/presence/session';
import { sessionKey } from '../../../../src/presence/session-key';
import { FakeRuntime } from '../../../support/fake-runtime';
import { NO_HISTORY } from '../../../support/no-history';
import { sessionId } from '../../../support/session-id';
import { FakeSocket } from './fake-socket';
import { MemoryJournal } from './memory-journal';
import { TTL } from './room-replica';

/** A room hibernates ten seconds after its last event. By then its timers have run. */
const IDLE_MS = 12_000;

/** A socket with the expected times of its session. */
class ExpectedSocket extends FakeSocket {
  readonly channel: string;
  /** `seenAt`: the last message or ping (ms). `refreshedAt`: a later time that may keep the session instead (ms). */
  session: { readonly key: string; seenAt: number; refreshedAt: number } | undefined;

  constructor(channel: string) {
    super();
    this.channel = channel;
  }
}

/** A room with its sockets, and a plain list of the sessions that must be present. */
class RoomWithModel {
  readonly runtime = new FakeRuntime();
  readonly #journal = new MemoryJournal(this.runtime);
  readonly #heartbeats = new Map<string, number>();
  /** The sessions of sockets that closed with a handover. Each continues until one TTL after its last message or ping. */
  #handedOver: NonNullable<ExpectedSocket['session']>[] = [];
  readonly #sockets: ExpectedSocket[] = [];
  /** The keys that `check` omits. Their sessions pinged a TTL late, so they may be present or absent. */
  readonly #undecided = new Set<string>();
  #epoch = 0;
  #room = this.#startRoom();

  get open(): readonly ExpectedSocket[] {
    return this.#sockets.filter(({ isOpen }) => isOpen);
  }

  openSocket(channel: string): void {
    const socket = new ExpectedSocket(channel);
    this.#sockets.push(socket);
    this.#room.open(socket, channel);
  }

  join(socket: ExpectedSocket, id: string, mood: number): void {
    const key = sessionKey(socket.channel, id);
    if (socket.session?.key !== key) this.#endSession(socket);
    this.#room.receive(socket, JSON.stringify({ sessionId: id, mood: MOODS[mood] }));
    if (socket.isOpen) socket.session = { key, seenAt: this.runtime.now(), refreshedAt: 0 };
  }

  ping(socket: ExpectedSocket): void {
    socket.lastPingAt = this.runtime.now();
    const { session } = socket;
    if (session && session.seenAt + TTL > this.runtime.now()) session.seenAt = this.runtime.now();
    else if (session) this.#undecided.add(session.key);
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
      for (const other of this.#sessionsOf(session.key))
        other.refreshedAt = Math.max(other.refreshedAt, session.refreshedAt, session.seenAt);
    }
    this.#room.close(socket, HANDOVER_CODE);
  }

  heartbeat(key: string, mood: number): void {
    this.#heartbeats.set(key, this.runtime.now());
    this.#sync(key, mood);
  }

  leave(key: string): void {
    this.#end(key);
    // A leave refreshes a session with a live socket, and may keep it if the room hibernates soon.
    for (const { session } of this.open) if (session?.key === key) session.refreshedAt = this.runtime.now();
    this.#sync(key, undefined);
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

  /** Checks that the room counts every session that must be present, and no session that must have ended. */
  check(): void {
    const { sessions: present } = this.#room.sync({ since: undefined, updates: [], wantsChannels: true });
    const now = this.runtime.now();
    for (const key of KEYS) {
      if (this.#undecided.has(key)) continue;
      const sessions = [...this.#sessionsOf(key), ...this.#handedOver.filter((one) => one.key === key)];
      const seenAt = Math.max(this.#heartbeats.get(key) ?? 0, ...sessions.map((session) => session.seenAt));
      const refreshedAt = Math.max(seenAt, ...sessions.map((session) => session.refreshedAt));
      const isCounted = present.has(key);
      if (seenAt + TTL > now) expect(isCounted, `${key} is present`).toBe(true);
      if (refreshedAt + TTL + ROOM_EXPIRY_STEP_MS <= now) expect(isCounted, `${key} has ended`).toBe(false);
    }
    for (const channel of CHANNELS) {
      const sessions = [...present.keys()].filter((key) => KEYS_OF[channel]?.includes(key));
      expect(totalOf(this.#room.countsOf(channel)), `channel '${channel}'`).toBe(sessions.length);
    }
  }

  /** Checks that all sockets have the counts of their channels after the last broadcast. */
  async checkSockets(): Promise<void> {
    await this.wait(2_000);
    for (const { channel, last } of this.open)
      expect(last?.moods ?? ZERO_COUNTS).toEqual(this.#room.countsOf(channel));
  }

  /** Ends the session of a socket, unless another socket or a later HTTP heartbeat keeps it. */
  #endSession({ session }: ExpectedSocket): void {
    if (!session) return;
    const other = this.open.find(
      (one) => one.session !== session && one.session?.key === session.key,
    )?.session;
    if (other) other.refreshedAt = Math.max(other.refreshedAt, session.refreshedAt, session.seenAt);
    else if ((this.#heartbeats.get(session.key) ?? 0) <= Math.max(session.seenAt, session.refreshedAt))
      this.#end(session.key);
  }

  #end(key: string): void {
    this.#heartbeats.delete(key);
    this.#handedOver = this.#handedOver.filter((session) => session.key !== key);
  }

  /** The sessions of the open sockets with this key. */
  #sessionsOf(key: string) {
    return this.open.flatMap(({ session }) => (session?.key === key ? [session] : []));
  }

  #sync(key: string, mood: number | undefined): void {
    const record = { mood: mood === undefined ? null : (MOODS[mood] ?? null), lastSeen: this.runtime.now() };
    this.#room.sync({ since: undefined, updates: [[key, record]], wantsChannels: true });
  }

  #startRoom(): Room {
    const epoch = this.#epoch;
    // The timers of a hibernated room never run.
    const sleep = async (ms: number) => {
      await this.runtime.sleep(ms);
      if (epoch !== this.#epoch) await new Promise(() => undefined);
    };
    return new Room({
      ttlMs: TTL,
      runtime: { now: this.runtime.now, sleep },
      epoch: String(epoch),
      journal: this.#journal,
      historyStore: NO_HISTORY,
      sockets: this.open,
      report: () => undefined,
    });
  }
}

const IDS = [1, 2, 3].map(sessionId);
const CHANNELS = ['', 'lobby'];
const KEYS_OF = Object.fromEntries(
  CHANNELS.map((channel) => [channel, IDS.map((id) => sessionKey(channel, id))]),
);
const KEYS = Object.values(KEYS_OF).flat();
const id = fc.constantFrom(...IDS);
const channel = fc.constantFrom(...CHANNELS);
const mood = fc.nat(3);
const socket = fc.nat(3);
const step = fc.oneof(
  fc.record({ action: fc.constantFrom('open', 'hibernate', 'alarm'), channel }),
  fc.record({ action: fc.constant('join'), socket, id, mood }),
  fc.record({ action: fc.constantFrom('ping', 'ping', 'close', 'handOver'), socket }),
  fc.record({ action: fc.constantFrom('heartbeat', 'leave'), id, mood, channel }),
  fc.record({ action: fc.constant('wait'), ms: fc.constantFrom(0, 100, 900, 5_000, 9_000, 20_000) }),
);
type Step = { action: string; socket?: number; id?: string; mood?: number; ms?: number; channel?: string };

it('events in any order lose no session, keep no session too long, and give each socket the counts of its channel', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 50, size: 'max' }), async (steps: Step[]) => {
      const room = new RoomWithModel();
      for (const { action, socket: index = 0, id = '', mood = 0, ms = 0, channel = '' } of steps) {
        const socket = room.open[index];
        if (action === 'open' && room.open.length < 4) room.openSocket(channel);
        if (action === 'join' && socket) room.join(socket, id, mood);
        if (action === 'ping' && socket) room.ping(socket);
        if (action === 'close' && socket) room.close(socket);
        if (action === 'handOver' && socket) room.handOver(socket);
        if (action === 'heartbeat') room.heartbeat(sessionKey(channel, id), mood);
        if (action === 'leave') room.leave(sessionKey(channel, id));
        if (action === 'alarm') room.alarm();
        if (action === 'hibernate') await room.hibernate();
        if (action === 'wait') await room.wait(ms);
        // Otherwise the order within one millisecond decides, which the plain list does not model.
        await room.runtime.advance(5);
        room.check();
      }
      await room.checkSockets();
    }),
    { numRuns: 1_000 },
  );
}, 30_000);

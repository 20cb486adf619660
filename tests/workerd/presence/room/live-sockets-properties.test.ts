import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { ROOM_EXPIRY_STEP_MS } from '../../../../src/limits';
import { LiveSockets } from '../../../../src/presence/room/live-sockets';
import { Room } from '../../../../src/presence/room/room';
import { MOODS, NOBODY, totalOf } from '../../../../src/presence/session';
import { FakeRuntime } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
import { FakeSocket, real, stateOf } from './fake-socket';
import { MemoryJournal } from './memory-journal';

const TTL = 30_000;
/** A hibernating object is gone from memory ten seconds after the last event, and its timers have run by then. */
const IDLE_MS = 12_000;

/** A socket, and what the test knows of it: who joined, when he was last heard here, and when he gave another sign of life. */
class KnownSocket extends FakeSocket {
  guest: { readonly id: string; heardAt: number; signAt: number } | undefined;
}

/** A room with its sockets, which hibernates at will; and a naive list of who is here. */
class Place {
  readonly runtime = new FakeRuntime();
  readonly #journal = new MemoryJournal(this.runtime);
  readonly #beats = new Map<string, number>();
  readonly #all: KnownSocket[] = [];
  readonly #late = new Set<string>();
  #epoch = 0;
  #sockets = this.#startSockets();
  #room = this.#startRoom();

  get open(): readonly KnownSocket[] {
    return this.#all.filter(({ isOpen }) => isOpen);
  }

  openSocket(): void {
    this.#room.expire();
    this.#sockets.open(real(new KnownSocket()), this.#room.counts);
  }

  join(socket: KnownSocket, id: string, mood: number): void {
    if (socket.guest?.id !== id) this.#part(socket);
    this.#sockets.receive(real(socket), JSON.stringify({ sessionId: id, mood: MOODS[mood] }), this.#room);
    if (socket.isOpen) socket.guest = { id, heardAt: this.runtime.now(), signAt: 0 };
  }

  ping(socket: KnownSocket): void {
    socket.pingedAt = this.runtime.now();
    // Whoever comes back after a TTL may find himself closed, or not.
    const { guest } = socket;
    if (guest && guest.heardAt + TTL > this.runtime.now()) guest.heardAt = this.runtime.now();
    else if (guest) this.#late.add(guest.id);
  }

  close(socket: KnownSocket): void {
    socket.isOpen = false;
    this.#part(socket);
    this.#sockets.close(real(socket), this.#room);
  }

  beat(id: string, mood: number): void {
    this.#beats.set(id, this.runtime.now());
    this.#tell(id, mood);
  }

  leave(id: string): void {
    this.#beats.delete(id);
    // Of somebody who has a live socket this is a sign of life, if the room should hibernate soon.
    for (const { guest } of this.open) if (guest?.id === id) guest.signAt = this.runtime.now();
    this.#tell(id, undefined);
  }

  alarm(): void {
    this.#room.heard(this.#sockets.guests);
    this.#room.expire();
  }

  async hibernate(): Promise<void> {
    await this.wait(IDLE_MS);
    this.#epoch += 1;
    this.#sockets = this.#startSockets();
    this.#room = this.#startRoom();
    this.#room.heard(this.#sockets.guests);
  }

  async wait(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 100) await this.runtime.advance(100);
  }

  /** Nobody is lost, nobody counted past his time. */
  judge(): void {
    this.#room.expire();
    const now = this.runtime.now();
    for (const id of IDS) {
      if (this.#late.has(id)) continue;
      const guests = this.open.flatMap(({ guest }) => (guest?.id === id ? [guest] : []));
      const heardAt = Math.max(this.#beats.get(id) ?? 0, ...guests.map((guest) => guest.heardAt));
      const signAt = Math.max(heardAt, ...guests.map((guest) => guest.signAt));
      const isCounted = (this.#room.get(id)?.mood ?? null) !== null;
      if (heardAt + TTL > now) expect(isCounted, `${id} is here`).toBe(true);
      if (signAt + TTL + ROOM_EXPIRY_STEP_MS <= now) expect(isCounted, `${id} is gone`).toBe(false);
    }
    expect(totalOf(this.#room.counts)).toBe(IDS.filter((id) => this.#room.get(id)?.mood).length);
  }

  /** When all has been told, all are shown the same, and that is right. */
  async judgeScreens(): Promise<void> {
    await this.wait(2_000);
    for (const { shown } of this.open) expect(shown?.moods ?? NOBODY).toEqual(this.#room.counts);
  }

  /** A socket that leaves is the end of its session, unless there is another one, or a heartbeat by HTTP came later. */
  #part({ guest }: KnownSocket): void {
    if (!guest) return;
    const twin = this.open.find((other) => other.guest !== guest && other.guest?.id === guest.id)?.guest;
    if (twin) twin.signAt = Math.max(twin.signAt, guest.signAt, guest.heardAt);
    else if ((this.#beats.get(guest.id) ?? 0) <= Math.max(guest.heardAt, guest.signAt))
      this.#beats.delete(guest.id);
  }

  #tell(id: string, mood: number | undefined): void {
    const record = { mood: mood === undefined ? null : (MOODS[mood] ?? null), lastSeen: this.runtime.now() };
    this.#room.sync({ known: undefined, heard: new Map([[id, record]]) });
  }

  #startSockets(): LiveSockets {
    return new LiveSockets(
      stateOf(this.#all, () => this.open),
      this.runtime.now,
    );
  }

  #startRoom(): Room {
    const epoch = this.#epoch;
    // The timers of an object that is no more don't run.
    const sleep = async (ms: number) => {
      await this.runtime.sleep(ms);
      if (epoch !== this.#epoch) await new Promise(() => undefined);
    };
    const runtime = { now: this.runtime.now, sleep };
    return new Room({
      ttlMs: TTL,
      runtime,
      epoch: String(epoch),
      journal: this.#journal,
      audience: this.#sockets,
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
  fc.record({ does: fc.constantFrom('ping', 'ping', 'close'), place }),
  fc.record({ does: fc.constantFrom('beat', 'leave'), id, mood }),
  fc.record({ does: fc.constant('wait'), ms: fc.constantFrom(0, 100, 900, 5_000, 9_000, 20_000) }),
);
type Step = { does: string; place?: number; id?: string; mood?: number; ms?: number };

it('sockets, pings, heartbeats, leaves and hibernation in any order lose nobody, leave no ghost, and all screens agree', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 50, size: 'max' }), async (steps: Step[]) => {
      const here = new Place();
      for (const { does, place = 0, id = '', mood = 0, ms = 0 } of steps) {
        const socket = here.open[place];
        if (does === 'open' && here.open.length < 4) here.openSocket();
        if (does === 'join' && socket) here.join(socket, id, mood);
        if (does === 'ping' && socket) here.ping(socket);
        if (does === 'close' && socket) here.close(socket);
        if (does === 'beat') here.beat(id, mood);
        if (does === 'leave') here.leave(id);
        if (does === 'alarm') here.alarm();
        if (does === 'hibernate') await here.hibernate();
        if (does === 'wait') await here.wait(ms);
        // Replicas and the room stamp what comes within a few milliseconds by its order, which is another test.
        await here.runtime.advance(5);
        here.judge();
      }
      await here.judgeScreens();
    }),
    { numRuns: 1_000 },
  );
}, 30_000);

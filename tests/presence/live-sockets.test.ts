import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  LIVE_MESSAGE_BYTES_MAX,
  LIVE_MESSAGES_MAX,
  LIVE_MESSAGES_WINDOW_MS,
  ROOM_EXPIRY_STEP_MS,
} from '../../src/limits';
import { LiveSockets, type SocketState } from '../../src/presence/live-sockets';
import { Room } from '../../src/presence/room';
import type { SessionRecords } from '../../src/presence/session';
import { MOODS, type MoodCounts, NOBODY, totalOf } from '../../src/presence/session';
import { FakeWorld } from '../fake-world';
import { sessionId } from '../session-id';

const TTL = 30_000;
/** A hibernating object is gone from memory ten seconds after the last event, and its timers have run by then. */
const IDLE_MS = 12_000;

/** The platform's side of a socket. */
class FakeSocket {
  isOpen = true;
  pingedAt: number | undefined;
  shown: { readonly moods: MoodCounts } | undefined;
  shownTimes = 0;
  closed: { readonly code: number; readonly reason: string } | undefined;
  /** What the test knows of it: who joined, when he was last heard here, and when he gave another sign of life. */
  guest: { readonly id: string; heardAt: number; signAt: number } | undefined;
  #attachment: unknown = null;

  serializeAttachment(attachment: unknown): void {
    this.#attachment = structuredClone(attachment);
  }

  deserializeAttachment(): unknown {
    return structuredClone(this.#attachment);
  }

  send(text: string): void {
    if (!this.isOpen) throw new Error('The socket is closed.');
    this.shown = JSON.parse(text);
    this.shownTimes += 1;
  }

  close(code: number, reason: string): void {
    if (!this.isOpen) throw new Error('The socket is closed.');
    this.isOpen = false;
    this.closed = { code, reason };
  }
}

/** A fake is all of a socket that is used; the rest only the platform can make. */
const real = (socket: FakeSocket) => socket as unknown as WebSocket;

/** The platform's side of the object: its sockets are fakes, which the types cannot know. */
function stateOf(
  accepted: FakeSocket[],
  open: () => readonly FakeSocket[],
  setWebSocketAutoResponse: (pair: WebSocketRequestResponsePair) => void = () => undefined,
): SocketState {
  const state = {
    acceptWebSocket: (socket: FakeSocket) => void accepted.push(socket),
    getWebSockets: open,
    setWebSocketAutoResponse,
    getWebSocketAutoResponseTimestamp: ({ pingedAt }: FakeSocket) =>
      pingedAt === undefined ? null : new Date(pingedAt),
  };
  return state as unknown as SocketState;
}

/** A room with its sockets, which hibernates at will; and a naive list of who is here. */
class Place {
  readonly world = new FakeWorld();
  readonly #saved: { sessions: SessionRecords; savedAt: number; told: MoodCounts }[] = [];
  readonly #beats = new Map<string, number>();
  readonly #all: FakeSocket[] = [];
  readonly #late = new Set<string>();
  #epoch = 0;
  #sockets = this.#startSockets();
  #room = this.#startRoom();

  get open(): readonly FakeSocket[] {
    return this.#all.filter(({ isOpen }) => isOpen);
  }

  openSocket(): void {
    this.#room.expire();
    this.#sockets.open(real(new FakeSocket()), this.#room.counts);
  }

  join(socket: FakeSocket, id: string, mood: number): void {
    if (socket.guest?.id !== id) this.#part(socket);
    this.#sockets.receive(real(socket), JSON.stringify({ sessionId: id, mood: MOODS[mood] }), this.#room);
    if (socket.isOpen) socket.guest = { id, heardAt: this.world.now(), signAt: 0 };
  }

  ping(socket: FakeSocket): void {
    socket.pingedAt = this.world.now();
    // Whoever comes back after a TTL may find himself closed, or not.
    const { guest } = socket;
    if (guest && guest.heardAt + TTL > this.world.now()) guest.heardAt = this.world.now();
    else if (guest) this.#late.add(guest.id);
  }

  close(socket: FakeSocket): void {
    socket.isOpen = false;
    this.#part(socket);
    this.#sockets.close(real(socket), this.#room);
  }

  beat(id: string, mood: number): void {
    this.#beats.set(id, this.world.now());
    this.#tell(id, mood);
  }

  leave(id: string): void {
    this.#beats.delete(id);
    // Of somebody who has a live socket this is a sign of life, if the room should hibernate soon.
    for (const { guest } of this.open) if (guest?.id === id) guest.signAt = this.world.now();
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
    for (let passed = 0; passed < ms; passed += 100) await this.world.advance(100);
  }

  /** Nobody is lost, nobody counted past his time. */
  judge(): void {
    this.#room.expire();
    const now = this.world.now();
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
  #part({ guest }: FakeSocket): void {
    if (!guest) return;
    const twin = this.open.find((other) => other.guest !== guest && other.guest?.id === guest.id)?.guest;
    if (twin) twin.signAt = Math.max(twin.signAt, guest.signAt, guest.heardAt);
    else if ((this.#beats.get(guest.id) ?? 0) <= Math.max(guest.heardAt, guest.signAt))
      this.#beats.delete(guest.id);
  }

  #tell(id: string, mood: number | undefined): void {
    const record = { mood: mood === undefined ? null : (MOODS[mood] ?? null), lastSeen: this.world.now() };
    this.#room.sync({ known: undefined, heard: new Map([[id, record]]) });
  }

  #startSockets(): LiveSockets {
    return new LiveSockets(
      stateOf(this.#all, () => this.open),
      this.world.now,
    );
  }

  #startRoom(): Room {
    const epoch = this.#epoch;
    const journal = {
      read: () => {
        const last = this.#saved.at(-1);
        return {
          sessions: this.#saved.map(({ sessions }) => sessions),
          savedAt: last?.savedAt,
          told: last?.told,
        };
      },
      append: (sessions: SessionRecords, told: MoodCounts) =>
        void this.#saved.push({ sessions, savedAt: this.world.now(), told: { ...told } }),
    };
    // The timers of an object that is no more don't run.
    const sleep = async (ms: number) => {
      await this.world.sleep(ms);
      if (epoch !== this.#epoch) await new Promise(() => undefined);
    };
    const world = { now: this.world.now, sleep };
    return new Room({ ttlMs: TTL, world, epoch: String(epoch), journal, audience: this.#sockets });
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
        await here.world.advance(5);
        here.judge();
      }
      await here.judgeScreens();
    }),
    { numRuns: 1_000 },
  );
}, 30_000);

describe('a live socket', () => {
  const [ANNA, BEN] = [sessionId(1), sessionId(2)];
  const JOIN = { sessionId: ANNA, mood: 'gratitude' };
  let world: FakeWorld;
  let accepted: FakeSocket[];
  let autoResponse: WebSocketRequestResponsePair | undefined;
  let sockets: LiveSockets;
  let room: Room;

  const start = (open: readonly FakeSocket[]): LiveSockets => {
    const state = stateOf(
      accepted,
      () => open,
      (pair) => {
        autoResponse = pair;
      },
    );
    return new LiveSockets(state, world.now);
  };

  beforeEach(() => {
    world = new FakeWorld();
    accepted = [];
    sockets = start([]);
    room = newRoom();
  });

  function newRoom(): Room {
    const journal = {
      read: () => ({ sessions: [], savedAt: undefined, told: undefined }),
      append: () => undefined,
    };
    return new Room({ ttlMs: TTL, world, epoch: '', journal, audience: sockets });
  }

  function open(): FakeSocket {
    const socket = new FakeSocket();
    sockets.open(real(socket), room.counts);
    return socket;
  }

  function send(socket: FakeSocket, message: unknown): void {
    const isRaw = typeof message === 'string' || message instanceof ArrayBuffer;
    sockets.receive(real(socket), isRaw ? message : JSON.stringify(message), room);
  }

  /** A message of just so many bytes that joins. */
  function joinOf(bytes: number, filler = 'x'): string {
    const empty = JSON.stringify({ ...JOIN, filler: '' });
    const fillerBytes = new TextEncoder().encode(filler).byteLength;
    return JSON.stringify({ ...JOIN, filler: filler.repeat((bytes - empty.length) / fillerBytes) });
  }

  it('is accepted, counted among the open ones, and shown the counts at once', () => {
    send(open(), JOIN);
    const watcher = open();
    expect(accepted).toContain(watcher);
    expect(sockets.size).toBe(2);
    expect(watcher.shown).toEqual({
      count: 1,
      moods: { ...NOBODY, gratitude: 1 },
      timestamp: world.now(),
    });
  });

  it('is shown within a second who joins after it was opened', async () => {
    const watcher = open();
    send(open(), JOIN);
    await world.advance(0);
    expect(watcher.shown?.moods).toEqual({ ...NOBODY, gratitude: 1 });
  });

  it('has its pings answered by the platform', () => {
    expect(autoResponse).toMatchObject({ request: 'ping', response: 'pong' });
  });

  it('is shown nothing twice', () => {
    const watcher = open();
    sockets.tell({ ...NOBODY });
    expect(watcher.shownTimes).toBe(1);
    sockets.tell({ ...NOBODY, release: 1 });
    expect(watcher.shownTimes).toBe(2);
  });

  it.each([
    ['no JSON', '{', 1008, 'The message must be a JSON object.'],
    ['no object', 7, 1008, 'The message must be a JSON object.'],
    ['bytes', new ArrayBuffer(1), 1008, 'Send text.'],
    ['no mood', { sessionId: ANNA }, 1008, 'mood must be one of: gratitude, presence, release, connection.'],
    [
      'an id that is none',
      { ...JOIN, sessionId: 'anna' },
      1008,
      'sessionId must be a UUID: 8-4-4-4-12 hexadecimal digits.',
    ],
    ['a mood before it has joined', { mood: 'release' }, 1008, 'Join first: send sessionId and mood.'],
    ['too much', joinOf(LIVE_MESSAGE_BYTES_MAX + 1), 1009, 'Send at most 1024 bytes.'],
    ['too much in few letters', joinOf(LIVE_MESSAGE_BYTES_MAX + 1, 'é'), 1009, 'Send at most 1024 bytes.'],
  ])('that sends %s is closed with what it should send', (_what, message, code, reason) => {
    const socket = open();
    send(socket, message);
    expect(socket.closed).toEqual({ code, reason });
    expect(sockets.size).toBe(0);
    expect(room.counts).toEqual(NOBODY);
  });

  it('may send a message of 1,024 bytes', () => {
    const socket = open();
    send(socket, joinOf(LIVE_MESSAGE_BYTES_MAX));
    expect(socket.isOpen).toBe(true);
    expect(room.counts.gratitude).toBe(1);
  });

  it('may send 20 messages in ten seconds, again and again, and no more', async () => {
    const socket = open();
    for (let round = 0; round < 3; round += 1) {
      for (let n = 0; n < LIVE_MESSAGES_MAX; n += 1) send(socket, JOIN);
      expect(socket.isOpen).toBe(true);
      await world.advance(LIVE_MESSAGES_WINDOW_MS);
    }
    send(socket, JOIN);
    await world.advance(LIVE_MESSAGES_WINDOW_MS - 1);
    for (let n = 1; n < LIVE_MESSAGES_MAX; n += 1) send(socket, JOIN);
    expect(socket.isOpen).toBe(true);
    send(socket, JOIN);
    expect(socket.closed).toEqual({ code: 1008, reason: 'Too many messages.' });
    expect(room.counts).toEqual(NOBODY);
  });

  it('that was closed is heard no more, whatever it goes on sending', () => {
    const socket = open();
    send(socket, '{');
    send(socket, JOIN);
    expect(room.counts).toEqual(NOBODY);
    expect(sockets.size).toBe(0);
  });

  it('that breaks at the moment it is told or closed does no harm', () => {
    const [broken, watcher] = [open(), open()];
    send(broken, JOIN);
    broken.isOpen = false;
    sockets.tell(room.counts);
    expect(watcher.shown?.moods).toEqual(room.counts);
    sockets.ended(ANNA);
    expect(sockets.size).toBe(1);
  });

  it('that joins as somebody else leaves as who it was', () => {
    const socket = open();
    send(socket, JOIN);
    send(socket, { sessionId: BEN, mood: 'release' });
    expect(room.counts).toEqual({ ...NOBODY, release: 1 });
    expect(sockets.heardAt(ANNA)).toBeUndefined();
    expect(sockets.heardAt(BEN)).toBe(world.now());
  });

  it('of somebody silent is closed with a reason, and is no longer known as his after the object has slept', () => {
    const socket = open();
    send(socket, JOIN);
    sockets.ended(ANNA);
    expect(socket.closed).toEqual({ code: 1008, reason: 'Silent for too long: send ping.' });
    expect(sockets.size).toBe(0);
    expect(sockets.heardAt(ANNA)).toBeUndefined();
    expect(start([socket]).guests.size).toBe(0);
  });

  it('is one of several that a person may have: the last word of any counts, and only his last closing is a leave', async () => {
    const [first, second] = [open(), open()];
    send(first, JOIN);
    await world.advance(1_000);
    send(second, { sessionId: ANNA, mood: 'release' });
    const secondAt = world.now();
    expect(sockets.guests).toEqual(new Map([[ANNA, { mood: 'release', lastSeen: secondAt }]]));
    await world.advance(1_000);
    first.pingedAt = world.now();
    expect(sockets.heardAt(ANNA)).toBe(world.now());
    expect(sockets.guests.get(ANNA)?.lastSeen).toBe(world.now());
    sockets.close(real(first), room);
    expect(room.counts).toEqual({ ...NOBODY, release: 1 });
    sockets.close(real(second), room);
    expect(room.counts).toEqual(NOBODY);
    expect(second.closed).toEqual({ code: 1000, reason: '' });
  });

  it('whose closing has woken the object is a leave, and none where the room has forgotten', () => {
    const socket = open();
    send(socket, JOIN);
    sockets = start([]);
    sockets.close(real(socket), room);
    expect(room.counts).toEqual(NOBODY);
    const other = open();
    send(other, JOIN);
    sockets = start([]);
    room = newRoom();
    sockets.close(real(other), room);
    expect(room.counts).toEqual(NOBODY);
    expect(room.get(ANNA)).toBeUndefined();
  });

  it('that closes is no leave if a heartbeat by HTTP came later', async () => {
    const socket = open();
    send(socket, JOIN);
    await world.advance(1_000);
    const beat = { mood: 'release', lastSeen: world.now() } as const;
    room.sync({ known: undefined, heard: new Map([[ANNA, beat]]) });
    sockets.close(real(socket), room);
    expect(room.counts).toEqual({ ...NOBODY, release: 1 });
  });

  it('that only watched is no leave of anybody', () => {
    send(open(), JOIN);
    const watcher = open();
    sockets.close(real(watcher), room);
    expect(watcher.closed).toEqual({ code: 1000, reason: '' });
    expect(room.counts.gratitude).toBe(1);
    expect(sockets.guests.size).toBe(1);
  });
});

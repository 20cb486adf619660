import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import type { History } from '../../src/presence/history';
import type { PresenceState } from '../../src/presence/session';
import { COMPATIBILITY_DATE } from '../support/compatibility-date';
import { limiterOf } from '../support/limiter';
import { LiveClient } from '../support/live-client';
import { RECORDED_AT } from '../support/recording';
import {
  CLOCK_HEADER,
  ISOLATE_HEADER,
  type Put,
  ROOM_HEADER,
  type RoomState,
  type Version,
} from './test-protocol';

/** The clock of each test starts here. It is in the future, otherwise workerd runs the alarms of a room at once. */
const START = RECORDED_AT;

/** A sync or a message takes fewer requests on a local machine. */
const TURNS_MAX = 200;
const TURN_MS = 10;

/** The time from one sync to the next, by the clock of the deployment. It is a little more than the sync interval. */
const KV_ROUND_MS = 10_001;
const ROOM_ROUND_MS = 1_001;

type RoomCalls = RoomState['calls'];

interface Health {
  readonly status: string;
  /** Version 1.0 has none. */
  readonly reason?: string | null;
  readonly lastSyncAgeMs: number | null;
}

/** A replica of one version. Without the name of a channel, each call is one of the default channel. */
export interface Isolate {
  readonly version: Version;
  heartbeat(sessionId: string, mood?: string, channel?: string): Promise<PresenceState>;
  leave(sessionId: string, channel?: string): Promise<void>;
  presence(channel?: string): Promise<PresenceState>;
  health(): Promise<Health>;
  history(): Promise<History>;
  /** Sends a request that starts the due sync, and waits until that sync has ended. */
  sync(): Promise<void>;
  /** Opens a live socket at the room. */
  open(channel?: string): Promise<LiveClient>;
  /** Requests a live socket that the isolate must refuse. Returns the status and the type of the problem. */
  openRefused(channel?: string): Promise<{ readonly status: number; readonly type: string }>;
}

/**
 * A rolling deploy: a Worker of 1.0 and one of this version in one workerd, with one hub between them. The clock stands still until a
 * test moves it.
 */
export class Deployment {
  readonly #miniflare: Miniflare;
  readonly #hasRoom: boolean;
  #isolates = 0;
  #rooms = 0;
  #calls: RoomCalls = [];
  nowMs = START;

  /**
   * @param room The version of the room; undefined for the hub on KV.
   * @param channels The setting `CHANNELS` of today's isolates and of the room, which reads it in today's version only.
   */
  constructor(room?: Version, channels?: string) {
    this.#hasRoom = room !== undefined;
    const worker = (name: string, version: Version) => ({
      name,
      modules: true,
      scriptPath: 'dist/tests/mixed.js',
      compatibilityDate: COMPATIBILITY_DATE,
      kvNamespaces: { PRESENCE_KV: 'shared' },
      bindings: {
        VERSION: version,
        PRESENCE_HUB: room === undefined ? 'kv' : 'durable-object',
        ...(channels !== undefined && name !== '1.0' && { CHANNELS: channels }),
      },
      ratelimits: limiterOf(),
      unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
      durableObjects: { PRESENCE_ROOM: { className: 'PresenceRoom', scriptName: 'room', useSQLite: true } },
    });
    const workers = [worker('1.0', '1.0'), worker('today', 'today'), worker('room', room ?? 'today')];
    this.#miniflare = new Miniflare(convertV4MiniflareOptions({ workers }));
  }

  dispose(): Promise<void> {
    return this.#miniflare.dispose();
  }

  /** Empties KV, opens a room that no test has used, and sets the clock back. */
  async reset(): Promise<void> {
    this.nowMs = START;
    this.#rooms += 1;
    this.#calls = [];
    const kv = await this.#kv();
    for (const { name } of (await kv.list()).keys) await kv.delete(name);
    // A room takes the time of its isolate when it is made.
    if (this.#hasRoom) await this.room();
  }

  /** A fresh replica of that version, in a location. */
  isolate(version: Version, colo = 'AMS'): Isolate {
    this.#isolates += 1;
    const isolate = String(this.#isolates);
    const request = (path: string, body?: object) =>
      this.#request(version, path, { isolate, colo, ...(body && { body: JSON.stringify(body) }) });
    const health = async () => (await (await request('/health')).json()) as Health;
    // The contract test checks the shapes.
    const presence = async (channel?: string) =>
      (await (await request(pathOf('presence', channel))).json()) as PresenceState;
    return {
      version,
      heartbeat: async (sessionId, mood = 'presence', channel) =>
        (await (await request(pathOf('heartbeat', channel), { sessionId, mood })).json()) as PresenceState,
      leave: async (sessionId, channel) =>
        void (await (await request(pathOf('leave', channel), { sessionId })).text()),
      presence,
      health,
      history: async () => (await (await request('/api/history')).json()) as History,
      sync: async () => {
        await presence();
        await until(async () => (await health()).lastSyncAgeMs === 0);
      },
      open: async (channel) => {
        const url = await this.#miniflare.unsafeGetDirectURL(version);
        const live = new URL(pathOf('live', channel), url).href.replace(/^http/, 'ws');
        return LiveClient.open(live, this.#headers(isolate));
      },
      openRefused: async (channel) => {
        const worker = await this.#miniflare.getWorker(version);
        const headers = { ...this.#headers(isolate), Upgrade: 'websocket' };
        const response = await worker.fetch(`http://localhost${pathOf('live', channel)}`, { headers });
        const { type } = (await response.json()) as { type: string };
        return { status: response.status, type };
      },
    };
  }

  /** Moves the clock, also the room's if there is one. */
  async pass(ms: number): Promise<void> {
    this.nowMs += ms;
    if (this.#hasRoom) await this.room();
  }

  /** Moves the clock by one round, and lets the isolates sync one after the other. */
  async syncAll(isolates: readonly Isolate[]): Promise<void> {
    await this.pass(this.#hasRoom ? ROOM_ROUND_MS : KV_ROUND_MS);
    for (const isolate of isolates) {
      // Otherwise two writes to KV have the same millisecond, and look like one.
      if (!this.#hasRoom) await this.pass(1);
      await isolate.sync();
    }
  }

  /** Runs the due timers of the room, and returns its state. */
  async room(): Promise<RoomState> {
    const state = (await (await this.#request('room', '/test/room')).json()) as RoomState;
    this.#calls = [...this.#calls, ...state.calls];
    return state;
  }

  /** Returns all calls to the room since the test started. */
  async calls(): Promise<RoomCalls> {
    await this.room();
    return this.#calls;
  }

  /** Sends a message to the room, and waits until the room keeps its mood with the socket. */
  async send(client: LiveClient, message: { sessionId?: string; mood: string }): Promise<void> {
    client.send(message);
    await until(async () => {
      const { attachments } = await this.room();
      return attachments.some((attachment) => moodOf(attachment) === message.mood);
    });
  }

  /** Waits until the last state of the socket has this count. The clock moves, because the room sends once a second. */
  async shows(client: LiveClient, count: number): Promise<void> {
    await until(async () => {
      await this.pass(TURN_MS);
      return client.states.at(-1)?.count === count;
    });
  }

  /** Adds that many sessions to the room. */
  async fill(sessions: number): Promise<void> {
    await (await this.#request('room', '/test/fill', { body: String(sessions) })).text();
  }

  /** Runs the alarm of the room. */
  async alarm(): Promise<void> {
    await (await this.#request('room', '/test/alarm')).text();
  }

  /** The next event constructs the room of that version. */
  async deployRoom(version: Version): Promise<void> {
    await (await this.#request('room', '/test/deploy', { body: version })).text();
  }

  /** Lets the room hibernate: it loses its memory and its timers, and keeps its sockets. */
  async hibernate(): Promise<void> {
    await this.#miniflare.unsafeEvictDurableObject('room', 'PresenceRoom', {
      name: this.#roomName,
      webSockets: 'hibernate',
    });
  }

  /** Returns what the isolates of that version wrote into KV since the last call. */
  async puts(version: Version): Promise<readonly Put[]> {
    return (await (await this.#request(version, '/test/puts')).json()) as readonly Put[];
  }

  #kv() {
    return this.#miniflare.getKVNamespace('PRESENCE_KV', 'today');
  }

  get #roomName(): string {
    return `room-${this.#rooms}`;
  }

  #headers(isolate: string) {
    return { [CLOCK_HEADER]: String(this.nowMs), [ISOLATE_HEADER]: isolate, [ROOM_HEADER]: this.#roomName };
  }

  async #request(
    worker: Version | 'room',
    path: string,
    { isolate = '', colo = 'AMS', body }: { isolate?: string; colo?: string; body?: string } = {},
  ) {
    const response = await (await this.#miniflare.getWorker(worker)).fetch(`http://localhost${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { 'Content-Type': 'application/json', ...this.#headers(isolate) },
      body: body ?? null,
      cf: { colo },
    });
    if (response.status !== 200) throw new Error(`${path} answered ${response.status}`);
    return response;
  }
}

/** Waits until the condition holds, and throws after TURNS_MAX attempts. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; !(await holds()); turn += 1)
    if (turn === TURNS_MAX) throw new Error('The condition never holds.');
}

const pathOf = (action: string, channel?: string) =>
  channel === undefined ? `/api/${action}` : `/api/channels/${channel}/${action}`;

/** Returns the mood of the session in an attachment. A socket of a named channel has its session in another key. */
function moodOf(attachment: unknown): unknown {
  const kept = attachment as { mood?: unknown; session?: { mood?: unknown } } | null;
  return kept?.session?.mood ?? kept?.mood;
}

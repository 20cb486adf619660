import { createApp as createAppOf1 } from 'version-1.0/app';
import { PresenceRoom as RoomOf1 } from 'version-1.0/presence-room';
import { createApp } from '../../src/app';
import type { Bindings } from '../../src/config';
import type { WireAnswer, WireReport } from '../../src/presence/room/room-protocol';
import { PresenceRoom as TodaysRoom } from '../../src/presence-room';
import { sessionId } from '../support/session-id';
import {
  CLOCK_HEADER,
  ISOLATE_HEADER,
  type Put,
  ROOM_HEADER,
  type RoomState,
  type Version,
} from './test-protocol';

interface Env extends Bindings {
  readonly VERSION: Version;
}

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

let now = 0;
let timers: Timer[] = [];

// The room takes its time from `Date.now` and `setTimeout`.
Date.now = () => now;
globalThis.setTimeout = ((run: () => void, ms: number) =>
  timers.push({ at: now + ms, run })) as unknown as typeof setTimeout;

/** The clock stands still until a test moves it, and no sleep ends. Otherwise a deferred task syncs at a random moment. */
const RUNTIME = { now: () => now, random: () => 0.5, sleep: () => new Promise<void>(() => undefined) };

/** Returns a room class that records the calls of its replicas, and that shows its state to a test. */
const observable = (version: Version, Room: typeof TodaysRoom) =>
  class extends Room {
    readonly #calls: RoomState['calls'][number][] = [];

    override async sync(report: WireReport): Promise<WireAnswer> {
      const answer = await super.sync(report);
      if (answer.sessions.size > CALL_SESSIONS_MAX) return answer;
      this.#calls.push({ report: withObjects(report), answer: withObjects(answer) });
      return answer;
    }

    /** Moves the clock of the room, and runs the timers that are due, each at its time. */
    async pass(nowMs: number): Promise<RoomState> {
      for (let timer = takeDue(nowMs); timer !== undefined; timer = takeDue(nowMs)) {
        now = Math.max(now, timer.at);
        timer.run();
        for (let turn = 0; turn < MICROTASKS; turn += 1) await Promise.resolve();
      }
      now = nowMs;
      const { sql } = this.ctx.storage;
      const isEmpty =
        sql.exec("SELECT name FROM sqlite_master WHERE name = 'journal'").toArray().length === 0;
      return {
        version,
        rows: isEmpty ? [] : sql.exec('SELECT * FROM journal ORDER BY rowid').toArray(),
        attachments: this.ctx.getWebSockets().map((socket) => socket.deserializeAttachment()),
        alarmAt: await this.ctx.storage.getAlarm(),
        calls: this.#calls.splice(0),
      };
    }

    /** Merges that many sessions, in calls of replicas that know all earlier sessions. */
    async fill(count: number): Promise<void> {
      const record = { mood: 'presence', lastSeen: now } as const;
      let known: WireReport['known'];
      for (let from = 0; from < count; from += FILL_SESSIONS) {
        const ids = Array.from(
          { length: Math.min(FILL_SESSIONS, count - from) },
          (_, n) => FILLED + from + n,
        );
        const sessions = new Map(ids.map((n) => [sessionId(n), record]));
        ({ version: known } = await super.sync({ known, heard: sessions }));
      }
    }

    /** Runs the alarm at this time, as the platform does. */
    async runAlarm(nowMs: number): Promise<void> {
      now = nowMs;
      await this.ctx.storage.deleteAlarm();
      await this.alarm();
    }
  };

/** Returns a message with objects in place of its Maps, which JSON cannot hold. */
const withObjects = (message: object) =>
  Object.fromEntries(
    Object.entries(message).map(([key, value]) => [
      key,
      value instanceof Map ? Object.fromEntries(value) : value,
    ]),
  );

/** A call with more sessions is not recorded, because RPC takes at most 32 MiB. */
const CALL_SESSIONS_MAX = 1_000;

/** Sessions in one call, few enough to be sent as changes. */
const FILL_SESSIONS = 4_000;
/** The number of the first session that fills the room. */
const FILLED = 1_000_000;

/** The work that a timer starts takes fewer microtasks. */
const MICROTASKS = 10;

/** Removes the next timer that is due by then, and returns it. */
function takeDue(untilMs: number): Timer | undefined {
  const [next] = timers.filter(({ at }) => at <= untilMs).sort((a, b) => a.at - b.at);
  timers = timers.filter((timer) => timer !== next);
  return next;
}

const VERSIONS = {
  '1.0': { createApp: createAppOf1, Room: observable('1.0', RoomOf1) },
  today: { createApp, Room: observable('today', TodaysRoom) },
};

/** The version of the next room object, if a test has changed it. */
let deployed: Version | undefined;

/** Constructs the room of the deployed version. A test has one room, so the timers of an earlier one are dropped. */
export const PresenceRoom = new Proxy(VERSIONS.today.Room, {
  construct: (_, [state, env]: [DurableObjectState, Env]) => {
    timers = [];
    return new VERSIONS[deployed ?? env.VERSION].Room(state, env);
  },
});

/** A replica: an app and the bindings that it gets with every request. */
interface Replica {
  readonly app: ReturnType<typeof createApp>;
  readonly bindings: Bindings;
}

const replicas = new Map<string, Replica>();

function replicaOf(name: string, env: Env, room: RoomOfTest): Replica {
  const known = replicas.get(name);
  if (known !== undefined) return known;
  const { PRESENCE_KV } = env;
  const PRESENCE_ROOM = { getByName: room } as unknown as NonNullable<Bindings['PRESENCE_ROOM']>;
  const replica = {
    app: VERSIONS[env.VERSION].createApp(RUNTIME),
    bindings: { ...env, PRESENCE_ROOM, ...(PRESENCE_KV && { PRESENCE_KV: observed(PRESENCE_KV) }) },
  };
  replicas.set(name, replica);
  return replica;
}

let puts: Put[] = [];

/** Returns the namespace with a `put` that records each write. */
function observed(kv: KVNamespace): KVNamespace {
  const put = (key: string, value: string, options?: KVNamespacePutOptions) => {
    puts.push({ key, value: JSON.parse(value), options });
    return kv.put(key, value, options);
  };
  const [get, getWithMetadata, list] = [kv.get, kv.getWithMetadata, kv.list].map((method) => method.bind(kv));
  return { get, getWithMetadata, list, put } as unknown as KVNamespace;
}

type RoomOfTest = () => InstanceType<typeof PresenceRoom>;

export default {
  async fetch(request, env, context) {
    const nowMs = Number(request.headers.get(CLOCK_HEADER));
    const { pathname } = new URL(request.url);
    // A room that exists moves the clock forward itself, from timer to timer.
    if (pathname !== '/test/room' || now === 0 || nowMs < now) now = nowMs;
    const name = request.headers.get(ROOM_HEADER) ?? '';
    // The types of a namespace know no methods of a class that is made at run time.
    const room: RoomOfTest = () => env.PRESENCE_ROOM?.getByName(name) as unknown as ReturnType<RoomOfTest>;
    switch (pathname) {
      case '/test/room':
        return Response.json(await room().pass(nowMs));
      case '/test/puts': {
        const written = puts;
        puts = [];
        return Response.json(written);
      }
      case '/test/fill':
        await room().fill(Number(await request.text()));
        return new Response();
      case '/test/alarm':
        await room().runAlarm(nowMs);
        return new Response();
      case '/test/deploy':
        deployed = (await request.text()) as Version;
        return new Response();
      default: {
        const { app, bindings } = replicaOf(request.headers.get(ISOLATE_HEADER) ?? '', env, room);
        return app.fetch(request, bindings, context);
      }
    }
  },
} satisfies ExportedHandler<Env>;

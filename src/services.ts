import { answerTemplates } from './api/answers';
import type { OpenLive } from './api/live';
import { NewSessions } from './api/new-sessions';
import type { Service } from './api/routes';
import { type Bindings, type LiveRoomStub, parseSettings, type Settings } from './config';
import { LIVE_OPEN_MAX_MS, SERVICES_MAX, SERVICES_WINDOW_MS } from './limits';
import { HistoryReader } from './presence/history-reader';
import type { Hub } from './presence/hub';
import { KvHub } from './presence/kv/kv-hub';
import { LocalHub } from './presence/local-hub';
import { PresenceStore } from './presence/presence-store';
import { RoomHub } from './presence/room/room-hub';
import { CHANNELS_HEADER, ROOM_NAME, urlOfChannel } from './presence/room/room-protocol';
import { DEFAULT_CHANNEL } from './presence/session-key';
import { RateLimitedLog, type Report } from './rate-limited-log';
import type { Runtime } from './runtime';

interface Entry extends Service {
  /** The hub on KV, until a request shows the location of the isolate. */
  hubToLocate: KvHub | undefined;
}

interface Recent {
  readonly env: Bindings;
  readonly entry: Entry;
}

/**
 * The services of one app: one for each set of bindings and variables, so one per isolate on the platform.
 *
 * Some servers pass a new `env` object with each request. An `env` with the same content gets the same service, otherwise each
 * request would have a replica of its own.
 */
export class Services {
  readonly #runtime: Runtime;
  readonly #report: Report;
  readonly #byEnv = new WeakMap<object, Entry>();
  /** The services in the order of their last use, with their bindings and variables. */
  #recent: readonly Recent[] = [];
  /** Number of services created in the current window, and its start (ms). */
  #created = { count: 0, since: Number.NEGATIVE_INFINITY };
  #manyReplicasUntil = Number.NEGATIVE_INFINITY;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#report = newReport(runtime);
  }

  /** @throws {Error} if a variable is wrong. */
  of(env: Bindings, request: Request): Service {
    const entry = this.#byEnv.get(env) ?? this.#find(env);
    if (entry.hubToLocate !== undefined) locate(entry, request);
    return entry;
  }

  #find(env: Bindings): Entry {
    const known = this.#recent.find((recent) => BINDINGS.every((name) => recent.env[name] === env[name]));
    const found = known ?? {
      env: Object.fromEntries(BINDINGS.map((name) => [name, env[name]])),
      entry: this.#create(env),
    };
    this.#byEnv.set(env, found.entry);
    this.#recent = [found, ...this.#recent.filter((recent) => recent !== found)].slice(0, SERVICES_MAX);
    return found.entry;
  }

  #create(env: Bindings): Entry {
    const hasManyReplicas = () => this.#runtime.now() < this.#manyReplicasUntil;
    const entry = createService(env, this.#runtime, hasManyReplicas);
    this.#countService();
    return entry;
  }

  /** A process may serve several sets of bindings. More than the limit within a minute means that each request has different ones. */
  #countService(): void {
    const now = this.#runtime.now();
    if (now >= this.#created.since + SERVICES_WINDOW_MS) this.#created = { count: 0, since: now };
    this.#created.count += 1;
    if (this.#created.count <= SERVICES_MAX) return;
    this.#manyReplicasUntil = now + SERVICES_WINDOW_MS;
    this.#report('each request has different bindings, so each request has a replica of its own');
  }
}

/** The names of all bindings and variables. */
const BINDINGS = Object.keys({
  PRESENCE_HUB: true,
  PRESENCE_KV: true,
  PRESENCE_ROOM: true,
  NEW_SESSIONS: true,
  NEW_CHANNELS: true,
  SESSION_TTL_SECONDS: true,
  SYNC_INTERVAL_SECONDS: true,
  SESSIONS_MAX: true,
  NEW_SESSION_LIMIT: true,
  ALLOWED_ORIGINS: true,
  PRESENCE_CACHE_SECONDS: true,
  CHANNELS: true,
  CHANNELS_MAX: true,
} satisfies Record<keyof Bindings, true>) as readonly (keyof Bindings)[];

const newReport = (runtime: Runtime) => new RateLimitedLog(runtime.now, (line) => console.warn(line)).report;

/** @throws {Error} if a variable is wrong. */
function createService(env: Bindings, runtime: Runtime, hasManyReplicas: () => boolean): Entry {
  const settings = parseSettings(env);
  const { timing, sessionsMax, channels, lowered } = settings;
  const report = newReport(runtime);
  const limiter = settings.limitsNewSessions ? env.NEW_SESSIONS : 'off';
  const channelLimiter = settings.limitsNewSessions && channels?.hasPrefixes ? env.NEW_CHANNELS : 'off';
  const { hub, room } = createHub(env, settings, runtime, report);
  // This line has a log of its own, otherwise another line of the same minute suppresses it.
  if (lowered.length > 0) newReport(runtime)(`lowered ${lowered.join('; ')}`);
  return {
    settings,
    store: new PresenceStore({ hub, timing, sessionsMax, channels, runtime, report }),
    newSessions: new NewSessions({ limiter, channelLimiter, runtime, report: newReport(runtime) }),
    openLive: room && openLiveIn(room, runtime, report),
    history: room && new HistoryReader({ room, runtime, report }),
    answerTemplate: answerTemplates(settings, room !== undefined),
    hasManyReplicas,
    hubToLocate: hub instanceof KvHub ? hub : undefined,
  };
}

function createHub(
  env: Bindings,
  settings: Settings,
  runtime: Runtime,
  report: Report,
): { hub: Hub; room?: () => LiveRoomStub } {
  const { PRESENCE_KV: kv, PRESENCE_ROOM: rooms } = env;
  // `parseSettings` refuses this hub without the binding.
  if (settings.hub === 'durable-object' && rooms) {
    const room = () => rooms.getByName(ROOM_NAME);
    return {
      hub: new RoomHub({
        room,
        timing: settings.timing,
        runtime,
        hasChannels: settings.channels !== undefined,
      }),
      room,
    };
  }
  if (settings.hub === 'kv' && kv)
    return { hub: new KvHub({ kv, timing: settings.timing, runtime, report }) };
  return { hub: new LocalHub(report) };
}

function openLiveIn(room: () => LiveRoomStub, runtime: Runtime, report: Report): OpenLive {
  return async (channel, headers) => {
    try {
      // Not the URL of the client's request: `fetch` throws if the client sent an invalid `Host`.
      const request = new Request(urlOfChannel(channel), { headers });
      const answer = await Promise.race([room().fetch(request), runtime.sleep(LIVE_OPEN_MAX_MS)]);
      if (answer === undefined) throw new Error('The room did not answer.');
      if (channel === DEFAULT_CHANNEL || answer.headers.has(CHANNELS_HEADER)) return answer;
      answer.webSocket?.accept();
      answer.webSocket?.close();
      throw new Error('The room is of version 1.0 and knows no channels.');
    } catch (error) {
      report('no live socket could be opened', error);
      return undefined;
    }
  };
}

/**
 * Gives the hub the location of the first request that has one. A request of a service binding may have none.
 * https://developers.cloudflare.com/workers/runtime-apis/request/#incomingrequestcfproperties
 */
function locate(entry: Entry, request: Request): void {
  const colo: unknown = request.cf?.['colo'];
  if (typeof colo !== 'string' || !/^[a-z0-9]{1,16}$/i.test(colo)) return;
  entry.hubToLocate?.locate(colo);
  entry.store.makeSyncDue();
  entry.hubToLocate = undefined;
}

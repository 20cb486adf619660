import { Hono } from 'hono';
import type { ApplyGlobalResponse } from 'hono/client';
import { answerHeaders } from './api/answers';
import { refuseForeignOrigin } from './api/guards';
import type { OpenLive } from './api/live';
import { NewSessions } from './api/new-sessions';
import { preflight } from './api/preflight';
import { notFound, onError, type ProblemOf } from './api/problems';
import { type ApiEnv, routes } from './api/routes';
import { answerUnmatched } from './api/unmatched';
import { type Bindings, type LiveRoomStub, parseSettings, type Settings } from './config';
import type { Hub } from './presence/hub';
import { KvHub } from './presence/kv-hub';
import { LoneHub } from './presence/lone-hub';
import { PresenceStore } from './presence/presence-store';
import { RoomHub } from './presence/room-hub';
import { ROOM_NAME } from './presence/room-protocol';
import { type Report, TroubleLog } from './presence/trouble-log';
import { REAL_WORLD, type World } from './presence/world';

/**
 * The whole service as a Hono app: for the Worker's `export default`, and for `app.request(path, init, env)`.
 *
 * One app holds one replica per `env` object, which is one per isolate on the platform. What `env` lacks degrades:
 * without `PRESENCE_KV` it counts the sessions of this isolate only.
 *
 * @param world Another clock, timer or dice, for tests.
 */
export function createApp(world: Partial<World> = {}) {
  const services = new WeakMap<object, ReturnType<typeof createService>>();
  const noEnv: Bindings = {};

  const app = new Hono<ApiEnv & { Bindings: Bindings }>();
  app.onError(onError);
  app.notFound(notFound);

  // Not async: one promise more to wait for costs a heartbeat two hundredths.
  app.use((c, next) => {
    // `app.request(path)` hands over no env at all, whatever the type says.
    const env = c.env ?? noEnv;
    let service = services.get(env);
    if (service === undefined) {
      service = createService(env, locationOf(c.req.raw), { ...REAL_WORLD, ...world });
      services.set(env, service);
    }
    c.set('service', service);
    const refusal = refuseForeignOrigin(c, service.settings.allowedOrigins);
    if (refusal !== undefined) return Promise.resolve(refusal);
    return c.req.method === 'OPTIONS' ? Promise.resolve(preflight(c, service)) : next();
  });

  const api = app.route('/', routes);
  answerUnmatched(app);
  return api;
}

/** For typed clients, `hc<AppType>(origin)` of `hono/client`: what every route answers, and what any may. */
export type AppType = ApplyGlobalResponse<
  ReturnType<typeof createApp>,
  { 403: { json: ProblemOf<'origin-not-allowed'> }; 500: { json: ProblemOf<'internal-error'> } }
>;

/** @throws {Error} if a variable is wrong. */
function createService(env: Bindings, location: string | undefined, world: World) {
  const settings = parseSettings(env);
  const { timing, sessionsMax, allowedOrigins } = settings;
  const reporter = () => new TroubleLog(world.now, (line) => console.warn(line)).report;
  const report = reporter();
  const limiter = settings.limitsNewSessions ? env.NEW_SESSIONS : undefined;
  const { hub, room } = createHub(env, settings, location, world, report);
  return {
    settings,
    store: new PresenceStore({ hub, timing, sessionsMax, world, report }),
    newSessions: new NewSessions({ limiter, world, report: reporter() }),
    openLive: room && openLiveIn(room, report),
    answerHeaders: answerHeaders(allowedOrigins, room !== undefined),
  };
}

function createHub(
  env: Bindings,
  settings: Settings,
  location: string | undefined,
  world: World,
  report: Report,
): { hub: Hub; room?: () => LiveRoomStub } {
  const { PRESENCE_KV: kv, PRESENCE_ROOM: rooms } = env;
  // `parseSettings` has made sure that the room is bound.
  if (settings.hub === 'durable-object' && rooms) {
    const room = () => rooms.getByName(ROOM_NAME);
    return { hub: new RoomHub({ room, timing: settings.timing, world }), room };
  }
  if (settings.hub === 'kv' && kv)
    return { hub: new KvHub({ kv, location, timing: settings.timing, world, report }) };
  report('PRESENCE_KV is not bound, so this isolate counts its own sessions only');
  return { hub: new LoneHub() };
}

function openLiveIn(room: () => LiveRoomStub, report: Report): OpenLive {
  return async (request) => {
    try {
      return await room().fetch(request);
    } catch (error) {
      report('no live socket could be opened', error);
      return undefined;
    }
  };
}

/** The data centre that serves this isolate, such as `ams`: https://developers.cloudflare.com/workers/runtime-apis/request/#incomingrequestcfproperties */
function locationOf(request: Request): string | undefined {
  const colo: unknown = request.cf?.['colo'];
  return typeof colo === 'string' && /^[a-z0-9]{1,16}$/i.test(colo) ? colo : undefined;
}

import type { ApplyGlobalResponse } from 'hono/client';
import { Hono } from 'hono/tiny';
import { refuseForeignOrigin } from './api/guards';
import { preflight } from './api/preflight';
import { notFound, onError, type ProblemOf } from './api/problems';
import { type ApiEnv, routes } from './api/routes';
import { answerUnmatched } from './api/unmatched';
import type { Bindings } from './config';
import { REAL_RUNTIME, type Runtime } from './runtime';
import { Services } from './services';

/**
 * The whole service as a Hono app: for the Worker's `export default`, and for `app.request(path, init, env)`.
 *
 * Each set of bindings and variables has one replica: on the platform, one per isolate. `/health` reports a missing binding.
 * Without `PRESENCE_KV` the app counts the sessions of this isolate only.
 *
 * @param runtime Another clock, timer or random numbers, for tests.
 */
export function createApp(runtime: Partial<Runtime> = {}) {
  const services = new Services({ ...REAL_RUNTIME, ...runtime });
  const noEnv: Bindings = {};

  const app = new Hono<ApiEnv & { Bindings: Bindings }>();
  app.onError(onError);
  app.notFound(notFound);

  // Not async, because one more promise takes 2 % of a heartbeat's time.
  app.use((c, next) => {
    // `app.request(path)` passes no env, although its type has one.
    const service = services.of(c.env ?? noEnv, c.req.raw);
    c.set('service', service);
    const refusal = refuseForeignOrigin(c, service.settings.allowedOrigins);
    return refusal === undefined ? next() : Promise.resolve(refusal);
  });
  app.options('*', (c) => preflight(c, c.get('service')));

  const api = app.route('/', routes);
  answerUnmatched(app);
  return api;
}

/** For typed clients, `hc<AppType>(origin)` of `hono/client`: the answers of each route, and the two of every route. */
export type AppType = ApplyGlobalResponse<
  ReturnType<typeof createApp>,
  { 403: { json: ProblemOf<'origin-not-allowed'> }; 500: { json: ProblemOf<'internal-error'> } }
>;

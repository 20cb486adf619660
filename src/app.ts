import type { Context, Handler, Next } from 'hono';
import type { ApplyGlobalResponse } from 'hono/client';
import { Hono } from 'hono/tiny';
import { refuseForeignOrigin } from './api/guards';
import { preflight } from './api/preflight';
import { notFound, onError, type ProblemOf } from './api/problems';
import { type ApiEnv, routes } from './api/routes';
import { Unmatched } from './api/unmatched';
import type { Bindings } from './config';
import { REAL_RUNTIME, type Runtime } from './runtime';
import { Services } from './services';

/**
 * The whole service as a Hono app: for the Worker's `export default`, and for `app.request(path, init, env)`.
 *
 * Each set of bindings and variables has one replica: on the platform, one per isolate. `/health` reports a missing binding.
 * Without `PRESENCE_KV` the app counts the sessions of this isolate only.
 *
 * Routes of another application belong into an outer app, because a route that is added to this app refuses no origin.
 *
 * @param runtime Another clock, timer or random numbers, for tests.
 */
export function createApp(runtime: Partial<Runtime> = {}) {
  const services = new Services({ ...REAL_RUNTIME, ...runtime });
  const noEnv: Bindings = {};
  const unmatched = new Unmatched(routes.routes);

  /** Sets the service of a request. Returns the answer to a page whose origin is not allowed. */
  const findService = (c: Context): Response | undefined => {
    // `app.request(path)` passes no env, although its type has one.
    const service = services.of(c.env ?? noEnv, c.req.raw);
    c.set('service', service);
    return refuseForeignOrigin(c, service.settings.allowedOrigins);
  };
  const withService = (handler: Handler) => (c: Context, next: Next) => findService(c) ?? handler(c, next);

  const app = new Hono<ApiEnv & { Bindings: Bindings }>();
  app.onError(onError);
  app.notFound((c) => findService(c) ?? unmatched.answer(c, c.req.path));
  app.options('*', (c) => findService(c) ?? preflight(c, c.get('service')));
  // The first handler of each route does what `app.use` could do. With middleware, Hono answers each read by a promise, and workerd needs
  // more time for that: `npm run bench` shows the time of a read.
  const added = new Set<string>();
  for (const { method, path, handler } of routes.routes) {
    app.on(method, path, added.has(method + path) ? handler : withService(strict(handler)));
    added.add(method + path);
  }
  addRoutesForOuterApp(app, (c, next) => findService(c) ?? next(), unmatched.middleware);
  return app as typeof app & typeof routes;
}

/** The router of `hono/tiny` ignores a slash at the end of a path. Otherwise one answer has two addresses. */
const strict = (handler: Handler) => (c: Context, next: Next) =>
  c.req.path.endsWith('/') ? notFound(c) : handler(c, next);

/**
 * Adds middleware that only an outer app runs. `outer.route(path, app)` takes the routes of this app, but not its `notFound` or its
 * router. The first middleware guards routes that the outer app adds later.
 */
function addRoutesForOuterApp(app: Pick<Hono, 'routes'>, first: Handler, last: Handler): void {
  const route = (handler: Handler) => ({ basePath: '/', path: '/*', method: 'ALL', handler });
  app.routes.unshift(route(first));
  app.routes.push(route(last));
}

/** For typed clients, `hc<AppType>(origin)` of `hono/client`: the answers of each route, and the two of every route. */
export type AppType = ApplyGlobalResponse<
  typeof routes,
  { 403: { json: ProblemOf<'origin-not-allowed'> }; 500: { json: ProblemOf<'internal-error'> } }
>;

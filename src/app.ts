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
 * Returns the service as a Hono app: for the Worker's `export default`, and for `app.request(path, init, env)`.
 *
 * Each set of bindings and variables has one replica, which makes one per isolate on the platform. `/health` reports a missing
 * binding. Without `PRESENCE_KV`, an app on KV counts the sessions of its own isolate only.
 *
 * Mount this app in an outer app to add routes. A route that is added to this app itself refuses no origin.
 *
 * @param runtime Replaces the clock, the timer or the random numbers, for tests.
 */
export function createApp(runtime: Partial<Runtime> = {}) {
  const services = new Services({ ...REAL_RUNTIME, ...runtime });
  const noEnv: Bindings = {};
  const unmatched = new Unmatched(routes.routes);

  /** Sets the service of a request. Returns a 403 if the request is from a page of an origin that is not allowed. */
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
  // The first handler of each route finds the service. With `app.use` Hono answers each read with a promise, which takes longer:
  // `npm run bench` measures a read.
  const added = new Set<string>();
  for (const { method, path, handler } of routes.routes) {
    app.on(method, path, added.has(method + path) ? handler : withService(strict(handler)));
    added.add(method + path);
  }
  addRoutesForOuterApp(app, (c, next) => findService(c) ?? next(), unmatched.middleware);
  return app as typeof app & typeof routes;
}

/** Answers 404 to a path with a slash at its end, which the router of `hono/tiny` ignores. Otherwise one answer has two addresses. */
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

/** For typed clients, `hc<AppType>(origin)` of `hono/client`: the answers of each route, and two problems that all routes have. */
export type AppType = ApplyGlobalResponse<
  typeof routes,
  { 403: { json: ProblemOf<'origin-not-allowed'> }; 500: { json: ProblemOf<'internal-error'> } }
>;

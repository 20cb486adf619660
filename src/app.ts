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
 * @param runtime Another clock, timer or random numbers, for tests.
 */
export function createApp(runtime: Partial<Runtime> = {}) {
  const services = new Services({ ...REAL_RUNTIME, ...runtime });
  const noEnv: Bindings = {};
  const unmatched = new Unmatched(routes.routes);

  /** Finds the service of a request. Returns the answer to a page whose origin is not allowed. */
  const enter = (c: Context): Response | undefined => {
    // `app.request(path)` passes no env, although its type has one.
    const service = services.of(c.env ?? noEnv, c.req.raw);
    c.set('service', service);
    return refuseForeignOrigin(c, service.settings.allowedOrigins);
  };
  // This router ignores a slash at the end.
  const entered = (handler: Handler) => (c: Context, next: Next) =>
    enter(c) ?? (c.req.path.endsWith('/') ? notFound(c) : handler(c, next));

  const app = new Hono<ApiEnv & { Bindings: Bindings }>();
  app.onError(onError);
  app.notFound(entered((c) => unmatched.answer(c, c.req.path)) as Parameters<typeof app.notFound>[0]);
  app.options(
    '*',
    entered((c) => preflight(c, c.get('service'))),
  );
  // Each route enters in its first handler. With middleware instead, Hono answers each request by a promise, which takes 6 % of a
  // read's time in workerd.
  const known = new Set<string>();
  for (const { method, path, handler } of routes.routes) {
    app.on(method, path, known.has(method + path) ? handler : entered(handler));
    known.add(method + path);
  }
  addRoutesForOuterApp(app, (c, next) => enter(c) ?? next(), unmatched.middleware);
  return app as typeof app & typeof routes;
}

/**
 * Adds middleware that only an outer app runs, which takes the routes of this app by `outer.route(path, app)`, and neither its `notFound`
 * nor its router. The first middleware guards routes that the outer app adds later.
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

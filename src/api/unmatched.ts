import type { Context, Env, Hono } from 'hono';
import { basePath, matchedRoutes } from 'hono/route';
import { answer405, notFound } from './problems';

/**
 * Adds a route for requests that no other route matches, also none of an outer app where this one is mounted. It answers 405 on the paths
 * of this app, and 404 on others.
 *
 * At the root, `notFound` answers other paths. A mounted app loses its `notFound`, so the route does it.
 */
export function answerUnmatched<E extends Env>(app: Hono<E>): void {
  const known = methodsByPath(app);
  app.all('*', (c, next) => {
    if (!isLastRoute(c)) return next();
    const mountedAt = basePath(c);
    const path = mountedAt === '/' ? c.req.path : c.req.path.slice(mountedAt.length);
    const found = known.find(({ pattern }) => pattern.test(path));
    if (found !== undefined) return answer405(c, found.methods);
    return mountedAt === '/' ? next() : notFound(c);
  });
}

/** The paths of all routes, and their methods. Hono answers HEAD on every GET route. */
function methodsByPath<E extends Env>({ routes }: Hono<E>) {
  const all = new Map<string, Set<string>>();
  for (const { method, path } of routes) {
    if (method === 'ALL' || method === 'OPTIONS') continue;
    const methods = all.get(path) ?? new Set();
    all.set(path, methods.add(method));
    if (method === 'GET') methods.add('HEAD');
  }
  return [...all].map(([path, methods]) => ({
    pattern: new RegExp(`^${path.replaceAll(/:\w+/g, '[^/]+')}/?$`),
    methods: [...methods],
  }));
}

const isLastRoute = (c: Context) => c.req.routeIndex === matchedRoutes(c).length - 1;

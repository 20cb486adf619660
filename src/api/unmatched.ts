import type { Context, Env, Hono } from 'hono';
import { basePath, matchedRoutes } from 'hono/route';
import { answer405, notFound } from './problems';

/**
 * Adds routes for requests that no other route of the app matches. They answer 405 on the app's paths, and 404 below the path
 * where the app is mounted.
 *
 * A mounted app loses its `notFound`, so a route answers 404. At the root, `notFound` answers unknown paths. The routes of an
 * outer app come first, also routes that it adds later.
 */
export function answerUnmatched<E extends Env>(app: Hono<E>): void {
  for (const [path, methods] of methodsByPath(app)) app.all(path, (c) => answer405(c, methods));
  app.all('*', (c, next) => (isMounted(c) && isLastRoute(c) ? notFound(c) : next()));
}

/** Hono answers HEAD on every GET route. */
function methodsByPath<E extends Env>({ routes }: Hono<E>): ReadonlyMap<string, readonly string[]> {
  const all = new Map<string, string[]>();
  for (const { method, path } of routes) {
    if (method === 'ALL') continue;
    const known = all.get(path) ?? [];
    const more = method === 'GET' ? ['GET', 'HEAD'] : [method];
    all.set(path, [...known, ...more.filter((one) => !known.includes(one))]);
  }
  return all;
}

const isMounted = (c: Context) => basePath(c) !== '/';

const isLastRoute = (c: Context) => c.req.routeIndex === matchedRoutes(c).length - 1;

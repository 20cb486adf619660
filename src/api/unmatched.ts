import type { Context, Env, Hono } from 'hono';
import { basePath, matchedRoutes } from 'hono/route';
import { answer405, notFound } from './problems';

/**
 * Adds the answers to what no route of the app takes: 405 on the paths that it has, 404 below the path that it is mounted at.
 *
 * They are routes, since `notFound` of an app is lost inside another one. At the root they leave other paths to `notFound`,
 * and inside another app to that app's own routes, also those that are added later.
 */
export function answerUnmatched<E extends Env>(app: Hono<E>): void {
  for (const [path, methods] of methodsByPath(app)) app.all(path, (c) => answer405(c, methods));
  app.all('*', (c, next) => (isMounted(c) && isLastRoute(c) ? notFound(c) : next()));
}

/** Hono answers HEAD where there is GET. */
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

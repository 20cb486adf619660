import type { Context, Handler } from 'hono';
import { basePath, matchedRoutes } from 'hono/route';
import { answer405, notFound } from './problems';

/** Answers requests that no route matches: 405 on the paths of the routes, and 404 on others. */
export class Unmatched {
  readonly #known: readonly { readonly pattern: RegExp; readonly methods: readonly string[] }[];

  /** @param routes All routes. Hono answers HEAD on every GET route. */
  constructor(routes: readonly { readonly method: string; readonly path: string }[]) {
    const methodsByPath = new Map<string, Set<string>>();
    for (const { method, path } of routes) {
      const methods = methodsByPath.get(path) ?? new Set();
      methodsByPath.set(path, methods.add(method));
      if (method === 'GET') methods.add('HEAD');
    }
    this.#known = [...methodsByPath].map(([path, methods]) => ({
      pattern: new RegExp(`^${path.replaceAll(/:\w+/g, '[^/]+')}$`),
      methods: [...methods],
    }));
  }

  /** @param path The path of the request, below the path where the app is mounted. */
  answer(c: Context, path: string) {
    return this.#answer405(c, path) ?? notFound(c);
  }

  /** Middleware of an outer app. If the app is mounted at its root, the `notFound` of the outer app answers other paths. */
  readonly middleware: Handler = (c, next) => {
    const mountedAt = basePath(c).replace(/\/$/, '');
    // The outer app may have added routes later.
    const isLast = c.req.routeIndex === matchedRoutes(c).length - 1;
    const answer405 = this.#answer405(c, c.req.path.slice(mountedAt.length));
    return answer405 ?? (isLast && mountedAt !== '' ? notFound(c) : next());
  };

  #answer405(c: Context, path: string) {
    const found = this.#known.find(({ pattern }) => pattern.test(path));
    return found && answer405(c, found.methods);
  }
}

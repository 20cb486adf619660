import * as app from '../../src/app';
import type { Runtime } from '../../src/runtime';
import type { SentRequest } from './conformance';
import { FakeRuntime } from './fake-runtime';
import type { Fetch } from './http';
import { observeResponse, requestOf } from './observations';

/** The bodies of requests, kept before they become streams. */
const sent = new WeakMap<Request, SentRequest>();

/**
 * The service as a Hono app whose answers are observed. Every test in workerd uses it instead of `src/app`. Its clock stands
 * still unless a test passes another runtime: otherwise a sync that comes due later would write into the storage of the next
 * test.
 */
export const createApp: typeof app.createApp = (runtime = new FakeRuntime(Date.now())) => {
  const service = app.createApp(runtime);
  const { fetch } = service;
  service.fetch = async (request, ...rest) => {
    const answer = await fetch(request, ...rest);
    observeResponse(request.method, new URL(request.url), answer, sent.get(request));
    return answer;
  };
  return service;
};

/** One isolate: an app with its own replica, which gets the same env with every request. */
export function fetchOf(env: object | undefined, runtime?: Partial<Runtime>): Fetch {
  const service = createApp(runtime);
  return (path, init) => {
    const request = new Request(`http://localhost${path}`, init);
    const known = requestOf(init);
    if (known !== undefined) sent.set(request, known);
    return service.fetch(request, env);
  };
}

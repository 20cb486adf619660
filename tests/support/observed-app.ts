import * as app from '../../src/app';
import type { Runtime } from '../../src/runtime';
import type { SentRequest } from './conformance';
import { FakeRuntime } from './fake-runtime';
import type { Fetch } from './http';
import { observeResponse, requestOf } from './observations';

/** The text of each request. The body of a request is a stream, which only one reader can read. */
const sent = new WeakMap<Request, SentRequest>();

/**
 * The Hono app of the service. It compares each answer with the OpenAPI document. Every test in workerd uses it instead of `src/app`.
 * Its clock stands still unless a test passes another runtime. Otherwise a later sync writes into the storage of the next test.
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

/** Returns the `fetch` of one isolate: of an app with its own replica, and the same env for each request. */
export function fetchOf(env: object | undefined, runtime?: Partial<Runtime>): Fetch {
  const service = createApp(runtime);
  return (path, init) => {
    const request = new Request(`http://localhost${path}`, init);
    const known = requestOf(init);
    if (known !== undefined) sent.set(request, known);
    return service.fetch(request, env);
  };
}

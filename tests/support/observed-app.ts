import * as app from '../../src/app';
import type { World } from '../../src/presence/world';
import type { SentRequest } from './conformance';
import type { Fetch } from './http';
import { observeResponse, requestOf } from './observations';

/** What the tests send, where they say it before it becomes a stream. */
const sent = new WeakMap<Request, SentRequest>();

/** The service as a Hono app, whose answers are noted. Tests make theirs here. */
export const createApp: typeof app.createApp = (world) => {
  const service = app.createApp(world);
  const { fetch } = service;
  service.fetch = async (request, ...rest) => {
    const answer = await fetch(request, ...rest);
    observeResponse(request.method, new URL(request.url), answer, sent.get(request));
    return answer;
  };
  return service;
};

/** An app of its own, and with it a replica, that is handed the same env with every request: one isolate. */
export function fetchOf(env: object | undefined, world?: Partial<World>): Fetch {
  const service = createApp(world);
  return (path, init) => {
    const request = new Request(`http://localhost${path}`, init);
    const known = requestOf(init);
    if (known !== undefined) sent.set(request, known);
    return service.fetch(request, env);
  };
}

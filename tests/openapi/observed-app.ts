import * as app from '../../src/app';
import { bodyOf, observe } from './observations';

/** The service as a Hono app, whose answers are noted. Tests make theirs here. */
export const createApp: typeof app.createApp = (world) => {
  const service = app.createApp(world);
  const { fetch } = service;
  service.fetch = async (request, ...rest) => {
    const answer = await fetch(request, ...rest);
    observe(request.method, new URL(request.url), answer, bodyOf(answer));
    return answer;
  };
  return service;
};

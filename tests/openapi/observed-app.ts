import * as app from '../../src/app';
import { observeResponse } from './observations';

/** The service as a Hono app, whose answers are noted. Tests make theirs here. */
export const createApp: typeof app.createApp = (world) => {
  const service = app.createApp(world);
  const { fetch } = service;
  service.fetch = async (request, ...rest) => {
    const answer = await fetch(request, ...rest);
    observeResponse(request.method, new URL(request.url), answer);
    return answer;
  };
  return service;
};

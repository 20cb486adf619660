import { afterEach, beforeEach, vi } from 'vitest';
import { createPresence, type Presence, type PresenceOptions } from '../../src/client/presence';
import { fakeService } from './service';

export const ID = '5f0c954e-1c0b-4b4a-9d3b-6c1f6a5d9b10';
// Happy DOM has requests that outlive the page no more than it has pages that end.
Object.defineProperty(Request.prototype, 'keepalive', {});

export let api: ReturnType<typeof fakeService>;
/** They are stopped after the test. */
export let presences: Presence[] = [];
export const page = { hidden: false };

/** A started presence. Where this page has no locks each one leads. */
export async function present(options: PresenceOptions = {}) {
  const presence = createPresence({
    url: 'https://presence.example',
    fetch: api.fetch,
    sessionId: ID,
    ...options,
  });
  presences.push(presence);
  presence.start();
  await passed(1);
  return presence;
}
export const passed = (ms: number) => vi.advanceTimersByTimeAsync(ms);
export const beats = () => api.sent.filter(({ path }) => path === '/api/heartbeat').length;

export function look(away: boolean) {
  page.hidden = away;
  document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
}
export const show = (type: string) => dispatchEvent(new Event(type));

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(document, 'hidden', 'get').mockImplementation(() => page.hidden);
  page.hidden = false;
  api = fakeService();
});
afterEach(async () => {
  api.delayMs = 0;
  for (const presence of presences) {
    const stopped = presence.stop();
    await passed(1);
    await stopped;
  }
  presences = [];
  localStorage.clear();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

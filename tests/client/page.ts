import { afterEach, beforeEach, vi } from 'vitest';
import { createPresence, type Presence, type PresenceOptions } from '../../src/client/presence';
import { fakeService } from './service';

/** The id of the first visit in a test. */
export const ID = '5f0c954e-1c0b-4b4a-9d3b-6c1f6a5d9b10';
/** The name of the lock and of the BroadcastChannel of the default channel. */
export const GROUP = 'presence 2 https://presence.example  visit';
/** `stop` sends its leave within this time (ms). */
export const STOP_MS = 201;
// Happy DOM has no `keepalive`.
Object.defineProperty(Request.prototype, 'keepalive', {});

/** The fake service of the current test. */
export let api: ReturnType<typeof fakeService>;
/** The clients of the current test. They stop after the test. */
let presences: Presence[] = [];
export const page = { hidden: false };

/** Options of a client of the fake service. Happy DOM counts as a robot without `robots: 'count'`. */
export const withOptions = (options: PresenceOptions = {}): PresenceOptions => ({
  url: 'https://presence.example',
  fetch: api.fetch,
  robots: 'count',
  ...options,
});

/** Creates a client. Happy DOM has no locks, so every client leads. */
export function createClient(options: PresenceOptions = {}): Presence {
  const presence = createPresence(withOptions(options));
  presences.push(presence);
  return presence;
}

/** Creates a client and starts it. */
export async function startClient(options: PresenceOptions = {}): Promise<Presence> {
  const presence = createClient(options);
  presence.start();
  await advance(1);
  return presence;
}

/** Advances the fake timers by this time. */
export const advance = (ms: number) => vi.advanceTimersByTimeAsync(ms);

export async function stopClient(presence: Presence): Promise<void> {
  const left = presence.stop();
  await advance(STOP_MS);
  await left;
}

export const heartbeats = () => api.sent.filter(({ path }) => path === '/api/heartbeat').length;

export function setHidden(isHidden: boolean) {
  page.hidden = isHidden;
  document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
}
export const dispatch = (type: string) => dispatchEvent(new Event(type));

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(document, 'hidden', 'get').mockImplementation(() => page.hidden);
  page.hidden = false;
  api = fakeService();
  vi.spyOn(crypto, 'randomUUID').mockReturnValueOnce(ID);
});
afterEach(async () => {
  api.delayMs = 0;
  for (const presence of presences) await stopClient(presence);
  presences = [];
  localStorage.clear();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

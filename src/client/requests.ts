import type { Mood } from './types.js';

/** An attempt without an answer for this long has failed, in ms. The service answers within about a second, or not at all. */
export const TIMEOUT_MS = 10_000;

/** The addresses of the API, from any address of the service. */
export const endpoint = (base: URL, path: string) => new URL(`/api/${path}`, base);

/**
 * Beats, or with a mood of `null` just looks. The body is a string, which is sent as text/plain and so needs no preflight, half the
 * requests: https://fetch.spec.whatwg.org/#cors-safelisted-request-header
 */
export const heartbeat = (
  fetch: typeof globalThis.fetch,
  base: URL,
  sessionId: string,
  mood: Mood | null,
  signal: AbortSignal,
) =>
  fetch(endpoint(base, mood ? 'heartbeat' : 'presence'), {
    signal,
    ...(mood && { method: 'POST', body: JSON.stringify({ sessionId, mood }) }),
  });

/** Leaves, in a request that outlives the page. Done when it was answered, or failed. */
export async function leave(fetch: typeof globalThis.fetch, base: URL, sessionId: string): Promise<void> {
  const url = endpoint(base, 'leave');
  const body = JSON.stringify({ sessionId });
  if ('keepalive' in Request.prototype)
    await fetch(url, {
      method: 'POST',
      body,
      keepalive: true,
      signal: AbortSignal.timeout?.(TIMEOUT_MS),
    }).catch(() => undefined);
  else navigator.sendBeacon(url, body);
}

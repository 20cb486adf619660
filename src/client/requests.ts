import { MOODS, type Mood } from '../moods.js';
import type { PresenceHistory, PresenceState } from './types.js';

/** A request fails if it has no answer after this time (ms). The service answers within about 1 s, or not at all. */
export const TIMEOUT_MS = 10_000;

/** Whether a client accepts this time between two heartbeats (ms). A `SESSION_TTL_SECONDS` of 2 to 600 gives these times. */
export const isInterval = (ms: number): boolean => ms >= 500 && ms <= 200_000;

type Fetch = typeof globalThis.fetch;

/** Matches the name of a channel, and the empty name of the default one. Otherwise the channel `..` gets the address of the default one. */
export const CHANNEL = /^([a-z\d][\w.-]{0,63})?$/i;

/**
 * The origin of the service, from any address of it. Callers append paths to it as strings, because the `URL` of React Native joins
 * paths by other rules.
 *
 * @param base The address of the page. Undefined without a page.
 * @throws {TypeError} if the address is not one of a service.
 */
export function originOf(url: string | URL, base: string | undefined): string {
  try {
    // The `URL` of React Native accepts only strings.
    const { origin } = new URL(`${url}`, base);
    // Otherwise `presence.example` is a path of the page.
    if (/^(https?:\/)?\//i.test(`${url}`) && /^http/.test(origin)) return origin;
  } catch {
    // The address is invalid.
  }
  throw new TypeError('url must be an address such as https://presence.example.');
}

/** The address of the API of a channel. It ends with a slash. */
export const apiOf = (origin: string, channel: string) =>
  `${origin}/api/${channel && `channels/${channel}/`}`;

export type Answer =
  | {
      readonly state: PresenceState;
      /** The time between two heartbeats that the service sends (ms). Version 1.0 sends none. */
      readonly intervalMs: number | undefined;
      readonly hasLive: boolean;
    }
  | {
      readonly error: Error;
      /** The value of `Retry-After`. */
      readonly retryAfter: string | null;
    };

/**
 * Sends a heartbeat. With a mood of `null` it reads the presence state. The body is a string: its type is text/plain, which needs no
 * preflight. A preflight is one more round trip: https://fetch.spec.whatwg.org/#cors-safelisted-request-header
 */
export async function heartbeat(
  fetch: Fetch,
  api: string,
  sessionId: string,
  mood: Mood | null,
  signal: AbortSignal,
): Promise<Answer> {
  try {
    const response = await fetch(api + (mood ? 'heartbeat' : 'presence'), {
      signal,
      ...(mood && { method: 'POST', body: JSON.stringify({ sessionId, mood }) }),
    });
    const { status, headers } = response;
    const body = await response.json().catch(() => undefined);
    const state = parseState(body);
    if (!state)
      return { error: new Error(`${status} ${detailOf(body)}`), retryAfter: headers.get('Retry-After') };
    const intervalMs = Number(headers.get('Presence-Interval')) * 1_000;
    return {
      state,
      intervalMs: isInterval(intervalMs) ? intervalMs : undefined,
      hasLive: headers.has('Presence-Live'),
    };
  } catch (error) {
    return { error: error as Error, retryAfter: null };
  }
}

/** The first fault in a problem document, such as `#/mood: must be …`. */
function detailOf(body: unknown): string {
  const { detail, errors } = Object(body);
  const fault = errors?.[0];
  return fault ? `${fault.pointer}: ${fault.detail}` : (detail ?? 'without a presence state');
}

const isWhole = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0;

/** The presence state in an answer or a socket message. Undefined if the value is none. */
export function parseState(value: unknown): PresenceState | undefined {
  const { count, moods, timestamp } = Object(value);
  const isState = [count, timestamp, ...MOODS.map((mood) => moods?.[mood])].every(isWhole);
  return isState ? { count, moods, timestamp } : undefined;
}

/**
 * The wait in a `Retry-After` (ms). The header has seconds, or a date by the server's clock. 0 if it has neither.
 * https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 */
export function waitOf(retryAfter: string | null, serverNow: number): number {
  const value = retryAfter ?? '';
  return Math.max(0, Number.parseInt(value, 10) * 1_000 || Date.parse(value) - serverNow) || 0;
}

/** Sends a leave. The request outlives a page that closes. Resolves after the answer or a failure. */
export async function leave(
  fetch: Fetch,
  api: string,
  sessionId: string,
  isPageClosing?: boolean,
): Promise<void> {
  const url = `${api}leave`;
  const body = JSON.stringify({ sessionId });
  try {
    if (isPageClosing && !('keepalive' in Request.prototype)) navigator.sendBeacon(url, body);
    else
      await fetch(url, { method: 'POST', body, keepalive: true, signal: AbortSignal.timeout?.(TIMEOUT_MS) });
  } catch {
    // The session expires without the leave.
  }
}

/** Reads the history. Resolves to null if the request fails, or if the answer is no history. */
export async function readHistory(fetch: Fetch, api: string): Promise<PresenceHistory | null> {
  try {
    const response = await fetch(`${api}history`, { signal: AbortSignal.timeout?.(TIMEOUT_MS) });
    const { timestamp, stepMs, counts, peak, visits } = await response.json();
    const isHistory =
      [timestamp, stepMs, peak.count, peak.at, visits].every(isWhole) && counts.every(isWhole);
    return isHistory ? { timestamp, stepMs, counts, peak, visits } : null;
  } catch {
    // No answer, no JSON, or JSON without these keys.
    return null;
  }
}

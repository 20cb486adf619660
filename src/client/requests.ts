import { MOODS, type Mood } from '../moods.js';
import type { PresenceHistory, PresenceState } from './types.js';

/** An attempt fails if it has no answer after this time (ms). The service answers within about a second, or not at all. */
export const TIMEOUT_MS = 10_000;

/** The times between two heartbeats that a client keeps (ms): those of a `SESSION_TTL_SECONDS` of 2 to 600. */
export const isInterval = (ms: number): boolean => ms >= 500 && ms <= 200_000;

type Fetch = typeof globalThis.fetch;

/** A channel: its name, or empty for the default one. Otherwise the channel `..` gets the address of the default one. */
export const CHANNEL = /^([a-z\d][\w.-]{0,63})?$/i;

/**
 * The origin of the service, from any address of it. Other addresses are strings that begin with it, because the `URL` of React Native
 * joins paths by rules of its own.
 *
 * @param base The address of the page. Undefined without a page.
 * @throws {TypeError} if there is no such address.
 */
export function originOf(url: string | URL, base: string | undefined): string {
  try {
    // React Native takes only strings.
    const { origin } = new URL(`${url}`, base);
    // Otherwise `presence.example` is a path of the page.
    if (/^(https?:\/)?\//i.test(`${url}`) && /^http/.test(origin)) return origin;
  } catch {
    // It has no origin.
  }
  throw new TypeError('url must be an address such as https://presence.example.');
}

/** The address of the API of a channel. It ends with a slash. */
export const apiOf = (origin: string, channel: string) =>
  `${origin}/api/${channel && `channels/${channel}/`}`;

export type Answer =
  | {
      readonly state: PresenceState;
      /** The time between two heartbeats that the service wants (ms). Version 1.0 sends none. */
      readonly intervalMs: number | undefined;
      readonly hasLive: boolean;
    }
  | {
      readonly error: Error;
      /** The value of `Retry-After`. */
      readonly retryAfter: string | null;
    };

/**
 * Sends a heartbeat, or with a mood of `null` reads the presence state. The body is a string: it is sent as text/plain, which needs
 * no preflight. A preflight is one more round trip: https://fetch.spec.whatwg.org/#cors-safelisted-request-header
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

/** What a problem document says about the first fault, such as `#/mood: must be …`. */
function detailOf(body: unknown): string {
  const { detail, errors } = Object(body);
  const fault = errors?.[0];
  return fault ? `${fault.pointer}: ${fault.detail}` : (detail ?? 'without a presence state');
}

const isWhole = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0;

/** The presence state in an answer or a socket message; undefined if it is none. */
export function parseState(value: unknown): PresenceState | undefined {
  const { count, moods, timestamp } = Object(value);
  const isState = [count, timestamp, ...MOODS.map((mood) => moods?.[mood])].every(isWhole);
  return isState ? { count, moods, timestamp } : undefined;
}

/**
 * The wait that a `Retry-After` asks for (ms), in seconds or as a date by the server's clock; 0 if it has no such value.
 * https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 */
export function waitOf(retryAfter: string | null, serverNow: number): number {
  const value = retryAfter ?? '';
  return Math.max(0, Number.parseInt(value, 10) * 1_000 || Date.parse(value) - serverNow) || 0;
}

/** Sends a leave. If the page goes, the request outlives it. Resolves when it was answered or has failed. */
export async function leave(fetch: Fetch, api: string, sessionId: string, pageGoes?: boolean): Promise<void> {
  const url = `${api}leave`;
  const body = JSON.stringify({ sessionId });
  try {
    if (pageGoes && !('keepalive' in Request.prototype)) navigator.sendBeacon(url, body);
    else
      await fetch(url, { method: 'POST', body, keepalive: true, signal: AbortSignal.timeout?.(TIMEOUT_MS) });
  } catch {
    // The session expires.
  }
}

/** Reads the history. Resolves to null if it has failed, or if the answer is no history. */
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

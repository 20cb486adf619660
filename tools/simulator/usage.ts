import { ROOM_SAVE_INTERVAL_MS } from '../../src/limits';
import type { Usage } from './prices';

const DAY_SECONDS = 24 * 3600;

/** KV operations a second. */
export interface KvRates {
  readonly reads: number;
  readonly writes: number;
  readonly lists: number;
}

/** Calls to a Durable Object, and rows that it writes, a second. */
export interface RoomRates {
  readonly calls: number;
  readonly rows: number;
}

/**
 * The assumed CPU time of a request (ms). `npm run bench` measures less. Cloudflare does not document how the platform rounds it.
 */
export const CPU_MS_A_REQUEST = 1;

/** Cloudflare bills 128 MB for an object while it is active: https://developers.cloudflare.com/durable-objects/platform/pricing/ */
const OBJECT_GB = 0.128;

/** Cloudflare bills this number of messages to the room as one request. */
const SOCKET_MESSAGES_A_REQUEST = 20;

/** A save writes and deletes a row of the journal, and writes a row of the history. */
const ROWS_A_SAVE = 3;
const SAVE_SECONDS = ROOM_SAVE_INTERVAL_MS / 1_000;

/** The alarms of a room with live sockets in an hour, and the rows of these alarms. tests/workerd/load/presence-room-cost.test.ts counts them. */
export const SOCKETS_AN_HOUR = { alarms: 121, rows: 363 };

/** Returns what a day uses at these rates. A room with calls counts as active all day. */
export function usageOf(
  requestsPerSecond: number,
  { reads, writes, lists }: KvRates = { reads: 0, writes: 0, lists: 0 },
  { calls, rows }: RoomRates = { calls: 0, rows: 0 },
): Usage {
  return {
    workerRequests: requestsPerSecond * DAY_SECONDS,
    workerCpuMs: requestsPerSecond * DAY_SECONDS * CPU_MS_A_REQUEST,
    kvReads: reads * DAY_SECONDS,
    kvWrites: writes * DAY_SECONDS,
    kvLists: lists * DAY_SECONDS,
    objectRequests: calls * DAY_SECONDS,
    objectGbSeconds: calls === 0 ? 0 : OBJECT_GB * DAY_SECONDS,
    objectRows: rows * DAY_SECONDS,
  };
}

/** Returns heartbeats and leaves a second. 70 % of ended sessions send a leave, as in the simulator. */
export function httpRequestsPerSecond(people: number, beatSeconds: number, stayMinutes: number): number {
  return people / beatSeconds + (0.7 * people) / (stayMinutes * 60);
}

/**
 * Returns what a day of live sockets in the room uses. A visit is one Worker request, one request to the object, and a message to
 * join. The room saves changes every 5 s. The platform answers pings without the object. The price list does not say whether it
 * bills them as messages. With `pingSeconds`, the time between two pings, the result includes them.
 */
export function socketsUsage(people: number, stayMinutes: number, pingSeconds = Infinity): Usage {
  const visits = people / (stayMinutes * 60);
  const messages = visits + people / pingSeconds;
  const calls = visits + messages / SOCKET_MESSAGES_A_REQUEST + SOCKETS_AN_HOUR.alarms / 3_600;
  return usageOf(visits, undefined, {
    calls,
    rows: SOCKETS_AN_HOUR.rows / 3_600 + ROWS_A_SAVE / SAVE_SECONDS,
  });
}

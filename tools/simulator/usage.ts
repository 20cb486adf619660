import { ROOM_SAVE_INTERVAL_MS } from '../../src/limits';
import type { Usage } from './prices';

const DAY_SECONDS = 24 * 3600;

/** KV operations a second. */
export interface KvRates {
  readonly reads: number;
  readonly writes: number;
  readonly lists: number;
}

/** A Durable Object's calls, and the rows that it writes, a second. */
export interface RoomRates {
  readonly calls: number;
  readonly rows: number;
}

/**
 * CPU time that a request is taken for, in ms. `npm run bench` measures a quarter of one; how the platform rounds it does not say.
 */
export const CPU_MS_A_REQUEST = 1;

/** An object is billed for 128 MB while it is awake: https://developers.cloudflare.com/durable-objects/platform/pricing/ */
const OBJECT_GB = 0.128;

/** Messages that come in through a socket are billed as so many make one request. */
const SOCKET_MESSAGES_A_REQUEST = 20;

/** A save writes and deletes a row of the journal, and writes a row of the history. */
const ROWS_A_SAVE = 3;
const SAVE_SECONDS = ROOM_SAVE_INTERVAL_MS / 1_000;

/** What a room does in an hour with people on live sockets: tests/workerd/load/presence-room-cost.test.ts counts it. */
export const SOCKETS_AN_HOUR = { alarms: 121, rows: 363 };

/** What a day around the clock uses at these rates. A room is taken for always awake if it is called at all. */
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

/** Heartbeats and leaves. Seven of ten who go say so, as in the simulator. */
export function httpRequestsPerSecond(people: number, beatSeconds: number, stayMinutes: number): number {
  return people / beatSeconds + (0.7 * people) / (stayMinutes * 60);
}

/**
 * What a day of live sockets in the room uses. A visit is one Worker request, one request to the object, and a message to join.
 * Pings are answered without waking the object; that they are not billed as messages is how we read the price list, which does
 * not say it plainly: with `pingSeconds`, the time between two of them, they are. The room saves what changes every five seconds.
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

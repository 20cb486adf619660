/**
 * Cloudflare's prices in US dollars, as of November 2026.
 * https://developers.cloudflare.com/kv/platform/pricing/ · https://developers.cloudflare.com/workers/platform/pricing/
 */
export const PRICES_DATE = '2026-11';
export const PAID_PLAN_A_MONTH = 5;

const MILLION = 1e6;
const SECONDS_A_MONTH = 30 * 24 * 3600;

interface Price {
  /** Dollars a million, beyond what the paid plan includes in a month. */
  readonly perMillion: number;
  readonly included: number;
}

const WORKER_REQUESTS: Price = { perMillion: 0.3, included: 10 * MILLION };
const KV: Readonly<Record<keyof KvRates, Price>> = {
  reads: { perMillion: 0.5, included: 10 * MILLION },
  writes: { perMillion: 5, included: MILLION },
  lists: { perMillion: 5, included: MILLION },
};

function beyond({ perMillion, included }: Price, perSecond: number): number {
  return (Math.max(perSecond * SECONDS_A_MONTH - included, 0) / MILLION) * perMillion;
}

/** KV operations a second. */
export interface KvRates {
  readonly reads: number;
  readonly writes: number;
  readonly lists: number;
}

/** Dollars for 30 days of KV at these rates, around the clock, at the list price: nothing included, no plan. */
export function kvDollarsAMonth(rates: KvRates): number {
  const { reads, writes, lists } = KV;
  const perSecond =
    rates.reads * reads.perMillion + rates.writes * writes.perMillion + rates.lists * lists.perMillion;
  return (perSecond * SECONDS_A_MONTH) / MILLION;
}

/** A Durable Object's calls, and the rows that it writes, a second. */
export interface RoomRates {
  readonly calls: number;
  readonly rows: number;
}

const ROOM_CALLS: Price = { perMillion: 0.15, included: MILLION };
const ROOM_ROWS: Price = { perMillion: 1, included: 50 * MILLION };
/** An object is billed for 128 MB while it is awake: https://developers.cloudflare.com/durable-objects/platform/pricing/ */
const ROOM_GB_SECONDS: Price = { perMillion: 12.5, included: 400_000 };
const OBJECT_GB = 0.128;

/** Dollars for 30 days of a room at these rates, around the clock, at the list price. It is taken for always awake if it is called at all. */
export function roomDollarsAMonth({ calls, rows }: RoomRates): number {
  const gigabytes = calls === 0 ? 0 : OBJECT_GB;
  const perSecond =
    calls * ROOM_CALLS.perMillion + rows * ROOM_ROWS.perMillion + gigabytes * ROOM_GB_SECONDS.perMillion;
  return (perSecond * SECONDS_A_MONTH) / MILLION;
}

const NO_ROOM: RoomRates = { calls: 0, rows: 0 };

/** Dollars on the bill for 30 days around the clock: the paid plan, and what goes beyond it of Worker requests and the hub. */
export function billAMonth(requestsPerSecond: number, rates: KvRates, room: RoomRates = NO_ROOM): number {
  return (
    PAID_PLAN_A_MONTH +
    beyond(WORKER_REQUESTS, requestsPerSecond) +
    beyond(KV.reads, rates.reads) +
    beyond(KV.writes, rates.writes) +
    beyond(KV.lists, rates.lists) +
    beyond(ROOM_CALLS, room.calls) +
    beyond(ROOM_ROWS, room.rows) +
    beyond(ROOM_GB_SECONDS, room.calls === 0 ? 0 : OBJECT_GB)
  );
}

/** Messages that come in through a socket are billed as so many make one request. */
const SOCKET_MESSAGES_A_REQUEST = 20;

/** What a room does in an hour with people on live sockets: tests/presence/presence-room.test.ts counts it. */
export const SOCKETS_AN_HOUR = { alarms: 121, rows: 363 };

/**
 * Dollars on the bill for 30 days of live sockets in the room. A visit is one Worker request, one request to the object, and
 * a message to join; pings are answered without waking the object, and not billed. The object is taken for always awake, and
 * for saving what changes every five seconds. https://developers.cloudflare.com/durable-objects/platform/pricing/
 */
export function socketsBillAMonth(people: number, stayMinutes: number): number {
  const visits = people / (stayMinutes * 60);
  const calls = visits * (1 + 1 / SOCKET_MESSAGES_A_REQUEST) + SOCKETS_AN_HOUR.alarms / 3_600;
  const rows = SOCKETS_AN_HOUR.rows / 3_600 + 2 / 5;
  return billAMonth(visits, { reads: 0, writes: 0, lists: 0 }, { calls, rows });
}

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

/** Dollars on the bill for 30 days around the clock: the paid plan, and what goes beyond it of Worker requests and KV. */
export function billAMonth(requestsPerSecond: number, rates: KvRates): number {
  return (
    PAID_PLAN_A_MONTH +
    beyond(WORKER_REQUESTS, requestsPerSecond) +
    beyond(KV.reads, rates.reads) +
    beyond(KV.writes, rates.writes) +
    beyond(KV.lists, rates.lists)
  );
}

const ROOM_REQUESTS: Price = { perMillion: 0.15, included: MILLION };
/** Messages that come in through a socket are billed as so many make one request. */
const SOCKET_MESSAGES_A_REQUEST = 20;

/**
 * Dollars on the bill for 30 days of live sockets on one Durable Object: on paper, since they are not built yet. A visit is
 * one Worker request, one request to the object, and a message to join; pings are answered without waking the object. One
 * object that is always awake is within the plan: https://developers.cloudflare.com/durable-objects/platform/pricing/
 */
export function socketsBillAMonth(people: number, stayMinutes: number): number {
  const visits = people / (stayMinutes * 60);
  const roomRequests = visits * (1 + 1 / SOCKET_MESSAGES_A_REQUEST);
  return PAID_PLAN_A_MONTH + beyond(WORKER_REQUESTS, visits) + beyond(ROOM_REQUESTS, roomRequests);
}

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
  const beyond = ({ perMillion, included }: Price, perSecond: number) =>
    (Math.max(perSecond * SECONDS_A_MONTH - included, 0) / MILLION) * perMillion;
  return (
    PAID_PLAN_A_MONTH +
    beyond(WORKER_REQUESTS, requestsPerSecond) +
    beyond(KV.reads, rates.reads) +
    beyond(KV.writes, rates.writes) +
    beyond(KV.lists, rates.lists)
  );
}

/**
 * Cloudflare's prices in US dollars, and what its plans give, as of November 2026.
 * https://developers.cloudflare.com/workers/platform/pricing/ · https://developers.cloudflare.com/kv/platform/pricing/ ·
 * https://developers.cloudflare.com/durable-objects/platform/pricing/
 */
export const PRICES_DATE = '2026-11';
export const PAID_PLAN_A_MONTH = 5;

export interface Price {
  readonly what: string;
  /** Dollars a million on the paid plan, beyond what that includes in a month. */
  readonly perMillion: number;
  readonly included: number;
  /** What the free plan gives in a day, until midnight UTC. */
  readonly freeADay: number;
}

const MILLION = 1e6;
const PRICED = {
  workerRequests: { what: 'Worker requests', perMillion: 0.3, included: 10 * MILLION, freeADay: 100_000 },
  // The free plan limits each request, to 10 ms, and no day.
  workerCpuMs: { what: 'Worker CPU, ms', perMillion: 0.02, included: 30 * MILLION, freeADay: Infinity },
  kvReads: { what: 'KV reads', perMillion: 0.5, included: 10 * MILLION, freeADay: 100_000 },
  kvWrites: { what: 'KV writes', perMillion: 5, included: MILLION, freeADay: 1_000 },
  kvLists: { what: 'KV lists', perMillion: 5, included: MILLION, freeADay: 1_000 },
  objectRequests: { what: 'requests to the object', perMillion: 0.15, included: MILLION, freeADay: 100_000 },
  objectGbSeconds: { what: 'object awake, GB-s', perMillion: 12.5, included: 400_000, freeADay: 13_000 },
  objectRows: { what: 'rows written', perMillion: 1, included: 50 * MILLION, freeADay: 100_000 },
} as const satisfies Record<string, Price>;

export type Item = keyof typeof PRICED;
export const PRICES: Readonly<Record<Item, Price>> = PRICED;
// `Object.keys` forgets which keys there are.
export const ITEMS = Object.keys(PRICED) as Item[];

/** What is used in a day. */
export type Usage = Readonly<Partial<Record<Item, number>>>;

const DAYS_A_MONTH = 30;

/** What 30 such days use of one item, and its dollars on the paid plan. */
export function monthOf(day: Usage, item: Item): { readonly used: number; readonly dollars: number } {
  const used = (day[item] ?? 0) * DAYS_A_MONTH;
  const { perMillion, included } = PRICES[item];
  return { used, dollars: (Math.max(used - included, 0) / MILLION) * perMillion };
}

/** Dollars on the bill for 30 such days: the paid plan, and what goes beyond it. */
export function billAMonth(day: Usage): number {
  return PAID_PLAN_A_MONTH + ITEMS.reduce((sum, item) => sum + monthOf(day, item).dollars, 0);
}

/** Dollars for what 30 such days use of KV or the room, at the list price: nothing included, no plan. */
export function hubDollarsAMonth({ workerRequests: _, workerCpuMs: __, ...hub }: Usage): number {
  return ITEMS.reduce(
    (sum, item) => sum + (((hub as Usage)[item] ?? 0) * DAYS_A_MONTH * PRICES[item].perMillion) / MILLION,
    0,
  );
}

/** The limit of the free plan that such a day reaches first, if it does: after which share of the day. */
export function firstFreeLimit(day: Usage): { readonly what: string; readonly after: number } | undefined {
  const reached = ITEMS.map((item) => ({
    what: PRICES[item].what,
    after: PRICES[item].freeADay / (day[item] ?? 0),
  })).filter(({ after }) => after < 1);
  return reached.sort((a, b) => a.after - b.after)[0];
}

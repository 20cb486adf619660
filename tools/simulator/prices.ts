/**
 * Cloudflare's prices in US dollars, and the amounts that its plans include, as of November 2026.
 * https://developers.cloudflare.com/workers/platform/pricing/ · https://developers.cloudflare.com/kv/platform/pricing/ ·
 * https://developers.cloudflare.com/durable-objects/platform/pricing/
 */
export const PRICES_DATE = '2026-11';
export const PAID_PLAN_A_MONTH = 5;

interface Price {
  readonly what: string;
  /** Dollars for a million on the paid plan, beyond the included amount of a month. */
  readonly perMillion: number;
  readonly included: number;
  /** The limit of the free plan for a day, until midnight UTC. */
  readonly freeADay: number;
}

const MILLION = 1e6;
const PRICED = {
  workerRequests: { what: 'Worker requests', perMillion: 0.3, included: 10 * MILLION, freeADay: 100_000 },
  // The free plan limits each request to 10 ms, and has no limit for a day.
  workerCpuMs: { what: 'Worker CPU, ms', perMillion: 0.02, included: 30 * MILLION, freeADay: Infinity },
  kvReads: { what: 'KV reads', perMillion: 0.5, included: 10 * MILLION, freeADay: 100_000 },
  kvWrites: { what: 'KV writes', perMillion: 5, included: MILLION, freeADay: 1_000 },
  kvLists: { what: 'KV lists', perMillion: 5, included: MILLION, freeADay: 1_000 },
  objectRequests: { what: 'requests to the object', perMillion: 0.15, included: MILLION, freeADay: 100_000 },
  objectGbSeconds: { what: 'object active, GB-s', perMillion: 12.5, included: 400_000, freeADay: 13_000 },
  objectRows: { what: 'rows written', perMillion: 1, included: 50 * MILLION, freeADay: 100_000 },
} as const satisfies Record<string, Price>;

export type Item = keyof typeof PRICED;
export const PRICES: Readonly<Record<Item, Price>> = PRICED;
// The type of `Object.keys` is `string[]`.
export const ITEMS = Object.keys(PRICED) as Item[];

/** The amounts of a day. */
export type Usage = Readonly<Partial<Record<Item, number>>>;

const DAYS_A_MONTH = 30;

/** Returns the amount of one item in 30 such days, and its dollars on the paid plan. */
export function monthOf(day: Usage, item: Item): { readonly used: number; readonly dollars: number } {
  const used = (day[item] ?? 0) * DAYS_A_MONTH;
  const { perMillion, included } = PRICES[item];
  return { used, dollars: (Math.max(used - included, 0) / MILLION) * perMillion };
}

/** Returns the bill of 30 such days: the paid plan, and all amounts beyond it. */
export function billAMonth(day: Usage): number {
  return PAID_PLAN_A_MONTH + ITEMS.reduce((sum, item) => sum + monthOf(day, item).dollars, 0);
}

/** Returns the dollars of KV or the room for 30 such days, at the list price without included amounts. */
export function hubDollarsAMonth({ workerRequests: _, workerCpuMs: __, ...hub }: Usage): number {
  return ITEMS.reduce(
    (sum, item) => sum + (((hub as Usage)[item] ?? 0) * DAYS_A_MONTH * PRICES[item].perMillion) / MILLION,
    0,
  );
}

/** Returns the first limit of the free plan that a day reaches, and the share of the day until then. */
export function firstFreeLimit(day: Usage): { readonly what: string; readonly after: number } | undefined {
  const reached = ITEMS.map((item) => ({
    what: PRICES[item].what,
    after: PRICES[item].freeADay / (day[item] ?? 0),
  })).filter(({ after }) => after < 1);
  return reached.sort((a, b) => a.after - b.after)[0];
}

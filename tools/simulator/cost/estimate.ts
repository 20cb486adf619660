import { billAMonth, firstFreeLimit, ITEMS, monthOf, PAID_PLAN_A_MONTH, PRICES, type Usage } from '../prices';
import type { Ways } from './ways';

type Table = readonly (readonly string[])[];

/** What the ways to serve a crowd cost that is here so many hours a day, line by line: cells of two tables. */
export function estimateOf(ways: Ways, hours: number): { readonly paid: Table; readonly free: Table } {
  const days = [ways.kv.usage, ways.room.usage, ways.sockets].map((day) => shareOf(day, hours / 24));
  const withPings = shareOf(ways.socketsWithPings, hours / 24);
  const used = ITEMS.filter((item) => days.some((day) => (day[item] ?? 0) > 0));
  const paidLine = (item: (typeof ITEMS)[number]) => [
    PRICES[item].what,
    ...days.map((day) => {
      const month = monthOf(day, item);
      return month.used === 0 ? '-' : `${amount(month.used)}  ${dollars(month.dollars).padStart(8)}`;
    }),
  ];
  const limited = used.filter((item) => Number.isFinite(PRICES[item].freeADay));
  const freeLine = (item: (typeof ITEMS)[number]) => [
    `${PRICES[item].what}, of ${amount(PRICES[item].freeADay)}`,
    ...days.map((day) => (day[item] ? amount(day[item]) : '-')),
  ];
  return {
    paid: [
      ['Paid plan, 30 days', 'on KV', 'the room, by HTTP', 'by live sockets'],
      ['the plan', ...days.map(() => dollars(PAID_PLAN_A_MONTH))],
      ...used.map(paidLine),
      ['the whole bill', ...days.map((day) => dollars(billAMonth(day)))],
      ['if answered pings were billed', '', '', dollars(billAMonth(withPings))],
      ['mean error of the count', percent(ways.kv.meanErrorPercent), percent(ways.room.meanErrorPercent), ''],
    ],
    free: [
      ['Free plan, a day', 'on KV', 'the room, by HTTP', 'by live sockets'],
      ...limited.map(freeLine),
      ['ends first', ...days.map((day) => firstFreeLimit(day)?.what ?? '-')],
      ['after', ...days.map((day) => endOf(day, hours))],
      ['if answered pings were billed', '', '', endOf(withPings, hours)],
    ],
  };
}

/** When the first limit ends, of a crowd that is here so many hours a day. */
export function endOf(day: Usage, hours: number): string {
  const first = firstFreeLimit(day);
  if (first === undefined) return 'never';
  const minutes = first.after * hours * 60;
  return minutes < 90 ? `${minutes.toFixed(0)} min` : `${(minutes / 60).toFixed(1)} h`;
}

function shareOf(day: Usage, share: number): Usage {
  return Object.fromEntries(Object.entries(day).map(([item, used]) => [item, used * share]));
}

export function amount(used: number): string {
  if (used >= 1e6) return `${(used / 1e6).toFixed(used < 1e7 ? 1 : 0)} M`;
  return used >= 1e4
    ? `${(used / 1e3).toFixed(0)} k`
    : used.toLocaleString('en', { maximumFractionDigits: 0 });
}

export const dollars = (value: number) => `$${value.toFixed(value < 100 ? 2 : 0)}`;
export const percent = (value: number) => `${value.toFixed(2)} %`;

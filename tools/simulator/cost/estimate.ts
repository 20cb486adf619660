import { dollars } from '../../dollars';
import { percent } from '../../percent';
import { billAMonth, firstFreeLimit, ITEMS, monthOf, PAID_PLAN_A_MONTH, PRICES, type Usage } from '../prices';
import type { ChannelWays } from './channel-ways';
import type { Ways } from './ways';

type Table = readonly (readonly string[])[];

/** One way to serve a crowd: a column of both tables. */
interface Column {
  readonly name: string;
  /** What a crowd around the clock uses in a day. */
  readonly usage: Usage;
  /** The usage if the platform bills the pings that it answers. Only live sockets have pings. */
  readonly withPings?: Usage;
  readonly meanErrorPercent?: number;
}

interface Estimate {
  readonly paid: Table;
  readonly free: Table;
}

/** Returns two tables: the cost of each way to serve a crowd that is present `hours` a day. */
export function estimateOf({ kv, room, sockets, socketsWithPings }: Ways, hours: number): Estimate {
  const columns = [
    { name: 'on KV', ...kv },
    { name: 'the room, by HTTP', ...room },
    { name: 'by live sockets', usage: sockets, withPings: socketsWithPings },
  ];
  return tablesOf(columns, hours);
}

/** Returns the tables of a crowd in named channels, which KV does not have. */
export function channelEstimateOf(ways: ChannelWays, hours: number): Estimate {
  const { room, sockets, socketsWithPings, objects } = ways;
  const columns = [
    { name: 'the room, by HTTP', ...room },
    { name: 'by live sockets', usage: sockets, withPings: socketsWithPings },
    { name: 'an object per channel, by HTTP', ...objects },
  ];
  return tablesOf(columns, hours);
}

function tablesOf(columns: readonly Column[], hours: number): Estimate {
  const names = columns.map(({ name }) => name);
  const days = columns.map(({ usage }) => shareOf(usage, hours / 24));
  const pinged = columns.map(({ withPings }) => withPings && shareOf(withPings, hours / 24));
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
  const ifBilled = (cell: (day: Usage) => string) => [
    'if answered pings were billed',
    ...pinged.map((day) => (day === undefined ? '' : cell(day))),
  ];
  const errors = columns.map(({ meanErrorPercent: error }) => (error === undefined ? '' : percent(error)));
  return {
    paid: [
      ['Paid plan, 30 days', ...names],
      ['the plan', ...days.map(() => dollars(PAID_PLAN_A_MONTH))],
      ...used.map(paidLine),
      ['the whole bill', ...days.map((day) => dollars(billAMonth(day)))],
      ifBilled((day) => dollars(billAMonth(day))),
      ['mean error of the count', ...errors],
    ],
    free: [
      ['Free plan, a day', ...names],
      ...limited.map(freeLine),
      ['ends first', ...days.map((day) => firstFreeLimit(day)?.what ?? '-')],
      ['after', ...days.map((day) => endOf(day, hours))],
      ifBilled((day) => endOf(day, hours)),
    ],
  };
}

/** Returns when the first limit is reached, by a crowd that is present `hours` a day. */
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

import { execFileSync } from 'node:child_process';
import { dollars } from '../../dollars';
import { markdownTable } from '../../markdown-table';
import type { Size } from '../cost/crowd-size';
import { amount, endOf } from '../cost/estimate';
import type { Ways } from '../cost/ways';
import {
  billAMonth,
  firstFreeLimit,
  hubDollarsAMonth,
  ITEMS,
  PAID_PLAN_A_MONTH,
  PRICES,
  PRICES_DATE,
  type Usage,
} from '../prices';
import { CPU_MS_A_REQUEST, SOCKETS_AN_HOUR } from '../usage';
import { billsOf } from './cost-plot';

const HUNDRED = ['--people', '100', '--interval', '10'];
const THOUSAND = ['--people', '1000', '--interval', '10'];
const EVENING = ['--people', '100', '--hours', '1'];
const CHANNELS = ['--people', '1000', '--channels', '100'];

const PEOPLE = 'people in locations × isolates';
const BILLS_HEAD = [
  PEOPLE,
  'one shared KV key, if it worked',
  '**on KV**',
  'KV alone',
  '**the room, by HTTP**',
  'the room alone',
  'Worker requests alone',
  '**live sockets**',
  'live sockets, if answered pings were billed',
];
const FREE_HEAD = [
  PEOPLE,
  'on KV',
  'the room, by HTTP',
  'live sockets',
  'live sockets, if answered pings were billed',
];
const PRICES_HEAD = [
  '',
  `a million, paid plan ($${PAID_PLAN_A_MONTH} a month)`,
  'included in a month',
  'free plan, a day',
];

/** The blocks of docs/cost.md that `npm run simulate -- figures` writes. */
export const COST_BLOCKS = [
  'hundred',
  'thousand',
  'evening',
  'bills',
  'channels',
  'free-plan',
  'prices',
  'assumed',
] as const;

/** Returns the blocks of docs/cost.md, by name. */
export function costTables(
  all: readonly { readonly size: Size; readonly ways: Ways }[],
): Readonly<Record<(typeof COST_BLOCKS)[number], string>> {
  const nameOf = ({ people, locations, isolates }: Size) =>
    `${people.toLocaleString('en')} in ${locations} × ${isolates}`;
  const bills = all.map(({ size, ways }) => {
    const bill = billsOf(size, ways);
    return [
      nameOf(size),
      dollars(bill.sharedKey),
      dollars(bill.onKv),
      dollars(hubDollarsAMonth(ways.kv.usage)),
      dollars(bill.inTheRoom),
      dollars(hubDollarsAMonth(ways.room.usage)),
      dollars(bill.floor),
      dollars(bill.sockets),
      dollars(billAMonth(ways.socketsWithPings)),
    ];
  });
  const free = all.map(({ size, ways }) => [
    nameOf(size),
    ...[ways.kv.usage, ways.room.usage, ways.sockets, ways.socketsWithPings].map(firstEnd),
  ]);
  const prices = ITEMS.map((item) => PRICES[item]).map(({ what, perMillion, included, freeADay }) => [
    what,
    `$${perMillion.toFixed(2)}`,
    amount(included),
    Number.isFinite(freeADay) ? amount(freeADay) : `no limit a day; 10 ms a request`,
  ]);

  return {
    hundred: commandAndOutput(HUNDRED),
    thousand: commandAndOutput(THOUSAND),
    evening: commandAndOutput(EVENING),
    bills: markdownTable(BILLS_HEAD, bills),
    channels: commandAndOutput(CHANNELS),
    'free-plan': markdownTable(FREE_HEAD, free),
    prices: `Cloudflare's prices as of ${PRICES_DATE}:\n\n${markdownTable(PRICES_HEAD, prices)}`,
    assumed: markdownTable(
      ['assumed', ''],
      [
        ['CPU time of a request', `${CPU_MS_A_REQUEST} ms`],
        ['alarms of a room with live sockets, an hour', String(SOCKETS_AN_HOUR.alarms)],
        ['rows that these alarms write, an hour', String(SOCKETS_AN_HOUR.rows)],
      ],
    ),
  };
}

/** `npm run simulate -- cost` with these options, and what it prints, as a block of code. */
function commandAndOutput(options: readonly string[]): string {
  const output = execFileSync(process.execPath, ['tools/run.mjs', 'simulator', 'cost', ...options], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return `\`\`\`console\n$ npm run simulate -- cost ${options.join(' ')}\n${output.trimEnd()}\n\`\`\``;
}

function firstEnd(day: Usage): string {
  const first = firstFreeLimit(day);
  return first === undefined ? 'none' : `${first.what}, after ${endOf(day, 24)}`;
}

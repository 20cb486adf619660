import { execFileSync } from 'node:child_process';
import { markdownTable } from '../../markdown-table';
import type { Size } from '../cost/crowd-size';
import { amount, dollars, endOf } from '../cost/estimate';
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

const EXAMPLE = ['--people', '1000', '--interval', '10'];
const EVENING = ['--people', '100', '--hours', '1'];

/** docs/cost.md. */
export function costPage(all: readonly { readonly size: Size; readonly ways: Ways }[]): string {
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

  return `<!-- Written by \`npm run figures\`: change tests/simulation/, not this file. -->
# What it costs

For whoever pays the bill. What a crowd uses is counted while it is simulated, with the code that is deployed
([accuracy.md](accuracy.md) says what is assumed); what that costs is Cloudflare's price list of ${PRICES_DATE}. **No figure here was
seen on a bill.** The prices stand in one file, \`tools/simulator/prices.ts\`, for this page, the simulator and the command:

\`\`\`console
$ npm run cost -- ${EXAMPLE.join(' ')}
${output(EXAMPLE)}
\`\`\`

\`--locations\` and \`--isolates\` say how a crowd is spread, \`--stay\` how long people stay, and \`--hours\` how many hours a day they are here:
for a hundred people who meet for an hour a day the free plan will do, with the room.

\`\`\`console
$ npm run cost -- ${EVENING.join(' ')}
${output(EVENING)}
\`\`\`

## By the size of the crowd

Dollars a month on the paid plan, around the clock, a heartbeat every 10 s, stays of 30 minutes. *Alone*: the hub at its list price, nothing included.

![Dollars a month over people](cost.svg)

${markdownTable(['people in locations × isolates', 'one shared KV key, if it worked', '**on KV**', 'KV alone', '**the room, by HTTP**', 'the room alone', 'Worker requests alone', '**live sockets**', 'live sockets, if answered pings were billed'], bills)}

By HTTP the Worker's own requests are most of the bill, whatever stores the count; only live sockets do without. What each hub adds follows the isolates,
not the people. KV is cheapest for a few people or one location, the room from a few hundred people on.

## The free plan

Which limit ends first, and after how long from midnight UTC, with a crowd around the clock:

${markdownTable(['people in locations × isolates', 'on KV', 'the room, by HTTP', 'live sockets', 'live sockets, if answered pings were billed'], free)}

| when this ends | then, until midnight UTC |
| --- | --- |
| Worker requests | the service answers nobody: the platform answers with an error, and clients keep their last number, marked \`stale\` |
| KV reads, writes or lists | no request fails. Each isolate counts its own, and asks KV no more (\`tests/workerd/presence/daily-quota.test.ts\`) |
| requests to the object, its time or its rows | no request fails. Each isolate counts its own; live sockets cannot be opened, and clients beat by HTTP |

## The price list

| | a million, paid plan ($${PAID_PLAN_A_MONTH} a month) | included in a month | free plan, a day |
| --- | --- | --- | --- |
${prices.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}

[Workers](https://developers.cloudflare.com/workers/platform/pricing/), [KV](https://developers.cloudflare.com/kv/platform/pricing/), [Durable Objects](https://developers.cloudflare.com/durable-objects/platform/pricing/).
The page, \`/presence.js\`, \`/docs\` and \`/openapi.json\` are static assets, which are free.

## What is assumed

- **CPU.** Each request is taken for ${CPU_MS_A_REQUEST} ms. \`npm run bench\` measures a quarter of that on the machine of [performance.md](performance.md).
- **The room is taken for always awake** while anybody is here. On sockets without changes it sleeps for about two thirds of the time, and
  the platform does not bill an object that could sleep.
- **Live sockets.** ${SOCKETS_AN_HOUR.alarms} alarms and ${SOCKETS_AN_HOUR.rows} rows an hour (\`tests/workerd/presence-room-cost.test.ts\` counts them), and a row saved and one deleted every five
  seconds. That pings which the platform answers are not billed as messages, the price list does not say plainly: the last columns are for
  the case that they are.
- **Pages that open and close.** A visit is a heartbeat every 10 s and, seven times in ten, a leave; a page that only looks asks as often as one that beats.
- **Not in it:** what is stored (kilobytes), log lines (one in ten of those about trouble), a domain, other Workers of the account that share the
  free plan's limits or the paid plan's share.
- **Fraud costs money too.** Requests that are refused are billed like others: [SECURITY.md](../SECURITY.md).
`;
}

/** What the command prints, as people will see it. */
function output(options: readonly string[]): string {
  return execFileSync(process.execPath, ['tools/run.mjs', 'simulator', 'cost', ...options], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trimEnd();
}

function firstEnd(day: Usage): string {
  const first = firstFreeLimit(day);
  return first === undefined ? 'none' : `${first.what}, after ${endOf(day, 24)}`;
}

import { setTimeout as wait } from 'node:timers/promises';
import * as z from 'zod';
import { bundleForWorkerd } from '../../../tests/support/bundle';
import { workerdBytes } from '../../../tests/support/workerd-memory';
import { mean } from '../../mean';
import { givenOptions, parseOptions, wholeNumber } from '../../options';
import { percent } from '../../percent';
import { OUR_HUBS, OurHub } from '../../simulator/scenario';
import { MixedLoad } from '../mixed-load';

const WORKER = 'dist/soak/worker.js';
/**
 * The load runs this long before the memory is compared. In a run of seven minutes V8's heap grew for 80 to 120 s. After that the
 * memory stayed within 4 %. A leak grows on after the warm-up.
 */
const WARM_UP_SECONDS = 120;
/** The last half minute may take this part more memory than the first one after the warm-up. Noise takes less. */
const GROWTH_MAX = 0.05;

const Options = z.object({
  hub: OurHub.default('durable-object').describe(`The hub of the isolates: ${OUR_HUBS.join(' or ')}.`),
  seconds: wholeNumber(1, 86_400)
    .default(180)
    .describe(`Seconds of load in which memory is compared, after a warm-up of ${WARM_UP_SECONDS} s.`),
});

const ABOUT =
  'Runs a mixed load on a service while its hub fails and slows down. It fails on a wrong status, a wrong count or growing memory.';

const { hub, seconds } = parseOptions(Options, givenOptions(ABOUT, Options.shape));

await bundleForWorkerd('tools/soak/worker.ts', WORKER);
const load = await MixedLoad.start(WORKER, hub);
const running = load.run();
/** Memory of the workerd process at each second (MB). */
const memories: number[] = [];
for (let second = 1; second <= WARM_UP_SECONDS + seconds; second += 1) {
  // In each 30 s the hub fails for 5 s and is slow for 5 s.
  if (second % 30 === 10) await load.hub('fails');
  if (second % 30 === 15) await load.hub('works');
  if (second % 30 === 20) await load.hub('is slow');
  if (second % 30 === 25) await load.hub('works');
  await wait(1_000);
  memories.push(workerdBytes() / 2 ** 20);
  if (second % 10 === 0)
    process.stderr.write(`${second} s: ${load.requests} requests, ${memories.at(-1)?.toFixed(0)} MB\n`);
}
await load.hub('works');
load.stop();
await running;

const present = 1_500;
const counts = await load.settle(present);
await load.dispose();

const compared = memories.slice(WARM_UP_SECONDS);
const [first, last] = [mean(compared.slice(0, 30)), mean(compared.slice(-30))];
const growth = last / first - 1;
console.log(`hub ${hub}, ${seconds} s after ${WARM_UP_SECONDS} s of warm-up, ${load.requests} requests`);
console.log(
  `answers: ${[...load.outcomes]
    .sort()
    .map(([what, times]) => `${times} x ${what}`)
    .join(', ')}`,
);
console.log(`unintended answers: ${load.unintended.length} ${load.unintended.slice(0, 5).join('; ')}`);
console.log(
  `memory of workerd: ${first.toFixed(0)} MB in the first half minute, ${last.toFixed(0)} MB in the last (${percent(100 * growth, 1)})`,
);
console.log(`count at the end: ${counts.join(' and ')} of ${present}`);
const isGood =
  load.unintended.length === 0 && growth <= GROWTH_MAX && counts.every((count) => count === present);
process.exitCode = isGood ? 0 : 1;

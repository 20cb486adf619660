import * as z from 'zod';
import { givenOptions, numberWithin, parseOptions, wholeNumber } from '../../options';
import { meetings } from '../meeting';
import { OUR_HUBS, OurHub, Scenario } from '../scenario';

// Measures how long two people in two locations take to see each other: `npm run simulate -- meeting --apart-seconds 300`.

const Options = z.object({
  worlds: wholeNumber(1, 100_000).default(300).describe('The number of worlds. Their seeds start at --from.'),
  from: wholeNumber(0, 1_000_000_000).default(1).describe('The first seed.'),
  apartSeconds: numberWithin(0, 3_600)
    .default(300)
    .describe('The second session starts at most this much after the first.'),
  hub: OurHub.default('kv').describe(`The hub of the replicas: ${OUR_HUBS.join(' or ')}.`),
  staleRead: Scenario.shape.staleRead,
  fail: Scenario.shape.fail,
});

const ABOUT =
  'Simulates two people in two locations, and measures the time from the second start until both answers count two.';

const { worlds, from, apartSeconds, ...options } = parseOptions(Options, givenOptions(ABOUT, Options.shape));
const { medianSeconds, p90Seconds, worstSeconds } = await meetings(worlds, apartSeconds, options, from);
const seconds = (value: number) => `${value.toFixed(0)} s`;
console.log(
  `${worlds} worlds: median ${seconds(medianSeconds)}, p90 ${seconds(p90Seconds)}, worst ${seconds(worstSeconds)}`,
);

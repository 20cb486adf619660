import * as z from 'zod';
import { givenOptions, parseOptions, wholeNumber } from '../../options';
import { meetings } from '../meeting';
import { OUR_HUBS, Scenario } from '../scenario';

// How long it takes until two people in two locations see each other: `npm run simulate -- meeting --apart-seconds 300`.

const Options = z.object({
  worlds: wholeNumber(1, 100_000).default(300).describe('How many worlds, with the seeds from --from on.'),
  from: wholeNumber(0, 1_000_000_000).default(1).describe('The first seed.'),
  apartSeconds: z.coerce
    .number()
    .min(0)
    .max(3_600)
    .default(300)
    .describe('The second session starts at most this much after the first.'),
  hub: z
    .enum(OUR_HUBS)
    .default('kv')
    .describe(`Where the replicas meet: ${OUR_HUBS.join(' or ')}.`),
  staleRead: Scenario.shape.staleRead,
  fail: Scenario.shape.fail,
});

const ABOUT = 'Two people in two locations: the seconds from the second start until both answers count two.';

const { worlds, from, apartSeconds, ...options } = parseOptions(Options, givenOptions(ABOUT, Options.shape));
const { medianSeconds, p90Seconds, worstSeconds } = await meetings(worlds, apartSeconds, options, from);
const seconds = (value: number) => `${value.toFixed(0)} s`;
console.log(
  `${worlds} worlds: median ${seconds(medianSeconds)}, p90 ${seconds(p90Seconds)}, worst ${seconds(worstSeconds)}`,
);

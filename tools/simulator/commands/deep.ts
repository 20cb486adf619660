import * as z from 'zod';
import { givenOptions, parseOptions, wholeNumber } from '../../options';
import { progress } from '../../progress';
import { mixedScenario } from '../mixed-scenario';
import { runAll } from '../run-all';
import { OUR_HUBS, OurHub } from '../scenario';

// Simulates many long mixed worlds: `npm run simulate -- deep --seeds 1000 --minutes 60 --hub durable-object`.

const Options = z.object({
  seeds: wholeNumber(1, 1_000_000)
    .default(1_000)
    .describe('The number of worlds, each from a seed of its own.'),
  from: wholeNumber(0, 1_000_000_000).default(1).describe('The first seed.'),
  minutes: wholeNumber(1, 10_000)
    .default(60)
    .describe('Simulated minutes of each world with sessions that start and end.'),
  hub: OurHub.default('kv').describe(`The hub of the replicas: ${OUR_HUBS.join(' or ')}.`),
});

const ABOUT =
  'Simulates many mixed worlds, and checks every promise at every answer. It fails if a promise is broken.';

const { seeds, from, minutes, hub } = parseOptions(Options, givenOptions(ABOUT, Options.shape));
const scenarios = Array.from({ length: seeds }, (_, index) => mixedScenario(from + index, minutes, hub));
const results = await runAll(scenarios, (_result, done) => progress('worlds', done, seeds));
const answers = results.reduce((sum, result) => sum + result.answers, 0);
const broken = results.filter(({ violations }) => violations.length > 0);
for (const { violations } of broken) console.log(violations[0]);
console.log(
  `${seeds} worlds of ${minutes} minutes, ${answers} answers measured: ${broken.length} broke an invariant.`,
);
process.exitCode = broken.length === 0 ? 0 : 1;

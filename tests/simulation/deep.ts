import { parseArgs } from 'node:util';
import * as z from 'zod';
import { progress } from '../progress';
import { mixedScenario } from './mixed-scenario';
import { runAll } from './run-all';
import { OUR_HUBS } from './scenario';

// Many mixed worlds for a long time each: `npm run simulate:deep -- --seeds 1000 --minutes 60 --hub durable-object`.

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '60' },
    hub: { type: 'string', default: 'kv' },
  },
});
const [seeds, from, minutes] = [Number(values.seeds), Number(values.from), Number(values.minutes)];
const hub = z.enum(OUR_HUBS).parse(values.hub);
const scenarios = Array.from({ length: seeds }, (_, index) => mixedScenario(from + index, minutes, hub));
const results = await runAll(scenarios, (_result, done) => progress('worlds', done, seeds));
const answers = results.reduce((sum, result) => sum + result.answers, 0);
const broken = results.filter(({ violations }) => violations.length > 0);
for (const { violations } of broken) console.log(violations[0]);
console.log(
  `${seeds} worlds of ${minutes} minutes, ${answers} answers measured: ${broken.length} broke an invariant.`,
);
process.exitCode = broken.length === 0 ? 0 : 1;

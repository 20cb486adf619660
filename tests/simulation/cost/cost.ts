import { parseArgs } from 'node:util';
import * as z from 'zod';
import { progress } from '../../progress';
import { textTable } from '../../text-table';
import { sizeOf } from './crowd-size';
import { estimateOf } from './estimate';
import { waysOf } from './ways';

// What a crowd costs, each way to serve it: `npm run cost -- --people 1000 --interval 10`.

const number = (min: number, max: number) => {
  const error = `takes a number from ${min} to ${max}`;
  return z.coerce.number({ error }).min(min, { error }).max(max, { error });
};
const whole = (min: number, max: number) =>
  number(min, max).refine(Number.isInteger, { error: 'takes a whole number' });

const Options = z.object({
  people: whole(1, 10_000).default(1_000),
  interval: whole(1, 200).default(10),
  stay: number(1, 1_440).default(30),
  hours: number(0.1, 24).default(24),
  locations: whole(1, 300).optional(),
  isolates: whole(1, 100).optional(),
});

const HELP = `What a crowd costs on Cloudflare's free and paid plan, on KV, with the room, and by live sockets.

--people     how many are here at a time, on average (1000)
--interval   seconds between two heartbeats of a person (10)
--stay       minutes that a person stays, on average (30)
--hours      hours a day that the crowd is here (24)
--locations  Cloudflare locations that serve it, and
--isolates   isolates in each: by default as many as a crowd of that size is taken to have`;

const { values } = parseArgs({
  options: {
    ...Object.fromEntries(Object.keys(Options.shape).map((name) => [name, { type: 'string' } as const])),
    help: { type: 'boolean' },
  },
});

if (values['help'] === true) {
  console.log(HELP);
} else {
  const options = Options.safeParse(values);
  if (options.success) await print(options.data);
  else {
    for (const { path, message } of options.error.issues) console.error(`--${String(path[0])} ${message}`);
    process.exitCode = 2;
  }
}

async function print(options: z.output<typeof Options>): Promise<void> {
  const { people, interval, stay, hours } = options;
  const { locations = sizeOf(people).locations, isolates = sizeOf(people).isolates } = options;
  const crowd = { people, locations, isolates, beatSeconds: interval, stayMinutes: stay };
  const [ways] = await waysOf([crowd], (done, of) => progress('simulating', done, of));
  if (ways === undefined) return;
  const { paid, free } = estimateOf(ways, hours);
  const count = (number: number, one: string) =>
    `${number.toLocaleString('en')} ${one}${number === 1 ? '' : 's'}`;
  console.log(
    [
      `${people === 1 ? '1 person' : `${people.toLocaleString('en')} people`}, ${count(hours, 'hour')} a day: a heartbeat every ${interval} s, stays of ${stay} min,`,
      `in ${count(locations, 'location')} with ${count(isolates, 'isolate')} each`,
      '',
      textTable(paid),
      '',
      textTable(free),
    ].join('\n'),
  );
}

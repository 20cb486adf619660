import * as z from 'zod';
import { givenOptions, parseOptions, wholeNumber } from '../../options';
import { buildWorkers } from '../build-workers';
import { measureSockets } from '../live-sockets';

// Measures the live sockets of one room: `npm run bench -- sockets --sockets 10000`.

const Options = z.object({
  sockets: wholeNumber(1, 32_000).default(10_000).describe('The number of live sockets: 1 to 32,000.'),
});

const ABOUT = 'Measures what live sockets cost one room, and how long a change takes to reach all of them.';

const given = givenOptions(ABOUT, Options.shape, { json: 'Prints all figures, for programs.' });
const { sockets } = parseOptions(Options, given);
await buildWorkers();
const result = await measureSockets(sockets);
if (given['json'] === true) console.log(JSON.stringify(result, null, 2));
else console.table(result);

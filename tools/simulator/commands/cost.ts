import * as z from 'zod';
import { givenOptions, numberWithin, parseOptions, wholeNumber } from '../../options';
import { progress } from '../../progress';
import { textTable } from '../../text-table';
import { channelWaysOf, peopleInChannel } from '../cost/channel-ways';
import { sizeOf } from '../cost/crowd-size';
import { channelEstimateOf, estimateOf } from '../cost/estimate';
import { waysOf } from '../cost/ways';

// Estimates the cost of a crowd for each way to serve it: `npm run simulate -- cost --people 1000 --interval 10`.

const Options = z
  .object({
    people: wholeNumber(1, 10_000)
      .default(1_000)
      .describe('People at a time, on average: 1 to 10,000, which take minutes.'),
    interval: wholeNumber(1, 200).default(10).describe('Seconds between two heartbeats of a person.'),
    stay: numberWithin(1, 1_440).default(30).describe('Minutes that a person stays, on average.'),
    hours: numberWithin(0.1, 24).default(24).describe('Hours a day in which the crowd is present.'),
    locations: wholeNumber(1, 300)
      .optional()
      .describe('Cloudflare locations that serve the crowd. The default follows from its size.'),
    isolates: wholeNumber(1, 100)
      .optional()
      .describe('Isolates in each location. The default follows from the size of the crowd.'),
    channels: wholeNumber(0, 1_000)
      .default(0)
      .describe(
        'Named channels, each with the same number of people. The tables also show an object per channel.',
      ),
  })
  .refine(({ channels, people }) => channels <= people, {
    path: ['channels'],
    error: 'takes at most one channel for each person',
  });

const ABOUT =
  "Estimates the cost of a crowd on Cloudflare's free and paid plan: on KV, with the room, and by live sockets.";

const options = parseOptions(Options, givenOptions(ABOUT, Options.shape));
const { people, interval, stay, hours, channels } = options;
const { locations = sizeOf(people).locations, isolates = sizeOf(people).isolates } = options;
const crowd = { people, locations, isolates, beatSeconds: interval, stayMinutes: stay };
const onProgress = (done: number, of: number) => progress('simulating', done, of);
const { paid, free } =
  channels === 0
    ? estimateOf(await oneOf(waysOf([crowd], onProgress)), hours)
    : channelEstimateOf(await channelWaysOf(crowd, channels, onProgress), hours);
console.log(
  [
    `${count(people, 'person', 'people')}, ${count(hours, 'hour')} a day: a heartbeat every ${interval} s, stays of ${stay} min,`,
    `in ${count(locations, 'location')} with ${count(isolates, 'isolate')} each${channels === 0 ? '' : ','}`,
    ...(channels === 0
      ? []
      : [
          `in ${count(channels, 'channel')} of ${count(peopleInChannel(people, channels), 'person', 'people')}`,
        ]),
    '',
    textTable(paid),
    '',
    textTable(free),
  ].join('\n'),
);

async function oneOf<Way>(ways: Promise<readonly Way[]>): Promise<Way> {
  const [way] = await ways;
  if (way === undefined) throw new Error('There is a result for each crowd.');
  return way;
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString('en')} ${number === 1 ? one : many}`;
}

import * as z from 'zod';
import { givenOptions, parseOptions, wholeNumber } from '../../options';
import { buildWorkers } from '../build-workers';
import { channelCrowd } from '../channel-crowd';
import { roomWithChannels } from '../room-channels';

// Measures what channels cost one room: `npm run bench -- channels`. It sends loads to this machine only.

const Options = z.object({
  channels: wholeNumber(2, 1_000).default(1_000).describe('The number of channels: 2 to 1,000.'),
  people: wholeNumber(1, 20).default(10).describe('The number of people in each channel: 1 to 20.'),
});

const ABOUT =
  'Measures what channels cost one room: the time of a call and of a broadcast, memory, and a crowd on workerd.';

const given = givenOptions(ABOUT, Options.shape, { json: 'Prints all figures, for programs.' });
const { channels, people } = parseOptions(Options, given);
const rooms = [];
for (const count of [1, channels]) rooms.push(await roomWithChannels(channels * people, count, channels));
await buildWorkers();
const crowd = await channelCrowd(channels, people);
if (given['json'] === true) console.log(JSON.stringify({ rooms, crowd }, null, 2));
else {
  console.table(rooms);
  console.table(crowd);
}

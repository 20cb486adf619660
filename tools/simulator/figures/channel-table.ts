import type { ScenarioOptions } from '../scenario';
import { accuracyCells, ROOM_HEAD, type Row, roomCells, tableOf } from './world-table';

const THOUSAND: ScenarioOptions = { hub: 'durable-object', people: 1_000, locations: 10, minutes: 10 };
const HUNDRED: ScenarioOptions = { ...THOUSAND, channels: 100, channelSpread: 'even' };

/** Crowds in named channels. */
const ROWS: readonly Row[] = [
  { name: '100 channels of 10 people', options: HUNDRED },
  { name: '10 channels of 100 people', options: { ...HUNDRED, channels: 10 } },
  { name: '100 channels by Zipf, and the default one', options: { ...HUNDRED, channelSpread: 'zipf' } },
  {
    name: '100 channels of 10, half of the people with a tab in a second one',
    options: { ...HUNDRED, tabs: 0.5 },
  },
  {
    name: '100 channels of 10, 1 heartbeat in 20 from another channel',
    options: { ...HUNDRED, hop: 0.05 },
  },
  {
    name: '100 channels of 10, 1 request in 1,000 finds a fresh isolate, 5 % of calls fail',
    options: { ...HUNDRED, evict: 0.001, fail: 0.05 },
  },
  {
    name: '100 channels of 10, 1 call in 1,000 finds a room without its memory',
    options: { ...HUNDRED, restart: 0.001 },
  },
];

/** Returns the table of crowds in named channels. Its accuracy covers the answers of all channels. */
export function channelTable(): Promise<string> {
  return tableOf('channels', ROOM_HEAD, ROWS, (meanOf) => [...accuracyCells(meanOf), ...roomCells(meanOf)]);
}

import { markdownTable } from '../../markdown-table';
import { percent } from '../../percent';
import { progress } from '../../progress';
import { endOf } from '../cost/estimate';
import { meetings } from '../meeting';
import type { ScenarioOptions } from '../scenario';
import { usageOf } from '../usage';
import { ACCURACY_COMMAND } from './accuracy-plot';
import { channelTable } from './channel-table';
import {
  accuracyCells,
  KV_HEAD,
  kvCells,
  type Mean,
  ROOM_HEAD,
  type Row,
  roomCells,
  tableOf,
} from './world-table';

/** The blocks of docs/accuracy.md that `npm run simulate -- figures` writes. */
export const ACCURACY_BLOCKS = [
  'picture',
  'steady',
  'meetings',
  'shared-key',
  'key-per-session',
  'harder',
  'room',
  'channels',
  'gatherings',
  'free-plan',
  'two-locations',
] as const;

const STEADY: readonly Row[] = [
  { name: '100 in 1 location', options: { people: 100, minutes: 60 } },
  { name: '100 in 10', options: { people: 100, locations: 10, minutes: 60 } },
  { name: '1,000 in 10', options: { people: 1_000, locations: 10, minutes: 20 } },
  { name: '30 in 10, 1 isolate', options: { people: 30, locations: 10, isolates: 1, minutes: 120 } },
  { name: '100 in 10, 1 isolate', options: { people: 100, locations: 10, isolates: 1, minutes: 60 } },
  { name: '1,000 in 100, 1 isolate', options: { people: 1_000, locations: 100, isolates: 1, minutes: 10 } },
  { name: '2,000 in 1, 8 isolates', options: { people: 2_000, isolates: 8, minutes: 10 } },
  { name: '3,000 in 30, 4 isolates', options: { people: 3_000, locations: 30, isolates: 4, minutes: 5 } },
];

const THOUSAND: ScenarioOptions = { people: 1_000, locations: 10, minutes: 10 };
const HARDER: readonly Row[] = [
  {
    name: '1 request in 1,000 finds a fresh isolate, 5 % of KV operations fail',
    options: { ...THOUSAND, evict: 0.001, fail: 0.05 },
  },
  { name: 'lists cached for 120 s', options: { ...THOUSAND, listCacheSeconds: 120 } },
  { name: '20 % of writes not visible at home', options: { ...THOUSAND, homeMiss: 0.2 } },
  { name: '5 % of reads stale', options: { ...THOUSAND, staleRead: 0.05 } },
  { name: 'every request to any isolate', options: { ...THOUSAND, stick: 0 } },
  { name: 'stays of 10 minutes', options: { ...THOUSAND, stayMinutes: 10 } },
  { name: 'clocks off by up to 2 s', options: { ...THOUSAND, skewMs: 2_000 } },
  { name: '1 request in 100 that uses KV ends with its response', options: { ...THOUSAND, die: 0.01 } },
  { name: '100 in 1 location, 16 isolates', options: { people: 100, isolates: 16, minutes: 20 } },
];

const ROOM: ScenarioOptions = { hub: 'durable-object' };
const IN_THE_ROOM: readonly Row[] = [
  { name: '5 in 1 location, every request to any isolate', options: { people: 5, stick: 0, minutes: 60 } },
  ...STEADY,
  { name: '1,000 in 10, a sync every 2 s', options: { ...THOUSAND, intervalSeconds: 2 } },
  {
    name: '1,000 in 10, 1 request in 1,000 finds a fresh isolate, 5 % of calls fail',
    options: { ...THOUSAND, evict: 0.001, fail: 0.05 },
  },
  {
    name: '1,000 in 10, 1 call in 1,000 finds a room without its memory',
    options: { ...THOUSAND, restart: 0.001 },
  },
  { name: '1,000 in 10, every request to any isolate', options: { ...THOUSAND, stick: 0 } },
  { name: '1,000 in 10, clocks off by up to 2 s', options: { ...THOUSAND, skewMs: 2_000 } },
  {
    name: '1,000 in 10, 1 request in 100 that calls the room ends with its response',
    options: { ...THOUSAND, die: 0.01 },
  },
].map(({ name, options }) => ({ name, options: { ...options, ...ROOM } }));

const OTHERS: readonly Row[] = [
  { name: '100 in 1 location', options: { people: 100, minutes: 10 } },
  { name: '100 in 10', options: { people: 100, locations: 10, minutes: 10 } },
  { name: '1,000 in 10', options: { people: 1_000, locations: 10, minutes: 5 } },
];

const FREE: readonly Row[] = [
  { name: '5 people, 1 isolate, a day', options: { people: 5, isolates: 1, minutes: 1_440, quota: 'free' } },
  {
    name: 'the same, 1 request in 1,000 finds a fresh isolate',
    options: { people: 5, isolates: 1, minutes: 1_440, quota: 'free', evict: 0.001 },
  },
  {
    name: '11 people, 1 isolate, a day',
    options: { people: 11, isolates: 1, minutes: 1_440, quota: 'free' },
  },
];

/** Five people in two locations, by the sync interval in seconds. */
const TWO_LOCATIONS: readonly Row[] = [10, 30, 60].map((intervalSeconds) => ({
  name: `every ${intervalSeconds} s`,
  options: { people: 5, locations: 2, isolates: 1, minutes: 1_440, intervalSeconds },
}));

const MEETINGS_OF = 300;
const MEETINGS: readonly (readonly [string, number, ScenarioOptions])[] = [
  ['up to 5 minutes apart', 300, {}],
  ['up to 5 minutes apart, 5 % of reads stale', 300, { staleRead: 0.05 }],
  ['up to 5 minutes apart, 5 % of KV operations fail', 300, { fail: 0.05 }],
  ['within a second', 1, {}],
  ['up to 5 minutes apart, with the room', 300, ROOM],
];

const GATHERING: ScenarioOptions = {
  people: 1_000,
  watchers: 60,
  locations: 10,
  gatherSeconds: 30,
  stayMinutes: 0,
  minutes: 6,
  goneMinutes: 6,
};

const GATHERINGS: readonly Row[] = [
  { name: '1,000 in 10, on KV', options: GATHERING },
  { name: '1,000 in 10, 1 isolate, on KV', options: { ...GATHERING, isolates: 1 } },
  { name: '1,000 in 10, with the room', options: { ...GATHERING, ...ROOM } },
];

const withHub = (hub: 'shared-key' | 'key-per-session') =>
  OTHERS.map(({ name, options }) => ({ name, options: { ...options, hub } }));
const aDay = (perSecond: number) => Math.round(perSecond * 86_400).toLocaleString('en');
const seconds = (values: readonly (number | undefined)[]) =>
  values.map((value) => value ?? 'never').join(', ');

/** The table of the time that two people in two locations take to see each other. */
async function meetingsTable(): Promise<string> {
  const rows: (readonly string[])[] = [];
  for (const [name, apartSeconds, options] of MEETINGS) {
    progress('meetings', rows.length, MEETINGS.length);
    const figures = await meetings(MEETINGS_OF, apartSeconds, options);
    const { medianSeconds, p90Seconds, worstSeconds } = figures;
    rows.push([name, ...[medianSeconds, p90Seconds, worstSeconds].map((value) => `${value.toFixed(0)} s`)]);
  }
  return markdownTable(['the two sessions start', 'median', 'p90', 'worst'], rows);
}

/** Returns the blocks of docs/accuracy.md, by name. */
export async function accuracyTables(): Promise<Readonly<Record<(typeof ACCURACY_BLOCKS)[number], string>>> {
  const onKv = (meanOf: Mean) => [...accuracyCells(meanOf), ...kvCells(meanOf)];
  return {
    picture: `\`${ACCURACY_COMMAND} --hub kv,shared-key\``,
    steady: await tableOf('steady crowds', KV_HEAD, STEADY, onKv),
    meetings: await meetingsTable(),
    'shared-key': await tableOf('shared key', KV_HEAD, withHub('shared-key'), onKv),
    'key-per-session': await tableOf(
      'key per session',
      KV_HEAD,
      withHub('key-per-session').slice(0, 2),
      onKv,
    ),
    harder: await tableOf('harder worlds', KV_HEAD, HARDER, onKv),
    room: await tableOf('room', ROOM_HEAD, IN_THE_ROOM, (meanOf) => [
      ...accuracyCells(meanOf),
      ...roomCells(meanOf),
    ]),
    channels: await channelTable(),
    gatherings: await tableOf(
      'gatherings',
      ['crowd', 'shown after', 'gone after'],
      GATHERINGS,
      (_meanOf, results) => [
        seconds(results.map((result) => result.shownAfterSeconds)),
        seconds(results.map((result) => result.goneAfterSeconds)),
      ],
    ),
    'free-plan': await tableOf(
      'free plan',
      ['crowd', 'mean error', 'reads a day', 'writes a day', 'lists a day'],
      FREE,
      (meanOf) => [
        percent(meanOf((result) => result.meanErrorPercent)),
        aDay(meanOf((result) => result.kvPerSecond.reads)),
        aDay(meanOf((result) => result.kvPerSecond.writes)),
        aDay(meanOf((result) => result.kvPerSecond.lists)),
      ],
    ),
    'two-locations': await tableOf(
      'two locations',
      ['a sync', 'mean error', 'reads a day', 'writes a day', 'lists a day', 'the free plan lasts'],
      TWO_LOCATIONS,
      (meanOf) => {
        const [reads, writes, lists] = [
          meanOf((result) => result.kvPerSecond.reads),
          meanOf((result) => result.kvPerSecond.writes),
          meanOf((result) => result.kvPerSecond.lists),
        ];
        return [
          percent(meanOf((result) => result.meanErrorPercent)),
          ...[reads, writes, lists].map(aDay),
          endOf(usageOf(0, { reads, writes, lists }), 24),
        ];
      },
    ),
  };
}

import * as z from 'zod';
import { type HubSettings, hubSettings } from '../../src/config';
import { CHANNELS_MAX_DEFAULT, CHANNELS_MAX_HIGHEST } from '../../src/limits';
import { optionName } from '../options';

const Rate = z.coerce.number().min(0).max(1).default(0);
const count = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

export const HUBS = ['kv', 'durable-object', 'shared-key', 'key-per-session'] as const;
export type HubKind = (typeof HUBS)[number];
/** The hubs of this project, which must keep its promises. */
export const OUR_HUBS = ['kv', 'durable-object'] as const;
/** The schema of an option that takes one of them. */
export const OurHub = z.enum(OUR_HUBS, { error: `takes ${OUR_HUBS.join(' or ')}` });
export type OurHub = z.output<typeof OurHub>;

/**
 * All inputs of a run. The same scenario gives the same run, to the millisecond.
 * The keys are the options of `npm run simulate` in camel case, and `--help` describes each.
 */
const Options = z.strictObject({
  seed: z.coerce
    .number()
    .int()
    .default(1)
    .describe('The seed of all random numbers. Another seed gives another world.'),
  hub: z
    .enum(HUBS)
    .default('kv')
    .describe(
      'The service: the production code with one of its hubs, or one of two usual designs for comparison.',
    ),
  people: count(0, 100_000).default(100).describe('People at a time, on average.'),
  watchers: count(0, 100_000)
    .default(0)
    .describe(
      'Clients that send `GET /api/presence` and no heartbeats, at the same interval. Nothing counts them.',
    ),
  locations: count(1, 300).default(1).describe('Cloudflare locations.'),
  isolates: count(1, 100).default(3).describe('Isolates in each location.'),
  stick: Rate.default(0.9).describe('Chance that a request reaches the isolate that served its sender last.'),
  minutes: z.coerce
    .number()
    .min(0)
    .max(10_000)
    .default(30)
    .describe('Minutes in which people start and leave.'),
  calmMinutes: z.coerce
    .number()
    .min(0)
    .max(60)
    .default(0)
    .describe('Minutes after that in which no session starts or ends and nothing fails.'),
  goneMinutes: z.coerce
    .number()
    .min(0)
    .max(60)
    .default(0)
    .describe('Minutes after that without heartbeats: all clients stop at once.'),
  gatherSeconds: z.coerce
    .number()
    .min(0)
    .max(3_600)
    .default(0)
    .describe(
      '0: the crowd starts at once. More: all start within this number of seconds, from the second minute on.',
    ),
  ttlSeconds: count(2, 600)
    .default(30)
    .describe('A session expires this number of seconds after its last heartbeat.'),
  intervalSeconds: count(1, 60)
    .optional()
    .describe('Seconds between two syncs. The default is that of the hub.'),
  beatSeconds: z.coerce
    .number()
    .min(0.5)
    .max(200)
    .default(10)
    .describe('Mean seconds between two heartbeats. Each gap varies by 10 %.'),
  stayMinutes: z.coerce
    .number()
    .min(0)
    .max(10_000)
    .default(30)
    .describe('Mean stay in minutes, exponential. 0: no person leaves, and no further one starts.'),
  polite: Rate.default(0.7).describe(
    'Share of ended sessions that send a leave. The others stop their heartbeats.',
  ),
  moody: Rate.default(0.01).describe('Chance at each heartbeat that the mood changes.'),
  burst: Rate.describe(
    'Share of these changes that a client sends as heartbeat, leave, heartbeat at once, like an older front end.',
  ),
  move: Rate.describe('Chance at each heartbeat that the person moves to another location.'),
  tabs: Rate.describe(
    'Share of people with a second tab, which sends heartbeats of its own with the same id.',
  ),
  listCacheSeconds: count(0, 600).default(60).describe('Seconds for which a location caches a list.'),
  homeMiss: Rate.describe('Share of writes that their own location reads as late as any other location.'),
  staleRead: Rate.describe(
    'Chance that a read returns an old value of its location, up to `cacheTtl` old: a location has several caches.',
  ),
  slowMs: count(0, 5_000).default(0).describe('Each operation of the hub takes this many ms longer.'),
  limiterMs: count(0, 1_000).default(0).describe('The limiter of new sessions takes up to this many ms.'),
  quota: z
    .enum(['none', 'free'])
    .default('none')
    .describe('Daily limits on KV operations: those of the free plan, or none.'),
  fail: Rate.describe(
    'Chance that an operation of the hub fails. With the room half of the failed calls have reached it.',
  ),
  hang: Rate.describe('Chance that an operation of the hub never settles.'),
  corrupt: Rate.describe('Chance that a read returns only the first half of a value.'),
  restart: Rate.describe(
    'Chance at each call to the room that it has lost its memory, as after a crash or a deploy.',
  ),
  evict: Rate.describe('Chance at each request that a fresh isolate has replaced its isolate.'),
  die: Rate.describe(
    'Chance at each call to the hub that its request ends with the response, as at a CPU limit.',
  ),
  lose: Rate.describe('Chance that a request never arrives.'),
  duplicate: Rate.describe('Chance that a request arrives twice.'),
  reorder: Rate.describe('Chance that a request arrives up to 5 s late.'),
  skewMs: count(0, 2_000)
    .default(0)
    .describe("Each isolate's clock is ahead or behind by up to this many ms."),
  cutOff: Rate.describe(
    'Chance in each minute that a location is cut off from the hub for one to four minutes.',
  ),
  outageMinutes: z.coerce
    .number()
    .min(0)
    .max(60)
    .default(0)
    .describe('No location reaches the hub in this number of minutes before the calm phase.'),
  channels: count(0, 1_000)
    .default(0)
    .describe('Named channels besides the default one, with --hub durable-object.'),
  channelSpread: z
    .enum(['zipf', 'even'])
    .default('zipf')
    .describe(
      'zipf: the first named channel has half the people of the default one. even: all people are in named channels.',
    ),
  channelsListed: count(0, 1_000)
    .default(0)
    .describe('This number of named channels is listed. They do not count towards the maximum.'),
  channelsMax: count(1, CHANNELS_MAX_HIGHEST)
    .default(CHANNELS_MAX_DEFAULT)
    .describe('Most channels with sessions, besides the listed ones.'),
  hop: Rate.describe('Chance at each heartbeat that a tab changes its channel, if there are named channels.'),
});

export const Scenario = Options.refine(({ hub, channels }) => channels === 0 || hub === 'durable-object', {
  path: ['channels'],
  error: 'needs --hub durable-object, because only the room has named channels',
});
export type Scenario = z.output<typeof Scenario>;
export type ScenarioOptions = z.input<typeof Scenario>;

/** Whether the world runs the code of this project, and not a design for comparison. */
export const isOurs = ({ hub }: Pick<Scenario, 'hub'>): boolean => OUR_HUBS.some((one) => one === hub);

/** Returns the settings of the service, with the times of its hub. The designs for comparison use the TTL only. */
export function settingsOf({ hub, ttlSeconds, intervalSeconds }: Scenario): HubSettings {
  const intervalMs = intervalSeconds === undefined ? undefined : intervalSeconds * 1000;
  return hubSettings(hub === 'durable-object' ? hub : 'kv', ttlSeconds * 1000, intervalMs);
}

const OPTIONS = Object.keys(Options.shape) as (keyof Scenario)[];
const DEFAULTS = Scenario.parse({});

/** Returns the command that repeats a run: the seed, and each option that differs from its default. */
export function commandOf(scenario: Scenario): string {
  const options = OPTIONS.filter((key) => key === 'seed' || scenario[key] !== DEFAULTS[key]);
  return `npm run simulate -- ${options.map((key) => `--${optionName(key)} ${scenario[key]}`).join(' ')}`;
}

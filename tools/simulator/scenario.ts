import * as z from 'zod';
import { type HubSettings, hubSettings } from '../../src/config';
import { CHANNELS_MAX_DEFAULT, CHANNELS_MAX_HIGHEST } from '../../src/limits';
import { optionName } from '../options';

const Rate = z.coerce.number().min(0).max(1).default(0);
const count = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

export const HUBS = ['kv', 'durable-object', 'shared-key', 'key-per-session'] as const;
export type HubKind = (typeof HUBS)[number];
/** Those that keep what is promised. */
export const OUR_HUBS = ['kv', 'durable-object'] as const;
export type OurHub = (typeof OUR_HUBS)[number];

/**
 * Everything that decides a run: the same scenario gives the same run, to the millisecond.
 * The keys are the options of `npm run simulate`, in camel case, and `--help` says what each means.
 */
const Options = z.strictObject({
  seed: z.coerce.number().int().default(1).describe('Another seed, another world.'),
  hub: z
    .enum(HUBS)
    .default('kv')
    .describe(
      'What the crowd asks: the real replica with one of its hubs, or one of the usual designs, for comparison.',
    ),
  people: count(0, 100_000).default(100).describe('People on average.'),
  watchers: count(0, 100_000)
    .default(0)
    .describe('People who ask `GET /api/presence` every beat and are not counted.'),
  locations: count(1, 300).default(1).describe('Cloudflare locations.'),
  isolates: count(1, 100).default(3).describe('Isolates a location.'),
  stick: Rate.default(0.9).describe('How likely a request reaches the isolate that served its sender last.'),
  minutes: z.coerce.number().min(0).max(10_000).default(30).describe('Minutes with people coming and going.'),
  calmMinutes: z.coerce
    .number()
    .min(0)
    .max(60)
    .default(0)
    .describe('Minutes after that in which nobody comes or goes and nothing fails.'),
  goneMinutes: z.coerce
    .number()
    .min(0)
    .max(60)
    .default(0)
    .describe('Minutes after that with nobody there: all have fallen silent at once.'),
  gatherSeconds: z.coerce
    .number()
    .min(0)
    .max(3_600)
    .default(0)
    .describe(
      '0: the crowd is there at the start. More: nobody is, and all come within so many seconds of the second minute.',
    ),
  ttlSeconds: count(2, 600).default(30).describe('A session ends so many seconds after its last heartbeat.'),
  intervalSeconds: count(1, 60).optional().describe("Time between two syncs. Without it, the hub's own."),
  beatSeconds: z.coerce
    .number()
    .min(0.5)
    .max(200)
    .default(10)
    .describe('Mean time between two heartbeats; each gap varies by 10 %.'),
  stayMinutes: z.coerce
    .number()
    .min(0)
    .max(10_000)
    .default(30)
    .describe('Mean stay, exponential. 0: nobody goes, and nobody comes.'),
  polite: Rate.default(0.7).describe('Share of those who go that say so; the others fall silent.'),
  moody: Rate.default(0.01).describe('Chance at each heartbeat that the mood is another one.'),
  burst: Rate.describe(
    'Share of those changes that come as heartbeat, leave, heartbeat in a burst, as an older front end sends them.',
  ),
  move: Rate.describe('Chance at each heartbeat that the person is in another location from now on.'),
  tabs: Rate.describe('Share of people with a second tab, which beats with the same id on its own.'),
  listCacheSeconds: count(0, 600).default(60).describe('For so long a location caches a list, in seconds.'),
  homeMiss: Rate.describe(
    'Share of writes that their own location does not see at once, but as late as any other.',
  ),
  staleRead: Rate.describe(
    'Chance that a read finds what its location saw at some time within `cacheTtl` before: it has more than one cache.',
  ),
  slowMs: count(0, 5_000).default(0).describe('Operations of the hub take so much longer.'),
  limiterMs: count(0, 1_000).default(0).describe('The limiter of new sessions takes up to so many ms.'),
  quota: z
    .enum(['none', 'free'])
    .default('none')
    .describe('Daily limits on KV operations: those of the free plan, or none.'),
  fail: Rate.describe(
    'Chance that an operation of the hub fails; at the room in half of the cases after it was done.',
  ),
  hang: Rate.describe('Chance that an operation of the hub never ends.'),
  corrupt: Rate.describe('Chance that a read finds a value that is cut off in the middle.'),
  restart: Rate.describe(
    'Chance at each call to the room that it has lost its memory, as when it crashes or is deployed.',
  ),
  evict: Rate.describe('Chance at each request that its isolate has been replaced by a fresh one.'),
  die: Rate.describe(
    'Chance at each call to the hub that the request which makes it ends at its response, as at a CPU or memory limit.',
  ),
  lose: Rate.describe('Chance that a request is lost.'),
  duplicate: Rate.describe('Chance that a request comes twice.'),
  reorder: Rate.describe('Chance that a request comes up to 5 s late.'),
  skewMs: count(0, 2_000)
    .default(0)
    .describe("Each isolate's clock is wrong by up to so many ms, one way or the other."),
  cutOff: Rate.describe('Chance a minute that a location is cut off from the hub, for one to four minutes.'),
  outageMinutes: z.coerce
    .number()
    .min(0)
    .max(60)
    .default(0)
    .describe(
      'The hub is away for everybody during so many of the last minutes with people coming and going.',
    ),
  channels: count(0, 1_000)
    .default(0)
    .describe('Named channels besides the default one, with --hub durable-object.'),
  channelSpread: z
    .enum(['zipf', 'even'])
    .default('zipf')
    .describe(
      'zipf: the default channel is the largest, the first named one has half its people. even: all people are in the named ones.',
    ),
  channelsListed: count(0, 1_000)
    .default(0)
    .describe('So many named channels are listed. They do not count towards the maximum.'),
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

/** The times that it runs on. The designs for comparison are told the TTL only. */
export function settingsOf({ hub, ttlSeconds, intervalSeconds }: Scenario): HubSettings {
  const intervalMs = intervalSeconds === undefined ? undefined : intervalSeconds * 1000;
  return hubSettings(hub === 'durable-object' ? hub : 'kv', ttlSeconds * 1000, intervalMs);
}

const OPTIONS = Object.keys(Options.shape) as (keyof Scenario)[];
const DEFAULTS = Scenario.parse({});

/** The command that replays a run: the seed, and all that differs from the defaults. */
export function commandOf(scenario: Scenario): string {
  const options = OPTIONS.filter((key) => key === 'seed' || scenario[key] !== DEFAULTS[key]);
  return `npm run simulate -- ${options.map((key) => `--${optionName(key)} ${scenario[key]}`).join(' ')}`;
}

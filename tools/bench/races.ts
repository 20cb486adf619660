import { WORKER_OF_1_0 } from './build-workers';
import type { LoadLength } from './http-connections';
import type { Contender, Race } from './race';
import { type AppOptions, type Asking, HEARTBEAT } from './running-app';

/** The names of the contenders that targets compare. */
export const NAMES = {
  workerdGet: 'bare workerd, GET',
  honoGet: 'bare Hono, GET',
  get: 'GET /api/presence',
  get1: 'GET /api/presence, version 1.0',
  workerdPost: 'bare workerd, POST',
  honoPost: 'bare Hono, POST',
  validated: 'bare Hono, POST with the validator',
  heartbeat: 'heartbeat, 1,000 sessions',
  validatedAgain: 'bare Hono, POST with the validator, again',
  heartbeat1: 'heartbeat, 1,000 sessions, version 1.0',
  room: 'heartbeat, with the room',
  channel: 'heartbeat in a channel',
  heartbeat10000: 'heartbeat, 10,000 sessions',
  sharedKey1000: 'shared key, 1,000 sessions',
  sharedKey10000: 'shared key, 10,000 sessions',
  heartbeat100: 'heartbeat, 100 sessions',
  heartbeat100000: 'heartbeat, 100,000 sessions',
} as const;

/** With these settings no session expires during a round, and the largest crowd is within the limits. */
const VARIABLES = { SESSION_TTL_SECONDS: '600', SESSIONS_MAX: '100000', NEW_SESSION_LIMIT: 'off' };
const ROOM = { ...VARIABLES, PRESENCE_HUB: 'durable-object' };
const CHANNELS = { ...ROOM, CHANNELS: '*' };
const PRESENCE: Asking = { method: 'GET', path: '/api/presence' };
const LEAVE: Asking = { method: 'POST', path: '/api/leave' };
const IN_CHANNEL: Asking = { ...HEARTBEAT, path: '/api/channels/lobby/heartbeat' };
const AS_TEXT: Asking = { ...HEARTBEAT, contentType: 'text/plain;charset=UTF-8' };

const ours = (
  name: string,
  asking: Asking,
  sessions = 1_000,
  variables: AppOptions['variables'] = VARIABLES,
): Contender => ({ name, asking, sessions, isStored: false, scriptPath: 'dist/index.js', variables });

const version1 = (name: string, asking: Asking): Contender => ({
  ...ours(name, asking),
  scriptPath: WORKER_OF_1_0,
});

const reference = (name: string, script: string, asking: Asking, sessions = 1_000): Contender => ({
  name,
  asking,
  sessions,
  isStored: true,
  scriptPath: `dist/bench/reference/${script}.js`,
});

const HONO_GET = reference(NAMES.honoGet, 'bare', PRESENCE);
const GET = ours(NAMES.get, PRESENCE);
const WORKERD_GET = reference(NAMES.workerdGet, 'workerd', PRESENCE);
const POSTS = [
  reference(NAMES.honoPost, 'bare', HEARTBEAT),
  reference(NAMES.validated, 'validated', HEARTBEAT),
  ours(NAMES.heartbeat, HEARTBEAT),
  reference(NAMES.validatedAgain, 'validated', HEARTBEAT),
  reference(NAMES.workerdPost, 'workerd', HEARTBEAT),
];

/**
 * For about 20,000 requests an isolate takes new memory for each. Then it collects its first garbage and uses that memory again.
 * From then on the time of a request stays the same.
 */
const STEADY: LoadLength = { requests: 30_000 };
const TURN: LoadLength = { requests: 1_500 };

/** Only a few isolates share a workerd, because the memory of each makes all of them slower. */
const raceOf = (...contenders: readonly Contender[]): Race => ({
  contenders,
  warmUp: STEADY,
  turn: TURN,
  turns: 9,
});

/** The contenders of the main targets in one workerd. All turns end before V8 collects the first garbage. */
export const QUICK_APPS: readonly Race[] = [
  {
    contenders: [HONO_GET, GET, ...POSTS],
    warmUp: { requests: 6_000 },
    turn: { requests: 600 },
    turns: 5,
  },
];

export const APPS: readonly Race[] = [
  raceOf(WORKERD_GET, HONO_GET, GET, version1(NAMES.get1, PRESENCE)),
  raceOf(...POSTS, version1(NAMES.heartbeat1, HEARTBEAT)),
];

/** Other requests of this version. */
export const OTHERS: readonly Race[] = [
  raceOf(
    ours('heartbeat, 1 session', HEARTBEAT, 1),
    ours('heartbeat as text/plain', AS_TEXT),
    ours(NAMES.room, HEARTBEAT, 1_000, ROOM),
    ours(NAMES.channel, IN_CHANNEL, 1_000, CHANNELS),
    ours('leave', LEAVE),
  ),
];

/** A turn is as long as a sync interval, so it has one sync. */
const LARGE_CROWD: Race = {
  contenders: [ours(NAMES.heartbeat10000, HEARTBEAT, 10_000)],
  warmUp: { seconds: 2 },
  turn: { seconds: 10 },
  turns: 1,
};

/** The turns are long, because a response takes up to 1 s. Each shared key has a workerd of its own. */
const SHARED_KEYS: readonly Race[] = [
  { contenders: [reference(NAMES.sharedKey1000, 'shared-key', HEARTBEAT, 1_000)], seconds: 3 },
  { contenders: [reference(NAMES.sharedKey10000, 'shared-key', HEARTBEAT, 10_000)], seconds: 6 },
].map(({ contenders, seconds }) => ({
  contenders,
  warmUp: { seconds: 2 },
  turn: { seconds },
  turns: 1,
}));

export const LARGE: readonly Race[] = [LARGE_CROWD, ...SHARED_KEYS];

/** Heartbeats of a small and of a large crowd. A turn is as long as a sync interval, so it has one sync. */
export const GROWTH: readonly Race[] = [
  {
    contenders: [ours(NAMES.heartbeat100, HEARTBEAT, 100), ours(NAMES.heartbeat100000, HEARTBEAT, 100_000)],
    warmUp: { seconds: 2 },
    turn: { seconds: 10 },
    turns: 1,
  },
];

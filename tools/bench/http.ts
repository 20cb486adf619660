import { MOODS } from '../../src/moods';
import { formatSessions } from '../../src/presence/stored-sessions';
import { sessionId } from '../../tests/support/session-id';
import { progress } from '../progress';
import { WORKER_OF_1_0 } from './build-workers';
import { median } from './median';
import { type AppOptions, type Asking, HEARTBEAT, type Load, startApps } from './running-app';

/** One row of the bench: an app, what is asked of it, and how many sessions live there. */
interface Contender extends AppOptions {
  readonly name: string;
  readonly asking: Asking;
  readonly sessions: number;
}

export interface Measured {
  readonly name: string;
  readonly sessions: number;
  readonly requestsPerSecond: number;
  readonly p99Ms: number;
  readonly cpuMicroseconds: number;
}

/** Apps in one workerd, loaded in turn, and how long each turn is. */
interface Race {
  readonly contenders: readonly Contender[];
  readonly turnSeconds: number;
  readonly turns: number;
}

/** Every load of every contender, turn by turn. */
export type Loads = ReadonlyMap<string, readonly Load[]>;

/** Until the engine has compiled what matters. */
const WARM_UP_SECONDS = 2;
const OURS = 'dist/index.js';
const REFERENCE = 'dist/bench/reference';
/** The crowd must live until the end of the run, and the largest ones need room. */
const VARIABLES = { SESSION_TTL_SECONDS: '600', SESSIONS_MAX: '250000' };
const ROOM = { ...VARIABLES, PRESENCE_HUB: 'durable-object' };
const PRESENCE: Asking = { method: 'GET', path: '/api/presence' };
const LEAVE: Asking = { method: 'POST', path: '/api/leave' };
const CHANNELS = { ...ROOM, CHANNELS: '*' };
const IN_CHANNEL: Asking = { ...HEARTBEAT, path: '/api/channels/lobby/heartbeat' };
const AS_TEXT: Asking = { ...HEARTBEAT, contentType: 'text/plain;charset=UTF-8' };

const ours = (
  name: string,
  asking: Asking,
  sessions: number,
  variables: AppOptions['variables'] = VARIABLES,
) => ({
  name,
  asking,
  sessions,
  scriptPath: OURS,
  variables,
});
const version1 = (name: string, asking: Asking) => ({
  ...ours(name, asking, 1_000),
  scriptPath: WORKER_OF_1_0,
});
const reference = (name: string, script: string, asking: Asking, sessions = 1_000) => ({
  name,
  asking,
  sessions,
  scriptPath: `${REFERENCE}/${script}.js`,
});

const APPS: Race = {
  contenders: [
    reference('bare Hono, GET', 'bare', PRESENCE),
    ours('GET /api/presence', PRESENCE, 1_000),
    version1('GET /api/presence, version 1.0', PRESENCE),
    reference('bare Hono, POST', 'bare', HEARTBEAT),
    reference('bare Hono, POST with the validator', 'validated', HEARTBEAT),
    ours('heartbeat, 1,000 sessions', HEARTBEAT, 1_000),
    version1('heartbeat, 1,000 sessions, version 1.0', HEARTBEAT),
    ours('heartbeat, 1 session', HEARTBEAT, 1),
    ours('heartbeat as text/plain', AS_TEXT, 1_000),
    ours('heartbeat, with the room', HEARTBEAT, 1_000, ROOM),
    ours('heartbeat in a channel', IN_CHANNEL, 1_000, CHANNELS),
    ours('leave', LEAVE, 1_000),
  ],
  turnSeconds: 2,
  turns: 5,
};

/** A sync of so many takes time worth counting, and the app has one every ten seconds. */
const LARGE_CROWD: Race = {
  contenders: [ours('heartbeat, 10,000 sessions', HEARTBEAT, 10_000)],
  turnSeconds: 10,
  turns: 1,
};

/** What is not answered when its turn ends goes on, so each has a workerd to itself, and turns as long as many answers take. */
const SHARED_KEY = [
  { sessions: 1_000, turnSeconds: 3 },
  { sessions: 10_000, turnSeconds: 10 },
].map(({ sessions, turnSeconds }): Race => {
  const name = `shared key, ${sessions.toLocaleString('en')} sessions`;
  return { contenders: [reference(name, 'shared-key', HEARTBEAT, sessions)], turnSeconds, turns: 1 };
});

export const HEARTBEATS: readonly Race[] = [APPS, LARGE_CROWD, ...SHARED_KEY];

/** Heartbeats of a small and of a large crowd, in turns of a sync interval, so that syncs have their share. */
export const GROWTH: readonly Race[] = [
  {
    contenders: [
      ours('heartbeat, 100 sessions', HEARTBEAT, 100),
      ours('heartbeat, 100,000 sessions', HEARTBEAT, 100_000),
    ],
    turnSeconds: 10,
    turns: 4,
  },
];

/**
 * Runs the races again and again, each time in a fresh workerd: one may take a fifth more time than another for the same, for as
 * long as it lives. The contenders of a race share it, and are loaded in turn, so that what the machine does meanwhile meets all of
 * them.
 */
export async function raceAll(what: string, races: readonly Race[], rounds: number): Promise<Loads> {
  const loads = new Map<string, Load[]>();
  for (let round = 0; round < rounds; round += 1) {
    for (const race of races) {
      await run(race, round, (name, load) => loads.set(name, [...(loads.get(name) ?? []), load]));
    }
    progress(what, round + 1, rounds);
  }
  return loads;
}

async function run(
  { contenders, turnSeconds, turns }: Race,
  round: number,
  note: (name: string, load: Load) => void,
): Promise<void> {
  const { apps, dispose } = await startApps(contenders);
  const entrants = contenders.flatMap((contender, index) => {
    const app = apps[index];
    return app === undefined ? [] : [{ ...contender, app }];
  });
  try {
    for (const { app, asking, sessions, scriptPath } of entrants) {
      if (scriptPath.startsWith(REFERENCE)) await app.store('presence:sessions', crowd(sessions));
      else await app.fill(sessions);
      await app.load(asking, sessions, WARM_UP_SECONDS);
    }
    for (let turn = 0; turn < turns; turn += 1) {
      const isForward = (round + turn) % 2 === 0;
      for (const { name, app, asking, sessions } of isForward ? entrants : entrants.toReversed()) {
        note(name, await app.load(asking, sessions, turnSeconds));
      }
    }
  } finally {
    await dispose();
  }
}

export function mediansOf(races: readonly Race[], loads: Loads): readonly Measured[] {
  return races
    .flatMap(({ contenders }) => contenders)
    .map(({ name, sessions }) => {
      const own = loads.get(name) ?? [];
      return {
        name,
        sessions,
        requestsPerSecond: Math.round(median(own.map(({ requestsPerSecond }) => requestsPerSecond))),
        p99Ms: median(own.map(({ p99Ms }) => p99Ms)),
        cpuMicroseconds: Math.round(median(own.map(({ cpuMicroseconds }) => cpuMicroseconds))),
      };
    });
}

/** The median of one contender ÷ another: turn by turn where both had as many, and else of one's median ÷ the other's. */
export function ratioOf(loads: Loads, name: string, other: string, of: keyof Load): number {
  const [own, others] = [name, other].map((one) => (loads.get(one) ?? []).map((load) => load[of]));
  if (own === undefined || others === undefined) return Number.NaN;
  if (own.length !== others.length) return median(own) / median(others);
  return median(own.map((value, turn) => value / (others[turn] ?? Number.NaN)));
}

function crowd(sessions: number): string {
  const now = Date.now();
  const mood = (n: number) => MOODS[n % MOODS.length] ?? null;
  return formatSessions(
    new Map(Array.from({ length: sessions }, (_, n) => [sessionId(n), { mood: mood(n), lastSeen: now }])),
  );
}

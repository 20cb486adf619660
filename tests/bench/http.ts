import { MOODS } from '../../src/presence/session';
import { formatSessions } from '../../src/presence/stored-sessions';
import { progress } from '../progress';
import { sessionId } from '../session-id';
import { median } from './median';
import { type AppOptions, type Asking, HEARTBEAT, type Load, RunningApp } from './running-app';

/** One row of the bench: an app, what is asked of it, and how many sessions live there. */
export interface Contender extends AppOptions {
  readonly name: string;
  readonly asking: Asking;
  readonly sessions: number;
  /** How long its turn is, if another time than all others take: as long as many of its answers take. */
  readonly turnSeconds?: number;
}

export interface Measured {
  readonly name: string;
  readonly sessions: number;
  readonly requestsPerSecond: number;
  readonly p99Ms: number;
  readonly cpuMicroseconds: number;
}

/** Every load of every contender, round by round. */
export type Loads = ReadonlyMap<string, readonly Load[]>;

const TURN_SECONDS = 3;
/** Until the engine has compiled what matters. */
const WARM_UP_SECONDS = 2;
const OURS = 'dist/index.js';
const REFERENCE = 'dist/bench/reference';
/** The crowd must live until the end of the run, and the largest ones need room. */
const VARIABLES = { SESSION_TTL_SECONDS: '600', SESSIONS_MAX: '250000' };
const ROOM = { ...VARIABLES, PRESENCE_HUB: 'durable-object' };
const PRESENCE: Asking = { method: 'GET', path: '/api/presence' };
const LEAVE: Asking = { method: 'POST', path: '/api/leave' };
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
const reference = (name: string, script: string, asking: Asking, sessions = 1_000) => ({
  name,
  asking,
  sessions,
  scriptPath: `${REFERENCE}/${script}.js`,
});

export const CONTENDERS = [
  reference('bare Hono, GET', 'bare', PRESENCE),
  ours('GET /api/presence', PRESENCE, 1_000),
  reference('bare Hono, POST', 'bare', HEARTBEAT),
  reference('bare Hono, POST with the validator', 'validated', HEARTBEAT),
  ours('heartbeat, 1 session', HEARTBEAT, 1),
  ours('heartbeat, 1,000 sessions', HEARTBEAT, 1_000),
  ours('heartbeat, 10,000 sessions', HEARTBEAT, 10_000),
  ours('heartbeat as text/plain', AS_TEXT, 1_000),
  ours('heartbeat, with the room', HEARTBEAT, 1_000, ROOM),
  ours('leave', LEAVE, 1_000),
  reference('shared key, 1,000 sessions', 'shared-key', HEARTBEAT),
  { ...reference('shared key, 10,000 sessions', 'shared-key', HEARTBEAT, 10_000), turnSeconds: 10 },
] as const satisfies readonly Contender[];

/** Heartbeats of a small and of a large crowd, each for two sync intervals, so that syncs have their share. */
export const GROWTH = [
  { ...ours('heartbeat, 100 sessions', HEARTBEAT, 100), turnSeconds: 20 },
  { ...ours('heartbeat, 100,000 sessions', HEARTBEAT, 100_000), turnSeconds: 20 },
] as const satisfies readonly Contender[];

/**
 * Loads the contenders in turn, each round in another order, so that what the machine does meanwhile meets all of them. Every
 * turn has a workerd of its own: of the same app one takes a fifth more time than another, for as long as it runs.
 */
export async function race(what: string, contenders: readonly Contender[], rounds: number): Promise<Loads> {
  const loads = new Map<string, Load[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    const first = (round * 5) % contenders.length;
    for (const contender of [...contenders.slice(first), ...contenders.slice(0, first)]) {
      loads.get(contender.name)?.push(await turn(contender));
    }
    progress(what, round + 1, rounds);
  }
  return loads;
}

async function turn(contender: Contender): Promise<Load> {
  const { asking, sessions, scriptPath, turnSeconds = TURN_SECONDS } = contender;
  const app = await RunningApp.start(contender);
  try {
    if (scriptPath.startsWith(REFERENCE)) await app.store('presence:sessions', crowd(sessions));
    else await app.fill(sessions);
    await app.load(asking, sessions, WARM_UP_SECONDS);
    return await app.load(asking, sessions, turnSeconds);
  } finally {
    await app.dispose();
  }
}

export function mediansOf(contenders: readonly Contender[], loads: Loads): readonly Measured[] {
  return contenders.map(({ name, sessions }) => {
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

/** The median of one contender ÷ another, round by round. */
export function ratioOf(loads: Loads, name: string, other: string, of: keyof Load): number {
  const others = loads.get(other) ?? [];
  return median((loads.get(name) ?? []).map((load, round) => load[of] / (others[round]?.[of] ?? Number.NaN)));
}

function crowd(sessions: number): string {
  const now = Date.now();
  const mood = (n: number) => MOODS[n % MOODS.length] ?? null;
  return formatSessions(
    new Map(Array.from({ length: sessions }, (_, n) => [sessionId(n), { mood: mood(n), lastSeen: now }])),
  );
}

import * as z from 'zod/mini';
import {
  CHANNELS_MAX_DEFAULT,
  CHANNELS_MAX_HIGHEST,
  REPLICA_SESSIONS_MAX,
  ROOM_CALLS_MS,
  ROOM_SYNCS_IN_TTL_MIN,
} from './limits';
import { originOf } from './origin-of';
import { ChannelRules } from './presence/channel-rules';
import type { HistoryStub } from './presence/history-reader';
import type { RoomStub } from './presence/room/room-protocol';
import { ChannelName } from './presence/session-key';
import { type KvTiming, kvTiming, roomTiming, type Timing } from './presence/timing';

/** The stub of the room: replicas sync with it, it opens live sockets, and it has the history. */
export interface LiveRoomStub extends RoomStub, HistoryStub {
  fetch(request: Request): Promise<Response>;
}

/** The Worker's bindings and variables as the platform passes them, not yet checked. */
export interface Bindings {
  readonly PRESENCE_HUB?: string;
  readonly PRESENCE_KV?: KVNamespace;
  readonly PRESENCE_ROOM?: { getByName(name: string): LiveRoomStub };
  readonly NEW_SESSIONS?: RateLimit;
  readonly NEW_CHANNELS?: RateLimit;
  readonly SESSION_TTL_SECONDS?: string | number;
  readonly SYNC_INTERVAL_SECONDS?: string | number;
  readonly SESSIONS_MAX?: string | number;
  readonly NEW_SESSION_LIMIT?: string;
  readonly ALLOWED_ORIGINS?: string;
  readonly PRESENCE_CACHE_SECONDS?: string | number;
  readonly CHANNELS?: string;
  readonly CHANNELS_MAX?: string | number;
}

/** The hub that replicas sync with, and its times. */
export type HubSettings =
  | { readonly hub: 'kv'; readonly timing: KvTiming }
  | { readonly hub: 'durable-object'; readonly timing: Timing };

/**
 * The hub's times, from the TTL and the sync interval (ms). The default interval is 10 s on KV, and 1 s with the room.
 *
 * The room has no grace. A session that moves sends its next heartbeat a third of the TTL later, which needs two syncs to reach
 * other replicas. So with the room the interval is at most a quarter of the TTL, less the time of calls. Otherwise the session
 * is missing for a moment.
 */
export function hubSettings(
  hub: HubSettings['hub'],
  ttlMs: number,
  syncIntervalMs: number | undefined,
): HubSettings {
  if (hub === 'kv') return { hub, timing: kvTiming(ttlMs, syncIntervalMs ?? 10_000) };
  const longestMs = ttlMs / ROOM_SYNCS_IN_TTL_MIN - ROOM_CALLS_MS;
  return { hub, timing: roomTiming(ttlMs, Math.min(syncIntervalMs ?? 1_000, longestMs)) };
}

/** The variables, checked and in the units that the code uses. */
export type Settings = HubSettings & {
  readonly allowedOrigins: '*' | readonly string[];
  readonly limitsNewSessions: boolean;
  /** Most present sessions of a replica. It remembers as many ended ones. */
  readonly sessionsMax: number;
  readonly presenceCacheSeconds: number;
  /** Undefined: the service has the default channel only. */
  readonly channels: ChannelRules | undefined;
  /** One text for each lowered setting: the new value, and why. Version 1.0 accepted the higher value. */
  readonly lowered: readonly string[];
};

const WholeNumber = (min: number, max: number) => {
  const error = `takes a whole number from ${min} to ${max}`;
  const digits = z.string().check(z.trim(), z.regex(/^\d+$/));
  return z.pipe(
    z.union([z.number(), z.pipe(digits, z.transform(Number))], { error }),
    z.int({ error }).check(z.minimum(min, { error }), z.maximum(max, { error })),
  );
};

/** Texts with commas between them, each of which `element` reads. */
const listOf = <Element extends z.ZodMiniType<unknown, string>>(element: Element, error?: string) =>
  z.pipe(
    z.pipe(
      z.string(error),
      z.transform((list) => list.split(',')),
    ),
    z.array(element),
  );

const ORIGINS_ERROR = 'takes * or a comma list of origins such as https://example.com';

/** One origin as a browser sends it in `Origin`: lower case, without a default port, a path or a wildcard. */
const Origin = z.pipe(
  z.string().check(z.trim(), z.toLowerCase()),
  z.transform((text: string, { issues }) => {
    const origin = /^https?:\/\/[^\s\\/?#@*%]+\/?$/.test(text) ? originOf(text) : undefined;
    if (origin !== undefined) return origin;
    // `URL` returns no origin for the schemes of app shells, such as capacitor://localhost
    const shell = /^((?!https?:|file:)[a-z][a-z0-9+.-]*:\/\/[a-z0-9.-]+(:\d+)?)\/?$/.exec(text)?.[1];
    if (shell !== undefined) return shell;
    issues.push({ code: 'custom', message: ORIGINS_ERROR, input: text });
    return z.NEVER;
  }),
);

const CHANNELS_ERROR = 'takes * or a comma list of names and prefixes such as lobby, post-*';

/** The name of a channel, or a prefix: the start of names, and `*`. */
const ChannelPattern = z.string().check(
  z.trim(),
  z.refine((text) => text === '*' || ChannelName.safeParse(text.replace(/\*$/, '')).success, {
    error: CHANNELS_ERROR,
  }),
);

const Variables = z.object({
  PRESENCE_HUB: z._default(z.enum(['kv', 'durable-object'], { error: 'takes kv or durable-object' }), 'kv'),
  PRESENCE_ROOM: z.optional(z.unknown()),
  SESSION_TTL_SECONDS: z._default(WholeNumber(2, 600), 30),
  SYNC_INTERVAL_SECONDS: z.optional(WholeNumber(1, 60)),
  // Version 1.0 accepted up to 250,000. `parseSettings` lowers a value above `REPLICA_SESSIONS_MAX`.
  SESSIONS_MAX: z._default(WholeNumber(1, 250_000), 50_000),
  NEW_SESSION_LIMIT: z._default(z.enum(['on', 'off'], { error: 'takes on or off' }), 'on'),
  ALLOWED_ORIGINS: z._default(
    z.union([z.pipe(z.string().check(z.trim()), z.literal('*')), listOf(Origin)], { error: ORIGINS_ERROR }),
    '*',
  ),
  PRESENCE_CACHE_SECONDS: z._default(WholeNumber(0, 60), 0),
  CHANNELS: z.optional(listOf(ChannelPattern, CHANNELS_ERROR)),
  CHANNELS_MAX: z._default(WholeNumber(1, CHANNELS_MAX_HIGHEST), CHANNELS_MAX_DEFAULT),
});

/**
 * Reads the variables; a missing one gets its default.
 *
 * @throws {Error} naming every wrong variable and what it accepts.
 */
export function parseSettings(env: object): Settings {
  const parsed = Variables.safeParse(env);
  if (!parsed.success) {
    const wrong = parsed.error.issues.map(({ path, message }) => `${String(path[0])} ${message}`);
    throw wrongSetting([...new Set(wrong)].join('; '));
  }
  const {
    PRESENCE_HUB,
    SESSION_TTL_SECONDS,
    SYNC_INTERVAL_SECONDS,
    SESSIONS_MAX,
    NEW_SESSION_LIMIT,
    ALLOWED_ORIGINS,
    PRESENCE_CACHE_SECONDS,
    CHANNELS,
    CHANNELS_MAX,
  } = parsed.data;
  const syncIntervalMs = SYNC_INTERVAL_SECONDS === undefined ? undefined : SYNC_INTERVAL_SECONDS * 1000;
  if (PRESENCE_HUB === 'durable-object' && !parsed.data.PRESENCE_ROOM)
    throw wrongSetting('PRESENCE_HUB durable-object needs the binding PRESENCE_ROOM');
  if (CHANNELS !== undefined && PRESENCE_HUB === 'kv')
    throw wrongSetting('CHANNELS needs PRESENCE_HUB durable-object');
  const settings = hubSettings(PRESENCE_HUB, SESSION_TTL_SECONDS * 1000, syncIntervalMs);
  const { ttlMs } = settings.timing;
  const lowered: string[] = [];
  if (syncIntervalMs !== undefined && syncIntervalMs > settings.timing.syncIntervalMs)
    lowered.push(
      `SYNC_INTERVAL_SECONDS to ${settings.timing.syncIntervalMs / 1000}, because it must be below a quarter of SESSION_TTL_SECONDS`,
    );
  if (SESSIONS_MAX > REPLICA_SESSIONS_MAX)
    lowered.push(
      `SESSIONS_MAX to ${REPLICA_SESSIONS_MAX}, because a sync of more sessions exceeds the memory`,
    );
  // Version 1.0 accepted up to a third of the TTL. An upgrade must not stop the start, so such an interval is lowered.
  if (settings.hub === 'durable-object' && (syncIntervalMs ?? 0) > Math.max(ttlMs / 3, 1_000))
    throw wrongSetting(
      'SYNC_INTERVAL_SECONDS takes less than a quarter of SESSION_TTL_SECONDS with PRESENCE_HUB durable-object',
    );
  return {
    ...settings,
    allowedOrigins: ALLOWED_ORIGINS,
    limitsNewSessions: NEW_SESSION_LIMIT === 'on',
    sessionsMax: Math.min(SESSIONS_MAX, REPLICA_SESSIONS_MAX),
    presenceCacheSeconds: PRESENCE_CACHE_SECONDS,
    channels: CHANNELS && channelRules(CHANNELS, CHANNELS_MAX),
    lowered,
  };
}

function channelRules(patterns: readonly string[], max: number): ChannelRules {
  const isPrefix = (pattern: string) => pattern.endsWith('*');
  const names = patterns.filter((pattern) => !isPrefix(pattern));
  const prefixes = patterns.filter(isPrefix).map((pattern) => pattern.slice(0, -1));
  return new ChannelRules(names, prefixes, max);
}

const wrongSetting = (what: string) => new Error(`Wrong setting: ${what}.`);

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

/** The stub of the room: it takes syncs, opens live sockets and returns the history. */
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

/** The hub that replicas sync with, and its times in ms. */
export type HubSettings =
  | { readonly hub: 'kv'; readonly timing: KvTiming }
  | { readonly hub: 'durable-object'; readonly timing: Timing };

/**
 * Returns the hub with its times, from the TTL and the sync interval (ms). The default interval is 10 s on KV, and 1 s with the room.
 *
 * The room has no grace. A session that moves sends its next heartbeat a third of the TTL later. Other replicas receive that
 * after two syncs. So with the room the interval is at most a quarter of the TTL, less the time of calls. Otherwise other replicas
 * do not count the session until the second sync.
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
  /** Most own sessions of a replica. It keeps at most as many ended ones. */
  readonly sessionsMax: number;
  readonly presenceCacheSeconds: number;
  /** Undefined: the service has the default channel only. */
  readonly channels: ChannelRules | undefined;
  /** One text for each lowered setting: the new value, and why. Version 1.0 accepted the higher value. */
  readonly lowered: readonly string[];
};

const WholeNumber = (min: number, max: number) => {
  const error = `takes a whole number from ${min} to ${max}`;
  const read = (value: unknown) =>
    typeof value === 'string' && /^\s*\d+\s*$/.test(value) ? Number(value) : value;
  return z.pipe(
    z.transform(read),
    z.int({ error }).check(z.minimum(min, { error }), z.maximum(max, { error })),
  );
};

/** A text that `read` accepts. `read` returns undefined for any other text. */
const Text = <Value>(error: string, read: (text: string) => Value | undefined) =>
  z.pipe(
    z.string({ error }),
    z.transform((text: string, { issues }) => {
      const value = read(text);
      if (value === undefined) issues.push({ code: 'custom', message: error, input: text });
      return value ?? z.NEVER;
    }),
  );

/** Reads a list of texts with commas between them. Returns undefined if `read` refuses one of them. */
function readList(list: string, read: (text: string) => string | undefined): readonly string[] | undefined {
  const elements = list.split(',').map((text) => read(text.trim()));
  return elements.every((element) => element !== undefined) ? elements : undefined;
}

/** Reads an origin as a browser sends it in `Origin`: lower case, without a default port, a path or a wildcard. */
function readOrigin(text: string): string | undefined {
  const lower = text.toLowerCase();
  const origin = /^https?:\/\/[^\s\\/?#@*%]+\/?$/.test(lower) ? originOf(lower) : undefined;
  // `URL` returns no origin for the schemes of app shells, such as capacitor://localhost
  return origin ?? /^((?!https?:|file:)[a-z][a-z0-9+.-]*:\/\/[a-z0-9.-]+(:\d+)?)\/?$/.exec(lower)?.[1];
}

/** Reads the name of a channel, or a prefix: the start of names, and `*`. */
function readChannelPattern(text: string): string | undefined {
  return text === '*' || ChannelName.safeParse(text.replace(/\*$/, '')).success ? text : undefined;
}

const Variables = z.object({
  PRESENCE_HUB: z.optional(z.enum(['kv', 'durable-object'], { error: 'takes kv or durable-object' })),
  PRESENCE_ROOM: z.optional(z.unknown()),
  SESSION_TTL_SECONDS: z.optional(WholeNumber(2, 600)),
  SYNC_INTERVAL_SECONDS: z.optional(WholeNumber(1, 60)),
  // Version 1.0 accepted up to 250,000. `parseSettings` lowers a value above `REPLICA_SESSIONS_MAX`.
  SESSIONS_MAX: z.optional(WholeNumber(1, 250_000)),
  NEW_SESSION_LIMIT: z.optional(z.enum(['on', 'off'], { error: 'takes on or off' })),
  ALLOWED_ORIGINS: z.optional(
    Text('takes * or a comma list of origins such as https://example.com', (text) =>
      text.trim() === '*' ? '*' : readList(text, readOrigin),
    ),
  ),
  PRESENCE_CACHE_SECONDS: z.optional(WholeNumber(0, 60)),
  CHANNELS: z.optional(
    Text('takes * or a comma list of names and prefixes such as lobby, post-*', (text) =>
      readList(text, readChannelPattern),
    ),
  ),
  CHANNELS_MAX: z.optional(WholeNumber(1, CHANNELS_MAX_HIGHEST)),
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
    PRESENCE_HUB = 'kv',
    PRESENCE_ROOM,
    SESSION_TTL_SECONDS = 30,
    SYNC_INTERVAL_SECONDS,
    SESSIONS_MAX = 50_000,
    NEW_SESSION_LIMIT = 'on',
    ALLOWED_ORIGINS = '*',
    PRESENCE_CACHE_SECONDS = 0,
    CHANNELS,
    CHANNELS_MAX = CHANNELS_MAX_DEFAULT,
  } = parsed.data;
  const syncIntervalMs = SYNC_INTERVAL_SECONDS === undefined ? undefined : SYNC_INTERVAL_SECONDS * 1000;
  if (PRESENCE_HUB === 'durable-object' && !PRESENCE_ROOM)
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

import * as z from 'zod';
import type { RoomNamespace } from './presence/room-protocol';

/**
 * When to try again where too many new sessions came from one client, in seconds. The limit itself stands in wrangler.toml,
 * with this period: https://developers.cloudflare.com/workers/runtime-apis/bindings/rate-limit/
 */
export const NEW_SESSION_RETRY_SECONDS = 60;

/** Longest time that a new session waits for the rate limiter, which counts on the same machine. */
export const LIMITER_WAIT_MAX_MS = 1_000;

/** When to try again where a replica is full, in seconds: the time between two heartbeats. */
export const FULL_RETRY_SECONDS = 10;

/** Largest request body, in bytes. A heartbeat takes about 80; the rest is room for keys that are ignored. */
export const BODY_BYTES_MAX = 1024;

/** Most entries in the `errors` of a problem, so that no body can make the answer long. */
export const PROBLEM_ERRORS_MAX = 8;

/** How long a browser may keep a preflight, in seconds. Browsers cap it themselves: Chromium at 7,200. */
export const PREFLIGHT_MAX_AGE_SECONDS = 86_400;

/** How far ahead of ours another isolate's clock may be before its times count as wrong. */
export const CLOCK_SKEW_MAX_MS = 5_000;

/** Longest time that a request waits for a sync, counted from the start of that sync. */
export const SYNC_WAIT_MAX_MS = 1_000;

/**
 * A sync that is silent for this long has failed. The platform ends `waitUntil` work 30 s after the response, so nothing
 * can come of it any more: https://developers.cloudflare.com/workers/runtime-apis/context/#waituntil
 */
export const SYNC_ABANDON_MS = 30_000;

/** Wait after a failed sync, doubled at every further failure up to the sync interval: trying costs no more than a sync does. */
export const RETRY_MIN_MS = 1_000;

/** Wait after a refused write, drawn between the two: the key is free again after 1 s, and the isolates must spread. */
export const REFUSED_RETRY_MIN_MS = 1_000;
export const REFUSED_RETRY_MAX_MS = 3_000;

/** Share by which the sync interval varies, so that isolates that started together drift apart. */
export const SYNC_JITTER = 0.25;

/**
 * Up to this sync interval a replica tells what came at the next sync even if no other request comes by then. The platform
 * lets work go on for 30 s after a response, and bills it by CPU time.
 */
export const SYNC_PLAN_INTERVAL_MAX_MS = 2_000;

/** At most one log line about the hub, or about the limiter, in this time: trouble lasts, and logs are billed by the line. */
export const TROUBLE_LOG_INTERVAL_MS = 60_000;

/** Time between two `list` calls. KV caches lists for up to a minute, so asking more often tells little that is new. */
export const LIST_INTERVAL_MS = 60_000;

/**
 * A listing is taken for so much younger than the newest summary in it, which has travelled for a while. What comes from KV's
 * cache shows by that, and the next listing comes when the cache has run out.
 */
export const SUMMARY_TRAVEL_MS = 20_000;

/** The same after a listing that failed: until the next one the other locations may be missing altogether. */
export const LIST_RETRY_MS = 5_000;

/** The shortest, used while a crowd gathers or breaks up: when the count has changed since by more than both of these. */
export const LIST_INTERVAL_CHANGING_MS = 15_000;
export const CHANGING_SHARE = 0.02;
export const CHANGING_PEOPLE = 5;

/**
 * Time between two listings, and between two writes, of an isolate that is alone in the world: it counts by itself, and
 * nobody is there to hear from it. It makes 864 a day of each, within the 1,000 of the free plan:
 * https://developers.cloudflare.com/kv/platform/limits/
 */
export const ALONE_INTERVAL_MS = 100_000;

/** With more people than that it is no small crowd on the free plan, whose requests carry 11, but a gathering. */
export const ALONE_PEOPLE_MAX = 20;

/** News waits for the next refresh while it concerns no more than this share of all people. Up to 200 people that is nobody. */
export const NEWS_SHARE = 0.005;

/** KV's daily limits end at midnight UTC. So much later every clock here agrees that it is past. */
export const QUOTA_RESET_SPARE_MS = 60_000;

/** Most pages of 1,000 keys that one listing reads. There are some 350 locations; what comes after is not ours. */
export const LIST_PAGES_MAX = 10;

/**
 * Most sessions of a room: some 230 bytes each there and in each of its replicas, of the 128 MB that either has:
 * https://developers.cloudflare.com/workers/platform/limits/#memory
 */
export const ROOM_SESSIONS_MAX = 200_000;

/** Most entries of a room's news that are kept for replicas to catch up with. Who is further behind is told of everybody. */
export const ROOM_NEWS_MAX = 10_000;

/** The room looks for sessions that have ended in steps of so many ms, so it may see the end of one so much later. */
export const ROOM_EXPIRY_STEP_MS = 250;

/**
 * A room saves what has changed at most this often: one row written each time, beside one that is deleted. What it loses
 * when it crashes its replicas tell it again. https://developers.cloudflare.com/durable-objects/platform/pricing/
 */
export const ROOM_SAVE_INTERVAL_MS = 5_000;

/** Most sessions in one saved row: some 85 bytes each, of the 2 MB that a row holds: https://developers.cloudflare.com/durable-objects/platform/limits/ */
export const ROOM_ROW_SESSIONS_MAX = 20_000;

/** Shortest time between two alarms of a room: each is a billed request, and keeps it awake for ten seconds. */
export const ROOM_ALARM_GAP_MS = 1_000;

/** Live sockets hear of changes at most this often. */
export const LIVE_TELL_INTERVAL_MS = 1_000;

/** Largest message of a live socket, in bytes: as much as a request body. */
export const LIVE_MESSAGE_BYTES_MAX = BODY_BYTES_MAX;

/** Most messages of one live socket in the time beside it. Moods change now and then; pings don't count, for they wake nobody. */
export const LIVE_MESSAGES_MAX = 20;
export const LIVE_MESSAGES_WINDOW_MS = 10_000;

/** Most live sockets of one room, a little below the platform's 32,768: https://developers.cloudflare.com/durable-objects/api/state/#acceptwebsocket */
export const LIVE_SOCKETS_MAX = 32_000;

/** When to try again for a live socket that was not to be had, in seconds. Until then heartbeats by HTTP do as well. */
export const LIVE_RETRY_SECONDS = 10;

/** The shortest that KV accepts: https://developers.cloudflare.com/kv/api/read-key-value-pairs/#cachettl-parameter */
export const KV_CACHE_TTL_SECONDS = 30;

/** Time until a KV write is seen everywhere, by the documentation: "up to 60 seconds or more". */
const KV_PROPAGATION_MS = 60_000;

/** A list may be so old already when KV gives it: the same documentation. */
const KV_LIST_CACHE_MS = 60_000;

/** The times that the rules of presence run on, whatever the hub. */
export interface Timing {
  /** A session ends this long after its last heartbeat. */
  readonly ttlMs: number;
  /** Mean time between two syncs of a replica. */
  readonly syncIntervalMs: number;
  /** TTL + grace: after that no replica counts any more whom only another one heard, if that one does not rest. */
  readonly keepMs: number;
  /** How long after its last heartbeat a session that is over is remembered, so that no old word revives it. */
  readonly rememberMs: number;
}

/** And on Workers KV. */
export interface KvTiming extends Timing {
  /** When nothing changes, a replica tells the others of its heartbeats this often. */
  readonly refreshMs: number;
  /** For so much longer a replica that is alone in the world may rest between two refreshes. */
  readonly restMs: number;
  /** What a session heard by another replica may be older than the TTL: that replica may tell of its heartbeats so late. */
  readonly graceMs: number;
  /** How long what a location says of itself counts elsewhere, if it does not rest: until its next word has surely arrived. */
  readonly leaseMs: number;
  /** When KV may delete a location's key. It only cleans up; the rules above decide who counts. */
  readonly expirationTtlSeconds: number;
}

/** Derives the times on Workers KV from the TTL and the sync interval, both in ms. */
export function kvTiming(ttlMs: number, syncIntervalMs: number): KvTiming {
  const refreshMs = 2 * syncIntervalMs;
  // A refresh waits for a sync of its writer, and its reader for one of his.
  const graceMs = refreshMs + 2 * syncIntervalMs;
  const keepMs = ttlMs + graceMs;
  const arrivalMs = KV_PROPAGATION_MS + KV_LIST_CACHE_MS + LIST_INTERVAL_MS;
  // A lone visitor's location syncs at his heartbeats only, three in a TTL, however short the interval is.
  const leaseMs = refreshMs + Math.max(syncIntervalMs, ttlMs / 3) + arrivalMs;
  const restMs = Math.max(ALONE_INTERVAL_MS - refreshMs, 0);
  const expirationTtlSeconds = Math.ceil((Math.max(leaseMs, keepMs) + restMs) / 1000);
  return {
    ttlMs,
    syncIntervalMs,
    refreshMs,
    restMs,
    graceMs,
    keepMs,
    rememberMs: keepMs + restMs,
    leaseMs,
    expirationTtlSeconds,
  };
}

/** The same for the room: it ends sessions by itself, and its word is heard at the next sync, or the one after that. */
export function roomTiming(ttlMs: number, syncIntervalMs: number): Timing {
  const keepMs = ttlMs + 2 * syncIntervalMs;
  // A replica whose calls fail asks later what became of a session. After a TTL without an answer it starts anew.
  return { ttlMs, syncIntervalMs, keepMs, rememberMs: keepMs + ttlMs };
}

/** The Worker's bindings and variables as the platform hands them over: nothing here is checked yet. */
export interface Bindings {
  readonly PRESENCE_HUB?: string;
  readonly PRESENCE_KV?: KVNamespace;
  readonly PRESENCE_ROOM?: RoomNamespace;
  readonly NEW_SESSIONS?: RateLimit;
  readonly SESSION_TTL_SECONDS?: string | number;
  readonly SYNC_INTERVAL_SECONDS?: string | number;
  readonly SESSIONS_MAX?: string | number;
  readonly NEW_SESSION_LIMIT?: string;
  readonly ALLOWED_ORIGINS?: string;
  readonly PRESENCE_CACHE_SECONDS?: string | number;
}

/** Which hub replicas meet at, and the times that go with it. */
export type HubSettings =
  | { readonly hub: 'kv'; readonly timing: KvTiming }
  | { readonly hub: 'durable-object'; readonly timing: Timing };

/** The hub's times, from the TTL and the sync interval (ms); where no interval is given, the hub's own: 10 s on KV, 1 s with the room. */
export function hubSettings(
  hub: HubSettings['hub'],
  ttlMs: number,
  syncIntervalMs: number | undefined,
): HubSettings {
  return hub === 'kv'
    ? { hub, timing: kvTiming(ttlMs, syncIntervalMs ?? 10_000) }
    : { hub, timing: roomTiming(ttlMs, syncIntervalMs ?? 1_000) };
}

/** The variables, checked and in the units that the code uses. */
export type Settings = HubSettings & {
  readonly allowedOrigins: '*' | readonly string[];
  /** Whether new sessions are limited per client. */
  readonly limitsNewSessions: boolean;
  /** Most sessions that one replica holds: those that it heard, and whom it remembers for a while after they have ended. */
  readonly sessionsMax: number;
  readonly presenceCacheSeconds: number;
};

const WholeNumber = (min: number, max: number) => {
  const error = `takes a whole number from ${min} to ${max}`;
  return z
    .union([z.number(), z.string().trim().regex(/^\d+$/).transform(Number)], { error })
    .pipe(z.number({ error }).int({ error }).min(min, { error }).max(max, { error }));
};

const ORIGINS_ERROR = 'takes * or a comma list of origins such as https://example.com';

/** One origin as a browser sends it in `Origin`: lower case, without a default port, a path or a wildcard. */
const Origin = z
  .string()
  .trim()
  .toLowerCase()
  .transform((text, context) => {
    if (/^https?:\/\/[^\s\\/?#@*%]+\/?$/.test(text) && URL.canParse(text)) return new URL(text).origin;
    // URL knows no origin for the schemes of app shells, so those are taken as they stand: capacitor://localhost
    const shell = /^((?!https?:|file:)[a-z][a-z0-9+.-]*:\/\/[a-z0-9.-]+(:\d+)?)\/?$/.exec(text)?.[1];
    if (shell !== undefined) return shell;
    context.addIssue({ code: 'custom', message: ORIGINS_ERROR });
    return z.NEVER;
  });

const Variables = z.object({
  PRESENCE_HUB: z.enum(['kv', 'durable-object'], { error: 'takes kv or durable-object' }).default('kv'),
  PRESENCE_ROOM: z.unknown().optional(),
  SESSION_TTL_SECONDS: WholeNumber(2, 600).default(30),
  SYNC_INTERVAL_SECONDS: WholeNumber(1, 60).optional(),
  // Some 250 bytes each: the largest leaves half of an isolate's 128 MB to everything else.
  SESSIONS_MAX: WholeNumber(1, 250_000).default(50_000),
  NEW_SESSION_LIMIT: z.enum(['on', 'off'], { error: 'takes on or off' }).default('on'),
  ALLOWED_ORIGINS: z
    .union(
      [
        z.string().trim().pipe(z.literal('*')),
        z
          .string()
          .transform((list) => list.split(','))
          .pipe(z.array(Origin)),
      ],
      { error: ORIGINS_ERROR },
    )
    .default('*'),
  PRESENCE_CACHE_SECONDS: WholeNumber(0, 60).default(0),
});

/**
 * Reads the variables; those that are not set get their defaults.
 *
 * @throws {Error} naming every variable that is wrong and what it accepts.
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
  } = parsed.data;
  const syncIntervalMs = SYNC_INTERVAL_SECONDS === undefined ? undefined : SYNC_INTERVAL_SECONDS * 1000;
  if (PRESENCE_HUB === 'durable-object' && !parsed.data.PRESENCE_ROOM)
    throw wrongSetting('PRESENCE_HUB durable-object needs the binding PRESENCE_ROOM');
  // The room knows no grace, so every replica must speak several times in a TTL.
  if (
    PRESENCE_HUB === 'durable-object' &&
    (SYNC_INTERVAL_SECONDS ?? 1) > Math.max(SESSION_TTL_SECONDS / 3, 1)
  )
    throw wrongSetting(
      'SYNC_INTERVAL_SECONDS takes at most a third of SESSION_TTL_SECONDS with PRESENCE_HUB durable-object',
    );
  return {
    ...hubSettings(PRESENCE_HUB, SESSION_TTL_SECONDS * 1000, syncIntervalMs),
    allowedOrigins: ALLOWED_ORIGINS,
    limitsNewSessions: NEW_SESSION_LIMIT === 'on',
    sessionsMax: SESSIONS_MAX,
    presenceCacheSeconds: PRESENCE_CACHE_SECONDS,
  };
}

/** What stops the start of a Worker whose settings cannot be used. */
const wrongSetting = (what: string) => new Error(`Wrong setting: ${what}.`);

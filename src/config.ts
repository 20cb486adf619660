import * as z from 'zod';

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

/** Wait after a failed sync: the first, doubled at every further failure, and never more than the second. */
export const RETRY_MIN_MS = 1_000;
export const RETRY_MAX_MS = 300_000;

/** Wait after a refused write, drawn between the two: the key is free again after 1 s, and the isolates must spread. */
export const REFUSED_RETRY_MIN_MS = 1_000;
export const REFUSED_RETRY_MAX_MS = 3_000;

/** Share by which the sync interval varies, so that isolates that started together drift apart. */
export const SYNC_JITTER = 0.25;

/** At most one log line about the hub in this time: trouble lasts, and logs are billed by the line. */
export const TROUBLE_LOG_INTERVAL_MS = 60_000;

/** Shortest time between two `list` calls. KV caches lists for up to a minute, so asking more often tells nothing new. */
export const LIST_INTERVAL_MS = 60_000;

/** Most pages of 1,000 keys that one listing reads. There are some 350 locations; what comes after is not ours. */
export const LIST_PAGES_MAX = 10;

/** Shortest times that KV accepts: https://developers.cloudflare.com/kv/api/read-key-value-pairs/#cachettl-parameter */
export const KV_CACHE_TTL_SECONDS = 30;
const KV_EXPIRATION_TTL_MIN_SECONDS = 60;

/** Time until a KV write is seen everywhere, by the documentation: "up to 60 seconds or more". */
const KV_PROPAGATION_MS = 60_000;

/** What the lease has to spare beyond the delays that are known. */
const LEASE_SPARE_MS = 20_000;

/** The times that the rules of presence run on. All but the first two are derived from them. */
export interface Timing {
  /** A session ends this long after its last heartbeat. */
  readonly ttlMs: number;
  /** Mean time between two syncs of a replica. */
  readonly syncIntervalMs: number;
  /** What a session heard by another replica may be older than the TTL: that replica tells of its heartbeats a sync late. */
  readonly graceMs: number;
  /** TTL + grace: how long a session that another replica heard counts, and how long one that is gone is remembered. */
  readonly keepMs: number;
  /** How long another location's summary counts: until its next one has surely arrived. */
  readonly leaseMs: number;
  /** When KV may delete a location's key. It only cleans up; the rules above decide who counts. */
  readonly expirationTtlSeconds: number;
}

/** Derives all times from the TTL and the sync interval, both in ms. */
export function timing(ttlMs: number, syncIntervalMs: number): Timing {
  const graceMs = syncIntervalMs;
  const keepMs = ttlMs + graceMs;
  // A lone visitor's location syncs at his heartbeats only, three in a TTL, however short the interval is.
  const refreshMs = Math.max(syncIntervalMs, ttlMs / 3);
  const leaseMs = refreshMs + KV_PROPAGATION_MS + LIST_INTERVAL_MS + LEASE_SPARE_MS;
  const keepSeconds = Math.ceil(Math.max(leaseMs, keepMs) / 1000);
  return {
    ttlMs,
    syncIntervalMs,
    graceMs,
    keepMs,
    leaseMs,
    expirationTtlSeconds: Math.max(keepSeconds, KV_EXPIRATION_TTL_MIN_SECONDS),
  };
}

/** The Worker's bindings and variables as the platform hands them over: nothing here is checked yet. */
export interface Bindings {
  readonly PRESENCE_KV?: KVNamespace;
  readonly SESSION_TTL_SECONDS?: string | number;
  readonly SYNC_INTERVAL_SECONDS?: string | number;
  readonly ALLOWED_ORIGINS?: string;
  readonly PRESENCE_CACHE_SECONDS?: string | number;
}

/** The variables, checked and in the units that the code uses. */
export interface Settings {
  readonly timing: Timing;
  readonly allowedOrigins: '*' | readonly string[];
  readonly presenceCacheSeconds: number;
}

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
  SESSION_TTL_SECONDS: WholeNumber(2, 600).default(30),
  SYNC_INTERVAL_SECONDS: WholeNumber(1, 60).default(10),
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
    throw new Error(`Wrong setting: ${[...new Set(wrong)].join('; ')}.`);
  }
  const { SESSION_TTL_SECONDS, SYNC_INTERVAL_SECONDS, ALLOWED_ORIGINS, PRESENCE_CACHE_SECONDS } = parsed.data;
  return {
    timing: timing(SESSION_TTL_SECONDS * 1000, SYNC_INTERVAL_SECONDS * 1000),
    allowedOrigins: ALLOWED_ORIGINS,
    presenceCacheSeconds: PRESENCE_CACHE_SECONDS,
  };
}

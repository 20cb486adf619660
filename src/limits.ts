/** Every limit of the service, with its unit and its reason. Times that depend on the settings are in `presence/timing.ts`. */

/**
 * Time until a client that sent too many new sessions may try again, in seconds. It is the period of the limit in wrangler.toml:
 * https://developers.cloudflare.com/workers/runtime-apis/bindings/rate-limit/
 */
export const NEW_SESSION_RETRY_SECONDS = 60;

/**
 * Longest time that a new session waits for the rate limiter, which is on the same machine. It waits as long for another session
 * that opens the same channel.
 */
export const LIMITER_WAIT_MAX_MS = 1_000;

/** Time until a client may try a full replica again, in seconds: the time between two heartbeats. */
export const FULL_RETRY_SECONDS = 10;

/** Longest time between two heartbeats of a client, and their number in a TTL. With three, a session survives a lost heartbeat. */
export const HEARTBEAT_INTERVAL_MAX_MS = 10_000;
export const HEARTBEATS_IN_TTL = 3;

/** Largest request body, in bytes. A heartbeat takes about 80; further keys are allowed and ignored. */
export const BODY_BYTES_MAX = 1024;

/** Most entries in the `errors` of a problem, otherwise a body decides how long the answer is. */
export const PROBLEM_ERRORS_MAX = 8;

/** How long a browser may keep a preflight, in seconds. Browsers cap it themselves: Chromium at 7,200. */
export const PREFLIGHT_MAX_AGE_SECONDS = 86_400;

/** Longest `Access-Control-Request-Headers` that the answer to a preflight repeats, in characters: about 40 header names. */
export const REQUESTED_HEADERS_LENGTH_MAX = 1_024;

/** Most that another clock may be ahead of this isolate's clock. A later time is lowered to that, or its record is ignored. */
export const CLOCK_SKEW_MAX_MS = 5_000;

/** Longest time that a request waits for a sync, from the start of that sync. */
export const SYNC_WAIT_MAX_MS = 1_000;

/**
 * The platform ends deferred work 30 s after the response. Its pending promises never settle:
 * https://developers.cloudflare.com/workers/runtime-apis/context/#waituntil
 */
export const DEFERRED_MAX_MS = 30_000;

/**
 * Shortest time after which a sync without an answer fails. Usually it fails after two sync intervals. Otherwise the next sync
 * waits forever, because the platform may have ended the request of this one at a CPU or memory limit.
 */
export const SYNC_ABANDON_MIN_MS = 5_000;

/** A flush starts its last sync at most this long after the request, otherwise the platform may end that sync. */
export const FLUSH_MAX_MS = DEFERRED_MAX_MS - SYNC_ABANDON_MIN_MS;

/** A flush that is this late counts as ended with its request, and the next change starts another. */
export const FLUSH_LATE_MS = 1_000;

/** Most leaves of unknown sessions that a replica keeps for its next syncs. A client can send any number of them. */
export const UNMATCHED_LEAVES_MAX = 1_000;

/** Share of the ended sessions that is dropped at once beyond their limit. Otherwise each drop walks over deleted entries of a Map. */
export const ENDED_DROPPED_SHARE = 1 / 8;

/** Most new sessions whose waiting heartbeats keep their order of arrival: the latest ones. */
export const ARRIVALS_MAX = 10_000;

/** Wait after a failed sync. Each further failure doubles it, up to the sync interval. */
export const RETRY_MIN_MS = 1_000;

/** Wait after a refused write, random between the two. KV takes one write of a key a second. Isolates must not retry together. */
export const REFUSED_RETRY_MIN_MS = 1_000;
export const REFUSED_RETRY_MAX_MS = 3_000;

/** Fewest syncs of a replica with the room in a TTL, and the time that its calls add (ms). */
export const ROOM_SYNCS_IN_TTL_MIN = 4;
export const ROOM_CALLS_MS = 250;

/** Shortest time between two refreshes of a key by one isolate. A key takes one write a second from all isolates. */
export const REFRESH_MIN_MS = 10_000;

/** Share by which the sync interval varies, otherwise isolates that started together keep writing together. */
export const SYNC_JITTER = 0.25;

/** Time until every location reads a KV write: https://developers.cloudflare.com/kv/concepts/how-kv-works/#consistency */
export const KV_PROPAGATION_MS = 60_000;

/** Highest age of a list that KV returns from its cache, by the same documentation. */
export const KV_LIST_CACHE_MS = 60_000;

/** Up to this sync interval a deferred task sends changes to KV even if no request follows. A longer one saves reads. */
export const KV_FLUSH_INTERVAL_MAX_MS = 2_000;

/** A request waits for a sync if the last one started more than this many intervals before. No request arrived in between. */
export const SYNC_STALE_INTERVALS = 1.5;

/** Shortest time between two lines of one log. A failing hub fails at each request, and logs are billed by the line. */
export const TROUBLE_LOG_INTERVAL_MS = 60_000;

/** Time between two `list` calls. KV caches lists for up to 60 s, so a shorter time brings few changes. */
export const LIST_INTERVAL_MS = 60_000;

/** Time from a failed listing to the next one. Until then other locations may be missing. */
export const LIST_RETRY_MS = 5_000;

/**
 * Time from the write of a summary until a listing shows it. A listing counts as this much newer than its newest summary. So a
 * listing from KV's cache counts as old, by at most three quarters of the interval. The next one starts when the cache has expired.
 */
export const SUMMARY_TRAVEL_MS = 20_000;

/**
 * Time between two writes of unchanged sessions by an isolate that is alone in its location. It is also the time between two
 * listings that find no other location. Each makes 864 a day; the free plan has 1,000. Version 1.0 accepts no longer lease:
 * https://developers.cloudflare.com/kv/platform/limits/
 */
export const ALONE_INTERVAL_MS = 100_000;

/**
 * Writes of ended sessions by an isolate that holds all of a few sessions: it saves up to ten, and earns one in this time.
 * With its refreshes it writes at most 970 times a day, however many sessions end.
 */
export const WRITE_EARNED_MS = 90_000;
export const WRITES_KEPT_MAX = 10;

/**
 * Up to so many sessions in all locations, replicas read the summaries of new locations, and list less often. Up to twice as many,
 * they write less often. The free plan's requests are enough for 11 sessions, and a session without a leave counts a TTL longer.
 */
export const FEW_PEOPLE = 20;

/** Longest value with summaries of new locations, in characters: 50 summaries. They are written only up to `FEW_PEOPLE` sessions. */
export const OPENED_CHARS_MAX = 8_192;

/** Most locations that count. Cloudflare has about 350. */
export const LOCATIONS_MAX = 1_000;

/** Changes of at most this share of all sessions wait for the next refresh. With fewer than 200 sessions none waits. */
export const CHANGES_SHARE = 0.005;

/** KV's daily limits end at midnight UTC. This much later, midnight is past on every clock. */
export const QUOTA_RESET_MARGIN_MS = 60_000;

/** Time between two tries of an operation that a daily limit refuses: a refusal is free, and the plan may change. */
export const QUOTA_RETRY_MS = 3_600_000;

/** More new services than this in the window mean that each request has different bindings. Then each has a replica of its own. */
export const SERVICES_MAX = 10;
export const SERVICES_WINDOW_MS = 60_000;

/** Longest time that the opening of a live socket waits for the room. */
export const LIVE_OPEN_MAX_MS = 10_000;

/** Most pages of 1,000 keys that one listing reads. There are about 350 locations; further keys belong to other software. */
export const LIST_PAGES_MAX = 10;

/**
 * Highest `SESSIONS_MAX`; a higher value is lowered to this. Known sessions that return are added, so up to 300,000 are present on KV.
 * A sync of these takes at most 80 MB of the 128 MB heap of an isolate: `npm run bench -- full-replica` measures it.
 * https://developers.cloudflare.com/workers/platform/limits/#memory
 */
export const REPLICA_SESSIONS_MAX = 100_000;

/**
 * Most sessions of one location on KV: a replica reads and writes no more. `npm run bench -- full-replica` measures both. They take
 * at most 10 MB of the 25 MiB of a value: https://developers.cloudflare.com/kv/platform/limits/
 */
export const KV_SESSIONS_MAX = 100_000;

/**
 * Most present sessions of a room. A full room, its save, its restart and its answer to a fresh replica fit into 128 MB:
 * `npm run bench -- full-room` measures it. With the longest names of channels that answer has 27 MiB, and a call carries 32 MiB. https://developers.cloudflare.com/durable-objects/platform/limits/
 */
export const ROOM_SESSIONS_MAX = 200_000;

/**
 * Most tombstones of a room. They have a limit of their own, otherwise leaves fill the room and it refuses new sessions. Beyond
 * the limit the room drops the oldest eighth.
 */
export const ROOM_TOMBSTONES_MAX = 100_000;

/** Most changes that a room keeps for its replicas. A replica that is further behind gets a snapshot. */
export const ROOM_CHANGES_MAX = 10_000;

/** The room expires sessions in steps of this time, so a session can expire this much too late. */
export const ROOM_EXPIRY_STEP_MS = 250;

/**
 * Shortest time between two saves of a room, each of which writes and deletes a row. After a crash the replicas send the unsaved
 * sessions again. https://developers.cloudflare.com/durable-objects/platform/pricing/
 */
export const ROOM_SAVE_INTERVAL_MS = 5_000;

/**
 * Longest saved row, in characters: 1.5 of the 2 MB that a row holds. A session takes up to 99, and 65 more in a named channel.
 * https://developers.cloudflare.com/durable-objects/platform/limits/
 */
export const ROOM_ROW_CHARS_MAX = 1_500_000;

/** A room saves at once when so many more sessions are unsaved. They fill a row, so the early save costs no more rows. */
export const ROOM_UNSAVED_MAX = 15_000;

/**
 * Largest journal, in bytes. A save replaces a larger one with all sessions of the room: 85 bytes each, 26 MB in a full room, and
 * 45 MB with the longest names of channels. Otherwise 200,000 heartbeats every 10 s fill a gigabyte within a TTL of 600 s. No object
 * can read that.
 */
export const ROOM_JOURNAL_BYTES_MAX = 50_000_000;

/** Most bytes of its journal that a restarting room reads, the newest first. A room of this version writes half as many. */
export const ROOM_JOURNAL_READ_BYTES_MAX = 2 * ROOM_JOURNAL_BYTES_MAX;

/** Shortest time until a room's next alarm. Each alarm is a billed request, and keeps the object in memory for 10 s. */
export const ROOM_ALARM_GAP_MS = 1_000;

/** Most empty channels that sessions are about to open at one isolate. It forgets the oldest beyond that. */
export const OPENINGS_MAX = 1_000;

/** `CHANNELS_MAX`: its default, and the highest value. The last broadcasts of so many channels fit into one row of the journal. */
export const CHANNELS_MAX_DEFAULT = 1_000;
export const CHANNELS_MAX_HIGHEST = 10_000;

/** Most names in one request for the counts of several channels. */
export const CHANNEL_NAMES_MAX = 50;

/** The history of a room has one count for each step of five minutes, and lasts a day. */
export const HISTORY_STEP_MS = 300_000;
export const HISTORY_STEPS = 288;

/** Shortest time between two reads of the room's history by an isolate; caches keep an answer as long. Each read is a billed request. */
export const HISTORY_INTERVAL_MS = 60_000;

/** Longest time that a request waits for the history. */
export const HISTORY_WAIT_MAX_MS = 5_000;

/** While the room does not answer, an isolate sends the last history until it is this old: the length of a step. */
export const HISTORY_KEPT_MS = HISTORY_STEP_MS;

/** Longest label of a badge, in characters, and the seconds that caches may keep a badge. */
export const BADGE_LABEL_LENGTH_MAX = 40;
export const BADGE_CACHE_SECONDS = 60;

/** Shortest time between two broadcasts to the live sockets. */
export const LIVE_BROADCAST_INTERVAL_MS = 1_000;

/** Largest message of a live socket, in bytes: as large as a request body. */
export const LIVE_MESSAGE_BYTES_MAX = BODY_BYTES_MAX;

/** Most messages of one live socket within the window. Pings do not count, because the platform answers them. */
export const LIVE_MESSAGES_MAX = 20;
export const LIVE_MESSAGES_WINDOW_MS = 10_000;

/**
 * Most live sockets of one session. One more closes the oldest. A browser needs one. A message costs work for each socket of its
 * session. Without a cap, one id on 30,000 sockets blocks the room.
 */
export const LIVE_SESSION_SOCKETS_MAX = 64;

/**
 * Most live sockets of one room, 768 below the platform's limit of 32,768:
 * https://developers.cloudflare.com/durable-objects/api/state/#acceptwebsocket
 */
export const LIVE_SOCKETS_MAX = 32_000;

/** Time until a client may try a refused live socket again, in seconds. Until then HTTP heartbeats work. */
export const LIVE_RETRY_SECONDS = 10;

/** The shortest cache time that KV accepts: https://developers.cloudflare.com/kv/api/read-key-value-pairs/#cachettl-parameter */
export const KV_CACHE_TTL_SECONDS = 30;

/**
 * A stored value is parsed in parts of `STORED_PART_CHARS` to `STORED_PART_CHARS_MAX` characters. Finding the end of a part takes at most
 * `STORED_PART_TRIES` tries. It is written in parts of `STORED_PART_ENTRIES` entries.
 *
 * This version writes entries of at most 150 characters, without inner objects. A later version may write longer ones, with up to
 * seven inner objects.
 */
export const STORED_PART_CHARS = 65_536;
export const STORED_PART_CHARS_MAX = STORED_PART_CHARS + 4_096;
export const STORED_PART_TRIES = 8;
export const STORED_PART_ENTRIES = 1_000;

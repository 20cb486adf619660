import { LATENCY_MAX_MS, type Trouble } from './network';

// All bounds of the model, with their reasons. Times are in ms.

/**
 * The longest time with a present tab and a count of 0. A late leave ends the session. The next heartbeat is sent 1 s after the first
 * answer. The answer and that heartbeat take up to one latency each. Timers and locks take up to 100 ms.
 */
export const UNCOUNTED_MAX_MS = 1_000 + 2 * LATENCY_MAX_MS + 100;

/** A tab that resumed counts as resumed for this time. */
export const RESUMED_MS = 3_000;
/**
 * `UNCOUNTED_MAX_MS` after a resume. Either a heartbeat has timed out, and the first pause takes up to 2.5 s. Or the socket is dead: a
 * ping takes 5 s, and the heartbeat follows within 1 s.
 */
export const RESUMED_UNCOUNTED_MAX_MS = UNCOUNTED_MAX_MS + 6_000;
/** In a hidden page the timer of a ping is late. The next ping finds the dead socket, one interval later. */
export const RESUMED_HIDDEN_MS = 11_000;

/** The longest delay of a timer in a hidden page without workers. */
export const HIDDEN_TIMER_MS = 1_000;

/**
 * `UNCOUNTED_MAX_MS` while the leader is frozen and all other tabs are hidden. A hidden tab takes the lead 1.5 intervals after the
 * message was due. The leader sends a message each interval, and an interval takes at most 11 s.
 */
export const TAKEOVER_MAX_MS = 2.5 * 11_000 + UNCOUNTED_MAX_MS + HIDDEN_TIMER_MS;

/**
 * The longest time with two sessions of one browser. Tabs that open at the same moment begin a visit each. A replaced session leaves
 * after 1 s, and in a hidden page up to 1 s later.
 */
export const TWICE_MAX_MS = 1_000 + HIDDEN_TIMER_MS + LATENCY_MAX_MS + 100;

/**
 * `TWICE_MAX_MS` where tabs have channels. Tabs without a common channel share only the storage, so a second older visit can replace the
 * first one. The service counts each visit after at most two latencies, and the session before it leaves as above.
 */
export const CHANNELS_TWICE_MAX_MS = 2 * (TWICE_MAX_MS + LATENCY_MAX_MS);

/** The longest time until the session has the mood of the last choice. */
export const MOOD_MAX_MS = 2_000;

/** `MOOD_MAX_MS` if an aborted heartbeat arrives last: until the next heartbeat. A hidden page sends that up to 1 s late. */
export const OVERTAKEN_MOOD_MAX_MS = 11_000 + 3 * LATENCY_MAX_MS + HIDDEN_TIMER_MS;

/** A session expires after this time without a heartbeat. */
export const TTL_MS = 30_000;

/** The longest time until the count is 0 after the last tab has left. `stop` waits 200 ms, or 1 s in a hidden page. */
export const LEAVE_MAX_MS = 2_000;

/** `LEAVE_MAX_MS` after a crash, a freeze or an outage. The last heartbeat arrives late, and its session expires. */
export const EXPIRE_MAX_MS = TTL_MS + 1_200 + LATENCY_MAX_MS + 100;

/**
 * The time of a census, or of the leave of a replaced session in a hidden page. Two tabs that end within this time may send no leave,
 * and neither may a tab that opens and ends within it. Then the session expires.
 */
export const TOGETHER_MS = 2_200;

/**
 * `TOGETHER_MS` for tabs that open or resume where tabs have channels. Writes to the storage can cross. Then tabs without a common channel
 * have different visits until they read the storage at the next heartbeat.
 */
export const CHANNELS_TOGETHER_MS = TOGETHER_MS + 11_000 + 2 * LATENCY_MAX_MS;

/** A tab that crashes, or closes while it is frozen, sends nothing. The next message causes the next census, within 11 s. */
export const CENSUS_MS = 12_000;

/** After this time without use, a new visit with the default mood may begin. Heartbeats use the visit at least every 11 s. */
export const VISIT_KEPT_MS = TTL_MS - 15_000;

/** The requests of one minute: 9, and 3 for each action of the last 75 s. The 9 are 8 heartbeats and a socket. */
export const REQUESTS_WINDOW_MS = 60_000;
export const ACTIONS_WINDOW_MS = 75_000;
export const requestsMax = (actions: number) => 9 + 3 * actions;

/** A client finds a dead socket by a ping without a pong: within two intervals of 11 s. The heartbeat follows within 1 s. */
const DEAD_SOCKET_MS = 24_000;
/** A heartbeat times out after 10 s, and the first pause takes up to 2.5 s. */
const RECOVERY_MS = 12_000;
/** The longest pause between two heartbeats. Pauses double, so a pause is at most twice as long as the time before it. */
const PAUSE_MAX_MS = 120_000;

/** The time after an outage until the count must be right. After `offline` the browser fires `online`; after `hanging` it fires nothing. */
export function recoveryMs(trouble: Trouble, lengthMs: number, isLive: boolean): number {
  if (trouble === 'offline') return RECOVERY_MS;
  return RECOVERY_MS + Math.min(PAUSE_MAX_MS, 2 * lengthMs) + (isLive ? DEAD_SOCKET_MS : 0);
}

import { LATENCY_MAX_MS, type Trouble } from './network';

// All bounds of the model, with their reasons. Times are in ms.

/**
 * Longest time without being counted, while a tab is present. A leave that arrives late ends the session; the heartbeat after it
 * waits 1 s from the first answer. The answer and that heartbeat take up to one latency each. Timers and locks take up to 100 ms.
 */
export const UNCOUNTED_MAX_MS = 1_000 + 2 * LATENCY_MAX_MS + 100;

/**
 * The same after a resume. An attempt has timed out, and the first pause takes up to 2.5 s. Or the socket is dead: 5 s for a ping, and
 * 1 s before the heartbeat.
 */
export const RESUMED_MS = 3_000;
export const RESUMED_UNCOUNTED_MAX_MS = UNCOUNTED_MAX_MS + 6_000;
/** In a hidden page the timer of a ping is late, so the next ping finds the dead socket: an interval later. */
export const RESUMED_HIDDEN_MS = 11_000;

/** A timer in a hidden page without workers runs so much later. */
export const HIDDEN_TIMER_MS = 1_000;

/**
 * The same while the leader is frozen and all other tabs are hidden. A hidden tab takes the lead 1.5 intervals after the message was due.
 * Messages come once an interval, and an interval takes at most 11 s.
 */
export const TAKEOVER_MAX_MS = 2.5 * 11_000 + UNCOUNTED_MAX_MS + HIDDEN_TIMER_MS;

/**
 * Longest time with two sessions of one browser: tabs that open at the same moment begin a visit each. A replaced session leaves after
 * 1 s, and in a hidden page up to 1 s later.
 */
export const TWICE_MAX_MS = 1_000 + HIDDEN_TIMER_MS + LATENCY_MAX_MS + 100;

/**
 * The same where tabs have channels. Tabs without a common channel agree by way of the storage, so a second older visit can replace the
 * first one. Each one is counted after two latencies at most, and the session before it leaves as above.
 */
export const CHANNELS_TWICE_MAX_MS = 2 * (TWICE_MAX_MS + LATENCY_MAX_MS);

/** Longest time until the last choice of a mood is the mood of the session. */
export const MOOD_MAX_MS = 2_000;

/** The same if an aborted heartbeat of another tab arrives last: until the next heartbeat. A hidden page sends it up to 1 s late. */
export const OVERTAKEN_MOOD_MAX_MS = 11_000 + 3 * LATENCY_MAX_MS + HIDDEN_TIMER_MS;

/** A session expires after this time without a heartbeat. */
export const TTL_MS = 30_000;

/** Time until the count is zero after the last tab has left: `stop` waits 200 ms, or 1 s in a hidden page. */
export const LEAVE_MAX_MS = 2_000;

/** The same after a crash, a freeze or an outage: the last heartbeat was on its way, or waited for `stop`, and the session expires. */
export const EXPIRE_MAX_MS = TTL_MS + 1_200 + LATENCY_MAX_MS + 100;

/**
 * A census, and the leave of a replaced session in a hidden page, need this time. If two tabs end within it, or a tab opens and ends within it,
 * perhaps no tab leaves: the session expires.
 */
export const TOGETHER_MS = 2_200;

/**
 * The same for tabs that open or resume where tabs have channels: writes to the storage can cross, and then tabs without a common channel
 * agree only when they read it again, at the next heartbeat.
 */
export const CHANNELS_TOGETHER_MS = TOGETHER_MS + 11_000 + 2 * LATENCY_MAX_MS;

/** A tab that crashes, or closes while it is frozen, sends nothing. The next census comes with the next message, at most 11 s later. */
export const CENSUS_MS = 12_000;

/** A visit that was not used for this long may start anew, with the default mood. Each heartbeat uses it: 11 s at most. */
export const VISIT_KEPT_MS = TTL_MS - 15_000;

/** Requests of one minute: six heartbeats, two more and a socket; and three for each action of that minute or shortly before. */
export const REQUESTS_WINDOW_MS = 60_000;
export const ACTIONS_WINDOW_MS = 75_000;
export const requestsMax = (actions: number) => 9 + 3 * actions;

/** The client closes a dead socket when a ping has no answer until the next one: two intervals of 11 s, and 1 s before the heartbeat. */
const DEAD_SOCKET_MS = 24_000;
/** An attempt times out after 10 s. The first pause after it takes up to 2.5 s; latency is part of the 12 s. */
const RECOVERY_MS = 12_000;
/** The longest pause between two attempts. Pauses double, so one takes at most twice as long as all attempts before it. */
const PAUSE_MAX_MS = 120_000;

/** Time after an outage until presence must be right again. After `offline` the browser fires `online`; after `hanging` nothing. */
export function recoveryMs(trouble: Trouble, lengthMs: number, isLive: boolean): number {
  if (trouble === 'offline') return RECOVERY_MS;
  return RECOVERY_MS + Math.min(PAUSE_MAX_MS, 2 * lengthMs) + (isLive ? DEAD_SOCKET_MS : 0);
}

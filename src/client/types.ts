import type { Mood } from '../moods.js';

export type { Mood };

/** The present sessions: how many in each mood, their sum, and the server's clock (ms since 1970). */
export interface PresenceState {
  readonly count: number;
  readonly moods: Readonly<Record<Mood, number>>;
  readonly timestamp: number;
}

/** A frozen object. Each change replaces it. */
export interface PresenceSnapshot {
  /**
   * `idle`: not started. A started page that prerenders is `idle` too, and so is one that is hidden since the start with `whenHidden: 'leave'`.
   * `connecting`: no answer yet. `live`: `data` is the last answer. `stale`: `data` is the last good answer. The service does not answer, the
   * hidden page has left, or `setMood` has just begun or ended watching.
   */
  readonly status: 'idle' | 'connecting' | 'live' | 'stale';
  readonly data: PresenceState | null;
  /**
   * The count of `data` without this browser; `null` without `data`. It changes only together with `data`, so after `setMood` both stay
   * until the next answer. In a tab that only watches it is the whole count, with other tabs of this browser that count.
   */
  readonly others: number | null;
  /** Why the last attempt of this tab failed. It is null in a tab that waits for the leader. */
  readonly error: Error | null;
  /** The mood in which this browser counts: the latest choice of all its tabs. `null`: it only watches. */
  readonly mood: Mood | null;
}

/** The last 24 hours of the default channel. Times are in ms since 1970. */
export interface PresenceHistory {
  /** The server's clock at the answer. */
  readonly timestamp: number;
  /** The length of a step (ms): 300,000. Steps start at its multiples. */
  readonly stepMs: number;
  /** The most people present at once in each step, the oldest first: 288 numbers. The last step contains `timestamp`. */
  readonly counts: readonly number[];
  /** The largest of `counts`, and the start of the latest step that has it. */
  readonly peak: { readonly count: number; readonly at: number };
  /**
   * The sessions that started in these steps. A session that starts again within the TTL (30 s) is not another visit. Bots
   * count too.
   */
  readonly visits: number;
}

export interface PresenceOptions {
  /**
   * Any address of the service. Default: the page's own origin, or for `/presence.js` the origin that served it. Without a page, as in
   * Node and React Native, it is required.
   */
  readonly url?: string | URL | undefined;
  /**
   * The counter, if the service has several: a name of letters, digits, `.`, `_` and `-`. It has at most 64 characters, and begins with
   * a letter or a digit. Default, as with `''`: the service's own counter, which has no name.
   */
  readonly channel?: string | undefined;
  /**
   * A mood counts as chosen now. `null` watches without being counted. Default: the mood that a tab of this browser has chosen, else
   * `DEFAULT_MOOD` of `moods.ts`.
   */
  readonly mood?: Mood | null | undefined;
  /** The time between two heartbeats (ms), from 500 to 200,000. Default: the time that the service sends, or 10,000. */
  readonly intervalMs?: number | undefined;
  /** `true` opens live sockets even if no answer offers them, and `false` opens none. Default: an answer decides. */
  readonly live?: boolean | undefined;
  /** Whether a hidden page stays present (`keep`, the default), or leaves until it is visible again. */
  readonly whenHidden?: 'keep' | 'leave' | undefined;
  /** `count` counts crawlers and automated browsers too. By default they only watch. */
  readonly robots?: 'count' | undefined;
  /** A UUID, in place of the random one of the visit that all tabs of the browser share. */
  readonly sessionId?: string | undefined;
  /** Stops the presence when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** Used in place of the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

export interface Presence {
  /**
   * Starts sending heartbeats.
   *
   * @throws {TypeError} if `url` is no address of a service, or is missing without a page.
   * @throws {RangeError} if `intervalMs` is out of its range, or `channel` is no name.
   */
  start(): void;
  /**
   * Leaves 0.2 s later, unless another tab is present or `start` follows. A page that closes leaves at once. Resolves after the answer
   * to the leave, or after its failure. Resolves without an answer if no leave is sent: `start` follows, another tab is present, this tab
   * only watches, or its live socket is open. The closing socket ends the session. A second call returns the promise of the first one.
   */
  stop(): Promise<void>;
  /**
   * Chooses a mood, for all tabs of this browser. `null` watches without being counted. `undefined` ends the watching without a new choice:
   * the last choice of the visit holds, else `DEFAULT_MOOD`. While this browser counts, `undefined` does nothing.
   */
  setMood(mood: Mood | null | undefined): void;
  /**
   * Calls the listener now and after each change, until the returned function is called. Several changes at once cause one call. An error of
   * the first call ends the subscription, and is thrown.
   */
  subscribe(listener: (snapshot: PresenceSnapshot) => void): () => void;
  /** Returns the current snapshot. */
  getSnapshot(): PresenceSnapshot;
  /**
   * The server's clock (ms since 1970). Its error is at most half the round trip of the fastest heartbeat. Before the first answer it is
   * the clock of this device. After sleep it can be 1 s late until the next heartbeat.
   */
  serverNow(): number;
  /**
   * Reads the history of the service. Resolves to `null` before the first `start`, in a named channel, and without a history within 10 s.
   * Never rejects, does not retry and keeps nothing: the browser's HTTP cache keeps the answer for 60 s. A service on KV has no history,
   * and the console of the browser shows its 404.
   */
  history(): Promise<PresenceHistory | null>;
}

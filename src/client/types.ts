import type { Mood } from '../moods.js';

export type { Mood };

/** Who is here: people per mood, their sum, and the server's clock in ms since 1970. */
export interface PresenceState {
  readonly count: number;
  readonly moods: Readonly<Record<Mood, number>>;
  readonly timestamp: number;
}

/**
 * What is known now. Frozen, and the same object until something changes.
 *
 * `idle`: not started. `connecting`: no answer yet. `live`: `data` is the last answer. `stale`: `data` is the last good answer,
 * and the service is out of reach, or the page has left while it is hidden. `error` tells why the last attempt failed.
 */
export interface PresenceSnapshot {
  readonly status: 'idle' | 'connecting' | 'live' | 'stale';
  readonly data: PresenceState | null;
  readonly error: Error | null;
}

export interface PresenceOptions {
  /** Any address of the service. By default it is the page's own origin, or for `/presence.js` where that was loaded from. */
  readonly url?: string | URL | undefined;
  /** `null` watches without being counted. Default: `DEFAULT_MOOD` of `moods.ts`. */
  readonly mood?: Mood | null | undefined;
  /** Time between two heartbeats in ms, a third of the service's `SESSION_TTL_SECONDS`. Default: 10,000. */
  readonly intervalMs?: number | undefined;
  /** Live sockets: `true` even where no answer says that there are any, `false` never. By default when one does. */
  readonly live?: boolean | undefined;
  /** Whether a hidden page goes on being counted (`keep`, the default), or leaves until it is seen again. */
  readonly whenHidden?: 'keep' | 'leave' | undefined;
  /** A UUID, in place of the one that is made for the visit and shared by all tabs of the browser. */
  readonly sessionId?: string | undefined;
  /** Stops it. */
  readonly signal?: AbortSignal | undefined;
  /** In place of the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

export interface Presence {
  /**
   * Comes, and beats until `stop`.
   * @throws {TypeError} if `url` is none.
   */
  start(): void;
  /** Leaves, unless another tab is still here or `start` follows at once. Done when the service was told, or can't be. */
  stop(): Promise<void>;
  setMood(mood: Mood | null): void;
  /** Tells of every change from now on. Returns what ends that. */
  subscribe(listener: (snapshot: PresenceSnapshot) => void): () => void;
  getSnapshot(): PresenceSnapshot;
  /**
   * The server's clock in ms since 1970, by `timestamp` and the round trip: right to half the time of the fastest heartbeat.
   * Before the first answer it is this device's clock.
   */
  serverNow(): number;
}

import { DEFAULT_MOOD } from '../moods.js';
import { openLiveSocket } from './live-socket.js';
import { heartbeat, leave, TIMEOUT_MS } from './requests.js';
import { observe, type ServerClock, UNKNOWN } from './server-clock.js';
import { keepVisitId, visitId } from './session-id.js';
import { joinTabs, type Tabs } from './tabs.js';
import { createTimer } from './timer.js';
import type { Mood, Presence, PresenceOptions, PresenceSnapshot, PresenceState } from './types.js';

export type * from './types.js';

/** What the tab that leads tells the others. */
interface News {
  /** Who is here; nothing where that is not known now. */
  readonly data: PresenceState | null | false;
  readonly sessionId: string;
  readonly mood: Mood | null;
  /** When that was chosen: the last choice counts. */
  readonly moodAt: number;
  readonly clock: ServerClock;
  readonly hasLive: boolean | undefined;
  readonly retryAt: number;
  /** When it will beat again. */
  readonly dueMs: number;
}

/** Never `unload`, which keeps pages out of the cache that makes going back instant: https://web.dev/articles/bfcache */
const EVENTS = ['visibilitychange', 'pagehide', 'pageshow', 'online'];

const IDLE: PresenceSnapshot = Object.freeze({ status: 'idle', data: null, error: null });

/** The longest pause after failures. The first one is a quarter of an interval, and each twice the one before. */
const BACKOFF_MAX_MS = 120_000;
/** A session that was silent for so many intervals is over. */
const TTL = 3;
/** When the sockets of a crowd break at once, its heartbeats come within this time, in ms. */
const LOST_SPREAD_MS = 1_000;

const between = (min: number, max: number) => min + (max - min) * Math.random();

/** Counts this browser as present, and tells who else is. Nothing happens before `start`, so it can be made on a server. */
export function createPresence(options: PresenceOptions = {}): Presence {
  const { intervalMs = 10_000, whenHidden, signal } = options;
  const timer = createTimer(act);
  const subscribers = new Set<(snapshot: PresenceSnapshot) => void>();
  let snapshot = IDLE;
  let clock = UNKNOWN;
  let { mood = DEFAULT_MOOD } = options;
  let hasLive: boolean | undefined;
  let moodAt = 0;
  let base: URL;
  let sessionId: string;
  let started = false;
  /** While present. */
  let tabs: Tabs<News> | undefined;
  /** The heartbeat under way. */
  let attempt: AbortController | undefined;
  let failures = 0;
  /** What the service has asked for with `Retry-After`. */
  let retryAt = 0;
  let socket: WebSocket | undefined;
  let unanswered = false;
  let socketAt = 0;

  /** `WebSocket.OPEN`, which old Node does not have. */
  const onSocket = () => socket?.readyState === 1;
  /** The time to the next heartbeat: clients that started together drift apart. */
  const nextMs = () => intervalMs * between(0.9, 1.1);
  /** Waits for news from the tab that leads. One that is silent for this long may sleep, and another takes the lead. */
  const listen = (dueMs: number) => timer.set(dueMs + 1.5 * nextMs());

  function show(next: PresenceSnapshot) {
    Object.freeze(Object.freeze(next.data)?.moods);
    snapshot = Object.freeze(next);
    // A listener that throws must not end the heartbeats.
    for (const listener of subscribers) queueMicrotask(() => subscribers.has(listener) && listener(snapshot));
  }

  const showLive = (data: PresenceState) => show({ status: 'live', data, error: null });
  const mark = (status: PresenceSnapshot['status'], error: Error | null = null) =>
    show({ ...snapshot, status, error });
  const markSilent = (error?: Error) => mark(snapshot.data ? 'stale' : 'connecting', error);

  /** Sets the time of what comes next, or keeps it, and tells the others; or if another tab leads waits for its news. */
  function plan(dueMs = timer.remainingMs()) {
    if (!tabs?.leads && !onSocket()) return listen(0);
    timer.set(dueMs);
    if (!options.sessionId) keepVisitId(sessionId);
    tabs?.tell({
      data: snapshot.status === 'live' && snapshot.data,
      sessionId,
      mood,
      moodAt,
      clock,
      hasLive,
      retryAt,
      dueMs,
    });
  }

  function hear(news?: News) {
    // Another tab beats now; or it has left for all, and the service may hear that later than a heartbeat of now.
    if (!news) {
      giveUp();
      return plan(LOST_SPREAD_MS);
    }
    if (news.moodAt > moodAt) changeMood(news.mood, news.moodAt);
    if (onSocket()) return;
    ({ sessionId, retryAt } = news);
    hasLive = options.live ?? news.hasLive;
    listen(news.dueMs);
    if (news.data) {
      clock = news.clock;
      showLive(news.data);
      connect();
    } else markSilent();
  }

  /** Says on the live socket, if it is open, who is here and in which mood. */
  function join() {
    if (mood && onSocket()) socket?.send(JSON.stringify({ sessionId, mood }));
  }

  function changeMood(next: Mood | null, at: number) {
    mood = next;
    moodAt = at;
    join();
  }

  /** The time has come: to give up an attempt, for the next heartbeat or ping, or for this tab to lead. */
  function act() {
    if (attempt) fail(new Error('timeout'));
    else if (onSocket()) {
      if (unanswered) return loseSocket();
      unanswered = true;
      socket?.send('ping');
      plan(nextMs());
    } else hurry();
  }

  /** Acts as soon as may be. */
  function hurry() {
    if (attempt) return;
    if (!tabs?.leads) tabs?.lead(true);
    else if (onSocket()) plan();
    else if (retryAt > Date.now()) plan(retryAt - Date.now());
    else void beat();
  }

  function giveUp() {
    attempt?.abort();
    attempt = undefined;
  }

  async function beat() {
    const mine = new AbortController();
    attempt = mine;
    timer.set(TIMEOUT_MS);
    const sentMood = mood;
    const sentAt = Date.now();
    try {
      const response = await heartbeat(options.fetch ?? fetch, base, sessionId, sentMood, mine.signal);
      const body = await response.json().catch(() => undefined);
      if (attempt !== mine) return;
      if (!body?.moods)
        return fail(
          new Error(`${response.status} ${body?.detail ?? ''}`),
          Number(response.headers.get('Retry-After')) * 1_000,
        );
      attempt = undefined;
      failures = 0;
      hasLive = options.live ?? response.headers.has('Presence-Live');
      clock = observe(clock, body.timestamp, sentAt, Date.now());
      showLive(body);
      plan(nextMs());
      connect();
      if (mood !== sentMood) hurry();
    } catch (error) {
      if (attempt === mine) fail(error as Error);
    }
  }

  function fail(error: Error, retryAfterMs = 0) {
    giveUp();
    // Never earlier than asked, and not all at the same moment.
    const waitMs =
      retryAfterMs * between(1, 1.1) ||
      Math.min(BACKOFF_MAX_MS, intervalMs * 2 ** (failures++ - 2)) * between(0.5, 1);
    if (retryAfterMs) retryAt = Date.now() + waitMs;
    // What a socket tells is not older for that.
    if (!onSocket()) markSilent(error);
    plan(waitMs);
  }

  function connect() {
    if (!hasLive || socket || Date.now() < socketAt) return;
    const onMessage = (state?: PresenceState) => {
      if (socket !== mine) return;
      unanswered = false;
      if (!state) return;
      showLive(state);
      plan();
    };
    const onOpen = () => (socket === mine ? join() : mine.close());
    const mine = openLiveSocket(base, onOpen, onMessage, () => socket === mine && loseSocket());
    socket = mine;
    unanswered = false;
  }

  /** Goes on with heartbeats. A new socket is tried later, so that a crowd whose sockets broke at once does not come back at once. */
  function loseSocket() {
    hangUp();
    socketAt = Date.now() + between(0, BACKOFF_MAX_MS);
    if (!attempt) plan(between(0, LOST_SPREAD_MS));
  }

  function hangUp() {
    // One that is not open yet closes when it is; earlier, browsers complain.
    if (onSocket()) socket?.close();
    socket = undefined;
  }

  function enter() {
    if (!started || tabs || (document.hidden && whenHidden === 'leave')) return;
    moodAt = Date.now();
    sessionId = options.sessionId ?? visitId(intervalMs * TTL);
    // Who only watches is in another group than who takes part.
    tabs = joinTabs(`presence ${base.origin} ${mood && options.sessionId}`, hurry, hear);
    markSilent();
    listen(0);
    // The tab that people look at leads, so that no sleeping one does.
    tabs.lead(!document.hidden);
  }

  async function exit() {
    const left = mood && tabs?.leads && tabs.alone && !onSocket();
    timer.clear();
    giveUp();
    hangUp();
    tabs?.quit();
    tabs = undefined;
    if (left) await leave(options.fetch ?? fetch, base, sessionId);
  }

  function onEvent({ type }: Event) {
    if (type === 'pagehide' || (document.hidden && whenHidden === 'leave')) {
      void exit();
      markSilent();
    } else if (!tabs) {
      // The last that a page hears is that it was hidden.
      if (!document.hidden) enter();
      // Who leads hurries when the network is back, and tells the others.
    } else if (type === 'online' ? !tabs.leads : document.hidden) timer.set(timer.remainingMs());
    // Which is also shown when it has just been loaded.
    else if (type !== 'pageshow') hurry();
  }

  async function stop() {
    if (!started) return;
    started = false;
    // Whoever starts at once, this one or another of the page, takes over.
    await 0;
    await tabs?.census();
    if (started) return;
    for (const type of EVENTS) removeEventListener(type, onEvent);
    const left = exit();
    mark('idle');
    await left;
  }

  return {
    start() {
      if (started || signal?.aborted) return;
      base = new URL(options.url ?? '/', location.href);
      started = true;
      signal?.addEventListener('abort', stop);
      for (const type of EVENTS) addEventListener(type, onEvent);
      enter();
    },
    stop,
    setMood(next) {
      if (next === mood) return;
      if (tabs && !(next && mood)) {
        // The first look must not find who has just left.
        void exit().then(enter);
        mood = next;
      } else {
        changeMood(next, Date.now());
        hurry();
      }
    },
    subscribe(listener) {
      subscribers.add(listener);
      return () => subscribers.delete(listener);
    },
    getSnapshot: () => snapshot,
    serverNow: () => Date.now() + clock.offsetMs,
  };
}

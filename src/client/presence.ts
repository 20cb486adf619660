import { between } from './between.js';
import { createLiveSocket, type LiveSocket } from './live-socket.js';
import { createPace } from './pace.js';
import {
  apiOf,
  CHANNEL,
  heartbeat,
  isInterval,
  leave,
  originOf,
  readHistory,
  TIMEOUT_MS,
  waitOf,
} from './requests.js';
import { isRobot } from './robots.js';
import { observe, observeMessage, UNKNOWN } from './server-clock.js';
import { createSharedVisit } from './shared-visit.js';
import { createSnapshots } from './snapshots.js';
import { joinTabs, type Tabs } from './tabs.js';
import { createTimer } from './timer.js';
import type { Presence, PresenceOptions, PresenceSnapshot, PresenceState } from './types.js';
import type { Visit } from './visit.js';

export type * from './types.js';

/**
 * What this tab does while it is present. One timer runs in each phase.
 *
 * `waiting`: the leader waits for its next heartbeat. Every other tab waits for the next message of the leader.
 * `beating`: a heartbeat is under way.
 * `live`: the live socket is open, and replaces heartbeats.
 */
type Phase = 'waiting' | 'beating' | 'live';

/** What tabs send to each other. */
interface TabMessage {
  readonly visit: Visit;
  /** Only from the leader: at each change, and when its timer starts again. */
  readonly leader?: {
    /** Null before the first answer and after a failure. */
    readonly state: PresenceState | null;
    readonly isFailing: boolean;
    /** How far the server's clock is ahead of this device's, and the largest error (ms). */
    readonly aheadMs: number;
    readonly errorMs: number;
    readonly intervalMs: number;
    /** The rest of a `Retry-After` (ms). */
    readonly retryInMs: number;
    /** When the leader acts next (ms from now). */
    readonly dueMs: number;
  };
}

/** `visibilitychange` and `prerenderingchange` are events of the document. Never `unload`: https://web.dev/articles/bfcache */
const EVENTS = ['visibilitychange', 'prerenderingchange', 'pagehide', 'pageshow', 'online'];

/** A stored visit expires after so many intervals without use: with its session, if the TTL is at most 30 s. */
const TTL_INTERVALS = 3;
/**
 * The longest time by which a request overtakes an earlier one (ms). A second heartbeat waits for it, otherwise a late leave ends the
 * session. The leave of a replaced id waits for it, otherwise a late heartbeat restores that session.
 */
const OVERTAKEN_MS = 1_000;
/** The longest wait after a lost socket (ms). Otherwise all clients of a room act at the same moment. */
const LOST_SOCKET_MS = 1_000;
/** `stop` leaves after this time (ms). Otherwise a page that replaces one component by another one leaves and comes back. */
const STOP_MS = 200;

/** Counts this browser as present, and gets the presence state. Nothing happens before `start`, so a server may create it. */
export function createPresence(options: PresenceOptions = {}): Presence {
  const { whenHidden, signal, channel = '' } = options;
  const timer = createTimer(onTime);
  const pace = createPace(options.intervalMs);
  const visit = createSharedVisit(options, onVisitMerged);
  const snapshots = createSnapshots({
    status: 'idle',
    data: null,
    others: null,
    error: null,
    mood: visit.current().mood,
  });

  let isStarted = false;
  let starts = 0;
  /** Undefined: this tab is absent. */
  let tabs: Tabs<TabMessage> | undefined;
  let phase: Phase = 'waiting';
  let phaseEnd = new AbortController();

  /** The id that this tab sent last, as the leader. */
  let sentId = '';
  /** Ids that this tab has sent, and that an older visit has replaced. They leave when the service counts the older visit. */
  const replacedIds = new Set<string>();
  /**
   * Until then, by `performance.now()`, a leave of this session may arrive late. A heartbeat follows, also if a change of mood sent one
   * before. Infinity: until some time after the next answer.
   */
  let settledAt = 0;

  /** Undefined in Node, in React Native and in workers. A client without a page is visible. */
  let page: (Document & { readonly prerendering?: boolean }) | undefined;
  let origin: string;
  let api: string;
  let socket: LiveSocket | undefined;
  let clock = UNKNOWN;

  // Phases.

  /** The only change of a phase. It aborts the requests of the phase before. The returned signal aborts when the new phase ends. */
  function to(next: Phase, delayMs: number): AbortSignal {
    phaseEnd.abort();
    phaseEnd = new AbortController();
    phase = next;
    timer.set(delayMs);
    return phaseEnd.signal;
  }

  function onTime() {
    if (phase === 'beating') fail(new Error('timeout'));
    else if (phase === 'live') {
      stayLive();
      // Last, because it may lose the socket, which changes the phase.
      socket?.ping();
    } else hurry();
  }

  /** The leader waits for its next heartbeat. */
  function wait(delayMs: number) {
    to('waiting', delayMs);
    sendToTabs();
  }

  /** Waits for the message of the leader, which is due in `dueMs`. Then this tab takes the lead, because the leader may be frozen. */
  function waitForLeader(dueMs: number) {
    to('waiting', dueMs + 1.5 * pace.nextMs());
  }

  function stayLive() {
    to('live', pace.nextMs());
    sendToTabs();
  }

  /** Takes the lead if another tab has it. A waiting leader sends a heartbeat, after a running `Retry-After`. Otherwise it does nothing. */
  function hurry() {
    if (!tabs?.leads) {
      waitForLeader(0);
      tabs?.lead(true);
    } else if (phase === 'waiting') {
      const waitMs = pace.retryInMs();
      if (waitMs > 0) wait(waitMs);
      else void beat();
    }
  }

  async function beat() {
    const ended = to('beating', TIMEOUT_MS);
    sendToTabs();
    const { id, mood } = visit.current();
    if (mood) sentId = id;
    const sentAt = performance.now();
    const answer = await heartbeat(options.fetch ?? globalThis.fetch, api, id, mood, ended);
    if (ended.aborted) return;
    // A frozen page gets its answer when it resumes.
    if (performance.now() - sentAt > TIMEOUT_MS) return fail(new Error('timeout'));
    if ('error' in answer) return fail(answer.error, waitOf(answer.retryAfter, serverNow()));
    pace.succeed(answer.intervalMs);
    clock = observe(clock, answer.state.timestamp, sentAt, performance.now());
    showLive(answer.state);
    // The visit has changed since the heartbeat was sent.
    if (id !== visit.current().id || mood !== visit.current().mood) return beat();
    endReplaced();
    // Before `wait`, which may replace the id and closes the socket then. Otherwise the socket replaces the heartbeat with the new id.
    if (options.live ?? answer.hasLive) socket?.connect();
    settledAt = Math.min(settledAt, performance.now() + OVERTAKEN_MS);
    const unsettledMs = settledAt - performance.now();
    wait(unsettledMs > 0 ? unsettledMs : pace.nextMs());
  }

  function fail(error: Error, retryAfterMs = 0) {
    showNoAnswer(error);
    wait(pace.fail(retryAfterMs));
  }

  // The live socket. Only the leader has one.

  function onSocketOpen() {
    join();
    stayLive();
  }

  /** Sends the session to the room. A tab that only watches sends nothing. */
  function join() {
    const { id, mood } = visit.current();
    if (!mood) return;
    sentId = id;
    socket?.send({ sessionId: id, mood });
  }

  function onSocketState(state: PresenceState, receivedAt: number) {
    clock = observeMessage(clock, state.timestamp, receivedAt);
    showLive(state);
    sendToTabs();
  }

  function onSocketLost() {
    if (phase === 'live') wait(between(0, LOST_SOCKET_MS));
  }

  // The tabs.

  function sendToTabs() {
    shareVisit();
    const { status, data, error } = snapshots.current();
    tabs?.send({
      visit: visit.current(),
      leader: {
        state: status === 'live' ? data : null,
        isFailing: error !== null,
        aheadMs: serverNow() - Date.now(),
        errorMs: clock.errorMs,
        intervalMs: pace.intervalMs(),
        retryInMs: pace.retryInMs(),
        dueMs: timer.remainingMs(),
      },
    });
  }

  function onTabMessage({ visit: other, leader }: TabMessage) {
    const before = visit.current();
    visit.merge(other);
    const { id, mood, choice } = visit.current();
    if (!leader) {
      if (tabs?.leads && mood !== before.mood) hurry();
      return;
    }
    // The leader lacks an older visit or a later choice. Only a leader gets an answer, otherwise each answer gets answers.
    if (other.id !== id || other.choice !== choice || other.mood !== mood)
      tabs?.send({ visit: visit.current() });
    // A late message of the leader before; or there are no locks, and every tab leads.
    if (tabs?.leads) return;
    pace.follow(leader.intervalMs, leader.retryInMs);
    waitForLeader(leader.dueMs);
    if (leader.isFailing) showNoAnswer();
    if (!leader.state) return;
    // By `Date`, because a tab that was frozen gets old messages when it resumes.
    clock = { offsetMs: leader.aheadMs + Date.now() - performance.now(), errorMs: leader.errorMs };
    showLive(leader.state);
    endReplaced();
  }

  function onTabsChange(hasQuit: boolean) {
    if (tabs?.leads) {
      // The tab that quit may have sent a leave, which ends the session of all tabs.
      settledAt = Infinity;
      hurry();
    } else if (!hasQuit || timer.remainingMs() > 1.5 * pace.intervalMs()) {
      // Another tab has the lock, or gets it next. That tab may be frozen.
      socket?.close(true);
      waitForLeader(0);
    }
  }

  const shareVisit = () => visit.share(TTL_INTERVALS * pace.intervalMs());

  function onVisitMerged(before: Visit) {
    const { id, mood } = visit.current();
    if (sentId && sentId !== id) {
      replacedIds.add(sentId);
      sentId = '';
      socket?.close(true);
      // By the timer, because a heartbeat may be what stored the visit.
      if (tabs?.leads && phase !== 'beating') to('waiting', 0);
    }
    if (mood === before.mood) return;
    if (phase === 'live') join();
    show({});
  }

  /** The service counts the current visit, so the replaced sessions leave. Otherwise they count until they expire. */
  function endReplaced() {
    for (const id of replacedIds) setTimeout(leaveAs, OVERTAKEN_MS, id);
    replacedIds.clear();
  }

  // Enter and exit.

  function enter() {
    if (!isStarted || tabs || page?.prerendering || (page?.hidden && whenHidden === 'leave')) return;
    settledAt = visit.begin(origin) ? Infinity : 0;
    shareVisit();
    // Tabs that only watch form a group of their own.
    const group = visit.current().mood ? (options.sessionId ?? 'visit') : 'watch';
    tabs = joinTabs(`presence 2 ${origin} ${channel} ${group}`, hurry, onTabsChange, onTabMessage);
    showNoAnswer();
    waitForLeader(0);
    // The visible tab leads, because browsers slow down or freeze hidden ones.
    tabs.lead(!page?.hidden);
  }

  /** Ends the presence of this tab. The last tab leaves: by closing its open socket, otherwise by a request. */
  async function exit(pageGoes?: boolean) {
    const { id, mood } = visit.current();
    const isLast = tabs?.isLast();
    const answered = isLast && mood && phase !== 'live' ? leaveAs(id, pageGoes) : undefined;
    sentId = '';
    replacedIds.clear();
    tabs?.quit();
    tabs = undefined;
    socket?.close(!isLast);
    to('waiting', 0);
    timer.clear();
    await answered;
  }

  const leaveAs = (id: string, pageGoes?: boolean) =>
    leave(options.fetch ?? globalThis.fetch, api, id, pageGoes);

  function onEvent({ type }: Event) {
    if (type === 'pagehide' || (page?.hidden && whenHidden === 'leave')) {
      void exit(type === 'pagehide');
      showNoAnswer();
    } else if (!tabs) {
      // A page that goes fires `visibilitychange` after `pagehide`. It must not enter then.
      if (!page?.hidden || type === 'prerenderingchange') enter();
    } else if (type === 'visibilitychange' && page?.hidden) {
      // Once more, because a hidden page needs the timer of a worker.
      timer.set(timer.remainingMs());
    } else if (type === 'visibilitychange' || (type === 'online' && tabs.leads)) {
      // After sleep the socket may be dead.
      if (phase === 'live') socket?.ping();
      hurry();
    }
  }

  async function stop() {
    if (!isStarted) return;
    isStarted = false;
    const stopped = starts;
    await new Promise((resolve) => setTimeout(resolve, STOP_MS));
    await tabs?.census();
    if (starts !== stopped) return;
    for (const type of EVENTS) globalThis.removeEventListener?.(type, onEvent, true);
    signal?.removeEventListener('abort', stop);
    const answered = exit();
    show({ status: 'idle', error: null });
    await answered;
  }

  const mayCount = () => options.robots === 'count' || !isRobot();

  // The snapshot.

  const show = (change: Partial<PresenceSnapshot>) =>
    snapshots.change({ mood: visit.current().mood, ...change });

  function showLive(data: PresenceState) {
    const before = snapshots.current();
    // The leader repeats its last state in each message.
    if (before.status === 'live' && before.data?.timestamp === data.timestamp) return;
    const others = visit.current().mood ? Math.max(0, data.count - 1) : data.count;
    show({ status: 'live', data, others, error: null });
  }

  const showNoAnswer = (error: Error | null = null) =>
    show({ status: snapshots.current().data ? 'stale' : 'connecting', error });

  const serverNow = () => (clock === UNKNOWN ? Date.now() : performance.now() + clock.offsetMs);

  return {
    start() {
      if (isStarted || signal?.aborted) return;
      if (!isInterval(pace.intervalMs())) throw new RangeError('intervalMs must be from 500 to 200,000.');
      if (!CHANNEL.test(channel)) throw new RangeError(`channel must match ${CHANNEL}.`);
      page = globalThis.document;
      origin = originOf(options.url ?? '/', page?.baseURI);
      api = apiOf(origin, channel);
      isStarted = true;
      starts += 1;
      if (!mayCount()) visit.choose(null);
      socket ??= createLiveSocket(`${api}live`, onSocketOpen, onSocketState, onSocketLost);
      signal?.addEventListener('abort', stop);
      // Capturing, because the events of the document don't all bubble.
      for (const type of EVENTS) globalThis.addEventListener?.(type, onEvent, true);
      enter();
    },
    stop,
    setMood(mood) {
      if (!mayCount()) return;
      const before = visit.current().mood;
      if (tabs && !before !== !mood) void exit().then(enter);
      visit.choose(mood);
      if (mood !== before) show({});
      if (!tabs) return;
      shareVisit();
      if (mood === before) return;
      if (phase === 'live') {
        join();
        sendToTabs();
      } else hurry();
    },
    subscribe: snapshots.subscribe,
    getSnapshot: snapshots.current,
    serverNow,
    history: async () => (starts && !channel ? readHistory(options.fetch ?? globalThis.fetch, api) : null),
  };
}

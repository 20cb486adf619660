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
import type { TabMessage } from './tab-message.js';
import { joinTabs, type Tabs } from './tabs.js';
import { createTimer } from './timer.js';
import type { Presence, PresenceOptions, PresenceSnapshot, PresenceState } from './types.js';
import type { Visit } from './visit.js';

export type * from './types.js';

/**
 * What this tab does while it is present. One timer runs in each phase.
 *
 * `waiting`: the leader waits for its next heartbeat. Every other tab waits for the next message of the leader.
 * `sending`: a heartbeat is under way.
 * `connected`: the live socket is open, and replaces heartbeats.
 */
type Phase = 'waiting' | 'sending' | 'connected';

/** `visibilitychange` and `prerenderingchange` are events of the document. Never `unload`: https://web.dev/articles/bfcache */
const EVENTS = ['visibilitychange', 'prerenderingchange', 'pagehide', 'pageshow', 'online'];

/** A stored visit expires after this number of intervals without use. With a TTL of at most 30 s, its session expires with it. */
const TTL_INTERVALS = 3;
/**
 * The longest time by which a request overtakes an earlier one (ms). A second heartbeat waits this long, otherwise a late leave ends
 * the session. The leave of a replaced id waits this long, otherwise a late heartbeat restores that session.
 */
const OVERTAKEN_MS = 1_000;
/** The longest wait after a lost socket (ms). Otherwise all clients of a room send heartbeats at the same moment. */
const LOST_SOCKET_MS = 1_000;
/** `stop` leaves after this time (ms). Otherwise a page that replaces one component by another one leaves and starts a session again. */
const STOP_MS = 200;

/** Counts this browser as present, and returns the presence state in snapshots. Before `start` it does nothing, so a server may call it. */
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

  let starts = 0;
  /** Resolves at the end of the last `stop`. Undefined while the client is started. */
  let stopped: Promise<void> | undefined = Promise.resolve();
  /** Undefined while this tab is absent. */
  let tabs: Tabs<TabMessage> | undefined;
  let phase: Phase = 'waiting';
  let phaseEnd = new AbortController();

  /** The id that this tab sent last, as the leader. */
  let sentId = '';
  /** Ids that this tab has sent, and that an older visit has replaced. Their sessions leave when the service counts the older visit. */
  const replacedIds = new Set<string>();
  /**
   * When the heartbeat is repeated, by `performance.now()`. Otherwise a late leave of this session, which arrives after the first
   * heartbeat, ends it. Infinity: 1 s after the next answer. A time in the past: there is no repetition.
   */
  let repeatAt = 0;

  /** Undefined in Node, in React Native and in workers. A client without a page counts as visible. */
  let page: (Document & { readonly prerendering?: boolean }) | undefined;
  let origin: string;
  let api: string;
  let socket: LiveSocket | undefined;
  let clock = UNKNOWN;

  const currentFetch = () => options.fetch ?? globalThis.fetch;

  // Phases.

  /** Ends the phase, aborts its requests, and enters the next one. The returned signal aborts when the next phase ends. */
  function enterPhase(next: Phase, delayMs: number): AbortSignal {
    phaseEnd.abort();
    phaseEnd = new AbortController();
    phase = next;
    timer.set(delayMs);
    return phaseEnd.signal;
  }

  function onTime() {
    if (phase === 'sending') fail(new Error('timeout'));
    else if (phase === 'connected') {
      stayConnected();
      // The ping is last, because it may lose the socket, which changes the phase.
      socket?.ping();
    } else heartbeatNow();
  }

  /** The leader waits for its next heartbeat. */
  function waitForHeartbeat(delayMs: number) {
    enterPhase('waiting', delayMs);
    sendToTabs();
  }

  /** Waits for the message of the leader, which is due in `dueMs`. Without it this tab takes the lead, because the leader may be frozen. */
  function waitForLeader(dueMs: number) {
    enterPhase('waiting', dueMs + 1.5 * pace.nextMs());
  }

  function stayConnected() {
    enterPhase('connected', pace.nextMs());
    sendToTabs();
  }

  /** A tab that does not lead takes the lead, which calls this again. A waiting leader sends a heartbeat, after a running `Retry-After`. */
  function heartbeatNow() {
    if (!tabs?.leads) {
      waitForLeader(0);
      tabs?.lead(true);
    } else if (phase === 'waiting') {
      const waitMs = pace.retryInMs();
      if (waitMs > 0) waitForHeartbeat(waitMs);
      else void sendHeartbeat();
    }
  }

  async function sendHeartbeat() {
    const ended = enterPhase('sending', TIMEOUT_MS);
    sendToTabs();
    const { id, mood } = visit.current();
    if (mood) sentId = id;
    const sentAt = performance.now();
    const answer = await heartbeat(currentFetch(), api, id, mood, ended);
    if (ended.aborted) return;
    // A frozen page gets an old answer when it resumes.
    if (performance.now() - sentAt > TIMEOUT_MS) return fail(new Error('timeout'));
    if ('error' in answer) return fail(answer.error, waitOf(answer.retryAfter, serverNow()));
    pace.succeed(answer.intervalMs);
    clock = observe(clock, answer.state.timestamp, sentAt, performance.now());
    showLive(answer.state);
    // The visit has changed since the heartbeat. Otherwise the service counts the old one until the next heartbeat.
    if (id !== visit.current().id || mood !== visit.current().mood) return sendHeartbeat();
    endReplacedSessions();
    // Before `waitForHeartbeat`, which closes the socket if it replaces the id. Otherwise the socket replaces the heartbeat with the new id.
    if (options.live ?? answer.hasLive) socket?.connect();
    repeatAt = Math.min(repeatAt, performance.now() + OVERTAKEN_MS);
    const repeatInMs = repeatAt - performance.now();
    waitForHeartbeat(repeatInMs > 0 ? repeatInMs : pace.nextMs());
  }

  function fail(error: Error, retryAfterMs = 0) {
    showNoAnswer(error);
    waitForHeartbeat(pace.fail(retryAfterMs));
  }

  // The live socket. Only the leader has one.

  function onSocketOpen() {
    joinRoom();
    stayConnected();
  }

  /** Sends the session to the room. A tab that only watches sends nothing. */
  function joinRoom() {
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
    if (phase === 'connected') waitForHeartbeat(between(0, LOST_SOCKET_MS));
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
      if (tabs?.leads && mood !== before.mood) heartbeatNow();
      return;
    }
    // The leader lacks an older visit or a later choice. Only a leader gets an answer, otherwise each answer gets answers.
    if (other.id !== id || other.choice !== choice || other.mood !== mood)
      tabs?.send({ visit: visit.current() });
    // The message is a late one of the earlier leader, or there are no locks and every tab leads.
    if (tabs?.leads) return;
    pace.follow(leader.intervalMs, leader.retryInMs);
    waitForLeader(leader.dueMs);
    if (leader.isFailing) showNoAnswer();
    if (!leader.state) return;
    // By `Date`, because a frozen tab gets old messages when it resumes.
    clock = { offsetMs: leader.aheadMs + Date.now() - performance.now(), errorMs: leader.errorMs };
    showLive(leader.state);
    endReplacedSessions();
  }

  function onTabsChange(hasQuit: boolean) {
    if (tabs?.leads) {
      // The tab that quit may have sent a leave, which ends the session of all tabs.
      repeatAt = Infinity;
      heartbeatNow();
    } else if (!hasQuit || timer.remainingMs() > 1.5 * pace.intervalMs()) {
      // Another tab has the lock, or gets it next. That tab may be frozen. A wait of at most 1.5 intervals goes on, otherwise each tab that
      // quits extends it.
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
      // By the timer, because the end of a heartbeat may have stored the visit.
      if (tabs?.leads && phase !== 'sending') enterPhase('waiting', 0);
    }
    if (mood === before.mood) return;
    if (phase === 'connected') joinRoom();
    show({});
  }

  /** The service counts the current visit, so the replaced sessions leave. Otherwise they count until they expire. */
  function endReplacedSessions() {
    for (const id of replacedIds) setTimeout(leaveAs, OVERTAKEN_MS, id);
    replacedIds.clear();
  }

  // Present and absent.

  function becomePresent() {
    if (stopped || tabs || page?.prerendering || (page?.hidden && whenHidden === 'leave')) return;
    repeatAt = visit.begin(origin) ? Infinity : 0;
    shareVisit();
    // Tabs that only watch form a group of their own.
    const group = visit.current().mood ? (options.sessionId ?? 'visit') : 'watch';
    tabs = joinTabs(`presence 2 ${origin} ${channel} ${group}`, heartbeatNow, onTabsChange, onTabMessage);
    showNoAnswer();
    waitForLeader(0);
    // The visible tab leads, because browsers slow down or freeze hidden ones.
    tabs.lead(!page?.hidden);
  }

  /**
   * Ends the presence of this tab at once. The last tab also ends the session: it closes its open socket, or sends a leave. The returned
   * promise resolves after the answer to the leave.
   */
  function becomeAbsent(isPageClosing?: boolean) {
    const { id, mood } = visit.current();
    const isLast = tabs?.isLast();
    const answered = isLast && mood && phase !== 'connected' ? leaveAs(id, isPageClosing) : undefined;
    sentId = '';
    replacedIds.clear();
    tabs?.quit();
    tabs = undefined;
    socket?.close(!isLast);
    enterPhase('waiting', 0);
    timer.clear();
    return answered;
  }

  const leaveAs = (id: string, isPageClosing?: boolean) => leave(currentFetch(), api, id, isPageClosing);

  function onEvent({ type }: Event) {
    if (type === 'pagehide' || (page?.hidden && whenHidden === 'leave')) {
      void becomeAbsent(type === 'pagehide');
      showNoAnswer();
    } else if (!tabs) {
      // A page that closes fires `visibilitychange` after `pagehide`. It must not become present again.
      if (!page?.hidden || type === 'prerenderingchange') becomePresent();
    } else if (type === 'visibilitychange' && page?.hidden) {
      // The timer starts again, because a hidden page needs the timer of a worker.
      timer.set(timer.remainingMs());
    } else if (type === 'visibilitychange' || (type === 'online' && tabs.leads)) {
      // After sleep the socket may be dead.
      if (phase === 'connected') socket?.ping();
      heartbeatNow();
    }
  }

  const stop = () => (stopped ??= leaveUnlessStarted());

  async function leaveUnlessStarted() {
    const start = starts;
    await new Promise((resolve) => setTimeout(resolve, STOP_MS));
    await tabs?.census();
    if (starts !== start) return;
    for (const type of EVENTS) globalThis.removeEventListener?.(type, onEvent, true);
    signal?.removeEventListener('abort', stop);
    const answered = becomeAbsent();
    show({ status: 'idle', error: null });
    await answered;
  }

  const mayCount = () => options.robots === 'count' || !isRobot();

  // The snapshot.

  const show = (change: Partial<PresenceSnapshot>) =>
    snapshots.change({ mood: visit.current().mood, ...change });

  function showLive(data: PresenceState) {
    const before = snapshots.current();
    // The leader repeats its last state in each message. Otherwise each message calls the listeners.
    if (before.status === 'live' && before.data?.timestamp === data.timestamp) return;
    const others = visit.current().mood ? Math.max(0, data.count - 1) : data.count;
    show({ status: 'live', data, others, error: null });
  }

  const showNoAnswer = (error: Error | null = null) =>
    show({ status: snapshots.current().data ? 'stale' : 'connecting', error });

  const serverNow = () => (clock === UNKNOWN ? Date.now() : performance.now() + clock.offsetMs);

  return {
    start() {
      if (!stopped || signal?.aborted) return;
      if (!isInterval(pace.intervalMs())) throw new RangeError('intervalMs must be from 500 to 200,000.');
      if (!CHANNEL.test(channel)) throw new RangeError(`channel must match ${CHANNEL}.`);
      page = globalThis.document;
      origin = originOf(options.url ?? '/', page?.baseURI);
      api = apiOf(origin, channel);
      stopped = undefined;
      starts += 1;
      if (!mayCount()) visit.choose(null);
      socket ??= createLiveSocket(`${api}live`, onSocketOpen, onSocketState, onSocketLost);
      signal?.addEventListener('abort', stop);
      // Capturing, because not all events of the document bubble.
      for (const type of EVENTS) globalThis.addEventListener?.(type, onEvent, true);
      becomePresent();
    },
    stop,
    setMood(mood) {
      const before = visit.current().mood;
      if (!mayCount() || (mood === undefined && before)) return;
      if (tabs && !before !== (mood === null)) {
        void becomeAbsent();
        visit.choose(mood);
        becomePresent();
        // The leave may arrive late.
        repeatAt = Infinity;
        return show({});
      }
      visit.choose(mood);
      if (mood !== before) show({});
      if (!tabs) return;
      shareVisit();
      if (mood === before) return;
      if (phase === 'connected') {
        joinRoom();
        sendToTabs();
      } else heartbeatNow();
    },
    subscribe: snapshots.subscribe,
    getSnapshot: snapshots.current,
    serverNow,
    history: async () => (socket && !channel ? readHistory(currentFetch(), api) : null),
  };
}

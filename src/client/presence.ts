import { between } from './between.js';
import { createLiveSocket, type LiveSocket } from './live-socket.js';
import { createPace } from './pace.js';
import { endpoint, heartbeat, isInterval, leave, TIMEOUT_MS, waitOf } from './requests.js';
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
 * What this tab does while it is present. One timer ends each phase.
 *
 * `waiting`: the leader waits for its next heartbeat. Every other tab waits for the news of the leader.
 * `beating`: a heartbeat is under way.
 * `live`: the live socket is open, and replaces heartbeats.
 */
type Phase = 'waiting' | 'beating' | 'live';

/** What tabs send to each other. */
interface News {
  readonly visit: Visit;
  /** From the leader, at each change and at least once an interval. */
  readonly leader?: {
    /** Null while it has no new one. */
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

/** A session expires after so many intervals without a heartbeat. */
const TTL_INTERVALS = 3;
/**
 * A request can arrive so much later than the one that follows it (ms). So a tab that returns sends a second heartbeat, because the
 * leave of the page before may arrive after the first one. And the leave of a replaced id waits for requests with that id.
 */
const OVERTAKEN_MS = 1_000;
/** `stop` leaves after this time (ms). Otherwise a page that replaces one component by another one leaves and comes back. */
const STOP_MS = 200;

/** Counts this browser as present, and gets the presence state. Nothing happens before `start`, so a server may create it. */
export function createPresence(options: PresenceOptions = {}): Presence {
  const { whenHidden, signal } = options;
  const timer = createTimer(onTime);
  const pace = createPace(options.intervalMs);
  const visit = createSharedVisit(options, onVisitJoined);
  const snapshots = createSnapshots({
    status: 'idle',
    data: null,
    error: null,
    mood: visit.current().mood,
  });

  let isStarted = false;
  let starts = 0;
  /** Undefined: this tab is absent. */
  let tabs: Tabs<News> | undefined;
  let phase: Phase = 'waiting';
  let phaseEnd = new AbortController();

  /** The id that this tab sent last, as the leader. */
  let sentId = '';
  /** An id that this tab has sent, and that an older visit has replaced. It leaves when the older one counts. */
  let replacedId = '';
  /** A leave of another page or tab may be under way. */
  let isReturning = false;

  let base: URL;
  let socket: LiveSocket | undefined;
  let clock = UNKNOWN;

  // Phases.

  /** The only change of a phase. It aborts what the phase before has under way. Returns a signal for the end of the new phase. */
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
    sendNews();
  }

  /** Waits for the news of the leader, which acts in `dueMs`. A leader without news may be frozen, so this tab then takes the lead. */
  function listen(dueMs: number) {
    to('waiting', dueMs + 1.5 * pace.nextMs());
  }

  function stayLive() {
    to('live', pace.nextMs());
    sendNews();
  }

  /** Sends a heartbeat as soon as this tab leads and the service allows one. The answer of one under way is enough. */
  function hurry() {
    if (!tabs?.leads) {
      listen(0);
      tabs?.lead(true);
    } else if (phase === 'waiting') {
      const waitMs = pace.retryInMs();
      if (waitMs > 0) wait(waitMs);
      else void beat();
    }
  }

  async function beat() {
    const ended = to('beating', TIMEOUT_MS);
    sendNews();
    const { id, mood } = visit.current();
    if (mood) sentId = id;
    const sentAt = performance.now();
    const answer = await heartbeat(options.fetch ?? globalThis.fetch, base, id, mood, ended);
    if (ended.aborted) return;
    // A frozen page gets its answer when it resumes.
    if (performance.now() - sentAt > TIMEOUT_MS) return fail(new Error('timeout'));
    if ('error' in answer) return fail(answer.error, waitOf(answer.retryAfter, serverNow()));
    pace.succeed(answer.intervalMs);
    clock = observe(clock, answer.state.timestamp, sentAt, performance.now());
    showLive(answer.state);
    endReplaced();
    if (id !== visit.current().id || mood !== visit.current().mood) return beat();
    wait(isReturning ? OVERTAKEN_MS : pace.nextMs());
    isReturning = false;
    if (options.live ?? answer.hasLive) socket?.connect();
  }

  function fail(error: Error, retryAfterMs = 0) {
    const waitMs = pace.fail(retryAfterMs);
    showNoAnswer(error);
    wait(waitMs);
  }

  // The live socket. Only the leader has one.

  function onSocketOpen() {
    join();
    stayLive();
  }

  /** A socket without a mood watches. */
  function join() {
    const { id, mood } = visit.current();
    if (!mood) return;
    sentId = id;
    socket?.send({ sessionId: id, mood });
  }

  function onSocketState(state: PresenceState, receivedAt: number) {
    clock = observeMessage(clock, state.timestamp, receivedAt);
    showLive(state);
    sendNews();
  }

  function onSocketLost() {
    if (phase === 'live') wait(between(0, OVERTAKEN_MS));
  }

  // The tabs.

  function sendNews() {
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

  function onNews(news: News) {
    const { visit: other, leader } = news;
    const before = visit.current();
    visit.join(other);
    const { id, mood, choice } = visit.current();
    if (!leader) {
      if (tabs?.leads && mood !== before.mood) hurry();
      return;
    }
    // The leader does not know of an older visit, or of a later choice. Only the leader gets an answer, otherwise answers get answers.
    if (other.id !== id || other.choice !== choice || other.mood !== mood)
      tabs?.send({ visit: visit.current() });
    // Old news, from before this tab took the lead; or there are no locks, and several tabs lead.
    if (tabs?.leads) return;
    pace.follow(leader.intervalMs, leader.retryInMs);
    listen(leader.dueMs);
    if (leader.isFailing) showNoAnswer();
    if (!leader.state) return;
    // By `Date`, because a tab that was frozen gets old news when it resumes.
    clock = { offsetMs: leader.aheadMs + Date.now() - performance.now(), errorMs: leader.errorMs };
    showLive(leader.state);
    endReplaced();
  }

  function onTabsChange(hasQuit: boolean) {
    if (tabs?.leads) {
      // The tab that quit may have left for all.
      isReturning = true;
      hurry();
    } else if (!hasQuit || timer.remainingMs() > 1.5 * pace.intervalMs()) {
      // Another tab leads now, if it is not frozen.
      socket?.close(true);
      listen(0);
    }
  }

  const shareVisit = () => visit.share(TTL_INTERVALS * pace.intervalMs());

  function onVisitJoined(before: Visit) {
    const { id, mood } = visit.current();
    if (sentId && sentId !== id) {
      replacedId = sentId;
      sentId = '';
      socket?.close(true);
      if (tabs?.leads && phase !== 'beating') to('waiting', 0);
    }
    if (mood === before.mood) return;
    if (phase === 'live') join();
    show({});
  }

  /** The visit that stays counts now, so the other one ends. Otherwise it counts until it expires. */
  function endReplaced() {
    if (replacedId) setTimeout(leaveAs, OVERTAKEN_MS, replacedId);
    replacedId = '';
  }

  // Coming and going.

  function enter() {
    if (
      !isStarted ||
      tabs ||
      ('prerendering' in document && document.prerendering) ||
      (document.hidden && whenHidden === 'leave')
    )
      return;
    phase = 'waiting';
    isReturning = visit.begin(base.origin);
    shareVisit();
    // A tab that only watches is not in the group of those that are present.
    const group = visit.current().mood ? (options.sessionId ?? 'visit') : 'watch';
    tabs = joinTabs(`presence 2 ${base.origin} ${group}`, hurry, onTabsChange, onNews);
    showNoAnswer();
    listen(0);
    // The visible tab leads, because browsers slow down or freeze hidden ones.
    tabs.lead(!document.hidden);
  }

  /** Becomes absent. The last tab leaves; its open socket leaves by closing. */
  async function exit(pageGoes = false) {
    const { id, mood } = visit.current();
    const isLast = tabs?.isLast();
    const answered = isLast && mood && phase !== 'live' ? leaveAs(id, pageGoes) : undefined;
    sentId = replacedId = '';
    tabs?.quit();
    tabs = undefined;
    socket?.close(!isLast);
    phaseEnd.abort();
    timer.clear();
    await answered;
  }

  const leaveAs = (id: string, pageGoes = false) =>
    leave(options.fetch ?? globalThis.fetch, base, id, pageGoes);

  function onEvent({ type }: Event) {
    if (type === 'pagehide' || (document.hidden && whenHidden === 'leave')) {
      void exit(type === 'pagehide');
      showNoAnswer();
    } else if (!tabs) {
      // `visibilitychange` to hidden is the last event of a page that goes.
      if (!document.hidden || type === 'prerenderingchange') enter();
    } else if (type === 'visibilitychange' && document.hidden) timer.set(timer.remainingMs());
    else if (type === 'visibilitychange' || (type === 'online' && tabs.leads)) {
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
    for (const type of EVENTS) removeEventListener(type, onEvent, true);
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
    // The leader sends a state again when it acts.
    if (before.status === 'live' && before.data?.timestamp === data.timestamp) return;
    show({ status: 'live', data, error: null });
  }

  const showNoAnswer = (error: Error | null = null) =>
    show({ status: snapshots.current().data ? 'stale' : 'connecting', error });

  const serverNow = () => (clock === UNKNOWN ? Date.now() : performance.now() + clock.offsetMs);

  return {
    start() {
      if (isStarted || signal?.aborted) return;
      if (!isInterval(pace.intervalMs())) throw new RangeError('intervalMs must be from 500 to 200,000.');
      base = new URL(options.url ?? '/', document.baseURI);
      isStarted = true;
      starts += 1;
      if (!mayCount()) visit.choose(null);
      socket ??= createLiveSocket(endpoint(base, 'live'), onSocketOpen, onSocketState, onSocketLost);
      signal?.addEventListener('abort', stop);
      // Capturing, because the events of the document don't all bubble.
      for (const type of EVENTS) addEventListener(type, onEvent, true);
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
        sendNews();
      } else hurry();
    },
    subscribe: snapshots.subscribe,
    getSnapshot: snapshots.current,
    serverNow,
  };
}

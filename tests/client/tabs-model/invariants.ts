import type { PresenceState } from '../../../src/client/presence';
import { DEFAULT_MOOD } from '../../../src/moods';
import * as bounds from './bounds';
import type { FakeBrowser } from './fake-browser';
import type { ModelChannel } from './model-channel';
import { inChannel } from './network';

/** What holds in each channel of every world, within `bounds.ts`. The service has no client outside of this browser. */
export const INVARIANTS = [
  'the service counts a browser with a present tab',
  'the service counts a browser once',
  'the service does not count a browser without a present tab',
  'the session has the mood of the last choice',
  'a tab shows the others that belong to its data',
  'a browser sends at most 9 requests a minute, and 3 for each action',
] as const;
export type Invariant = (typeof INVARIANTS)[number];

export interface Violation {
  readonly invariant: Invariant;
  readonly at: number;
  readonly text: string;
}

/** Watches one channel of a browser and of its service, and keeps the first violation of each invariant. */
export class Invariants {
  readonly violations: Violation[] = [];
  /** The times of the actions. */
  readonly actionsAt: number[] = [];
  readonly channel: ModelChannel;
  readonly #browser: FakeBrowser;
  readonly #stretches = new Map<Invariant, { readonly since: number; maxMs: number }>();
  #troubledSince: number | undefined;
  #recoveredAt = 0;
  #lastTrouble: 'offline' | 'hanging' = 'offline';
  #absentSince: number | undefined = 0;
  #lateSince: number | undefined = 0;
  #hasGap = true;
  #lastCount = 0;
  /** The right `others` of each shown state. It follows from the mood of the tab when it first showed the state. */
  readonly #othersWith = new WeakMap<PresenceState, number>();

  constructor(browser: FakeBrowser, channel: ModelChannel) {
    this.#browser = browser;
    this.channel = channel;
  }

  /** Runs before and after each event of the clock. */
  check(): void {
    const { service } = this.channel;
    const { now } = this.#browser.clock;
    if (service.count !== this.#lastCount)
      this.#browser.note(`count ${service.count}${inChannel(this.channel)}`);
    this.#lastCount = service.count;
    this.#followNetwork(now);
    const isPresentOnTime = this.channel.clients.some((client) => this.#browser.isPresentOnTime(client));
    this.#followPresence(now);
    const isUp = this.#troubledSince === undefined && now >= this.#recoveredAt;
    // It is possible that no tab holds the session: a leave is pending, and the leader is frozen.
    const isLeaderless = this.#hasLateLeader() && this.#isLeaveLost(now);
    const mustCount = isUp && isPresentOnTime && !isLeaderless;
    this.#observe(
      'the service counts a browser with a present tab',
      mustCount && service.count === 0,
      this.#uncountedMaxMs(),
    );
    const isTwice = isUp && service.count > 1 && !this.#isLeaveLost(now);
    this.#observe('the service counts a browser once', isTwice, this.#twiceMaxMs);
    this.#observe(
      'the session has the mood of the last choice',
      mustCount && this.#hasWrongMood(),
      this.#moodMaxMs(),
    );
    this.#checkAbsence(now);
    this.#checkOthers();
    this.#checkRequests(now);
  }

  /** Whether a session may stay until it expires: its leave was lost, or its tab ended before other tabs had its id. */
  #isLeaveLost(now: number): boolean {
    const { leaveLostAt, ends, openedAt, lastResumeAt } = this.channel;
    const since = now - bounds.EXPIRE_MAX_MS;
    if (leaveLostAt > since) return true;
    return ends.some(({ at, isClean, tab }) => {
      if (at <= since) return false;
      if (isClean) return tab.openedAt > at - this.#togetherMs;
      // A resumed tab may have an older visit, which replaces the id of the other tabs.
      if (lastResumeAt > at - this.#togetherMs) return true;
      return openedAt.some((time) => Math.abs(time - at) < this.#togetherMs);
    });
  }

  get #twiceMaxMs(): number {
    return this.#browser.setup.hasChannels ? bounds.CHANNELS_TWICE_MAX_MS : bounds.TWICE_MAX_MS;
  }

  get #togetherMs(): number {
    return this.#browser.setup.hasChannels ? bounds.CHANNELS_TOGETHER_MS : bounds.TOGETHER_MS;
  }

  #uncountedMaxMs(): number {
    const { setup, clock } = this.#browser;
    const isVisible = this.#isVisible();
    // A crash ends the session of a live socket at once. The next leader may be frozen.
    if (this.#hasLateLeader() && (setup.isLive || !isVisible)) return bounds.TAKEOVER_MAX_MS;
    if (clock.now - this.channel.lastResumeAt < bounds.RESUMED_MS)
      return bounds.RESUMED_UNCOUNTED_MAX_MS + (isVisible ? 0 : bounds.RESUMED_HIDDEN_MS);
    return bounds.UNCOUNTED_MAX_MS + (setup.hasWorkers || isVisible ? 0 : bounds.HIDDEN_TIMER_MS);
  }

  #followNetwork(now: number): void {
    const { network, setup } = this.#browser;
    if (network.trouble !== 'none') {
      this.#troubledSince ??= now;
      this.#lastTrouble = network.trouble;
    } else if (this.#troubledSince !== undefined) {
      const lengthMs = now - this.#troubledSince;
      const waitMs = bounds.recoveryMs(this.#lastTrouble, lengthMs, setup.isLive);
      this.#recoveredAt = Math.max(this.#recoveredAt, now + waitMs);
      this.#troubledSince = undefined;
    }
  }

  #followPresence(now: number): void {
    const { choices } = this.channel;
    if (this.channel.clients.some((client) => this.#browser.isPresent(client))) this.#absentSince = undefined;
    else this.#absentSince ??= now;
    if (this.channel.clients.some((client) => this.#browser.isPresentOnTime(client)))
      this.#lateSince = undefined;
    else this.#lateSince ??= now;
    if (now - (this.#lateSince ?? now) > bounds.VISIT_KEPT_MS) this.#hasGap = true;
    if (choices.at(-1)?.at !== now) return;
    this.#hasGap = false;
    this.#stretches.delete('the session has the mood of the last choice');
  }

  /** Always false after a gap: the next visit may have the default mood, or the mood of a frozen tab. */
  #hasWrongMood(): boolean {
    const { service, choices, ends } = this.channel;
    const last = choices.at(-1);
    if (last === undefined || service.count !== 1 || this.#hasGap) return false;
    const allowed = new Set<string>();
    for (const { at, mood } of choices) if (at === last.at) allowed.add(mood);
    const settledAt = Math.max(last.at, this.#recoveredAt) + bounds.MOOD_MAX_MS;
    // A tab that ends shortly after the choice may not have sent the mood.
    const isCutShort = ends.some(({ tab, at }) => tab === last.tab && at >= last.at && at <= settledAt);
    if (isCutShort) for (const { mood } of choices) allowed.add(mood).add(DEFAULT_MOOD);
    return [...service.sessions.values()].some(({ mood }) => !allowed.has(mood));
  }

  #moodMaxMs(): number {
    const isLate = this.#hasLateLeader();
    if (!this.#isOvertaken())
      return isLate && !this.#isVisible() ? bounds.TAKEOVER_MAX_MS : bounds.MOOD_MAX_MS;
    return isLate ? bounds.TAKEOVER_MAX_MS : bounds.OVERTAKEN_MOOD_MAX_MS;
  }

  #isVisible(): boolean {
    return this.channel.clients.some((client) => this.#browser.isPresent(client) && !client.tab.isHidden);
  }

  /** Whether the leader may be a slow tab, which sends its next heartbeat late, or a frozen tab. */
  #hasLateLeader(): boolean {
    return this.channel.clients.some(
      (client) => this.#browser.isSlow(client) || (client.tab.isFrozen && !client.tab.isCached),
    );
  }

  /** Whether an aborted heartbeat arrived last. The client gets no answer to it. */
  #isOvertaken(): boolean {
    return [...this.channel.service.sessions.values()].some((session) => session.isOvertaken);
  }

  #checkAbsence(now: number): void {
    const { service, lastResumeAt } = this.channel;
    if (this.#absentSince === undefined || service.count === 0) return;
    const mustLeave = this.#isCleanEnd() && !this.#isOvertaken() && !this.#isLeaveLost(now);
    const maxMs = mustLeave ? bounds.LEAVE_MAX_MS : bounds.EXPIRE_MAX_MS;
    // A page that freezes during `stop` leaves when it resumes.
    const overMs = now - Math.max(this.#absentSince, lastResumeAt);
    if (overMs > maxMs)
      this.#report(
        'the service does not count a browser without a present tab',
        `count ${service.count} for ${Math.round(overMs)} ms after the end`,
      );
  }

  /** Whether the last page could send a leave, and its census was not older than the end of other tabs. */
  #isCleanEnd(): boolean {
    const { setup } = this.#browser;
    const { ends } = this.channel;
    const last = ends.findLast(({ wasPresent }) => wasPresent);
    if (!last?.isClean || this.#troubledSince !== undefined || this.#recoveredAt > last.at) return false;
    // The service keeps a dead socket until its session expires.
    if (setup.isLive && this.#recoveredAt > 0) return false;
    if (this.channel.clients.some(({ tab }) => tab.isFrozen && !tab.isCached)) return false;
    return ends.every((end) => {
      const togetherMs = end.isClean ? bounds.TOGETHER_MS : bounds.CENSUS_MS;
      return end === last || end.at < last.at - togetherMs;
    });
  }

  #checkOthers(): void {
    for (const { tab, presence } of this.channel.clients) {
      const { data, others, mood } = presence.getSnapshot();
      if (data && !this.#othersWith.has(data))
        this.#othersWith.set(data, mood ? Math.max(0, data.count - 1) : data.count);
      if (others !== ((data && this.#othersWith.get(data)) ?? null))
        this.#report(
          'a tab shows the others that belong to its data',
          `${tab.name} shows ${others} others with a count of ${data?.count}`,
        );
    }
  }

  #checkRequests(now: number): void {
    const { sentAt, openedAt } = this.channel;
    const requests = countSince(sentAt, now - bounds.REQUESTS_WINDOW_MS);
    const since = now - bounds.ACTIONS_WINDOW_MS;
    const max = bounds.requestsMax(countSince(this.actionsAt, since) + countSince(openedAt, since));
    if (requests > max)
      this.#report(
        'a browser sends at most 9 requests a minute, and 3 for each action',
        `${requests} requests in a minute`,
      );
  }

  /** Reports an invariant that is wrong for longer than the longest bound of that time. */
  #observe(invariant: Invariant, isWrong: boolean, maxMs: number): void {
    const { now } = this.#browser.clock;
    const stretch = this.#stretches.get(invariant);
    if (stretch !== undefined && now - stretch.since > stretch.maxMs)
      this.#report(invariant, `wrong for ${Math.round(now - stretch.since)} ms`);
    if (!isWrong) this.#stretches.delete(invariant);
    else if (stretch === undefined) this.#stretches.set(invariant, { since: now, maxMs });
    else stretch.maxMs = Math.max(stretch.maxMs, maxMs);
  }

  #report(invariant: Invariant, text: string): void {
    if (this.violations.some((violation) => violation.invariant === invariant)) return;
    this.#browser.note(`VIOLATION: ${invariant}: ${text}${inChannel(this.channel)}`);
    this.violations.push({ invariant, at: this.#browser.clock.now, text });
  }
}

function countSince(times: readonly number[], start: number): number {
  let count = 0;
  for (let index = times.length - 1; index >= 0 && (times[index] ?? 0) >= start; index -= 1) count += 1;
  return count;
}

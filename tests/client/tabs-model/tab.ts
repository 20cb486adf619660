import { FakeTimers } from './fake-timers';
import type { VirtualClock } from './virtual-clock';

/**
 * Browsers align the timers of a hidden page to seconds, and after five minutes to minutes. Chromium aligns to minutes only chains of
 * timers: https://developer.chrome.com/blog/timer-throttling-in-chrome-88. The model aligns all timers, as other browsers do.
 */
const HIDDEN_STEP_MS = 1_000;
const LONG_HIDDEN_STEP_MS = 60_000;
const LONG_HIDDEN_MS = 300_000;

export type TabState = 'visible' | 'hidden' | 'prerendering';

/** One tab: whether it is hidden, frozen or closed, and when its tasks run. */
export class Tab {
  readonly name: string;
  readonly clock: VirtualClock;
  readonly openedAt: number;
  /** `window` and `document`. Listeners of both get each event. */
  readonly events = new EventTarget();
  readonly timers: FakeTimers;
  readonly workerTimers: FakeTimers[] = [];
  isPrerendering: boolean;
  isFrozen = false;
  /** Whether the browser keeps the page in memory after a navigation: https://web.dev/articles/bfcache */
  isCached = false;
  isClosed = false;
  #hiddenSince: number | undefined;
  #waiting: (() => void)[] = [];

  constructor(clock: VirtualClock, name: string, state: TabState) {
    this.clock = clock;
    this.name = name;
    this.openedAt = clock.now;
    this.isPrerendering = state === 'prerendering';
    this.#hiddenSince = state === 'visible' ? undefined : clock.now;
    this.timers = new FakeTimers(clock, (dueAt) => this.#align(dueAt));
  }

  get isHidden(): boolean {
    return this.#hiddenSince !== undefined;
  }

  /** Whether the timers of the page run once a minute now or within 10 s. */
  get isSlow(): boolean {
    return this.clock.now - (this.#hiddenSince ?? this.clock.now) > LONG_HIDDEN_MS - 10_000;
  }

  get isRunning(): boolean {
    return !this.isClosed && !this.isFrozen;
  }

  /** Runs a task. A frozen tab runs it when it resumes, and a closed tab never runs it. */
  task(run: () => void): void {
    if (this.isClosed) return;
    if (this.isFrozen) this.#waiting.push(run);
    else run();
  }

  /** Schedules an event as a task of its own, without a delay. */
  fire(type: string, properties: object = {}): void {
    this.clock.schedule(0, () =>
      this.task(() => this.events.dispatchEvent(Object.assign(new Event(type), properties))),
    );
  }

  setHidden(isHidden: boolean): void {
    if (isHidden === this.isHidden) return;
    this.#hiddenSince = isHidden ? this.clock.now : undefined;
    if (!this.isFrozen) this.timers.resume();
    this.fire('visibilitychange');
  }

  activate(): void {
    this.isPrerendering = false;
    this.fire('prerenderingchange');
    this.setHidden(false);
  }

  freeze(): void {
    this.isFrozen = true;
    for (const timers of [this.timers, ...this.workerTimers]) timers.pause();
  }

  resume(): void {
    this.isFrozen = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const run of waiting) this.clock.schedule(0, () => this.task(run));
    for (const timers of [this.timers, ...this.workerTimers]) timers.resume();
  }

  close(): void {
    this.isClosed = true;
    for (const timers of [this.timers, ...this.workerTimers]) timers.pause();
  }

  #align(dueAt: number): number {
    if (this.#hiddenSince === undefined) return dueAt;
    const hiddenMs = dueAt - this.#hiddenSince;
    if (hiddenMs <= 0) return dueAt;
    const stepMs = hiddenMs < LONG_HIDDEN_MS ? HIDDEN_STEP_MS : LONG_HIDDEN_STEP_MS;
    return this.#hiddenSince + Math.ceil(hiddenMs / stepMs) * stepMs;
  }
}

/** The clock of a test Worker. It stands still until a test moves it. */

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/** The work that a timer starts takes fewer microtasks. */
const MICROTASKS = 10;

let now = 0;
let timers: Timer[] = [];

// The room takes its time from `Date.now` and `setTimeout`.
Date.now = () => now;
globalThis.setTimeout = ((run: () => void, ms: number) =>
  timers.push({ at: now + ms, run })) as unknown as typeof setTimeout;

/** The runtime of the replicas. No sleep ends, otherwise a deferred task syncs at a random moment. */
export const RUNTIME = { now: () => now, random: () => 0.5, sleep: () => new Promise<void>(() => undefined) };

/** Sets the clock, and runs no timer. */
export function setClock(nowMs: number): void {
  now = nowMs;
}

/** Runs the timers that are due by then, each at its time, and sets the clock. */
export async function runTimersUntil(untilMs: number): Promise<void> {
  for (let timer = takeDue(untilMs); timer !== undefined; timer = takeDue(untilMs)) {
    now = Math.max(now, timer.at);
    timer.run();
    for (let turn = 0; turn < MICROTASKS; turn += 1) await Promise.resolve();
  }
  now = untilMs;
}

export function dropTimers(): void {
  timers = [];
}

/** Removes the next timer that is due by then, and returns it. */
function takeDue(untilMs: number): Timer | undefined {
  const [next] = timers.filter(({ at }) => at <= untilMs).sort((a, b) => a.at - b.at);
  timers = timers.filter((timer) => timer !== next);
  return next;
}

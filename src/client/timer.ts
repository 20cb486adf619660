/** The script of a dedicated worker. It receives a delay and a number, and sends the number back after the delay. */
const ALARM = 'let t;onmessage=({data:[d,n]})=>{clearTimeout(t);t=setTimeout(postMessage,d,n)}';
let alarmUrl: string | undefined;

/** The longest delay of `setTimeout` (ms). Browsers treat a longer one as 0. */
const DELAY_MAX_MS = 2 ** 31 - 1;

/** One timeout at a time. `set` replaces it. A delay of more than 24 days ends after 24 days. */
export interface Timer {
  set(delayMs: number): void;
  /** Stops the timeout, and the worker. */
  clear(): void;
  /** The time until the timeout ends (ms). It is below zero if the timeout is late. */
  remainingMs(): number;
}

/**
 * A timeout that is on time in hidden pages, if it is set while the page is hidden. In a page that is hidden for five minutes, Chromium
 * runs timers once a minute. The timers of a dedicated worker stay on time:
 * https://developer.chrome.com/blog/timer-throttling-in-chrome-88
 *
 * The page's own timer runs too, because the policy of a page may allow no worker. It needs `worker-src blob:`.
 */
export function createTimer(onTime: () => void): Timer {
  let timeout: ReturnType<typeof setTimeout> | undefined;
  let worker: Worker | undefined;
  /** The number of the running timeout. Otherwise a late message of the worker for a replaced timeout calls `onTime`. */
  let running = 0;
  let dueAt = 0;

  function end(number: number) {
    if (number !== running) return;
    running += 1;
    onTime();
  }

  return {
    set(delayMs) {
      const delay = Math.min(delayMs, DELAY_MAX_MS);
      const number = ++running;
      clearTimeout(timeout);
      timeout = setTimeout(end, delay, number);
      // Not by `Date`: a clock that is set back by an hour would delay it by an hour.
      dueAt = performance.now() + delay;
      if (globalThis.document?.hidden)
        try {
          alarmUrl ??= URL.createObjectURL(new Blob([ALARM]));
          worker ??= new Worker(alarmUrl);
          worker.onmessage = ({ data }) => end(data);
          worker.postMessage([delay, number]);
        } catch {
          // The page may not create a worker.
        }
    },
    clear() {
      running += 1;
      clearTimeout(timeout);
      worker?.terminate();
      worker = undefined;
    },
    remainingMs: () => dueAt - performance.now(),
  };
}
